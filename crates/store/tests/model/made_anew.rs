//! A store that was made of what another one has: by a restore or by an import.

use std::collections::BTreeSet;
use std::sync::Arc;

use orderly_store::sim::{SimDisk, SimRng};
use orderly_store::{Disk, Error, Opened, Options, Seq, open};

use super::{Model, unit};

/// What a store that was made anew must have.
pub(super) struct Expected<'a> {
    pub(super) model: Model,
    /// Units before this may have been removed from the journal.
    pub(super) pruned: Seq,
    /// Identities of units before this may be deleted.
    pub(super) expired: i64,
    pub(super) options: &'a Options,
}

pub(super) fn reopen(disk: &Arc<SimDisk>, options: &Options) -> Opened {
    let disk: Arc<dyn Disk> = Arc::<SimDisk>::clone(disk);
    open(&disk, options).expect("no fault is armed")
}

impl Expected<'_> {
    /// Checks that a crash on the way, after which making it ended in `made`, left no store, or the whole store.
    pub(super) fn check_interrupted(&self, broken: &SimDisk, made: &Result<(), Error>) {
        let crashed: Arc<dyn Disk> = Arc::new(broken.crash());
        match open(&crashed, self.options) {
            Ok(store) => self.model.check(&store.view, self.expired),
            Err(error) => assert!(matches!(error, Error::NoStore) && made.is_err(), "{error}"),
        }
    }

    /// Checks that the store on the disk has what it must have, and goes on from there.
    pub(super) fn check(mut self, disk: &SimDisk, mut store: Opened, rng: &mut SimRng) {
        self.check_contents(&store);
        check_timers(&store, &self.model);
        for _ in 0..5 {
            let unit = unit(&store.view, rng, store.view.clock());
            store.view.seal(Arc::clone(&unit));
            self.model.units.push(Arc::clone(&unit));
            store.log.commit(&[unit]).expect("no fault is armed");
        }
        let report = store.log.checkpoint().expect("no fault is armed");
        store.view.checkpointed(&report);
        self.model.check(&store.view, self.expired);
        drop((report, store));
        self.check_contents(&reopen(&Arc::new(disk.crash()), self.options));
    }

    fn check_contents(&self, store: &Opened) {
        self.model.check(&store.view, self.expired);
        self.model.check_history(&store.history, self.pruned);
    }
}

/// Every timer that has not fired is handed out, and no other.
fn check_timers(store: &Opened, model: &Model) {
    let (required, allowed) = model.timers();
    let mut found = BTreeSet::new();
    loop {
        let due = store.view.due(i64::MAX - 100_000_000, 11).expect("a read");
        if due.is_empty() {
            break;
        }
        found.extend(due);
    }
    let lost: Vec<_> = required.difference(&found).collect();
    assert!(lost.is_empty(), "{lost:?} are lost");
    let fired: Vec<_> = found.difference(&allowed).collect();
    assert!(fired.is_empty(), "{fired:?} had fired before");
}
