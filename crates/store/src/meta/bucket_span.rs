//! The time that a bucket of identities spans: written once.

use super::version::VERSION;
use crate::codec::Reader;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;

const BUCKET_SPAN: &[u8] = b"bucket span";

/// The time that a bucket of identities spans, in microseconds: what the store was made with, else `new` from now on.
pub(crate) fn read_or_write(disk: &dyn Disk, new: i64) -> Result<i64, Error> {
    if let Some(record) = disk.get(Tree::Meta, BUCKET_SPAN)? {
        let mut reader = Reader::new(record);
        let corrupt = || Error::undecodable("bucket span", BUCKET_SPAN);
        Error::check_version("bucket span", reader.u8().map_err(corrupt())?, VERSION)?;
        let span = reader.i64().map_err(corrupt())?;
        return Some(span)
            .filter(|&span| span > 0)
            .ok_or_else(|| Error::corrupt("bucket span", BUCKET_SPAN));
    }
    let mut record = vec![VERSION];
    record.extend_from_slice(&new.to_le_bytes());
    let mut batch = Batch::new(Tree::Meta);
    batch.put(BUCKET_SPAN, record);
    disk.write(batch)?;
    disk.sync()?;
    Ok(new)
}
