//! The journal's chunks: whole units, packed, under consecutive numbers.
//!
//! A chunk is one record of at most [`CHUNK`] bytes and holds units of one commit that follow each other. A unit that
//! is longer is a chunk in parts, which counts only when all are there. The journal ends where a chunk is missing, or
//! does not begin where the one before ended.
//!
//! Chunks are numbered, not named by their sequence, so that keys can be laid out ahead (see `layout`). Which chunk has
//! a sequence is found by interpolation, from what was met before.

use crate::codec::{Reader, Undecodable};
use crate::disk::MAX_RECORD;
use crate::error::Error;
use crate::unit::{self, Seq, Unit};

/// The version of a chunk, its first byte.
const VERSION: u8 = 1;
/// The longest record: a look at one old unit loads a leaf of nine.
pub(crate) const CHUNK: usize = 30 << 10;
/// A record's head: version, parts, part, first and next sequence, the last unit's time.
pub(crate) const HEAD: usize = 1 + 2 + 2 + 8 + 8 + 8;

const _: () = assert!(CHUNK <= MAX_RECORD);

pub(crate) fn key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

pub(crate) fn number_of(key: &[u8]) -> Result<u64, Error> {
    key.try_into().map(u64::from_be_bytes).map_err(|_| Error::corrupt("journal chunk", key))
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
        out[0] = VERSION;
        out[1..3].copy_from_slice(&self.parts.to_le_bytes());
        out[3..5].copy_from_slice(&self.part.to_le_bytes());
        out[5..13].copy_from_slice(&self.first.0.to_le_bytes());
        out[13..21].copy_from_slice(&self.next.0.to_le_bytes());
        out[21..29].copy_from_slice(&self.at.to_le_bytes());
    }

    /// Reads a head; `reader` is behind it then.
    pub(crate) fn read(key: &[u8], reader: &mut Reader) -> Result<Self, Error> {
        let corrupt = || Error::undecodable("journal chunk", key);
        Error::check_version("journal chunk", reader.u8().map_err(corrupt())?, VERSION)?;
        let mut read = || -> Result<Self, Undecodable> {
            let parts = u16::from_le_bytes([reader.u8()?, reader.u8()?]);
            let part = u16::from_le_bytes([reader.u8()?, reader.u8()?]);
            Ok(Self {
                first: Seq(reader.u64()?),
                next: Seq(reader.u64()?),
                at: reader.i64()?,
                parts,
                part,
            })
        };
        let head = read().map_err(corrupt())?;
        if head.next > head.first && head.part < head.parts {
            Ok(head)
        } else {
            Err(Error::corrupt("journal chunk", key))
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
        let corrupt = || Error::undecodable("unit", &key);
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
