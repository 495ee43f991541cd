//! Limits of a message, and when a standstill is reported.

use std::num::{NonZeroU16, NonZeroU32};

use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::report::Report;
use super::size::ByteSize;

/// Section `intake`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Intake {
    /// A larger command is parked as `too_large` without being parsed.
    pub max_command_size: ByteSize,
    /// The process is not ready when messages are in hand and no command has ended for this time. A single command, or a write
    /// to the disk, that takes this long ends the process.
    pub stall_after: Duration,
    /// The largest number of commands over HTTP in a second.
    pub http_rate: NonZeroU32,
    /// The largest number of commands over HTTP in a burst after a quiet time.
    pub http_burst: NonZeroU32,
    /// The largest number of commands over HTTP that wait for the broker, or for their verdict, at a time.
    pub http_in_flight: NonZeroU16,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            max_command_size: ByteSize::from_kib(64),
            stall_after: Duration::from_secs(60),
            http_rate: NonZeroU32::new(100).expect("not zero"),
            http_burst: NonZeroU32::new(200).expect("not zero"),
            http_in_flight: NonZeroU16::new(64).expect("not zero"),
        }
    }
}

impl Intake {
    pub(super) fn check(&self, report: &mut Report) {
        // A parked command of up to 1 MiB is kept whole, so it can be replayed.
        let sizes = ByteSize::from_kib(1)..=ByteSize::from_mib(1);
        report.require(
            sizes.contains(&self.max_command_size),
            "intake.max_command_size",
            "must be 1KiB to 1MiB",
        );
        report.require(
            self.stall_after >= Duration::from_secs(1),
            "intake.stall_after",
            "must be at least 1s",
        );
        report.require(
            self.http_in_flight.get() <= 256,
            "intake.http_in_flight",
            "must be at most 256: the admin server has as many connections",
        );
        report.plausible(
            "intake.stall_after",
            self.stall_after,
            (Duration::from_secs(5), Duration::from_mins(30)),
            "readiness fails when no command has ended for this time",
        );
    }
}
