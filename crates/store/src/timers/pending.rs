//! Timers: reminders to look at an entity at some time, in buckets by that time.
//!
//! A timer is never deleted by itself: the entity's state decides whether there is anything to do, and a bucket whose
//! time has passed is deleted as a whole. Every unit says up to which time timers are dealt with ([`Unit::fired`]), so this is as
//! durable as what the timers led to. Memory holds the bucket of the present and what no checkpoint holds.
//!
//! Invariant: a timer that was sealed and is not dealt with is in `near`, or in `far`, or in a bucket on disk at or
//! behind the horizon.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bucket::{BUCKET, bucket_of, bucket_of_key, decode, key};
use crate::disk::{Disk, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::unit::{Seq, Timer, Unit};

/// The timers that are not dealt with, as far as memory has to hold them.
#[derive(Debug)]
pub(crate) struct Pending {
    disk: Arc<dyn Disk>,
    /// Known timers due before the horizon: those from disk and recent ones.
    near: BTreeSet<Timer>,
    /// Recent timers due at the horizon or later, with the unit that left each.
    far: BTreeMap<Timer, Seq>,
    /// A bucket's begin: buckets on disk from here on are not in memory.
    horizon: i64,
    /// Timers due before this are dealt with.
    fired: i64,
    /// What `fired` becomes when those handed out last are dealt with.
    handed: i64,
}

impl Pending {
    /// Knows of no timer; buckets are read when their time comes. To be [restarted](Self::restart) after a replay.
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        let (near, far) = (BTreeSet::new(), BTreeMap::new());
        Self { disk, near, far, horizon: i64::MIN, fired: i64::MIN, handed: i64::MIN }
    }

    /// Begins behind what is dealt with.
    pub(crate) fn restart(&mut self, fired: i64) {
        self.far.retain(|timer, _| timer.due >= fired);
        (self.fired, self.handed) = (fired, fired);
        self.horizon = bucket_of(fired) * BUCKET;
    }

    /// Timers due before this are dealt with.
    pub(crate) const fn fired(&self) -> i64 {
        self.fired
    }

    /// Takes note of a unit's timers.
    pub(crate) fn add(&mut self, unit: &Unit) {
        for &timer in &unit.timers {
            // Its time may lie before the last look at the clock.
            self.fired = self.fired.min(timer.due);
            self.handed = self.handed.min(timer.due);
            if timer.due < self.horizon {
                self.near.insert(timer);
            } else {
                self.far.insert(timer, unit.seq);
            }
        }
    }

    /// Buckets on disk hold the timers of every unit below `covered`.
    pub(crate) fn cover(&mut self, covered: Seq) {
        self.far.retain(|_, seq| *seq >= covered);
    }

    /// The earliest timer that memory knows.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let near = self.near.first().map(|timer| timer.due);
        near.or_else(|| self.far.first_key_value().map(|(timer, _)| timer.due))
    }

    /// Hands out what is due by `now`; what was handed out before counts as dealt with.
    pub(crate) fn due(&mut self, now: i64, limit: usize) -> Result<Vec<Timer>, Error> {
        self.fired = self.handed;
        let mut due = Vec::new();
        while due.len() < limit {
            if let Some(&timer) = self.near.first().filter(|timer| timer.due <= now) {
                self.near.remove(&timer);
                due.push(timer);
            } else if self.horizon <= now {
                self.load_next(now)?;
            } else {
                break;
            }
        }
        let next = self.near.first().map_or(self.horizon, |timer| timer.due);
        self.handed = self.fired.max(next.min(now));
        Ok(due)
    }

    /// The timers that are not dealt with and are due by `until`, whatever the time is. Nothing is handed out.
    pub(crate) fn upcoming(&self, until: i64) -> Result<Vec<Timer>, Error> {
        let recent = self.near.iter().chain(self.far.keys());
        let mut upcoming: Vec<Timer> = recent.filter(|timer| timer.due <= until).copied().collect();
        let mut next = key(bucket_of(self.horizon), Seq(0), 0).to_vec();
        while let Some((found, record)) = self.disk.scan(Tree::Timers, &next, 1)?.pop() {
            let bucket = bucket_of_key(&found).ok_or_else(|| Error::corrupt("timers", &found))?;
            if bucket > bucket_of(until) {
                break;
            }
            let timers = decode(record, &found)?;
            let is_open = |timer: &Timer| timer.due >= self.fired && timer.due <= until;
            upcoming.extend(timers.into_iter().filter(is_open));
            next = found.to_vec();
            next.push(0);
        }
        upcoming.sort_unstable();
        upcoming.dedup();
        Ok(upcoming)
    }

    /// Moves the horizon behind the next bucket that has anything, or behind the present.
    fn load_next(&mut self, now: i64) -> Result<(), Error> {
        let from = bucket_of(self.horizon);
        let mut bucket = bucket_of(now);
        if let Some((found, _)) = self.disk.scan(Tree::Timers, &key(from, Seq(0), 0), 1)?.first() {
            bucket = bucket.min(
                bucket_of_key(found)
                    .ok_or_else(|| Error::corrupt(Kind::TimerBucket.name(), found))?,
            );
        }
        if let Some((timer, _)) = self.far.first_key_value() {
            bucket = bucket.min(bucket_of(timer.due));
        }
        let mut next = key(bucket, Seq(0), 0).to_vec();
        while let Some((found, record)) = self.disk.scan(Tree::Timers, &next, 1)?.pop() {
            if bucket_of_key(&found) != Some(bucket) {
                break;
            }
            let timers = decode(record, &found)?;
            self.near.extend(timers.into_iter().filter(|timer| timer.due >= self.fired));
            next = found.to_vec();
            next.push(0);
        }
        self.horizon = (bucket + 1) * BUCKET;
        while let Some(first) = self.far.first_entry()
            && first.key().due < self.horizon
        {
            self.near.insert(first.remove_entry().0);
        }
        Ok(())
    }
}
