//! Chunks: the records of the journal, under consecutive numbers.
//!
//! A chunk is one record of at most [`CHUNK`] bytes. It holds consecutive units of one commit. A unit that is longer is
//! a chunk of its own in several parts, each a record; such a chunk is valid only if all of its parts exist. The
//! journal ends before the first chunk that is missing or does not follow the chunk before it.
//!
//! The keys of chunks are numbers and not sequences, so that they can be preallocated (see `disk::preallocation`).

use bytes::Bytes;

use crate::codec::{Reader, Undecodable};
use crate::disk::MAX_RECORD;
use crate::error::Error;
use crate::format::Kind;
use crate::unit::{Seq, Unit};

/// The longest record in bytes. It is half of what the disk allows, since to read one old unit loads a leaf of nine
/// records.
pub(crate) const CHUNK: usize = 30 << 10;
/// The bytes of a record's head: version, number of parts, part, first and next sequence, time of the last unit.
pub(crate) const HEAD: usize = 1 + 2 + 2 + 8 + 8 + 8;

const _: () = assert!(CHUNK <= MAX_RECORD);

pub(crate) fn key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

pub(crate) fn number_of(key: &[u8]) -> Result<u64, Error> {
    key.try_into().map(u64::from_be_bytes).map_err(|_| Error::corrupt(Kind::Chunk.name(), key))
}

/// The head of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) first: Seq,
    pub(crate) next: Seq,
    /// The time of the last unit, in microseconds since the epoch.
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

    /// Reads the head of a record. Returns a reader of the rest as well.
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

/// A chunk. Its units are decoded one by one.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) head: Head,
    pub(crate) number: u64,
    pub(crate) rest: Reader,
}

impl Chunk {
    /// The number of the next chunk.
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
