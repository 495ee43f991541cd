//! The store on disk.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::report::Report;
use super::size::ByteSize;

/// Section `store`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The directory of the store. It is made where it is missing.
    pub path: PathBuf,
    /// Whether a store is made where there is none.
    pub create: Create,
    /// The time for which identities of commands are kept, so that a repetition is a duplicate.
    pub idempotency_retention: Duration,
    /// The time for which the journal, settled orders and closed carts are kept.
    pub history_retention: Duration,
    /// Memory for what was read from disk, the filters of the index among it.
    pub cache: ByteSize,
    /// A checkpoint begins when the changes since the last one take this much memory.
    pub checkpoint_bytes: ByteSize,
    /// A checkpoint begins this time after the last one.
    pub checkpoint_every: Duration,
    /// The most bytes that a backup, or a copy for another member, reads in a second.
    pub backup_rate: ByteSize,
}

/// Whether a store is made where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Create {
    /// For a namespace that no store was used with.
    New,
    /// For any namespace. Where another store was used, what it knew is forgotten.
    Always,
    /// Never: a missing store is an error.
    Never,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            path: PathBuf::from("data/orderly"),
            create: Create::New,
            idempotency_retention: Duration::from_days(30),
            history_retention: Duration::from_days(90),
            cache: ByteSize::from_mib(8),
            checkpoint_bytes: ByteSize::from_mib(32),
            checkpoint_every: Duration::from_secs(30),
            backup_rate: ByteSize::from_mib(32),
        }
    }
}

impl Store {
    pub(super) fn check(&self, report: &mut Report) {
        let mib = ByteSize::from_mib(1);
        report.require(!self.path.as_os_str().is_empty(), "store.path", "must name a directory");
        report.require(
            !self.idempotency_retention.is_zero(),
            "store.idempotency_retention",
            "must be longer than 0s: otherwise no command would ever be a duplicate",
        );
        report.require(
            self.history_retention >= self.idempotency_retention,
            "store.history_retention",
            format!(
                "must not be below store.idempotency_retention ({})",
                self.idempotency_retention
            ),
        );
        report.require(self.cache >= mib, "store.cache", "must be at least 1MiB");
        report.require(
            self.checkpoint_bytes >= mib,
            "store.checkpoint_bytes",
            "must be at least 1MiB",
        );
        report.require(
            self.checkpoint_every >= Duration::from_millis(100),
            "store.checkpoint_every",
            "must be at least 100ms",
        );
        report.require(
            self.backup_rate >= ByteSize::from_kib(64),
            "store.backup_rate",
            "must be at least 64KiB",
        );
        report.plausible(
            "store.idempotency_retention",
            self.idempotency_retention,
            (Duration::from_days(1), Duration::from_days(730)),
            "a command that is delivered again after this time is applied again",
        );
        report.plausible(
            "store.history_retention",
            self.history_retention,
            (Duration::from_days(1), Duration::from_days(3653)),
            "the journal grows on disk for this time",
        );
        report.plausible(
            "store.checkpoint_every",
            self.checkpoint_every,
            (Duration::from_secs(1), Duration::from_mins(10)),
            "a start replays the changes since the last checkpoint",
        );
    }
}
