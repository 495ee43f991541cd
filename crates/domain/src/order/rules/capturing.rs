//! Asking for the money of open authorizations.

use super::super::state::{Order, Status};
use super::ending::{not_allowed, not_allowed_because};
use super::step::{Effect, Step};
use crate::payment::rules::Requested;
use crate::verdict::{Refusal, Verdict};

/// What may be captured of an order's authorizations. Amounts are in minor units of the order's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capturable {
    /// What is authorized and may still be captured.
    pub open: i64,
    /// What of that was not asked for yet.
    pub not_asked: i64,
    /// What was asked for and has not come.
    pub asked: i64,
}

/// Asks for `amount` of the order's authorizations, or for what its total lacks. `before` says whether what was asked for
/// before may still come.
pub fn capture(
    order: &Order,
    amount: Option<i64>,
    capturable: Capturable,
    before: Requested,
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
    let (most, asked, is_open) = match before {
        Requested::Counts => {
            (capturable.not_asked, capturable.asked, "authorized and not asked for")
        }
        Requested::Failed => (capturable.open, 0, "authorized"),
    };
    let lacks = (order.total - order.net()).saturating_sub(asked).max(0);
    let amount = amount.unwrap_or_else(|| lacks.min(most));
    if amount == 0 || amount > most {
        let open = order.currency.show(most);
        let why = format_args!("{most} ({open}) is {is_open}");
        return Err(not_allowed_because(order, why));
    }
    Ok(Step::new(Verdict::Applied).effect(Effect::Capture { amount, before }))
}
