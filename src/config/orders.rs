//! The rules of the shop that can be chosen: holds, late payments, early callbacks.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::report::Report;

/// Section `orders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Orders {
    /// The time for which stock is held for an order that is not paid.
    pub hold_for: Duration,
    /// The longest time that a hold lasts from the placing of its order, also while a payment attempt is open. An order that
    /// asks for a longer `hold_for` gets it.
    pub hold_cap: Duration,
    /// What happens to money for an order that has expired.
    pub late_payment: LatePayment,
    /// What confirms an order, unless the order says otherwise.
    pub confirm_on: ConfirmOn,
    /// The time that a callback waits for an order that is not known.
    pub waiting_callback_retention: Duration,
    /// The largest number of callbacks that wait, of all orders.
    pub waiting_max: NonZeroU32,
}

/// What happens to money for an order that has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LatePayment {
    /// The stock is held again and the order is paid. Without stock the money goes back.
    Rehold,
    /// The money goes back.
    Refund,
}

/// What confirms an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfirmOn {
    /// Captured money that covers the total.
    Capture,
    /// Authorized money that covers the total: it is captured later.
    Authorization,
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            hold_for: Duration::from_mins(15),
            hold_cap: Duration::from_hours(2),
            late_payment: LatePayment::Rehold,
            confirm_on: ConfirmOn::Capture,
            waiting_callback_retention: Duration::from_days(7),
            waiting_max: NonZeroU32::new(100_000).expect("not zero"),
        }
    }
}

impl Orders {
    pub(super) fn check(&self, report: &mut Report) {
        report.require(!self.hold_for.is_zero(), "orders.hold_for", "must be longer than 0s");
        report.require(
            self.hold_cap >= self.hold_for,
            "orders.hold_cap",
            format!("must not be below orders.hold_for ({})", self.hold_for),
        );
        report.require(
            !self.waiting_callback_retention.is_zero(),
            "orders.waiting_callback_retention",
            "must be longer than 0s",
        );
        report.plausible(
            "orders.hold_for",
            self.hold_for,
            (Duration::from_mins(1), Duration::from_days(1)),
            "orders expire after this time unless they are paid",
        );
        report.plausible(
            "orders.hold_cap",
            self.hold_cap,
            (Duration::from_mins(1), Duration::from_days(7)),
            "unpaid orders may hold their stock for this time",
        );
        report.plausible(
            "orders.waiting_callback_retention",
            self.waiting_callback_retention,
            (Duration::from_hours(1), Duration::from_days(365)),
            "callbacks that arrive before their order are parked after this time",
        );
    }
}
