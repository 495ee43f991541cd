//! The settings of a typical shop and its store.

use crate::order::{LatePayment, Terms};
use crate::payment::WaitingLimits;
use crate::sequencer::{Capacities, Settings};
use crate::supervisor::Budget;
use crate::tables;
use orderly_domain::cart;
use orderly_domain::notification::{Channel, Policy};
use orderly_domain::order::ConfirmOn;
use orderly_domain::payment::MOST_KEPT;
use orderly_store::Options;
use std::time::Duration;

/// 24 hours.
pub const DAY: Duration = Duration::from_secs(86_400);

/// The settings of a typical shop, which notifies its customers through the broker.
pub fn settings() -> Settings {
    Settings {
        terms: Terms {
            hold_for: Duration::from_secs(15 * 60),
            hold_cap: Duration::from_secs(2 * 3600),
            late_payment: LatePayment::Rehold,
            confirm_on: ConfirmOn::Capture,
            keep_for: 90 * DAY,
        },
        carts: cart::Terms { expire_after: 30 * DAY, keep_for: 90 * DAY },
        waiting: WaitingLimits { total: 1000, per_order: 64, keep_for: 7 * DAY },
        payments_kept: MOST_KEPT,
        identity_retention: 30 * DAY,
        notifications: Policy { channels: vec![Channel::Amqp], ..Policy::default() },
        parked_bytes: 1 << 20,
        parked_count: 100_000,
        data_of: |raw| raw.body.clone(),
        capacities: Capacities::default(),
        budget: Budget::default(),
    }
}

/// How a typical shop opens its store. The store belongs to the namespace `test`.
pub fn options() -> Options {
    Options { namespace: Some("test".to_owned()), ..Options::new(tables::SCHEMA) }
}
