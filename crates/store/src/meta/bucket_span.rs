//! The time that a bucket of identities spans: written once.

use super::version::VERSION;
use crate::codec::Reader;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;

const BUCKET_SPAN: &[u8] = b"bucket span";

/// The time that a bucket of identities spans, in microseconds; `None` before it was written.
pub(crate) fn read(disk: &dyn Disk) -> Result<Option<i64>, Error> {
    let Some(record) = disk.get(Tree::Meta, BUCKET_SPAN)? else {
        return Ok(None);
    };
    let mut reader = Reader::new(record);
    let corrupt = || Error::undecodable("bucket span", BUCKET_SPAN);
    Error::check_version("bucket span", reader.u8().map_err(corrupt())?, VERSION)?;
    let span = reader.i64().map_err(corrupt())?;
    if span > 0 { Ok(Some(span)) } else { Err(Error::corrupt("bucket span", BUCKET_SPAN)) }
}

/// Writes the span, durably: identities are filed by it from then on.
pub(crate) fn write(disk: &dyn Disk, span: i64) -> Result<(), Error> {
    let mut record = vec![VERSION];
    record.extend_from_slice(&span.to_le_bytes());
    let mut batch = Batch::new(Tree::Meta);
    batch.put(BUCKET_SPAN, record);
    disk.write(batch)?;
    Ok(disk.sync()?)
}
