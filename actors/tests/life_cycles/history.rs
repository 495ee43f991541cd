//! Random histories: commands over so few ids that they collide.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const SKUS: [&str; 3] = ["cup", "pot", "tea"];
const PRICE: i64 = 100;
/// 34 days: longer than a cart is kept, and than a callback waits for its order.
const LONG: i64 = 34 * 24 * 60;

/// One thing that happens to the shop.
#[derive(Debug, Clone)]
pub enum Happens {
    /// A command comes under a new id.
    Sent(&'static str, Value),
    /// The message that was sent `back` messages ago is delivered again, as it was or changed.
    Again { back: usize, how: Refers },
    /// Time passes. The timers that are due by then do not fire yet.
    Passes { minutes: i64 },
    /// The timers that are due fire.
    Fires,
    /// The process ends, and starts again with the units that are durable.
    Restarts,
    /// The power fails at the n-th write from here, while a command is processed.
    Crashes { nth: u64, kind: &'static str, data: Value },
}

/// How a message that is delivered again differs from the first one.
#[derive(Debug, Clone)]
pub enum Refers {
    /// Not at all.
    Whole,
    /// By a field that no command knows.
    WithUnknownField,
    /// The same data under a new message id.
    UnderNewId,
    /// The same message id with other data.
    WithOther(&'static str, Value),
}

fn order() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just("o-1"), 3 => Just("o-2"), 2 => Just("o-3")]
}

fn cart() -> impl Strategy<Value = &'static str> {
    select(&["k-1", "k-2"][..])
}

/// A sku; rarely one that the shop does not have.
fn sku() -> impl Strategy<Value = &'static str> {
    prop_oneof![30 => select(&SKUS[..]), 1 => Just("ghost")]
}

fn currency() -> impl Strategy<Value = &'static str> {
    prop_oneof![14 => Just("EUR"), 1 => Just("USD")]
}

fn hold_for() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![6 => Just(None), 1 => Just(Some("5m")), 1 => Just(Some("180m"))]
}

fn confirm_on() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        3 => Just(None),
        2 => Just(Some(json!("authorization"))),
        1 => Just(Some(json!("capture"))),
    ]
}

/// What an order carries for the shop, and what changes with `order.amend`.
fn details() -> impl Strategy<Value = Value> {
    let shipping = json!({"name": "Ada", "lines": ["1 High Street"], "city": "York"});
    let billing = json!({"lines": [], "country": "GB", "region": null, "floor": 2});
    prop_oneof![
        6 => Just(json!({})),
        1 => Just(json!({"shipping_address": shipping})),
        1 => Just(json!({"billing_address": billing, "metadata": {"gift": true, "n": [1, null]}})),
        1 => Just(json!({"metadata": {"note": "leave it at the door"}})),
        1 => Just(json!({"customer": {"id": "c-2", "email": "c@example.org", "vip": true}})),
    ]
}

fn joined(mut data: Value, more: Value) -> Value {
    if let (Value::Object(data), Value::Object(mut more)) = (&mut data, more) {
        data.append(&mut more);
    }
    data
}

fn with(mut data: Value, field: &str, value: impl Into<Option<Value>>) -> Value {
    if let Some(value) = value.into() {
        data[field] = value;
    }
    data
}

fn placing() -> impl Strategy<Value = (&'static str, Value)> {
    let quantity = prop_oneof![20 => 1..3_i64, 1 => Just(0_i64)];
    let price = prop_oneof![30 => Just(PRICE), 1 => Just(-PRICE)];
    let line = (sku(), quantity, price).prop_map(
        |(sku, quantity, price)| json!({"sku": sku, "quantity": quantity, "unit_price": price}),
    );
    let lines = prop::collection::vec(line, 1..3);
    let adjustment = prop_oneof![8 => Just(0_i64), 2 => Just(-PRICE), 1 => Just(-2 * PRICE)];
    let how = (currency(), hold_for(), confirm_on(), details());
    (order(), lines, adjustment, how).prop_map(
        |(order, lines, adjustment, (currency, hold_for, confirm_on, details))| {
            let placed = json!({
                "order_id": order, "customer": {"id": "c-1"}, "currency": currency, "lines": lines,
            });
            let discount = json!([{"kind": "voucher", "amount": adjustment}]);
            let placed = with(placed, "adjustments", (adjustment != 0).then_some(discount));
            let placed = with(joined(placed, details), "confirm_on", confirm_on);
            ("order.place", with(placed, "hold_for", hold_for.map(Value::from)))
        },
    )
}

fn stocking() -> impl Strategy<Value = (&'static str, Value)> {
    let set = (sku(), 0..6_i64, prop::option::of(0..3_i64), expected_version()).prop_map(
        |(sku, on_hand, low_at, version)| {
            let set = json!({"sku": sku, "on_hand": on_hand});
            let set = with(set, "expected_version", version);
            ("stock.set", with(set, "low_at", low_at.map(Value::from)))
        },
    );
    let adjust = (sku(), -3..4_i64)
        .prop_map(|(sku, delta)| ("stock.adjust", json!({"sku": sku, "delta": delta})));
    prop_oneof![set, adjust]
}

fn expected_version() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![4 => Just(None), 1 => (0..4_i64).prop_map(|version| Some(json!(version)))]
}

fn filling() -> impl Strategy<Value = (&'static str, Value)> {
    let kind = select(&["cart.put", "cart.add"][..]);
    let price = prop_oneof![8 => Just(PRICE), 1 => Just(2 * PRICE)];
    let currency = prop_oneof![5 => Just("EUR"), 1 => Just("USD")];
    let line = (kind, cart(), sku(), -1..3_i64, price, currency, expected_version()).prop_map(
        |(kind, cart, sku, quantity, price, currency, version)| {
            let filled = json!({
                "cart_id": cart, "sku": sku, "quantity": quantity, "unit_price": price,
                "currency": currency,
            });
            (kind, with(filled, "expected_version", version))
        },
    );
    let clear = (cart(), expected_version()).prop_map(|(cart, version)| {
        ("cart.clear", with(json!({"cart_id": cart}), "expected_version", version))
    });
    let merge = (cart(), cart()).prop_map(|(from, into)| {
        ("cart.merge", json!({"from_cart_id": from, "into_cart_id": into}))
    });
    prop_oneof![6 => line, 1 => clear, 2 => merge]
}

fn checkout() -> impl Strategy<Value = (&'static str, Value)> {
    let total = prop_oneof![1 => Just(None), 1 => (1..4_i64).prop_map(|n| Some(json!(n * PRICE)))];
    let adjustment = prop_oneof![8 => Just(0_i64), 1 => Just(-PRICE)];
    let how = (expected_version(), total, hold_for(), confirm_on(), details());
    (cart(), order(), adjustment, how).prop_map(
        |(cart, order, adjustment, (version, total, hold_for, confirm_on, details))| {
            let out = json!({"cart_id": cart, "order_id": order, "customer": {"id": "c-1"}});
            let out = with(joined(out, details), "expected_version", version);
            let out = with(out, "expected_total", total);
            let out = with(out, "confirm_on", confirm_on);
            let discount = json!([{"kind": "voucher", "amount": adjustment}]);
            let out = with(out, "adjustments", (adjustment != 0).then_some(discount));
            ("cart.checkout", with(out, "hold_for", hold_for.map(Value::from)))
        },
    )
}

/// The times at which callbacks say that something occurred.
const TIMES: [&str; 3] = ["2026-01-01T00:00:00Z", "2026-01-01T06:00:00Z", "2026-01-02T00:00:00Z"];

/// The id of a refund. `@0` is the first refund that the shop itself requested, and so on: see the driver.
fn refund() -> impl Strategy<Value = &'static str> {
    select(&["w-1", "w-2", "@0", "@0", "@1"][..])
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![8 => (1..5_i64).prop_map(|shares| shares * PRICE), 1 => Just(50_i64)]
}

const KINDS: &[(u32, &str)] = &[
    (12, "captured"),
    (8, "authorized"),
    (2, "action_required"),
    (2, "failed"),
    (1, "voided"),
    (1, "expired"),
    (6, "refund_succeeded"),
    (5, "refund_failed"),
    (1, "dispute_opened"),
    (2, "dispute_closed"),
];

fn kind() -> impl Strategy<Value = &'static str> {
    prop::strategy::Union::new_weighted(
        KINDS.iter().map(|(weight, kind)| (*weight, Just(*kind))).collect(),
    )
}

pub fn callback() -> impl Strategy<Value = (&'static str, Value)> {
    let provider = prop_oneof![4 => Just("acme"), 1 => Just("bank")];
    let attempt = prop_oneof![3 => Just("a-1"), 2 => Just("a-2"), 1 => Just("a-3")];
    let capture = prop_oneof![3 => Just(None), 2 => Just(Some("c-1")), 1 => Just(Some("c-2"))];
    // mostly an attempt of this order, but sometimes one that others name too: it belongs to the first
    let attempt = (attempt, prop::bool::weighted(0.25));
    let which = (provider, order(), kind(), attempt, capture, refund());
    // the result of a refund is mostly that of one of its parts: see the driver
    let part = prop::option::weighted(0.7, select(&["@0", "@0", "@1"][..]));
    let dispute = select(&["d-1", "d-2"][..]);
    let outcome = select(&["won", "lost"][..]);
    let how = (amount(), currency(), prop::bool::weighted(0.15), dispute, outcome);
    let when = select(&TIMES[..]);
    // each callback has an identity that follows from its data; some collide, and some lack a field
    let oddity = (prop::option::weighted(0.05, 0..3_u8), prop::bool::weighted(0.03), 0..3_u8);
    (which, how, (part, when), oddity).prop_map(|(which, how, (part, when), oddity)| {
        let (clash, lacks, turn) = oddity;
        let (provider, order, kind, (attempt, is_shared), capture, refund) = which;
        let attempt = if is_shared { attempt.to_owned() } else { format!("{attempt}-of-{order}") };
        let (amount, currency, is_final, dispute, outcome) = how;
        let mut said = json!({
            "provider": provider, "order_id": order, "attempt_id": attempt, "kind": kind,
            "occurred_at": when,
        });
        if matches!(kind, "captured" | "authorized" | "refund_succeeded") {
            said["amount"] = json!(amount);
            said["currency"] = json!(currency);
        }
        if kind == "captured" {
            said = with(said, "capture_id", capture.map(Value::from));
            said = with(said, "final", is_final.then_some(json!(true)));
        }
        if kind.starts_with("refund") {
            said["refund_id"] = json!(refund);
            said = with(said, "attempt_id", part.map(Value::from));
        }
        if kind.starts_with("dispute") {
            said["dispute_id"] = json!(dispute);
        }
        if kind == "dispute_closed" {
            said["outcome"] = json!(outcome);
        }
        let known = said.as_object().into_iter().flatten();
        let own: Vec<_> = known
            .map(|(_, value)| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect();
        said["event_id"] = json!(match clash {
            Some(number) => format!("e-{number}"),
            None => format!("{}/{turn}", own.join("/")),
        });
        if lacks {
            for field in ["amount", "refund_id", "dispute_id"] {
                said.as_object_mut().and_then(|said| said.remove(field));
            }
        }
        ("payment.callback", said)
    })
}

fn refunding() -> impl Strategy<Value = (&'static str, Value)> {
    let quantity = prop_oneof![3 => Just(1_i64), 1 => Just(2_i64)];
    let restock = prop::collection::vec((sku(), quantity), 0..2);
    let amount = prop_oneof![4 => amount(), 1 => Just(0_i64)];
    (order(), refund(), amount, restock).prop_map(|(order, refund, amount, restock)| {
        let restock: Vec<_> = restock
            .into_iter()
            .map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity}))
            .collect();
        let asked = json!({"order_id": order, "refund_id": refund, "amount": amount});
        let restock = (!restock.is_empty()).then_some(json!(restock));
        ("refund.request", with(asked, "restock", restock))
    })
}

fn resolving() -> impl Strategy<Value = (&'static str, Value)> {
    let decision = prop_oneof![
        6 => Just("accept"),
        4 => Just("cancel"),
        4 => Just("return"),
        1 => Just("let them decide"),
    ];
    let write_off = prop::option::weighted(0.3, amount());
    (order(), decision, write_off).prop_map(|(order, decision, write_off)| {
        let data = json!({"order_id": order, "decision": decision});
        ("order.resolve", with(data, "write_off", write_off.map(Value::from)))
    })
}

fn amending() -> impl Strategy<Value = (&'static str, Value)> {
    let line =
        (sku(), 0..4_i64).prop_map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity}));
    let lines = prop_oneof![4 => line.prop_map(|line| Some(json!([line]))), 1 => Just(None)];
    let adjustments = prop_oneof![
        4 => Just(None),
        1 => Just(Some(json!([]))),
        2 => select(&[-2 * PRICE, -PRICE, PRICE][..])
            .prop_map(|amount| Some(json!([{"kind": "voucher", "amount": amount}]))),
    ];
    let version = prop::option::weighted(0.1, (1..6_i64).prop_map(Value::from));
    (order(), lines, adjustments, details(), version).prop_map(
        |(order, lines, adjustments, details, version)| {
            let data = joined(json!({"order_id": order}), details);
            let data = with(data, "lines", lines);
            let data = with(data, "adjustments", adjustments);
            ("order.amend", with(data, "expected_version", version))
        },
    )
}

fn capturing() -> impl Strategy<Value = (&'static str, Value)> {
    let again = prop::bool::weighted(0.3);
    (order(), prop::option::of(amount()), again).prop_map(|(order, amount, again)| {
        let data = json!({"order_id": order});
        let data = with(data, "again", again.then_some(json!(true)));
        ("order.capture", with(data, "amount", amount.map(Value::from)))
    })
}

fn of_order() -> impl Strategy<Value = (&'static str, Value)> {
    let kind = select(&["order.cancel", "order.complete", "order.complete"][..]);
    (kind, order()).prop_map(|(kind, order)| (kind, json!({"order_id": order})))
}

fn sent() -> BoxedStrategy<(&'static str, Value)> {
    // boxed, as are its parts: by value they fill a test's stack
    prop_oneof![
        4 => placing().boxed(),
        3 => stocking().boxed(),
        6 => filling().boxed(),
        3 => checkout().boxed(),
        18 => callback().boxed(),
        3 => of_order().boxed(),
        5 => refunding().boxed(),
        3 => resolving().boxed(),
        3 => amending().boxed(),
        2 => capturing().boxed(),
    ]
    .boxed()
}

fn refers() -> impl Strategy<Value = Refers> {
    prop_oneof![
        2 => Just(Refers::Whole),
        1 => Just(Refers::WithUnknownField),
        1 => Just(Refers::UnderNewId),
        1 => sent().prop_map(|(kind, data)| Refers::WithOther(kind, data)),
    ]
}

fn happens() -> impl Strategy<Value = Happens> {
    let minutes = select(&[1, 4, 5, 10, 15, 16, 60, 120][..]);
    // the first of these is what a failing history shrinks to
    prop_oneof![
        3 => Just(Happens::Fires),
        24 => sent().prop_map(|(kind, data)| Happens::Sent(kind, data)),
        2 => (1..8_usize, refers()).prop_map(|(back, how)| Happens::Again { back, how }),
        3 => minutes.prop_map(|minutes| Happens::Passes { minutes }),
        1 => Just(Happens::Passes { minutes: LONG }),
        1 => Just(Happens::Restarts),
        1 => (1..6_u64, sent())
            .prop_map(|(nth, (kind, data))| Happens::Crashes { nth, kind, data }),
    ]
}

/// How a history begins: mostly with an order, often with its payment. By chance alone few orders would come that far.
fn opening() -> impl Strategy<Value = Vec<Happens>> {
    let from_cart = vec![
        Happens::Sent("cart.put", line("cup", 2)),
        Happens::Sent("cart.add", line("pot", 1)),
        Happens::Sent(
            "cart.checkout",
            json!({"cart_id": "k-1", "order_id": "o-1", "customer": {"id": "c-1"}}),
        ),
    ];
    let placed = json!({
        "order_id": "o-1", "customer": {"id": "c-1"}, "currency": "EUR",
        "lines": [
            {"sku": "cup", "quantity": 2, "unit_price": PRICE},
            {"sku": "pot", "quantity": 1, "unit_price": PRICE},
        ],
    });
    let confirmed = with(placed.clone(), "confirm_on", json!("authorization"));
    let confirmed = vec![Happens::Sent("order.place", confirmed)];
    let placed = vec![Happens::Sent("order.place", placed)];
    let begun = prop_oneof![2 => Just(placed), 2 => Just(confirmed), 1 => Just(from_cart)];
    let then = prop_oneof![
        2 => Just(None),
        2 => Just(Some(Happens::Sent("payment.callback", authorization(3 * PRICE)))),
        1 => Just(Some(Happens::Sent("payment.callback", authorization(2 * PRICE)))),
        3 => Just(Some(Happens::Sent("payment.callback", money(3 * PRICE)))),
        1 => Just(Some(Happens::Sent("payment.callback", money(PRICE)))),
        1 => Just(Some(Happens::Sent("payment.callback", money(5 * PRICE)))),
        1 => Just(Some(Happens::Passes { minutes: 16 })),
    ];
    let begun = (begun, then).prop_map(|(mut begun, then)| {
        begun.extend(then);
        begun
    });
    prop_oneof![1 => Just(Vec::new()), 4 => begun]
}

fn line(sku: &str, quantity: i64) -> Value {
    json!({
        "cart_id": "k-1", "sku": sku, "quantity": quantity, "unit_price": PRICE, "currency": "EUR",
    })
}

fn money(amount: i64) -> Value {
    json!({
        "provider": "acme", "event_id": "first", "order_id": "o-1", "attempt_id": "a-1",
        "kind": "captured", "amount": amount, "currency": "EUR",
        "occurred_at": "2026-01-01T00:00:00Z",
    })
}

fn authorization(amount: i64) -> Value {
    with(with(money(amount), "kind", json!("authorized")), "event_id", json!("authorized"))
}

/// A whole history.
pub fn history() -> impl Strategy<Value = Vec<Happens>> {
    let rest = prop::collection::vec(happens(), 1..50);
    (opening(), rest).prop_map(|(mut history, rest)| {
        history.extend(rest);
        history
    })
}
