//! The shop once more, as the contract's chapters on verdicts, commands, events and life cycles tell
//! it and as plainly as it can be written: JSON in, maps and loops inside, everything in memory.
//!
//! It shares nothing with the program but the contract, so that a rule that was misread has to be
//! misread twice in the same way to go unseen. Nothing here is fast, or meant to be.

mod callbacks;
mod carts;
mod money;
mod notifications;
mod orders;
mod refunds;
mod stock;
mod timers;
mod validity;

pub use carts::Cart;
pub use money::Attempt;
pub use orders::Order;
pub use stock::Stock;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Micro-seconds in a minute.
pub const MINUTE: i64 = 60_000_000;

/// What the shop is configured to.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// `orders.hold_for`, in microseconds.
    pub hold_for: i64,
    /// `orders.hold_cap`, in microseconds.
    pub hold_cap: i64,
    /// `orders.late_payment` is `rehold`, not `refund`.
    pub rehold: bool,
    /// `orders.waiting_max`: callbacks that may wait for one order.
    pub waiting_per_order: usize,
    /// `orders.waiting_max`: callbacks that may wait in all.
    pub waiting_total: usize,
    /// `orders.waiting_callback_retention`, in microseconds.
    pub waiting_kept: i64,
    /// `carts.expire_after`, in microseconds, with what the shop takes beyond it at most.
    pub carts_kept: i64,
}

/// What one command, callback or timer came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    pub order: Option<String>,
    pub verdict: &'static str,
    pub reason: Option<&'static str>,
    /// Of `out_of_stock` and `not_allowed`, what the contract says it is; else null.
    pub detail: Value,
    /// Types of the events.
    pub events: Vec<&'static str>,
    /// What some of them say beyond their type, in words.
    pub facts: Vec<String>,
    /// What `payment.refund_requested` asked for: amount and currency.
    pub asked: Vec<(i64, String)>,
    /// The attempts of `payment.void_requested`.
    pub voids: Vec<String>,
}

/// A command that is not applied.
#[derive(Debug)]
pub enum Ended {
    Refused { reason: &'static str, detail: Value },
    Stale,
    Review,
    Waiting,
    Duplicate,
    Conflict,
    Invalid,
    Failed { reason: &'static str },
}

/// A command's end: applied, or otherwise.
pub type Outcome = Result<(), Ended>;

fn refuse<T>(reason: &'static str) -> Result<T, Ended> {
    Err(Ended::Refused { reason, detail: Value::Null })
}

/// The whole shop.
#[derive(Debug, Clone)]
pub struct Model {
    pub terms: Terms,
    /// Microseconds since the epoch.
    pub now: i64,
    pub stock: BTreeMap<String, Stock>,
    pub carts: BTreeMap<String, Cart>,
    pub orders: BTreeMap<String, Order>,
    /// Callbacks for orders that are not known yet, and when they came, the first first.
    pub waiting: BTreeMap<String, Vec<(i64, Value)>>,
    /// What was seen under each identity.
    seen: BTreeMap<String, (String, Value)>,
    /// Id and body of what was put aside.
    parked: BTreeSet<(String, String)>,
    /// What the unit in hand has told so far.
    unit: Unit,
}

impl Model {
    pub fn new(terms: Terms, now: i64) -> Self {
        Self {
            terms,
            now,
            stock: BTreeMap::new(),
            carts: BTreeMap::new(),
            orders: BTreeMap::new(),
            waiting: BTreeMap::new(),
            seen: BTreeMap::new(),
            parked: BTreeSet::new(),
            unit: Unit::default(),
        }
    }

    /// A message comes: its own unit, and those of the callbacks that had waited for it.
    pub fn run(&mut self, kind: &str, id: &str, data: &Value) -> Vec<Unit> {
        let order = data.get("order_id").and_then(Value::as_str).map(str::to_owned);
        let outcome = self.identify(kind, id, &validity::known_fields(data));
        let mut units = vec![self.end(order.clone(), outcome)];
        // the same bytes under the same id are parked once
        if matches!(units[0].verdict, "conflict" | "invalid" | "failed")
            && self.parked.insert((id.to_owned(), data.to_string()))
        {
            units[0].events.push("command.parked");
        }
        if let Some(order) = order.filter(|order| self.orders.contains_key(order)) {
            for (_, callback) in self.waiting.remove(&order).unwrap_or_default() {
                let outcome = self.callback(&callback);
                units.push(self.end(Some(order.clone()), outcome));
            }
        }
        units
    }

    /// What was seen under the same identity is not done again.
    fn identify(&mut self, kind: &str, id: &str, data: &Value) -> Outcome {
        if !validity::is_valid(kind, data) {
            return Err(Ended::Invalid);
        }
        let identity = match kind {
            "payment.callback" => {
                format!("callback {} {}", text(data, "provider"), text(data, "event_id"))
            }
            _ => format!("message {id}"),
        };
        let seen = (kind.to_owned(), data.clone());
        match self.seen.get(&identity) {
            Some(before) if *before == seen => return Err(Ended::Duplicate),
            Some(_) => return Err(Ended::Conflict),
            None => {}
        }
        let outcome = self.decide(kind, data);
        // these two use up no identity
        if !matches!(outcome, Err(Ended::Invalid | Ended::Failed { .. })) {
            self.seen.insert(identity, seen);
        }
        outcome
    }

    fn decide(&mut self, kind: &str, data: &Value) -> Outcome {
        match kind {
            "stock.set" => self.stock_set(data),
            "stock.adjust" => self.stock_adjust(data),
            "cart.put" => self.cart_put(data),
            "cart.add" => self.cart_add(data),
            "cart.clear" => self.cart_clear(data),
            "cart.merge" => self.cart_merge(data),
            "cart.checkout" => self.cart_checkout(data),
            "order.place" => self.order_place(data),
            "order.cancel" => self.order_cancel(data),
            "order.complete" => self.order_complete(data),
            "order.resolve" => self.order_resolve(data),
            "refund.request" => self.refund_request(data),
            "payment.callback" => self.callback(data),
            other => panic!("the contract has no {other}"),
        }
    }

    /// Closes the unit in hand.
    fn end(&mut self, order: Option<String>, outcome: Outcome) -> Unit {
        let mut unit = Unit { order, ..std::mem::take(&mut self.unit) };
        match outcome {
            Ok(()) => unit.verdict = "applied",
            Err(Ended::Stale) => unit.verdict = "stale",
            Err(Ended::Review) => unit.verdict = "review",
            Err(Ended::Waiting) => unit.verdict = "waiting",
            Err(Ended::Duplicate) => unit.verdict = "duplicate",
            Err(Ended::Conflict) => {
                unit.verdict = "conflict";
                unit.reason = Some("conflict");
            }
            Err(Ended::Refused { reason, detail }) => {
                unit.verdict = "rejected";
                unit.reason = Some(reason);
                unit.detail = detail;
            }
            Err(Ended::Invalid) => {
                unit.verdict = "invalid";
                unit.reason = Some("validation");
            }
            Err(Ended::Failed { reason }) => {
                unit.verdict = "failed";
                unit.reason = Some(reason);
            }
        }
        unit
    }

    fn tell(&mut self, event: &'static str) {
        self.unit.events.push(event);
    }

    /// Tells an event that says more than its type.
    fn tell_fact(&mut self, event: &'static str, fact: String) {
        self.tell(event);
        self.unit.facts.push(fact);
    }
}

fn text<'a>(data: &'a Value, field: &str) -> &'a str {
    data[field].as_str().unwrap_or_default()
}

fn number(data: &Value, field: &str) -> i64 {
    data[field].as_i64().unwrap_or_default()
}
