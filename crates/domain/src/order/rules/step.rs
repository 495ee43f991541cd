//! What a decision consists of: changes of the order, and effects on the other owners.

use super::super::state::{Order, Status};
use crate::event::{OrderChange, ReleaseReason};
use crate::notification::NotificationKind;
use crate::payment::rules::{Phase, VoidTarget};
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// A decision: first the changes of the order, then the effects on other owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The verdict on the command.
    pub verdict: Verdict,
    /// Changes of the order.
    pub changes: Vec<Change>,
    /// The effects on the other owners, in the order in which they are carried out.
    pub effects: Vec<Effect>,
}

impl Step {
    /// A step without changes and effects.
    pub fn new(verdict: Verdict) -> Self {
        Self { verdict, changes: Vec::new(), effects: Vec::new() }
    }

    pub(super) fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    pub(super) fn emit(self, change: OrderChange) -> Self {
        self.change(Change::Become(change))
    }

    /// Appends another step, which follows from this one. Its verdict counts.
    #[must_use]
    pub fn then(mut self, next: Self) -> Self {
        self.changes.extend(next.changes);
        self.effects.extend(next.effects);
        Self { verdict: next.verdict, ..self }
    }

    pub(super) fn effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    /// The status of the order after the step.
    pub fn status(&self, before: Status) -> Status {
        let status = self.changes.iter().rev().find_map(|change| match change {
            Change::Become(change) => status_after(change),
            Change::Captured(_)
            | Change::Refunded(_)
            | Change::AutoRefundRequested(_)
            | Change::Disputed(_) => None,
        });
        status.unwrap_or(before)
    }
}

/// One change of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Money in the order's currency was captured.
    Captured(i64),
    /// A refund in the order's currency succeeded.
    Refunded(i64),
    /// The shop by itself requests refunds of this amount, in minor units.
    AutoRefundRequested(i64),
    /// A dispute was opened or lost (true), or none is left (false).
    Disputed(bool),
    /// An event of the order. It sets the status, if it leads to one.
    Become(OrderChange),
}

/// Something that another owner must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Sell the held stock.
    CommitHold,
    /// Release the held stock.
    ReleaseHold(ReleaseReason),
    /// Extend the hold to its cap. A hold is extended once.
    ExtendHold,
    /// Freeze the hold while a payment attempt is open: its remaining time does not run, but the hold ends at its cap.
    FreezeHold,
    /// Let the remaining time of the hold run again, since no attempt is open any more.
    UnfreezeHold,
    /// Request a refund from the payment provider.
    Refund {
        /// Minor units of the order's currency.
        amount: i64,
    },
    /// Request a refund of all money in other currencies, each in its own currency, as far as none was requested before.
    RefundOtherCurrencies,
    /// Request that authorizations are voided, once for an attempt.
    Void(VoidTarget),
    /// Reopen the cart that the order was placed from.
    ReopenCart,
    /// Notify the customer, once for each kind and reference.
    Notify {
        /// The kind of the notification.
        kind: NotificationKind,
        /// The part of the order that the notification is about: the id of a refund, or empty.
        reference: String,
    },
}

pub(super) fn notify(kind: NotificationKind) -> Effect {
    Effect::Notify { kind, reference: String::new() }
}

/// Carries out one change.
pub fn apply(order: &mut Order, change: &Change) {
    match change {
        Change::Captured(amount) => order.paid += amount,
        Change::Refunded(amount) => order.refunds_succeeded += amount,
        Change::AutoRefundRequested(amount) => order.auto_refunds_requested += amount,
        Change::Disputed(disputed) => order.disputed = *disputed,
        Change::Become(change) => order.status = status_after(change).unwrap_or(order.status),
    }
}

/// The status that an event of the order leads to. `None`: the status stays.
pub(super) fn status_after(change: &OrderChange) -> Option<Status> {
    Some(match change {
        OrderChange::Placed => Status::AwaitingPayment,
        OrderChange::Rejected { .. } => Status::Rejected,
        OrderChange::PartiallyPaid => Status::PartiallyPaid,
        OrderChange::Paid { .. } => Status::Paid,
        OrderChange::UnderReview { .. } => Status::UnderReview,
        OrderChange::Expired => Status::Expired,
        OrderChange::Cancelled { .. } => Status::Cancelled,
        OrderChange::RefundDue { .. } => Status::RefundDue,
        OrderChange::Refunded => Status::Refunded,
        OrderChange::PartiallyRefunded => Status::PartiallyRefunded,
        OrderChange::Completed => Status::Completed,
        OrderChange::Amended | OrderChange::Disputed { .. } | OrderChange::DisputeClosed { .. } => {
            return None;
        }
    })
}

/// Whether the stock of an order was held again before the order is paid, since its hold had expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rehold {
    /// The hold stands, or the money would not pay the order: nothing had to be held again.
    NotNeeded,
    /// The stock is held again.
    Held,
    /// The stock is not held again: too little is available, or `orders.late_payment` is `refund`.
    NotHeld,
}

pub(super) fn pay(step: Step, rehold: Rehold) -> Step {
    step.emit(OrderChange::Paid { late: rehold == Rehold::Held })
        .effect(Effect::CommitHold)
        .effect(Effect::Void(VoidTarget::Authorized))
        .effect(notify(NotificationKind::OrderConfirmed))
}

/// The order becomes `refund_due`, and a refund of exactly `amount` is requested.
pub(super) fn owe(step: Step, amount: i64) -> Step {
    step.emit(OrderChange::RefundDue { amount })
        .change(Change::AutoRefundRequested(amount))
        .effect(Effect::Refund { amount })
}

/// The order becomes `refund_due` for money in other currencies only.
pub(super) fn owe_other_currencies(step: Step) -> Step {
    step.emit(OrderChange::RefundDue { amount: 0 }).effect(Effect::RefundOtherCurrencies)
}

/// The phase of an order in this status. `None`: the status does not say whether the order was ever paid;
/// the state of its reservation does.
pub fn phase(status: Status) -> Option<Phase> {
    match status {
        Status::AwaitingPayment | Status::PartiallyPaid | Status::UnderReview => {
            Some(Phase::Awaiting)
        }
        Status::Paid | Status::Completed | Status::PartiallyRefunded => Some(Phase::Sold),
        // an order that was paid never becomes `refund_due`: only its surplus is refunded
        Status::Rejected | Status::Expired | Status::Cancelled | Status::RefundDue => {
            Some(Phase::Unsold)
        }
        Status::Refunded => None,
    }
}

/// Whether an order in this status waits for its money, or for the decision of a person on the money that
/// came. While it waits, an open payment attempt freezes its hold.
pub fn awaits_money(status: Status) -> bool {
    phase(status) == Some(Phase::Awaiting)
}

/// The time at which an extended or frozen hold ends: `hold_cap` after the order was placed, or later when the order asked
/// for a longer hold.
pub fn cap(order: &Order, hold_cap: std::time::Duration) -> Timestamp {
    order.placed_at.plus(hold_cap.max(order.hold_for))
}
