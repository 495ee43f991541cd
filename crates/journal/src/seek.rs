//! Finding the place in the journal where a store's units end.
//!
//! A reader attaches at the offset of the last record whose units the store has, and checks that it is that record. If
//! it is not, or nothing comes (a stream says nothing to who attaches behind its end), the journal lost its front or its
//! end, or offsets moved. Then the reader attaches at the first record. A journal that is whole can be read from its
//! beginning by anybody; in another one the store looks for a record that it has accepted before.
//!
//! The record is one of units, or a tick: while the owner has nothing to append, only ticks come, and the stream may lose all
//! units. A record is known again by its epoch, its sequence, its chain and its offset together. The offset matters: the same
//! record may come once more behind the opening of another epoch, and a reader that began there would be fooled. What is
//! left of a journal keeps its offsets. A tick where the store knows units with the same end is no place: the journal has lost the
//! units, and a tick of their owner came late and took their offset.

use std::time::Duration;

use crate::id::Position;
use crate::reader::Refusal;
use crate::record::Record;

/// Where to attach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At this offset, inclusive.
    Offset(u64),
    /// At the first record that there is.
    First,
}

/// What a store knows of the places where it was before.
pub trait Past {
    /// The place in the journal behind the record that ended before the sequence `next`, if the store knows it.
    fn at(&self, next: u64) -> Option<Position>;
}

/// The past of a store that was in no journal yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPast;

impl Past for NoPast {
    fn at(&self, _: u64) -> Option<Position> {
        None
    }
}

/// What a record says about the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The place is right behind this record.
    Place(Position),
    /// This is the first record of a whole journal.
    Beginning,
    /// Nothing.
    Nothing,
    /// The place is not where it was looked for: look from the first record on.
    LookFromFirst,
    /// There is no place: the journal lost its front, and the store was never in it.
    NoPlace,
}

/// The search for the place.
#[derive(Debug, Clone)]
pub struct Seek {
    from: From,
    last: Option<Position>,
    /// When the reader was attached, or when it read the last record.
    pub(crate) since: Duration,
    /// The lowest first sequence of units that were read.
    lowest: Option<u64>,
}

impl Seek {
    /// A search for the place `last`, the last one that the store knows.
    pub fn new(last: Option<Position>, now: Duration) -> Self {
        let from = last.map_or(From::First, |place| From::Offset(place.offset));
        Self { from, last, since: now, lowest: None }
    }

    /// A search from the first record on.
    pub const fn from_first(last: Option<Position>, now: Duration) -> Self {
        Self { from: From::First, last, since: now, lowest: None }
    }

    /// Where to attach.
    pub const fn from(&self) -> From {
        self.from
    }

    /// Looks at a record. `None` stands for a body that is no record of a journal.
    pub fn see(&mut self, offset: u64, record: Option<&Record>, past: &dyn Past) -> Found {
        match self.from {
            From::Offset(wanted) if offset < wanted => return Found::Nothing,
            From::Offset(_) => {
                let found = self.last_at(offset, record, past);
                return found.map_or(Found::LookFromFirst, Found::Place);
            }
            From::First if offset == 0 => return Found::Beginning,
            From::First => {}
        }
        if let Some(place) = self.last_at(offset, record, past) {
            return Found::Place(place);
        }
        let Some(Record::Units(units)) = record else { return Found::Nothing };
        self.lowest = Some(self.lowest.map_or(units.first, |lowest| lowest.min(units.first)));
        match past.at(units.end.next) {
            Some(place) if is_at(&place, offset, record) => Found::Place(place),
            // a store that was never in the journal knows no place in it
            _ if self.last.is_none() => Found::NoPlace,
            _ => Found::Nothing,
        }
    }

    /// The last place, if the record is the one there.
    fn last_at(&self, offset: u64, record: Option<&Record>, past: &dyn Past) -> Option<Position> {
        let place = self.last.filter(|place| is_at(place, offset, record))?;
        let is_tick = matches!(record, Some(Record::Tick(_)));
        let had_units = is_tick && past.at(place.next).is_some_and(|known| known.offset == offset);
        (!had_units).then_some(place)
    }

    /// Why there is no place, when everything was looked at: what is left of the journal has no record that the store
    /// knows, so the two cannot be compared.
    pub fn refusal(&self) -> Refusal {
        let next = self.last.map_or(crate::applied::FIRST, |place| place.next);
        Refusal::Passed { first: self.lowest.unwrap_or(next) }
    }
}

/// Whether the record is the one at `place`.
fn is_at(place: &Position, offset: u64, record: Option<&Record>) -> bool {
    let (epoch, next, chain) = match record {
        Some(Record::Units(units)) => (units.epoch, units.end.next, Some(units.end.chain)),
        Some(Record::Tick(tick)) => (tick.epoch, tick.next, tick.chain),
        _ => return false,
    };
    offset == place.offset
        && epoch == place.epoch
        && (next, chain) == (place.next, Some(place.chain))
}

#[cfg(test)]
mod tests;
