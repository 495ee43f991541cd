//! Orders: how one is placed, what it becomes, and what people do to it.

use super::money::{AttemptState, Ledger, Refund, RefundState};
use super::timers::{Hold, HoldState};
use super::{Ended, MINUTE, Model, Outcome, number, refuse, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
pub struct Order {
    pub id: String,
    pub status: Status,
    pub currency: String,
    pub total: i64,
    /// Units by sku: several lines of one count together.
    pub wanted: BTreeMap<String, i64>,
    pub cart: Option<String>,
    pub placed_at: i64,
    pub hold_for: i64,
    pub hold: Option<Hold>,
    pub ledger: Ledger,
    /// Surplus that was asked back.
    pub surplus_asked: i64,
    /// Units that came back, by sku.
    pub restocked: BTreeMap<String, i64>,
    /// The refunds that units came back for.
    pub restocked_for: BTreeSet<String>,
    /// Kind and reference of every notification.
    pub notices: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Rejected,
    AwaitingPayment,
    PartiallyPaid,
    UnderReview,
    Paid,
    Completed,
    Expired,
    Cancelled,
    RefundDue,
    PartiallyRefunded,
    Refunded,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::AwaitingPayment => "awaiting_payment",
            Self::PartiallyPaid => "partially_paid",
            Self::UnderReview => "under_review",
            Self::Paid => "paid",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::RefundDue => "refund_due",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }
}

/// What an order is placed with.
pub(super) struct Placing {
    pub(super) id: String,
    pub(super) currency: String,
    pub(super) total: i64,
    pub(super) wanted: BTreeMap<String, i64>,
    pub(super) cart: Option<String>,
    pub(super) hold_for: Option<i64>,
}

impl Order {
    /// All captured in its currency.
    pub fn paid(&self) -> i64 {
        self.ledger.captured(&self.currency)
    }

    /// All refunds that succeeded, as far as there was money to refund.
    pub fn refunded(&self) -> i64 {
        self.ledger.refunds(&self.currency, RefundState::Succeeded).min(self.paid())
    }

    pub fn net(&self) -> i64 {
        self.paid() - self.refunded()
    }

    /// Money in another currency came, and did not all go back.
    pub(super) fn has_foreign(&self) -> bool {
        let others = self.ledger.foreign_currencies(&self.currency);
        others.iter().any(|other| {
            self.ledger.captured(other) > self.ledger.refunds(other, RefundState::Succeeded)
        })
    }

    /// It was sold, whatever became of it.
    pub(super) fn is_sold(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.state == HoldState::Committed)
    }
}

pub(super) fn not_allowed<T>(order: &Order) -> Result<T, Ended> {
    Err(Ended::Refused { reason: "not_allowed", detail: json!(order.status.name()) })
}

/// Units by sku of a list of lines.
pub(super) fn units(lines: &Value) -> BTreeMap<String, i64> {
    let mut units = BTreeMap::new();
    for line in lines.as_array().into_iter().flatten() {
        *units.entry(text(line, "sku").to_owned()).or_default() += number(line, "quantity");
    }
    units
}

pub(super) fn adjustments(data: &Value) -> i64 {
    let adjustments = data["adjustments"].as_array().into_iter().flatten();
    adjustments.map(|adjustment| number(adjustment, "amount")).sum()
}

/// Σ quantity × `unit_price` + Σ adjustments.
pub(super) fn total(data: &Value) -> i64 {
    let lines = data["lines"].as_array().into_iter().flatten();
    let sum: i64 = lines.map(|line| number(line, "quantity") * number(line, "unit_price")).sum();
    sum + adjustments(data)
}

/// `hold_for`, always in minutes here.
pub(super) fn hold_for(data: &Value) -> Option<i64> {
    let minutes = data.get("hold_for")?.as_str()?.strip_suffix('m')?;
    minutes.parse::<i64>().ok().map(|minutes| minutes * MINUTE)
}

impl Model {
    pub(super) fn order_place(&mut self, data: &Value) -> Outcome {
        self.place(Placing {
            id: text(data, "order_id").to_owned(),
            currency: text(data, "currency").to_owned(),
            total: total(data),
            wanted: units(&data["lines"]),
            cart: None,
            hold_for: hold_for(data),
        })
    }

    pub(super) fn place(&mut self, placing: Placing) -> Outcome {
        if self.orders.contains_key(&placing.id) {
            return refuse("order_exists");
        }
        let hold_for = placing.hold_for.unwrap_or(self.terms.hold_for);
        let mut order = Order {
            id: placing.id.clone(),
            status: Status::AwaitingPayment,
            currency: placing.currency,
            total: placing.total,
            wanted: placing.wanted,
            cart: placing.cart,
            placed_at: self.now,
            hold_for,
            hold: None,
            ledger: Ledger::default(),
            surplus_asked: 0,
            restocked: BTreeMap::new(),
            restocked_for: BTreeSet::new(),
            notices: Vec::new(),
        };
        if let Err(refused) = self.hold(&order.wanted) {
            order.status = Status::Rejected;
            self.tell("order.rejected");
            self.orders.insert(placing.id, order);
            return Err(refused);
        }
        order.hold = Some(Hold {
            state: HoldState::Held,
            until: self.now + hold_for,
            frozen: None,
            to_cap: false,
        });
        self.tell("order.placed");
        if order.total == 0 {
            self.become_paid(&mut order, false);
        }
        self.orders.insert(placing.id, order);
        Ok(())
    }

    pub(super) fn order_cancel(&mut self, data: &Value) -> Outcome {
        let Some(mut order) = self.orders.get(text(data, "order_id")).cloned() else {
            return refuse("order_not_found");
        };
        match order.status {
            Status::AwaitingPayment | Status::PartiallyPaid | Status::UnderReview => {}
            _ => return not_allowed(&order),
        }
        self.call_off(&mut order);
        self.orders.insert(order.id.clone(), order);
        Ok(())
    }

    pub(super) fn order_complete(&mut self, data: &Value) -> Outcome {
        let Some(order) = self.orders.get_mut(text(data, "order_id")) else {
            return refuse("order_not_found");
        };
        if order.status != Status::Paid {
            return not_allowed(order);
        }
        order.status = Status::Completed;
        self.tell("order.completed");
        Ok(())
    }

    pub(super) fn order_resolve(&mut self, data: &Value) -> Outcome {
        let Some(mut order) = self.orders.get(text(data, "order_id")).cloned() else {
            return refuse("order_not_found");
        };
        if order.status != Status::UnderReview {
            return not_allowed(&order);
        }
        if text(data, "decision") == "cancel" {
            self.call_off(&mut order);
        } else {
            if order.net() < order.total {
                return not_allowed(&order);
            }
            let is_late = !order.is_held();
            if is_late {
                self.hold(&order.wanted)?;
            }
            self.become_paid(&mut order, is_late);
            // what went back of the surplus is not asked back again
            let surplus = order.net() - order.total;
            order.surplus_asked = order.paid() - order.total;
            let currency = order.currency.clone();
            self.ask_back(&mut order, surplus, &currency);
        }
        self.orders.insert(order.id.clone(), order);
        Ok(())
    }

    /// The order is cancelled, and what was taken for it goes back.
    fn call_off(&mut self, order: &mut Order) {
        self.void_authorizations(order);
        if order.is_held() {
            self.release(&order.wanted);
        }
        if let Some(hold) = order.hold.as_mut().filter(|hold| hold.state == HoldState::Held) {
            hold.state = HoldState::Released;
        }
        order.status = Status::Cancelled;
        self.tell("order.cancelled");
        self.notify(order, "order_cancelled", "");
        if order.net() > 0 || order.has_foreign() {
            self.become_refund_due(order);
        }
    }

    /// Money in other currencies that did not go back, and was not asked back, goes back.
    pub(super) fn ask_back_foreign(&mut self, order: &mut Order) {
        for currency in order.ledger.foreign_currencies(&order.currency) {
            let amount = order.ledger.captured(&currency)
                - order.ledger.refunds(&currency, RefundState::Succeeded)
                - order.ledger.refunds(&currency, RefundState::Requested);
            self.ask_back(order, amount, &currency);
        }
    }

    /// The money is there and the stock is held, perhaps anew: it is sold.
    pub(super) fn become_paid(&mut self, order: &mut Order, is_late: bool) {
        self.void_authorizations(order);
        order.status = Status::Paid;
        self.commit(&order.wanted);
        order.hold =
            Some(Hold { state: HoldState::Committed, until: 0, frozen: None, to_cap: false });
        self.tell_fact("order.paid", format!("late {is_late}"));
        self.notify(order, "order_confirmed", "");
    }

    /// Money is there that must all go back.
    pub(super) fn become_refund_due(&mut self, order: &mut Order) {
        order.status = Status::RefundDue;
        self.tell_fact("order.refund_due", format!("due {}", order.net()));
        self.ask_back(order, order.net(), &order.currency.clone());
        self.ask_back_foreign(order);
    }

    /// An order that leaves `awaiting_payment` or `partially_paid`, or a review, needs no
    /// authorization any more.
    pub(super) fn void_authorizations(&mut self, order: &mut Order) {
        for attempt in &mut order.ledger.attempts {
            if attempt.state == AttemptState::Authorized && !attempt.void_requested {
                attempt.void_requested = true;
                self.unit.voids.push(attempt.id.clone());
                self.tell("payment.void_requested");
            }
        }
    }

    /// Asks for money back, if it is any, under an id that the shop makes.
    pub(super) fn ask_back(&mut self, order: &mut Order, amount: i64, currency: &str) {
        if amount <= 0 {
            return;
        }
        order.ledger.refunds.push(Refund {
            id: String::new(), // see `name_refunds`
            amount,
            currency: currency.to_owned(),
            state: RefundState::Requested,
        });
        self.unit.asked.push((amount, currency.to_owned()));
        self.tell("payment.refund_requested");
    }

    /// The ids of refunds that the shop asked for are its own choice: it says which they are.
    pub fn name_refunds(&mut self, order: &str, ids: Vec<String>) {
        let Some(order) = self.orders.get_mut(order) else {
            return;
        };
        for id in ids {
            if order.ledger.refund(&id).is_none()
                && let Some(refund) = order.ledger.refund("")
            {
                refund.id = id;
            }
        }
    }
}
