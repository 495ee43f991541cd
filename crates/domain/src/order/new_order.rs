//! A new order as a command describes it, and the order that is placed from it.

use super::{ConfirmOn, Order, Status};
use crate::command::{Customer, OrderPlace};
use crate::id::{CartId, OrderId};
use crate::money::{Adjustment, Currency, Line, TotalError, total};
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// An order that is not placed yet.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// The order's id.
    pub id: OrderId,
    /// The customer.
    pub customer: Customer,
    /// Currency of all amounts.
    pub currency: Currency,
    /// The lines.
    pub lines: Arc<[Line]>,
    /// The adjustments that are added to the sum of the lines.
    pub adjustments: Arc<[Adjustment]>,
    /// The cart that the order is placed from.
    pub cart: Option<CartId>,
    /// How long the stock is held at first.
    pub hold_for: Duration,
    /// What confirms the order.
    pub confirm_on: ConfirmOn,
}

impl NewOrder {
    /// The order that `place` asks for. Its stock is held for `hold_for`, and `confirm_on` confirms it, unless the command
    /// says otherwise.
    pub fn of_command(place: OrderPlace, hold_for: Duration, confirm_on: ConfirmOn) -> Self {
        Self {
            id: place.order_id,
            customer: place.customer,
            currency: place.currency,
            lines: place.lines.into(),
            adjustments: place.adjustments.into(),
            cart: None,
            hold_for: place.hold_for.unwrap_or(hold_for),
            confirm_on: place.confirm_on.unwrap_or(confirm_on),
        }
    }

    /// The order, placed at `now`. It awaits its payment, and has version 0 until the first event is emitted.
    ///
    /// # Errors
    ///
    /// The total is below 0 or too large.
    pub fn placed(self, now: Timestamp) -> Result<Order, TotalError> {
        let Self { id, customer, currency, lines, adjustments, cart, hold_for, confirm_on } = self;
        let sum = lines.iter().map(|line| (line.quantity, line.unit_price));
        Ok(Order {
            total: total(sum, &*adjustments)?,
            id,
            customer,
            currency,
            lines,
            adjustments,
            cart,
            status: Status::AwaitingPayment,
            version: 0,
            paid: 0,
            refunded: 0,
            auto_refunds_requested: 0,
            disputed: false,
            hold_for,
            placed_at: now,
            updated_at: now,
            confirm_on,
            hold_since: now,
            completed_at: None,
            written_off: 0,
            early_refunds: 0,
            has_details: false,
        })
    }
}
