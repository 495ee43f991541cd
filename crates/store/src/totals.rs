//! The sums over all units: the next sequence and ordinals, the time of timers, the counters.

use crate::codec::{Reader, Undecodable, put_signed, put_varint};
use crate::schema::MAX_TABLES;
use crate::unit::{COUNTERS, Seq, Unit};

/// The sums over all units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Totals {
    /// The sequence of the next unit.
    pub(crate) next: Seq,
    /// The time of the last unit, in microseconds since the epoch.
    pub(crate) clock: i64,
    /// Timers due before this have fired.
    pub(crate) fired: i64,
    /// The first unused ordinal of each table.
    pub(crate) ordinals: [u64; MAX_TABLES],
    pub(crate) counters: [i64; COUNTERS],
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            next: Seq::FIRST,
            clock: 0,
            fired: 0,
            ordinals: [0; MAX_TABLES],
            counters: [0; COUNTERS],
        }
    }
}

impl Totals {
    pub(crate) fn apply(&mut self, unit: &Unit) {
        self.next = unit.next;
        self.clock = self.clock.max(unit.at);
        // a timer that the unit sets may be due before `unit.fired`
        self.fired = unit.timers.iter().map(|timer| timer.due).fold(unit.fired, i64::min);
        for (table, ordinal) in unit.used() {
            let next = &mut self.ordinals[table.index()];
            *next = (*next).max(ordinal.0.saturating_add(1));
        }
        for &(index, difference) in &unit.counters {
            let counter = &mut self.counters[usize::from(index)];
            *counter = counter.wrapping_add(difference);
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.next.0);
        put_signed(out, self.clock);
        put_signed(out, self.fired);
        for &ordinal in &self.ordinals {
            put_varint(out, ordinal);
        }
        for &counter in &self.counters {
            put_signed(out, counter);
        }
    }

    pub(crate) fn decode(reader: &mut Reader) -> Result<Self, Undecodable> {
        let mut totals = Self {
            next: Seq(reader.varint()?),
            clock: reader.signed()?,
            fired: reader.signed()?,
            ..Self::default()
        };
        for ordinal in &mut totals.ordinals {
            *ordinal = reader.varint()?;
        }
        for counter in &mut totals.counters {
            *counter = reader.signed()?;
        }
        Ok(totals)
    }
}
