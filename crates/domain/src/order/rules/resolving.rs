//! What a person decides about an order: to accept its money, to cancel the order, or to return money that is not owed.

use super::super::state::{Order, Status};
use super::capturing::Capturable;
use super::ending::{not_allowed, not_allowed_because};
use super::money::request_surplus;
use super::step::{Change, Effect, Rehold, Step, pay};
use crate::command::Decision;
use crate::payment::rules::{PaymentSummary, Phase};
use crate::verdict::{Refusal, Verdict};

/// What of an order's payments matters for the decision of a person. Amounts are in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resolvable {
    /// The payments.
    pub summary: PaymentSummary,
    /// Money in another currency is neither accepted nor asked back, more was sent back than was captured and nobody
    /// accepted that, or a refund failed and nothing was done about that.
    pub can_be_accepted: bool,
    /// There is money in another currency of which no refund was requested.
    pub has_returnable_currency: bool,
}

/// How a decision is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The order becomes paid: see [`accept`]. Its stock must be held.
    Pay,
    /// The money is accepted as it is: see [`accept_money`].
    AcceptMoney,
    /// The order is cancelled: see [`cancel`](super::cancel).
    Cancel,
    /// Money that is not owed is asked back: see [`return_money`].
    Return,
}

/// Checks whether a person may decide so. `write_off` is what of the total the shop lets go, in minor units.
pub fn resolve(
    (order, phase): (&Order, Phase),
    decision: Decision,
    write_off: i64,
    payments: Resolvable,
) -> Result<Resolution, Refusal> {
    let resolution = match (decision, order.status) {
        (Decision::Accept, _) if may_be_paid(order) => {
            if order.net().saturating_add(write_off) < order.total {
                return Err(not_allowed_because(order, came(order)));
            }
            Some(Resolution::Pay)
        }
        (Decision::Accept, _) => payments.can_be_accepted.then_some(Resolution::AcceptMoney),
        (Decision::Cancel, Status::UnderReview | Status::PartiallyPaid) => Some(Resolution::Cancel),
        (Decision::Cancel, _) => None,
        (Decision::Return, _) => {
            let has_own = not_owed((order, phase), payments.summary) > 0;
            (has_own || payments.has_returnable_currency).then_some(Resolution::Return)
        }
    };
    resolution.ok_or_else(|| not_allowed(order))
}

/// What a person decided, in words: the decision, and what of the total the shop lets go.
pub fn decided(order: &Order, decision: Decision, write_off: i64) -> String {
    let write_off = write_off.min(order.total - order.net());
    match decision {
        Decision::Accept if may_be_paid(order) && write_off > 0 => {
            format!("{}; {} written off", decision.as_str(), order.currency.show(write_off))
        }
        Decision::Accept | Decision::Cancel | Decision::Return => decision.as_str().to_owned(),
    }
}

/// Whether a person may make the order paid, once its money or a write-off covers its total.
fn may_be_paid(order: &Order) -> bool {
    match order.status {
        Status::UnderReview | Status::PartiallyPaid => true,
        Status::Authorized => order.net() > 0,
        Status::Rejected
        | Status::AwaitingPayment
        | Status::Paid
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => false,
    }
}

/// How much of the total came, as in `0.00 of 5.00 EUR came`.
fn came(order: &Order) -> String {
    let [net, total] = [order.net(), order.total].map(|amount| order.currency.show(amount));
    let net = net.split(' ').next().unwrap_or_default();
    format!("{net} of {total} came")
}

/// Makes an order paid because a person accepts its money and lets `write_off` of the total go, at most what is missing;
/// its stock must be held. The surplus is refunded. `rehold` says whether the stock had to be held again.
pub fn accept(order: &Order, write_off: i64, summary: PaymentSummary, rehold: Rehold) -> Step {
    // more than is missing would hide money that is sent back later
    let write_off = write_off.min(order.total - order.net());
    let step = Step::new(Verdict::Applied);
    let step = if write_off > 0 { step.change(Change::WrittenOff(write_off)) } else { step };
    let step = pay(step, rehold).effect(Effect::AcceptMoney);
    request_surplus(step, order.surplus(), order.net() - summary.pending)
}

/// Accepts money that does not fit the order. The status stays.
pub fn accept_money() -> Step {
    Step::new(Verdict::Applied).effect(Effect::AcceptMoney)
}

/// Asks money back that is not owed, in whatever currency. The status stays.
pub fn return_money((order, phase): (&Order, Phase), summary: PaymentSummary) -> Step {
    let mut step = Step::new(Verdict::Applied);
    let amount = not_owed((order, phase), summary);
    if amount > 0 {
        // money that had been asked back and came back is in the sum already
        let surplus = order.surplus().clamp(0, amount);
        if surplus > 0 {
            step = step.change(Change::AutoRefundRequested(surplus));
        }
        step = step.effect(Effect::ReturnMoney { amount });
    }
    step.effect(Effect::RefundOtherCurrencies)
}

/// The money in the order's currency that is not owed and not asked back, in minor units.
fn not_owed((order, phase): (&Order, Phase), summary: PaymentSummary) -> i64 {
    let owed = match phase {
        Phase::Awaiting | Phase::Sold => order.total,
        Phase::Unsold => 0,
    };
    (order.net() - summary.pending - owed).max(0)
}

/// The commands that are possible for an order, for the end of the detail of `not_allowed`. `refundable`: money may be refunded or
/// goods returned.
pub fn possible(
    (order, phase): (&Order, Phase),
    payments: Resolvable,
    refundable: bool,
    capturable: Capturable,
) -> String {
    let status = order.status;
    let awaits =
        matches!(status, Status::AwaitingPayment | Status::Authorized | Status::PartiallyPaid);
    let may = |decision| resolve((order, phase), decision, 0, payments).is_ok();
    let lacks = order.total - order.net();
    let may_write_off = lacks > 0 && may_be_paid(order);
    let accept = format!("order.resolve accept with a write_off of {lacks}");
    let may_capture_again = awaits && capturable.not_asked == 0 && capturable.open > 0;
    let commands = [
        (super::amend::may_change_goods(order), "order.amend"),
        (awaits && capturable.not_asked > 0, "order.capture"),
        (may_capture_again, "order.capture with again"),
        (super::complete(order).is_ok(), "order.complete"),
        (super::cancel(order, None, payments.summary).is_ok(), "order.cancel"),
        (super::may_refund(order).is_ok() && refundable, "refund.request"),
        (may(Decision::Accept), "order.resolve accept"),
        (may_write_off, &accept),
        (may(Decision::Cancel), "order.resolve cancel"),
        (may(Decision::Return), "order.resolve return"),
    ];
    let possible: Vec<_> =
        commands.iter().filter(|(is_possible, _)| *is_possible).map(|(_, name)| *name).collect();
    if possible.is_empty() {
        return "nothing is possible".to_owned();
    }
    format!("possible: {}", possible.join(", "))
}
