//! Whether every order has what it must have, exactly once.

use std::{collections::HashMap, ops::Range};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::content;

/// What is looked for, of each order: the type of an event, or the kind of a notification.
#[derive(Debug)]
pub(crate) struct Tally {
    orders: Range<u64>,
    /// By type, whether each order has it.
    seen: HashMap<&'static str, Vec<bool>>,
    count: u64,
}

/// The part of an event that says what it is and whose.
#[derive(Deserialize)]
pub(crate) struct Event<'a> {
    pub(crate) r#type: &'a str,
    pub(crate) subject: &'a str,
}

#[derive(Deserialize)]
struct Notification<'a> {
    kind: &'a str,
    order_id: &'a str,
}

impl Tally {
    pub(crate) fn new(orders: Range<u64>, types: &[&'static str]) -> Self {
        let length = usize::try_from(orders.end - orders.start).unwrap_or(usize::MAX);
        let seen = types.iter().map(|kind| (*kind, vec![false; length])).collect();
        Self { orders, seen, count: 0 }
    }

    /// Takes note of an event. Returns the number of its order.
    pub(crate) fn event(&mut self, body: &[u8]) -> Result<u64> {
        let event: Event<'_> = serde_json::from_slice(body)?;
        self.note(event.r#type, event.subject)
    }

    /// Takes note of an event. Returns the number of its order, and whether it says that the order was paid.
    pub(crate) fn timed(&mut self, body: &[u8]) -> Result<(u64, bool)> {
        let event: Event<'_> = serde_json::from_slice(body)?;
        Ok((self.note(event.r#type, event.subject)?, event.r#type == "order.paid"))
    }

    /// Takes note of a notification.
    pub(crate) fn notification(&mut self, body: &[u8]) -> Result<u64> {
        let notification: Notification<'_> = serde_json::from_slice(body)?;
        self.note(notification.kind, notification.order_id)
    }

    /// Takes note of what an order has. Returns its number.
    pub(crate) fn note(&mut self, kind: &str, order_id: &str) -> Result<u64> {
        let order = content::order_number(order_id)
            .filter(|order| self.orders.contains(order))
            .with_context(|| format!("{kind} of {order_id}, which nobody placed"))?;
        let Some(of_kind) = self.seen.get_mut(kind) else {
            bail!("nobody asked for {kind}, of {order_id}");
        };
        let seen = &mut of_kind[usize::try_from(order - self.orders.start)?];
        ensure!(!*seen, "{kind} of {order_id} came twice");
        *seen = true;
        self.count += 1;
        Ok(order)
    }

    /// Whether every order has everything.
    pub(crate) fn is_complete(&self) -> bool {
        self.count == (self.orders.end - self.orders.start) * self.seen.len() as u64
    }

    /// Fails when an order lacks something.
    pub(crate) fn complete(&self) -> Result<()> {
        for (kind, of_kind) in &self.seen {
            if let Some(missing) = of_kind.iter().position(|seen| !seen) {
                let order = content::order_id(self.orders.start + missing as u64);
                bail!("there is no {kind} of {order}, and {} messages in all", self.count);
            }
        }
        Ok(())
    }
}
