//! How far the relay came. A hint: publishing an event again is harmless, so the record needs no sync of its own.

use super::version::VERSION;
use crate::codec::Reader;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::unit::Seq;

const CURSOR: &[u8] = b"cursor";

/// How far the relay came: everything before this was published.
pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Seq>, Error> {
    let Some(record) = disk.get(Tree::Meta, CURSOR)? else {
        return Ok(None);
    };
    let mut reader = Reader::new(record);
    let corrupt = || Error::undecodable("cursor", CURSOR);
    Error::check_version("cursor", reader.u8().map_err(corrupt())?, VERSION)?;
    Ok(Some(Seq(reader.u64().map_err(corrupt())?)))
}

pub(crate) fn write(disk: &dyn Disk, cursor: Seq) -> Result<(), Error> {
    let mut record = vec![VERSION];
    record.extend_from_slice(&cursor.0.to_le_bytes());
    let mut batch = Batch::new(Tree::Meta);
    batch.put(CURSOR, record);
    Ok(disk.write(batch)?)
}
