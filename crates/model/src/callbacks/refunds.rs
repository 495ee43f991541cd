//! `refund_succeeded` and `refund_failed`: what came of a part of a refund.

use crate::message::{number, text};
use crate::model::Model;
use crate::state::notification::NotificationKind;
use crate::state::order::{Order, Status};
use crate::state::refund::{Part, Refund, RefundState};
use crate::unit::{Ended, Outcome};
use serde_json::Value;

impl Model {
    pub(super) fn refund_succeeded(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let (provider, attempt) = (text(data, "provider"), text(data, "attempt_id"));
        let id = text(data, "refund_id");
        let currency = text(data, "currency");
        let before = order.net();
        let is_sold = order.is_sold();
        if order.ledger.refund(id).is_none() {
            let refund = Refund { id: id.to_owned(), parts: Vec::new(), has_goods_alone: false };
            order.ledger.refunds.push(refund);
        }
        let refund = order.ledger.refund(id).expect("it is there by now");
        if refund.part(provider, attempt).is_none() {
            // a refund that nobody requested counts too
            refund.parts.push(Part {
                provider: provider.to_owned(),
                attempt: attempt.to_owned(),
                amount: 0,
                currency: String::new(),
                state: RefundState::Failed,
                tries: 0,
                succeeded_at: None,
                is_early: false,
            });
        }
        let part = refund.part(provider, attempt).expect("it is there by now");
        if part.state == RefundState::Succeeded {
            return Err(Ended::Stale);
        }
        let is_asked = part.state == RefundState::Requested;
        part.state = RefundState::Succeeded;
        part.amount = number(data, "amount");
        currency.clone_into(&mut part.currency);
        part.succeeded_at = Some(number(data, "occurred_at"));
        part.is_early = !is_asked && part.tries == 0 && !is_sold;
        // the customer hears of each part; the reference is the refund's id, and tells further parts apart
        let is_first = refund.parts[0].provider == provider && refund.parts[0].attempt == attempt;
        let reference = if is_first { id.to_owned() } else { format!("{id}@{provider}/{attempt}") };
        self.notify(order, NotificationKind::RefundSucceeded, &reference);
        self.judge_refund(order, currency == order.currency && order.net() != before);
        if order.ledger.excess(currency) > 0 { Err(Ended::Review) } else { Ok(()) }
    }

    fn judge_refund(&mut self, order: &mut Order, lowers_net: bool) {
        let net = order.net();
        let is_settled = net == 0 && !order.has_other_currency();
        let next = match order.status {
            Status::RefundDue if is_settled => Status::Refunded,
            Status::Paid | Status::Completed | Status::PartiallyRefunded | Status::Refunded
                if lowers_net && net == 0 =>
            {
                Status::Refunded
            }
            Status::Paid | Status::Completed | Status::PartiallyRefunded
                if lowers_net && net < order.total =>
            {
                Status::PartiallyRefunded
            }
            _ => {
                self.judge_authorizations(order, false);
                return;
            }
        };
        order.status = next;
        self.unit.event(if next == Status::Refunded {
            "order.refunded"
        } else {
            "order.partially_refunded"
        });
    }

    /// A part of a refund failed that was requested; or one that had succeeded bounced.
    pub(super) fn refund_failed(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let (provider, attempt) = (text(data, "provider"), text(data, "attempt_id"));
        let refund = order.ledger.refund(text(data, "refund_id"));
        let Some(part) = refund.and_then(|refund| refund.part(provider, attempt)) else {
            return Err(Ended::Stale);
        };
        match part.state {
            RefundState::Requested => part.state = RefundState::Failed,
            RefundState::Succeeded if part.succeeded_at < Some(number(data, "occurred_at")) => {
                part.state = RefundState::Failed;
                let (amount, currency) = (part.amount, part.currency.clone());
                self.bounced(order, amount, &currency);
            }
            RefundState::Succeeded | RefundState::Failed => return Err(Ended::Stale),
        }
        Ok(())
    }

    /// Money came back to the shop that it had refunded: it is owed again.
    fn bounced(&mut self, order: &mut Order, amount: i64, currency: &str) {
        let (net, is_own) = (order.net(), currency == order.currency);
        if order.awaits_money() {
            // nothing is owed yet
            match order.status {
                Status::AwaitingPayment | Status::Authorized | Status::PartiallyPaid
                    if is_own && net >= order.total =>
                {
                    self.become_paid(order, false);
                }
                _ => self.judge_authorizations(order, false),
            }
            return;
        }
        if !order.is_sold() {
            if net == 0 && !order.has_other_currency() {
                return;
            }
            order.status = Status::RefundDue;
            let due = if is_own { amount } else { 0 };
            self.unit.event_with("order.refund_due", format!("due {due}"));
            return;
        }
        if !is_own {
            return;
        }
        order.status = if net == 0 {
            Status::Refunded
        } else if net + order.written_off < order.total {
            Status::PartiallyRefunded
        } else if order.completed_at.is_some() {
            Status::Completed
        } else {
            Status::Paid
        };
        self.unit.event_with("order.refund_due", format!("due {amount}"));
    }
}
