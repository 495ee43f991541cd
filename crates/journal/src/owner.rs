//! Owning: which records to append, and when units are durable.
//!
//! A few records are under way at a time. The units of a record are durable when the owner's own reader has accepted it,
//! not when the broker confirms it: a confirm says that most nodes have the record, not that no higher epoch is in front
//! of it. When the reader finds a hole, the records from the hole on are appended again, as they were: a reader takes a
//! record wholly or not at all.

use std::collections::VecDeque;
use std::time::Duration;

use crate::id::{Epoch, Progress};
use crate::record::{Unit, Units};

/// The limits of an owner.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most bytes of units in a record. A longer unit has a record of its own.
    pub record_max: usize,
    /// While records are under way, a further one is made only of so many bytes of units: many small records cost everybody
    /// more than a few large ones, and a record that comes back lets the next one go.
    pub enough: usize,
    /// The most records under way.
    pub in_flight: usize,
    /// After how long without progress records are appended again.
    pub resend_after: Duration,
}

/// The records of the owner that were appended and not read back, and the units behind them.
#[derive(Debug, Clone)]
pub struct Owner {
    epoch: Epoch,
    /// What comes behind the last record that was made.
    end: Progress,
    /// What comes behind the last unit that was given.
    given: u64,
    waiting: VecDeque<Unit>,
    under_way: VecDeque<Units>,
    /// How many of the records under way are not to be appended now: they were.
    appended: usize,
    /// When the reader last accepted something, or when all records were appended again.
    moved: Duration,
    /// Whether the reader accepted something since all records were appended again.
    has_moved: bool,
    /// Whether units between the journal's end and those that were given are missing: the journal lost them.
    is_missing: bool,
}

impl Owner {
    /// The owner of `epoch`, whose opening record was read at `now`, when the journal ended at `end`. Its store has the
    /// units before `given`; if that is more than the journal has, they must be [restored](Self::restore) first.
    pub const fn new(epoch: Epoch, end: Progress, given: u64, now: Duration) -> Self {
        Self {
            epoch,
            end,
            given,
            waiting: VecDeque::new(),
            under_way: VecDeque::new(),
            appended: 0,
            moved: now,
            has_moved: true,
            is_missing: end.next < given,
        }
    }

    /// The units that the journal lost and that must be restored: from the first sequence up to the second one.
    pub fn missing(&self) -> Option<(u64, u64)> {
        self.is_missing.then(|| (self.end.next, self.first_waiting()))
    }

    /// The sequence of the first unit that was not read back.
    pub fn first_not_read_back(&self) -> u64 {
        if self.is_missing {
            return self.end.next;
        }
        self.under_way.front().map_or_else(|| self.first_waiting(), |record| record.first)
    }

    /// The sequence of the first unit that waits for a record.
    fn first_waiting(&self) -> u64 {
        self.given - self.waiting.iter().map(|unit| u64::from(unit.span)).sum::<u64>()
    }

    /// The epoch.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The sequence behind the last unit that was given.
    pub const fn given(&self) -> u64 {
        self.given
    }

    /// Whether every unit was read back, and none is missing.
    pub fn is_idle(&self) -> bool {
        !self.is_missing && self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// Whether records are under way.
    pub fn is_under_way(&self) -> bool {
        self.appended > 0
    }

    /// How many bytes of units were not read back.
    pub fn bytes(&self) -> usize {
        let under_way = self.under_way.iter().flat_map(|record| &record.units);
        under_way.chain(&self.waiting).map(|unit| unit.bytes.len()).sum()
    }

    /// Takes units that follow those before.
    pub fn give(&mut self, units: impl IntoIterator<Item = Unit>) {
        for unit in units {
            self.given += u64::from(unit.span);
            self.waiting.push_back(unit);
        }
    }

    /// The next record to append, while the window allows one.
    pub fn next_record(&mut self, limits: &Limits, cursor: u64, at: i64) -> Option<Units> {
        if self.is_missing {
            return None;
        }
        if self.appended == self.under_way.len() {
            let is_full = self.under_way.len() >= limits.in_flight.max(1);
            if is_full || (!self.under_way.is_empty() && !self.has_waiting(limits.enough)) {
                return None;
            }
            let record = self.pack(limits.record_max, cursor, at)?;
            self.end = record.end;
            self.under_way.push_back(record);
        }
        let record = self.under_way.get(self.appended)?.clone();
        self.appended += 1;
        Some(record)
    }

    /// Whether the units that wait have so many bytes.
    fn has_waiting(&self, bytes: usize) -> bool {
        let mut sizes = self.waiting.iter().map(|unit| unit.bytes.len());
        sizes
            .try_fold(0, |sum, size| if sum + size >= bytes { None } else { Some(sum + size) })
            .is_none()
    }

    /// Makes a record of the units that wait.
    fn pack(&mut self, most: usize, cursor: u64, at: i64) -> Option<Units> {
        let mut units = vec![self.waiting.pop_front()?];
        let mut bytes = units[0].bytes.len();
        while let Some(unit) = self.waiting.front() {
            bytes += unit.bytes.len();
            if bytes > most {
                break;
            }
            units.extend(self.waiting.pop_front());
        }
        Some(Units::new(self.epoch, self.end, cursor, at, units))
    }

    /// The reader has accepted everything before `next`.
    pub fn accepted(&mut self, next: u64, now: Duration) {
        while self.under_way.front().is_some_and(|record| record.end.next <= next) {
            self.under_way.pop_front();
            self.appended = self.appended.saturating_sub(1);
        }
        (self.moved, self.has_moved) = (now, true);
    }

    /// The reader found a hole in front of an own record. Returns whether records are appended again.
    pub fn hole(&mut self, limits: &Limits, now: Duration) -> bool {
        // the records behind the hole are read as holes too: they were appended before it was known
        let again = self.has_moved || now >= self.moved + limits.resend_after;
        if again {
            self.append_again(now);
        }
        again
    }

    /// The reader has accepted nothing for too long, although records are under way.
    pub fn is_stuck(&self, limits: &Limits, now: Duration) -> bool {
        self.appended > 0 && now >= self.moved + limits.resend_after
    }

    /// Appends all records under way again, in their order.
    pub const fn append_again(&mut self, now: Duration) {
        self.appended = 0;
        (self.moved, self.has_moved) = (now, false);
    }

    /// Goes on in another epoch of its own, whose opening record was read when the journal ended at `end`. What was not
    /// read back is appended again in the new epoch, with the same sequences.
    pub fn reopen(&mut self, epoch: Epoch, end: Progress, now: Duration) {
        let under_way = std::mem::take(&mut self.under_way);
        let units: Vec<Unit> = under_way.into_iter().flat_map(|record| record.units).collect();
        for unit in units.into_iter().rev() {
            self.waiting.push_front(unit);
        }
        (self.epoch, self.end) = (epoch, end);
        self.append_again(now);
        self.has_moved = true;
        self.is_missing = end.next < self.first_waiting();
    }

    /// Gives the units that are [missing](Self::missing), all of them.
    pub fn restore(&mut self, units: Vec<Unit>) {
        if std::mem::take(&mut self.is_missing) {
            for unit in units.into_iter().rev() {
                self.waiting.push_front(unit);
            }
        }
    }

    /// Numbers what was not read back anew, from `end` on. Nobody must do that: see [`orderly_planted::Bug`].
    pub(crate) fn renumber(&mut self, end: Progress) {
        let waiting: u64 = self.waiting.iter().map(|unit| u64::from(unit.span)).sum();
        self.given = end.next + waiting;
        self.is_missing = false;
    }

    /// Drops what was not read back.
    pub fn drop_all(&mut self) -> Vec<Unit> {
        let under_way = std::mem::take(&mut self.under_way);
        let units = under_way.into_iter().flat_map(|record| record.units);
        let dropped = units.chain(std::mem::take(&mut self.waiting)).collect();
        self.appended = 0;
        dropped
    }
}

#[cfg(test)]
mod tests;
