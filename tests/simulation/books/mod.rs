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

/// A callback that waits for its order, and the message that brought it.
#[derive(Debug, Clone, PartialEq)]
struct Waiting {
    source: &'static str,
    id: String,
    data: Value,
    since: i64,
}

/// The books.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Books {
    pub(crate) terms: Terms,
    pub(crate) stock: BTreeMap<String, Stock>,
    pub(crate) carts: BTreeMap<String, Cart>,
    pub(crate) orders: BTreeMap<String, Order>,
    /// Callbacks by the order that they wait for.
    waiting: BTreeMap<String, Vec<Waiting>>,
    /// Orders that are forgotten, but for their ids.
    swept: BTreeSet<String>,
    pub(crate) parked: BTreeSet<(String, String, Vec<u8>)>,
    /// What customers are told: order, kind, and what it is about.
    pub(crate) notices: BTreeSet<(String, &'static str, String)>,
    identities: BTreeMap<(String, String), Said>,
    pub(crate) aged: Aged,
}

/// How much grew old.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Aged {
    pub(crate) expired_carts: u32,
    pub(crate) swept_carts: u32,
    pub(crate) swept_orders: u32,
    pub(crate) never_came: u32,
}

impl Books {
    pub(crate) const fn new(terms: Terms) -> Self {
        Self {
            terms,
            stock: BTreeMap::new(),
            carts: BTreeMap::new(),
            orders: BTreeMap::new(),
            waiting: BTreeMap::new(),
            swept: BTreeSet::new(),
            parked: BTreeSet::new(),
            notices: BTreeSet::new(),
            identities: BTreeMap::new(),
            aged: Aged { expired_carts: 0, swept_carts: 0, swept_orders: 0, never_came: 0 },
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
        let answer = self.decide(message, &data, now);
        if !matches!(answer.0, "invalid" | "failed") {
            self.identities.insert(identity, Said { data, at: now });
        }
        answer
    }

    fn decide(&mut self, message: &Message, data: &Value, now: i64) -> Answer {
        match message.kind {
            "stock.set" => self.set_stock(data),
            "stock.adjust" => self.adjust_stock(data),
            "cart.put" => self.fill_cart(data, false, now),
            "cart.add" => self.fill_cart(data, true, now),
            "cart.clear" => self.clear_cart(data, now),
            "cart.merge" => self.merge_carts(data, now),
            "cart.checkout" => self.check_out(data, now),
            "order.place" => self.place(data, now),
            "order.cancel" => self.cancel(&text(data, "order_id"), now),
            "order.complete" => self.complete(&text(data, "order_id"), now),
            "order.resolve" => {
                self.resolve(&text(data, "order_id"), data["decision"] == "accept", now)
            }
            "refund.request" => self.request_refund(data, now),
            "payment.callback" => self.callback(message, data, now),
            other => unreachable!("{other} is no command of the shop"),
        }
    }

    fn tell(&mut self, order: &str, kind: &'static str, reference: &str) {
        self.notices.insert((order.to_owned(), kind, reference.to_owned()));
    }

    fn callback(&mut self, message: &Message, data: &Value, now: i64) -> Answer {
        let order = text(data, "order_id");
        if self.swept.contains(&order) {
            return ("stale", None);
        }
        if self.orders.contains_key(&order) {
            return self.record(&order, data, now);
        }
        let all: usize = self.waiting.values().map(Vec::len).sum();
        let of_order = self.waiting.get(&order).map_or(0, Vec::len);
        if all >= self.terms.waiting_in_all || of_order >= self.terms.waiting_per_order {
            return ("failed", Some("waiting_full"));
        }
        let (source, id, data) = (message.source, message.id.clone(), data.clone());
        self.waiting.entry(order).or_default().push(Waiting { source, id, data, since: now });
        ("waiting", None)
    }

    /// The first callback that waited for an order is applied, or given up on.
    pub(crate) fn enter_waited(&mut self, order: &str, now: i64, given_up: bool) -> Answer {
        let waited = self.take_waiting(order);
        if given_up {
            self.park_waited(&waited);
            return ("failed", Some("failed"));
        }
        self.record(order, &waited.data, now)
    }

    /// The first callback that waits for an order was put aside, as the core says.
    pub(crate) fn never_came(&mut self, order: &str, now: i64) -> Answer {
        let waited = self.take_waiting(order);
        assert!(!self.orders.contains_key(order), "{order} came");
        assert!(waited.since + self.terms.waiting_kept <= now, "{order} might come still");
        self.park_waited(&waited);
        self.aged.never_came += 1;
        ("failed", Some("order_never_came"))
    }

    fn take_waiting(&mut self, order: &str) -> Waiting {
        let waiting = self.waiting.get_mut(order).filter(|waiting| !waiting.is_empty());
        waiting.expect("a callback waits for it").remove(0)
    }

    /// What is kept of it is its data alone: never the bytes of a message.
    fn park_waited(&mut self, waited: &Waiting) {
        let body = format!("waited: {}", waited.data).into_bytes();
        self.parked.insert((waited.source.to_owned(), waited.id.clone(), body));
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
