//! What happens to the shop, at random.

use crate::support::place;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

pub const SKUS: [&str; 3] = ["cup", "pot", "tea"];
pub const PRICE: i64 = 100;

/// One thing that happens to the shop.
#[derive(Debug, Clone)]
pub enum Happens {
    Sent(&'static str, Value),
    /// An earlier message comes again, with its id.
    Again(prop::sample::Index),
    Passes(Duration),
}

fn order() -> impl Strategy<Value = String> {
    (1..5_u8).prop_map(|order| format!("o-{order}"))
}

fn cart() -> impl Strategy<Value = String> {
    (1..3_u8).prop_map(|cart| format!("k-{cart}"))
}

fn sku() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&SKUS[..])
}

/// A callback. Its identity follows from its other fields.
fn callback() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![
        12 => Just("captured"),
        2 => Just("failed"),
        2 => Just("authorized"),
        1 => prop::sample::select(&["action_required", "voided", "expired"][..]),
        2 => Just("refund_succeeded"),
        1 => Just("refund_failed"),
        1 => prop::sample::select(&["dispute_opened", "dispute_closed"][..]),
    ];
    let currency = prop_oneof![9 => Just("EUR"), 1 => Just("USD")];
    let shares = 1..6_i64; // a total is 1 to 6 prices, mostly
    // some attempts are named for several orders: they belong to the first
    let attempt = (1..4_u8, prop::bool::weighted(0.2));
    let what = (0..3_u8, shares, currency);
    (order(), kind, attempt, what, 1..5_u8).prop_map(
        |(order, kind, (attempt, is_shared), (part, shares, currency), day)| {
            // whether refunds bounce, the histories of `life_cycles` try
            let day = if kind.starts_with("refund") { 1 } else { day };
            let attempt =
                if is_shared { format!("a-{attempt}") } else { format!("{order}/a-{attempt}") };
            let mut said = json!({
                "provider": "acme", "order_id": order, "attempt_id": attempt, "kind": kind,
                "event_id": format!("{order}/{attempt}/{kind}/{part}/{shares}/{currency}/{day}"),
                "occurred_at": format!("2026-01-0{day}T00:00:00Z"),
            });
            if matches!(kind, "captured" | "authorized" | "refund_succeeded") {
                said["amount"] = json!(shares * PRICE);
                said["currency"] = json!(currency);
            }
            match kind {
                "captured" if part > 0 => said["capture_id"] = json!(format!("cap-{part}")),
                "refund_succeeded" | "refund_failed" => said["refund_id"] = json!(refund_id(part)),
                "dispute_opened" => said["dispute_id"] = json!(format!("d-{part}")),
                "dispute_closed" => {
                    said["dispute_id"] = json!(format!("d-{part}"));
                    said["outcome"] = json!(if shares < 3 { "won" } else { "lost" });
                }
                _ => {}
            }
            said
        },
    )
}

/// A refund id of a producer or a provider, never one that orderly derives.
fn refund_id(number: u8) -> String {
    format!("p-{number}")
}

fn refund() -> impl Strategy<Value = Value> {
    let restock = prop::option::of((sku(), 1..3_u32));
    (order(), 0..3_u8, 1..6_i64, restock).prop_map(|(order, refund, shares, restock)| {
        let lines = restock.map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity}));
        json!({"order_id": order, "refund_id": refund_id(refund), "amount": shares * PRICE,
               "restock": lines.into_iter().collect::<Vec<_>>()})
    })
}

fn resolving() -> impl Strategy<Value = Value> {
    let decision = prop::sample::select(&["accept", "cancel"][..]);
    (order(), decision)
        .prop_map(|(order, decision)| json!({"order_id": order, "decision": decision}))
}

fn amending() -> impl Strategy<Value = Value> {
    let lines = prop::collection::btree_map(sku(), 0..4_u32, 0..3);
    let adjustments = prop::option::of(-3..3_i64);
    (order(), lines, adjustments).prop_map(|(order, lines, adjustments)| {
        let line = |(sku, quantity)| json!({"sku": sku, "quantity": quantity});
        let lines: Vec<_> = lines.into_iter().map(line).collect();
        let mut data = json!({"order_id": order, "lines": lines, "metadata": {}});
        if let Some(shares) = adjustments {
            data["adjustments"] = json!([{"kind": "voucher", "amount": shares * PRICE}]);
        }
        data
    })
}

fn placing() -> impl Strategy<Value = Value> {
    let line = (sku(), 1..4_u32).prop_map(|(sku, quantity)| (sku, quantity, PRICE));
    (order(), prop::collection::vec(line, 1..3)).prop_map(|(order, lines)| place(&order, &lines))
}

pub fn happens() -> impl Strategy<Value = Happens> {
    let sent = |name: &'static str| move |data| Happens::Sent(name, data);
    let count = (sku(), 0..12_u32, prop::option::of(0..4_u32)).prop_map(
        |(sku, on_hand, low_at)| json!({"sku": sku, "on_hand": on_hand, "low_at": low_at}),
    );
    let adjust = (sku(), -4..5_i32).prop_map(|(sku, delta)| json!({"sku": sku, "delta": delta}));
    let fill = (cart(), sku(), -1..4_i32).prop_map(|(cart, sku, quantity)| {
        json!({"cart_id": cart, "sku": sku, "quantity": quantity, "unit_price": PRICE,
               "currency": "EUR"})
    });
    let checkout = (cart(), order()).prop_map(
        |(cart, order)| json!({"cart_id": cart, "order_id": order, "customer": {"id": "c-1"}}),
    );
    let of_order = || order().prop_map(|order| json!({"order_id": order}));
    prop_oneof![
        2 => count.prop_map(sent("stock.set")),
        1 => adjust.prop_map(sent("stock.adjust")),
        2 => fill.prop_map(sent("cart.add")),
        1 => checkout.prop_map(sent("cart.checkout")),
        4 => placing().prop_map(sent("order.place")),
        8 => callback().prop_map(sent("payment.callback")),
        1 => of_order().prop_map(sent("order.cancel")),
        1 => of_order().prop_map(sent("order.complete")),
        2 => refund().prop_map(sent("refund.request")),
        1 => resolving().prop_map(sent("order.resolve")),
        3 => amending().prop_map(sent("order.amend")),
        3 => any::<prop::sample::Index>().prop_map(Happens::Again),
        2 => (1..40_u64).prop_map(|minutes| Happens::Passes(Duration::from_secs(60 * minutes))),
    ]
}
