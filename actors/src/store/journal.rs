//! The journal's chunks: whole units, packed, under growing keys.
//!
//! A chunk is one record of at most [`MAX_RECORD`] bytes and holds units of one commit that follow each other; its key
//! is the first one's sequence. A unit that is longer than a record is a chunk in parts, which counts only when all
//! are there. The first chunk that does not begin where the one before ended is the journal's end.

use bytes::Bytes;

use super::Error;
use super::codec::{Reader, Undecodable};
use super::disk::{Batch, Disk, MAX_RECORD, Pair, Tree};
use super::unit::{self, Seq, Unit};

/// The version of a chunk, its first byte.
const VERSION: u8 = 1;
/// A chunk's head: version, parts, first and next sequence, the last unit's time.
const HEAD: usize = 1 + 2 + 8 + 8 + 8;
/// A batch is ended when it has this many bytes.
const BATCH: usize = 2 << 20;

/// The key of a chunk, or of one of its parts.
pub(super) fn key(first: Seq, part: u16) -> [u8; 10] {
    let mut key = [0; 10];
    key[..8].copy_from_slice(&first.0.to_be_bytes());
    key[8..].copy_from_slice(&part.to_be_bytes());
    key
}

fn first_of(key: &[u8]) -> Option<Seq> {
    Some(Seq(u64::from_be_bytes(key.get(..8)?.try_into().ok()?)))
}

/// Packs units, which follow each other, into batches.
#[derive(Debug, Default)]
pub(super) struct Packer {
    /// The chunk that is being filled; empty before its first unit.
    chunk: Vec<u8>,
    first: u64,
    next: u64,
    at: i64,
    changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    size: usize,
    batches: Vec<Batch>,
}

impl Packer {
    pub(super) fn push(&mut self, unit: &Unit) {
        if self.chunk.is_empty() {
            self.begin(unit);
        }
        let from = self.chunk.len();
        append(unit, &mut self.chunk);
        if self.chunk.len() > MAX_RECORD && from > HEAD {
            // It goes into the next chunk, as it is encoded.
            let moved = self.chunk.split_off(from);
            self.end();
            self.begin(unit);
            self.chunk.extend_from_slice(&moved);
        }
        (self.next, self.at) = (unit.next.0, unit.at);
        if self.chunk.len() > MAX_RECORD {
            self.end();
        }
    }

    /// What is to be written, in order.
    pub(super) fn finish(mut self) -> Vec<Batch> {
        if !self.chunk.is_empty() {
            self.end();
        }
        self.end_batch();
        self.batches
    }

    fn begin(&mut self, unit: &Unit) {
        self.first = unit.seq.0;
        self.chunk.reserve(MAX_RECORD.min(HEAD + 4 + unit.size()));
        self.chunk.resize(HEAD, 0);
    }

    fn end(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        let body = &chunk[HEAD..];
        // A unit has a few values of at most 2 MiB each: far fewer parts than 65,535.
        let parts = u16::try_from(body.len().div_ceil(MAX_RECORD - HEAD)).unwrap_or(u16::MAX);
        let mut head = Vec::with_capacity(HEAD);
        head.push(VERSION);
        head.extend_from_slice(&parts.to_le_bytes());
        head.extend_from_slice(&self.first.to_le_bytes());
        head.extend_from_slice(&self.next.to_le_bytes());
        head.extend_from_slice(&self.at.to_le_bytes());
        if parts == 1 {
            let mut chunk = chunk;
            chunk[..HEAD].copy_from_slice(&head);
            self.put(0, chunk);
        } else {
            for (part, piece) in (0..).zip(body.chunks(MAX_RECORD - HEAD)) {
                self.put(part, [&head, piece].concat());
            }
        }
    }

    fn put(&mut self, part: u16, record: Vec<u8>) {
        self.size += record.len();
        self.changes
            .push((key(Seq(self.first), part).to_vec(), Some(record)));
        if self.size >= BATCH {
            self.end_batch();
        }
    }

    fn end_batch(&mut self) {
        if !self.changes.is_empty() {
            self.batches.push(Batch {
                tree: Tree::Journal,
                changes: std::mem::take(&mut self.changes),
            });
            self.size = 0;
        }
    }
}

/// Appends a unit behind its length.
fn append(unit: &Unit, out: &mut Vec<u8>) {
    let from = out.len();
    out.extend_from_slice(&[0; 4]);
    unit.encode(out);
    let len = u32::try_from(out.len() - from - 4)
        .expect("a unit's values are limited to far less than 4 GiB");
    out[from..from + 4].copy_from_slice(&len.to_le_bytes());
}

/// What a chunk's head says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) first: Seq,
    pub(super) next: Seq,
    /// The time of its last unit.
    pub(super) at: i64,
    pub(super) parts: u16,
}

impl Head {
    /// Reads a head; `reader` is behind it then.
    fn read(key: &[u8], reader: &mut Reader) -> Result<Self, Error> {
        let corrupt = || Error::undecodable("journal chunk", key);
        Error::check_version("journal chunk", reader.u8().map_err(corrupt())?, VERSION)?;
        let mut read = || -> Result<Self, Undecodable> {
            let parts = u16::from_le_bytes([reader.u8()?, reader.u8()?]);
            Ok(Self {
                parts,
                first: Seq(reader.u64()?),
                next: Seq(reader.u64()?),
                at: reader.i64()?,
            })
        };
        let head = read().map_err(corrupt())?;
        if first_of(key) == Some(head.first) && head.next > head.first && head.parts > 0 {
            Ok(head)
        } else {
            Err(Error::corrupt("journal chunk", key))
        }
    }

    pub(super) fn of((key, record): &Pair) -> Result<Self, Error> {
        Self::read(key, &mut Reader::new(record.clone()))
    }
}

/// A chunk with its units, which are decoded one by one.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) head: Head,
    rest: Reader,
}

impl Chunk {
    /// Reads a chunk whose first record was found; `None` when parts of it are missing.
    fn load(disk: &dyn Disk, (found, record): Pair) -> Result<Option<Self>, Error> {
        let mut reader = Reader::new(record);
        let head = Head::read(&found, &mut reader)?;
        if found[..] != key(head.first, 0) {
            return Ok(None);
        }
        if head.parts == 1 {
            return Ok(Some(Self { head, rest: reader }));
        }
        let rest = |reader: &mut Reader| reader.slice(reader.remaining()).unwrap_or_default();
        let mut body = rest(&mut reader).to_vec();
        for part in 1..head.parts {
            let part_key = key(head.first, part);
            let Some(record) = disk.get(Tree::Journal, &part_key)? else {
                return Ok(None);
            };
            let mut reader = Reader::new(record);
            let same = Head::read(&part_key, &mut reader)?;
            if (same.next, same.parts) != (head.next, head.parts) {
                return Err(Error::corrupt("journal chunk", &part_key));
            }
            body.extend_from_slice(&rest(&mut reader));
        }
        Ok(Some(Self {
            head,
            rest: Reader::new(Bytes::from(body)),
        }))
    }

    /// The first chunk that begins at `from` or later and is whole.
    pub(super) fn from(disk: &dyn Disk, from: Seq) -> Result<Option<Self>, Error> {
        let mut from = from;
        loop {
            let Some(found) = disk.scan(Tree::Journal, &key(from, 0), 1)?.pop() else {
                return Ok(None);
            };
            let Some(first) = first_of(&found.0) else {
                return Err(Error::corrupt("journal chunk", &found.0));
            };
            if let Some(chunk) = Self::load(disk, found)? {
                return Ok(Some(chunk));
            }
            from = first.plus(1);
        }
    }

    /// The chunk that `seq` is in, if it is there and whole.
    pub(super) fn at(disk: &dyn Disk, seq: Seq) -> Result<Option<Self>, Error> {
        let Some((last, _)) = disk.last(Tree::Journal, Some(&key(seq, u16::MAX)))? else {
            return Ok(None);
        };
        let Some(first) = first_of(&last) else {
            return Err(Error::corrupt("journal chunk", &last));
        };
        let first_key = key(first, 0);
        let Some(record) = disk.get(Tree::Journal, &first_key)? else {
            return Ok(None);
        };
        let chunk = Self::load(disk, (Bytes::copy_from_slice(&first_key), record))?;
        Ok(chunk.filter(|chunk| seq < chunk.head.next))
    }

    /// The next unit.
    pub(super) fn next(&mut self) -> Result<Option<Unit>, Error> {
        if self.rest.remaining() == 0 {
            return Ok(None);
        }
        let first_key = key(self.head.first, 0);
        let corrupt = || Error::undecodable("unit", &first_key);
        let mut record = Self::record(&mut self.rest).map_err(corrupt())?;
        Error::check_version("unit", record.u8().map_err(corrupt())?, unit::VERSION)?;
        let unit = Unit::decode(&mut record).map_err(corrupt())?;
        record.end().map_err(corrupt())?;
        Ok(Some(unit))
    }

    fn record(rest: &mut Reader) -> Result<Reader, Undecodable> {
        let len = u32::from_le_bytes([rest.u8()?, rest.u8()?, rest.u8()?, rest.u8()?]);
        Ok(Reader::new(rest.slice(len as usize)?))
    }
}

/// Removes every record from `from` on; says how many. What is there was never acknowledged.
pub(super) fn cut(disk: &dyn Disk, from: Seq) -> Result<u64, Error> {
    let mut removed = 0;
    loop {
        let mut batch = Batch::new(Tree::Journal);
        for (key, _) in disk.scan(Tree::Journal, &key(from, 0), 64)? {
            batch.remove(key.to_vec());
        }
        if batch.changes.is_empty() {
            return Ok(removed);
        }
        removed += batch.changes.len() as u64;
        disk.write(batch)?;
    }
}
