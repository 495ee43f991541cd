//! Random commands in random order: the books of the shop balance after every step.
//!
//! There are few orders, skus and carts, so that commands are about the same ones. Captures vary in
//! amount, attempt, capture id and currency; messages are delivered again; time passes. The invariants
//! are checked on the states. The money of each order is also counted by the contract alone.
#![allow(unreachable_pub, reason = "the modules of a test are seen by nobody else")]

#[path = "properties/happens.rs"]
mod happens;
#[path = "properties/invariants.rs"]
mod invariants;
#[path = "properties/money.rs"]
mod money;
mod support;

use happens::{Happens, PRICE, SKUS, happens};
use invariants::{audit, audit_entry, audit_history};
use money::Money;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::event::Event;
use orderly_domain::order::{Order, Status};
use orderly_domain::verdict::Verdict;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use support::{Shop, place};

async fn live(history: Vec<Happens>) -> Shop {
    let mut shop = Shop::stocked(&SKUS.map(|sku| (sku, 8))).await;
    let mut money = Money::default();
    let mut sent: Vec<(String, &'static str, Value)> = Vec::new();
    let mut seen = shop.entries.len();
    for happens in history {
        match happens {
            Happens::Passes(span) => shop.pass(span).await,
            Happens::Sent(kind, data) => {
                let id = format!("h-{}", shop.entries.len());
                let verdict = send(&mut shop, &mut money, kind, &id, data.clone()).await;
                // what does not fit its order uses up no identity
                if verdict != Verdict::Invalid {
                    sent.push((id, kind, data));
                }
            }
            Happens::Again(_) if sent.is_empty() => {}
            Happens::Again(index) => {
                let (id, kind, data) = index.get(&sent).clone();
                let before = shop.dump();
                let again = shop.send(kind, &id, data).await;
                assert_eq!(again.record.verdict, Verdict::Duplicate);
                assert!(again.record.original.is_some() && again.record.events.is_empty());
                assert!(shop.dump() == before, "a duplicate changes nothing");
            }
        }
        // callbacks that waited for the order may have followed
        for entry in &shop.entries[seen..] {
            audit_entry(entry);
        }
        seen = shop.entries.len();
        audit(&shop, &money);
        let own = orderly_actors::audit::audit(&shop.sequencer.view().borrow()).expect("reads");
        assert!(own.balanced, "{:?}", own.violations);
        let lists = orderly_actors::lists::check(&shop.sequencer.view().borrow());
        assert_eq!(lists.expect("reads"), Vec::<String>::new());
    }
    audit_history(&shop);
    shop
}

/// Sends a message, and counts its money and that of the callbacks that waited for it. Returns its verdict.
async fn send(
    shop: &mut Shop,
    money: &mut Money,
    kind: &'static str,
    id: &str,
    data: Value,
) -> Verdict {
    let first = shop.entries.len();
    shop.send(kind, id, data.clone()).await;
    let entries: Vec<Arc<JournalEntry>> = shop.entries[first..].to_vec();
    let (own, waited) = entries.split_first().expect("something was sealed");
    match own.record.verdict {
        Verdict::Waiting => drop(money.waiting.insert(id.to_owned(), data)),
        verdict if kind == "payment.callback" => money.count(&data, verdict),
        _ => {}
    }
    for entry in waited {
        if let orderly_domain::record::Origin::Waited { id, .. } = &entry.record.origin {
            let said = money.waiting.remove(id.as_str()).expect("it waited");
            money.count(&said, entry.record.verdict);
        }
    }
    own.record.verdict
}

fn run<T>(future: impl Future<Output = T>) -> T {
    actix::System::new().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_books_balance_after_every_step(history in prop::collection::vec(happens(), 1..60)) {
        run(live(history));
    }

    #[test]
    fn the_same_history_gives_the_same_states(
        history in prop::collection::vec(happens(), 1..30)
    ) {
        let first = run(live(history.clone())).dump();
        let second = run(live(history)).dump();
        prop_assert!(first == second);
    }

    #[test]
    fn callbacks_of_one_order_come_to_the_same_money_in_any_order(
        order in Just((0..=PAID.len()).collect::<Vec<_>>()).prop_shuffle()
    ) {
        let order = run(counted(&order));
        prop_assert_eq!((order.paid, order.refunded, order.net()), (720, 250, 470));
        prop_assert!(!order.disputed);
    }

    #[test]
    fn distinct_callbacks_give_the_same_money_in_any_order(
        (shares, order) in prop::collection::vec(1..5_i64, 1..6).prop_flat_map(|shares| {
            let order: Vec<_> = (0..=shares.len()).collect();
            (Just(shares), Just(order).prop_shuffle())
        })
    ) {
        let total = 4 * PRICE;
        let paid: i64 = shares.iter().map(|share| share * PRICE).sum();
        let order = run(permuted(&shares, &order));
        prop_assert_eq!(order.paid, paid);
        let known = match order.status {
            Status::PartiallyPaid => paid < total,
            Status::Paid => paid >= total && order.auto_refunds_requested == paid - total,
            Status::UnderReview => paid > total && order.auto_refunds_requested == 0,
            _ => false,
        };
        prop_assert!(known, "{:?}", order);
    }
}

/// An attempt that was to be given up is authorized all the same: only then is its provider asked to void it once more.
#[actix::test]
async fn an_attempt_is_asked_to_void_once_more_when_it_is_authorized_after_that() {
    let said = |text| Happens::Sent("payment.callback", support::said("o-1", text));
    let shop = live(vec![
        Happens::Sent("order.place", place("o-1", &[("tea", 1, PRICE)])),
        Happens::Sent("order.cancel", json!({"order_id": "o-1"})),
        said("action_required a"),
        said("authorized a 400"),
        said("voided a"),
    ])
    .await;
    let events = shop.entries.iter().flat_map(|entry| &entry.record.events);
    let voids = events.filter(|event| matches!(event, Event::VoidRequested { .. }));
    assert_eq!(voids.count(), 2);
}

/// Callbacks of a paid order of 4 prices: captures of three attempts, whole and in parts, refunds that
/// were requested or not, attempts that failed, and a dispute.
const PAID: [&str; 14] = [
    "action_required a",
    "authorized a 400",
    "captured a 400 #1",
    "captured b 100 #1",
    "captured b 150 #2 final",
    "captured c 70",
    "captured d 90 USD",
    "failed e",
    "authorized f 400",
    "refund_succeeded a 30 r-1",
    "refund_failed a r-1",
    "refund_succeeded b 220 r-2",
    "dispute_opened a d-1",
    "dispute_closed a d-1 won",
];

/// An order of 4 prices, with its placing (0) and each of `PAID` (from 1) in the order given.
async fn counted(order: &[usize]) -> Order {
    let mut shop = Shop::stocked(&[("tea", 9)]).await;
    for step in order {
        match step.checked_sub(1) {
            None => shop.run("order.place", place("o-1", &[("tea", 4, PRICE)])).await,
            Some(nth) => shop.run("payment.callback", support::said("o-1", PAID[nth])).await,
        };
    }
    let audit = orderly_actors::audit::audit(&shop.sequencer.view().borrow()).expect("reads");
    assert!(audit.balanced, "{:?}", audit.violations);
    audit_history(&shop);
    shop.order("o-1")
}

/// An order of 4 prices, with its placing (0) and each capture (from 1) in the order given.
async fn permuted(shares: &[i64], order: &[usize]) -> Order {
    let mut shop = Shop::stocked(&[("tea", 9)]).await;
    for step in order {
        let (kind, data) = match step.checked_sub(1) {
            None => ("order.place", place("o-1", &[("tea", 4, PRICE)])),
            Some(nth) => {
                let event = format!("e-{nth}");
                let amount = shares[nth] * PRICE;
                let mut said = support::captured("o-1", &event, amount);
                // every other one is a part of one attempt
                if nth % 2 == 1 {
                    said["attempt_id"] = json!("a-parts");
                    said["capture_id"] = json!(format!("c-{nth}"));
                }
                ("payment.callback", said)
            }
        };
        shop.run(kind, data).await;
    }
    shop.state(tables::ORDERS, "o-1").expect("it was placed")
}
