//! The data of an order, and what follows from that data alone.

use crate::state::hold::{Hold, HoldState};
use crate::state::ledger::{Ledger, RefundState};
use crate::state::notification::NotificationKind;
use crate::state::stock::Units;
use crate::unit::Ended;
use serde_json::json;
use std::collections::BTreeSet;

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) currency: String,
    pub(crate) total: i64,
    /// The ordered units.
    pub(crate) wanted: Units,
    /// The cart that the order was placed from.
    pub(crate) cart: Option<String>,
    pub(crate) placed_at: i64,
    /// When the order last changed.
    pub(crate) updated_at: i64,
    pub(crate) hold_for: i64,
    /// The reservation. `None`: too little stock was available when the order was placed.
    pub(crate) hold: Option<Hold>,
    pub(crate) ledger: Ledger,
    /// The refunds in the order's own currency that the shop requested by itself.
    pub(crate) auto_refunds_requested: i64,
    /// The sold units that were returned.
    pub(crate) returned: Units,
    /// The refunds that units were returned with.
    pub(crate) restocked_for: BTreeSet<String>,
    /// Kind and reference of every notification.
    pub(crate) notifications: Vec<(NotificationKind, String)>,
}

/// The status of an order.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Too little stock was available.
    Rejected,
    /// The stock is held, and nothing was captured.
    AwaitingPayment,
    /// A part of the total was captured.
    PartiallyPaid,
    /// Too much money, or money in another currency, was captured: a person must decide.
    UnderReview,
    /// The order is paid, and its stock is sold.
    Paid,
    /// The order was handed over to the customer.
    Completed,
    /// The hold expired.
    Expired,
    /// The order was cancelled.
    Cancelled,
    /// The order was not sold, and money must be refunded.
    RefundDue,
    /// The order was sold, and a part of its money was refunded.
    PartiallyRefunded,
    /// All of the money was refunded.
    Refunded,
}

impl Status {
    /// The contract's name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The data of an order that is to be placed.
pub(crate) struct Placing {
    pub(crate) id: String,
    pub(crate) currency: String,
    pub(crate) total: i64,
    pub(crate) wanted: Units,
    pub(crate) cart: Option<String>,
    pub(crate) hold_for: Option<i64>,
}

impl Order {
    /// The sum of the captures in the order's currency.
    pub(crate) fn paid(&self) -> i64 {
        self.ledger.captured(&self.currency)
    }

    /// The sum of the refunds that succeeded, but at most the captures.
    pub(crate) fn refunded(&self) -> i64 {
        self.ledger.refunds(&self.currency, RefundState::Succeeded).min(self.paid())
    }

    pub(crate) fn net(&self) -> i64 {
        self.paid() - self.refunded()
    }

    /// Whether money in another currency was captured and not all of it was refunded.
    pub(crate) fn has_other_currency(&self) -> bool {
        let others = self.ledger.other_currencies(&self.currency);
        others.iter().any(|other| {
            self.ledger.captured(other) > self.ledger.refunds(other, RefundState::Succeeded)
        })
    }

    /// Whether the order was sold, whatever happened after that.
    pub(crate) fn is_sold(&self) -> bool {
        self.hold.is_some_and(|hold| hold.state == HoldState::Committed)
    }

    pub(crate) fn awaits_money(&self) -> bool {
        matches!(self.status, Status::AwaitingPayment | Status::PartiallyPaid | Status::UnderReview)
    }

    /// Refuses a command in this status.
    pub(crate) fn not_allowed<T>(&self) -> Result<T, Ended> {
        Err(Ended::Rejected { reason: "not_allowed", detail: json!(self.status.name()) })
    }
}
