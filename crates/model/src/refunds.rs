//! `refund.request`, and the refunds that the shop requests by itself. A refund has one part for each attempt that gives
//! money back.

use crate::message::{number, text};
use crate::model::Model;
use crate::state::attempt::{Attempt, CaptureIdentity};
use crate::state::order::{Order, Status};
use crate::state::refund::{Part, Refund, RefundState};
use crate::state::stock::{Units, units};
use crate::unit::{Outcome, RefundRequested, reject};
use serde_json::Value;

/// How a refund is asked for.
enum Asking {
    /// Its parts are made anew, with this try.
    Anew(i64),
    /// Its failed parts are asked for again.
    FailedParts,
}

impl Model {
    pub(crate) fn refund_request(&mut self, data: &Value) -> Outcome {
        let id = text(data, "order_id");
        let Some(mut order) = self.orders.get(id).cloned() else {
            return self.missing(id);
        };
        if order.awaits_money() {
            return order.not_allowed();
        }
        let (refund_id, amount) = (text(data, "refund_id"), number(data, "amount"));
        let mut currency = order.currency.clone();
        let mut asked = amount;
        let asking = match order.ledger.refund(refund_id).cloned() {
            None => Asking::Anew(1),
            // only a failure was heard of
            Some(refund) if refund.money().count() == 0 && !refund.has_goods_alone => {
                Asking::Anew(1)
            }
            Some(refund) if amount == 0 || refund.failed().count() == 0 => {
                return reject("refund_exists");
            }
            Some(refund) => {
                // it is requested again in the currency that it had
                currency.clone_from(&refund.money().next().expect("one failed").currency);
                let failed: i64 = refund.failed().map(Part::failed).sum();
                let all: i64 = refund.money().map(|part| part.amount).sum();
                let have_all_failed = failed == all;
                if (amount == failed || amount == all) && order.still_holds(&refund) {
                    asked = failed;
                    Asking::FailedParts
                } else if have_all_failed {
                    let tries = refund.parts.iter().map(|part| part.tries).max();
                    Asking::Anew(tries.unwrap_or_default() + 1)
                } else if amount == failed || amount == all {
                    return reject("refund_exceeds_paid");
                } else {
                    return reject("refund_exists");
                }
            }
        };
        if asked > 0 && asked > order.ledger.refundable(&currency) {
            return reject("refund_exceeds_paid");
        }
        self.restock(&mut order, refund_id, &units(&data["restock"]))?;
        match asking {
            Asking::FailedParts => self.ask_again(&mut order, refund_id),
            Asking::Anew(tries) => {
                let parts = order.split(asked, &currency, tries);
                if order.ledger.refund(refund_id).is_none_or(|known| known.money().count() == 0) {
                    // money that a refund failed to send back is sent back in another way
                    order.ledger.make_good(&currency, asked);
                }
                if order.ledger.refund(refund_id).is_none() {
                    let id = refund_id.to_owned();
                    let refund = Refund { id, parts: Vec::new(), has_goods_alone: false };
                    order.ledger.refunds.push(refund);
                }
                let refund = order.ledger.refund(refund_id).expect("it is there by now");
                refund.has_goods_alone |= asked == 0;
                refund.replace_parts(&parts);
                self.tell_parts(&order, &parts);
            }
        }
        // all goods came back, and there is no money to give back
        let is_empty = order.net() == 0 && order.returned == order.wanted();
        if asked == 0 && is_empty && order.status != Status::Refunded {
            order.status = Status::Refunded;
            self.unit.event("order.refunded");
        }
        order.ledger.limit_made_good();
        self.changes(&mut order);
        self.orders.insert(order.id.clone(), order);
        Ok(())
    }

    /// Returns goods to stock, once for each refund.
    fn restock(&mut self, order: &mut Order, refund_id: &str, returned: &Units) -> Outcome {
        if returned.is_empty() || order.restocked_for.contains(refund_id) {
            return Ok(());
        }
        let wanted = order.wanted();
        for (sku, quantity) in returned {
            let sold = if order.is_sold() { wanted.get(sku) } else { None };
            let before = order.returned.get(sku).copied().unwrap_or_default();
            if before + quantity > sold.copied().unwrap_or_default() {
                return reject("restock_exceeds_sold");
            }
        }
        for (sku, quantity) in returned {
            *order.returned.entry(sku.clone()).or_default() += quantity;
        }
        order.restocked_for.insert(refund_id.to_owned());
        self.return_units(returned);
        Ok(())
    }

    /// Asks for the failed parts of a refund, each with its next try.
    fn ask_again(&mut self, order: &mut Order, refund_id: &str) {
        let Some(refund) = order.ledger.refund(refund_id) else {
            return;
        };
        let parts = refund.money().count();
        let mut asked = Vec::new();
        let money = refund.parts.iter_mut().filter(|part| part.amount > 0);
        for (nth, part) in money.enumerate() {
            if part.state == RefundState::Failed {
                part.state = RefundState::Requested;
                part.bounced_at = None;
                part.tries += 1;
                asked.push((nth, part.clone()));
            }
        }
        for (nth, part) in asked {
            self.tell_part(order, &part, nth, parts);
        }
    }

    /// Asks back the surplus of an order that is sold.
    pub(crate) fn ask_back_surplus(&mut self, order: &mut Order) {
        let currency = order.currency.clone();
        let amount = order.surplus().min(order.ledger.refundable(&currency));
        if amount > 0 {
            order.surplus_asked += amount;
            self.request_refund(order, amount, &currency);
        }
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
        let parts = order.split(amount, currency, 1);
        // see `name_refunds`
        let refund = Refund { id: String::new(), parts: parts.clone(), has_goods_alone: false };
        order.ledger.refunds.push(refund);
        self.tell_parts(order, &parts);
    }

    fn tell_parts(&mut self, order: &Order, parts: &[Part]) {
        for (nth, part) in parts.iter().enumerate() {
            self.tell_part(order, part, nth, parts.len());
        }
    }

    fn tell_part(&mut self, order: &Order, part: &Part, nth: usize, parts: usize) {
        let attempt = order.ledger.known_attempt(&part.provider, &part.attempt);
        let count = |number: usize| i64::try_from(number).expect("an order has few attempts");
        self.unit.refunds_requested.push(RefundRequested {
            part: count(nth + 1),
            parts: count(parts),
            tries: part.tries,
            provider: part.provider.clone(),
            attempt: part.attempt.clone(),
            capture: attempt.and_then(only_capture),
            amount: part.pending(),
            currency: part.currency.clone(),
        });
        self.unit.event("payment.refund_requested");
    }

    /// Tells the model which ids an order's refunds have.
    ///
    /// The processor chooses the ids of the refunds that it requests by itself, so the model cannot know them. `ids`
    /// are the ids of all refunds of the order, in order. Ids that the model does not know are given to its refunds
    /// without id.
    pub fn name_refunds<'a>(&mut self, order: &str, ids: impl Iterator<Item = &'a str>) {
        let has_unnamed = |order: &Order| order.ledger.refunds.iter().any(|one| one.id.is_empty());
        if !self.orders.get(order).is_some_and(has_unnamed) {
            return;
        }
        let order = self.orders.get_mut(order).expect("it was there just now");
        for id in ids {
            if order.ledger.refund(id).is_none()
                && let Some(refund) = order.ledger.refund("")
            {
                id.clone_into(&mut refund.id);
            }
        }
    }
}

impl Refund {
    /// Puts these parts in the place of all others. What is known of failures stays known.
    fn replace_parts(&mut self, parts: &[Part]) {
        let known = std::mem::replace(&mut self.parts, parts.to_vec());
        for Part { provider, attempt, currency, failed_at, bounced_at, .. } in known {
            if failed_at.is_some() {
                let part = self.add_part(&provider, &attempt, &currency);
                part.failed_at = failed_at;
                if part.state == RefundState::Failed {
                    part.bounced_at = bounced_at;
                }
            }
        }
    }
}

impl Order {
    /// The parts of a refund: newest attempt first, none above what the attempt still holds.
    fn split(&self, amount: i64, currency: &str, tries: i64) -> Vec<Part> {
        let mut left = amount;
        let mut parts = Vec::new();
        for attempt in self.ledger.attempts.iter().rev() {
            let amount = left.min(self.ledger.held_by(attempt, currency));
            if amount > 0 {
                left -= amount;
                parts.push(Part {
                    amount,
                    state: RefundState::Requested,
                    tries,
                    ..Part::new(&attempt.provider, &attempt.id, currency)
                });
            }
        }
        assert_eq!(left, 0, "no attempt of {} holds the rest", self.id);
        parts
    }

    /// Whether each attempt still holds what its failed part would give back.
    fn still_holds(&self, refund: &Refund) -> bool {
        refund.failed().all(|part| {
            let attempt = self.ledger.known_attempt(&part.provider, &part.attempt);
            attempt.is_some_and(|one| self.ledger.held_by(one, &part.currency) >= part.failed())
        })
    }
}

/// The id of the attempt's capture, if it has only one and that one has an id.
fn only_capture(attempt: &Attempt) -> Option<String> {
    match attempt.captures.as_slice() {
        [one] => match &one.identity {
            CaptureIdentity::Capture(id) => Some(id.clone()),
            CaptureIdentity::Event(_) => None,
        },
        _ => None,
    }
}
