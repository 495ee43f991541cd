//! The version of an order grows with every change that the API shows, with an event of the order or without one. Its
//! `updated_at` moves with the version.

mod support;

use orderly_actors::tables;
use orderly_domain::inventory::Reservation;
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::Payments;
use orderly_domain::verdict::Verdict;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Shop, place, said};

/// What the API shows of an order, but for its addresses and metadata.
fn shown(shop: &Shop) -> (Order, Payments, Option<Reservation>) {
    let payments = shop.state(tables::ORDERS, "o-1").unwrap_or_default();
    (shop.order("o-1"), payments, shop.state(tables::ORDERS, "o-1"))
}

/// Runs a step, a second after the one before. Returns its verdict, and by how much the version grew.
async fn step(shop: &mut Shop, (kind, data): (&str, Value)) -> (Verdict, u64) {
    shop.clock.advance(Duration::from_secs(1));
    let before = shown(shop);
    let ran = shop.run(kind, data).await;
    let after = shown(shop);
    let grew = after.0.version - before.0.version;
    assert_eq!(before == after, grew == 0, "{kind}: from {before:?} to {after:?}");
    let updated = if grew == 0 { before.0.updated_at } else { shop.sequencer.now() };
    assert_eq!(after.0.updated_at, updated, "{kind}");
    (ran.record.verdict, grew)
}

fn heard(text: &str) -> (&'static str, Value) {
    ("payment.callback", said("o-1", text))
}

fn resolve(decision: &str) -> (&'static str, Value) {
    ("order.resolve", json!({"order_id": "o-1", "decision": decision}))
}

fn refund(amount: i64, units: u32) -> (&'static str, Value) {
    let mut data = json!({"order_id": "o-1", "refund_id": format!("r-{amount}"), "amount": amount});
    if units > 0 {
        data["restock"] = json!([{"sku": "tea", "quantity": units}]);
    }
    ("refund.request", data)
}

#[actix::test]
async fn every_change_that_shows_raises_the_version_by_one() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 2, 500)])).await;
    assert_eq!(shop.order("o-1").version, 1);
    let capture = ("order.capture", json!({"order_id": "o-1", "amount": 300}));
    let applied = (Verdict::Applied, 1);
    let unchanged = (Verdict::Stale, 0);
    for (what, expected) in [
        (heard("action_required a"), applied),
        (heard("authorized a 500"), applied),
        (heard("authorized a 500"), unchanged),
        (capture.clone(), applied),
        (("order.capture", json!({"order_id": "o-1", "amount": 300})), (Verdict::Rejected, 0)),
        (heard("authorized b 200"), applied),
        (heard("failed b"), applied),
        (heard("failed b"), unchanged),
        (heard("captured p 1000 #1"), applied),
        // the order waits for it no more, and shows it
        (heard("voided a"), (Verdict::Stale, 1)),
        (heard("voided a"), unchanged),
        (heard("action_required c"), applied),
        (refund(100, 0), applied),
        (refund(100, 0), (Verdict::Rejected, 0)),
        (heard("refund_failed p r-100"), applied),
        (refund(0, 1), applied),
        (heard("captured q 70 USD #1"), (Verdict::Review, 1)),
        (resolve("accept"), applied),
        (heard("captured q 30 USD #2"), (Verdict::Review, 1)),
        (resolve("return"), applied),
        (resolve("return"), (Verdict::Rejected, 0)),
        (heard("dispute_opened p d-1"), applied),
        (("order.complete", json!({"order_id": "o-1"})), applied),
    ] {
        let told = format!("{what:?}");
        assert_eq!(step(&mut shop, what).await, expected, "{told}");
    }
    assert_eq!(shop.status("o-1"), Status::Completed);
    shop.check_balance();
}

#[actix::test]
async fn a_hold_that_ends_under_review_raises_the_version() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.run("payment.callback", said("o-1", "captured p 600 #1")).await;
    let before = shown(&shop);
    shop.pass(Duration::from_secs(120 * 60)).await;
    let after = shown(&shop);
    assert_eq!((after.0.status, shop.stock("tea")), (Status::UnderReview, (10, 0)));
    assert_ne!(before.2, after.2, "the reservation ended");
    assert_eq!(after.0.version, before.0.version + 1);
}
