//! Writing the journal: packing units into chunks, cutting its end, pruning its beginning.

use super::chunk::{CHUNK, HEAD, Head, Place, key, number_of};
use crate::disk::{Batch, Disk, Pair, Tree};
use crate::error::Error;
use crate::position::Position;
use crate::unit::{EncodedUnit, Seq, Unit};

/// Packs consecutive units into numbered chunks. Each record is a batch of its own. A crash may keep any of these
/// batches: the next open cuts the journal after the last whole unit.
#[derive(Debug)]
pub(crate) struct Packer {
    number: u64,
    /// The position behind the last unit, if there is one.
    position: Option<Position>,
    /// The longest chunk of several units, in bytes.
    longest: usize,
    /// The chunk that is being filled; empty before its first unit.
    chunk: Vec<u8>,
    first: Seq,
    next: Seq,
    at: i64,
    /// The batches to write, in order.
    pub(crate) batches: Vec<Batch>,
    /// The first sequence and the number of each chunk.
    pub(crate) firsts: Vec<(Seq, u64)>,
}

impl Packer {
    /// A packer whose first chunk has this number. With a position the units count only together.
    pub(crate) fn new(number: u64, position: Option<Position>) -> Self {
        Self {
            number,
            position,
            longest: position.map_or(CHUNK, |_| CHUNK - Position::ENCODED),
            chunk: Vec::new(),
            first: Seq::FIRST,
            next: Seq::FIRST,
            at: 0,
            batches: Vec::new(),
            firsts: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, unit: &Unit) {
        self.push_with(unit, |out| unit.encode(out));
    }

    /// Packs a unit that is encoded already.
    pub(crate) fn push_encoded(&mut self, encoded: &EncodedUnit) {
        self.push_with(&encoded.unit, |out| out.extend_from_slice(&encoded.bytes));
    }

    fn push_with(&mut self, unit: &Unit, encode: impl FnOnce(&mut Vec<u8>)) {
        if self.chunk.len() > self.longest {
            self.end(self.further());
        }
        if self.chunk.is_empty() {
            self.begin(unit);
        }
        let from = self.chunk.len();
        append(encode, &mut self.chunk);
        if self.chunk.len() > self.longest && from > HEAD {
            // the unit does not fit: move its encoded bytes to the next chunk
            let moved = self.chunk.split_off(from);
            self.end(self.further());
            self.begin(unit);
            self.chunk.extend_from_slice(&moved);
        }
        (self.next, self.at) = (unit.next, unit.at);
    }

    /// Ends the last chunk. Returns the number of the next one.
    pub(crate) fn finish(&mut self) -> u64 {
        if !self.chunk.is_empty() {
            let mut place = Place::Alone;
            if let Some(position) = &self.position {
                position.encode(&mut self.chunk);
                place = Place::Last;
            }
            self.end(place);
        }
        self.number
    }

    /// The place of a chunk that is not the last.
    const fn further(&self) -> Place {
        if self.position.is_some() { Place::Continued } else { Place::Alone }
    }

    fn begin(&mut self, unit: &Unit) {
        self.first = unit.seq;
        self.chunk.reserve(CHUNK);
        self.chunk.resize(HEAD, 0);
    }

    fn end(&mut self, place: Place) {
        self.firsts.push((self.first, self.number));
        let mut chunk = std::mem::take(&mut self.chunk);
        // a unit has few values of at most 2 MiB each: far fewer than 65,535 parts
        let parts = u16::try_from((chunk.len() - HEAD).div_ceil(CHUNK - HEAD)).unwrap_or(u16::MAX);
        let head = Head { first: self.first, next: self.next, at: self.at, parts, part: 0, place };
        if parts == 1 {
            head.write(&mut chunk);
            self.put(chunk);
            return;
        }
        for (part, piece) in (0..).zip(chunk[HEAD..].chunks(CHUNK - HEAD)) {
            let mut record = vec![0; HEAD];
            Head { part, ..head }.write(&mut record);
            record.extend_from_slice(piece);
            self.put(record);
        }
    }

    fn put(&mut self, record: Vec<u8>) {
        let mut batch = Batch::new(Tree::Journal);
        batch.put(key(self.number), record);
        self.batches.push(batch);
        self.number += 1;
    }
}

/// Appends the length of a unit, then the unit.
fn append(encode: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    let from = out.len();
    out.extend_from_slice(&[0; 4]);
    encode(out);
    let len = u32::try_from(out.len() - from - 4)
        .expect("a unit's values are limited to far less than 4 GiB");
    out[from..from + 4].copy_from_slice(&len.to_le_bytes());
}

/// Empties every record from `number` on. Returns how many were not empty. Their units were never acknowledged.
pub(crate) fn cut(disk: &dyn Disk, number: u64) -> Result<u64, Error> {
    let mut removed = 0;
    let mut from = number;
    loop {
        let found: Vec<Pair> = disk.scan(Tree::Journal, &key(from), 64)?;
        let Some((last, _)) = found.last() else {
            return Ok(removed);
        };
        from = number_of(last)? + 1;
        let mut batch = Batch::new(Tree::Journal);
        for (key, _) in found.iter().filter(|(_, record)| !record.is_empty()) {
            batch.put(key.to_vec(), Vec::new());
        }
        if !batch.changes.is_empty() {
            removed += batch.changes.len() as u64;
            disk.write(batch)?;
        }
    }
}

/// Removes the records with these numbers. Returns how many.
pub(crate) fn remove(disk: &dyn Disk, numbers: impl Iterator<Item = u64>) -> Result<usize, Error> {
    let mut batch = Batch::new(Tree::Journal);
    for number in numbers {
        batch.remove(key(number));
    }
    let removed = batch.changes.len();
    if removed > 0 {
        disk.write(batch)?;
    }
    Ok(removed)
}
