//! Committed units that no checkpoint has written yet.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use crate::index::{Entry, IDENTITIES, TimeBuckets};
use crate::position::Position;
use crate::postings::Net;
use crate::schema::Table;
use crate::totals::Totals;
use crate::unit::{Ordinal, Posting, PostingChange, Timer, Unit};

/// The units that were committed since the last checkpoint began. The overlay shares the same units.
#[derive(Debug)]
pub(crate) struct PendingUnits {
    /// The sums over all units so far.
    pub(crate) totals: Totals,
    /// The number of the next journal chunk.
    pub(crate) chunk: u64,
    /// The newest position of all units so far.
    pub(crate) position: Option<Position>,
    /// The memory of the units, in bytes.
    pub(crate) bytes: usize,
    buckets: TimeBuckets,
    pub(crate) units: Vec<Arc<Unit>>,
}

impl PendingUnits {
    pub(crate) fn new(
        totals: Totals,
        chunk: u64,
        position: Option<Position>,
        buckets: TimeBuckets,
    ) -> Self {
        Self { totals, chunk, position, bytes: 0, buckets, units: Vec::new() }
    }

    pub(crate) fn add(&mut self, unit: &Arc<Unit>) {
        self.bytes += unit.footprint();
        self.totals.apply(unit);
        self.units.push(Arc::clone(unit));
    }

    /// Takes all pending units. Units that are added later belong to the next checkpoint.
    pub(crate) fn take(&mut self) -> Self {
        let next = Self::new(self.totals.clone(), self.chunk, self.position, self.buckets);
        mem::replace(self, next)
    }

    /// The entities that the units changed, sorted by page, then by unit. An entity occurs once for each of its units.
    pub(crate) fn dirty_entities(&self) -> Vec<DirtyEntity> {
        let mut dirty = Vec::with_capacity(self.units.len() * 4);
        for (unit, at) in self.units.iter().zip(0_u32..) {
            let link = unit.history.iter().map(|link| (link.table, link.ordinal));
            let puts = unit.puts.iter().map(|put| (put.table, put.ordinal));
            dirty.extend(puts.chain(link).map(|(table, ordinal)| DirtyEntity {
                table,
                ordinal,
                at,
            }));
        }
        dirty.sort_unstable();
        dirty.dedup();
        dirty
    }

    /// The new index entries, grouped by index and time bucket, each group in the order of the units.
    pub(crate) fn entries(&self) -> BTreeMap<(usize, i64), Vec<Entry>> {
        let mut entries: BTreeMap<_, Vec<Entry>> = BTreeMap::new();
        for unit in &self.units {
            for name in &unit.names {
                let entry = Entry { hash: name.hash.0, words: [name.ordinal.0, 0] };
                entries.entry((name.table.index(), 0)).or_default().push(entry);
            }
            if let Some(identity) = &unit.identity {
                let entry = Entry { hash: identity.hash.0, words: [identity.data, unit.seq.0] };
                let bucket = self.buckets.of(unit.at);
                entries.entry((IDENTITIES, bucket)).or_default().push(entry);
            }
        }
        entries
    }

    /// What the units do with postings, in ascending order, each posting once.
    pub(crate) fn postings(&self) -> Vec<(Posting, PostingChange)> {
        let count = self.units.iter().map(|unit| unit.postings.len()).sum();
        let mut changes = Vec::with_capacity(count);
        for (unit, at) in self.units.iter().zip(0_u32..) {
            changes.extend(unit.postings.iter().map(|(posting, change)| (posting, at, change)));
        }
        changes.sort_unstable_by_key(|&(posting, at, _)| (posting, at));
        let mut postings = Vec::with_capacity(changes.len());
        for of_one in changes.chunk_by(|a, b| a.0 == b.0) {
            let (posting, _, oldest) = of_one[0];
            let newer = of_one[1..].iter().map(|&(.., change)| change);
            if let Some(change) = newer.fold(Net::new(oldest), Net::and_then).change(false) {
                postings.push((posting, change));
            }
        }
        postings
    }

    /// The number of identities that the units use up.
    pub(crate) fn identities(&self) -> u64 {
        self.units.iter().filter(|unit| unit.identity.is_some()).count() as u64
    }

    /// The new timers that have not fired.
    pub(crate) fn timers(&self) -> Vec<Timer> {
        let timers = self.units.iter().flat_map(|unit| &unit.timers).copied();
        timers.filter(|timer| timer.due >= self.totals.fired).collect()
    }
}

/// An entity that a pending unit changed, and the index of that unit among the pending units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DirtyEntity {
    pub(crate) table: Table,
    pub(crate) ordinal: Ordinal,
    pub(crate) at: u32,
}
