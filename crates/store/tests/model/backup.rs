//! A backup that is made while the store goes on, and the comparison of what it restores with the expected contents.

use std::sync::Arc;

use bytes::Bytes;
use orderly_store::backup::{Restore, Source};
use orderly_store::disk::Tree;
use orderly_store::sim::{Fault, SimDisk, SimRng};
use orderly_store::{Error, Log, Options, Seq};

use super::Model;
use super::made_anew::{Expected, reopen};

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
        let options = &Options { namespace: None, ..options.clone() };
        let expected = Expected { model, pruned: self.pruned, expired, options };

        let broken = Arc::new(SimDisk::new(rng.below(1_000)));
        broken.fail_at(1 + rng.below(40), Fault::Crash);
        expected.check_interrupted(&broken, &self.restore(&broken));

        let disk = Arc::new(SimDisk::new(rng.below(1_000)));
        self.restore(&disk).expect("no fault is armed");
        let disk = Arc::new(disk.crash());
        let mut store = reopen(&disk, options);
        let before = store.recovery.incarnations.current();
        store.begin_incarnation().expect("no fault is armed");
        assert_ne!(store.recovery.incarnations.current(), before);
        expected.check(&disk, store, rng);
    }
}
