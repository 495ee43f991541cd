//! `refund_succeeded` and `refund_failed`: what came of a part of a refund.

use crate::message::{number, text};
use crate::model::Model;
use crate::state::notification::NotificationKind;
use crate::state::order::{Order, Status};
use crate::state::refund::RefundState;
use crate::unit::{Ended, Outcome};
use serde_json::Value;

impl Model {
    /// Money was sent back. Successes of a part that was asked for add up, until they reach what was asked for.
    pub(super) fn refund_succeeded(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let (provider, attempt) = (text(data, "provider"), text(data, "attempt_id"));
        let (id, currency) = (text(data, "refund_id"), text(data, "currency"));
        let (amount, occurred_at) = (number(data, "amount"), number(data, "occurred_at"));
        let net = order.net();
        let is_sold = order.is_sold();
        let sent_back = order.refunded();
        let refund = order.ledger.add_refund(id);
        let has_other_money =
            refund.money().any(|part| part.provider != provider || part.attempt != attempt);
        let is_first = match refund.money().next() {
            Some(first) => first.provider == provider && first.attempt == attempt,
            None => true,
        };
        let part = refund.add_part(provider, attempt, currency);
        if part.state == RefundState::Succeeded {
            // the same success, reported once more: only a later failure undoes it
            if let Some(newest) = part.successes.iter_mut().max() {
                newest.0 = newest.0.max(occurred_at);
            }
            return Err(Ended::Stale);
        }
        let is_known = part.successes.iter().any(|(at, _)| *at == occurred_at);
        let is_in_another_currency = !part.successes.is_empty() && part.currency != currency;
        if Some(occurred_at) < part.bounced_at || is_known || is_in_another_currency {
            return Err(Ended::Stale);
        }
        if currency == order.currency && sent_back.checked_add(amount).is_none() {
            return Err(Ended::Failed("failed")); // more than can be counted
        }
        let (is_news, before) = (part.amount == 0, part.clone());
        if part.currency != currency || part.tries == 0 {
            // it is not what was asked for: what came is all that comes
            currency.clone_into(&mut part.currency);
            part.amount = amount;
        }
        part.is_early = part.tries == 0 && !is_sold;
        // while it is asked for again, a success answers the new request, whatever its time
        let is_judged = part.state == RefundState::Failed || part.has_succeeded_since();
        part.successes.push((occurred_at, amount));
        if is_judged {
            part.bounce();
        }
        part.amount = part.amount.max(part.sent_back());
        if part.is_whole() {
            part.state = RefundState::Succeeded;
        } else if part.state == RefundState::Failed && part.has_succeeded_since() {
            part.state = RefundState::Requested;
        }
        let (came, is_whole) = (part.sent_back() - before.sent_back(), part.is_whole());
        if came == 0 {
            // it failed after that
            *part = before;
            return Err(Ended::Stale);
        }
        if part.tries == 0 && is_news {
            // it may be what another refund failed to send back
            order.ledger.make_good(currency, came);
        }
        order.ledger.limit_made_good();
        if came < 0 {
            // with this share all of it had come, and then it failed
            self.bounced(order, -came, currency);
            return Ok(());
        }
        if is_whole {
            // the customer hears of each part; the reference is the refund's id, and tells further parts apart
            let is_first = if is_news { !has_other_money } else { is_first };
            let reference =
                if is_first { id.to_owned() } else { format!("{id}@{provider}/{attempt}") };
            self.notify(order, NotificationKind::RefundSucceeded, &reference);
        }
        self.judge_refund(order, currency == order.currency && order.net() != net);
        if order.ledger.excess(currency) > 0 { Err(Ended::Review) } else { Ok(()) }
    }

    fn judge_refund(&mut self, order: &mut Order, lowers_net: bool) {
        let net = order.net();
        let is_settled = net == 0 && !order.has_other_currency();
        let is_covered = net >= order.total;
        let next = match order.status {
            Status::RefundDue if is_settled => Status::Refunded,
            // what went back was not owed to the shop
            Status::Paid | Status::Completed | Status::PartiallyRefunded | Status::Refunded
                if is_covered && order.is_sold() =>
            {
                return;
            }
            Status::Paid | Status::Completed | Status::PartiallyRefunded | Status::Refunded
                if lowers_net && net == 0 =>
            {
                Status::Refunded
            }
            Status::Paid | Status::Completed | Status::PartiallyRefunded if lowers_net => {
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

    /// What was left of a part failed; or a part that had succeeded bounced. What succeeded at the same time or later stands.
    pub(super) fn refund_failed(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let (provider, attempt) = (text(data, "provider"), text(data, "attempt_id"));
        let occurred_at = number(data, "occurred_at");
        let own = order.currency.clone();
        let part = order.ledger.add_refund(text(data, "refund_id"));
        let part = part.add_part(provider, attempt, &own);
        if Some(occurred_at) <= part.failed_at {
            return Err(Ended::Stale); // the same time is the same failure
        }
        part.failed_at = Some(occurred_at);
        let (before, state) = (part.sent_back(), part.state);
        part.bounce();
        if !part.is_whole() {
            let may_come = part.has_succeeded_since();
            part.state = if may_come { RefundState::Requested } else { RefundState::Failed };
        }
        let bounced = before - part.sent_back();
        let is_stale = bounced == 0 && part.state == state;
        let currency = part.currency.clone();
        order.ledger.limit_made_good();
        if bounced > 0 {
            self.bounced(order, bounced, &currency);
        }
        if is_stale { Err(Ended::Stale) } else { Ok(()) }
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
            // part of its money is there again
            if order.status == Status::AwaitingPayment && net > 0 {
                order.status = Status::PartiallyPaid;
                order.extend_hold(self.now, self.settings.hold_cap);
                self.unit.event("order.partially_paid");
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
        let is_free = order.total == 0;
        // Of a free order that is refunded the goods came back: the money that moves is not its own.
        let goods_came_back = is_free && order.status == Status::Refunded;
        order.status = if goods_came_back || (net == 0 && !is_free) {
            Status::Refunded
        } else if net + order.written_off >= order.total {
            if order.completed_at.is_some() { Status::Completed } else { Status::Paid }
        } else {
            Status::PartiallyRefunded
        };
        self.unit.event_with("order.refund_due", format!("due {amount}"));
    }
}
