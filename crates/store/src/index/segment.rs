//! Segments: sorted, immutable maps from 16-byte hashes to values. Names of entities and identities of commands are
//! kept in them.
//!
//! A segment is a sequence of *runs*; a run is a sequence of *blocks* of sorted entries. Every run has one record with
//! a Bloom filter over its hashes and the first hash of each of its blocks. A segment of several runs also has a
//! directory: a record with the first hash of each run. So to look up an absent hash costs one filter for each segment,
//! and to look up a present hash costs one block more. Runs and blocks are records of their own, so that the cache
//! holds only those that are used.
//!
//! A checkpoint writes the new entries of each index as one segment. [`Merge`] turns many small segments into few large
//! ones. A segment that the manifest does not name does not count: opening removes what a crash left of one.

use std::ops::Deref;

use bytes::Bytes;

use super::bloom::{FILTER_BITS, probes};
use crate::codec::{Reader, Undecodable, put_varint};
use crate::disk::{Batch, Disk, MAX_RECORD, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::schema::MAX_TABLES;
use crate::unit::Seq;

/// Entries in a full block. An entry has 32 bytes, so a block has 16 KiB.
pub(crate) const BLOCK: usize = 512;
/// Blocks in a full run. The filter of a run has 12 KiB.
pub(crate) const BLOCKS: usize = 16;
/// The most runs of a segment: their first hashes fit one record. That is about 30 million entries.
pub(crate) const MAX_RUNS: u32 = 3_800;
/// The run number under which a segment keeps the first hashes of its runs.
pub(crate) const DIRECTORY: u32 = u32::MAX;

const _: () = assert!(16 * MAX_RUNS as usize + 1 < MAX_RECORD);

/// The number of indexes: one of names for each table, one of identities, one of postings.
pub(crate) const INDEXES: usize = MAX_TABLES + 2;
/// The number of the index of identities, in memory and on disk. The lower numbers are those of the tables.
pub(crate) const IDENTITIES: usize = MAX_TABLES;
/// The number of the index of postings, whose segments have a form of their own (`postings`).
pub(crate) const POSTINGS: usize = MAX_TABLES + 1;

/// A hash and its value of two words: (ordinal, 0) for a name, (data, sequence) for an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) hash: [u8; 16],
    pub(crate) words: [u64; 2],
}

/// What the manifest says of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The id. A store never gives an id twice.
    pub(crate) id: u64,
    /// The number of its index.
    pub(crate) index: usize,
    /// The time bucket of its identities; 0 for names and postings.
    pub(crate) bucket: i64,
    /// Its entries come from units below this.
    pub(crate) until: Seq,
    pub(crate) entries: u64,
    /// The number of its runs; 0 for postings, which are not in runs.
    pub(crate) runs: u32,
}

impl Segment {
    /// The most bytes that the directory and the heads of the runs take, with what it takes to keep them.
    pub(super) fn bytes_of_heads(&self) -> usize {
        // of a run: the first hashes of its blocks, its own in the directory, and what rounding and keeping two records take
        const RUN: usize = 16 * BLOCKS + 16 + 64;
        let filters = self.entries.saturating_mul(FILTER_BITS as u64) / 8;
        usize::try_from(filters).unwrap_or(usize::MAX).saturating_add(self.runs as usize * RUN)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.id);
        out.push(u8::try_from(self.index).unwrap_or(u8::MAX));
        put_varint(out, self.bucket.cast_unsigned());
        put_varint(out, self.until.0);
        put_varint(out, self.entries);
        put_varint(out, u64::from(self.runs));
    }

    pub(crate) fn decode(reader: &mut Reader) -> Result<Self, Undecodable> {
        Ok(Self {
            id: reader.varint()?,
            index: Some(usize::from(reader.u8()?))
                .filter(|&index| index < INDEXES)
                .ok_or(Undecodable)?,
            bucket: reader.varint()?.cast_signed(),
            until: Seq(reader.varint()?),
            entries: reader.varint()?,
            runs: u32::try_from(reader.varint()?).map_err(|_| Undecodable)?,
        })
    }
}

/// The key of a run's record (`block` 0) or of its block `block - 1`.
pub(crate) fn key(id: u64, run: u32, block: u16) -> [u8; 14] {
    let mut key = [0; 14];
    key[..8].copy_from_slice(&id.to_be_bytes());
    key[8..12].copy_from_slice(&run.to_be_bytes());
    key[12..].copy_from_slice(&block.to_be_bytes());
    key
}

/// The first key that a record of a segment may have.
pub(crate) fn first_key(id: u64) -> [u8; 14] {
    key(id, 0, 0)
}

/// The segment that a key belongs to.
pub(crate) fn id_of(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(..8)?.try_into().ok()?))
}

/// The number of bytes of an entry's value: names store one word only.
pub(crate) const fn width(index: usize) -> usize {
    if index == IDENTITIES { 32 } else { 24 }
}

/// A record of a segment, and what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The first hashes of the runs.
    Directory,
    /// The head of a run: its filter, and the first hashes of its blocks.
    Head(u32),
    /// A block of a run, the first of which is 1.
    Block(u32, u16),
}

impl Part {
    pub(super) fn key(self, id: u64) -> [u8; 14] {
        match self {
            Self::Directory => key(id, DIRECTORY, 0),
            Self::Head(run) => key(id, run, 0),
            Self::Block(run, block) => key(id, run, block),
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Directory => Kind::SegmentDirectory,
            Self::Head(_) => Kind::SegmentRun,
            Self::Block(..) => Kind::SegmentBlock,
        }
    }

    /// The content of the record. A missing record is an error, since the manifest names the segment.
    pub(super) fn open(self, key: &[u8], record: Option<Bytes>) -> Result<Bytes, Error> {
        let kind = self.kind();
        kind.open(key, record.ok_or_else(|| Error::corrupt(kind.name(), key))?)
    }
}

/// The content of a record.
pub(super) enum Record<'a> {
    Kept(&'a [u8]),
    Read(Bytes),
}

impl Deref for Record<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Kept(content) => content,
            Self::Read(content) => content,
        }
    }
}

/// Where the records of a segment come from.
pub(super) trait Records {
    fn load(&mut self, part: Part) -> Result<Record<'_>, Error>;
}

/// The records of a segment on disk.
struct OnDisk<'a>(&'a dyn Disk, u64);

impl Records for OnDisk<'_> {
    fn load(&mut self, part: Part) -> Result<Record<'_>, Error> {
        let key = part.key(self.1);
        part.open(&key, self.0.get(Tree::Index, &key)?).map(Record::Read)
    }
}

/// Finds the newest entry of a hash, reading from the disk. `segments` are given newest first.
pub(crate) fn find<'a>(
    disk: &dyn Disk,
    segments: impl Iterator<Item = &'a Segment>,
    hash: &[u8; 16],
) -> Result<Option<[u64; 2]>, Error> {
    for segment in segments {
        if let Some(words) = find_in(segment, OnDisk(disk, segment.id), hash)? {
            return Ok(Some(words));
        }
    }
    Ok(None)
}

/// Finds the entry of a hash in a segment.
pub(super) fn find_in(
    segment: &Segment,
    mut records: impl Records,
    hash: &[u8; 16],
) -> Result<Option<[u64; 2]>, Error> {
    let run = if segment.runs > 1 {
        match Hashes(&records.load(Part::Directory)?).last_not_above(hash) {
            Some(run) => u32::try_from(run).unwrap_or(DIRECTORY),
            None => return Ok(None),
        }
    } else {
        0
    };
    let part = Part::Head(run);
    let record = records.load(part)?;
    let head = RunHead::of(&record)
        .map_err(Error::undecodable(Kind::SegmentRun.name(), &part.key(segment.id)))?;
    if !head.may_have(hash) {
        return Ok(None);
    }
    let Some(block) = head.firsts.last_not_above(hash) else {
        return Ok(None);
    };
    drop(record);
    let block = records.load(Part::Block(run, u16::try_from(block + 1).unwrap_or(u16::MAX)))?;
    Ok(Entries { bytes: &block, width: width(segment.index) }.find(hash))
}

/// A sorted array of hashes.
struct Hashes<'a>(&'a [u8]);

impl Hashes<'_> {
    /// The index of the last hash that is not above `hash`.
    fn last_not_above(&self, hash: &[u8; 16]) -> Option<usize> {
        let (hashes, _) = self.0.as_chunks::<16>();
        hashes.partition_point(|first| first <= hash).checked_sub(1)
    }
}

/// The content of a run's record: number of blocks, the first hash of each, the filter.
struct RunHead<'a> {
    firsts: Hashes<'a>,
    filter: &'a [u8],
}

impl<'a> RunHead<'a> {
    fn of(record: &'a [u8]) -> Result<Self, Undecodable> {
        let blocks = usize::from(*record.first().ok_or(Undecodable)?);
        let (firsts, filter) = record[1..].split_at_checked(16 * blocks).ok_or(Undecodable)?;
        if filter.is_empty() {
            Err(Undecodable)
        } else {
            Ok(Self { firsts: Hashes(firsts), filter })
        }
    }

    fn may_have(&self, hash: &[u8; 16]) -> bool {
        probes(hash, self.filter.len() * 8).all(|bit| self.filter[bit / 8] & (1 << (bit % 8)) != 0)
    }
}

/// A block's entries.
pub(crate) struct Entries<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) width: usize,
}

impl Entries<'_> {
    fn len(&self) -> usize {
        self.bytes.len() / self.width
    }

    pub(crate) fn at(&self, place: usize) -> Entry {
        let entry = &self.bytes[place * self.width..][..self.width];
        let word = |from: usize| {
            entry
                .get(from..from + 8)
                .map_or(0, |word| u64::from_le_bytes(word.try_into().expect("eight bytes")))
        };
        Entry {
            hash: entry[..16].try_into().expect("an entry begins with its hash"),
            words: [word(16), word(24)],
        }
    }

    fn find(&self, hash: &[u8; 16]) -> Option<[u64; 2]> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            let entry = self.at(middle);
            match entry.hash.cmp(hash) {
                std::cmp::Ordering::Equal => return Some(entry.words),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// Removes up to `limit` records of a segment. Returns true when there are no more.
pub(crate) fn remove(disk: &dyn Disk, id: u64, limit: usize) -> Result<bool, Error> {
    let found = disk.scan(Tree::Index, &key(id, 0, 0), limit)?;
    let mut batch = Batch::new(Tree::Index);
    for (key, _) in found.iter().take_while(|(key, _)| id_of(key) == Some(id)) {
        batch.remove(key.to_vec());
    }
    let done = batch.changes.len() < limit;
    if !batch.changes.is_empty() {
        disk.write(batch)?;
    }
    Ok(done)
}

/// The ids of all segments that have any record on disk.
pub(crate) fn on_disk(disk: &dyn Disk) -> Result<Vec<u64>, Error> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((key, _)) = disk.scan(Tree::Index, &key(from, 0, 0), 1)?.pop() {
        let id = id_of(&key).ok_or_else(|| Error::corrupt(Kind::SegmentBlock.name(), &key))?;
        found.push(id);
        match id.checked_add(1) {
            Some(next) => from = next,
            None => break,
        }
    }
    Ok(found)
}
