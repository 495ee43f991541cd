//! What a decision consists of: changes of the order, and effects on the other owners.

use super::super::state::{Order, Status};
use crate::event::{OrderChange, ReleaseReason};
use crate::notification::NotificationKind;
use crate::payment::rules::{Phase, VoidTarget};
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// What is decided: in this order, the order's own changes and what others must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What becomes of the command.
    pub verdict: Verdict,
    /// Changes of the order.
    pub changes: Vec<Change>,
    /// What the other owners must do, in order.
    pub effects: Vec<Effect>,
}

impl Step {
    /// A step that is recorded, and moves nothing yet.
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

    pub(super) fn effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    /// The order's status when the step is done.
    pub fn status(&self, before: Status) -> Status {
        let told = self.changes.iter().rev().find_map(|change| match change {
            Change::Become(change) => Some(status_after(change)),
            Change::Captured(_)
            | Change::Refunded(_)
            | Change::AutoRefundRequested(_)
            | Change::Disputed(_) => None,
        });
        told.unwrap_or(before)
    }
}

/// One change of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Money in the order's currency was captured.
    Captured(i64),
    /// A refund in the order's currency succeeded.
    Refunded(i64),
    /// This much more is asked back from now on.
    AutoRefundRequested(i64),
    /// A dispute was opened or lost (true), or none is left (false).
    Disputed(bool),
    /// What subscribers are told; most of these change the status.
    Become(OrderChange),
}

/// Something that another owner must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Sell what is held.
    CommitHold,
    /// Give back what is held.
    ReleaseHold(ReleaseReason),
    /// Hold on for longer, up to the cap; once for the first partial payment.
    ExtendHold,
    /// An attempt is open: the hold's time stands still, up to the cap.
    FreezeHold,
    /// No attempt is open any more: the time that was left goes on.
    UnfreezeHold,
    /// Ask `amount` back from the payment provider.
    Refund {
        /// Minor units of the order's currency.
        amount: i64,
    },
    /// Ask back all money in other currencies, in these, unless that was asked before.
    RefundOtherCurrencies,
    /// Ask that authorizations are given up; never twice for one attempt.
    Void(VoidTarget),
    /// Open the cart again that the order came from.
    ReopenCart,
    /// Tell the customer, once ever per kind and reference.
    Notify {
        /// What.
        kind: NotificationKind,
        /// What it is about within the order.
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
        Change::Become(change) => order.status = status_after(change),
    }
}

/// The status that goes with what is told.
pub(super) fn status_after(change: &OrderChange) -> Status {
    match change {
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
    }
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

/// The order becomes `refund_due`: exactly that much is asked back.
pub(super) fn owe(step: Step, amount: i64) -> Step {
    step.emit(OrderChange::RefundDue { amount })
        .change(Change::AutoRefundRequested(amount))
        .effect(Effect::Refund { amount })
}

/// The order becomes `refund_due` for money in another currency: nothing of its own is owed.
pub(super) fn owe_other_currencies(step: Step) -> Step {
    step.emit(OrderChange::RefundDue { amount: 0 }).effect(Effect::RefundOtherCurrencies)
}

/// How far an order of that status is. `None`: its stock alone tells, since all money goes back
/// of orders that were paid and of others.
pub fn phase(status: Status) -> Option<Phase> {
    match status {
        Status::AwaitingPayment | Status::PartiallyPaid | Status::UnderReview => {
            Some(Phase::Awaiting)
        }
        Status::Paid | Status::Completed | Status::PartiallyRefunded => Some(Phase::Sold),
        // an order that was paid is never due: it owes its surplus alone
        Status::Rejected | Status::Expired | Status::Cancelled | Status::RefundDue => {
            Some(Phase::Unsold)
        }
        Status::Refunded => None,
    }
}

/// Whether it still waits for its money, or for a person who judges what came: then an attempt
/// without money matters, and holds up the hold's end.
pub fn awaits_money(status: Status) -> bool {
    phase(status) == Some(Phase::Awaiting)
}

/// When a hold that is extended or frozen ends: at the cap, which counts from the placing.
pub fn cap(order: &Order, hold_cap: std::time::Duration) -> Timestamp {
    order.placed_at.plus(hold_cap.max(order.hold_for))
}
