//! Everything that can be seen of the shop, in plain data: the model's and, filled in by a test, the processor's.

use crate::model::Model;
use crate::state::cart::Cart;
use crate::state::ledger::{Attempt, CaptureIdentity};
use crate::state::order::Order;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The shop as it stands. States and statuses have the contract's names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Every order.
    pub orders: BTreeMap<String, OrderSnapshot>,
    /// Every sku.
    pub stock: BTreeMap<String, StockSnapshot>,
    /// Every cart.
    pub carts: BTreeMap<String, CartSnapshot>,
    /// Callbacks that wait for an order.
    pub waiting: usize,
    /// Messages that are put aside for a person.
    pub parked: usize,
}

/// One order. Amounts are in minor units, times in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderSnapshot {
    /// Its status.
    pub status: &'static str,
    /// A dispute is open or lost.
    pub is_disputed: bool,
    /// Its currency.
    pub currency: String,
    /// What it costs.
    pub total: i64,
    /// All captured in its currency.
    pub paid: i64,
    /// All refunds of it that succeeded, up to `paid`.
    pub refunded: i64,
    /// What the shop by itself asked back.
    pub auto_refunds_requested: i64,
    /// Its reservation, if it ever had one.
    pub hold: Option<HoldSnapshot>,
    /// Units that came back, by sku.
    pub returned: BTreeMap<String, i64>,
    /// In the order in which they were first heard of.
    pub attempts: Vec<AttemptSnapshot>,
    /// Id, amount, currency and state, in the order in which they were first heard of.
    pub refunds: Vec<(String, i64, String, &'static str)>,
    /// Id and state, in the order in which they were opened.
    pub disputes: Vec<(String, &'static str)>,
    /// Kind and reference, in the order in which they were requested.
    pub notifications: Vec<(&'static str, String)>,
}

/// One reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldSnapshot {
    /// Its state.
    pub state: &'static str,
    /// While it is held: when it expires.
    pub until: Option<i64>,
    /// While it is held: whether it goes on to the cap.
    pub is_extended: bool,
    /// While it is held and frozen: the time that is left.
    pub frozen: Option<i64>,
}

/// One attempt to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptSnapshot {
    /// Its provider.
    pub provider: String,
    /// Its id there.
    pub id: String,
    /// Its state.
    pub state: &'static str,
    /// It captures no more.
    pub is_final: bool,
    /// The provider was asked to void it as it stands.
    pub void_requested: bool,
    /// What each capture is counted by (`capture ID` or `event ID`), its amount and its currency.
    pub captures: Vec<(String, i64, String)>,
}

/// One sku.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockSnapshot {
    /// Units in the house.
    pub on_hand: i64,
    /// Of them, set aside for orders.
    pub held: i64,
    /// Where stock.low begins.
    pub low_at: Option<i64>,
}

/// One cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartSnapshot {
    /// Its status.
    pub status: &'static str,
    /// Counts its changes.
    pub version: i64,
    /// The currency of its prices.
    pub currency: String,
    /// Sku, quantity and price of one.
    pub lines: Vec<(String, i64, i64)>,
    /// The order that it became.
    pub order: Option<String>,
}

impl Model {
    /// The shop as the model has it.
    pub fn snapshot(&self) -> Snapshot {
        let orders = self.orders.iter().map(|(id, order)| (id.clone(), of_order(order)));
        let stock = self.stock.iter().map(|(sku, stock)| {
            let (on_hand, held, low_at) = (stock.on_hand, stock.held, stock.low_at);
            (sku.clone(), StockSnapshot { on_hand, held, low_at })
        });
        let carts = self.carts.iter().map(|(id, cart)| (id.clone(), of_cart(cart)));
        Snapshot {
            orders: orders.collect(),
            stock: stock.collect(),
            carts: carts.collect(),
            waiting: self.waiting.values().map(Vec::len).sum(),
            parked: self.parked.len(),
        }
    }

    /// One order, if there is one of that id.
    pub fn order(&self, id: &str) -> Option<OrderSnapshot> {
        self.orders.get(id).map(of_order)
    }

    /// One cart, if there is one of that id.
    pub fn cart(&self, id: &str) -> Option<CartSnapshot> {
        self.carts.get(id).map(of_cart)
    }
}

fn of_cart(cart: &Cart) -> CartSnapshot {
    let lines = cart.lines.iter();
    CartSnapshot {
        status: cart.status.into(),
        version: cart.version,
        currency: cart.currency.clone(),
        lines: lines.map(|one| (one.sku.clone(), one.quantity, one.unit_price)).collect(),
        order: cart.order.clone(),
    }
}

fn of_order(order: &Order) -> OrderSnapshot {
    let ledger = &order.ledger;
    let refunds = ledger.refunds.iter();
    let refunds = refunds
        .map(|one| (one.id.clone(), one.amount, one.currency.clone(), one.state.into()))
        .collect();
    let notifications = order.notifications.iter();
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
        auto_refunds_requested: order.auto_refunds_requested,
        hold,
        returned: order.returned.clone(),
        attempts: ledger.attempts.iter().map(of_attempt).collect(),
        refunds,
        disputes: ledger.disputes.iter().map(|(id, state)| (id.clone(), (*state).into())).collect(),
        notifications: notifications.map(|(kind, about)| (kind.name(), about.clone())).collect(),
    }
}

fn of_attempt(attempt: &Attempt) -> AttemptSnapshot {
    let captures = attempt.captures.iter().map(|capture| {
        let identity = match &capture.identity {
            CaptureIdentity::Capture(id) => format!("capture {id}"),
            CaptureIdentity::Event(id) => format!("event {id}"),
        };
        (identity, capture.amount, capture.currency.clone())
    });
    AttemptSnapshot {
        provider: attempt.provider.clone(),
        id: attempt.id.clone(),
        state: attempt.state.into(),
        is_final: attempt.is_final,
        void_requested: attempt.void_requested,
        captures: captures.collect(),
    }
}

/// Where two snapshots differ, one entry each; `product` is the processor's.
pub fn differences(product: &Snapshot, model: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    if product == model {
        return found;
    }
    maps("order", &product.orders, &model.orders, &mut found);
    maps("stock of", &product.stock, &model.stock, &mut found);
    maps("cart", &product.carts, &model.carts, &mut found);
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
            found.push(format!(
                "{what} {key}: the processor has {product:#?}\nthe model {model:#?}"
            ));
        }
    }
}
