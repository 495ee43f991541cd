//! Blocks: the records of a segment of postings. The key of a block is the id of its segment and its first posting, so that
//! the disk finds the block of a posting without an index.

use bytes::Bytes;

use super::encoding::{Decoder, Encoder};
use crate::codec::{Reader, Undecodable};
use crate::disk::{Disk, Pair, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::unit::{List, Ordinal, Posting, PostingChange};

/// A block is ended when it has this many bytes. It is far below the longest record.
pub(super) const BLOCK: usize = 16 << 10;

const KEY: usize = 32;

/// The key of a block: its segment, its first posting. The bytes sort as the postings do.
pub(crate) fn key(id: u64, first: Posting) -> [u8; KEY] {
    let mut key = [0; KEY];
    key[..8].copy_from_slice(&id.to_be_bytes());
    key[8..16].copy_from_slice(&first.list.0.to_be_bytes());
    // with the sign bit inverted, the bytes of signed numbers sort as the numbers do
    key[16..24].copy_from_slice(&(first.rank ^ i64::MIN).to_be_bytes());
    key[24..].copy_from_slice(&first.ordinal.0.to_be_bytes());
    key
}

/// The segment and the first posting of a block. `None`: the key is of another kind of record.
fn of_key(key: &[u8]) -> Option<(u64, Posting)> {
    let key: &[u8; KEY] = key.try_into().ok()?;
    let (words, _) = key.as_chunks::<8>();
    let [id, list, rank, ordinal] = [0, 1, 2, 3].map(|word| u64::from_be_bytes(words[word]));
    let rank = rank.cast_signed() ^ i64::MIN;
    Some((id, Posting { list: List(list), rank, ordinal: Ordinal(ordinal) }))
}

/// The greatest posting that there can be.
pub(super) const LAST: Posting =
    Posting { list: List(u64::MAX), rank: i64::MAX, ordinal: Ordinal(u64::MAX) };
/// The least posting that there can be.
pub(super) const FIRST: Posting = Posting { list: List(0), rank: i64::MIN, ordinal: Ordinal(0) };

/// A decoded block. It has at least one posting.
#[derive(Debug)]
pub(crate) struct Block {
    /// In strictly ascending order.
    pub(crate) entries: Vec<(Posting, PostingChange)>,
}

impl Block {
    pub(super) fn first(&self) -> Posting {
        self.entries.first().map_or(FIRST, |(posting, _)| *posting)
    }

    pub(super) fn last(&self) -> Posting {
        self.entries.last().map_or(LAST, |(posting, _)| *posting)
    }

    /// Decodes a block, of any version. Its postings ascend, so that a reader that goes through them comes to an end.
    pub(crate) fn decode(first: Posting, key: &[u8], record: Bytes) -> Result<Self, Error> {
        let mut reader = Reader::new(Kind::PostingBlock.open(key, record)?);
        let mut decode = || {
            let mut entries = Vec::with_capacity(reader.remaining() / 8);
            let mut decoder = Decoder::new(0);
            while reader.remaining() > 0 {
                let entry = decoder.next(&mut reader)?;
                if entries.last().is_some_and(|(before, _)| *before >= entry.0) {
                    return Err(Undecodable);
                }
                entries.push(entry);
            }
            match entries.first() {
                Some((found, _)) if *found == first => Ok(Self { entries }),
                Some(_) | None => Err(Undecodable),
            }
        };
        decode().map_err(Error::undecodable(Kind::PostingBlock.name(), key))
    }
}

/// A block on disk that is not decoded.
pub(super) struct Found {
    pub(super) first: Posting,
    key: Bytes,
    record: Bytes,
}

impl Found {
    fn of(id: u64, found: Option<Pair>) -> Option<Self> {
        let (key, record) = found?;
        let (_, first) = of_key(&key).filter(|(of, _)| *of == id)?;
        Some(Self { first, key, record })
    }

    pub(super) fn decode(self) -> Result<Block, Error> {
        Block::decode(self.first, &self.key, self.record)
    }
}

/// The last block of a segment that begins at `posting` or before: the one that has the posting, if any has.
pub(super) fn at_or_before(
    disk: &dyn Disk,
    id: u64,
    posting: Posting,
) -> Result<Option<Found>, Error> {
    let mut below = key(id, posting).to_vec();
    below.push(0);
    Ok(Found::of(id, disk.last(Tree::Index, Some(&below))?))
}

/// The last block of a segment that begins before `posting`.
pub(super) fn before(disk: &dyn Disk, id: u64, posting: Posting) -> Result<Option<Found>, Error> {
    Ok(Found::of(id, disk.last(Tree::Index, Some(&key(id, posting)))?))
}

/// The first block of a segment that begins after `posting`, or at it if `inclusive`.
pub(super) fn from(
    disk: &dyn Disk,
    id: u64,
    posting: Posting,
    inclusive: bool,
) -> Result<Option<Found>, Error> {
    let mut from = key(id, posting).to_vec();
    if !inclusive {
        from.push(0);
    }
    Ok(Found::of(id, disk.scan(Tree::Index, &from, 1)?.pop()))
}

/// A block that is being written.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) first: Posting,
    encoder: Encoder,
    pub(super) record: Vec<u8>,
}

impl Builder {
    pub(super) fn new(first: Posting) -> Self {
        let mut record = Vec::with_capacity(BLOCK + 64);
        record.push(Kind::PostingBlock.version());
        Self { first, encoder: Encoder::new(0), record }
    }

    pub(super) fn push(&mut self, posting: Posting, change: PostingChange) {
        let (bytes, length) = self.encoder.encode(posting, change);
        self.record.extend_from_slice(&bytes[..length]);
    }

    pub(super) fn is_full(&self) -> bool {
        self.record.len() >= BLOCK
    }
}
