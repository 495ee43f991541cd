//! `refund.request`: the shop refunds money, and may return goods to stock.

use crate::message::{number, text};
use crate::model::Model;
use crate::state::ledger::{Refund, RefundState};
use crate::state::stock::units;
use crate::unit::{Outcome, reject};
use serde_json::Value;

impl Model {
    pub(crate) fn refund_request(&mut self, data: &Value) -> Outcome {
        let id = text(data, "order_id");
        let Some(mut order) = self.orders.get(id).cloned() else {
            return self.missing(id);
        };
        if order.awaits_money() {
            return order.not_allowed();
        }
        let refund_id = text(data, "refund_id");
        // a refund that failed is requested again in the currency that it had
        let currency = match order.ledger.refund(refund_id) {
            None => order.currency.clone(),
            Some(failed) if failed.state == RefundState::Failed => failed.currency.clone(),
            Some(_) => return reject("refund_exists"),
        };
        let amount = number(data, "amount");
        if amount > order.ledger.refundable(&currency) {
            return reject("refund_exceeds_paid");
        }
        let returned = units(&data["restock"]);
        // goods are returned once for each refund
        if !returned.is_empty() && !order.restocked_for.contains(refund_id) {
            for (sku, quantity) in &returned {
                let sold = if order.is_sold() { order.wanted.get(sku) } else { None };
                let before = order.returned.get(sku).copied().unwrap_or_default();
                if before + quantity > sold.copied().unwrap_or_default() {
                    return reject("restock_exceeds_sold");
                }
            }
            for (sku, quantity) in &returned {
                *order.returned.entry(sku.clone()).or_default() += quantity;
            }
            order.restocked_for.insert(refund_id.to_owned());
            self.return_units(&returned);
        }
        match order.ledger.refund(refund_id) {
            Some(refund) => {
                refund.amount = amount;
                refund.state = RefundState::Requested;
            }
            None => order.ledger.refunds.push(Refund {
                id: refund_id.to_owned(),
                amount,
                currency: currency.clone(),
                state: RefundState::Requested,
            }),
        }
        self.unit.refunds_requested.push((amount, currency));
        self.unit.event("payment.refund_requested");
        order.updated_at = self.now;
        self.orders.insert(order.id.clone(), order);
        Ok(())
    }
}
