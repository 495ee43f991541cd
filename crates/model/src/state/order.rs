//! The data of an order, and what follows from that data alone.

use crate::state::cart::Line;
use crate::state::hold::{Hold, HoldState};
use crate::state::ledger::Ledger;
use crate::state::notification::NotificationKind;
use crate::state::stock::{Units, units_of};
use crate::unit::Ended;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) currency: String,
    pub(crate) total: i64,
    pub(crate) lines: Vec<Line>,
    pub(crate) adjustments: Value,
    /// Customer, addresses and metadata, as they were given.
    pub(crate) details: Map<String, Value>,
    /// The version: the number of its events, and of the steps that changed the order without an event.
    pub(crate) version: i64,
    /// The cart that the order was placed from.
    pub(crate) cart: Option<String>,
    pub(crate) placed_at: i64,
    /// When the order last changed.
    pub(crate) updated_at: i64,
    /// When the order was completed for the first time.
    pub(crate) completed_at: Option<i64>,
    pub(crate) hold_for: i64,
    /// Whether an authorization of the total confirms the order.
    pub(crate) confirm_on: ConfirmOn,
    /// The reservation. `None`: too little stock was available when the order was placed.
    pub(crate) hold: Option<Hold>,
    /// The time from which the cap of the hold counts.
    pub(crate) hold_since: i64,
    pub(crate) ledger: Ledger,
    /// The surplus in the order's own currency that was asked back.
    pub(crate) surplus_asked: i64,
    /// What a person let go of the total.
    pub(crate) written_off: i64,
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
    /// The total is authorized, and not all of it was captured. The stock is held.
    Authorized,
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

/// What confirms an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ConfirmOn {
    /// The captures.
    Capture,
    /// The authorizations.
    Authorization,
}

/// The data of an order that is to be placed.
pub(crate) struct Placing {
    pub(crate) id: String,
    pub(crate) currency: String,
    pub(crate) total: i64,
    pub(crate) lines: Vec<Line>,
    pub(crate) cart: Option<String>,
    /// The data of the command.
    pub(crate) data: Value,
}

impl Order {
    /// The ordered units.
    pub(crate) fn wanted(&self) -> Units {
        units_of(&self.lines)
    }

    /// The sum of the captures in the order's currency.
    pub(crate) fn paid(&self) -> i64 {
        self.ledger.captured(&self.currency)
    }

    /// The sum of the refunds that succeeded, also beyond the captures.
    pub(crate) fn refunded(&self) -> i64 {
        self.ledger.sent_back(&self.currency)
    }

    pub(crate) fn net(&self) -> i64 {
        (self.paid() - self.refunded()).max(0)
    }

    /// What is open of the authorizations in the order's currency.
    pub(crate) fn authorized(&self) -> i64 {
        self.ledger.authorized(&self.currency)
    }

    /// Whether authorizations and net reach the total of an order that authorizations confirm.
    pub(crate) fn is_covered(&self) -> bool {
        let is_confirmed = self.confirm_on == ConfirmOn::Authorization;
        is_confirmed && self.authorized() + self.net() >= self.total
    }

    /// What the customer paid too much and nobody has sent or asked back yet.
    pub(crate) fn surplus(&self) -> i64 {
        self.paid() - self.total - self.surplus_asked - self.ledger.early(&self.currency)
    }

    /// Whether money in another currency was captured and not all of it was refunded.
    pub(crate) fn has_other_currency(&self) -> bool {
        let others = self.ledger.other_currencies(&self.currency);
        others.iter().any(|other| self.ledger.captured(other) > self.ledger.sent_back(other))
    }

    /// Whether the order was sold, whatever happened after that.
    pub(crate) fn is_sold(&self) -> bool {
        self.hold.is_some_and(|hold| hold.state == HoldState::Committed)
    }

    /// Whether the order is open: its money is awaited, or a person must judge it.
    pub(crate) fn awaits_money(&self) -> bool {
        matches!(
            self.status,
            Status::AwaitingPayment
                | Status::Authorized
                | Status::PartiallyPaid
                | Status::UnderReview
        )
    }

    /// Whether the audit shows the order to a person.
    pub(crate) fn needs_attention(&self) -> bool {
        self.status == Status::UnderReview
            || self.ledger.has_unjudged_currency(&self.currency)
            || self.ledger.has_unjudged_excess()
            || self.ledger.has_failed_refund()
    }

    /// Refuses a command in this status.
    pub(crate) fn not_allowed<T>(&self) -> Result<T, Ended> {
        Err(Ended::Rejected { reason: "not_allowed", detail: json!(self.status.name()) })
    }
}
