//! Chunks: the records of the journal, under consecutive numbers.
//!
//! A chunk is one record of at most [`CHUNK`] bytes. It holds consecutive units of one commit. A unit that is longer is
//! a chunk of its own in several parts, each a record; such a chunk is valid only if all of its parts exist. The
//! journal ends before the first chunk that is missing or does not follow the chunk before it.
//!
//! Units that were appended with a position count only together: all of their chunks but the last one say that more
//! follows, and the last one ends with the position. So a crash leaves all units of such an append, or none.
//!
//! The keys of chunks are numbers and not sequences, so that they can be preallocated (see `disk::preallocation`).

use bytes::Bytes;

use crate::codec::{Reader, Undecodable};
use crate::disk::MAX_RECORD;
use crate::error::Error;
use crate::format::Kind;
use crate::position::Position;
use crate::unit::{EncodedUnit, Seq, Unit};

/// The longest record in bytes. It is half of what the disk allows, since to read one old unit loads a leaf of nine
/// records.
pub(crate) const CHUNK: usize = 30 << 10;
/// The bytes of a record's head: version, number of parts, part, first and next sequence, time of the last unit, place in
/// the append.
pub(crate) const HEAD: usize = 1 + 2 + 2 + 8 + 8 + 8 + 1;

const _: () = assert!(CHUNK <= MAX_RECORD);

pub(crate) fn key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

pub(crate) fn number_of(key: &[u8]) -> Result<u64, Error> {
    key.try_into().map(u64::from_be_bytes).map_err(|_| Error::corrupt(Kind::Chunk.name(), key))
}

/// Which chunk of its append a chunk is. The number is stored, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Place {
    /// The append has no position: each of its chunks counts by itself.
    Alone = 0,
    /// The append has a position, and further chunks of it follow.
    Continued = 1,
    /// The last chunk of an append with a position, which it ends with.
    Last = 2,
}

impl Place {
    const fn from_disk(number: u8) -> Result<Self, Undecodable> {
        match number {
            0 => Ok(Self::Alone),
            1 => Ok(Self::Continued),
            2 => Ok(Self::Last),
            _ => Err(Undecodable),
        }
    }
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
    pub(crate) place: Place,
}

impl Head {
    pub(crate) fn write(&self, out: &mut [u8]) {
        out[0] = Kind::Chunk.version();
        out[1..3].copy_from_slice(&self.parts.to_le_bytes());
        out[3..5].copy_from_slice(&self.part.to_le_bytes());
        out[5..13].copy_from_slice(&self.first.0.to_le_bytes());
        out[13..21].copy_from_slice(&self.next.0.to_le_bytes());
        out[21..29].copy_from_slice(&self.at.to_le_bytes());
        out[29] = self.place as u8;
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
                place: Place::from_disk(reader.u8()?)?,
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
    /// The position that the chunk ends with.
    pub(crate) position: Option<Position>,
    rest: Reader,
}

impl Chunk {
    /// The number of the next chunk.
    pub(crate) fn end(&self) -> u64 {
        self.number + u64::from(self.head.parts)
    }

    /// A chunk with this head, and what is behind the heads of its records.
    pub(crate) fn new(number: u64, head: Head, mut rest: Reader) -> Result<Self, Error> {
        let mut position = None;
        if head.place == Place::Last {
            let tail = rest.tail(Position::ENCODED);
            let found = tail.and_then(|mut tail| Position::decode(head.next, &mut tail));
            let key = key(number);
            position = Some(found.map_err(Error::undecodable(Kind::Chunk.name(), &key))?);
        }
        Ok(Self { head, number, position, rest })
    }

    /// The next unit.
    pub(crate) fn next(&mut self) -> Result<Option<Unit>, Error> {
        let key = key(self.number);
        let Some(record) = self.record(&key)? else { return Ok(None) };
        let corrupt = || Error::undecodable(Kind::Unit.name(), &key);
        let mut reader = Reader::new(Kind::Unit.open(&key, record)?);
        let unit = Unit::decode(&mut reader).map_err(corrupt())?;
        reader.end().map_err(corrupt())?;
        Ok(Some(unit))
    }

    /// The next unit with its bytes.
    pub(crate) fn next_encoded(&mut self) -> Result<Option<EncodedUnit>, Error> {
        let key = key(self.number);
        let record = self.record(&key)?;
        record.map(|record| EncodedUnit::read_at(&key, record)).transpose()
    }

    fn record(&mut self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        if self.rest.remaining() == 0 {
            return Ok(None);
        }
        let len = self.rest.u32();
        let record = len.and_then(|len| self.rest.slice(len as usize));
        record.map(Some).map_err(Error::undecodable(Kind::Unit.name(), key))
    }
}
