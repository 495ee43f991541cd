//! The timers in memory, and handing out those that are due.
//!
//! A single timer is never deleted. When a timer fires, the state of its entity decides whether there is anything to
//! do, and a bucket is deleted as a whole after its time. Every unit records the time before which all timers have
//! fired ([`Unit::fired`]), so this time becomes durable together with what the timers caused. Memory holds the timers
//! of the current bucket, and those that no checkpoint has written.
//!
//! Invariant: a timer that was sealed and has not fired is in `near`, or in `far`, or on disk in a bucket that begins
//! at the horizon or later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bucket::{BUCKET, bucket_of, bucket_of_key, decode, key};
use crate::disk::{Disk, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::unit::{Seq, Timer, Unit};

/// The timers in memory that have not fired.
#[derive(Debug)]
pub(crate) struct Pending {
    disk: Arc<dyn Disk>,
    /// Known timers due before the horizon: those from disk and recent ones.
    near: BTreeSet<Timer>,
    /// Recent timers due at the horizon or later, each with the unit that set it.
    far: BTreeMap<Timer, Seq>,
    /// The beginning of a bucket. This bucket on disk and all later ones are not in memory.
    horizon: i64,
    /// Timers due before this have fired: they were handed out, and what they caused is sealed.
    fired: i64,
    /// The next value of `fired`, when the timers that were handed out last have been handled.
    handed: i64,
}

impl Pending {
    /// No timers in memory: buckets are read when their time comes. Must be [restarted](Self::restart) after a replay.
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        let (near, far) = (BTreeSet::new(), BTreeMap::new());
        Self { disk, near, far, horizon: i64::MIN, fired: i64::MIN, handed: i64::MIN }
    }

    /// Starts over: timers due before `fired` have fired.
    pub(crate) fn restart(&mut self, fired: i64) {
        self.far.retain(|timer, _| timer.due >= fired);
        self.near.retain(|timer| timer.due >= fired);
        (self.fired, self.handed) = (fired, fired);
        self.horizon = bucket_of(fired) * BUCKET;
    }

    /// Timers due before this have fired.
    pub(crate) const fn fired(&self) -> i64 {
        self.fired
    }

    /// Adds the timers of a unit.
    pub(crate) fn add(&mut self, unit: &Unit) {
        for &timer in &unit.timers {
            // the timer may be due before the time up to which timers were handed out
            self.fired = self.fired.min(timer.due);
            self.handed = self.handed.min(timer.due);
            if timer.due < self.horizon {
                self.near.insert(timer);
            } else {
                self.far.insert(timer, unit.seq);
            }
        }
    }

    /// Forgets the recent timers of units below `covered`: the buckets on disk hold them.
    pub(crate) fn cover(&mut self, covered: Seq) {
        self.far.retain(|_, seq| *seq >= covered);
    }

    /// The time of the earliest timer in memory.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let near = self.near.first().map(|timer| timer.due);
        near.or_else(|| self.far.first_key_value().map(|(timer, _)| timer.due))
    }

    /// Hands out up to `limit` timers that are due at `now`. The timers that the last call handed out count as fired.
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

    /// The timers of one kind due until `until` that have not fired, at most `limit` of them. They are not handed out.
    pub(crate) fn upcoming(
        &self,
        kind: u8,
        until: i64,
        limit: usize,
    ) -> Result<BTreeSet<Timer>, Error> {
        let is_wanted = |timer: &Timer| timer.kind == kind && timer.due <= until;
        let recent = self.near.iter().chain(self.far.keys());
        let mut upcoming: BTreeSet<Timer> =
            recent.filter(|timer| is_wanted(timer)).take(limit).copied().collect();
        let mut next = key(bucket_of(self.horizon), Seq(0), 0).to_vec();
        while upcoming.len() < limit
            && let Some((found, record)) = self.disk.scan(Tree::Timers, &next, 1)?.pop()
        {
            let bucket = bucket_of_key(&found).ok_or_else(|| Error::corrupt("timers", &found))?;
            if bucket > bucket_of(until) {
                break;
            }
            let is_open = |timer: &Timer| is_wanted(timer) && timer.due >= self.fired;
            for timer in decode(record, &found)?.into_iter().filter(is_open) {
                if upcoming.len() == limit {
                    break;
                }
                upcoming.insert(timer);
            }
            next = found.to_vec();
            next.push(0);
        }
        Ok(upcoming)
    }

    /// Loads the next bucket that has timers, or the current one, and moves the horizon to its end.
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
