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
    /// What was ordered.
    pub(crate) wanted: Units,
    /// The cart that it came from.
    pub(crate) cart: Option<String>,
    pub(crate) placed_at: i64,
    /// When it last changed.
    pub(crate) updated_at: i64,
    pub(crate) hold_for: i64,
    /// None, when there was too little stock from the start.
    pub(crate) hold: Option<Hold>,
    pub(crate) ledger: Ledger,
    /// Money of its own currency that the shop by itself asked back.
    pub(crate) auto_refunds_requested: i64,
    /// Of what was sold: what came back.
    pub(crate) returned: Units,
    /// The refunds that units came back with.
    pub(crate) restocked_for: BTreeSet<String>,
    /// Kind and reference of every notification.
    pub(crate) notifications: Vec<(NotificationKind, String)>,
}

/// How an order stands.
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
    /// There was too little stock.
    Rejected,
    /// Its stock is held, its money has not come.
    AwaitingPayment,
    /// Part of its money came.
    PartiallyPaid,
    /// Too much money or another currency came: a person must decide.
    UnderReview,
    /// Its money came and its stock is sold.
    Paid,
    /// It was handed over to the customer.
    Completed,
    /// Its hold ran out.
    Expired,
    /// It was called off.
    Cancelled,
    /// It came to nothing, and money must go back.
    RefundDue,
    /// It was sold, and part of its money went back.
    PartiallyRefunded,
    /// All of its money went back.
    Refunded,
}

impl Status {
    /// The contract's name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What an order is placed with.
pub(crate) struct Placing {
    pub(crate) id: String,
    pub(crate) currency: String,
    pub(crate) total: i64,
    pub(crate) wanted: Units,
    pub(crate) cart: Option<String>,
    pub(crate) hold_for: Option<i64>,
}

impl Order {
    /// All captured in its currency.
    pub(crate) fn paid(&self) -> i64 {
        self.ledger.captured(&self.currency)
    }

    /// All refunds that succeeded, as far as there was money to refund.
    pub(crate) fn refunded(&self) -> i64 {
        self.ledger.refunds(&self.currency, RefundState::Succeeded).min(self.paid())
    }

    pub(crate) fn net(&self) -> i64 {
        self.paid() - self.refunded()
    }

    /// Money in another currency came, and did not all go back.
    pub(crate) fn has_other_currency(&self) -> bool {
        let others = self.ledger.other_currencies(&self.currency);
        others.iter().any(|other| {
            self.ledger.captured(other) > self.ledger.refunds(other, RefundState::Succeeded)
        })
    }

    /// It was sold, whatever became of it then.
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
