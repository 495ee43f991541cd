//! `refund.request`: money goes back because the shop wants it to.

use super::money::{Refund, RefundState};
use super::orders::{Status, not_allowed, units};
use super::{Model, Outcome, number, refuse, text};
use serde_json::Value;

impl Model {
    pub(super) fn refund_request(&mut self, data: &Value) -> Outcome {
        let Some(mut order) = self.orders.get(text(data, "order_id")).cloned() else {
            return refuse("order_not_found");
        };
        let awaits_money = matches!(
            order.status,
            Status::AwaitingPayment | Status::PartiallyPaid | Status::UnderReview
        );
        if awaits_money {
            return not_allowed(&order);
        }
        let id = text(data, "refund_id");
        let known = order.ledger.refund(id).map(|refund| refund.state);
        if matches!(known, Some(RefundState::Requested | RefundState::Succeeded)) {
            return refuse("refund_exists");
        }
        let amount = number(data, "amount");
        // one that failed is tried again in the currency that it had
        let currency = match order.ledger.refund(id) {
            Some(failed) => failed.currency.clone(),
            None => order.currency.clone(),
        };
        let succeeded = order.ledger.refunds(&currency, RefundState::Succeeded);
        let net = (order.ledger.captured(&currency) - succeeded).max(0);
        if amount > net - order.ledger.refunds(&currency, RefundState::Requested) {
            return refuse("refund_exceeds_paid");
        }
        let returned = units(&data["restock"]);
        // once per refund
        if !returned.is_empty() && !order.restocked_for.contains(id) {
            for (sku, quantity) in &returned {
                let sold = if order.is_sold() { order.wanted.get(sku) } else { None };
                let before = order.restocked.get(sku).copied().unwrap_or_default();
                if before + quantity > sold.copied().unwrap_or_default() {
                    return refuse("restock_exceeds_sold");
                }
            }
            for (sku, quantity) in &returned {
                *order.restocked.entry(sku.clone()).or_default() += quantity;
            }
            order.restocked_for.insert(id.to_owned());
            self.take_back(&returned);
        }
        match order.ledger.refund(id) {
            Some(refund) => {
                refund.amount = amount;
                refund.state = RefundState::Requested;
            }
            None => order.ledger.refunds.push(Refund {
                id: id.to_owned(),
                amount,
                currency: currency.clone(),
                state: RefundState::Requested,
            }),
        }
        self.unit.asked.push((amount, currency));
        self.tell("payment.refund_requested");
        self.orders.insert(order.id.clone(), order);
        Ok(())
    }
}
