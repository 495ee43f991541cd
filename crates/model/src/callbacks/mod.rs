//! `payment.callback`: the contract's table of callbacks.
//!
//! | module | is about |
//! |---|---|
//! | `attempts` | `authorized`, `action_required`, and the ends of an attempt |
//! | `captures` | `captured` |
//! | `disputes` | `dispute_opened`, `dispute_closed` |
//! | `refunds` | `refund_succeeded`, `refund_failed` |

mod attempts;
mod captures;
mod disputes;
mod refunds;

use crate::message::{number, text};
use crate::model::Model;
use crate::state::attempt::AttemptState;
use crate::state::ledger::DisputeState;
use crate::state::order::{Order, Status};
use crate::state::waiting::Waiting;
use crate::unit::{Ended, Outcome};
use serde_json::Value;

/// The columns of the table: groups of order statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    /// `awaiting_payment`, `authorized` and `partially_paid`.
    Awaiting,
    /// `under_review`: every callback is recorded, and `order.resolve` decides on the money.
    Review,
    /// The order was sold. All of its money may have been refunded since.
    PaidOrLater,
    /// `expired`, `cancelled` and `rejected`.
    Over,
    /// The order ended without being sold, and its money is refunded or was refunded. So is all money that is captured
    /// later.
    RefundDue,
}

fn column(order: &Order) -> Column {
    match order.status {
        Status::AwaitingPayment | Status::Authorized | Status::PartiallyPaid => Column::Awaiting,
        Status::UnderReview => Column::Review,
        Status::Paid | Status::Completed | Status::PartiallyRefunded => Column::PaidOrLater,
        Status::Refunded if order.is_sold() => Column::PaidOrLater,
        Status::Expired | Status::Cancelled | Status::Rejected => Column::Over,
        Status::RefundDue | Status::Refunded => Column::RefundDue,
    }
}

impl Model {
    /// Applies a callback. `message` is the source and the id of the message that brought the callback.
    pub(crate) fn callback(&mut self, data: &Value, message: &(String, String)) -> Outcome {
        let id = text(data, "order_id").to_owned();
        if self.retired.contains(&id) {
            return self.for_retired(&id, data);
        }
        let Some(mut order) = self.orders.get(&id).cloned() else {
            return self.wait(&id, data, message);
        };
        self.unit.event("payment.recorded");
        let before = order.clone();
        let outcome = match text(data, "kind") {
            kind if kind.starts_with("refund_") || kind.starts_with("dispute_") => {
                match self.owner_of_other_money(&order, data) {
                    Some(other) => Err(Ended::AttemptOf(other)),
                    None => self.follow_up(&mut order, data),
                }
            }
            "captured" => self.captured(&mut order, data),
            "authorized" => self.authorized(&mut order, data),
            "action_required" => self.action_required(&mut order, data),
            "failed" => self.attempt_ends(&mut order, data, AttemptState::Failed),
            "voided" => self.attempt_ends(&mut order, data, AttemptState::Voided),
            "expired" => self.attempt_ends(&mut order, data, AttemptState::Expired),
            other => unreachable!("{other} is no kind of callback"),
        };
        if matches!(outcome, Err(Ended::Failed(_))) {
            self.unit.events.clear(); // the message is parked
            return outcome;
        }
        let is_stale =
            matches!(outcome, Err(Ended::Stale | Ended::CountedFor(_) | Ended::AttemptOf(_)));
        if !is_stale || order != before {
            self.changes(&mut order);
        }
        order.freeze_or_thaw(self.now, self.settings.hold_cap);
        order.ledger.forget_ended_attempts();
        self.orders.insert(id, order);
        outcome
    }

    /// Takes what happens to money that was taken: it goes back, or the customer disputes the payment.
    fn follow_up(&mut self, order: &mut Order, data: &Value) -> Outcome {
        match (text(data, "kind"), text(data, "outcome")) {
            ("refund_succeeded", _) => self.refund_succeeded(order, data),
            ("refund_failed", _) => self.refund_failed(order, data),
            ("dispute_opened", _) => self.dispute(order, data, DisputeState::Open),
            (_, "won") => self.dispute(order, data, DisputeState::Won),
            _ => self.dispute(order, data, DisputeState::Lost),
        }
    }

    /// The other order that the attempt of a refund or a dispute belongs to, when this one has nothing to do with it.
    fn owner_of_other_money(&self, order: &Order, data: &Value) -> Option<String> {
        let (provider, attempt) = (text(data, "provider"), text(data, "attempt_id"));
        let owner = self.attempts.get(&(provider.to_owned(), attempt.to_owned()))?;
        let knows_it = if text(data, "kind").starts_with("refund_") {
            order.ledger.has_refunded(text(data, "refund_id"), provider, attempt)
        } else {
            order.ledger.has_dispute(text(data, "dispute_id"), provider)
        };
        let is_other =
            *owner != order.id && !knows_it && !order.ledger.has_captured(provider, attempt);
        is_other.then(|| owner.clone())
    }

    /// Takes a callback for an order that was deleted. Money that no order has counted is parked: a person must look at it.
    fn for_retired(&mut self, id: &str, data: &Value) -> Outcome {
        let [provider, attempt, capture] =
            ["provider", "attempt_id", "capture_id"].map(|name| text(data, name).to_owned());
        let owner = self.attempts.get(&(provider.clone(), attempt.clone()));
        let counted_for = self.captures.get(&(provider, attempt, capture));
        let kind = text(data, "kind");
        let is_refund = kind == "refund_succeeded" || kind == "refund_failed";
        let ended = match (kind, counted_for, owner) {
            (_, _, Some(other)) if is_refund && other != id => Ended::AttemptOf(other.clone()),
            _ if is_refund && !self.retired_results.contains(&result_of(id, data)) => {
                return Err(Ended::Failed("failed"));
            }
            ("authorized", _, Some(other)) if other != id => Ended::AttemptOf(other.clone()),
            ("authorized", ..) | ("captured", None, _) => return Err(Ended::Failed("failed")),
            ("captured", Some(other), _) if other != id => Ended::CountedFor(other.clone()),
            _ => Ended::Stale,
        };
        self.unit.event("payment.recorded");
        Err(ended)
    }

    /// Keeps a callback whose order is not known yet.
    fn wait(&mut self, order: &str, data: &Value, message: &(String, String)) -> Outcome {
        let of_order = self.waiting.get(order).map_or(0, Vec::len);
        let in_all: usize = self.waiting.values().map(Vec::len).sum();
        if of_order >= self.settings.waiting_per_order || in_all >= self.settings.waiting_total {
            return Err(Ended::Failed("waiting_full"));
        }
        let waiting = Waiting { since: self.now, data: data.clone(), message: message.clone() };
        self.waiting.entry(order.to_owned()).or_default().push(waiting);
        self.unit.event("payment.recorded");
        Err(Ended::Waiting)
    }
}

/// What tells one result of a refund from others: the order, the kind, the refund, provider and attempt, and the time.
pub(crate) type RefundResult = (String, bool, String, String, String, i64);

fn result_of(order: &str, data: &Value) -> RefundResult {
    let [refund, provider, attempt] =
        ["refund_id", "provider", "attempt_id"].map(|name| text(data, name).to_owned());
    let is_success = text(data, "kind") == "refund_succeeded";
    (order.to_owned(), is_success, refund, provider, attempt, number(data, "occurred_at"))
}
