//! The journal's chunks: whole units, packed, under consecutive numbers.
//!
//! A chunk is one record of at most [`CHUNK`] bytes and holds units of one commit that follow each other. A unit that
//! is longer is a chunk in parts, which counts only when all are there. The journal ends where a chunk is missing, or
//! does not begin where the one before ended.
//!
//! Chunks are numbered, not named by their sequence, so that keys can be laid out ahead (see `layout`). Which chunk has
//! a sequence is found by interpolation, from what was met before.

use bytes::Bytes;

use crate::codec::{Reader, Undecodable};
use crate::disk::MAX_RECORD;
use crate::error::Error;
use crate::format::Kind;
use crate::unit::{Seq, Unit};

/// The longest record: a look at one old unit loads a leaf of nine.
pub(crate) const CHUNK: usize = 30 << 10;
/// A record's head: version, parts, part, first and next sequence, the last unit's time.
pub(crate) const HEAD: usize = 1 + 2 + 2 + 8 + 8 + 8;

const _: () = assert!(CHUNK <= MAX_RECORD);

pub(crate) fn key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

pub(crate) fn number_of(key: &[u8]) -> Result<u64, Error> {
    key.try_into().map(u64::from_be_bytes).map_err(|_| Error::corrupt(Kind::Chunk.name(), key))
}

/// What a record's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) first: Seq,
    pub(crate) next: Seq,
    /// The time of its last unit.
    pub(crate) at: i64,
    pub(crate) parts: u16,
    pub(crate) part: u16,
}

impl Head {
    pub(crate) fn write(&self, out: &mut [u8]) {
        out[0] = Kind::Chunk.version();
        out[1..3].copy_from_slice(&self.parts.to_le_bytes());
        out[3..5].copy_from_slice(&self.part.to_le_bytes());
        out[5..13].copy_from_slice(&self.first.0.to_le_bytes());
        out[13..21].copy_from_slice(&self.next.0.to_le_bytes());
        out[21..29].copy_from_slice(&self.at.to_le_bytes());
    }

    /// Reads a record's head; gives what is behind it as well.
    pub(crate) fn read(key: &[u8], record: Bytes) -> Result<(Self, Reader), Error> {
        let mut reader = Reader::new(Kind::Chunk.open(key, record)?);
        let mut read = || -> Result<Self, Undecodable> {
            let parts = reader.u16()?;
            let part = reader.u16()?;
            Ok(Self {
                first: Seq(reader.u64()?),
                next: Seq(reader.u64()?),
                at: reader.i64()?,
                parts,
                part,
            })
        };
        let head = read().map_err(Error::undecodable(Kind::Chunk.name(), key))?;
        if head.next > head.first && head.part < head.parts {
            Ok((head, reader))
        } else {
            Err(Error::corrupt(Kind::Chunk.name(), key))
        }
    }
}

/// A chunk with its units, which are decoded one by one.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) head: Head,
    pub(crate) number: u64,
    pub(crate) rest: Reader,
}

impl Chunk {
    /// The number of the chunk behind this one.
    pub(crate) fn end(&self) -> u64 {
        self.number + u64::from(self.head.parts)
    }

    /// The next unit.
    pub(crate) fn next(&mut self) -> Result<Option<Unit>, Error> {
        if self.rest.remaining() == 0 {
            return Ok(None);
        }
        let key = key(self.number);
        let corrupt = || Error::undecodable(Kind::Unit.name(), &key);
        let record = Self::record(&mut self.rest).map_err(corrupt())?;
        let mut reader = Reader::new(Kind::Unit.open(&key, record)?);
        let unit = Unit::decode(&mut reader).map_err(corrupt())?;
        reader.end().map_err(corrupt())?;
        Ok(Some(unit))
    }

    fn record(rest: &mut Reader) -> Result<Bytes, Undecodable> {
        let len = rest.u32()?;
        rest.slice(len as usize)
    }
}
