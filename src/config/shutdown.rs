//! Stopping.

use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::report::Report;

/// Section `shutdown`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shutdown {
    /// The time for the work in hand after the first signal.
    pub grace: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { grace: Duration::from_secs(20) }
    }
}

impl Shutdown {
    pub(super) fn check(&self, report: &mut Report) {
        report.plausible(
            "shutdown.grace",
            self.grace,
            (Duration::from_secs(1), Duration::from_secs(90)),
            "a service manager kills a process that takes longer (systemd after 90s); after a \
             shorter time events wait for the next start",
        );
    }
}
