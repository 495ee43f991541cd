//! Parked commands.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::report::Report;
use super::size::ByteSize;

/// Section `parked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parked {
    /// The largest number of parked commands. Further ones are published whole to the dead letters of the broker.
    pub max_count: NonZeroU32,
    /// The largest size of all parked bodies together. Of further ones only the first 64 KiB are kept here, and the whole
    /// message is published to the dead letters of the broker.
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
            "must be at least 1MiB, the largest body that is kept whole",
        );
    }
}
