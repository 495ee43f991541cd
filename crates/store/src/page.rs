//! Pages: the entities of a table, packed by ordinal.
//!
//! A page holds a fixed number of consecutive ordinals of one table and is one record of at most [`MAX_RECORD`] bytes.
//! Where its entities are too large for that, its largest parts are spilled: each into records of its own, in pieces,
//! under the sequence of the unit that put it. A page and the pieces that it names change in one batch.
//!
//! Every entity carries the sequence of the last unit that touched it, so that a page may be written again, or be newer
//! than the manifest says, without harm.

use bytes::Bytes;

use super::Error;
use super::codec::{Reader, Undecodable, put_varint};
use super::disk::{Disk, MAX_RECORD, Tree};
use super::unit::{Ordinal, Seq, Table};

/// The version of pages and of spilled pieces, their first byte.
pub(super) const VERSION: u8 = 1;
/// How often a spilled part is looked for again when the page changes under the reader.
const ATTEMPTS: usize = 16;
/// The bytes of a piece that are the part's: the rest is its head.
pub(super) const PIECE: usize = MAX_RECORD - PIECE_HEAD;
pub(super) const PIECE_HEAD: usize = 1 + 8;

/// The entities a page has room for. Chosen so that typical pages have 10 to 40 KB: an order has about 1.2 KB.
pub(super) const fn slots(table: Table) -> usize {
    match table {
        Table::Orders => 32,
        Table::Carts => 64,
        Table::Skus => 128,
        Table::Parked => 8,
    }
}

/// A page's place: its table, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PageId {
    pub(super) table: Table,
    pub(super) number: u64,
}

impl PageId {
    /// The page of an entity.
    pub(super) fn of(table: Table, ordinal: Ordinal) -> Self {
        Self { table, number: ordinal.0 / slots(table) as u64 }
    }

    /// What the keys of a table's pages begin with; their numbers follow.
    pub(super) const fn prefix(table: Table) -> [u8; 2] {
        [table as u8, b'p']
    }

    pub(super) fn key(self) -> [u8; 10] {
        let mut key = [0; 10];
        key[..2].copy_from_slice(&Self::prefix(self.table));
        key[2..].copy_from_slice(&self.number.to_be_bytes());
        key
    }

    /// The page whose key this is; `None` for another record's key.
    pub(super) fn from_key(key: &[u8]) -> Option<Self> {
        match key {
            [table, b'p', number @ ..] => Some(Self {
                table: Table::from_disk(*table).ok()?,
                number: u64::from_be_bytes(number.try_into().ok()?),
            }),
            _ => None,
        }
    }

    pub(super) fn slot(self, ordinal: Ordinal) -> usize {
        // The remainder is below the number of slots, which is small.
        usize::try_from(ordinal.0 % slots(self.table) as u64).unwrap_or(0)
    }

    pub(super) fn ordinal(self, slot: usize) -> Ordinal {
        Ordinal(self.number * slots(self.table) as u64 + slot as u64)
    }
}

/// An entity as its page has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    /// The last unit that touched it.
    pub(super) seq: Seq,
    /// The last unit that touched it by its trail.
    pub(super) trail: Option<Seq>,
    /// Its parts, growing.
    pub(super) parts: Vec<(u8, Value)>,
}

/// A part's value, or where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// In the page.
    Inline(Bytes),
    /// In pieces of its own.
    Spilled { stamp: Seq, len: usize },
}

impl Value {
    pub(super) fn inline_len(&self) -> usize {
        match self {
            Self::Inline(value) => value.len(),
            Self::Spilled { .. } => 0,
        }
    }
}

impl Stored {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.seq.0);
        put_varint(out, self.trail.map_or(0, |trail| trail.0));
        put_varint(out, self.parts.len() as u64);
        for (part, value) in &self.parts {
            out.push(*part);
            match value {
                Value::Inline(value) => {
                    put_varint(out, (value.len() as u64) << 1);
                    out.extend_from_slice(value);
                }
                Value::Spilled { stamp, len } => {
                    put_varint(out, (*len as u64) << 1 | 1);
                    put_varint(out, stamp.0);
                }
            }
        }
    }

    pub(super) fn decode(record: Bytes) -> Result<Self, Undecodable> {
        let mut reader = Reader::new(record);
        let seq = Seq(reader.varint()?);
        let trail = Some(reader.varint()?).filter(|&trail| trail > 0).map(Seq);
        let mut parts = Vec::with_capacity(reader.count(2)?);
        for _ in 0..parts.capacity() {
            let part = reader.u8()?;
            let kind = reader.varint()?;
            let len = usize::try_from(kind >> 1).map_err(|_| Undecodable)?;
            let value = match kind & 1 {
                0 => Value::Inline(reader.slice(len)?),
                _ => Value::Spilled { stamp: Seq(reader.varint()?), len },
            };
            parts.push((part, value));
        }
        reader.end()?;
        Ok(Self { seq, trail, parts })
    }
}

/// A page as it is on disk: its version, the end of every slot's entity, the entities.
#[derive(Debug, Clone)]
pub(super) struct Page {
    id: PageId,
    record: Bytes,
}

impl Page {
    /// Checks the record's head; an absent one is an empty page.
    pub(super) fn open(id: PageId, record: Option<Bytes>) -> Result<Self, Error> {
        let record = record.unwrap_or_default();
        if let Some(&version) = record.first() {
            Error::check_version("page", version, VERSION)?;
            if record.len() < 1 + 4 * slots(id.table) {
                return Err(Error::corrupt("page", &id.key()));
            }
        }
        Ok(Self { id, record })
    }

    pub(super) fn slot(&self, slot: usize) -> Result<Option<Bytes>, Error> {
        if self.record.is_empty() {
            return Ok(None);
        }
        let head = 1 + 4 * slots(self.id.table);
        let end_of = |slot: usize| {
            let at = 1 + 4 * slot;
            let end: [u8; 4] = self.record[at..at + 4].try_into().expect("four bytes");
            u32::from_le_bytes(end) as usize
        };
        let from = if slot == 0 { head } else { end_of(slot - 1) };
        let until = end_of(slot);
        if from < head || until < from || until > self.record.len() {
            return Err(Error::corrupt("page", &self.id.key()));
        }
        Ok((until > from).then(|| self.record.slice(from..until)))
    }

    pub(super) fn stored(&self, slot: usize) -> Result<Option<Stored>, Error> {
        let Some(entity) = self.slot(slot)? else {
            return Ok(None);
        };
        Stored::decode(entity).map(Some).map_err(Error::undecodable("page", &self.id.key()))
    }

    /// An entity of this page.
    pub(super) fn entity(&self, ordinal: Ordinal) -> Result<Option<Stored>, Error> {
        self.stored(self.id.slot(ordinal))
    }

    /// All entities of this page, in order.
    pub(super) fn entities(&self) -> Result<Vec<(Ordinal, Stored)>, Error> {
        let mut entities = Vec::new();
        for slot in 0..slots(self.id.table) {
            if let Some(stored) = self.stored(slot)? {
                entities.push((self.id.ordinal(slot), stored));
            }
        }
        Ok(entities)
    }
}

impl Page {
    /// The first ordinal behind this page.
    pub(super) fn end(&self) -> Ordinal {
        self.id.ordinal(slots(self.id.table))
    }
}

/// Goes through a table's pages on disk, from the one that has an ordinal on.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    disk: &'a dyn Disk,
    next: Option<PageId>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(disk: &'a dyn Disk, table: Table, from: Ordinal) -> Self {
        Self { disk, next: Some(PageId::of(table, from)) }
    }

    /// The next page that is there.
    pub(super) fn next(&mut self) -> Result<Option<Page>, Error> {
        let Some(from) = self.next.take() else {
            return Ok(None);
        };
        let found = self.disk.scan(Tree::Pages, &from.key(), 1)?.pop();
        let Some((key, record)) = found else {
            return Ok(None);
        };
        let Some(id) = PageId::from_key(&key).filter(|id| id.table == from.table) else {
            return Ok(None);
        };
        self.next = Some(PageId { table: id.table, number: id.number + 1 });
        Page::open(id, Some(record)).map(Some)
    }
}

/// Reads a part's value. `reread` gives the part as its page has it now; it is asked again when the pieces turn out to
/// be of another unit, since the store thread may have written both between two looks.
pub(super) fn value(
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
                if let Some(value) = pieces(disk, table, ordinal, part, stamp, len)? {
                    return Ok(Some(value));
                }
            }
        }
        found = reread()?;
    }
    Err(Error::corrupt("spilled part", &piece_key(table, ordinal, part, 0)))
}

pub(super) fn piece_key(table: Table, ordinal: Ordinal, part: u8, piece: u16) -> [u8; 13] {
    let mut key = [0; 13];
    key[0] = table as u8;
    key[1] = b's';
    key[2..10].copy_from_slice(&ordinal.0.to_be_bytes());
    key[10] = part;
    key[11..].copy_from_slice(&piece.to_be_bytes());
    key
}

/// How many pieces a value of `len` bytes has; values are limited to 2 MiB, so there are few.
pub(super) fn piece_count(len: usize) -> u16 {
    u16::try_from(len.div_ceil(PIECE)).unwrap_or(u16::MAX)
}

/// Puts a spilled value together; `None` when a piece is not there, or of another unit.
fn pieces(
    disk: &dyn Disk,
    table: Table,
    ordinal: Ordinal,
    part: u8,
    stamp: Seq,
    len: usize,
) -> Result<Option<Bytes>, Error> {
    let mut value = Vec::new();
    for piece in 0..piece_count(len) {
        let key = piece_key(table, ordinal, part, piece);
        let Some(record) = disk.get(Tree::Pages, &key)? else {
            return Ok(None);
        };
        let mut reader = Reader::new(record);
        let corrupt = || Error::undecodable("spilled part", &key);
        Error::check_version("spilled part", reader.u8().map_err(corrupt())?, VERSION)?;
        if reader.u64().map_err(corrupt())? != stamp.0 {
            return Ok(None);
        }
        value.extend_from_slice(&reader.slice(reader.remaining()).map_err(corrupt())?);
    }
    Ok((value.len() == len).then(|| value.into()))
}

#[cfg(test)]
#[expect(clippy::large_stack_arrays, reason = "values as long as a record may be")]
mod tests {
    use super::*;
    use crate::disk::Batch;
    use crate::draft::{self, Update};
    use crate::sim::SimDisk;

    const ORDINAL: Ordinal = Ordinal(33);

    /// Makes the first part of an order this value.
    fn put(disk: &SimDisk, seq: u64, value: &[u8]) {
        let parts = vec![(0, Some(Bytes::copy_from_slice(value)))];
        let update = Update { ordinal: ORDINAL, seq: Seq(seq), trail: None, parts };
        let mut batch = Batch::new(Tree::Pages);
        let id = PageId::of(Table::Orders, ORDINAL);
        draft::update(disk, id, &[update], &mut batch).expect("no fault is armed");
        disk.write(batch).expect("no fault is armed");
    }

    fn look(disk: &SimDisk) -> Option<Value> {
        let id = PageId::of(Table::Orders, ORDINAL);
        let record = disk.get(Tree::Pages, &id.key()).expect("no fault is armed");
        let stored = Page::open(id, record).expect("a page").entity(ORDINAL).expect("an entity");
        stored.and_then(|stored| stored.parts.into_iter().next()).map(|(_, value)| value)
    }

    #[test]
    fn a_long_value_is_in_pieces_that_go_with_it() {
        let disk = SimDisk::new(1);
        put(&disk, 1, &[7; 200_000]);
        assert!(matches!(look(&disk), Some(Value::Spilled { stamp: Seq(1), len: 200_000 })));
        assert_eq!(disk.records(Tree::Pages), 1 + 4);
        let read = value(&disk, (Table::Orders, ORDINAL, 0), look(&disk), || Ok(look(&disk)));
        assert_eq!(read.expect("a value").as_deref(), Some(&[7; 200_000][..]));
        put(&disk, 2, &[8; 100]);
        assert_eq!(look(&disk), Some(Value::Inline(Bytes::from(vec![8; 100]))));
        assert_eq!(disk.records(Tree::Pages), 1);
    }

    #[test]
    fn pieces_of_two_units_are_never_put_together() {
        // Given a reader that has looked at the page, and a writer that has replaced one of the pieces
        let disk = SimDisk::new(1);
        put(&disk, 1, &[7; 200_000]);
        let old = look(&disk);
        let newer = SimDisk::new(2);
        put(&newer, 2, &[8; 200_000]);
        let key = piece_key(Table::Orders, ORDINAL, 0, 1);
        let piece = newer.get(Tree::Pages, &key).expect("no fault is armed").expect("a piece");
        let mut batch = Batch::new(Tree::Pages);
        batch.put(key, piece.to_vec());
        disk.write(batch).expect("no fault is armed");
        // When the writer is done by the time that the reader looks again
        let read = value(&disk, (Table::Orders, ORDINAL, 0), old, || {
            put(&disk, 2, &[8; 200_000]);
            Ok(look(&disk))
        });
        // Then the reader has the newer value, whole
        assert_eq!(read.expect("a value").as_deref(), Some(&[8; 200_000][..]));
    }
}
