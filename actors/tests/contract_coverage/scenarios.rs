//! The scenarios: each leads a shop through what can happen to stock, carts, orders, money or notifications.

use crate::scenario::Scenario;
use crate::support::{self, DAY, line, place, said};
use orderly_actors::sequencer::Settings;
use orderly_domain::notification::{Failure, Sent};
use serde_json::{Value, json};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Every scenario.
pub(crate) async fn all() -> Vec<Scenario> {
    vec![
        stock().await,
        carts().await,
        paid_orders().await,
        unpaid_orders().await,
        authorizations().await,
        reviews().await,
        refunds().await,
        amendments().await,
        early_callbacks().await,
        notifications().await,
        no_channels().await,
        no_room_for_parked_messages().await,
    ]
}

fn of(order: &str) -> Value {
    json!({"order_id": order})
}

fn with(mut data: Value, field: &str, value: Value) -> Value {
    data[field] = value;
    data
}

async fn stock() -> Scenario {
    let mut scenario = Scenario::begin().await;
    scenario.run("stock.set", json!({"sku": "tea", "on_hand": 5, "low_at": 3})).await;
    scenario.run("stock.adjust", json!({"sku": "tea", "delta": -1})).await;
    scenario.run("stock.adjust", json!({"sku": "ghost", "delta": 1})).await;
    let address = json!({
        "name": "Ada Lovelace", "company": "Analytical", "lines": ["Am Ufer 5"], "city": "Köln",
        "region": "NRW", "postal_code": "50667", "country": "DE",
    });
    let placed = with(place("o-1", &[("tea", 2, 500)]), "shipping_address", address.clone());
    let placed = with(with(placed, "billing_address", address), "metadata", json!({"gift": true}));
    scenario.run("order.place", placed).await;
    scenario.run("stock.set", json!({"sku": "tea", "on_hand": 1})).await;
    scenario.run("stock.adjust", json!({"sku": "tea", "delta": -3})).await;
    scenario.run("order.place", place("o-2", &[("tea", 3, 500)])).await;
    scenario.run("order.place", place("o-3", &[("ghost", 1, 500)])).await;
    scenario
}

async fn carts() -> Scenario {
    let mut scenario = Scenario::begin().await;
    let checkout =
        |cart: &str| json!({"cart_id": cart, "order_id": "o-1", "customer": {"id": "c-1"}});
    scenario.run("cart.clear", json!({"cart_id": "k-1"})).await;
    scenario.run("cart.put", line("k-1", "tea", 2)).await;
    scenario.run("cart.add", line("k-1", "tea", -1)).await;
    scenario.run("cart.put", with(line("k-1", "tea", 2), "expected_version", json!(9))).await;
    scenario.run("cart.put", with(line("k-1", "tea", 2), "currency", json!("USD"))).await;
    scenario.run("cart.clear", json!({"cart_id": "k-1"})).await;
    scenario.run("cart.checkout", checkout("k-1")).await;
    scenario.run("cart.put", line("k-2", "tea", 1)).await;
    scenario.run("cart.merge", json!({"from_cart_id": "k-2", "into_cart_id": "k-1"})).await;
    scenario.run("cart.checkout", with(checkout("k-1"), "expected_total", json!(1))).await;
    scenario.run("cart.checkout", checkout("k-1")).await;
    scenario.run("cart.put", line("k-1", "tea", 2)).await;
    scenario.pass(15 * MINUTE).await;
    scenario.pass(40 * DAY).await;
    scenario
}

async fn paid_orders() -> Scenario {
    let mut scenario = Scenario::begin().await;
    scenario.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    for text in ["action_required a", "failed a", "authorized b 500", "voided b", "expired c"] {
        scenario.run("payment.callback", said("o-1", text)).await;
    }
    scenario.run("payment.callback", said("o-1", "authorized d 500")).await;
    let paid = said("o-1", "captured e 500");
    scenario.run("payment.callback", paid.clone()).await;
    scenario.run("payment.callback", paid.clone()).await;
    scenario.run("payment.callback", with(paid, "amount", json!(499))).await;
    let failed = with(said("o-1", "failed f"), "currency", Value::Null);
    scenario.run("payment.callback", failed).await;
    scenario.run("order.cancel", of("o-1")).await;
    for text in ["dispute_opened e d-1", "dispute_closed e d-1 lost", "dispute_closed e d-1 won"] {
        scenario.run("payment.callback", said("o-1", text)).await;
    }
    scenario.run("order.complete", of("o-1")).await;
    scenario
}

async fn unpaid_orders() -> Scenario {
    let mut scenario = Scenario::begin().await;
    scenario.run("order.cancel", of("o-1")).await;
    scenario.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    scenario.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    scenario.run("order.cancel", of("o-1")).await;
    scenario.run("order.place", place("o-2", &[("tea", 1, 500)])).await;
    scenario.pass(15 * MINUTE).await;
    scenario.run("order.place", place("o-3", &[("tea", 1, 500)])).await;
    scenario.run("payment.callback", said("o-3", "captured a 200")).await;
    let reason = json!("changed my mind");
    scenario.run("order.cancel", with(of("o-3"), "reason", reason)).await;
    for refund in scenario.shop.refunds("o-3") {
        let text = format!("refund_succeeded a 200 {}", refund.id);
        scenario.run("payment.callback", said("o-3", &text)).await;
    }
    scenario.run("order.place", place("o-4", &[("tea", 1, 500)])).await;
    for text in ["captured a 100", "captured b 100"] {
        scenario.run("payment.callback", said("o-4", text)).await;
    }
    scenario.run("order.cancel", of("o-4")).await; // each attempt is asked for its part
    scenario
}

async fn authorizations() -> Scenario {
    let mut scenario = Scenario::begin().await;
    let placed = place("o-1", &[("tea", 1, 500)]);
    scenario.run("order.place", with(placed, "confirm_on", json!("authorization"))).await;
    scenario.run("payment.callback", said("o-1", "authorized a 500")).await;
    scenario.run("order.capture", with(of("o-1"), "amount", json!(501))).await;
    scenario.run("order.capture", with(of("o-1"), "amount", json!(200))).await;
    scenario.run("payment.callback", said("o-1", "captured a 200 #1")).await;
    scenario.run("payment.callback", said("o-1", "expired a")).await;
    scenario
}

async fn reviews() -> Scenario {
    let mut scenario = Scenario::begin().await;
    for (order, text, decision) in
        [("o-1", "captured a 600", "accept"), ("o-2", "captured a 500 USD", "cancel")]
    {
        scenario.run("order.place", place(order, &[("tea", 1, 500)])).await;
        scenario.run("payment.callback", said(order, text)).await;
        scenario.run("order.resolve", json!({"order_id": order, "decision": decision})).await;
    }
    scenario
}

async fn refunds() -> Scenario {
    let mut scenario = Scenario::begin().await;
    scenario.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    scenario.run("payment.callback", said("o-1", "captured a 500 #1")).await;
    let refund = |amount: i64, units: i64| {
        json!({"order_id": "o-1", "refund_id": "r-1", "amount": amount,
               "restock": [{"sku": "tea", "quantity": units}]})
    };
    scenario.run("refund.request", refund(501, 1)).await;
    scenario.run("refund.request", refund(100, 2)).await;
    scenario.run("refund.request", refund(100, 1)).await;
    scenario.run("refund.request", refund(100, 1)).await;
    scenario.run("payment.callback", said("o-1", "refund_failed a r-1")).await;
    scenario.run("payment.callback", said("o-1", "refund_succeeded a 100 r-1")).await;
    scenario
}

async fn amendments() -> Scenario {
    let mut scenario = Scenario::begin().await;
    let amend =
        |quantity: u32| json!({"order_id": "o-1", "lines": [{"sku": "tea", "quantity": quantity}]});
    let address = json!({
        "name": "Ada Lovelace", "company": "Analytical", "lines": ["Am Ufer 5"], "city": "Köln",
        "region": "NRW", "postal_code": "50667", "country": "DE",
    });
    scenario.run("order.place", place("o-1", &[("tea", 2, 500)])).await;
    scenario.run("order.amend", amend(3)).await;
    scenario.run("order.amend", amend(2)).await;
    scenario.run("payment.callback", said("o-1", "captured a 1000")).await;
    scenario.run("order.amend", amend(1)).await;
    let contact = with(with(of("o-1"), "shipping_address", address.clone()), "metadata", json!({}));
    scenario.run("order.amend", with(contact, "billing_address", address)).await;
    scenario
}

async fn early_callbacks() -> Scenario {
    let mut scenario = Scenario::begin().await;
    for _ in 0..65 {
        scenario.run("payment.callback", said("o-1", "captured a 1")).await;
    }
    scenario.run("payment.callback", said("o-2", "captured a 500")).await;
    scenario.run("order.place", place("o-2", &[("tea", 1, 500)])).await;
    scenario.pass(8 * DAY).await;
    scenario
}

async fn notifications() -> Scenario {
    let mut scenario = Scenario::begin().await;
    scenario.run("order.place", place("o-1", &[("tea", 1, 0)])).await;
    scenario.deliver("o-1", Sent::Delivered).await;
    scenario.run("order.place", place("o-2", &[("tea", 1, 0)])).await;
    let why = Failure::Status(410);
    scenario.deliver("o-2", Sent::Refused { why }).await;
    scenario
}

async fn no_channels() -> Scenario {
    let mut settings = support::settings();
    settings.notifications.channels.clear();
    let mut scenario = Scenario::begin_with(settings).await;
    scenario.run("order.place", place("o-1", &[("tea", 1, 0)])).await;
    scenario
}

async fn no_room_for_parked_messages() -> Scenario {
    let settings = Settings { parked_count: 0, ..support::settings() };
    let mut scenario = Scenario::begin_with(settings).await;
    scenario.run("order.fly", json!({})).await;
    scenario.run_nameless().await;
    scenario
}
