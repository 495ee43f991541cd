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
use super::disk::{Batch, Disk, MAX_RECORD, Tree};
use super::overlay::Recent;
use super::unit::{Ordinal, Seq, Table};

/// The version of pages and of spilled pieces, their first byte.
const VERSION: u8 = 1;
/// How often a spilled part is looked for again when the page changes under the reader.
const ATTEMPTS: usize = 16;
/// The bytes of a piece that are the part's: the rest is its head.
const PIECE: usize = MAX_RECORD - PIECE_HEAD;
const PIECE_HEAD: usize = 1 + 8;

/// The entities a page has room for. Chosen so that typical pages have 10 to 40 KB: an order has about 1.2 KB.
const fn slots(table: Table) -> usize {
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
        Self {
            table,
            number: ordinal.0 / slots(table) as u64,
        }
    }

    pub(super) fn key(self) -> [u8; 10] {
        let mut key = [0; 10];
        key[0] = self.table as u8;
        key[1] = b'p';
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

    fn slot(self, ordinal: Ordinal) -> usize {
        // The remainder is below the number of slots, which is small.
        usize::try_from(ordinal.0 % slots(self.table) as u64).unwrap_or(0)
    }

    fn ordinal(self, slot: usize) -> Ordinal {
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
    fn inline_len(&self) -> usize {
        match self {
            Self::Inline(value) => value.len(),
            Self::Spilled { .. } => 0,
        }
    }
}

impl Stored {
    fn encode(&self, out: &mut Vec<u8>) {
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

    fn decode(record: Bytes) -> Result<Self, Undecodable> {
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
                _ => Value::Spilled {
                    stamp: Seq(reader.varint()?),
                    len,
                },
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

    fn slot(&self, slot: usize) -> Result<Option<Bytes>, Error> {
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

    fn stored(&self, slot: usize) -> Result<Option<Stored>, Error> {
        let Some(entity) = self.slot(slot)? else {
            return Ok(None);
        };
        Stored::decode(entity)
            .map(Some)
            .map_err(Error::undecodable("page", &self.id.key()))
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
        Self {
            disk,
            next: Some(PageId::of(table, from)),
        }
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
        self.next = Some(PageId {
            table: id.table,
            number: id.number + 1,
        });
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
    Err(Error::corrupt(
        "spilled part",
        &piece_key(table, ordinal, part, 0),
    ))
}

fn piece_key(table: Table, ordinal: Ordinal, part: u8, piece: u16) -> [u8; 13] {
    let mut key = [0; 13];
    key[0] = table as u8;
    key[1] = b's';
    key[2..10].copy_from_slice(&ordinal.0.to_be_bytes());
    key[10] = part;
    key[11..].copy_from_slice(&piece.to_be_bytes());
    key
}

/// How many pieces a value of `len` bytes has; values are limited to 2 MiB, so there are few.
fn piece_count(len: usize) -> u16 {
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

/// Writes to `batch` what makes the page hold `changes`: entities and what recent units say of them, growing.
pub(super) fn update(
    disk: &dyn Disk,
    id: PageId,
    changes: &[(Ordinal, &Recent)],
    batch: &mut Batch,
) -> Result<(), Error> {
    let page = Page::open(id, disk.get(Tree::Pages, &id.key())?)?;
    let mut draft = Draft {
        id,
        slots: Vec::with_capacity(slots(id.table)),
        batch,
    };
    let mut changes = changes.iter().peekable();
    for slot in 0..slots(id.table) {
        let content = match changes.next_if(|(ordinal, _)| id.slot(*ordinal) == slot) {
            Some((ordinal, recent)) => draft.change(*ordinal, page.stored(slot)?, recent),
            None => page.slot(slot)?.map_or(Content::Empty, Content::Raw),
        };
        draft.slots.push(content);
    }
    draft.spill_to_fit()?;
    draft.write();
    Ok(())
}

/// What will be in a slot.
enum Content {
    Empty,
    /// As it was.
    Raw(Bytes),
    Changed(Stored),
}

/// A page that is being written.
struct Draft<'a> {
    id: PageId,
    slots: Vec<Content>,
    batch: &'a mut Batch,
}

impl Draft<'_> {
    fn change(&mut self, ordinal: Ordinal, stored: Option<Stored>, recent: &Recent) -> Content {
        let mut stored = stored.unwrap_or(Stored {
            seq: recent.seq,
            trail: None,
            parts: Vec::new(),
        });
        stored.seq = recent.seq;
        stored.trail = recent.trail.or(stored.trail);
        for change in &recent.parts {
            let at = stored
                .parts
                .binary_search_by_key(&change.part, |(part, _)| *part);
            if let Ok(at) = at
                && let Value::Spilled { len, .. } = stored.parts[at].1
            {
                self.remove_pieces(ordinal, change.part, 0, piece_count(len));
            }
            match (at, change.value.clone()) {
                (Ok(at), Some(value)) => stored.parts[at].1 = Value::Inline(value),
                (Ok(at), None) => drop(stored.parts.remove(at)),
                (Err(at), Some(value)) => {
                    stored.parts.insert(at, (change.part, Value::Inline(value)));
                }
                (Err(_), None) => {}
            }
        }
        if stored.parts.is_empty() && stored.trail.is_none() {
            Content::Empty
        } else {
            Content::Changed(stored)
        }
    }

    fn remove_pieces(&mut self, ordinal: Ordinal, part: u8, from: u16, until: u16) {
        for piece in from..until {
            self.batch
                .remove(piece_key(self.id.table, ordinal, part, piece));
        }
    }

    fn size(&self) -> usize {
        let entities: usize = self
            .slots
            .iter()
            .map(|content| match content {
                Content::Empty => 0,
                Content::Raw(raw) => raw.len(),
                // Two sequences, the count; a part's number, its length or stamp: generously.
                Content::Changed(stored) => {
                    24 + stored
                        .parts
                        .iter()
                        .map(|(_, value)| 16 + value.inline_len())
                        .sum::<usize>()
                }
            })
            .sum();
        1 + 4 * self.slots.len() + entities
    }

    /// Spills the largest parts until the page fits its record.
    fn spill_to_fit(&mut self) -> Result<(), Error> {
        if self.size() <= MAX_RECORD {
            return Ok(());
        }
        for content in &mut self.slots {
            if let Content::Raw(raw) = content {
                let stored = Stored::decode(raw.clone())
                    .map_err(Error::undecodable("page", &self.id.key()))?;
                *content = Content::Changed(stored);
            }
        }
        while self.size() > MAX_RECORD {
            let Some((slot, at)) = self.largest_inline() else {
                break;
            };
            self.spill(slot, at);
        }
        Ok(())
    }

    fn largest_inline(&self) -> Option<(usize, usize)> {
        let inline = self.slots.iter().enumerate().flat_map(|(slot, content)| {
            let parts = if let Content::Changed(stored) = content {
                stored.parts.as_slice()
            } else {
                &[]
            };
            parts
                .iter()
                .enumerate()
                .map(move |(at, (_, value))| (value.inline_len(), slot, at))
        });
        inline
            .max()
            .filter(|&(len, ..)| len > 0)
            .map(|(_, slot, at)| (slot, at))
    }

    fn spill(&mut self, slot: usize, at: usize) {
        let ordinal = self.id.ordinal(slot);
        let Content::Changed(stored) = &mut self.slots[slot] else {
            return;
        };
        let stamp = stored.seq;
        let (part, value) = &mut stored.parts[at];
        let part = *part;
        let spilled = Value::Spilled {
            stamp,
            len: value.inline_len(),
        };
        let Value::Inline(bytes) = std::mem::replace(value, spilled) else {
            return;
        };
        // A removal of pieces that stood before was noted first: a key must be in a batch once only.
        for (piece, bytes) in (0..).zip(bytes.chunks(PIECE)) {
            let key = piece_key(self.id.table, ordinal, part, piece);
            let mut record = Vec::with_capacity(PIECE_HEAD + bytes.len());
            record.push(VERSION);
            record.extend_from_slice(&stamp.0.to_le_bytes());
            record.extend_from_slice(bytes);
            match self
                .batch
                .changes
                .iter_mut()
                .find(|(changed, _)| *changed == key)
            {
                Some((_, change)) => *change = Some(record),
                None => self.batch.put(key, record),
            }
        }
    }

    fn write(self) {
        if self
            .slots
            .iter()
            .all(|content| matches!(content, Content::Empty))
        {
            self.batch.remove(self.id.key());
            return;
        }
        let mut record = Vec::with_capacity(self.size());
        record.push(VERSION);
        record.resize(1 + 4 * self.slots.len(), 0);
        for (slot, content) in self.slots.iter().enumerate() {
            match content {
                Content::Empty => {}
                Content::Raw(raw) => record.extend_from_slice(raw),
                Content::Changed(stored) => stored.encode(&mut record),
            }
            // A page is far below 4 GiB.
            let end = u32::try_from(record.len()).unwrap_or(u32::MAX);
            record[1 + 4 * slot..5 + 4 * slot].copy_from_slice(&end.to_le_bytes());
        }
        self.batch.put(self.id.key(), record);
    }
}
