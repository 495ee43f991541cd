//! All visible data of the shop as plain data. The model fills one snapshot, a test fills another from the processor.

use crate::model::Model;
use crate::state::attempt::{Attempt, CaptureIdentity};
use crate::state::cart::Cart;
use crate::state::cart::Line;
use crate::state::order::Order;
use crate::state::orders::KnownOrders;
use crate::state::refund::{Refund, RefundState};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// The current data of the shop. States and statuses have the contract's names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Every order.
    pub orders: BTreeMap<String, OrderSnapshot>,
    /// Every sku.
    pub stock: BTreeMap<String, StockSnapshot>,
    /// Every cart.
    pub carts: BTreeMap<String, CartSnapshot>,
    /// The orders that the audit shows to a person.
    pub attention: BTreeSet<String>,
    /// Callbacks that wait for an order.
    pub waiting: usize,
    /// Parked messages.
    pub parked: usize,
}

/// One order. Amounts are in minor units, times in microseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderSnapshot {
    /// The status.
    pub status: &'static str,
    /// Whether a dispute is open or lost.
    pub is_disputed: bool,
    /// The currency.
    pub currency: String,
    /// The total.
    pub total: i64,
    /// All captures in the order's currency.
    pub paid: i64,
    /// All refunds in the order's currency that succeeded, also beyond `paid`.
    pub refunded: i64,
    /// What is open of authorizations in the order's currency.
    pub authorized: i64,
    /// What a person let go of the total.
    pub written_off: i64,
    /// The version.
    pub version: i64,
    /// When the order last changed.
    pub updated_at: i64,
    /// When the order was completed for the first time.
    pub completed_at: Option<i64>,
    /// What confirms the order: `capture` or `authorization`.
    pub confirm_on: &'static str,
    /// Sku, quantity and unit price of each line.
    pub lines: Vec<(String, i64, i64)>,
    /// Customer, addresses and metadata.
    pub details: Map<String, Value>,
    /// The reservation, if the order ever had one.
    pub hold: Option<HoldSnapshot>,
    /// Units that were returned to stock, by sku.
    pub returned: BTreeMap<String, i64>,
    /// The attempts, in the order in which callbacks first named them.
    pub attempts: Vec<AttemptSnapshot>,
    /// Attempts that ended without money and are not kept, by state.
    pub ended_attempts: BTreeMap<&'static str, i64>,
    /// The refunds and their parts, sorted.
    pub refunds: Vec<RefundSnapshot>,
    /// Provider, id and state of each dispute, in the order in which they were opened.
    pub disputes: Vec<(String, String, &'static str)>,
    /// Kind and reference of each notification, in the order in which they were requested.
    pub notifications: Vec<(&'static str, String)>,
}

/// One reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldSnapshot {
    /// The state.
    pub state: &'static str,
    /// When the hold expires, while it is held. A hold that stands with an authorization has no end.
    pub until: Option<i64>,
    /// Whether the hold was extended to its cap, while it is held.
    pub is_extended: bool,
    /// The remaining time, while the hold is held and frozen.
    pub frozen: Option<i64>,
}

/// One attempt to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptSnapshot {
    /// The provider.
    pub provider: String,
    /// The provider's id of the attempt.
    pub id: String,
    /// The state.
    pub state: &'static str,
    /// The sum of the authorizations, captured or not.
    pub authorized: i64,
    /// Whether the attempt captures no more.
    pub is_final: bool,
    /// Whether the void of the attempt in its present state was requested.
    pub void_requested: bool,
    /// The sum of the captures, by currency.
    pub captured: BTreeMap<String, i64>,
    /// The number of the oldest captures that only the sum has. The model has none.
    pub summed_up: usize,
    /// The identity (`capture ID` or `event ID`), amount and currency of each other capture.
    pub captures: Vec<(String, i64, String)>,
}

/// A refund at one attempt: the whole refund or one of its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefundSnapshot {
    /// The id of the refund.
    pub id: String,
    /// The provider. Empty if goods came back without money.
    pub provider: String,
    /// The attempt that gives money back. Empty if goods came back without money.
    pub attempt: String,
    /// What was asked for, or what came if nobody asked or more came.
    pub amount: i64,
    /// What was sent back.
    pub sent_back: i64,
    /// The currency.
    pub currency: String,
    /// The state.
    pub state: &'static str,
}

/// One sku.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockSnapshot {
    /// Units on hand.
    pub on_hand: i64,
    /// The units on hand that are held for orders.
    pub held: i64,
    /// The threshold of `stock.low`.
    pub low_at: Option<i64>,
    /// The version: the number of steps that changed the sku.
    pub version: i64,
}

/// One cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartSnapshot {
    /// The status.
    pub status: &'static str,
    /// The version: the number of changes.
    pub version: i64,
    /// The currency of the prices.
    pub currency: String,
    /// Sku, quantity and unit price of each line.
    pub lines: Vec<(String, i64, i64)>,
    /// The order that the cart became.
    pub order: Option<String>,
}

impl Model {
    /// A snapshot of the model.
    pub fn snapshot(&self) -> Snapshot {
        let text = String::as_str;
        self.snapshot_with(self.orders.ids().map(text))
    }

    /// A snapshot of the orders with these ids, as far as they exist, and of everything else.
    pub fn snapshot_with<'a>(&'a self, orders: impl Iterator<Item = &'a str>) -> Snapshot {
        let text = String::as_str;
        self.snapshot_of(orders, self.stock.keys().map(text), self.carts.keys().map(text))
    }

    /// The ids of the orders that were added, changed or deleted since the last call with the same `known`.
    pub fn changed_orders(&self, known: &mut KnownOrders) -> Vec<String> {
        known.update(&self.orders)
    }

    /// The number of orders.
    pub fn order_count(&self) -> usize {
        self.orders.len()
    }

    /// A snapshot of the orders, skus and carts with these ids, as far as they exist. The counts of waiting callbacks and parked
    /// messages are those of the whole model.
    pub fn snapshot_of<'a>(
        &self,
        orders: impl Iterator<Item = &'a str>,
        stock: impl Iterator<Item = &'a str>,
        carts: impl Iterator<Item = &'a str>,
    ) -> Snapshot {
        let orders: Vec<_> = orders.filter_map(|id| self.orders.get(id)).collect();
        let stock = stock.filter_map(|sku| self.stock.get_key_value(sku)).map(|(sku, stock)| {
            let (on_hand, held, low_at) = (stock.on_hand, stock.held, stock.low_at);
            (sku.clone(), StockSnapshot { on_hand, held, low_at, version: stock.version })
        });
        let carts = carts.filter_map(|id| self.carts.get_key_value(id));
        let attention = orders.iter().filter(|order| order.needs_attention());
        Snapshot {
            attention: attention.map(|order| order.id.clone()).collect(),
            orders: orders.iter().map(|order| (order.id.clone(), of_order(order))).collect(),
            stock: stock.collect(),
            carts: carts.map(|(id, cart)| (id.clone(), of_cart(cart))).collect(),
            waiting: self.waiting.values().map(Vec::len).sum(),
            parked: self.parked.len(),
        }
    }

    /// The order with that id, if there is one.
    pub fn order(&self, id: &str) -> Option<OrderSnapshot> {
        self.orders.get(id).map(of_order)
    }

    /// The cart with that id, if there is one.
    pub fn cart(&self, id: &str) -> Option<CartSnapshot> {
        self.carts.get(id).map(of_cart)
    }
}

fn of_cart(cart: &Cart) -> CartSnapshot {
    CartSnapshot {
        status: cart.status.into(),
        version: cart.version,
        currency: cart.currency.clone(),
        lines: of_lines(&cart.lines),
        order: cart.order.clone(),
    }
}

fn of_lines(lines: &[Line]) -> Vec<(String, i64, i64)> {
    lines.iter().map(|one| (one.sku.clone(), one.quantity, one.unit_price)).collect()
}

fn of_order(order: &Order) -> OrderSnapshot {
    let ledger = &order.ledger;
    let notifications = order.notifications.iter();
    let disputes = ledger.disputes.iter();
    let mut refunds: Vec<_> = {
        let refunds = ledger.refunds.iter();
        refunds.flat_map(|refund| of_refund(refund, &order.currency)).collect()
    };
    refunds.sort_unstable();
    let hold = order.hold.map(|hold| {
        let until = order.hold_expires_at();
        HoldSnapshot {
            state: hold.state.into(),
            until,
            is_extended: until.is_some() && hold.is_extended,
            frozen: until.and(hold.frozen),
        }
    });
    OrderSnapshot {
        status: order.status.name(),
        is_disputed: ledger.is_disputed(),
        currency: order.currency.clone(),
        total: order.total,
        paid: order.paid(),
        refunded: order.refunded(),
        authorized: order.authorized(),
        written_off: order.written_off,
        version: order.version,
        updated_at: order.updated_at,
        completed_at: order.completed_at,
        confirm_on: order.confirm_on.into(),
        lines: of_lines(&order.lines),
        details: order.details.clone(),
        hold,
        returned: order.returned.clone(),
        attempts: ledger.attempts.iter().map(of_attempt).collect(),
        ended_attempts: ledger.ended_attempts.clone(),
        refunds,
        disputes: disputes
            .map(|one| (one.provider.clone(), one.id.clone(), one.state.into()))
            .collect(),
        notifications: notifications.map(|(kind, about)| (kind.name(), about.clone())).collect(),
    }
}

fn of_refund(refund: &Refund, own: &str) -> Vec<RefundSnapshot> {
    let goods = refund.has_goods_alone.then(|| RefundSnapshot {
        id: refund.id.clone(),
        provider: String::new(),
        attempt: String::new(),
        amount: 0,
        sent_back: 0,
        currency: own.to_owned(),
        state: RefundState::Succeeded.into(),
    });
    let parts = refund.parts.iter().map(|part| RefundSnapshot {
        id: refund.id.clone(),
        provider: part.provider.clone(),
        attempt: part.attempt.clone(),
        amount: part.amount,
        sent_back: part.sent_back(),
        currency: part.currency.clone(),
        state: part.state.into(),
    });
    goods.into_iter().chain(parts).collect()
}

fn of_attempt(attempt: &Attempt) -> AttemptSnapshot {
    let captures = attempt.captures.iter().map(|capture| {
        let identity = match &capture.identity {
            CaptureIdentity::Capture(id) => format!("capture {id}"),
            CaptureIdentity::Event(id) => format!("event {id}"),
        };
        (identity, capture.amount, capture.currency.clone())
    });
    let mut captured = BTreeMap::new();
    for capture in attempt.captures.iter().filter(|capture| capture.amount > 0) {
        *captured.entry(capture.currency.clone()).or_default() += capture.amount;
    }
    AttemptSnapshot {
        captured,
        summed_up: 0,
        provider: attempt.provider.clone(),
        id: attempt.id.clone(),
        state: attempt.state.into(),
        authorized: attempt.authorizations.iter().map(|one| one.amount).sum(),
        is_final: attempt.is_final,
        void_requested: attempt.void_requested,
        captures: captures.collect(),
    }
}

/// The differences between two snapshots, one entry each. `product` is the snapshot of the processor.
pub fn differences(product: &Snapshot, model: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    if product == model {
        return found;
    }
    let orders = summed_up_alike(&product.orders, &model.orders);
    maps("order", &product.orders, &orders, &mut found);
    maps("stock of", &product.stock, &model.stock, &mut found);
    maps("cart", &product.carts, &model.carts, &mut found);
    if product.attention != model.attention {
        let (product, model) = (&product.attention, &model.attention);
        found.push(format!("attention: the processor has {product:?}, the model {model:?}"));
    }
    let counts = [
        ("waiting callbacks", product.waiting, model.waiting),
        ("parked messages", product.parked, model.parked),
    ];
    for (what, product, model) in counts {
        if product != model {
            found.push(format!("{what}: the processor has {product}, the model {model}"));
        }
    }
    found
}

/// The orders of the model, with as many captures of each attempt summed up as the processor has summed up.
fn summed_up_alike(
    product: &BTreeMap<String, OrderSnapshot>,
    model: &BTreeMap<String, OrderSnapshot>,
) -> BTreeMap<String, OrderSnapshot> {
    let mut model = model.clone();
    for (id, order) in product {
        let attempts = model.get_mut(id).into_iter().flat_map(|order| &mut order.attempts);
        for (own, attempt) in attempts.zip(&order.attempts) {
            own.summed_up = attempt.summed_up.min(own.captures.len());
            own.captures.drain(..own.summed_up);
        }
    }
    model
}

fn maps<T: PartialEq + Debug>(
    what: &str,
    product: &BTreeMap<String, T>,
    model: &BTreeMap<String, T>,
    found: &mut Vec<String>,
) {
    let mut keys: Vec<_> = product.keys().chain(model.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let (product, model) = (product.get(key), model.get(key));
        if product != model {
            let [product, model] = [product, model].map(|state| format!("{state:#?}"));
            let (product, model) = without_common_lines(&product, &model);
            found.push(format!("{what} {key}: the processor has {product}\nthe model {model}"));
        }
    }
}

/// Two texts without the lines with which both begin and end.
fn without_common_lines(one: &str, other: &str) -> (String, String) {
    let (mut one, mut other): (Vec<_>, Vec<_>) = (one.lines().collect(), other.lines().collect());
    while one.last().is_some() && one.last() == other.last() {
        one.pop();
        other.pop();
    }
    let pairs = one.iter().zip(&other);
    let common = pairs.take_while(|(one, other)| one == other).count();
    (one[common..].join("\n"), other[common..].join("\n"))
}
