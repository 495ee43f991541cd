//! `?dry_run=true`: only says what would be.

use crate::admin::query::parameters;

parameters! {
    /// Whether it is done.
    pub(super) struct DryRun {
        /// Only say which verdict and events there would be, and keep nothing.
        dry_run: Option<bool>,
    }
}

impl DryRun {
    pub(super) fn is_dry(&self) -> bool {
        self.dry_run.unwrap_or(false)
    }
}
