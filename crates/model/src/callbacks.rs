//! `payment.callback`: the contract's table of callbacks. Each row is a function.

use crate::message::{number, text};
use crate::model::Model;
use crate::state::ledger::{
    AttemptState, Capture, CaptureIdentity, DisputeState, Refund, RefundState,
};
use crate::state::notification::NotificationKind;
use crate::state::order::{Order, Status};
use crate::state::waiting::Waiting;
use crate::unit::{Ended, Outcome};
use serde_json::Value;

/// The columns of the table: groups of order statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    /// `awaiting_payment` and `partially_paid`.
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
        Status::AwaitingPayment | Status::PartiallyPaid => Column::Awaiting,
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
            return Err(Ended::Stale);
        }
        let Some(mut order) = self.orders.get(&id).cloned() else {
            return self.wait(&id, data, message);
        };
        self.unit.event("payment.recorded");
        let outcome = match text(data, "kind") {
            "captured" => self.captured(&mut order, data),
            "authorized" => self.authorized(&mut order, data),
            "action_required" => self.action_required(&mut order, data),
            "failed" => attempt_ends(&mut order, data, AttemptState::Failed),
            "voided" => attempt_ends(&mut order, data, AttemptState::Voided),
            "expired" => attempt_ends(&mut order, data, AttemptState::Expired),
            "refund_succeeded" => self.refund_succeeded(&mut order, data),
            "refund_failed" => refund_failed(&mut order, data),
            "dispute_opened" => dispute(&mut order, data, DisputeState::Open),
            "dispute_closed" if text(data, "outcome") == "won" => {
                dispute(&mut order, data, DisputeState::Won)
            }
            "dispute_closed" => dispute(&mut order, data, DisputeState::Lost),
            other => unreachable!("{other} is no kind of callback"),
        };
        if outcome != Err(Ended::Stale) {
            order.updated_at = self.now;
        }
        order.freeze_or_thaw(self.now, self.settings.hold_cap);
        self.orders.insert(id, order);
        outcome
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

    fn captured(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let column = column(order);
        let (provider, attempt_id) = (text(data, "provider"), text(data, "attempt_id"));
        let identity = match data["capture_id"].as_str() {
            Some(id) => CaptureIdentity::Capture(id.to_owned()),
            None => CaptureIdentity::Event(text(data, "event_id").to_owned()),
        };
        let is_known = order.ledger.has_counted(provider, attempt_id, &identity);
        let attempt = order.ledger.attempt(provider, attempt_id);
        // the contract says "known capture_id, or same attempt without one: stale" only for "paid or later"; before
        // that, a new event without an id is a further capture, unless the attempt was closed by `final`
        let is_no_news = match (&identity, column) {
            (CaptureIdentity::Capture(_), _) => false,
            (CaptureIdentity::Event(_), Column::PaidOrLater) => !attempt.captures.is_empty(),
            (CaptureIdentity::Event(_), _) => attempt.is_final,
        };
        if is_known || is_no_news {
            return Err(Ended::Stale);
        }
        let (amount, currency) = (number(data, "amount"), text(data, "currency").to_owned());
        attempt.state = AttemptState::Captured;
        attempt.is_final |= data["final"] == true;
        let before = order.net();
        let attempt = order.ledger.attempt(provider, attempt_id);
        attempt.captures.push(Capture { identity, amount, currency: currency.clone() });

        let is_other_currency = currency != order.currency;
        let is_over = order.net() > order.total;
        match column {
            Column::Awaiting if is_other_currency || is_over => {
                self.void_authorizations(order);
                order.status = Status::UnderReview;
                order.extend_hold(self.now, self.settings.hold_cap);
                self.unit.event("order.under_review");
                Err(Ended::Review)
            }
            Column::Awaiting if order.net() < order.total => {
                order.status = Status::PartiallyPaid;
                order.extend_hold(self.now, self.settings.hold_cap);
                self.unit.event("order.partially_paid");
                Ok(())
            }
            Column::Awaiting => {
                self.become_paid(order, false);
                Ok(())
            }
            // `order.resolve` decides; the contract: "over-capture and another currency are review"
            Column::Review if is_other_currency || is_over => Err(Ended::Review),
            Column::Review => Ok(()),
            Column::PaidOrLater | Column::RefundDue if is_other_currency => {
                // the shop keeps no money of an order that was not sold
                if matches!(order.status, Status::RefundDue | Status::Refunded) {
                    self.request_refunds_in_other_currencies(order);
                }
                Err(Ended::Review)
            }
            // the order was never sold, or was refunded completely: a refund of the new capture is requested too
            Column::RefundDue | Column::PaidOrLater => {
                let surplus = match order.status {
                    Status::RefundDue | Status::Refunded => amount,
                    _ => order.paid() - order.total - order.auto_refunds_requested,
                };
                order.auto_refunds_requested += surplus;
                // money that was refunded before its capture was known is not refunded again
                let gone = amount - (order.net() - before);
                self.request_refund(order, surplus - gone, &currency);
                Ok(())
            }
            Column::Over => {
                self.captured_too_late(order);
                if is_other_currency || is_over { Err(Ended::Review) } else { Ok(()) }
            }
        }
    }

    /// Handles a capture for an order that is expired, cancelled or rejected.
    fn captured_too_late(&mut self, order: &mut Order) {
        let is_exact = order.net() == order.total;
        if order.status == Status::Expired
            && is_exact
            && self.settings.holds_again
            && self.hold(&order.wanted).is_ok()
        {
            self.become_paid(order, true);
        } else if order.net() > 0 || order.has_other_currency() {
            self.become_refund_due(order);
        } else {
            // the money was refunded before its capture was known
            order.status = Status::Refunded;
            self.unit.event("order.refunded");
        }
    }

    fn authorized(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let column = column(order);
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        if !attempt.state.may_become(AttemptState::Authorized) {
            return Err(Ended::Stale);
        }
        attempt.state = AttemptState::Authorized;
        // an earlier request was to void the attempt before its authorization
        attempt.void_requested = false;
        if matches!(column, Column::PaidOrLater | Column::Over | Column::RefundDue) {
            self.request_void(order, data);
        }
        Ok(())
    }

    fn action_required(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let column = column(order);
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        if !attempt.state.may_become(AttemptState::ActionRequired) {
            return Err(Ended::Stale);
        }
        attempt.state = AttemptState::ActionRequired;
        if matches!(column, Column::Over | Column::RefundDue) {
            self.request_void(order, data);
        }
        Ok(())
    }

    /// Emits `payment.void_requested`, once for an attempt in its present state.
    fn request_void(&mut self, order: &mut Order, data: &Value) {
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        if !attempt.void_requested {
            attempt.void_requested = true;
            self.unit.voids_requested.push(attempt.id.clone());
            self.unit.event("payment.void_requested");
        }
    }

    fn refund_succeeded(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let id = text(data, "refund_id");
        let (amount, currency) = (number(data, "amount"), text(data, "currency").to_owned());
        let before = order.net();
        match order.ledger.refund(id) {
            Some(refund) if refund.state == RefundState::Succeeded => return Err(Ended::Stale),
            Some(refund) => {
                refund.state = RefundState::Succeeded;
                refund.amount = amount;
                refund.currency.clone_from(&currency);
            }
            // a refund that nobody requested counts too
            None => order.ledger.refunds.push(Refund {
                id: id.to_owned(),
                amount,
                currency: currency.clone(),
                state: RefundState::Succeeded,
            }),
        }
        self.notify(order, NotificationKind::RefundSucceeded, id);
        let lowers_net = currency == order.currency && order.net() != before;
        let is_settled = order.net() == 0 && !order.has_other_currency();
        let next = match order.status {
            Status::RefundDue if is_settled => Status::Refunded,
            Status::Paid | Status::Completed | Status::PartiallyRefunded | Status::Refunded
                if lowers_net && order.net() == 0 =>
            {
                Status::Refunded
            }
            Status::Paid | Status::Completed | Status::PartiallyRefunded
                if lowers_net && order.net() < order.total =>
            {
                Status::PartiallyRefunded
            }
            _ => return Ok(()),
        };
        order.status = next;
        self.unit.event(if next == Status::Refunded {
            "order.refunded"
        } else {
            "order.partially_refunded"
        });
        Ok(())
    }
}

/// An attempt failed, was voided or expired. Other attempts do not change. If the order does not wait for the attempt's
/// money, the callback is stale, but the end of a known attempt is recorded all the same.
fn attempt_ends(order: &mut Order, data: &Value, end: AttemptState) -> Outcome {
    let is_awaited = order.awaits_money();
    let (provider, id) = (text(data, "provider"), text(data, "attempt_id"));
    if !is_awaited && !order.ledger.knows(provider, id) {
        return Err(Ended::Stale);
    }
    let attempt = order.ledger.attempt(provider, id);
    let ends = attempt.state.may_become(end);
    if ends {
        attempt.state = end;
    }
    if is_awaited && ends { Ok(()) } else { Err(Ended::Stale) }
}

/// A refund failed. Only a refund that was requested can fail.
fn refund_failed(order: &mut Order, data: &Value) -> Outcome {
    match order.ledger.refund(text(data, "refund_id")) {
        Some(refund) if refund.state == RefundState::Requested => {
            refund.state = RefundState::Failed;
            Ok(())
        }
        Some(_) | None => Err(Ended::Stale),
    }
}

/// A dispute changes. Its state never goes back, but a lost dispute may be won.
fn dispute(order: &mut Order, data: &Value, next: DisputeState) -> Outcome {
    use DisputeState::{Lost, Open, Won};
    let id = text(data, "dispute_id");
    match order.ledger.disputes.iter_mut().find(|(known, _)| known == id) {
        None => order.ledger.disputes.push((id.to_owned(), next)),
        Some((_, state)) => match (*state, next) {
            (Open, Won | Lost) | (Lost, Won) => *state = next,
            _ => return Err(Ended::Stale),
        },
    }
    Ok(())
}
