//! Spilled parts: values too large for their page, in pieces of their own.

use bytes::Bytes;

use super::page::Value;
use crate::codec::Reader;
use crate::disk::{Disk, MAX_RECORD, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::schema::Table;
use crate::unit::{Ordinal, Seq};

/// How often a spilled part is looked for again when the page changes under the reader.
const ATTEMPTS: usize = 16;
/// What marks the key of a piece, behind its table.
const PIECE_MARK: u8 = b's';
/// The bytes of a piece that are the part's: the rest is its head.
pub(crate) const PIECE: usize = MAX_RECORD - PIECE_HEAD;
pub(crate) const PIECE_HEAD: usize = 1 + 8;

/// Reads a part's value. `reread` gives the part as its page has it now; it is asked again when the pieces turn out to
/// be of another unit, since the store thread may have written both between two looks.
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

/// How many pieces a value of `len` bytes has; values are limited to 2 MiB, so there are few.
pub(crate) fn piece_count(len: usize) -> u16 {
    u16::try_from(len.div_ceil(PIECE)).unwrap_or(u16::MAX)
}

/// Puts a spilled value together; `None` when a piece is not there, or of another unit.
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
