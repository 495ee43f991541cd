//! How far the relay came. A hint: publishing an event again is harmless, so the record needs no sync of its own.

use crate::codec::Reader;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::unit::Seq;

pub(crate) const CURSOR: &[u8] = b"cursor";

/// Every event below this was published; `None` before the first one was.
pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Seq>, Error> {
    let Some(record) = disk.get(Tree::Meta, CURSOR)? else {
        return Ok(None);
    };
    let cursor = Reader::new(Kind::Cursor.open(CURSOR, record)?).u64();
    cursor.map(|cursor| Some(Seq(cursor))).map_err(Error::undecodable(Kind::Cursor.name(), CURSOR))
}

pub(crate) fn write(disk: &dyn Disk, cursor: Seq) -> Result<(), Error> {
    let mut record = vec![Kind::Cursor.version()];
    record.extend_from_slice(&cursor.0.to_le_bytes());
    let mut batch = Batch::new(Tree::Meta);
    batch.put(CURSOR, record);
    Ok(disk.write(batch)?)
}
