//! What can be seen of the shop, of the real one and of the model's, in the same words.

use crate::model::{Attempt, Model, Order};
use crate::support::Shop;
use orderly_actors::counters;
use orderly_actors::tables;
use orderly_domain::cart::Cart;
use orderly_domain::id::OrderId;
use orderly_domain::inventory::{HoldState, Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::payment::{CaptureIdentity, Payments, RefundState};
use serde_json::{Map, Value, json};

/// What the model says the shop looks like.
pub fn of_model(model: &Model) -> Value {
    let cap = model.terms.hold_cap;
    let orders: Map<_, _> =
        model.orders.iter().map(|(id, order)| (id.clone(), model_order(order, cap))).collect();
    let stock: Map<_, _> = model
        .stock
        .iter()
        .map(|(sku, stock)| {
            let (on_hand, held) = (stock.on_hand, stock.held);
            let available = stock.available();
            (sku.clone(), json!({"on_hand": on_hand, "held": held, "available": available}))
        })
        .collect();
    let carts: Map<_, _> = model
        .carts
        .iter()
        .map(|(id, cart)| {
            let lines: Vec<_> = cart
                .lines
                .iter()
                .map(|line| json!([line.sku, line.quantity, line.unit_price]))
                .collect();
            let picture = json!({
                "status": cart.status.name(), "version": cart.version, "currency": cart.currency,
                "lines": lines, "order": cart.order,
            });
            (id.clone(), picture)
        })
        .collect();
    let waiting: usize = model.waiting.values().map(Vec::len).sum();
    json!({"orders": orders, "stock": stock, "carts": carts, "waiting": waiting})
}

fn model_order(order: &Order, hold_cap: i64) -> Value {
    let ledger = &order.ledger;
    let attempts: Vec<_> = ledger.attempts.iter().map(model_attempt).collect();
    let refunds: Vec<_> = ledger
        .refunds
        .iter()
        .map(|refund| json!([refund.id, refund.amount, refund.currency, refund.state.name()]))
        .collect();
    let disputes: Vec<_> = ledger.disputes.iter().map(|(id, state)| json!([id, state])).collect();
    let notices: Vec<_> = order.notices.iter().map(|(kind, about)| json!([kind, about])).collect();
    json!({
        "status": order.status.name(),
        "disputed": ledger.disputed(),
        "total": order.total,
        "paid": order.paid(),
        "refunded": order.refunded(),
        "hold": order.hold.as_ref().map(|hold| hold.state.name()),
        "hold_ends": order.hold_ends(hold_cap),
        "attempts": attempts,
        "refunds": refunds,
        "disputes": disputes,
        "notices": notices,
    })
}

fn model_attempt(attempt: &Attempt) -> Value {
    let captures: Vec<_> = attempt
        .captures
        .iter()
        .map(|capture| json!([capture.identity, capture.amount, capture.currency]))
        .collect();
    json!([attempt.provider, attempt.id, attempt.state.name(), captures])
}

/// What the shop looks like, of all that `model` knows by id.
pub fn of_shop(shop: &Shop, model: &Model) -> Value {
    let orders: Map<_, _> = ids(model.orders.keys(), &["o-1", "o-2", "o-3"])
        .filter_map(|id| Some((id.clone(), shop_order(shop, &id)?)))
        .collect();
    let stock: Map<_, _> = ids(model.stock.keys(), &["cup", "pot", "tea", "ghost"])
        .filter_map(|sku| {
            let stock: Stock = shop.state(tables::SKUS, &sku)?;
            let (on_hand, held) = (stock.on_hand, stock.held);
            let available = stock.available();
            Some((sku, json!({"on_hand": on_hand, "held": held, "available": available})))
        })
        .collect();
    let carts: Map<_, _> = ids(model.carts.keys(), &["k-1", "k-2"])
        .filter_map(|id| {
            let cart: Cart = shop.state(tables::CARTS, &id)?;
            let lines: Vec<_> = cart
                .lines
                .iter()
                .map(|line| json!([line.sku.as_str(), line.quantity.get(), line.unit_price.get()]))
                .collect();
            let picture = json!({
                "status": cart.status.as_str(), "version": cart.version,
                "currency": cart.currency.code(), "lines": lines,
                "order": cart.order.as_ref().map(OrderId::as_str),
            });
            Some((id, picture))
        })
        .collect();
    let waiting = counters::waiting(&shop.sequencer.view().borrow());
    json!({"orders": orders, "stock": stock, "carts": carts, "waiting": waiting})
}

/// Those that the model knows, and those that it might have missed.
fn ids<'a>(
    known: impl Iterator<Item = &'a String>,
    possible: &[&str],
) -> impl Iterator<Item = String> {
    let mut ids: Vec<_> = known.cloned().collect();
    ids.extend(possible.iter().map(|&id| id.to_owned()));
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
}

fn shop_order(shop: &Shop, id: &str) -> Option<Value> {
    let order: orderly_domain::order::Order = shop.state(tables::ORDERS, id)?;
    let payments: Payments = shop.state(tables::ORDERS, id).unwrap_or_default();
    let reservation: Option<Reservation> = shop.state(tables::ORDERS, id);
    let notices: Notices = shop.state(tables::ORDERS, id).unwrap_or_default();
    let state = reservation.map(|reservation| reservation.state);
    let hold_ends = match state {
        Some(HoldState::Held { until, .. }) => Some(until.micros()),
        Some(HoldState::Committed | HoldState::Released | HoldState::Expired) | None => None,
    };
    let attempts: Vec<_> = payments.attempts.iter().map(shop_attempt).collect();
    let refunds: Vec<_> = payments
        .refunds
        .iter()
        .map(|refund| {
            let state = match refund.state {
                RefundState::Requested => "requested",
                RefundState::Succeeded => "succeeded",
                RefundState::Failed => "failed",
            };
            json!([refund.id.as_str(), refund.amount, refund.currency.code(), state])
        })
        .collect();
    let disputes: Vec<_> = payments
        .disputes
        .iter()
        .map(|dispute| json!([dispute.id.as_str(), dispute.state.as_str()]))
        .collect();
    let notices: Vec<_> =
        notices.all.iter().map(|notice| json!([notice.kind.as_str(), notice.reference])).collect();
    Some(json!({
        "status": order.status.as_str(),
        "disputed": order.disputed,
        "total": order.total,
        "paid": order.paid,
        "refunded": order.refunded(),
        "hold": state.map(HoldState::as_str),
        "hold_ends": hold_ends,
        "attempts": attempts,
        "refunds": refunds,
        "disputes": disputes,
        "notices": notices,
    }))
}

fn shop_attempt(attempt: &orderly_domain::payment::Attempt) -> Value {
    let captures: Vec<_> = attempt
        .captures
        .iter()
        .map(|capture| {
            let identity = match &capture.identity {
                CaptureIdentity::Capture(id) => format!("capture {id}"),
                CaptureIdentity::Event(id) => format!("event {id}"),
            };
            json!([identity, capture.amount, capture.currency.code()])
        })
        .collect();
    json!([attempt.provider.as_str(), attempt.id.as_str(), attempt.state.as_str(), captures])
}

/// Where two pictures differ, one line a place.
pub fn differences(path: &str, shop: &Value, model: &Value, found: &mut Vec<String>) {
    match (shop, model) {
        (Value::Object(left), Value::Object(right)) => {
            let mut keys: Vec<_> = left.keys().chain(right.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let path = format!("{path}/{key}");
                differences(&path, &shop[key], &model[key], found);
            }
        }
        _ if shop == model => {}
        _ => found.push(format!("{path}: the shop has {shop}, the model {model}")),
    }
}
