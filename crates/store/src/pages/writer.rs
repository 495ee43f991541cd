//! Writing pages: merges the changes of recent units into the pages on disk.

use bytes::Bytes;

use super::page::{Page, PageId, Stored, Value};
use super::spilled::{PIECE, PIECE_HEAD, piece_count, piece_key};
use crate::disk::{Batch, Disk, MAX_RECORD, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::schema::Table;
use crate::unit::{Ordinal, Put, Seq, Unit};

/// The changes of one entity.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) ordinal: Ordinal,
    /// The last unit that changed it.
    pub(crate) seq: Seq,
    /// The last of these units that belongs to the entity's history.
    pub(crate) history: Option<Seq>,
    /// The changed parts, in any order. `None`: the part is removed.
    pub(crate) parts: Vec<(u8, Option<Bytes>)>,
}

impl Update {
    /// An update without changes.
    pub(crate) const fn new(ordinal: Ordinal) -> Self {
        Self { ordinal, seq: Seq::FIRST, history: None, parts: Vec::new() }
    }

    /// Adds the changes of `unit`, which must be later than the units that were added before.
    pub(crate) fn add(&mut self, table: Table, unit: &Unit) {
        self.seq = unit.seq;
        let is_ours = |put: &&Put| (put.table, put.ordinal) == (table, self.ordinal);
        for put in unit.puts.iter().filter(is_ours) {
            match self.parts.iter_mut().find(|(part, _)| *part == put.part) {
                Some((_, value)) => value.clone_from(&put.value),
                None => self.parts.push((put.part, put.value.clone())),
            }
        }
        let link = unit.history.filter(|link| (link.table, link.ordinal) == (table, self.ordinal));
        self.history = link.map(|_| unit.seq).or(self.history);
    }
}

/// Adds to `batch` the writes that apply `updates` to the page. The updates are in ascending order of their ordinals.
pub(crate) fn update(
    disk: &dyn Disk,
    id: PageId,
    updates: &[Update],
    batch: &mut Batch,
) -> Result<(), Error> {
    let page = Page::open(id, disk.get(Tree::Pages, &id.key())?)?;
    let mut writer = PageWriter { id, slots: Vec::with_capacity(id.slots()), batch };
    let mut updates = updates.iter().peekable();
    for slot in 0..id.slots() {
        let content = match updates.next_if(|update| id.slot(update.ordinal) == slot) {
            Some(update) => writer.change(page.stored(slot)?, update),
            None => page.slot(slot)?.map_or(Content::Empty, Content::Raw),
        };
        writer.slots.push(content);
    }
    writer.spill_to_fit()?;
    writer.write();
    Ok(())
}

/// The new content of a slot.
enum Content {
    Empty,
    /// The entity did not change.
    Raw(Bytes),
    Changed(Stored),
}

/// A page that is being written.
struct PageWriter<'a> {
    id: PageId,
    slots: Vec<Content>,
    batch: &'a mut Batch,
}

impl PageWriter<'_> {
    fn change(&mut self, stored: Option<Stored>, update: &Update) -> Content {
        let mut stored =
            stored.unwrap_or(Stored { seq: update.seq, history: None, parts: Vec::new() });
        stored.seq = update.seq;
        stored.history = update.history.or(stored.history);
        for (part, value) in &update.parts {
            let at = stored.parts.binary_search_by_key(part, |(part, _)| *part);
            if let Ok(at) = at
                && let Value::Spilled { len, .. } = stored.parts[at].1
            {
                self.remove_pieces(update.ordinal, *part, 0, piece_count(len));
            }
            match (at, value.clone()) {
                (Ok(at), Some(value)) => stored.parts[at].1 = Value::Inline(value),
                (Ok(at), None) => drop(stored.parts.remove(at)),
                (Err(at), Some(value)) => {
                    stored.parts.insert(at, (*part, Value::Inline(value)));
                }
                (Err(_), None) => {}
            }
        }
        if stored.parts.is_empty() && stored.history.is_none() {
            Content::Empty
        } else {
            Content::Changed(stored)
        }
    }

    fn remove_pieces(&mut self, ordinal: Ordinal, part: u8, from: u16, until: u16) {
        for piece in from..until {
            self.batch.remove(piece_key(self.id.table, ordinal, part, piece));
        }
    }

    fn size(&self) -> usize {
        let entities: usize = self
            .slots
            .iter()
            .map(|content| match content {
                Content::Empty => 0,
                Content::Raw(raw) => raw.len(),
                // an upper bound: 24 bytes for two sequences and the count, 16 for each part's number, length or stamp
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
                    .map_err(Error::undecodable(Kind::Page.name(), &self.id.key()))?;
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
            let parts =
                if let Content::Changed(stored) = content { stored.parts.as_slice() } else { &[] };
            parts.iter().enumerate().map(move |(at, (_, value))| (value.inline_len(), slot, at))
        });
        inline.max().filter(|&(len, ..)| len > 0).map(|(_, slot, at)| (slot, at))
    }

    fn spill(&mut self, slot: usize, at: usize) {
        let ordinal = self.id.ordinal(slot);
        let Content::Changed(stored) = &mut self.slots[slot] else {
            return;
        };
        let stamp = stored.seq;
        let (part, value) = &mut stored.parts[at];
        let part = *part;
        let spilled = Value::Spilled { stamp, len: value.inline_len() };
        let Value::Inline(bytes) = std::mem::replace(value, spilled) else {
            return;
        };
        // the batch may already remove the old pieces under the same keys, and a key must be in a batch only once
        for (piece, bytes) in (0..).zip(bytes.chunks(PIECE)) {
            let key = piece_key(self.id.table, ordinal, part, piece);
            let mut record = Vec::with_capacity(PIECE_HEAD + bytes.len());
            record.push(Kind::SpilledPiece.version());
            record.extend_from_slice(&stamp.0.to_le_bytes());
            record.extend_from_slice(bytes);
            match self.batch.changes.iter_mut().find(|(changed, _)| *changed == key) {
                Some((_, change)) => *change = Some(record),
                None => self.batch.put(key, record),
            }
        }
    }

    fn write(self) {
        if self.slots.iter().all(|content| matches!(content, Content::Empty)) {
            self.batch.remove(self.id.key());
            return;
        }
        let mut record = Vec::with_capacity(self.size());
        record.push(Kind::Page.version());
        record.resize(1 + 4 * self.slots.len(), 0);
        for (slot, content) in self.slots.iter().enumerate() {
            match content {
                Content::Empty => {}
                Content::Raw(raw) => record.extend_from_slice(raw),
                Content::Changed(stored) => stored.encode(&mut record),
            }
            // the offset counts from after the version byte; a page is far below 4 GiB
            let end = u32::try_from(record.len() - 1).unwrap_or(u32::MAX);
            record[1 + 4 * slot..5 + 4 * slot].copy_from_slice(&end.to_le_bytes());
        }
        self.batch.put(self.id.key(), record);
    }
}
