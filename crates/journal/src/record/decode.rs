//! Reading records. No bytes make it panic, or make it allocate more than they could fill.

use bytes::{Buf as _, Bytes};

use super::encode::{CHECK, CLOSE, OPEN, PROBE, TICK, UNITS, WITH_CHAIN, WITH_PAUSE, check};
use super::{Close, Error, MAGIC, Open, Probe, Record, Tick, Unit, Units, VERSION};
use crate::chain::Chain;
use crate::id::{Charter, Epoch, Name, Nonce, Progress};

/// The bytes of a unit in front of its own.
const UNIT_HEAD: usize = 8;

impl Record {
    /// Reads a record.
    pub fn decode(body: &Bytes) -> Result<Self, Error> {
        if !body.starts_with(&MAGIC) {
            return Err(Error::Foreign);
        }
        let mut input = Input { body, rest: body.clone() };
        input.rest.advance(MAGIC.len());
        let version = input.u8()?;
        if version > VERSION {
            return Err(Error::Newer { found: version });
        }
        let record = match (version, input.u8()?) {
            (1, OPEN) => Self::Open(input.open()?),
            (1, UNITS) => Self::Units(input.units()?),
            (1 | WITH_CHAIN | WITH_PAUSE, TICK) => Self::Tick(input.tick(version)?),
            (1, CLOSE) => Self::Close(input.close()?),
            (1, PROBE) => Self::Probe(input.probe()?),
            _ => return Err(Error::Damaged),
        };
        if input.rest.is_empty() { Ok(record) } else { Err(Error::Damaged) }
    }
}

struct Input<'a> {
    body: &'a Bytes,
    rest: Bytes,
}

impl Input<'_> {
    fn open(&mut self) -> Result<Open, Error> {
        let open = Open {
            epoch: self.epoch()?,
            node: self.name()?,
            charter: Charter {
                incarnation: self.array()?,
                partition: self.u16()?,
                partitions: self.u16()?,
            },
            from: self.progress()?,
            cursor: self.u64()?,
            at: self.i64()?,
        };
        self.check()?;
        Ok(open)
    }

    fn units(&mut self) -> Result<Units, Error> {
        let epoch = self.epoch()?;
        let (first, front) = (self.u64()?, Chain(self.array()?));
        let end = self.progress()?;
        let (cursor, at) = (self.u64()?, self.i64()?);
        let count = usize::try_from(self.u32()?).map_err(|_| Error::Damaged)?;
        self.check()?;
        if count == 0 || count.saturating_mul(UNIT_HEAD) > self.rest.len() {
            return Err(Error::Damaged);
        }
        let mut units = Vec::with_capacity(count);
        let (mut next, mut chain) = (first, front);
        for _ in 0..count {
            let unit = self.unit()?;
            next = next.checked_add(u64::from(unit.span)).ok_or(Error::Damaged)?;
            chain = chain.then(&unit);
            units.push(unit);
        }
        if end != (Progress { next, chain }) {
            return Err(Error::Damaged);
        }
        Ok(Units { epoch, first, front, end, cursor, at, units })
    }

    fn unit(&mut self) -> Result<Unit, Error> {
        let span = self.u32()?;
        let length = usize::try_from(self.u32()?).map_err(|_| Error::Damaged)?;
        if span == 0 || length > self.rest.len() {
            return Err(Error::Damaged);
        }
        Ok(Unit { span, bytes: self.rest.split_to(length) })
    }

    fn tick(&mut self, version: u8) -> Result<Tick, Error> {
        let tick = Tick {
            epoch: self.epoch()?,
            node: self.name()?,
            next: self.u64()?,
            chain: if version >= WITH_CHAIN { Some(Chain(self.array()?)) } else { None },
            cursor: self.u64()?,
            at: self.i64()?,
            active: self.flag()?,
            paused: if version >= WITH_PAUSE { self.flag()? } else { false },
        };
        self.check()?;
        Ok(tick)
    }

    fn close(&mut self) -> Result<Close, Error> {
        let close = Close { epoch: self.epoch()?, cursor: self.u64()?, at: self.i64()? };
        self.check()?;
        Ok(close)
    }

    fn probe(&mut self) -> Result<Probe, Error> {
        let (nonce, node, serial) = (Nonce(self.array()?), self.name()?, self.u64()?);
        let stored = match self.u8()? {
            0 => None,
            1 => Some(self.progress()?),
            _ => return Err(Error::Damaged),
        };
        self.check()?;
        Ok(Probe { nonce, node, serial, stored })
    }

    /// Reads the check of what was read so far.
    fn check(&mut self) -> Result<(), Error> {
        let head = &self.body[..self.body.len() - self.rest.len()];
        let expected = check(head);
        if self.array::<CHECK>()? == expected { Ok(()) } else { Err(Error::Damaged) }
    }

    fn epoch(&mut self) -> Result<Epoch, Error> {
        Ok(Epoch { number: self.u64()?, nonce: Nonce(self.array()?) })
    }

    fn progress(&mut self) -> Result<Progress, Error> {
        Ok(Progress { next: self.u64()?, chain: Chain(self.array()?) })
    }

    fn name(&mut self) -> Result<Name, Error> {
        Ok(Name { node: self.text()?, url: self.text()? })
    }

    fn text(&mut self) -> Result<String, Error> {
        let length = usize::from(self.u8()?);
        if length > self.rest.len() {
            return Err(Error::Damaged);
        }
        String::from_utf8(self.rest.split_to(length).into()).map_err(|_| Error::Damaged)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        self.rest.try_copy_to_slice(&mut array).map_err(|_| Error::Damaged)?;
        Ok(array)
    }

    fn flag(&mut self) -> Result<bool, Error> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Damaged),
        }
    }

    fn u8(&mut self) -> Result<u8, Error> {
        self.rest.try_get_u8().map_err(|_| Error::Damaged)
    }

    fn u16(&mut self) -> Result<u16, Error> {
        self.rest.try_get_u16_le().map_err(|_| Error::Damaged)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        self.rest.try_get_u32_le().map_err(|_| Error::Damaged)
    }

    fn u64(&mut self) -> Result<u64, Error> {
        self.rest.try_get_u64_le().map_err(|_| Error::Damaged)
    }

    fn i64(&mut self) -> Result<i64, Error> {
        self.rest.try_get_i64_le().map_err(|_| Error::Damaged)
    }
}
