//! The postings of recent units. The core only puts them into its units. A reader that needs them collects them here, so
//! the core pays nothing for postings that nobody reads.
//!
//! Invariant: with the catalog that [`RecentPostings::collect`] returns, the collected postings are those of one moment.
//! They have each change of a unit that the segments of the catalog do not have, up to that moment, and no change of a
//! unit that they do have: such a change might be older than what the segments say.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::index::Catalog;
use crate::unit::{Posting, PostingChange, Seq, Unit};
use crate::view::SharedRecent;

/// How many units are looked at while the lock is held that the core needs, too.
const AT_ONCE: usize = 1_024;

/// The newest change of each posting that recent units changed, and the unit that made the change.
pub(crate) type Changes = BTreeMap<Posting, (Seq, PostingChange)>;

/// The postings of recent units, as far as they are collected.
#[derive(Debug, Default)]
pub(crate) struct RecentPostings {
    /// Shared with snapshots, and copied when it changes while a snapshot is in use.
    changes: Arc<Changes>,
    /// Units below this are collected.
    collected: Seq,
    /// The changes of units below this are dropped.
    covered: Seq,
}

impl RecentPostings {
    /// Collects the postings of all units that were sealed before the call, perhaps of some later ones. Returns them with
    /// the catalog that has all others.
    pub(crate) fn collect(&mut self, recent: &SharedRecent) -> (Arc<Changes>, Arc<Catalog>) {
        let until = recent.read().overlay.next();
        loop {
            let now = recent.read();
            let (units, reached) = now.overlay.units_with_postings(self.collected, AT_ONCE);
            let (covered, catalog) = (now.overlay.covered(), Arc::clone(&now.catalog));
            drop(now);
            self.add(&units);
            self.collected = reached;
            if reached >= until {
                self.drop_covered(covered);
                return (Arc::clone(&self.changes), catalog);
            }
        }
    }

    fn add(&mut self, units: &[Arc<Unit>]) {
        if units.is_empty() {
            return;
        }
        let changes = Arc::make_mut(&mut self.changes);
        for unit in units {
            for (posting, change) in unit.postings.iter() {
                changes.insert(posting, (unit.seq, change));
            }
        }
    }

    fn drop_covered(&mut self, covered: Seq) {
        if covered > self.covered {
            self.covered = covered;
            if !self.changes.is_empty() {
                let changes = Arc::make_mut(&mut self.changes);
                changes.retain(|_, (seq, _)| *seq >= covered);
            }
        }
    }
}
