//! The relay's cursor: every event below it was published. The record needs no sync of its own, since an older cursor
//! only means that some events are published again.

use crate::codec::Reader;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::unit::Seq;

pub(crate) const CURSOR: &[u8] = b"cursor";

/// The cursor on disk. `None`: no cursor was written yet.
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
