//! Carts.

use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::report::Report;

/// Section `carts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Carts {
    /// A cart expires when it was not changed for this time and up to a tenth longer.
    pub expire_after: Duration,
}

impl Default for Carts {
    fn default() -> Self {
        Self { expire_after: Duration::from_days(30) }
    }
}

impl Carts {
    pub(super) fn check(&self, report: &mut Report) {
        report.require(
            !self.expire_after.is_zero(),
            "carts.expire_after",
            "must be longer than 0s",
        );
        report.plausible(
            "carts.expire_after",
            self.expire_after,
            (Duration::from_hours(1), Duration::from_days(730)),
            "carts without a change expire after this time",
        );
    }
}
