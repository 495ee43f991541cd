//! All visible data of the shop as plain data. The model fills one snapshot, a test fills another from the processor.

use crate::model::Model;
use crate::state::cart::Cart;
use crate::state::ledger::{Attempt, CaptureIdentity};
use crate::state::order::Order;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The current data of the shop. States and statuses have the contract's names.
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
    /// Parked messages.
    pub parked: usize,
}

/// One order. Amounts are in minor units, times in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// All refunds in the order's currency that succeeded, but at most `paid`.
    pub refunded: i64,
    /// The refunds that the shop requested by itself.
    pub auto_refunds_requested: i64,
    /// The reservation, if the order ever had one.
    pub hold: Option<HoldSnapshot>,
    /// Units that were returned to stock, by sku.
    pub returned: BTreeMap<String, i64>,
    /// The attempts, in the order in which callbacks first named them.
    pub attempts: Vec<AttemptSnapshot>,
    /// Id, amount, currency and state of each refund, in the order in which they were requested or first reported.
    pub refunds: Vec<(String, i64, String, &'static str)>,
    /// Id and state of each dispute, in the order in which they were opened.
    pub disputes: Vec<(String, &'static str)>,
    /// Kind and reference of each notification, in the order in which they were requested.
    pub notifications: Vec<(&'static str, String)>,
}

/// One reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldSnapshot {
    /// The state.
    pub state: &'static str,
    /// When the hold expires, while it is held.
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
    /// Whether the attempt captures no more.
    pub is_final: bool,
    /// Whether the void of the attempt in its present state was requested.
    pub void_requested: bool,
    /// The identity (`capture ID` or `event ID`), amount and currency of each capture.
    pub captures: Vec<(String, i64, String)>,
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

/// The differences between two snapshots, one entry each. `product` is the snapshot of the processor.
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
