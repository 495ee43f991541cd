//! Asking for the money of open authorizations.

use super::super::state::{Order, Status};
use super::ending::{not_allowed, not_allowed_because};
use super::step::{Effect, Step};
use crate::verdict::{Refusal, Verdict};

/// Asks for `amount` of the order's authorizations, or for what its total lacks beyond `asked`. `capturable` is what is
/// authorized and not asked for yet, `asked` what was asked for and has not come. Amounts are in minor units of the order's
/// currency.
pub fn capture(
    order: &Order,
    amount: Option<i64>,
    capturable: i64,
    asked: i64,
) -> Result<Step, Refusal> {
    match order.status {
        Status::AwaitingPayment | Status::Authorized | Status::PartiallyPaid => {}
        Status::Rejected
        | Status::UnderReview
        | Status::Paid
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => return Err(not_allowed(order)),
    }
    let lacks = (order.total - order.net()).saturating_sub(asked).max(0);
    let amount = amount.unwrap_or_else(|| lacks.min(capturable));
    if amount == 0 || amount > capturable {
        let open = order.currency.show(capturable);
        let why = format_args!("{capturable} ({open}) is authorized and not asked for");
        return Err(not_allowed_because(order, why));
    }
    Ok(Step::new(Verdict::Applied).effect(Effect::Capture { amount }))
}
