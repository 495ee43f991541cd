//! The audit: what it finds, and that it is right beside a shop that is at work.

mod support;

use orderly_actors::audit::{Audit, audit};
use orderly_actors::states::State;
use orderly_domain::inventory::Stock;
use orderly_domain::order::{Order, Status};
use orderly_domain::parked::ParkedOfOrder;
use orderly_store::sim::SimRng;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use support::{Shop, captured, place};

/// An audit of everything at once.
fn at_once(shop: &Shop) -> Audit {
    audit(&shop.sequencer.view().borrow()).expect("reads")
}

/// Replaces a state without its owner.
fn forge<S: State>(shop: &mut Shop, id: &str, change: impl FnOnce(&mut S)) {
    let view = shop.sequencer.view();
    let ordinal = view
        .borrow()
        .find(S::TABLE, &orderly_actors::names::name(id))
        .expect("reads")
        .expect("is there");
    let mut state = shop.state::<S>(S::TABLE, id).expect("is there");
    change(&mut state);
    let mut builder = view.borrow().begin(0);
    builder.put_with(S::TABLE, ordinal, S::PART, |out| state.write(out)).expect("encodes");
    let unit = builder.seal(0, &[]);
    view.borrow_mut().seal(Arc::clone(&unit));
    shop.log.commit(&[unit]).expect("commits");
}

async fn a_shop() -> Shop {
    let mut shop = Shop::stocked(&[("tea", 10), ("cup", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 2, 500)])).await;
    shop.run("order.cancel", json!({"order_id": "o-1", "reason": 7})).await; // it is parked
    shop.run("order.place", place("o-2", &[("tea", 1, 500), ("cup", 3, 100)])).await;
    shop.run("payment.callback", captured("o-2", "e-1", 800)).await;
    shop
}

#[actix::test]
async fn the_audit_counts_the_states_of_every_table() {
    let mut shop = a_shop().await;
    shop.run(
        "cart.put",
        json!({"cart_id": "c-1", "sku": "tea", "quantity": 1, "unit_price": 5, "currency": "EUR"}),
    )
    .await;
    shop.run("nonsense", json!({})).await;
    shop.run("payment.callback", captured("o-9", "e-2", 1)).await;
    let audit = at_once(&shop);
    assert!(audit.balanced, "{:?}", audit.violations);
    let counts = audit.counts;
    assert_eq!((counts.orders, counts.skus, counts.carts), (2, 2, 1));
    assert_eq!((counts.parked, counts.waiting, counts.swept), (2, 1, 0));
    assert_eq!((counts.on_hand, counts.held, counts.sold, counts.returned), (16, 2, 4, 0));
    assert_eq!(counts.statuses, [("awaiting_payment", 1), ("paid", 1)].into());
    assert_eq!((counts.paid, counts.refunded), ([("EUR", 800)].into(), [("EUR", 0)].into()));
}

#[actix::test]
async fn the_audit_finds_every_state_that_does_not_balance() {
    /// What is forged, and the violation that is reported.
    type Case = (fn(&mut Shop), &'static [&'static str]);
    let cases: [Case; 8] = [
        (
            |shop| forge::<Stock>(shop, "tea", |tea| tea.held = 3),
            &["sku tea: 3 held, orders hold 2"],
        ),
        (
            |shop| forge::<Stock>(shop, "tea", |tea| tea.on_hand = 1),
            &["sku tea: 2 held, 1 on hand"],
        ),
        (
            |shop| forge::<Order>(shop, "o-2", |order| order.paid = 900),
            &["order o-2: paid 900, captured 800"],
        ),
        (
            |shop| forge::<Order>(shop, "o-2", |order| order.refunded = 10),
            &["order o-2: refunded 10, refunds of 0", "order o-2: status paid, net 790 of 800"],
        ),
        (
            |shop| forge::<Order>(shop, "o-1", |order| order.status = Status::Paid),
            &[
                "order o-1: status paid, net 0 of 1000",
                "order o-1 (Ordinal(0)): status paid, reservation held",
                "0 orders are awaiting_payment, 1 are counted",
                "2 orders are paid, 1 are counted",
            ],
        ),
        (
            |shop| forge::<Order>(shop, "o-2", |order| order.status = Status::Refunded),
            &["0 orders are paid, 1 are counted", "1 orders are refunded, 0 are counted"],
        ),
        (
            |shop| forge::<Order>(shop, "o-1", |order| order.lines = [].into()),
            &["order o-1: its reservation has other units than its lines"],
        ),
        (
            |shop| forge::<ParkedOfOrder>(shop, "o-1", |list| list.count = 3),
            &["Ordinal(0): its parked messages differ by -2"],
        ),
    ];
    for (forge, expected) in cases {
        let mut shop = a_shop().await;
        forge(&mut shop);
        let audit = at_once(&shop);
        assert_eq!(audit.violations, expected);
        assert!(!audit.balanced);
    }
}

#[actix::test]
async fn an_audit_with_many_violations_reports_only_their_number() {
    let mut shop = Shop::stocked(&[("tea", 1_000)]).await;
    for order in 0..103 {
        let id = format!("o-{order}");
        shop.run("order.place", place(&id, &[("tea", 1, 500)])).await;
        forge::<Order>(&mut shop, &id, |order| order.paid = 1);
    }
    let audit = at_once(&shop);
    assert_eq!(
        (audit.violations.len(), audit.violations.last()),
        (101, Some(&"and 3 more".to_owned()))
    );
}

/// One thing that may happen in a shop.
async fn something(shop: &mut Shop, rng: &mut SimRng) {
    let order = format!("o-{}", rng.below(120));
    let sku = format!("s-{}", rng.below(200));
    let cart = format!("c-{}", rng.below(100));
    match rng.below(12) {
        0..4 => drop(shop.run("order.place", place(&order, &[(&sku, 1, 500)])).await),
        4..6 => {
            let event = format!("e-{}", rng.below(500));
            let amount = [200, 500, 900][usize::try_from(rng.below(3)).unwrap_or(0)];
            shop.run("payment.callback", captured(&order, &event, amount)).await;
        }
        6..8 => drop(shop.run("stock.set", json!({"sku": sku, "on_hand": rng.below(20)})).await),
        8 => drop(shop.run("order.cancel", json!({"order_id": order})).await),
        9 => {
            let line = json!({
                "cart_id": cart, "sku": sku, "quantity": 1, "unit_price": 5, "currency": "EUR",
            });
            shop.run("cart.put", line).await;
        }
        10 => drop(shop.run("nonsense", json!({})).await),
        _ => shop.pass(Duration::from_secs(rng.below(300))).await,
    }
    if rng.below(20) == 0 {
        let report = shop.log.checkpoint().expect("is written");
        shop.sequencer.view().borrow_mut().checkpointed(&report);
    }
}

#[actix::test]
async fn an_audit_beside_running_commands_finds_the_same_as_one_of_a_shop_at_rest() {
    let mut answers = 0;
    for seed in 0..20 {
        let mut rng = SimRng::new(seed);
        let mut shop = Shop::open();
        for _ in 0..rng.below(600) {
            something(&mut shop, &mut rng).await;
        }
        for _ in 0..60 {
            // When between two steps of the audit the shop does something
            for _ in 0..rng.below(6) {
                something(&mut shop, &mut rng).await;
            }
            // Then an audit that ends describes the shop as it is now
            if let Some(audit) = shop.sequencer.audit_step() {
                let audit = audit.expect("reads");
                assert!(audit.balanced, "seed {seed}: {:?}", audit.violations);
                assert_eq!(audit, at_once(&shop), "seed {seed}");
                answers += 1;
            }
        }
    }
    assert!(answers > 20, "only {answers} audits came to an end");
}

#[actix::test]
async fn a_violation_that_is_mended_before_the_audit_ends_is_not_reported() {
    let mut shop = a_shop().await;
    forge::<Stock>(&mut shop, "tea", |tea| tea.held = 3);
    // Given an audit that has read orders and skus
    assert!(shop.sequencer.audit_step().is_none());
    assert!(shop.sequencer.audit_step().is_none());
    // When the owner of the stock, whose cache has the right state, writes it again
    shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    // Then the audit finds nothing, since it describes the store at its end
    let audit = loop {
        if let Some(audit) = shop.sequencer.audit_step() {
            break audit.expect("reads");
        }
    };
    assert_eq!(audit, at_once(&shop));
    assert!(audit.balanced, "{:?}", audit.violations);
}
