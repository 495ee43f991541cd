//! Orders: how one is placed, what it becomes, and what people do to it.

use crate::holds::{Hold, HoldState};
use crate::ledger::{AttemptState, Ledger, Refund, RefundState};
use crate::message::{optional_number, text, total};
use crate::model::Model;
use crate::notifications::NotificationKind;
use crate::stock::{Units, units};
use crate::unit::{Ended, Outcome, reject};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) currency: String,
    pub(crate) total: i64,
    /// What was ordered.
    pub(crate) wanted: Units,
    /// The cart that it came from.
    pub(crate) cart: Option<String>,
    pub(crate) placed_at: i64,
    /// When it last changed.
    pub(crate) updated_at: i64,
    pub(crate) hold_for: i64,
    /// None, when there was too little stock from the start.
    pub(crate) hold: Option<Hold>,
    pub(crate) ledger: Ledger,
    /// Money of its own currency that the shop by itself asked back.
    pub(crate) asked_back: i64,
    /// Of what was sold: what came back.
    pub(crate) returned: Units,
    /// The refunds that units came back with.
    pub(crate) restocked_for: BTreeSet<String>,
    /// Kind and reference of every notification.
    pub(crate) notifications: Vec<(NotificationKind, String)>,
}

/// How an order stands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// There was too little stock.
    Rejected,
    /// Its stock is held, its money has not come.
    AwaitingPayment,
    /// Part of its money came.
    PartiallyPaid,
    /// Too much money or another currency came: a person must decide.
    UnderReview,
    /// Its money came and its stock is sold.
    Paid,
    /// It was handed over to the customer.
    Completed,
    /// Its hold ran out.
    Expired,
    /// It was called off.
    Cancelled,
    /// It came to nothing, and money must go back.
    RefundDue,
    /// It was sold, and part of its money went back.
    PartiallyRefunded,
    /// All of its money went back.
    Refunded,
}

impl Status {
    /// The contract's name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What an order is placed with.
pub(crate) struct Placing {
    pub(crate) id: String,
    pub(crate) currency: String,
    pub(crate) total: i64,
    pub(crate) wanted: Units,
    pub(crate) cart: Option<String>,
    pub(crate) hold_for: Option<i64>,
}

impl Order {
    /// All captured in its currency.
    pub(crate) fn paid(&self) -> i64 {
        self.ledger.captured(&self.currency)
    }

    /// All refunds that succeeded, as far as there was money to refund.
    pub(crate) fn refunded(&self) -> i64 {
        self.ledger.refunds(&self.currency, RefundState::Succeeded).min(self.paid())
    }

    pub(crate) fn net(&self) -> i64 {
        self.paid() - self.refunded()
    }

    /// Money in another currency came, and did not all go back.
    pub(crate) fn has_foreign_money(&self) -> bool {
        let others = self.ledger.foreign_currencies(&self.currency);
        others.iter().any(|other| {
            self.ledger.captured(other) > self.ledger.refunds(other, RefundState::Succeeded)
        })
    }

    /// It was sold, whatever became of it then.
    pub(crate) fn is_sold(&self) -> bool {
        self.hold.is_some_and(|hold| hold.state == HoldState::Committed)
    }

    pub(crate) fn awaits_money(&self) -> bool {
        matches!(self.status, Status::AwaitingPayment | Status::PartiallyPaid | Status::UnderReview)
    }

    /// Refuses a command in this status.
    pub(crate) fn not_allowed<T>(&self) -> Result<T, Ended> {
        Err(Ended::Rejected { reason: "not_allowed", detail: json!(self.status.name()) })
    }
}

impl Model {
    /// Whether an order has that id, or had it.
    pub(crate) fn is_taken(&self, order: &str) -> bool {
        self.orders.contains_key(order) || self.retired.contains(order)
    }

    /// Refuses a command on an order that is not there.
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
            asked_back: 0,
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
            // what of the surplus went back already is not asked back again
            let surplus = order.net() - order.total;
            order.asked_back = order.paid() - order.total;
            let currency = order.currency.clone();
            self.request_refund(&mut order, surplus, &currency);
        } else {
            self.cancel(&mut order);
        }
        order.updated_at = self.now;
        self.orders.insert(id.to_owned(), order);
        Ok(())
    }

    /// The order is cancelled, and what was taken for it goes back.
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
        if order.net() > 0 || order.has_foreign_money() {
            self.become_refund_due(order);
        }
    }

    /// The money is there and the stock is held, perhaps anew: the order is sold.
    pub(crate) fn become_paid(&mut self, order: &mut Order, is_late: bool) {
        self.void_authorizations(order);
        order.status = Status::Paid;
        self.commit(&order.wanted);
        order.hold = Some(Hold::committed());
        self.unit.event_with("order.paid", format!("late {is_late}"));
        self.notify(order, NotificationKind::OrderConfirmed, "");
    }

    /// The order came to nothing, and all of its money must go back.
    pub(crate) fn become_refund_due(&mut self, order: &mut Order) {
        let net = order.net();
        order.status = Status::RefundDue;
        order.asked_back += net;
        self.unit.event_with("order.refund_due", format!("due {net}"));
        self.request_refund(order, net, &order.currency.clone());
        self.request_foreign_refunds(order);
    }

    /// Money in other currencies that is there still, and was not asked back, is asked back.
    pub(crate) fn request_foreign_refunds(&mut self, order: &mut Order) {
        for currency in order.ledger.foreign_currencies(&order.currency) {
            let amount = order.ledger.refundable(&currency);
            self.request_refund(order, amount, &currency);
        }
    }

    /// Asks for money back, if it is any, under an id that the shop makes.
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

    /// An order that leaves `awaiting_payment`, `partially_paid` or a review needs no authorization any more.
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
    /// The processor chooses the ids of the refunds that it asks for by itself, so the model cannot know them. `ids` are
    /// all of the order's refunds, in their order; those that the model does not know name its nameless ones in turn.
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
