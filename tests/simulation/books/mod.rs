//! A naive model of the shop, kept beside the core and apart from it: plain maps, JSON as it came, the
//! contract's rules written down a second time. It is told in which order messages were sequenced, and when.

mod carts;
mod money;
mod orders;
mod stock;

use super::message::Message;
use carts::Cart;
pub(crate) use orders::{Hold, Order, Terms};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
pub(crate) use stock::Stock;

/// How a message is answered: verdict, and why.
pub(crate) type Answer = (&'static str, Option<&'static str>);

const APPLIED: Answer = ("applied", None);

const fn rejected(reason: &'static str) -> Answer {
    ("rejected", Some(reason))
}

const fn invalid(reason: &'static str) -> Answer {
    ("invalid", Some(reason))
}

/// What was said under an identity.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    data: Value,
    at: i64,
}

/// The books.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Books {
    pub(crate) terms: Terms,
    pub(crate) stock: BTreeMap<String, Stock>,
    pub(crate) carts: BTreeMap<String, Cart>,
    pub(crate) orders: BTreeMap<String, Order>,
    /// Callbacks by the order that they wait for.
    pub(crate) waiting: BTreeMap<String, Vec<Value>>,
    pub(crate) parked: BTreeSet<(String, String, Vec<u8>)>,
    /// What customers are told: order, kind, and what it is about.
    pub(crate) notices: BTreeSet<(String, &'static str, String)>,
    identities: BTreeMap<(String, String), Said>,
}

impl Books {
    pub(crate) const fn new(terms: Terms) -> Self {
        Self {
            terms,
            stock: BTreeMap::new(),
            carts: BTreeMap::new(),
            orders: BTreeMap::new(),
            waiting: BTreeMap::new(),
            parked: BTreeSet::new(),
            notices: BTreeSet::new(),
            identities: BTreeMap::new(),
        }
    }

    /// Enters a message that was sequenced at `now`. An identity past its retention may be known still or not: there
    /// `was_known` says how the core found it.
    pub(crate) fn enter(&mut self, message: &Message, now: i64, was_known: bool) -> Answer {
        let answer = self.answer(message, now, was_known);
        if matches!(answer.0, "invalid" | "conflict" | "failed") {
            self.park(message);
        }
        answer
    }

    /// A message was given up on.
    pub(crate) fn park(&mut self, message: &Message) {
        let id = (message.source.to_owned(), message.id.clone(), message.body.to_vec());
        self.parked.insert(id);
    }

    fn answer(&mut self, message: &Message, now: i64, was_known: bool) -> Answer {
        if let Some(reason) = message.defect {
            return invalid(reason.as_str());
        }
        let data = known_fields(&message.body);
        let identity = match message.kind {
            "payment.callback" => (text(&data, "provider"), text(&data, "event_id")),
            _ => (message.source.to_owned(), message.id.clone()),
        };
        let identity =
            (format!("{} {}", message.kind == "payment.callback", identity.0), identity.1);
        let retention = self.terms.identity_retention;
        let said = self.identities.get(&identity);
        if let Some(said) = said.filter(|said| now - said.at <= retention || was_known) {
            return if said.data == data {
                ("duplicate", None)
            } else {
                ("conflict", Some("conflict"))
            };
        }
        if message.time.micros() < now - retention {
            return invalid("expired_identity");
        }
        let answer = self.decide(message.kind, &data, now);
        if !matches!(answer.0, "invalid" | "failed") {
            self.identities.insert(identity, Said { data, at: now });
        }
        answer
    }

    fn decide(&mut self, kind: &str, data: &Value, now: i64) -> Answer {
        match kind {
            "stock.set" => self.set_stock(data),
            "stock.adjust" => self.adjust_stock(data),
            "cart.put" | "cart.add" => self.fill_cart(data, kind == "cart.add"),
            "cart.clear" => self.clear_cart(data),
            "cart.checkout" => self.check_out(data, now),
            "order.place" => self.place(data, now),
            "order.cancel" => self.cancel(&text(data, "order_id")),
            "order.complete" => self.complete(&text(data, "order_id")),
            "order.resolve" => self.resolve(&text(data, "order_id"), data["decision"] == "accept"),
            "refund.request" => self.request_refund(data),
            "payment.callback" => self.callback(data, now),
            other => unreachable!("{other} is no command of the shop"),
        }
    }

    fn tell(&mut self, order: &str, kind: &'static str, reference: &str) {
        self.notices.insert((order.to_owned(), kind, reference.to_owned()));
    }

    fn callback(&mut self, data: &Value, now: i64) -> Answer {
        let order = text(data, "order_id");
        if self.orders.contains_key(&order) {
            return self.record(&order, data, now);
        }
        let all: usize = self.waiting.values().map(Vec::len).sum();
        let of_order = self.waiting.get(&order).map_or(0, Vec::len);
        if all >= self.terms.waiting_in_all || of_order >= self.terms.waiting_per_order {
            return ("failed", Some("waiting_full"));
        }
        self.waiting.entry(order).or_default().push(data.clone());
        ("waiting", None)
    }

    /// The first callback that waited for an order is applied, or given up on.
    pub(crate) fn enter_waited(&mut self, order: &str, now: i64, given_up: bool) -> Answer {
        let waiting = self.waiting.get_mut(order).filter(|waiting| !waiting.is_empty());
        let data = waiting.expect("a callback waits for it").remove(0);
        if given_up {
            let id = format!("waited for {order}");
            self.parked.insert((id, text(&data, "event_id"), Vec::new()));
            return ("failed", Some("failed"));
        }
        self.record(order, &data, now)
    }
}

/// A message's data without the fields that nobody knows.
fn known_fields(body: &[u8]) -> Value {
    let mut data: Value = serde_json::from_slice(body).expect("the shop marks what is no JSON");
    if let Some(fields) = data.as_object_mut() {
        fields.retain(|name, _| !name.starts_with("x_"));
    }
    data
}

fn text(data: &Value, field: &str) -> String {
    data[field].as_str().unwrap_or_default().to_owned()
}

fn number(data: &Value, field: &str) -> i64 {
    data[field].as_i64().unwrap_or_default()
}
