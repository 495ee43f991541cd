//! The commands of orders: placing, cancelling, completing, resolving; and the changes of status that follow.

use crate::message::{optional_number, text, total};
use crate::model::Model;
use crate::state::hold::{Hold, HoldState};
use crate::state::ledger::{AttemptState, Ledger, Refund, RefundState};
use crate::state::notification::NotificationKind;
use crate::state::order::{Order, Placing, Status};
use crate::state::stock::{Units, units};
use crate::unit::{Ended, Outcome, reject};
use serde_json::Value;
use std::collections::BTreeSet;

impl Model {
    /// Whether an order has or had that id.
    pub(crate) fn is_taken(&self, order: &str) -> bool {
        self.orders.contains_key(order) || self.retired.contains(order)
    }

    /// Refuses a command on an order that does not exist.
    pub(crate) fn missing<T>(&self, order: &str) -> Result<T, Ended> {
        reject(if self.retired.contains(order) { "not_allowed" } else { "order_not_found" })
    }

    pub(crate) fn order_place(&mut self, data: &Value) -> Outcome {
        let total = total(&data["lines"], &data["adjustments"]);
        self.place(Placing {
            id: text(data, "order_id").to_owned(),
            currency: text(data, "currency").to_owned(),
            total: total.ok_or(Ended::Invalid("validation"))?,
            wanted: units(&data["lines"]),
            cart: None,
            hold_for: optional_number(data, "hold_for"),
        })
    }

    pub(crate) fn place(&mut self, placing: Placing) -> Outcome {
        if self.is_taken(&placing.id) {
            return reject("order_exists");
        }
        let hold_for = placing.hold_for.unwrap_or(self.settings.hold_for);
        let mut order = Order {
            id: placing.id.clone(),
            status: Status::AwaitingPayment,
            currency: placing.currency,
            total: placing.total,
            wanted: placing.wanted,
            cart: placing.cart,
            placed_at: self.now,
            updated_at: self.now,
            hold_for,
            hold: None,
            ledger: Ledger::default(),
            auto_refunds_requested: 0,
            returned: Units::new(),
            restocked_for: BTreeSet::new(),
            notifications: Vec::new(),
        };
        let held = self.hold(&order.wanted);
        if held.is_err() {
            order.status = Status::Rejected;
            self.unit.event("order.rejected");
        } else {
            order.hold = Some(Hold::held(self.now + hold_for));
            self.unit.event("order.placed");
            if order.total == 0 {
                self.become_paid(&mut order, false);
            }
        }
        self.orders.insert(placing.id, order);
        held
    }

    pub(crate) fn order_cancel(&mut self, data: &Value) -> Outcome {
        let id = text(data, "order_id");
        let Some(mut order) = self.orders.get(id).cloned() else {
            return self.missing(id);
        };
        if !order.awaits_money() {
            return order.not_allowed();
        }
        self.cancel(&mut order);
        self.orders.insert(id.to_owned(), order);
        Ok(())
    }

    pub(crate) fn order_complete(&mut self, data: &Value) -> Outcome {
        let id = text(data, "order_id");
        let Some(mut order) = self.orders.get(id).cloned() else {
            return self.missing(id);
        };
        if order.status != Status::Paid {
            return order.not_allowed();
        }
        order.status = Status::Completed;
        order.updated_at = self.now;
        self.unit.event("order.completed");
        self.orders.insert(id.to_owned(), order);
        Ok(())
    }

    pub(crate) fn order_resolve(&mut self, data: &Value) -> Outcome {
        let id = text(data, "order_id");
        let Some(mut order) = self.orders.get(id).cloned() else {
            return self.missing(id);
        };
        let accepts = text(data, "decision") == "accept";
        if order.status != Status::UnderReview || (accepts && order.net() < order.total) {
            return order.not_allowed();
        }
        if accepts {
            let is_late = order.held().is_none();
            if is_late {
                self.hold(&order.wanted)?;
            }
            self.become_paid(&mut order, is_late);
            // surplus that was refunded already is not refunded again
            let surplus = order.net() - order.total;
            order.auto_refunds_requested = order.paid() - order.total;
            let currency = order.currency.clone();
            self.request_refund(&mut order, surplus, &currency);
        } else {
            self.cancel(&mut order);
        }
        order.updated_at = self.now;
        self.orders.insert(id.to_owned(), order);
        Ok(())
    }

    /// Cancels an order. All of its money is refunded.
    fn cancel(&mut self, order: &mut Order) {
        self.void_authorizations(order);
        if let Some(hold) = order.held() {
            hold.state = HoldState::Released;
            self.release(&order.wanted);
        }
        order.status = Status::Cancelled;
        order.updated_at = self.now;
        self.unit.event("order.cancelled");
        self.notify(order, NotificationKind::OrderCancelled, "");
        if order.net() > 0 || order.has_other_currency() {
            self.become_refund_due(order);
        }
    }

    /// Makes an order paid and sells its stock. `is_late`: the stock was held again for the payment.
    pub(crate) fn become_paid(&mut self, order: &mut Order, is_late: bool) {
        self.void_authorizations(order);
        order.status = Status::Paid;
        self.commit(&order.wanted);
        order.hold = Some(Hold::committed());
        self.unit.event_with("order.paid", format!("late {is_late}"));
        self.notify(order, NotificationKind::OrderConfirmed, "");
    }

    /// Makes an order `refund_due`: it was not sold, and all of its money must be refunded.
    pub(crate) fn become_refund_due(&mut self, order: &mut Order) {
        let net = order.net();
        order.status = Status::RefundDue;
        order.auto_refunds_requested += net;
        self.unit.event_with("order.refund_due", format!("due {net}"));
        self.request_refund(order, net, &order.currency.clone());
        self.request_refunds_in_other_currencies(order);
    }

    /// Requests refunds of the money in other currencies, as far as none was requested or succeeded.
    pub(crate) fn request_refunds_in_other_currencies(&mut self, order: &mut Order) {
        for currency in order.ledger.other_currencies(&order.currency) {
            let amount = order.ledger.refundable(&currency);
            self.request_refund(order, amount, &currency);
        }
    }

    /// Requests a refund under an id that the shop chooses, if the amount is not 0.
    pub(crate) fn request_refund(&mut self, order: &mut Order, amount: i64, currency: &str) {
        if amount <= 0 {
            return;
        }
        order.ledger.refunds.push(Refund {
            id: String::new(), // see `name_refunds`
            amount,
            currency: currency.to_owned(),
            state: RefundState::Requested,
        });
        self.unit.refunds_requested.push((amount, currency.to_owned()));
        self.unit.event("payment.refund_requested");
    }

    /// Requests to void all authorizations. An order that leaves `awaiting_payment`, `partially_paid` or `under_review`
    /// needs none any more.
    pub(crate) fn void_authorizations(&mut self, order: &mut Order) {
        for attempt in &mut order.ledger.attempts {
            if attempt.state == AttemptState::Authorized && !attempt.void_requested {
                attempt.void_requested = true;
                self.unit.voids_requested.push(attempt.id.clone());
                self.unit.event("payment.void_requested");
            }
        }
    }

    /// Tells the model which ids an order's refunds have.
    ///
    /// The processor chooses the ids of the refunds that it requests by itself, so the model cannot know them. `ids`
    /// are the ids of all refunds of the order, in order. Ids that the model does not know are given to its refunds
    /// without id.
    pub fn name_refunds<'a>(&mut self, order: &str, ids: impl Iterator<Item = &'a str>) {
        let Some(order) = self.orders.get_mut(order) else {
            return;
        };
        for id in ids {
            if order.ledger.refund(id).is_none()
                && let Some(refund) = order.ledger.refund("")
            {
                id.clone_into(&mut refund.id);
            }
        }
    }
}
