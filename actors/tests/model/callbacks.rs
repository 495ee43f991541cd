//! `payment.callback`: the table of the contract, a function a row.

use super::money::{AttemptState, Capture, Refund, RefundState};
use super::orders::{Order, Status};
use super::{Ended, Model, Outcome, number, text};
use serde_json::Value;

/// The columns of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    /// `awaiting_payment` and `partially_paid`.
    Awaiting,
    /// `under_review`: everything is recorded, and judged at order.resolve.
    Review,
    /// Sold, whatever happened then: all of its money may have gone back.
    PaidOrLater,
    /// expired, cancelled and rejected.
    Over,
    /// It came to nothing, and its money goes back, or went; so does all that comes after it.
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
    pub(super) fn callback(&mut self, data: &Value) -> Outcome {
        let id = text(data, "order_id").to_owned();
        let Some(mut order) = self.orders.get(&id).cloned() else {
            return self.wait(&id, data);
        };
        self.tell("payment.recorded");
        let outcome = match text(data, "kind") {
            "captured" => self.captured(&mut order, data),
            "authorized" => self.authorized(&mut order, data),
            "action_required" => self.action_required(&mut order, data),
            "failed" => Self::attempt_ends(&mut order, data, AttemptState::Failed),
            "voided" => Self::attempt_ends(&mut order, data, AttemptState::Voided),
            "expired" => Self::attempt_ends(&mut order, data, AttemptState::Expired),
            "refund_succeeded" => self.refund_succeeded(&mut order, data),
            "refund_failed" => Self::refund_failed(&mut order, data),
            "dispute_opened" => Self::dispute(&mut order, data, "open"),
            "dispute_closed" => Self::dispute(&mut order, data, text(data, "outcome")),
            other => panic!("the contract has no {other}"),
        };
        order.freeze_or_thaw(self.now, self.terms.hold_cap);
        self.orders.insert(id, order);
        outcome
    }

    fn wait(&mut self, order: &str, data: &Value) -> Outcome {
        let for_it = self.waiting.get(order).map_or(0, Vec::len);
        let in_all: usize = self.waiting.values().map(Vec::len).sum();
        if for_it >= self.terms.waiting_per_order || in_all >= self.terms.waiting_total {
            return Err(Ended::Failed { reason: "waiting_full" });
        }
        self.waiting.entry(order.to_owned()).or_default().push((self.now, data.clone()));
        self.tell("payment.recorded");
        Err(Ended::Waiting)
    }

    fn captured(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let column = column(order);
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        let capture_id = data.get("capture_id").and_then(Value::as_str).map(str::to_owned);
        // "(provider, attempt_id, capture_id) where given is the identity of the money", else it is
        // the event's, which is the provider's
        let identity = match &capture_id {
            Some(id) => format!("capture {id}"),
            None => format!("event {}", text(data, "event_id")),
        };
        let is_known = attempt.captures.iter().any(|one| one.identity == identity);
        // "known capture_id, or same attempt without one: stale" is said of "paid or later" only
        let is_more_of_it = match column {
            _ if capture_id.is_some() => false,
            Column::Awaiting | Column::Review | Column::Over | Column::RefundDue => {
                attempt.is_closed
            }
            Column::PaidOrLater => attempt.has_captured(),
        };
        if is_known || is_more_of_it {
            return Err(Ended::Stale);
        }
        let currency = text(data, "currency").to_owned();
        let amount = number(data, "amount");
        let before = order.net();
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        attempt.state = AttemptState::Captured;
        attempt.is_closed |= data["final"] == true;
        attempt.captures.push(Capture { identity, amount, currency: currency.clone() });

        let is_foreign = currency != order.currency;
        let is_over = order.net() > order.total;
        match column {
            Column::Awaiting if is_foreign || is_over => {
                self.void_authorizations(order);
                order.status = Status::UnderReview;
                order.keep_to_cap();
                self.tell("order.under_review");
                Err(Ended::Review)
            }
            Column::Awaiting if order.net() < order.total => {
                order.status = Status::PartiallyPaid;
                order.keep_to_cap();
                self.tell("order.partially_paid");
                Ok(())
            }
            Column::Awaiting => {
                self.become_paid(order, false);
                Ok(())
            }
            // judged at order.resolve; "over-capture and another currency are review"
            Column::Review if is_foreign || is_over => Err(Ended::Review),
            Column::Review => Ok(()),
            Column::PaidOrLater | Column::RefundDue if is_foreign => {
                // the shop keeps no money of an order that came to nothing
                if matches!(order.status, Status::RefundDue | Status::Refunded) {
                    self.ask_back_foreign(order);
                }
                Err(Ended::Review)
            }
            // never sold, or all given back: whatever is captured now is asked back too
            Column::RefundDue | Column::PaidOrLater => {
                let surplus = match order.status {
                    Status::RefundDue | Status::Refunded => amount,
                    _ => order.paid() - order.total - order.surplus_asked,
                };
                order.surplus_asked += surplus;
                // what went back before it was heard of is not asked back again
                let gone = amount - (order.net() - before);
                self.ask_back(order, surplus - gone, &currency);
                Ok(())
            }
            Column::Over => {
                self.captured_too_late(order);
                if is_foreign || is_over { Err(Ended::Review) } else { Ok(()) }
            }
        }
    }

    /// Money for an order that is expired, cancelled or rejected.
    fn captured_too_late(&mut self, order: &mut Order) {
        let is_exact = order.net() == order.total;
        if order.status == Status::Expired
            && is_exact
            && self.terms.rehold
            && self.hold(&order.wanted).is_ok()
        {
            self.become_paid(order, true);
        } else if order.net() > 0 || order.has_foreign() {
            self.become_refund_due(order);
        } else {
            // it went back before it was heard of
            order.status = Status::Refunded;
            self.tell("order.refunded");
        }
    }

    fn authorized(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let column = column(order);
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        if !attempt.state.may_become(AttemptState::Authorized) {
            return Err(Ended::Stale);
        }
        attempt.state = AttemptState::Authorized;
        // an authorization newly open: what was asked before was of an attempt that had none
        attempt.void_requested = false;
        if matches!(column, Column::PaidOrLater | Column::Over | Column::RefundDue) {
            self.ask_void(order, data);
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
            self.ask_void(order, data);
        }
        Ok(())
    }

    /// `payment.void_requested`, once for an attempt as it stands.
    fn ask_void(&mut self, order: &mut Order, data: &Value) {
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        if !attempt.void_requested {
            attempt.void_requested = true;
            self.unit.voids.push(attempt.id.clone());
            self.tell("payment.void_requested");
        }
    }

    /// It ends that attempt only. Where nobody waits for its money that is stale, though the
    /// attempt, if it is known, is known to have ended.
    fn attempt_ends(order: &mut Order, data: &Value, end: AttemptState) -> Outcome {
        let column = column(order);
        let is_awaited = matches!(column, Column::Awaiting | Column::Review);
        if !is_awaited && !order.ledger.knows(text(data, "provider"), text(data, "attempt_id")) {
            return Err(Ended::Stale);
        }
        let attempt = order.ledger.attempt(text(data, "provider"), text(data, "attempt_id"));
        let ends = attempt.state.may_become(end);
        if ends {
            attempt.state = end;
        }
        if is_awaited && ends { Ok(()) } else { Err(Ended::Stale) }
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
            None => order.ledger.refunds.push(Refund {
                id: id.to_owned(),
                amount,
                currency: currency.clone(),
                state: RefundState::Succeeded,
            }),
        }
        self.notify(order, "refund_succeeded", id);
        let is_own = currency == order.currency && order.net() != before;
        let is_settled = order.net() == 0 && !order.has_foreign();
        let next = match order.status {
            Status::RefundDue if is_settled => Status::Refunded,
            Status::Paid | Status::Completed | Status::PartiallyRefunded | Status::Refunded
                if is_own && order.net() == 0 =>
            {
                Status::Refunded
            }
            Status::Paid | Status::Completed | Status::PartiallyRefunded
                if is_own && order.net() < order.total =>
            {
                Status::PartiallyRefunded
            }
            _ => return Ok(()),
        };
        order.status = next;
        self.tell(if next == Status::Refunded {
            "order.refunded"
        } else {
            "order.partially_refunded"
        });
        Ok(())
    }

    fn refund_failed(order: &mut Order, data: &Value) -> Outcome {
        match order.ledger.refund(text(data, "refund_id")) {
            Some(refund) if refund.state == RefundState::Requested => {
                refund.state = RefundState::Failed;
                Ok(())
            }
            // of a refund that nobody asked for there is nothing to fail
            Some(_) | None => Err(Ended::Stale),
        }
    }

    /// A dispute is opened, won or lost; it never goes backwards, but a lost one may be won.
    fn dispute(order: &mut Order, data: &Value, next: &str) -> Outcome {
        let id = text(data, "dispute_id");
        let next = match next {
            "open" => "open",
            "won" => "won",
            _ => "lost",
        };
        match order.ledger.disputes.iter_mut().find(|(known, _)| known == id) {
            None => order.ledger.disputes.push((id.to_owned(), next)),
            Some((_, state)) => match (*state, next) {
                ("open", "won" | "lost") | ("lost", "won") => *state = next,
                _ => return Err(Ended::Stale),
            },
        }
        Ok(())
    }
}
