//! What a decision consists of: changes of the order, and effects on the other owners.

use super::super::state::{Order, Status};
use crate::event::{OrderChange, ReleaseReason};
use crate::notification::NotificationKind;
use crate::payment::rules::{Phase, Requested, VoidTarget};
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

    /// Emits an event of the order. The order gets the status that the event leads to, if it leads to one.
    pub(super) fn emit(self, change: OrderChange) -> Self {
        let status = status_after(&change);
        self.change(Change::Become { change, status })
    }

    /// Emits an event of the order, and gives the order that status.
    pub(super) fn emit_with(self, change: OrderChange, status: Status) -> Self {
        self.change(Change::Become { change, status: Some(status) })
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
            Change::Become { status, .. } => *status,
            Change::Captured(_)
            | Change::Refunded(_)
            | Change::RefundedEarly(_)
            | Change::AutoRefundRequested(_)
            | Change::WrittenOff(_)
            | Change::Disputed(_)
            | Change::HoldBegan
            | Change::Completed => None,
        });
        status.unwrap_or(before)
    }
}

/// One change of an order. Amounts are in minor units of the order's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Money was captured.
    Captured(i64),
    /// A refund succeeded. Negative: a refund that had succeeded bounced.
    Refunded(i64),
    /// A provider sent money back unasked before the order was paid. Negative: that bounced.
    RefundedEarly(i64),
    /// The shop by itself requests refunds of this amount.
    AutoRefundRequested(i64),
    /// The shop lets this much of the total go.
    WrittenOff(i64),
    /// A dispute was opened or lost (true), or none is left (false).
    Disputed(bool),
    /// The hold begins anew: from now its cap counts.
    HoldBegan,
    /// The order is handed over. The first time counts.
    Completed,
    /// An event of the order.
    Become {
        /// The event.
        change: OrderChange,
        /// The status of the order after the event. `None`: it stays.
        status: Option<Status>,
    },
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
    /// Let the hold stand without an end, since authorizations cover the order.
    LetHoldStand,
    /// Let the hold begin anew: it ends as long after now as it was to be held at first.
    BeginHold,
    /// Request a refund from the payment provider.
    Refund {
        /// Minor units of the order's currency.
        amount: i64,
    },
    /// Request a refund of money that a person returns.
    ReturnMoney {
        /// Minor units of the order's currency.
        amount: i64,
    },
    /// Request that authorized money is captured.
    Capture {
        /// Minor units of the order's currency.
        amount: i64,
        /// What was requested before.
        before: Requested,
    },
    /// Request a refund of all money in other currencies, each in its own currency, as far as none was requested before.
    RefundOtherCurrencies,
    /// Record that a person accepted money that does not fit the order.
    AcceptMoney,
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

/// Carries out one change. The order's `updated_at` must be the time of the change.
pub fn apply(order: &mut Order, change: &Change) {
    match change {
        Change::Captured(amount) => order.paid += amount,
        Change::Refunded(amount) => order.refunded += amount,
        Change::RefundedEarly(amount) => order.early_refunds += amount,
        Change::AutoRefundRequested(amount) => order.auto_refunds_requested += amount,
        Change::WrittenOff(amount) => order.written_off += amount,
        Change::Disputed(disputed) => order.disputed = *disputed,
        Change::HoldBegan => order.hold_since = order.updated_at,
        Change::Completed => order.completed_at = order.completed_at.or(Some(order.updated_at)),
        Change::Become { status, .. } => order.status = status.unwrap_or(order.status),
    }
}

/// The status that an event of the order leads to, unless the decision says otherwise. `None`: the status stays.
pub(super) fn status_after(change: &OrderChange) -> Option<Status> {
    Some(match change {
        OrderChange::Placed | OrderChange::AuthorizationLost => Status::AwaitingPayment,
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
        OrderChange::Authorized => Status::Authorized,
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

/// The order becomes `refund_due`, and a refund of exactly `amount` is requested: of what is owed and not asked for yet.
pub(super) fn owe(step: Step, amount: i64) -> Step {
    let step = step.emit(OrderChange::RefundDue { amount });
    if amount == 0 {
        return step; // all that is owed is pending
    }
    step.change(Change::AutoRefundRequested(amount)).effect(Effect::Refund { amount })
}

/// The order becomes `refund_due` for money in other currencies only.
pub(super) fn owe_other_currencies(step: Step) -> Step {
    step.emit(OrderChange::RefundDue { amount: 0 }).effect(Effect::RefundOtherCurrencies)
}

/// The phase of an order in this status. `None`: the status does not say whether the order was ever paid;
/// the state of its reservation does.
pub fn phase(status: Status) -> Option<Phase> {
    match status {
        Status::AwaitingPayment
        | Status::Authorized
        | Status::PartiallyPaid
        | Status::UnderReview => Some(Phase::Awaiting),
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

/// The time at which an extended or frozen hold ends: `hold_cap` after the hold began, or later when the order asked for a
/// longer hold.
pub fn cap(order: &Order, hold_cap: std::time::Duration) -> Timestamp {
    order.hold_since.plus(hold_cap.max(order.hold_for))
}
