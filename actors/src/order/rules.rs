//! The life cycle of an order, as pure decisions: no clock, no I/O, no actix.
//!
//! `decide` functions look at an order and at what happened, and answer with a [`Step`]:
//! changes of the order, which [`apply`] carries out, and effects on the other owners,
//! which the actor carries out. A new row of the life-cycle table is a new arm here.

use super::state::{Order, Status};
use crate::clock::Timestamp;
use crate::event::{OrderChange, ReleaseReason, ReviewReason};
use crate::notification::NotificationKind;
use crate::verdict::{Reason, Refusal, Verdict};

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
    fn new(verdict: Verdict) -> Self {
        Self { verdict, changes: Vec::new(), effects: Vec::new() }
    }

    fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    fn tell(self, change: OrderChange) -> Self {
        self.change(Change::Become(change))
    }

    fn effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}

/// One change of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Money in the order's currency was captured.
    Captured(i64),
    /// A refund succeeded.
    Refunded(i64),
    /// This much surplus is asked back from now on.
    AskedBack(i64),
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
    /// Ask `amount` back from the payment provider.
    AskBack {
        /// Minor units of the order's currency.
        amount: i64,
    },
    /// Give up every authorization still open.
    VoidOpen,
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

fn notify(kind: NotificationKind) -> Effect {
    Effect::Notify { kind, reference: String::new() }
}

/// Carries out one change.
pub fn apply(order: &mut Order, change: &Change) {
    match change {
        Change::Captured(amount) => order.paid += amount,
        Change::Refunded(amount) => order.refunded += amount,
        Change::AskedBack(amount) => order.asked_back += amount,
        Change::Disputed(disputed) => order.disputed = *disputed,
        Change::Become(change) => order.status = status_after(change),
    }
}

/// The status that goes with what is told.
fn status_after(change: &OrderChange) -> Status {
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

/// The order's stock is held: it is placed. A total of 0 is paid at once.
pub fn place(order: &Order) -> Step {
    let step = Step::new(Verdict::Applied).tell(OrderChange::Placed);
    if order.total == 0 { pay(step, Late::No) } else { step }
}

/// Whether the hold had run out when the money came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// It stood.
    No,
    /// It was made anew.
    Yes,
}

fn pay(step: Step, late: Late) -> Step {
    step.tell(OrderChange::Paid { late: late == Late::Yes })
        .effect(Effect::CommitHold)
        .effect(Effect::VoidOpen)
        .effect(notify(NotificationKind::OrderConfirmed))
}

/// What the order's money comes to when `amount` more is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    Less,
    Reached,
    Passed,
}

fn cover(order: &Order, amount: i64) -> Cover {
    match order.net().saturating_add(amount).cmp(&order.total) {
        std::cmp::Ordering::Less => Cover::Less,
        std::cmp::Ordering::Equal => Cover::Reached,
        std::cmp::Ordering::Greater => Cover::Passed,
    }
}

/// Whether a capture of `amount` on this order would pay it late, if its stock can be held again.
pub fn pays_late(order: &Order, amount: i64) -> bool {
    order.status == Status::Expired && cover(order, amount) == Cover::Reached
}

/// `amount` of the order's currency was captured: new money, not heard of before.
///
/// `late` says whether the stock of an expired order was held again for it.
pub fn captured(order: &Order, amount: i64, late: Late) -> Step {
    let counted = |verdict| Step::new(verdict).change(Change::Captured(amount));
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid => match cover(order, amount) {
            Cover::Reached => pay(counted(Verdict::Applied), Late::No),
            Cover::Less => counted(Verdict::Applied)
                .tell(OrderChange::PartiallyPaid)
                .effect(Effect::ExtendHold),
            Cover::Passed => counted(Verdict::Review)
                .tell(OrderChange::UnderReview { reason: ReviewReason::OverCapture })
                .effect(Effect::ExtendHold)
                .effect(Effect::VoidOpen),
        },
        Status::UnderReview => counted(Verdict::Applied),
        Status::Paid
        | Status::Completed
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::RefundDue => ask_surplus_back(counted(Verdict::Applied), order, amount),
        Status::Expired if late == Late::Yes => pay(counted(Verdict::Applied), Late::Yes),
        Status::Expired | Status::Cancelled | Status::Rejected => {
            let verdict = match cover(order, amount) {
                Cover::Passed => Verdict::Review,
                Cover::Less | Cover::Reached => Verdict::Applied,
            };
            owe(counted(verdict), order.net() + amount)
        }
    }
}

/// Asks back what is paid beyond the total, unless that was asked back before.
fn ask_surplus_back(step: Step, order: &Order, amount: i64) -> Step {
    // of an order that is to be refunded, or was, nothing is owed to the shop: all is surplus
    let surplus = match order.status {
        Status::RefundDue | Status::Refunded => amount,
        _ => order.paid + amount - order.total - order.asked_back,
    };
    if surplus <= 0 {
        return step;
    }
    step.change(Change::AskedBack(surplus)).effect(Effect::AskBack { amount: surplus })
}

/// The order becomes `refund_due`: exactly that much is asked back.
fn owe(step: Step, amount: i64) -> Step {
    step.tell(OrderChange::RefundDue { amount })
        .change(Change::AskedBack(amount))
        .effect(Effect::AskBack { amount })
}

/// Money in another currency was captured: it shows in its attempt only.
pub fn captured_elsewhere(order: &Order) -> Step {
    let step = Step::new(Verdict::Review);
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid => step
            .tell(OrderChange::UnderReview { reason: ReviewReason::OtherCurrency })
            .effect(Effect::ExtendHold)
            .effect(Effect::VoidOpen),
        Status::UnderReview
        | Status::Paid
        | Status::Completed
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::RefundDue
        | Status::Expired
        | Status::Cancelled
        | Status::Rejected => step,
    }
}

/// `amount` of refunds succeeded.
pub fn refunded(order: &Order, amount: i64) -> Step {
    let step = Step::new(Verdict::Applied)
        .change(Change::Refunded(amount))
        .effect(notify(NotificationKind::RefundSucceeded));
    let net = order.net() - amount;
    match order.status {
        Status::Paid | Status::Completed | Status::PartiallyRefunded | Status::RefundDue
            if net == 0 =>
        {
            step.tell(OrderChange::Refunded)
        }
        Status::Paid | Status::Completed | Status::PartiallyRefunded if net < order.total => {
            step.tell(OrderChange::PartiallyRefunded)
        }
        Status::Paid
        | Status::Completed
        | Status::PartiallyRefunded
        | Status::RefundDue
        | Status::Refunded
        | Status::AwaitingPayment
        | Status::PartiallyPaid
        | Status::UnderReview
        | Status::Expired
        | Status::Cancelled
        | Status::Rejected => step,
    }
}

/// An attempt or a refund went on, which moves neither money nor stock.
pub fn noted() -> Step {
    Step::new(Verdict::Applied)
}

/// A dispute was opened or lost, or none is left: an overlay that moves nothing.
pub fn disputed(disputed: bool) -> Step {
    Step::new(Verdict::Applied).change(Change::Disputed(disputed))
}

/// Whether it still waits for its money, or for a person who judges what came: then an attempt
/// without money matters, and one may capture in shares.
pub fn awaits_money(status: Status) -> bool {
    match status {
        Status::AwaitingPayment | Status::PartiallyPaid | Status::UnderReview => true,
        Status::Rejected
        | Status::Paid
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => false,
    }
}

/// The customer or the shop steps back.
pub fn cancel(order: &Order, reason: Option<crate::text::Text>) -> Result<Step, Refusal> {
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid | Status::UnderReview => {}
        Status::Rejected
        | Status::Paid
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => {
            return Err(Refusal::with(Reason::NotAllowed, order.status.as_str()));
        }
    }
    let step = Step::new(Verdict::Applied)
        .tell(OrderChange::Cancelled { reason })
        .effect(Effect::ReleaseHold(ReleaseReason::Cancelled))
        .effect(Effect::VoidOpen)
        .effect(notify(NotificationKind::OrderCancelled));
    Ok(if order.net() > 0 { owe(step, order.net()) } else { step })
}

/// Handed over to the customer.
pub fn complete(order: &Order) -> Result<Step, Refusal> {
    match order.status {
        Status::Paid => Ok(Step::new(Verdict::Applied).tell(OrderChange::Completed)),
        Status::Rejected
        | Status::AwaitingPayment
        | Status::PartiallyPaid
        | Status::UnderReview
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => Err(Refusal::with(Reason::NotAllowed, order.status.as_str())),
    }
}

/// The hold ran out; `None` when the order no longer cares.
pub fn lapse(order: &Order) -> Option<Step> {
    let step = Step::new(Verdict::Applied);
    match order.status {
        Status::AwaitingPayment => Some(
            step.tell(OrderChange::Expired)
                .effect(Effect::ReleaseHold(ReleaseReason::Expired))
                .effect(Effect::VoidOpen)
                .effect(Effect::ReopenCart)
                .effect(notify(NotificationKind::OrderExpired)),
        ),
        Status::PartiallyPaid => {
            let step = step
                .tell(OrderChange::Expired)
                .effect(Effect::ReleaseHold(ReleaseReason::Expired))
                .effect(Effect::VoidOpen)
                .effect(Effect::ReopenCart)
                .effect(notify(NotificationKind::OrderExpired));
            Some(owe(step, order.net()))
        }
        // at the cap the stock goes back; the person still decides
        Status::UnderReview => Some(step.effect(Effect::ReleaseHold(ReleaseReason::Expired))),
        Status::Rejected
        | Status::Paid
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => None,
    }
}

/// Whether nothing more happens to an order by itself: no stock is held for it, and no money owed.
pub fn is_settled(order: &Order) -> bool {
    match order.status {
        Status::Completed => true,
        Status::Rejected | Status::Expired | Status::Cancelled | Status::Refunded => {
            order.net() == 0
        }
        Status::AwaitingPayment
        | Status::PartiallyPaid
        | Status::UnderReview
        | Status::Paid
        | Status::RefundDue
        | Status::PartiallyRefunded => false,
    }
}

/// When a hold that is extended ends: at the cap, which counts from the placing.
pub fn cap(order: &Order, hold_cap: std::time::Duration) -> Timestamp {
    order.placed_at.plus(hold_cap.max(order.hold_for))
}

#[cfg(test)]
mod tests;
