//! Commands that were set aside.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::report::Report;
use super::size::ByteSize;

/// Section `parked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parked {
    /// Parked commands at most; what comes beyond goes whole to the dead letters of the broker.
    pub max_count: NonZeroU32,
    /// Bodies of parked commands in all; beyond that only the first 64 KiB of each are kept here.
    pub max_bytes: ByteSize,
}

impl Default for Parked {
    fn default() -> Self {
        Self {
            max_count: NonZeroU32::new(100_000).expect("not zero"),
            max_bytes: ByteSize::from_mib(256),
        }
    }
}

impl Parked {
    pub(super) fn check(&self, report: &mut Report) {
        report.require(
            self.max_bytes >= ByteSize::from_mib(1),
            "parked.max_bytes",
            "at least 1MiB: the largest body that is kept whole",
        );
    }
}
