//! How much of what is old was expired, parked and deleted.

use crate::changeset::{Change, Changeset};
use crate::tables;
use orderly_domain::event::Event;

/// What was expired, parked and deleted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetentionCounts {
    /// Carts that expired.
    pub carts_expired: u64,
    /// Callbacks that were parked because their order never came.
    pub callbacks_parked: u64,
    /// Closed carts that were deleted.
    pub carts_deleted: u64,
    /// Settled orders that were deleted, but for their ids.
    pub orders_deleted: u64,
}

impl RetentionCounts {
    pub(super) fn count(&mut self, changeset: &Changeset) {
        let expired =
            changeset.events.iter().any(|event| matches!(event, Event::CartExpired { .. }));
        let cart_gone = changeset
            .changes
            .iter()
            .any(|change| matches!(change, Change::Deleted { table: tables::CARTS, .. }));
        self.carts_expired += u64::from(expired);
        self.carts_deleted += u64::from(cart_gone);
        self.orders_deleted += u64::from(changeset.deleted.is_some());
    }
}
