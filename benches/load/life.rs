//! What becomes of the orders of the soak: of twenty, fourteen are paid and completed, three are not paid and expire, two are
//! paid and refunded, one is cancelled. Every order has exactly the events and notifications of its life.

use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::Duration;

use super::{
    content::{self, Basket, Command},
    results::whole,
};

/// The way of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Completed,
    Expired,
    Refunded,
    Cancelled,
}

/// The events and notifications that may come, in the order of their bits in a ledger.
const EVENTS: [&str; 7] = [
    "order.placed",
    "order.paid",
    "order.completed",
    "order.expired",
    "order.cancelled",
    "payment.refund_requested",
    "order.refunded",
];
const NOTIFICATIONS: [&str; 4] =
    ["order_confirmed", "order_expired", "order_cancelled", "refund_succeeded"];

impl Way {
    const fn of(order: u64) -> Self {
        match order % 20 {
            0..14 => Self::Completed,
            14..17 => Self::Expired,
            17..19 => Self::Refunded,
            _ => Self::Cancelled,
        }
    }

    const fn events(self) -> &'static [&'static str] {
        match self {
            Self::Completed => &["order.placed", "order.paid", "order.completed"],
            Self::Expired => &["order.placed", "order.expired"],
            Self::Refunded => {
                &["order.placed", "order.paid", "payment.refund_requested", "order.refunded"]
            }
            Self::Cancelled => &["order.placed", "order.cancelled"],
        }
    }

    const fn notifications(self) -> &'static [&'static str] {
        match self {
            Self::Completed => &["order_confirmed"],
            Self::Expired => &["order_expired"],
            Self::Refunded => &["order_confirmed", "refund_succeeded"],
            Self::Cancelled => &["order_cancelled"],
        }
    }

    const fn is_paid(self) -> bool {
        matches!(self, Self::Completed | Self::Refunded)
    }
}

/// When each command is due.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    orders: u64,
    /// Orders a second.
    rate: f64,
}

/// Seconds after the placing: money or the cancellation; what a person does then; what the provider says to that.
const PAID: f64 = 2.0;
const DONE: f64 = 2.5;
const ANSWERED: f64 = 3.0;

impl Life {
    pub(crate) fn new(rate: f64, seconds: f64) -> Self {
        Self { orders: whole(rate * seconds).max(1), rate }
    }

    pub(crate) const fn orders(&self) -> u64 {
        self.orders
    }

    /// When the command is due that causes an event; none for what a timer causes.
    pub(crate) fn due(&self, event: &str, order: u64) -> Option<Duration> {
        let after = match event {
            "order.placed" => 0.0,
            "order.paid" | "order.cancelled" => PAID,
            "order.completed" | "payment.refund_requested" => DONE,
            "order.refunded" => ANSWERED,
            _ => return None,
        };
        let part = if after > 0.0 { 0.5 } else { 0.0 };
        Some(self.at(order + self.steps(after), part))
    }

    /// A whole number of orders that this many seconds last.
    fn steps(&self, seconds: f64) -> u64 {
        whole(self.rate * seconds)
    }

    fn at(&self, step: u64, part: f64) -> Duration {
        Duration::from_secs_f64((step as f64 + part) / self.rate)
    }

    /// All commands with the time at which each is due, in that order.
    pub(crate) fn commands(&self) -> impl Iterator<Item = (Duration, Command)> + use<> {
        let life = self.clone();
        (0..life.orders + life.steps(ANSWERED)).flat_map(move |step| {
            let back = |seconds: f64| {
                step.checked_sub(life.steps(seconds)).filter(|order| *order < life.orders)
            };
            let (whole, half) = (life.at(step, 0.0), life.at(step, 0.5));
            let mut due = Vec::new();
            due.extend(back(0.0).map(|order| (whole, content::place(order, Basket::Spread))));
            due.extend(back(PAID).and_then(paid_or_cancelled).map(|command| (half, command)));
            if let Some(order) = back(DONE) {
                let again = Way::of(order).is_paid() && content::is_doubled(order);
                let again = again.then(|| content::callback(order, 1, Basket::Spread));
                due.extend(again.into_iter().chain(done(order)).map(|command| (half, command)));
            }
            due.extend(back(ANSWERED).and_then(refunded).map(|command| (half, command)));
            due
        })
    }
}

fn paid_or_cancelled(order: u64) -> Option<Command> {
    match Way::of(order) {
        Way::Completed | Way::Refunded => Some(content::callback(order, 0, Basket::Spread)),
        Way::Cancelled => {
            let data =
                json!({ "order_id": content::order_id(order), "reason": "changed their mind" });
            Some(Command::new("order.cancel", format!("cancel-{order:08}"), &data))
        }
        Way::Expired => None,
    }
}

fn done(order: u64) -> Option<Command> {
    match Way::of(order) {
        Way::Completed => Some(content::complete(order)),
        Way::Refunded => {
            let placing = content::placing(order, Basket::Spread);
            let goods = placing["lines"].as_array().into_iter().flatten();
            let restock: Vec<Value> =
                goods.map(|line| json!({ "sku": line["sku"], "quantity": 1 })).collect();
            let data = json!({
                "order_id": content::order_id(order),
                "refund_id": "refund-1",
                "amount": content::total(order, Basket::Spread),
                "restock": restock,
            });
            Some(Command::new("refund.request", format!("refund-{order:08}"), &data))
        }
        Way::Cancelled | Way::Expired => None,
    }
}

fn refunded(order: u64) -> Option<Command> {
    (Way::of(order) == Way::Refunded).then(|| {
        let data = json!({
            "provider": "acme-pay",
            "event_id": format!("evt-refund-{order:08}"),
            "order_id": content::order_id(order),
            "attempt_id": format!("attempt-{order:08}"),
            "refund_id": "refund-1",
            "kind": "refund_succeeded",
            "amount": content::total(order, Basket::Spread),
            "currency": "EUR",
            "occurred_at": "2026-01-01T00:00:09Z",
        });
        Command::new("payment.callback", format!("refunded-{order:08}"), &data)
    })
}

/// What has come of what must come.
#[derive(Debug)]
pub(crate) struct Ledger {
    names: &'static [&'static str],
    expected: fn(Way) -> &'static [&'static str],
    /// Of each order, a bit for each name that has come.
    seen: Vec<u8>,
    count: u64,
    complete: u64,
}

#[derive(serde::Deserialize)]
struct Event<'a> {
    r#type: &'a str,
    subject: &'a str,
    data: Option<Data<'a>>,
}

#[derive(serde::Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    order_id: Option<&'a str>,
}

#[derive(serde::Deserialize)]
struct Notification<'a> {
    kind: &'a str,
    order_id: &'a str,
}

impl Ledger {
    pub(crate) fn of_events(orders: u64) -> Self {
        Self::new(orders, &EVENTS, Way::events)
    }

    pub(crate) fn of_notifications(orders: u64) -> Self {
        Self::new(orders, &NOTIFICATIONS, Way::notifications)
    }

    fn new(
        orders: u64,
        names: &'static [&'static str],
        expected: fn(Way) -> &'static [&'static str],
    ) -> Self {
        let count = |orders: Range<u64>| -> u64 {
            orders.map(|order| expected(Way::of(order)).len() as u64).sum()
        };
        let complete = count(0..20) * (orders / 20) + count(0..orders % 20);
        let seen = vec![0; usize::try_from(orders).unwrap_or(usize::MAX)];
        Self { names, expected, seen, count: 0, complete }
    }

    /// Takes note of an event. Returns its type and the number of its order.
    pub(crate) fn event(&mut self, body: &[u8]) -> Result<(&'static str, u64)> {
        let event: Event<'_> = serde_json::from_slice(body)?;
        let order_id = event.data.and_then(|data| data.order_id).unwrap_or(event.subject);
        self.note(event.r#type, order_id)
    }

    /// Takes note of a notification.
    pub(crate) fn notification(&mut self, body: &[u8]) -> Result<()> {
        let notification: Notification<'_> = serde_json::from_slice(body)?;
        self.note(notification.kind, notification.order_id).map(drop)
    }

    fn note(&mut self, name: &str, order_id: &str) -> Result<(&'static str, u64)> {
        let Some(bit) = self.names.iter().position(|known| *known == name) else {
            bail!("{name} of {order_id} was not expected");
        };
        let order = content::order_number(order_id).context("nobody placed that order")?;
        let name = self.names[bit];
        ensure!((self.expected)(Way::of(order)).contains(&name), "{name} of {order_id}");
        let seen = self.seen.get_mut(usize::try_from(order)?);
        let seen = seen.with_context(|| format!("nobody placed {order_id}"))?;
        ensure!(*seen & (1 << bit) == 0, "{name} of {order_id} came twice");
        *seen |= 1 << bit;
        self.count += 1;
        Ok((name, order))
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) const fn is_complete(&self) -> bool {
        self.count == self.complete
    }

    /// Fails when something has not come.
    pub(crate) fn complete(&self) -> Result<()> {
        let (count, complete) = (self.count, self.complete);
        ensure!(self.is_complete(), "{count} of {complete} messages have come");
        Ok(())
    }
}
