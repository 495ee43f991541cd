//! A backup that is made while the store goes on, and the comparison of what it restores with the expected contents.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use orderly_store::backup::{Restore, Source};
use orderly_store::disk::Tree;
use orderly_store::sim::{Fault, SimDisk, SimRng};
use orderly_store::{Disk, Error, Log, Opened, Options, Seq, open};

use super::{Model, unit};

/// A backup under way.
pub(crate) struct Backup {
    source: Source,
    parts: Vec<(Tree, Vec<u8>)>,
    /// Every unit below this was durable when the backup began.
    begun: Seq,
    /// Units before this may have been removed from the journal when the backup began.
    pruned: Seq,
}

impl Backup {
    pub(crate) fn begin(log: &mut Log, begun: Seq, pruned: Seq) -> Result<Self, Error> {
        Ok(Self { source: log.backup()?, parts: Vec::new(), begun, pruned })
    }

    /// Copies some records. Returns whether that was all.
    pub(crate) fn step(&mut self) -> bool {
        let mut out = Vec::new();
        let copied = self.source.step(&mut out).expect("a read");
        if let Some(copied) = copied
            && copied.records > 0
        {
            self.parts.push((copied.tree, out));
        }
        copied.is_none()
    }

    fn restore(&self, disk: &Arc<SimDisk>) -> Result<(), Error> {
        let mut restore = Restore::begin(Arc::<SimDisk>::clone(disk))?;
        for (tree, part) in &self.parts {
            restore.put(*tree, Bytes::copy_from_slice(part))?;
        }
        restore.finish()
    }

    /// Restores the backup, which is complete, and checks that the store there has the units up to its end, and goes on.
    /// Identities of units before `expired` may be deleted.
    pub(crate) fn check(self, model: &Model, expired: i64, options: &Options, rng: &mut SimRng) {
        let mut model = model.clone();
        assert!(self.source.end() >= self.begun, "a unit that was durable is missing");
        model.cut(self.source.end());

        // A crash while it is restored leaves no store, or the whole store.
        let existing = Options { namespace: None, ..options.clone() };
        let broken = Arc::new(SimDisk::new(rng.below(1_000)));
        broken.fail_at(1 + rng.below(40), Fault::Crash);
        let restored = self.restore(&broken);
        let crashed: Arc<dyn Disk> = Arc::new(broken.crash());
        match open(&crashed, &existing) {
            Ok(store) => model.check(&store.view, expired),
            Err(error) => assert!(matches!(error, Error::NoStore) && restored.is_err(), "{error}"),
        }

        let mut disk = Arc::new(SimDisk::new(rng.below(1_000)));
        self.restore(&disk).expect("no fault is armed");
        disk = Arc::new(disk.crash());
        let mut store = reopen(&disk, &existing);
        model.check(&store.view, expired);
        model.check_history(&store.history, self.pruned);
        check_timers(&store, &model);

        // And it goes on from there.
        let before = store.recovery.incarnations.current();
        store.begin_incarnation().expect("no fault is armed");
        assert_ne!(store.recovery.incarnations.current(), before);
        for _ in 0..5 {
            let unit = unit(&store.view, rng, store.view.clock());
            store.view.seal(Arc::clone(&unit));
            model.units.push(Arc::clone(&unit));
            store.log.commit(&[unit]).expect("no fault is armed");
        }
        let report = store.log.checkpoint().expect("no fault is armed");
        store.view.checkpointed(&report);
        model.check(&store.view, expired);
        drop((report, store));
        let store = reopen(&Arc::new(disk.crash()), &existing);
        model.check(&store.view, expired);
        model.check_history(&store.history, self.pruned);
    }
}

fn reopen(disk: &Arc<SimDisk>, options: &Options) -> Opened {
    let disk: Arc<dyn Disk> = Arc::<SimDisk>::clone(disk);
    open(&disk, options).expect("no fault is armed")
}

/// Every timer that has not fired is handed out, and no other.
pub(crate) fn check_timers(store: &Opened, model: &Model) {
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
