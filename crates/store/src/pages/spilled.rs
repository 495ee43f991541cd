//! Spilled parts: values too large for their page, in pieces of their own.

use bytes::Bytes;

use super::page::Value;
use crate::codec::Reader;
use crate::disk::{Disk, MAX_RECORD, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::schema::Table;
use crate::unit::{Ordinal, Seq};

/// How often a reader tries to read a spilled part while the page changes meanwhile.
const ATTEMPTS: usize = 16;
/// The second byte of a piece's key, after the table.
const PIECE_MARK: u8 = b's';
/// The most bytes of the value in one piece. The rest of the record is its head.
pub(crate) const PIECE: usize = MAX_RECORD - PIECE_HEAD;
pub(crate) const PIECE_HEAD: usize = 1 + 8;

/// Reads the value of a part. If the pieces belong to another unit than the page says, the store thread replaced both
/// between the two reads. Then `reread` reads the part from its page again.
pub(crate) fn value(
    disk: &dyn Disk,
    (table, ordinal, part): (Table, Ordinal, u8),
    mut found: Option<Value>,
    mut reread: impl FnMut() -> Result<Option<Value>, Error>,
) -> Result<Option<Bytes>, Error> {
    for _ in 0..ATTEMPTS {
        match found {
            None => return Ok(None),
            Some(Value::Inline(value)) => return Ok(Some(value)),
            Some(Value::Spilled { stamp, len }) => {
                if let Some(value) = pieces(disk, (table, ordinal, part), stamp, len)? {
                    return Ok(Some(value));
                }
            }
        }
        found = reread()?;
    }
    Err(Error::corrupt(Kind::SpilledPiece.name(), &piece_key(table, ordinal, part, 0)))
}

pub(crate) fn piece_key(table: Table, ordinal: Ordinal, part: u8, piece: u16) -> [u8; 13] {
    let mut key = [0; 13];
    key[0] = table.number();
    key[1] = PIECE_MARK;
    key[2..10].copy_from_slice(&ordinal.0.to_be_bytes());
    key[10] = part;
    key[11..].copy_from_slice(&piece.to_be_bytes());
    key
}

/// The number of pieces of a value of `len` bytes. Values are limited to 2 MiB, so the number is small.
pub(crate) fn piece_count(len: usize) -> u16 {
    u16::try_from(len.div_ceil(PIECE)).unwrap_or(u16::MAX)
}

/// Joins the pieces of a spilled value. `None`: a piece is missing, or belongs to another unit.
pub(crate) fn pieces(
    disk: &dyn Disk,
    (table, ordinal, part): (Table, Ordinal, u8),
    stamp: Seq,
    len: usize,
) -> Result<Option<Bytes>, Error> {
    let mut value = Vec::new();
    for piece in 0..piece_count(len) {
        let key = piece_key(table, ordinal, part, piece);
        let Some(record) = disk.get(Tree::Pages, &key)? else {
            return Ok(None);
        };
        let mut reader = Reader::new(Kind::SpilledPiece.open(&key, record)?);
        let put_at = reader.u64().map_err(Error::undecodable(Kind::SpilledPiece.name(), &key))?;
        if put_at != stamp.0 {
            return Ok(None);
        }
        value.extend_from_slice(&reader.rest());
    }
    Ok((value.len() == len).then(|| value.into()))
}
