//! The rules of the shop that are a matter of choice: holds, late payments, early callbacks.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::report::Report;

/// Section `orders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Orders {
    /// How long stock is held for an order that is not paid.
    pub hold_for: Duration,
    /// How long at most, counted from its placing, whatever its payment does meanwhile; an order
    /// that asks for longer by itself has it.
    pub hold_cap: Duration,
    /// What becomes of money for an order that has expired.
    pub late_payment: LatePayment,
    /// How long a callback waits for an order that is not known.
    pub waiting_callback_retention: Duration,
    /// How many callbacks wait at most, over all orders.
    pub waiting_max: NonZeroU32,
}

/// What becomes of money that arrives for an expired order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LatePayment {
    /// The stock is held again, and the order is paid; where that fails, the money goes back.
    Rehold,
    /// The money goes back.
    Refund,
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            hold_for: Duration::from_mins(15),
            hold_cap: Duration::from_hours(2),
            late_payment: LatePayment::Rehold,
            waiting_callback_retention: Duration::from_days(7),
            waiting_max: NonZeroU32::new(100_000).expect("not zero"),
        }
    }
}

impl Orders {
    pub(super) fn check(&self, report: &mut Report) {
        report.require(!self.hold_for.is_zero(), "orders.hold_for", "must be longer than nothing");
        report.require(
            self.hold_cap >= self.hold_for,
            "orders.hold_cap",
            format!("not below orders.hold_for ({})", self.hold_for),
        );
        report.require(
            !self.waiting_callback_retention.is_zero(),
            "orders.waiting_callback_retention",
            "must be longer than nothing",
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
            "stock of unpaid orders is out of sale for this time",
        );
        report.plausible(
            "orders.waiting_callback_retention",
            self.waiting_callback_retention,
            (Duration::from_hours(1), Duration::from_days(365)),
            "callbacks that arrive before their order are parked after this time",
        );
    }
}
