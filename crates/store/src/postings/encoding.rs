//! The bytes of postings. Each is encoded as the difference from the one before, since neighbours have much in common.

use crate::codec::{Reader, Undecodable, write_signed};
use crate::unit::{List, Ordinal, Posting, PostingChange};

/// The first byte of a posting: the number of the change in the lower two bits, then what differs from the posting
/// before.
const CHANGE: u8 = 0b11;
const OTHER_LIST: u8 = 4;
const OTHER_RANK: u8 = 8;
const OTHER_ORDINAL: u8 = 16;
const UNUSED: u8 = 0b1110_0000;

/// The most bytes of a posting: the first one, a list, and two numbers of at most ten bytes.
pub(crate) const LONGEST: usize = 1 + 8 + 10 + 10;

/// The posting that the first one is encoded against.
const fn before_first(rank: i64) -> Posting {
    Posting { list: List(0), rank, ordinal: Ordinal(0) }
}

/// Encodes postings, one after another.
#[derive(Debug)]
pub(crate) struct Encoder(Posting);

impl Encoder {
    /// `rank` should be near the rank of the first posting: the nearer, the shorter are its bytes.
    pub(crate) const fn new(rank: i64) -> Self {
        Self(before_first(rank))
    }

    /// The bytes of the next posting: the first ones of the array, and how many.
    pub(crate) fn encode(
        &mut self,
        posting: Posting,
        change: PostingChange,
    ) -> ([u8; LONGEST], usize) {
        let before = std::mem::replace(&mut self.0, posting);
        // an array, since a vector would look for room at each byte
        let mut bytes = [0; LONGEST];
        let mut length = 1;
        bytes[0] = change as u8;
        if posting.list != before.list {
            bytes[0] |= OTHER_LIST;
            bytes[1..9].copy_from_slice(&posting.list.0.to_le_bytes());
            length = 9;
        }
        if posting.rank != before.rank {
            bytes[0] |= OTHER_RANK;
            write_signed(&mut bytes, &mut length, posting.rank.wrapping_sub(before.rank));
        }
        if posting.ordinal != before.ordinal {
            bytes[0] |= OTHER_ORDINAL;
            let difference = posting.ordinal.0.wrapping_sub(before.ordinal.0).cast_signed();
            write_signed(&mut bytes, &mut length, difference);
        }
        (bytes, length)
    }
}

/// Decodes postings, one after another.
#[derive(Debug)]
pub(crate) struct Decoder(Posting);

impl Decoder {
    /// `rank` must be the one that the encoder had.
    pub(crate) const fn new(rank: i64) -> Self {
        Self(before_first(rank))
    }

    pub(crate) fn next(
        &mut self,
        reader: &mut Reader,
    ) -> Result<(Posting, PostingChange), Undecodable> {
        let head = reader.u8()?;
        if head & UNUSED != 0 {
            return Err(Undecodable);
        }
        let change = PostingChange::from_disk(head & CHANGE).ok_or(Undecodable)?;
        let posting = &mut self.0;
        if head & OTHER_LIST != 0 {
            posting.list = List(reader.u64()?);
        }
        if head & OTHER_RANK != 0 {
            posting.rank = posting.rank.wrapping_add(reader.signed()?);
        }
        if head & OTHER_ORDINAL != 0 {
            let difference = reader.signed()?.cast_unsigned();
            posting.ordinal = Ordinal(posting.ordinal.0.wrapping_add(difference));
        }
        Ok((*posting, change))
    }
}
