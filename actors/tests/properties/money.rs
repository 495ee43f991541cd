//! The money of each order, counted by the contract alone.

use orderly_domain::verdict::Verdict;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The money that the contract counts: each capture and each refund once, in the order's currency.
#[derive(Default)]
pub struct Money {
    events: BTreeSet<String>,
    captures: BTreeSet<(String, String)>,
    pub paid: BTreeMap<String, i64>,
    pub refunded: BTreeMap<String, i64>,
    /// What succeeded of each refund, by the time of the success.
    refunds: BTreeMap<String, BTreeMap<String, i64>>,
    /// Callbacks that wait for their order, by the id of their message.
    pub waiting: BTreeMap<String, Value>,
}

impl Money {
    /// Counts the money of a callback, unless the verdict says that the callback changed nothing.
    pub fn count(&mut self, said: &Value, verdict: Verdict) {
        let text = |field: &str| said[field].as_str().unwrap_or_default().to_owned();
        if matches!(verdict, Verdict::Duplicate | Verdict::Stale) {
            return;
        }
        assert!(moved(verdict), "money is never refused: {verdict}");
        assert!(self.events.insert(text("event_id")), "an event counts once");
        let refund = || {
            [text("order_id"), text("provider"), text("attempt_id"), text("refund_id")].join("/")
        };
        if said["kind"] == "refund_succeeded" {
            let amount = said["amount"].as_i64().filter(|_| said["currency"] == "EUR");
            let successes = self.refunds.entry(refund()).or_default();
            let known = successes.insert(text("occurred_at"), amount.unwrap_or_default());
            assert!(known.is_none(), "a success counts once");
            *self.refunded.entry(text("order_id")).or_default() += amount.unwrap_or_default();
        }
        if said["kind"] != "captured" {
            return;
        }
        let attempt = format!("{}/{}", text("order_id"), text("attempt_id"));
        if said.get("capture_id").is_some() {
            let new = self.captures.insert((attempt, text("capture_id")));
            assert!(new, "a capture id counts once");
        }
        if said["currency"] == "EUR" {
            *self.paid.entry(text("order_id")).or_default() +=
                said["amount"].as_i64().unwrap_or_default();
        }
    }
}

pub fn moved(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Applied | Verdict::Review)
}
