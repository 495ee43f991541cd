//! The commands of orders: placing, cancelling, completing, asking for authorized money; and the changes of status that
//! follow.

use crate::message::{lines, optional_number, text, total};
use crate::model::Model;
use crate::state::attempt::Attempt;
use crate::state::hold::{Hold, HoldState};
use crate::state::ledger::Ledger;
use crate::state::notification::NotificationKind;
use crate::state::order::{Order, Placing, Status};
use crate::state::stock::Units;
use crate::unit::{Ended, Outcome, reject};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The fields of an order that the shop keeps as they are given.
const DETAILS: [&str; 4] = ["customer", "shipping_address", "billing_address", "metadata"];

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
        let lines = lines(&data["lines"]);
        let total = total(&lines, &data["adjustments"]);
        self.place(Placing {
            id: text(data, "order_id").to_owned(),
            currency: text(data, "currency").to_owned(),
            total: total.ok_or(Ended::Invalid("validation"))?,
            lines,
            cart: None,
            data: data.clone(),
        })
    }

    pub(crate) fn place(&mut self, placing: Placing) -> Outcome {
        if self.is_taken(&placing.id) {
            return reject("order_exists");
        }
        let data = &placing.data;
        let hold_for = optional_number(data, "hold_for").unwrap_or(self.settings.hold_for);
        let mut order = Order {
            id: placing.id.clone(),
            status: Status::AwaitingPayment,
            currency: placing.currency,
            total: placing.total,
            lines: placing.lines,
            adjustments: data["adjustments"].clone(),
            details: Map::new(),
            version: 0,
            cart: placing.cart,
            placed_at: self.now,
            updated_at: self.now,
            completed_at: None,
            hold_for,
            confirm_on: text(data, "confirm_on").parse().unwrap_or(self.settings.confirm_on),
            hold: None,
            hold_since: self.now,
            ledger: Ledger::default(),
            surplus_asked: 0,
            written_off: 0,
            returned: Units::new(),
            restocked_for: BTreeSet::new(),
            notifications: Vec::new(),
        };
        order.replace_details(data);
        let held = self.hold(&order.wanted());
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
        if !matches!(order.status, Status::Paid | Status::PartiallyRefunded) {
            return order.not_allowed();
        }
        order.status = Status::Completed;
        order.completed_at = order.completed_at.or(Some(self.now));
        self.changes(&mut order);
        self.unit.event("order.completed");
        self.orders.insert(id.to_owned(), order);
        Ok(())
    }

    /// Asks the providers for authorized money: oldest attempt first. With `again`, what was asked for before did not work out.
    pub(crate) fn order_capture(&mut self, data: &Value) -> Outcome {
        let id = text(data, "order_id");
        let Some(mut order) = self.orders.get(id).cloned() else {
            return self.missing(id);
        };
        if !order.awaits_money() || order.status == Status::UnderReview {
            return order.not_allowed();
        }
        let is_again = data["again"] == true;
        let free = if is_again { Attempt::open } else { Attempt::not_asked };
        let attempts = || order.ledger.in_currency(&order.currency);
        let open: i64 = attempts().map(free).sum();
        let on_the_way: i64 = attempts().map(|attempt| attempt.capture_asked).sum();
        let on_the_way = if is_again { 0 } else { on_the_way };
        let lacks = (order.total - order.net() - on_the_way).max(0);
        let mut left = optional_number(data, "amount").unwrap_or(lacks.min(open));
        if left == 0 || left > open {
            return order.not_allowed();
        }
        let currency = order.currency.clone();
        for attempt in &mut order.ledger.attempts {
            let amount = left.min(free(attempt));
            if attempt.currency() != currency || amount == 0 {
                continue;
            }
            left -= amount;
            attempt.capture_asked = if is_again { amount } else { attempt.capture_asked + amount };
            let (provider, attempt) = (attempt.provider.clone(), attempt.id.clone());
            self.unit.captures_requested.push((provider, attempt, amount, currency.clone()));
            self.unit.event("payment.capture_requested");
        }
        self.changes(&mut order);
        self.orders.insert(id.to_owned(), order);
        Ok(())
    }

    /// Cancels an order. All of its money is refunded.
    pub(crate) fn cancel(&mut self, order: &mut Order) {
        self.void_authorizations(order);
        if let Some(hold) = order.held() {
            hold.state = HoldState::Released;
            self.release(&order.wanted());
        }
        order.status = Status::Cancelled;
        self.changes(order);
        self.unit.event("order.cancelled");
        self.notify(order, NotificationKind::OrderCancelled, "");
        if order.net() > 0 || order.has_other_currency() {
            self.become_refund_due(order);
        }
    }

    /// Makes an order paid, sells its stock and asks back the surplus. `is_late`: the stock was held again for the
    /// payment.
    pub(crate) fn become_paid(&mut self, order: &mut Order, is_late: bool) {
        self.void_authorizations(order);
        order.status = Status::Paid;
        self.commit(&order.wanted());
        order.hold = Some(Hold::committed());
        self.unit.event_with("order.paid", format!("late {is_late}"));
        self.notify(order, NotificationKind::OrderConfirmed, "");
        self.ask_back_surplus(order);
    }

    /// Makes an order `refund_due`: it was not sold, and all of its money must be refunded.
    pub(crate) fn become_refund_due(&mut self, order: &mut Order) {
        let due = order.ledger.refundable(&order.currency);
        order.status = Status::RefundDue;
        self.unit.event_with("order.refund_due", format!("due {due}"));
        self.request_refund(order, due, &order.currency.clone());
        self.request_refunds_in_other_currencies(order);
    }

    /// Judges anew whether the open authorizations confirm the order. `is_final`: an attempt said that it captures no
    /// more.
    pub(crate) fn judge_authorizations(&mut self, order: &mut Order, is_final: bool) {
        let is_covered = order.is_covered();
        match order.status {
            Status::AwaitingPayment | Status::PartiallyPaid if is_covered => {
                order.status = Status::Authorized;
                order.let_hold_stand();
                self.unit.event("order.authorized");
                self.notify(order, NotificationKind::OrderConfirmed, "");
            }
            Status::Authorized if is_covered => {}
            Status::Authorized if is_final => {
                order.restart_hold(self.now);
                order.extend_hold(self.now, self.settings.hold_cap);
                order.status = Status::PartiallyPaid;
                self.unit.event("order.partially_paid");
            }
            Status::Authorized => {
                order.restart_hold(self.now);
                let is_partly = order.net() > 0;
                order.status =
                    if is_partly { Status::PartiallyPaid } else { Status::AwaitingPayment };
                self.unit.event("order.authorization_lost");
            }
            _ => {}
        }
    }

    /// Requests to void all that is authorized and not captured. An order that leaves `awaiting_payment`, `authorized`,
    /// `partially_paid` or `under_review` needs none of it any more.
    pub(crate) fn void_authorizations(&mut self, order: &mut Order) {
        for attempt in order.ledger.attempts.iter_mut().filter(|attempt| attempt.needs_void()) {
            attempt.void_requested = true;
            self.unit.voids_requested.push((attempt.provider.clone(), attempt.id.clone()));
            self.unit.event("payment.void_requested");
        }
    }

    /// Something that an order shows changes in the step in hand.
    pub(crate) fn changes(&mut self, order: &mut Order) {
        order.updated_at = self.now;
        self.order_changes = true;
    }

    /// Counts the version of the order that the step in hand is about: one for each of its events, or one for a change
    /// without an event.
    pub(crate) fn count_order_version(&mut self, id: Option<&String>) {
        let events = self.unit.events.iter().filter(|kind| kind.starts_with("order.")).count();
        let changes = i64::from(std::mem::take(&mut self.order_changes));
        let steps = changes.max(i64::try_from(events).expect("few events"));
        if steps > 0
            && let Some(order) = id.and_then(|id| self.orders.get_mut(id))
        {
            order.version += steps;
        }
    }
}

impl Order {
    /// Takes the details that a command gives. Each is replaced whole.
    pub(crate) fn replace_details(&mut self, data: &Value) {
        for field in DETAILS {
            if let Some(value) = data.get(field) {
                self.details.insert(field.to_owned(), value.clone());
            }
        }
    }
}
