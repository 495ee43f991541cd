//! The changes of postings that a unit makes.

use std::fmt;

use bytes::Bytes;
use smallvec::SmallVec;

use super::content::{Posting, PostingChange};
use crate::codec::{Reader, Undecodable};
use crate::postings::{Decoder, Encoder};

/// The changes of postings that a unit makes, in the order in which they were made. They stay encoded as they are in the journal:
/// many units wait for a checkpoint in memory, and hardly any of their postings is asked for before it is written.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PostingChanges {
    /// What the encoder began with: the time of the unit.
    rank: i64,
    count: usize,
    /// Valid: encoded here, or decoded once.
    encoded: Bytes,
}

impl PostingChanges {
    /// The number of changes.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether the unit changes no posting.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The changes.
    pub fn iter(&self) -> impl Iterator<Item = (Posting, PostingChange)> {
        let mut reader = Reader::new(self.encoded.clone());
        let mut decoder = Decoder::new(self.rank);
        (0..self.count).map_while(move |_| decoder.next(&mut reader).ok())
    }

    /// The encoded changes, without their number.
    pub(super) const fn encoded(&self) -> &Bytes {
        &self.encoded
    }

    /// Reads so many changes of a unit of that time.
    pub(super) fn decode(
        rank: i64,
        count: usize,
        reader: &mut Reader,
    ) -> Result<Self, Undecodable> {
        let mut ahead = reader.clone();
        let mut decoder = Decoder::new(rank);
        for _ in 0..count {
            decoder.next(&mut ahead)?;
        }
        let encoded = reader.slice(reader.remaining() - ahead.remaining())?;
        Ok(Self { rank, count, encoded })
    }
}

impl fmt::Debug for PostingChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The changes of most units take fewer bytes.
const USUAL: usize = 128;

/// Encodes the changes of a unit as they are made.
#[derive(Debug)]
pub(super) struct PostingsBuilder {
    rank: i64,
    count: usize,
    encoder: Encoder,
    encoded: SmallVec<[u8; USUAL]>,
    /// The postings so far: a unit may change each only once.
    #[cfg(debug_assertions)]
    changed: std::collections::HashSet<Posting>,
}

impl PostingsBuilder {
    pub(super) fn new(rank: i64) -> Self {
        Self {
            rank,
            count: 0,
            encoder: Encoder::new(rank),
            encoded: SmallVec::new(),
            #[cfg(debug_assertions)]
            changed: std::collections::HashSet::new(),
        }
    }

    pub(super) fn push(&mut self, posting: Posting, change: PostingChange) {
        #[cfg(debug_assertions)]
        assert!(self.changed.insert(posting), "a unit changes a posting twice: {posting:?}");
        self.count += 1;
        let (bytes, length) = self.encoder.encode(posting, change);
        self.encoded.extend_from_slice(&bytes[..length]);
    }

    /// Appends the encoded changes to the buffer of their unit.
    pub(super) fn append(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(&self.encoded);
    }

    /// The changes, which are encoded there.
    pub(super) fn finish(&self, encoded: Bytes) -> PostingChanges {
        match self.count {
            // as a unit without any is read
            0 => PostingChanges::default(),
            count => PostingChanges { rank: self.rank, count, encoded },
        }
    }
}

#[cfg(test)]
impl PostingChanges {
    pub(crate) fn of(rank: i64, changes: &[(Posting, PostingChange)]) -> Self {
        let mut builder = PostingsBuilder::new(rank);
        for &(posting, change) in changes {
            builder.push(posting, change);
        }
        let mut encoded = Vec::new();
        builder.append(&mut encoded);
        builder.finish(encoded.into())
    }
}
