//! The producers: a shop with few articles, scarce stock and impatient customers. The callbacks of its payment providers come
//! repeatedly, too early, too late and with wrong amounts.

mod payments;

use crate::case::{Case, Fault, Purpose};
use crate::message::Message;
use bytes::Bytes;
use orderly_demo::Random;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Reason;
use orderly_model::Model;
use orderly_model::snapshot::OrderSnapshot;
use serde_json::{Value, json};

const SKUS: [&str; 4] = ["tea", "cup", "pot", "jam"];
/// A sku that is never stocked.
const UNKNOWN: &str = "yeti";
const CARTS: u64 = 6;
/// The largest number of copies of a message.
const COPIES: u64 = 3;
/// Orders that customers and providers still think of.
const RECENT: u64 = 7;
/// Orders that may be completed, refunded or judged: their time comes later.
const KNOWN: u64 = 24;
/// The most messages with large bodies.
const MOST_LARGE: u32 = 25;

#[derive(Clone, Copy)]
enum Kind {
    Stock,
    Cart,
    Merge,
    Checkout,
    Place,
    Cancel,
    Complete,
    Resolve,
    Refund,
    Amend,
    Capture,
    Callback,
    Conflict,
    Poison,
}

/// Makes messages.
pub(crate) struct Shop {
    case: Case,
    /// The random numbers of the message in hand.
    random: Random,
    /// Messages so far.
    turns: u64,
    /// Messages with an id of their own so far.
    made: u64,
    /// Messages with large bodies that may still be made.
    large_left: u32,
    orders: u64,
    events: u64,
    /// Earlier messages, to repeat or to contradict.
    sent: Vec<Message>,
}

impl Shop {
    pub(crate) fn new(case: Case, has_large_bodies: bool) -> Self {
        Self {
            random: case.random(Purpose::Command, 0),
            case,
            turns: 0,
            made: 0,
            large_left: if has_large_bodies { MOST_LARGE } else { 0 },
            orders: 0,
            events: 0,
            sent: Vec::new(),
        }
    }

    /// The copies of the next message. The first messages set the stock.
    pub(crate) fn next(&mut self, model: &Model, now: Timestamp) -> Vec<Message> {
        self.turns += 1;
        self.random = self.case.random(Purpose::Command, self.turns);
        let kind = if self.made < SKUS.len() as u64 { Kind::Stock } else { self.kind() };
        let message = match kind {
            Kind::Stock => self.stock(now),
            Kind::Cart => self.cart(now),
            Kind::Merge => self.merge(now),
            Kind::Checkout => self.checkout(model, now),
            Kind::Place => self.place(now),
            Kind::Cancel => {
                let data = json!({"order_id": self.order()});
                self.message("order.cancel", &data, now)
            }
            Kind::Complete => {
                let order = self.order_that(KNOWN, model, |order| order.status == "paid");
                let data = json!({"order_id": order});
                self.message("order.complete", &data, now)
            }
            Kind::Resolve => {
                let decision = self.random.pick(&["accept", "cancel", "return"]);
                let order = self.order_that(KNOWN, model, |order| order.status == "under_review");
                let mut data = json!({"order_id": order, "decision": decision});
                if decision == "accept" && self.random.one_in(2) {
                    data["write_off"] = json!(self.random.pick(&[1, 250, 600]));
                }
                self.message("order.resolve", &data, now)
            }
            Kind::Capture => {
                let order = self.order_that(KNOWN, model, |order| order.authorized > 0);
                let mut data = json!({"order_id": order});
                if self.random.one_in(4) {
                    data["amount"] = json!(self.random.pick(&[1, 100, 250]));
                }
                if self.random.one_in(3) {
                    data["again"] = json!(true);
                }
                self.message("order.capture", &data, now)
            }
            Kind::Refund => self.refund(model, now),
            Kind::Amend => self.amend(model, now),
            Kind::Callback => self.callback(model, now),
            Kind::Conflict => self.conflict(now),
            Kind::Poison => self.poison(now),
        };
        if message.defect.is_none() {
            self.sent.push(message.clone());
        }
        let copies = if self.random.one_in(2) { 1 } else { self.random.between(1, COPIES) };
        let copies = if self.case.has(Fault::Copies) { copies } else { 1 };
        (0..copies).map(|_| message.clone()).collect()
    }

    fn kind(&mut self) -> Kind {
        self.random.weighted(&[
            (8, Kind::Stock),
            (16, Kind::Cart),
            (4, Kind::Merge),
            (8, Kind::Checkout),
            (18, Kind::Place),
            (4, Kind::Cancel),
            (4, Kind::Complete),
            (4, Kind::Resolve),
            (16, Kind::Refund),
            (8, Kind::Amend),
            (4, Kind::Capture),
            (40, Kind::Callback),
            (5, Kind::Conflict),
            (if self.large_left > 0 { 110 } else { 4 }, Kind::Poison),
        ])
    }

    fn message(&mut self, kind: &'static str, data: &Value, now: Timestamp) -> Message {
        self.made += 1;
        Message {
            source: self.random.pick(&["web", "till"]),
            id: format!("m-{}", self.made),
            kind,
            body: Bytes::from(data.to_string()),
            time: now,
            defect: None,
            attempts: 0,
        }
    }

    fn sku(&mut self) -> &'static str {
        if self.random.one_in(40) { UNKNOWN } else { self.random.pick(&SKUS) }
    }

    /// An order that was placed lately, or will be soon; rarely any.
    fn order(&mut self) -> String {
        let until = self.orders + 2;
        let from = if self.random.one_in(20) { 0 } else { until.saturating_sub(RECENT + 2) };
        format!("o-{}", self.random.between(from, until))
    }

    /// One of the last `count` orders that is such, if there is one; at times any.
    fn order_that(
        &mut self,
        count: u64,
        model: &Model,
        is_such: impl Fn(&OrderSnapshot) -> bool,
    ) -> String {
        let any = self.order();
        if self.random.one_in(5) {
            return any;
        }
        let lately = self.orders.saturating_sub(count)..=self.orders;
        let ids = lately.map(|number| format!("o-{number}"));
        let found: Vec<_> =
            ids.filter(|id| model.order(id).is_some_and(|order| is_such(&order))).collect();
        found.get(self.random.index(found.len())).cloned().unwrap_or(any)
    }

    fn new_order(&mut self) -> String {
        if self.orders > 0 && self.random.one_in(20) {
            return self.order(); // taken, perhaps
        }
        self.orders += 1;
        format!("o-{}", self.orders)
    }

    fn stock(&mut self, now: Timestamp) -> Message {
        let first = usize::try_from(self.made).ok().and_then(|made| SKUS.get(made));
        if first.is_none() && self.random.one_in(2) {
            let delta = i64::try_from(self.random.below(12)).expect("it is small") - 3;
            let data = json!({"sku": self.sku(), "delta": delta});
            return self.message("stock.adjust", &data, now);
        }
        let sku = first.copied().unwrap_or_else(|| self.random.pick(&SKUS));
        let mut data = json!({"sku": sku, "on_hand": self.random.pick(&[0, 2, 9, 14, 40, 90])});
        if self.random.one_in(2) {
            data["low_at"] = json!(self.random.below(4));
        }
        if self.random.one_in(8) {
            data["expected_version"] = json!(self.random.below(20));
        }
        self.message("stock.set", &data, now)
    }

    fn cart(&mut self, now: Timestamp) -> Message {
        let cart = format!("k-{}", self.random.below(CARTS));
        let mut data = json!({"cart_id": cart});
        if self.random.one_in(10) {
            data["expected_version"] = json!(self.random.below(4));
        }
        if self.random.one_in(12) {
            return self.message("cart.clear", &data, now);
        }
        data["sku"] = json!(self.sku());
        data["unit_price"] = json!(self.random.pick(&[100, 250, 500]));
        data["currency"] = json!(if self.random.one_in(25) { "USD" } else { "EUR" });
        if self.random.one_in(2) {
            data["quantity"] = json!(self.random.below(4));
            return self.message("cart.put", &data, now);
        }
        data["quantity"] = json!(self.random.pick(&[-2, -1, 1, 1, 2, 3]));
        self.message("cart.add", &data, now)
    }

    fn merge(&mut self, now: Timestamp) -> Message {
        let (from, into) = (self.random.below(CARTS), self.random.below(CARTS + 2));
        let data =
            json!({"from_cart_id": format!("k-{from}"), "into_cart_id": format!("k-{into}")});
        let mut message = self.message("cart.merge", &data, now);
        if from == into {
            message.defect = Some(Reason::Validation);
        }
        message
    }

    fn extras(&mut self, data: &mut Value) {
        if self.random.one_in(6) {
            let amount = self.random.pick(&[-100, -250, 90]);
            data["adjustments"] = json!([{"kind": "voucher", "amount": amount}]);
        }
        if self.random.one_in(3) {
            data["confirm_on"] = json!(self.random.pick(&["capture", "authorization"]));
        }
        if self.random.one_in(4) {
            data["hold_for"] = json!(self.random.pick(&["1m", "5m", "40m", "500m"]));
        }
        if self.random.one_in(6) {
            data["shipping_address"] = json!({"lines": ["Am Ufer 5"], "country": "DE", "floor": 3});
            data["metadata"] = json!({"gift": self.random.one_in(2)});
        }
    }

    /// A change of an order that is valid for every order: at least one unit stays, and the total is not below 0.
    fn amend(&mut self, model: &Model, now: Timestamp) -> Message {
        let is_sold = self.random.one_in(3);
        let id = self.order_that(RECENT, model, |order| {
            if is_sold { order.status == "paid" } else { awaits_payment(order) }
        });
        let order = model.order(&id);
        let mut data = json!({"order_id": id});
        let changes_goods = match self.random.below(4) {
            0 | 1 => {
                let (sku, quantity) = self.line_of(order.as_ref());
                let most = if is_sold { quantity } else { quantity + 2 };
                data["lines"] = json!([{"sku": sku, "quantity": self.random.between(1, most)}]);
                data["adjustments"] = json!([]);
                true
            }
            2 => {
                let amount = self.random.pick(&[0, 90]);
                data["adjustments"] = json!([{"kind": "shipping", "amount": amount}]);
                true
            }
            _ => false,
        };
        let has_note = self.random.one_in(4);
        if has_note || !changes_goods {
            data["metadata"] = json!({"note": "ring twice"});
        }
        if self.random.one_in(6) {
            let version = order.map_or(1, |order| order.version);
            data["expected_version"] = json!(self.random.pick(&[version, version, 2]));
        }
        self.message("order.amend", &data, now)
    }

    /// The sku and the quantity of a line of the order; at times any sku.
    fn line_of(&mut self, order: Option<&OrderSnapshot>) -> (String, u64) {
        let lines = order.map_or(&[][..], |order| order.lines.as_slice());
        let line = lines.get(self.random.index(lines.len()));
        match line {
            Some((sku, quantity, _)) if !self.random.one_in(8) => {
                (sku.clone(), u64::try_from(*quantity).unwrap_or(1).max(1))
            }
            _ => (self.sku().to_owned(), 2),
        }
    }

    fn checkout(&mut self, model: &Model, now: Timestamp) -> Message {
        let cart = format!("k-{}", self.random.below(CARTS));
        let order = self.new_order();
        let mut data =
            json!({"cart_id": cart, "order_id": order, "customer": {"id": "c-1", "email": "c@x"}});
        self.extras(&mut data);
        if self.random.one_in(8) {
            data["expected_total"] = json!(self.random.pick(&[100, 500, 750]));
        }
        if self.random.one_in(5) {
            let version = model.cart(&cart).map_or(0, |cart| cart.version);
            data["expected_version"] = json!(version);
        }
        self.message("cart.checkout", &data, now)
    }

    fn place(&mut self, now: Timestamp) -> Message {
        let lines = 1 + self.random.below(3);
        let mut line = |_| {
            let sku = self.sku();
            json!({"sku": sku, "quantity": self.random.between(1, 3),
                   "unit_price": self.random.pick(&[0, 100, 250])})
        };
        let lines: Vec<_> = (0..lines).map(&mut line).collect();
        let mut data = json!({"order_id": self.new_order(), "customer": {"id": "c-2"},
                              "currency": "EUR", "lines": lines});
        self.extras(&mut data);
        let total: i64 = lines
            .iter()
            .map(|line| line["quantity"].as_i64().zip(line["unit_price"].as_i64()))
            .map(|line| line.map_or(0, |(quantity, price)| quantity * price))
            .sum();
        let voucher = data["adjustments"][0]["amount"].as_i64().unwrap_or_default();
        let mut message = self.message("order.place", &data, now);
        if total + voucher < 0 {
            message.defect = Some(Reason::Validation);
        }
        message
    }

    /// The data of one of the last few messages of a type.
    fn earlier(&mut self, kind: &str) -> Option<Bytes> {
        let before = self.sent.iter().rev().filter(|one| one.kind == kind);
        let before: Vec<_> = before.take(8).map(|one| one.body.clone()).collect();
        before.get(self.random.index(before.len())).cloned()
    }

    /// An earlier identity with other data, or with the same data written differently.
    fn conflict(&mut self, now: Timestamp) -> Message {
        let before = self.sent[self.random.index(self.sent.len())].clone();
        let mut data: Value = serde_json::from_slice(&before.body).expect("it is valid");
        if self.random.one_in(3) {
            data["x_note"] = json!("a field that nobody knows");
        } else if let Some(amount) = data["amount"].as_i64() {
            data["amount"] = json!(amount + 1);
        } else if let Some(on_hand) = data["on_hand"].as_i64() {
            data["on_hand"] = json!(on_hand + 1);
        } else if !data["order_id"].is_null() {
            data["order_id"] = json!("o-0");
        } else if before.kind == "cart.merge" {
            data["into_cart_id"] = json!("k-9");
        } else if before.kind == "cart.clear" {
            data["cart_id"] = json!("k-0");
        } else {
            data["sku"] = json!("jam");
        }
        Message { body: Bytes::from(data.to_string()), time: now.max(before.time), ..before }
    }

    fn poison(&mut self, now: Timestamp) -> Message {
        let (kind, body, reason) = self.random.pick(&[
            ("order.place", "{\"order_id\": ", Reason::Malformed),
            ("order.fly", "{}", Reason::UnknownType),
            ("order.cancel", "{\"order_id\": \"\"}", Reason::Validation),
            ("stock.set", "{\"sku\": \"tea\", \"on_hand\": -1}", Reason::Validation),
            ("cart.clear", "[]", Reason::Validation),
        ]);
        let mut message = self.message(kind, &json!({}), now);
        message.body = Bytes::from_static(body.as_bytes());
        message.defect = Some(reason);
        if self.large_left > 0 {
            self.large_left -= 1;
            let length = self.random.between(300_000, 1_000_000);
            message.body = vec![b'?'; usize::try_from(length).expect("it is small")].into();
            (message.kind, message.defect) = ("stock.set", Some(Reason::Malformed));
        }
        message
    }
}

/// Whether a payment would be welcome.
fn awaits_payment(order: &OrderSnapshot) -> bool {
    matches!(order.status, "awaiting_payment" | "authorized" | "partially_paid")
}
