//! After the day: the shop goes on, and a few things went wrong that a person must see to. So the page for operators has
//! something to show.
//!
//! Nothing of it is part of the day, whose books were compared before. The ids of the orders say what is wrong with them.

use std::convert::Infallible;
use std::time::Duration;

use orderly_broker::memory::Memory;
use orderly_broker::{Confirm, Names, client};
use serde_json::{Value, json};

use crate::random::Random;

/// The order whose payment callback cannot be read: the first that a person looks for.
pub const STUCK: &str = "stuck-1001";

const CURRENCY: &str = "GBP";
const SKU: &str = "storm-lantern";
const SCARCE: &str = "tea-glass";
const PROVIDER: &str = "acme-pay";
/// The pause between two customers.
const PAUSE: Duration = Duration::from_millis(400);

/// The shop after the day.
pub struct Evening<C> {
    broker: Memory,
    names: Names,
    random: Random,
    next: u64,
    /// The time now, as RFC 3339 text.
    clock: C,
}

/// The broker did not accept a message.
#[derive(Debug, thiserror::Error)]
#[error("the broker did not accept a message: {0:?}")]
pub struct Refused(Confirm);

impl<C: Fn() -> String> Evening<C> {
    /// The evening of a shop whose day was sent to `broker`.
    pub fn new(broker: Memory, names: Names, seed: u64, clock: C) -> Self {
        Self { broker, names, random: Random::new(seed), next: 0, clock }
    }

    /// Everything that goes wrong, at once.
    ///
    /// # Errors
    ///
    /// The broker refuses a message.
    pub fn go_wrong(&self) -> Result<(), Refused> {
        self.send("stock.set", &json!({ "sku": SKU, "on_hand": 500_000, "low_at": 50 }))?;
        self.send("stock.set", &json!({ "sku": SCARCE, "on_hand": 6, "low_at": 5 }))?;

        // The amount is no whole number: the callback is parked, and the order waits for its money.
        self.place(STUCK, 2)?;
        self.pay(STUCK, "a-1", "captured", &json!({ "capture_id": "m-stuck", "amount": 59.0 }))?;

        self.place("paid-too-much-1002", 1)?;
        self.capture("paid-too-much-1002", "a-1", 5_900, CURRENCY)?;
        self.place("paid-in-euro-1003", 1)?;
        self.capture("paid-in-euro-1003", "a-1", 2_950, "EUR")?;
        self.place("paid-in-part-1004", 2)?;
        self.capture("paid-in-part-1004", "a-1", 5_000, CURRENCY)?;

        self.sell("paid-twice-1005")?;
        self.capture("paid-twice-1005", "a-2", 2_950, CURRENCY)?;

        self.sell("refund-failed-1006")?;
        let refund =
            json!({ "order_id": "refund-failed-1006", "refund_id": "r-1006", "amount": 2_950 });
        self.send("refund.request", &refund)?;
        let failed = json!({ "refund_id": "r-1006", "amount": 2_950, "currency": CURRENCY });
        self.pay("refund-failed-1006", "a-1", "refund_failed", &failed)?;

        self.sell("disputed-1007")?;
        self.pay("disputed-1007", "a-1", "dispute_opened", &json!({ "dispute_id": "d-1007" }))?;

        // Two messages of one id with other data.
        self.place("conflict-1008", 1)?;
        for amount in [2_950, 2_951] {
            let data = self.callback(
                "conflict-1008",
                "a-1",
                "captured",
                &json!({ "amount": amount, "currency": CURRENCY }),
            );
            self.send_as("cancel-1008", "payment.callback", &data)?;
        }

        self.capture("never-placed-1009", "a-1", 1_800, CURRENCY)?;
        let lines = json!([{ "sku": SCARCE, "quantity": 4, "unit_price": 450 }]);
        for order in ["last-glasses-1010", "too-few-glasses-1011"] {
            let customer = json!({ "id": "customer-1010" });
            let data = json!({ "order_id": order, "customer": customer, "currency": CURRENCY, "lines": lines });
            self.send("order.place", &data)?;
        }
        Ok(())
    }

    /// Sends customers for ever.
    ///
    /// # Errors
    ///
    /// The broker refuses a message.
    pub async fn go_on(mut self) -> Result<Infallible, Refused> {
        let mut pauses = tokio::time::interval(PAUSE);
        loop {
            pauses.tick().await;
            self.next += 1;
            let order = format!("evening-{:06}", self.next);
            let quantity = self.random.between(1, 6);
            self.place(&order, quantity)?;
            if self.random.per_mille(900) {
                self.capture(&order, "a-1", quantity * 2_950, CURRENCY)?;
            }
            if self.random.per_mille(700) {
                self.send("order.complete", &json!({ "order_id": order }))?;
            }
        }
    }

    /// An order that is paid as it should be.
    fn sell(&self, order: &str) -> Result<(), Refused> {
        self.place(order, 1)?;
        self.capture(order, "a-1", 2_950, CURRENCY)
    }

    fn place(&self, order: &str, quantity: u64) -> Result<(), Refused> {
        let number = order.rsplit('-').next().unwrap_or_default();
        let customer =
            json!({ "id": format!("customer-{number}"), "email": format!("{number}@example.com") });
        let line = json!({ "sku": SKU, "name": "Storm lantern", "quantity": quantity, "unit_price": 2_950 });
        let address = json!({ "name": "A. Customer", "lines": ["1 High Street"], "city": "Leeds", "country": "GB" });
        let data = json!({
            "order_id": order, "customer": customer, "currency": CURRENCY, "lines": [line], "shipping_address": address,
        });
        self.send("order.place", &data)
    }

    fn capture(
        &self,
        order: &str,
        attempt: &str,
        amount: u64,
        currency: &str,
    ) -> Result<(), Refused> {
        let capture = format!("m-{order}-{attempt}");
        let money = json!({ "capture_id": capture, "amount": amount, "currency": currency });
        self.pay(order, attempt, "captured", &money)
    }

    fn pay(&self, order: &str, attempt: &str, kind: &str, more: &Value) -> Result<(), Refused> {
        self.send("payment.callback", &self.callback(order, attempt, kind, more))
    }

    /// The data name the command: each is sent once.
    fn send(&self, kind: &str, data: &Value) -> Result<(), Refused> {
        let name = ["event_id", "order_id", "sku"].iter().find_map(|name| data[*name].as_str());
        self.send_as(&format!("{kind}-{}", name.unwrap_or_default()), kind, data)
    }

    fn send_as(&self, id: &str, kind: &str, data: &Value) -> Result<(), Refused> {
        let body = data.to_string().into();
        match self.broker.publish(client::command(&self.names, kind, id, Some("evening"), body)) {
            Confirm::Acked => Ok(()),
            other => Err(Refused(other)),
        }
    }

    fn callback(&self, order: &str, attempt: &str, kind: &str, more: &Value) -> Value {
        let mut data = json!({
            "provider": PROVIDER, "event_id": format!("{kind}-{order}-{attempt}"), "order_id": order, "attempt_id": attempt,
            "kind": kind, "currency": CURRENCY, "occurred_at": (self.clock)(),
        });
        if let (Some(data), Some(more)) = (data.as_object_mut(), more.as_object()) {
            data.extend(more.clone());
        }
        data
    }
}
