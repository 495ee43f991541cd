//! `captured`: money was taken.

use super::{Column, column};
use crate::message::{number, text};
use crate::model::Model;
use crate::state::attempt::{AttemptState, Capture, CaptureIdentity};
use crate::state::order::{Order, Status};
use crate::unit::{Ended, Outcome};
use serde_json::Value;

impl Model {
    pub(super) fn captured(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let column = column(order);
        let identity = self.identify_capture(order, data, column)?;
        let (amount, currency) = (number(data, "amount"), text(data, "currency").to_owned());
        let before = order.net();
        let (provider, attempt_id) = (text(data, "provider"), text(data, "attempt_id"));
        if currency == order.currency && order.paid().checked_add(amount).is_none() {
            return Err(Ended::Failed("failed")); // more than can be counted
        }
        if let CaptureIdentity::Capture(capture) = &identity {
            let name = (provider.to_owned(), attempt_id.to_owned(), capture.clone());
            self.captures.insert(name, order.id.clone());
        }
        let attempt = order.ledger.attempt(provider, attempt_id);
        attempt.state = AttemptState::Captured;
        attempt.is_final |= data["final"] == true;
        if attempt.currency() == currency {
            attempt.capture_asked = (attempt.capture_asked - amount).max(0);
        }
        if attempt.is_final {
            attempt.capture_asked = 0;
        }
        let has_ended = Some(number(data, "occurred_at")) <= attempt.ended_at;
        let capture = Capture { identity, amount, currency: currency.clone(), has_ended };
        attempt.captures.push(capture);
        let name = (provider.to_owned(), attempt_id.to_owned());
        self.attempts.entry(name).or_insert_with(|| order.id.clone());

        let is_other_currency = currency != order.currency;
        let is_over = order.net() > order.total;
        match column {
            Column::Awaiting if is_other_currency || is_over => {
                self.void_authorizations(order);
                if order.status == Status::Authorized {
                    order.restart_hold(self.now);
                }
                order.status = Status::UnderReview;
                order.extend_hold(self.now, self.settings.hold_cap);
                self.unit.event("order.under_review");
                Err(Ended::Review)
            }
            Column::Awaiting if order.net() < order.total => {
                let is_final = data["final"] == true;
                self.captured_less(order, is_final);
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
            Column::PaidOrLater => {
                self.ask_back_surplus(order);
                Ok(())
            }
            Column::RefundDue => {
                // money that was refunded before its capture was known is not refunded again
                let amount = (order.net() - before).min(order.ledger.refundable(&currency));
                self.request_refund(order, amount, &currency);
                Ok(())
            }
            Column::Over => {
                self.captured_too_late(order);
                if is_other_currency || is_over { Err(Ended::Review) } else { Ok(()) }
            }
        }
    }

    /// The identity of a capture that was not counted before. Money pays one order.
    fn identify_capture(
        &self,
        order: &Order,
        data: &Value,
        column: Column,
    ) -> Result<CaptureIdentity, Ended> {
        let (provider, attempt) = (text(data, "provider"), text(data, "attempt_id"));
        if let Some(id) = data["capture_id"].as_str() {
            let name = (provider.to_owned(), attempt.to_owned(), id.to_owned());
            match self.captures.get(&name) {
                Some(known) if *known == order.id => return Err(Ended::Stale),
                Some(other) => return Err(Ended::CountedFor(other.clone())),
                None => {}
            }
            return Ok(CaptureIdentity::Capture(id.to_owned()));
        }
        // the contract says "known capture_id, or same attempt without one: stale" only for "paid or later"; before
        // that, a new event without an id is a further capture, unless the attempt was closed by `final`
        let event = text(data, "event_id");
        let attempt = order.ledger.known_attempt(provider, attempt);
        let is_no_news = match column {
            Column::PaidOrLater => attempt.is_some_and(|one| !one.captures.is_empty()),
            _ => attempt.is_some_and(|one| one.is_final),
        };
        if is_no_news || order.ledger.has_counted_event(provider, event) {
            return Err(Ended::Stale);
        }
        Ok(CaptureIdentity::Event(event.to_owned()))
    }

    /// Handles a capture that leaves an order below its total.
    fn captured_less(&mut self, order: &mut Order, is_final: bool) {
        if order.status == Status::Authorized || order.is_covered() {
            self.judge_authorizations(order, is_final);
            return;
        }
        order.status = Status::PartiallyPaid;
        order.extend_hold(self.now, self.settings.hold_cap);
        self.unit.event("order.partially_paid");
    }

    /// Handles a capture for an order that is expired, cancelled or rejected.
    fn captured_too_late(&mut self, order: &mut Order) {
        let is_exact = order.net() == order.total;
        if order.status == Status::Expired
            && is_exact
            && self.settings.holds_again
            && self.hold(&order.wanted()).is_ok()
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
}
