//! The time of a hold: frozen while an attempt is open, extended for part of the money, never
//! beyond the cap. Fifteen minutes are held, two hours are the cap.

mod support;

use orderly_actors::order::{LatePayment, Terms};
use orderly_actors::sequencer::Settings;
use orderly_actors::tables;
use orderly_domain::inventory::{HoldState, Reservation};
use orderly_domain::order::Status;
use orderly_domain::time::Timestamp;
use orderly_store::sim::SimDisk;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use support::{START, Shop, place, said, settings};

const MINUTE: Duration = Duration::from_secs(60);

/// One order of 500 that holds one of ten teas.
async fn waiting() -> Shop {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop
}

/// (minutes from the placing until the hold expires, whether the hold is frozen).
fn hold(shop: &Shop) -> Option<(u64, bool)> {
    let reservation: Reservation = shop.state(tables::ORDERS, "o-1")?;
    match reservation.state {
        HoldState::Held { until, frozen, .. } => {
            let since = until?.since(Timestamp::from_micros(START));
            Some((since.as_secs() / 60, frozen.is_some()))
        }
        HoldState::Committed | HoldState::Released | HoldState::Expired => None,
    }
}

#[actix::test]
async fn an_open_attempt_freezes_the_hold_and_its_end_unfreezes_the_hold() {
    let mut shop = waiting().await;
    shop.pass(5 * MINUTE).await;

    shop.run("payment.callback", said("o-1", "action_required a")).await;
    assert_eq!(hold(&shop), Some((120, true)));
    shop.pass(60 * MINUTE).await;
    assert_eq!(shop.status("o-1"), Status::AwaitingPayment, "the first 15 minutes have passed");
    // the attempt is authorized, and another one begins and ends
    shop.run("payment.callback", said("o-1", "authorized a 500")).await;
    shop.run("payment.callback", said("o-1", "authorized b 500")).await;
    shop.run("payment.callback", said("o-1", "expired b")).await;
    assert_eq!(hold(&shop), Some((120, true)));

    shop.run("payment.callback", said("o-1", "failed a")).await;

    assert_eq!(hold(&shop), Some((75, false)), "ten minutes were left");
    shop.pass(9 * MINUTE).await;
    assert_eq!(shop.status("o-1"), Status::AwaitingPayment);
    shop.pass(MINUTE).await;
    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::Expired, (10, 0)));
}

#[actix::test]
async fn a_hold_may_freeze_again_with_the_time_that_is_left() {
    let mut shop = waiting().await;
    for (attempt, left) in [("a", 12), ("b", 9), ("c", 6)] {
        shop.pass(3 * MINUTE).await;
        shop.run("payment.callback", said("o-1", &format!("authorized {attempt} 500"))).await;
        shop.pass(20 * MINUTE).await;
        shop.run("payment.callback", said("o-1", &format!("voided {attempt}"))).await;
        let now = shop.sequencer.now().since(Timestamp::from_micros(START)).as_secs() / 60;
        assert_eq!(hold(&shop), Some((now + left, false)));
    }
}

#[actix::test]
async fn a_frozen_hold_expires_at_the_cap_and_its_authorization_is_voided_once() {
    let mut shop = waiting().await;
    shop.run("payment.callback", said("o-1", "authorized a 500")).await;
    shop.run("payment.callback", said("o-1", "action_required b")).await;

    shop.pass(119 * MINUTE).await;
    assert_eq!(shop.status("o-1"), Status::AwaitingPayment);
    shop.pass(MINUTE).await;

    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::Expired, (10, 0)));
    assert_eq!(shop.count("payment.void_requested"), 1, "{:?}", shop.event_types());
    // the end of the same attempt requests no other void; the authorization of another attempt does
    shop.run("payment.callback", said("o-1", "voided a")).await;
    shop.run("payment.callback", said("o-1", "authorized b 500")).await;
    assert_eq!(shop.count("payment.void_requested"), 2);
}

#[actix::test]
async fn the_time_left_never_reaches_beyond_the_cap() {
    let mut shop = waiting().await;
    shop.run("payment.callback", said("o-1", "authorized a 500")).await;
    shop.pass(110 * MINUTE).await;

    shop.run("payment.callback", said("o-1", "failed a")).await;

    assert_eq!(hold(&shop), Some((120, false)));
    shop.pass(10 * MINUTE).await;
    assert_eq!(shop.status("o-1"), Status::Expired);
}

#[actix::test]
async fn a_frozen_hold_is_paid_like_any_other() {
    let mut shop = waiting().await;
    shop.run("payment.callback", said("o-1", "authorized a 500")).await;
    shop.pass(60 * MINUTE).await;

    shop.run("payment.callback", said("o-1", "captured a 500")).await;

    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::Paid, (9, 0)));
    assert_eq!(shop.count("payment.void_requested"), 0, "the attempt was captured");
}

#[actix::test]
async fn a_partial_payment_extends_a_frozen_hold_to_the_cap() {
    let mut shop = waiting().await;
    shop.run("payment.callback", said("o-1", "authorized a 500")).await;
    shop.run("payment.callback", said("o-1", "authorized b 500")).await;
    shop.pass(10 * MINUTE).await;

    shop.run("payment.callback", said("o-1", "captured a 200 #1")).await;
    assert_eq!(hold(&shop), Some((120, true)), "the other attempt is open");
    shop.run("payment.callback", said("o-1", "failed b")).await;
    assert_eq!(hold(&shop), Some((120, false)), "a partly captured attempt does not freeze it");

    shop.pass(110 * MINUTE).await;
    assert_eq!(shop.status("o-1"), Status::RefundDue);
    assert!(shop.event_types().ends_with(&[
        "order.expired",
        "order.refund_due",
        "stock.released",
        // the provider may still capture the rest of the authorization
        "payment.void_requested",
        "notification.requested",
        "payment.refund_requested",
    ]));
    assert_eq!(shop.pending_refunds("o-1"), [("EUR", 200)]);
}

#[actix::test]
async fn a_review_keeps_the_hold_to_the_cap_and_outlives_it() {
    let mut shop = waiting().await;
    shop.run("payment.callback", said("o-1", "captured a 600")).await;
    assert_eq!(hold(&shop), Some((120, false)));

    shop.pass(120 * MINUTE).await;

    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::UnderReview, (10, 0)));
    assert_eq!((shop.count("stock.released"), shop.count("order.expired")), (1, 0));
}

#[actix::test]
async fn a_callback_that_waited_freezes_the_hold_when_its_order_comes() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("payment.callback", said("o-1", "authorized a 500")).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    assert_eq!(hold(&shop), Some((120, true)));
}

#[actix::test]
async fn a_late_payment_is_refunded_where_late_payments_hold_no_stock() {
    let terms = Terms { late_payment: LatePayment::Refund, ..settings().terms };
    let disk = Arc::new(SimDisk::new(7));
    let mut shop = Shop::open_on(disk, Settings { terms, ..settings() });
    shop.run("stock.set", json!({"sku": "tea", "on_hand": 10})).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.pass(15 * MINUTE).await;

    shop.run("payment.callback", said("o-1", "captured a 500")).await;

    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::RefundDue, (10, 0)));
    assert_eq!(shop.pending_refunds("o-1"), [("EUR", 500)]);
}
