//! How the goods of an order change after it was placed, and what follows from the new total.
//!
//! Before money, and while an order is partly paid, quantities and total may rise and fall. Once it is authorized or paid they
//! may only fall. The customer, addresses and metadata may change in every status but `rejected`.

use super::super::state::{Order, Status};
use super::ending::{not_allowed, not_allowed_because};
use super::money;
use super::step::{Rehold, Step, pay};
use crate::command::{AmendedLine, Invalid, OrderAmend};
use crate::event::OrderChange;
use crate::expected_version;
use crate::id::Sku;
use crate::money::{Adjustment, Line, Quantity, total};
use crate::payment::rules::PaymentSummary;
use crate::verdict::{Reason, Refusal, Verdict};
use std::sync::Arc;

/// The goods of an order after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goods {
    /// The lines: at least one.
    pub lines: Arc<[Line]>,
    /// The adjustments.
    pub adjustments: Arc<[Adjustment]>,
    /// The total, in minor units.
    pub total: i64,
}

/// Why an order cannot be amended so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A business rule refuses the command.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The command does not fit the order: the total would be below 0 or too large.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// Where quantities and total may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    UpOrDown,
    Down,
}

/// The goods after the command. `None`: the command changes none.
///
/// The stock is not looked at: it must follow the lines, all or nothing.
///
/// # Errors
///
/// The order has another version than expected, its status does not allow the change, or the lines do not fit the order.
pub fn amend(order: &Order, command: &OrderAmend) -> Result<Option<Goods>, Error> {
    if order.status == Status::Rejected {
        return Err(not_allowed(order).into());
    }
    expected_version::check(order.version, command.expected_version)?;
    if command.lines.is_empty() && command.adjustments.is_none() {
        return Ok(None);
    }
    let direction = direction(order)?;
    let mut lines = order.lines.to_vec();
    let mut grows = false;
    for AmendedLine { sku, quantity } in &command.lines {
        grows |= set_quantity(&mut lines, sku, quantity.get())?;
    }
    if lines.is_empty() {
        return Err(not_allowed_because(order, "one line must stay").into());
    }
    let adjustments = match &command.adjustments {
        Some(adjustments) => adjustments.clone().into(),
        None => Arc::clone(&order.adjustments),
    };
    let priced = lines.iter().map(|line| (line.quantity, line.unit_price));
    let total = total(priced, &*adjustments).map_err(|error| {
        // what the command does not name is as it was
        let field = match (command.lines.is_empty(), &command.adjustments) {
            (true, _) => "adjustments",
            (false, None) => "lines",
            (false, Some(_)) => error.field(),
        };
        Invalid::field(field, error)
    })?;
    grows |= total > order.total;
    if grows && direction == Direction::Down {
        return Err(not_allowed_because(order, "quantities and the total can only fall").into());
    }
    Ok(Some(Goods { lines: lines.into(), adjustments, total }))
}

/// Whether quantities or adjustments of the order may change at all.
pub(super) fn may_change_goods(order: &Order) -> bool {
    direction(order).is_ok()
}

fn direction(order: &Order) -> Result<Direction, Refusal> {
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid => Ok(Direction::UpOrDown),
        Status::Authorized | Status::Paid => Ok(Direction::Down),
        Status::PartiallyRefunded if order.completed_at.is_none() => Ok(Direction::Down),
        Status::Rejected
        | Status::UnderReview
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => Err(not_allowed(order)),
    }
}

/// Gives all lines of a sku together the quantity. Returns whether that is more than before.
fn set_quantity(lines: &mut Vec<Line>, sku: &Sku, wanted: u32) -> Result<bool, Refusal> {
    let of_sku = lines.iter().filter(|line| line.sku == *sku);
    let before: u64 = of_sku.map(|line| u64::from(line.quantity.get())).sum();
    if before == 0 {
        return Err(Refusal::with(Reason::UnknownSku, sku.as_str()));
    }
    let grows = u64::from(wanted) > before;
    // what the lines from the first one on leave for those behind them; the last one takes whatever is left
    let mut left = wanted;
    let last = lines.iter().rposition(|line| line.sku == *sku);
    let mut place = 0;
    lines.retain_mut(|line| {
        let is_last = last == Some(place);
        place += 1;
        if line.sku != *sku {
            return true;
        }
        let quantity = if is_last { left } else { left.min(line.quantity.get()) };
        left -= quantity;
        match Quantity::new(quantity) {
            Some(quantity) => {
                line.quantity = quantity;
                true
            }
            None => false,
        }
    });
    Ok(grows)
}

/// The event of an order that was amended. Its status stays.
pub fn amended() -> Step {
    Step::new(Verdict::Applied).emit(OrderChange::Amended)
}

/// What of a new total the shop still lets go, in minor units: what the total falls by is let go no more.
pub fn still_written_off(order: &Order, total: i64) -> i64 {
    (order.written_off - (order.total - total).max(0)).max(0)
}

/// What follows from a new total, which the order has already.
pub fn judge_total(order: &Order, summary: PaymentSummary) -> Step {
    let step = Step::new(Verdict::Applied);
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid | Status::Authorized
            if order.is_covered() =>
        {
            money::request_surplus(
                pay(step, Rehold::NotNeeded),
                order.surplus(),
                order.net() - summary.pending,
            )
        }
        Status::AwaitingPayment | Status::PartiallyPaid => money::authorized(order, summary),
        Status::Paid | Status::PartiallyRefunded => {
            money::request_surplus(step, order.surplus(), order.net() - summary.pending)
        }
        Status::Authorized
        | Status::Rejected
        | Status::UnderReview
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::Refunded => step,
    }
}
