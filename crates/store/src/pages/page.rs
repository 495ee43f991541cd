//! Pages: the entities of a table, packed by ordinal.
//!
//! A page holds a fixed number of consecutive ordinals of one table. It is one record of at most [`MAX_RECORD`] bytes.
//! If its entities are larger than that, its largest parts are spilled: each is stored in pieces, which are records of
//! their own and carry the sequence of the unit that put the part. A page and its pieces change in one batch.
//!
//! Every entity carries the sequence of the last unit that changed it. So no harm is done when a page is written again,
//! or when a page on disk is newer than the manifest.

use bytes::Bytes;

use crate::codec::{Reader, Undecodable, put_varint};
use crate::disk::{Disk, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::schema::{PageSizes, Table};
use crate::unit::{Ordinal, Seq};

/// The second byte of a page's key, after the table. The keys of spilled pieces have another one.
const PAGE: u8 = b'p';

/// The id of a page: its table, and its number in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PageId {
    pub(crate) table: Table,
    pub(crate) number: u64,
    /// The number of entities that a page of the table has room for.
    slots: usize,
}

impl PageId {
    /// The page of an entity.
    pub(crate) fn of(sizes: &PageSizes, table: Table, ordinal: Ordinal) -> Self {
        let slots = sizes.of_table(table);
        Self { table, number: ordinal.0 / slots as u64, slots }
    }

    /// The number of entities that the page has room for.
    pub(crate) const fn slots(self) -> usize {
        self.slots
    }

    /// The next page. `None`: no ordinal is left for another page.
    const fn next(self) -> Option<Self> {
        let last = u64::MAX / self.slots as u64;
        if self.number < last { Some(Self { number: self.number + 1, ..self }) } else { None }
    }

    /// The prefix of the keys of a table's pages. The number of the page follows.
    pub(crate) const fn prefix(table: Table) -> [u8; 2] {
        [table.number(), PAGE]
    }

    pub(crate) fn key(self) -> [u8; 10] {
        let mut key = [0; 10];
        key[..2].copy_from_slice(&Self::prefix(self.table));
        key[2..].copy_from_slice(&self.number.to_be_bytes());
        key
    }

    /// The page of the same table with this key. `None`: the key belongs to another record.
    fn sibling(self, key: &[u8]) -> Option<Self> {
        let number = key.strip_prefix(&Self::prefix(self.table))?;
        Some(Self { number: u64::from_be_bytes(number.try_into().ok()?), ..self })
    }

    pub(crate) fn slot(self, ordinal: Ordinal) -> usize {
        // the remainder is below the number of slots, which is small
        usize::try_from(ordinal.0 % self.slots as u64).unwrap_or(0)
    }

    /// The first ordinal after this page. For the last page it is `u64::MAX`, which no entity has.
    pub(crate) fn end(self) -> Ordinal {
        self.ordinal(self.slots)
    }

    /// The ordinal of a slot. The last page may have slots for which no ordinal is left: theirs is `u64::MAX`.
    pub(crate) fn ordinal(self, slot: usize) -> Ordinal {
        let first = self.number.saturating_mul(self.slots as u64);
        Ordinal(first.saturating_add(slot as u64))
    }
}

/// An entity as its page holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The last unit that changed it.
    pub(crate) seq: Seq,
    /// The last unit in its history.
    pub(crate) history: Option<Seq>,
    /// The parts, in ascending order of their numbers.
    pub(crate) parts: Vec<(u8, Value)>,
}

/// The value of a part, or where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// In the page.
    Inline(Bytes),
    /// In pieces, which carry the sequence `stamp`.
    Spilled { stamp: Seq, len: usize },
}

impl Value {
    pub(crate) fn inline_len(&self) -> usize {
        match self {
            Self::Inline(value) => value.len(),
            Self::Spilled { .. } => 0,
        }
    }
}

impl Stored {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.seq.0);
        put_varint(out, self.history.map_or(0, |history| history.0));
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

    pub(crate) fn decode(record: Bytes) -> Result<Self, Undecodable> {
        let mut reader = Reader::new(record);
        let seq = Seq(reader.varint()?);
        let history = Some(reader.varint()?).filter(|&history| history > 0).map(Seq);
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
        Ok(Self { seq, history, parts })
    }
}

/// A page as it is on disk, without its version byte: the end offset of the entity in every slot, then the entities.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    id: PageId,
    /// The content after the version byte. Empty for a page that does not exist.
    content: Bytes,
}

impl Page {
    /// Opens the record of a page, of any version. Without a record the page is empty.
    pub(crate) fn open(id: PageId, record: Option<Bytes>) -> Result<Self, Error> {
        let Some(record) = record.filter(|record| !record.is_empty()) else {
            return Ok(Self { id, content: Bytes::new() });
        };
        let content = Kind::Page.open(&id.key(), record)?;
        if content.len() < 4 * id.slots {
            return Err(Error::corrupt(Kind::Page.name(), &id.key()));
        }
        Ok(Self { id, content })
    }

    pub(crate) fn slot(&self, slot: usize) -> Result<Option<Bytes>, Error> {
        if self.content.is_empty() {
            return Ok(None);
        }
        let head = 4 * self.id.slots;
        let end_of = |slot: usize| {
            let at = 4 * slot;
            let end: [u8; 4] = self.content[at..at + 4].try_into().expect("four bytes");
            u32::from_le_bytes(end) as usize
        };
        let from = if slot == 0 { head } else { end_of(slot - 1) };
        let until = end_of(slot);
        if from < head || until < from || until > self.content.len() {
            return Err(Error::corrupt(Kind::Page.name(), &self.id.key()));
        }
        Ok((until > from).then(|| self.content.slice(from..until)))
    }

    pub(crate) fn stored(&self, slot: usize) -> Result<Option<Stored>, Error> {
        let Some(entity) = self.slot(slot)? else {
            return Ok(None);
        };
        Stored::decode(entity)
            .map(Some)
            .map_err(Error::undecodable(Kind::Page.name(), &self.id.key()))
    }

    /// An entity of this page.
    pub(crate) fn entity(&self, ordinal: Ordinal) -> Result<Option<Stored>, Error> {
        self.stored(self.id.slot(ordinal))
    }

    /// All entities of this page, in order.
    pub(crate) fn entities(&self) -> Result<Vec<(Ordinal, Stored)>, Error> {
        self.entities_from(Ordinal(0)).collect()
    }

    /// The entities of this page from an ordinal on, in order.
    pub(crate) fn entities_from(
        &self,
        from: Ordinal,
    ) -> impl Iterator<Item = Result<(Ordinal, Stored), Error>> {
        let slots = (0..self.id.slots).filter(move |slot| self.id.ordinal(*slot) >= from);
        slots.filter_map(|slot| {
            let stored = self.stored(slot).transpose()?;
            Some(stored.map(|stored| (self.id.ordinal(slot), stored)))
        })
    }
}

impl Page {
    /// The first ordinal after this page.
    pub(crate) fn end(&self) -> Ordinal {
        self.id.end()
    }
}

/// Iterates over the pages of a table on disk, in order.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    disk: &'a dyn Disk,
    next: Option<PageId>,
}

impl<'a> Walk<'a> {
    /// Begins with the page `from`.
    pub(crate) const fn new(disk: &'a dyn Disk, from: PageId) -> Self {
        Self { disk, next: Some(from) }
    }

    /// The next page that exists.
    pub(crate) fn next(&mut self) -> Result<Option<Page>, Error> {
        let Some(from) = self.next.take() else {
            return Ok(None);
        };
        let found = self.disk.scan(Tree::Pages, &from.key(), 1)?.pop();
        let Some((key, record)) = found else {
            return Ok(None);
        };
        let Some(id) = from.sibling(&key) else {
            return Ok(None);
        };
        self.next = id.next();
        Page::open(id, Some(record)).map(Some)
    }
}
