//! The bytes of a unit.

use super::content::{
    COUNTERS, HistoryLink, Identity, IdentityHash, Name, NameHash, Ordinal, Put, Seq, Timer, Unit,
};
use super::postings::PostingChanges;
use crate::codec::{Reader, Undecodable, put_signed, put_varint};
use crate::format::Kind;
use crate::schema::Table;

/// The flags of a unit. The upper four bits are the table of the history link.
const HAS_IDENTITY: u8 = 1;
const HAS_HISTORY: u8 = 2;
pub(crate) const HAS_POSTINGS: u8 = 4;
const UNUSED_FLAGS: u8 = 0b1000;
const TABLE_SHIFT: u8 = 4;

impl Unit {
    /// Appends the encoding of the unit to `out`: first all fields but the values, then the values and the body.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.size());
        out.push(Kind::Unit.version());
        let identity = if self.identity.is_some() { HAS_IDENTITY } else { 0 };
        let history =
            self.history.map_or(0, |link| HAS_HISTORY | link.table.number() << TABLE_SHIFT);
        let postings = if self.postings.is_empty() { 0 } else { HAS_POSTINGS };
        out.push(identity | history | postings);
        put_varint(out, self.seq.0);
        put_varint(out, self.events());
        out.extend_from_slice(&self.at.to_le_bytes());
        put_signed(out, self.at.wrapping_sub(self.fired));
        if let Some(identity) = &self.identity {
            out.extend_from_slice(&identity.hash.0);
            out.extend_from_slice(&identity.data.to_le_bytes());
        }
        if let Some(link) = &self.history {
            put_varint(out, link.ordinal.0);
            put_varint(out, link.previous.map_or(0, |previous| previous.0));
        }
        put_varint(out, self.names.len() as u64);
        for name in &self.names {
            out.push(name.table.number());
            out.extend_from_slice(&name.hash.0);
            put_varint(out, name.ordinal.0);
        }
        put_varint(out, self.puts.len() as u64);
        for put in &self.puts {
            out.push(put.table.number() << 4 | put.part);
            put_varint(out, put.ordinal.0);
            put_varint(out, put.value.as_ref().map_or(0, |value| value.len() as u64 + 1));
        }
        put_varint(out, self.timers.len() as u64);
        for timer in &self.timers {
            put_signed(out, timer.due.wrapping_sub(self.at));
            out.push(timer.table.number());
            put_varint(out, timer.ordinal.0);
            out.push(timer.kind);
        }
        put_varint(out, self.counters.len() as u64);
        for &(index, difference) in &self.counters {
            out.push(index);
            put_signed(out, difference);
        }
        if !self.postings.is_empty() {
            put_varint(out, self.postings.len() as u64);
            out.extend_from_slice(self.postings.encoded());
        }
        put_varint(out, self.body.len() as u64);
        for put in &self.puts {
            if let Some(value) = &put.value {
                out.extend_from_slice(value);
            }
        }
        out.extend_from_slice(&self.body);
    }

    /// Decodes what [`encode`](Self::encode) wrote, from after the version byte. Values and body share the record's
    /// buffer.
    pub(crate) fn decode(reader: &mut Reader) -> Result<Self, Undecodable> {
        let flags = reader.u8()?;
        let table = flags >> TABLE_SHIFT;
        if flags & UNUSED_FLAGS != 0 || (flags & HAS_HISTORY == 0 && table != 0) {
            return Err(Undecodable);
        }
        let seq = Seq(reader.varint()?);
        let events = reader.varint()?;
        let next = seq
            .0
            .checked_add(events)
            .and_then(|last| last.checked_add(1))
            .map(Seq)
            .ok_or(Undecodable)?;
        let at = reader.i64()?;
        let fired = at.wrapping_sub(reader.signed()?);
        let identity = match flags & HAS_IDENTITY {
            0 => None,
            _ => Some(Identity { hash: IdentityHash(reader.hash()?), data: reader.u64()? }),
        };
        let history = match flags & HAS_HISTORY {
            0 => None,
            _ => Some(HistoryLink {
                table: Table::from_disk(table)?,
                ordinal: Ordinal(reader.varint()?),
                previous: Some(reader.varint()?).filter(|&previous| previous > 0).map(Seq),
            }),
        };
        let mut names = Vec::with_capacity(reader.count(18)?);
        for _ in 0..names.capacity() {
            names.push(Name {
                table: Table::from_disk(reader.u8()?)?,
                hash: NameHash(reader.hash()?),
                ordinal: Ordinal(reader.varint()?),
            });
        }
        let count = reader.count(3)?;
        let mut puts = Vec::with_capacity(count);
        let mut lengths = Vec::with_capacity(count);
        for _ in 0..count {
            let place = reader.u8()?;
            let (table, part) = (Table::from_disk(place >> 4)?, place & 0xf);
            puts.push(Put { table, ordinal: Ordinal(reader.varint()?), part, value: None });
            lengths.push(reader.count(1)?);
        }
        let mut timers = Vec::with_capacity(reader.count(4)?);
        for _ in 0..timers.capacity() {
            timers.push(Timer {
                due: at.wrapping_add(reader.signed()?),
                table: Table::from_disk(reader.u8()?)?,
                ordinal: Ordinal(reader.varint()?),
                kind: reader.u8()?,
            });
        }
        let mut counters = Vec::with_capacity(reader.count(2)?);
        for _ in 0..counters.capacity() {
            let index = reader.u8()?;
            if usize::from(index) >= COUNTERS {
                return Err(Undecodable);
            }
            counters.push((index, reader.signed()?));
        }
        let mut postings = PostingChanges::default();
        if flags & HAS_POSTINGS != 0 {
            let count = reader.count(1)?;
            postings = PostingChanges::decode(at, count, reader)?;
        }
        let body = reader.count(1)?;
        for (put, length) in puts.iter_mut().zip(lengths) {
            if let Some(length) = length.checked_sub(1) {
                put.value = Some(reader.slice(length)?);
            }
        }
        let body = reader.slice(body)?;
        Ok(Self {
            seq,
            next,
            at,
            fired,
            identity,
            names: names.into(),
            puts: puts.into(),
            history,
            timers: timers.into(),
            counters: counters.into(),
            postings,
            body,
        })
    }
}
