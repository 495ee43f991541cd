//! What is about money: the callbacks of payment providers, and refunds.

use super::{KNOWN, RECENT, Shop, awaits_payment};
use crate::message::Message;
use bytes::Bytes;
use orderly_domain::time::Timestamp;
use orderly_model::Model;
use orderly_model::snapshot::{OrderSnapshot, RefundSnapshot};
use serde_json::{Value, json};

impl Shop {
    pub(super) fn callback(&mut self, model: &Model, now: Timestamp) -> Message {
        if let Some(body) = self.earlier("payment.callback")
            && self.random.one_in(8)
        {
            // the same event in another message
            return Message { body, ..self.message("payment.callback", &json!({}), now) };
        }
        if let Some(body) = self.earlier("payment.callback")
            && self.random.one_in(16)
            && let Ok(mut data) = serde_json::from_slice::<Value>(&body)
        {
            // the same payment, told of another order
            self.events += 1;
            data["event_id"] = json!(format!("e-{}", self.events));
            data["order_id"] = json!(self.order());
            return self.message("payment.callback", &data, now);
        }
        self.events += 1;
        let mut event = json!({
            "event_id": format!("e-{}", self.events),
            "occurred_at": format!("2026-01-01T{:02}:00:00Z", self.random.below(4)),
        });
        if self.random.one_in(4) && self.refund_result(&mut event, model) {
            return self.message("payment.callback", &event, now);
        }
        let id = self.order_that(RECENT, model, awaits_payment);
        let order = model.order(&id);
        let kind = self.random.weighted(&[
            (24, "captured"),
            (8, "authorized"),
            (3, "action_required"),
            (4, "failed"),
            (2, "voided"),
            (1, "expired"),
            (2, "refund_succeeded"),
            (2, "refund_failed"),
            (1, "dispute_opened"),
            (1, "dispute_closed"),
        ]);
        let (provider, attempt) = self.attempt(&id, order.as_ref());
        event["order_id"] = json!(id);
        event["kind"] = json!(kind);
        event["provider"] = json!(provider);
        event["attempt_id"] = json!(attempt);
        if matches!(kind, "captured" | "authorized" | "refund_succeeded") {
            let total = order.map_or(500, |order| order.total);
            let part = self.random.pick(&[total, total, total, total / 2, total + 70, total - 1]);
            event["amount"] = json!(part.max(1));
            event["currency"] = json!(if self.random.one_in(20) { "USD" } else { "EUR" });
        }
        match kind {
            "captured" => {
                if self.random.one_in(2) {
                    event["capture_id"] = json!(format!("c-{}", self.random.below(3)));
                }
                event["final"] = json!(self.random.one_in(6));
            }
            "refund_succeeded" | "refund_failed" => {
                event["refund_id"] = json!(self.refund_id());
            }
            "dispute_opened" | "dispute_closed" => {
                event["dispute_id"] = json!(format!("d-{}", self.random.below(2)));
                event["outcome"] = json!(self.random.pick(&["won", "lost"]));
            }
            _ => {}
        }
        self.message("payment.callback", &event, now)
    }

    /// Makes the event one of what came of a refund that was asked for, if there is such a refund. Many fail, since what follows a
    /// failure is rare otherwise.
    fn refund_result(&mut self, event: &mut Value, model: &Model) -> bool {
        let id = self.order_that(KNOWN, model, |order| order.refunds.iter().any(is_asked));
        let refunds = model.order(&id).map_or_else(Vec::new, |order| order.refunds);
        let asked: Vec<_> = refunds.iter().filter(|refund| is_asked(refund)).collect();
        let Some(refund) = asked.get(self.random.index(asked.len())) else {
            return false;
        };
        event["order_id"] = json!(id);
        event["refund_id"] = json!(refund.id);
        event["provider"] = json!(refund.provider);
        event["attempt_id"] = json!(refund.attempt);
        if self.random.one_in(2) {
            event["kind"] = json!("refund_failed");
        } else {
            event["kind"] = json!("refund_succeeded");
            let amount = self.random.pick(&[refund.amount, refund.amount, refund.amount - 1]);
            event["amount"] = json!(amount.max(1));
            event["currency"] = json!(refund.currency);
        }
        true
    }

    /// Provider and id of an attempt: one that the order has, or one of a few. Rarely one that other orders have too: its money
    /// counts for one of them.
    fn attempt(&mut self, id: &str, order: Option<&OrderSnapshot>) -> (String, String) {
        let known = order.map_or(&[][..], |order| order.attempts.as_slice());
        if let Some(attempt) = known.get(self.random.index(known.len()))
            && self.random.one_in(2)
        {
            return (attempt.provider.clone(), attempt.id.clone());
        }
        let provider = self.random.pick(&["acme", "acme", "bank"]).to_owned();
        let attempt = self.random.below(3);
        let is_shared = self.random.one_in(12);
        let attempt = if is_shared { format!("a-{attempt}") } else { format!("{id}/a-{attempt}") };
        (provider, attempt)
    }

    /// One of a few ids, so that refunds are requested and have results; not one of those that the core derives.
    fn refund_id(&mut self) -> String {
        format!("p-{}", self.random.below(3))
    }

    pub(super) fn refund(&mut self, model: &Model, now: Timestamp) -> Message {
        if let Some(body) = self.earlier("refund.request")
            && self.random.one_in(4)
        {
            // asked for again, in another message
            return Message { body, ..self.message("refund.request", &json!({}), now) };
        }
        if !self.random.one_in(3)
            && let Some(body) = self.failed_refund(model)
        {
            return Message { body, ..self.message("refund.request", &json!({}), now) };
        }
        let id = self.order_that(KNOWN, model, |order| order.paid > order.refunded);
        let order = model.order(&id);
        let left = order.as_ref().map_or(500, |order| order.paid - order.refunded);
        let amount = self.random.pick(&[left, left / 2, left / 3, 70]).max(1);
        let mut data = json!({"order_id": id, "refund_id": self.refund_id(), "amount": amount});
        if self.random.one_in(2) {
            let (sku, quantity) = self.line_of(order.as_ref());
            // rarely more goods than were sold: this is refused when the money was agreed to
            let count = if self.random.one_in(4) { quantity + 1 } else { 1 };
            data["restock"] = json!([{"sku": sku, "quantity": count}]);
        }
        self.message("refund.request", &data, now)
    }

    /// What asked for a refund that failed: it is asked for again, with its goods.
    fn failed_refund(&mut self, model: &Model) -> Option<Bytes> {
        let before = self.sent.iter().rev().filter(|one| one.kind == "refund.request").take(30);
        let has_failed = |body: &Bytes| {
            let data: Value = serde_json::from_slice(body).expect("it is valid");
            let order = model.order(data["order_id"].as_str().unwrap_or_default());
            let refunds = order.map_or_else(Vec::new, |order| order.refunds);
            let mut parts = refunds.iter().filter(|refund| data["refund_id"] == *refund.id);
            parts.any(|refund| refund.state == "failed")
        };
        before.map(|one| &one.body).find(|body| has_failed(body)).cloned()
    }
}

/// Whether a provider has yet to say what came of the refund.
fn is_asked(refund: &RefundSnapshot) -> bool {
    !refund.attempt.is_empty() && refund.state == "requested"
}
