//! Random histories of the money of two orders: captures of many attempts, refunds in parts that fail, bounce and are requested
//! again. [`history`](super::history) seldom comes so far.

use super::history::Happens;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

fn order() -> impl Strategy<Value = &'static str> {
    prop_oneof![9 => Just("o-1"), 1 => Just("o-2")]
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![6 => (1..4_i64).prop_map(|n| n * 100), 2 => Just(50_i64), 1 => Just(10_i64)]
}

/// Both orders: each of three units, of 300 together, or for nothing.
pub fn placing_two() -> impl Strategy<Value = [Value; 2]> {
    let price = || prop_oneof![5 => Just(100), 1 => Just(0)];
    (price(), price()).prop_map(|(first, second)| {
        [("o-1", first), ("o-2", second)].map(|(order, price)| {
            json!({
                "order_id": order, "customer": {"id": "c-1"}, "currency": "EUR",
                "lines": [
                    {"sku": "cup", "quantity": 2, "unit_price": price},
                    {"sku": "pot", "quantity": 1, "unit_price": price},
                ],
            })
        })
    })
}

const KINDS: &[(u32, &str)] = &[
    (14, "captured"),
    (5, "authorized"),
    (1, "action_required"),
    (3, "failed"),
    (1, "voided"),
    (1, "expired"),
    (9, "refund_succeeded"),
    (8, "refund_failed"),
    (1, "dispute_opened"),
    (2, "dispute_closed"),
];

fn callback() -> impl Strategy<Value = Happens> {
    let kinds = KINDS.iter().map(|(weight, kind)| (*weight, Just(*kind))).collect();
    let kind = prop::strategy::Union::new_weighted(kinds);
    let provider = prop_oneof![9 => Just("acme"), 1 => Just("bank")];
    let attempt = select(&["a-1", "a-2", "a-3", "a-4", "a-5"][..]);
    let capture = select(&[None, Some("c-1"), Some("c-2"), Some("c-3")][..]);
    // the result of a refund is mostly that of one of its parts: see the driver
    let refund = select(&["w-1", "w-2", "w-3", "@0", "@0", "@1", "@2"][..]);
    let part = prop::option::weighted(0.75, select(&["@0", "@1", "@2"][..]));
    let which = (provider, order(), kind, attempt, capture, refund, part);
    let currency = prop_oneof![14 => Just("EUR"), 1 => Just("USD")];
    let dispute = (select(&["d-1", "d-2", "d-3"][..]), select(&["won", "lost"][..]));
    let how = (amount(), currency, prop::bool::weighted(0.1), 1..7_u8, dispute, any::<u64>());
    (which, how).prop_map(|(which, how)| {
        let (provider, order, kind, attempt, capture, refund, part) = which;
        let (amount, currency, is_final, day, (dispute, outcome), event) = how;
        let mut said = json!({
            "provider": provider, "order_id": order, "attempt_id": attempt, "kind": kind,
            "occurred_at": format!("2026-01-{day:02}T00:00:00Z"), "event_id": format!("e-{event}"),
        });
        if matches!(kind, "captured" | "authorized" | "refund_succeeded") {
            said["amount"] = json!(amount);
            said["currency"] = json!(currency);
        }
        if kind == "captured" {
            said["capture_id"] = json!(capture);
            said["final"] = json!(is_final);
        }
        if kind.starts_with("refund") {
            said["refund_id"] = json!(refund);
            said["attempt_id"] = json!(part.unwrap_or(attempt));
        }
        if kind.starts_with("dispute") {
            said["dispute_id"] = json!(dispute);
        }
        if kind == "dispute_closed" {
            said["outcome"] = json!(outcome);
        }
        Happens::Sent("payment.callback", said)
    })
}

fn command() -> impl Strategy<Value = Happens> {
    let refund = select(&["w-1", "w-2", "w-3", "@0", "@1"][..]);
    let refunding = (order(), refund, amount(), prop::bool::weighted(0.2)).prop_map(
        |(order, refund, amount, returns)| {
            let restock = if returns { json!([{"sku": "cup", "quantity": 1}]) } else { json!([]) };
            let data = json!({
                "order_id": order, "refund_id": refund, "amount": amount, "restock": restock,
            });
            ("refund.request", data)
        },
    );
    let decision = select(&["accept", "accept", "cancel", "return", "return"][..]);
    let write_off = prop::option::weighted(0.5, amount());
    let resolving = (order(), decision, write_off).prop_map(|(order, decision, write_off)| {
        let write_off = write_off.filter(|_| decision == "accept");
        let data = json!({"order_id": order, "decision": decision, "write_off": write_off});
        ("order.resolve", data)
    });
    let amending = (order(), 0..3_i64).prop_map(|(order, quantity)| {
        let lines = json!([{"sku": "cup", "quantity": quantity}]);
        ("order.amend", json!({"order_id": order, "lines": lines}))
    });
    let capturing =
        (order(), prop::option::of(amount()), any::<bool>()).prop_map(|(order, amount, again)| {
            ("order.capture", json!({"order_id": order, "amount": amount, "again": again}))
        });
    let ending = (order(), select(&["order.cancel", "order.complete"][..]))
        .prop_map(|(order, kind)| (kind, json!({"order_id": order})));
    let sent = prop_oneof![
        8 => refunding.boxed(),
        3 => resolving.boxed(),
        2 => amending.boxed(),
        2 => capturing.boxed(),
        1 => ending.boxed(),
    ];
    sent.prop_map(|(kind, data)| Happens::Sent(kind, data))
}

/// A refund comes in many small shares, and some of them are reported again.
fn shares() -> impl Strategy<Value = Vec<Happens>> {
    let refund = select(&["w-1", "w-2", "@0", "@1"][..]);
    let again = prop::collection::vec(0..25_u8, 1..4);
    (order(), refund, 1..7_u8, 15..25_u8, again, any::<u32>()).prop_map(
        |(order, refund, day, count, again, event)| {
            let seconds = (0..count).chain(again).enumerate();
            let shares = seconds.map(|(nth, second)| {
                let said = json!({
                    "provider": "acme", "order_id": order, "attempt_id": "@0",
                    "kind": "refund_succeeded", "refund_id": refund, "amount": 1, "currency": "EUR",
                    "occurred_at": format!("2026-01-{day:02}T00:00:{second:02}Z"),
                    "event_id": format!("e-{event}-{nth}"),
                });
                Happens::Sent("payment.callback", said)
            });
            shares.collect()
        },
    )
}

/// What happens to the money of both orders after they are placed.
pub fn money_history() -> impl Strategy<Value = Vec<Happens>> {
    let one = |happens: Happens| vec![happens];
    let happens = prop_oneof![
        60 => callback().prop_map(one).boxed(),
        32 => command().prop_map(one).boxed(),
        1 => shares().boxed(),
        2 => Just(one(Happens::Passes { minutes: 16 })).boxed(),
        2 => Just(one(Happens::Fires)).boxed(),
        2 => Just(one(Happens::Restarts)).boxed(),
    ];
    prop::collection::vec(happens, 5..30).prop_map(|history| history.concat())
}
