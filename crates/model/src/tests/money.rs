//! The identity of money, the surplus, and money that nobody asked for.

use super::*;

#[test]
fn money_pays_one_order() {
    // Given a capture that waits for two orders, and counts for one of them
    let mut shop = Shop::stocked(10);
    let of = |order: &str| json!({"order_id": order, "amount": 1_000, "capture_id": "ch_7"});
    assert_eq!(shop.hears("captured", of("b")).0, Verdict::Waiting);
    assert_eq!(shop.hears("captured", of("a")).0, Verdict::Waiting);
    shop.place("a", 4);

    // When the other order comes
    let units = shop.all("b", "order.place", &order_of("b", 4));

    // Then the money is not counted twice
    assert_eq!((units[1].verdict, units[1].detail.as_str()), counted_for_a());
    assert_eq!((shop.status("a"), shop.status("b")), ("paid", "awaiting_payment"));
    assert_eq!(shop.hears("captured", of("b")), STALE);
    assert_eq!(shop.last.detail, "counted for order a");
    assert_eq!(shop.hears("captured", of("a")), STALE);
    assert_eq!(shop.last.detail, Value::Null, "of its own order a capture is just known");
    assert!(shop.seen().orders["b"].attempts.is_empty());

    // and another attempt, or another provider, has other money
    let mut other = of("b");
    other["provider"] = json!("q");
    assert_eq!(shop.hears("captured", other), APPLIED);
    assert_eq!(shop.status("b"), "paid");
}

fn counted_for_a() -> (Verdict, Option<&'static str>) {
    (Verdict::Stale, Some("counted for order a"))
}

#[test]
fn money_of_a_deleted_order_stays_known() {
    let mut shop = Shop::with_order();
    let of = |order: &str| json!({"order_id": order, "amount": 1_000, "capture_id": "ch_7"});
    shop.hears("captured", of("o"));
    shop.command("order.complete", json!({}));
    shop.pass(90 * DAY);
    shop.model.delete_order("o");
    shop.place("p", 4);

    assert_eq!(shop.hears("captured", of("p")), STALE);
    assert_eq!(shop.last.detail, "counted for order o");
    assert_eq!(shop.hears("captured", of("o")), STALE, "known");
    let new = json!({"order_id": "o", "amount": 1_000, "capture_id": "ch_8"});
    for kind in ["captured", "authorized"] {
        let parked = shop.seen().parked;
        assert_eq!(shop.hears(kind, new.clone()), (Verdict::Failed, Some("failed")), "{kind}");
        assert_eq!(shop.seen().parked, parked + 1, "a person must look at it");
    }
}

#[test]
fn what_a_provider_sent_back_before_an_order_was_paid_is_not_asked_back_again() {
    // the contract: total 100: +50, −50, +100, +10 asks back 10
    let mut shop = Shop::with_order();
    assert_eq!(shop.takes("a", 500), APPLIED);
    assert_eq!(shop.sends_back("r", "a", 500), APPLIED);
    assert_eq!((shop.order().status, shop.order().paid), ("partially_paid", 500));

    assert_eq!(shop.takes("b", 1_000), APPLIED);
    assert_eq!((shop.order().status, shop.asked()), ("paid", vec![]));
    assert_eq!(shop.takes("b", 100), APPLIED);
    assert_eq!(shop.asked(), [(1, 1, 1, "b", 100)]);
}

#[test]
fn what_a_provider_sends_back_later_does_not_count_as_surplus() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    assert_eq!(shop.sends_back("r", "a", 300), APPLIED);

    assert_eq!(shop.takes("b", 100), APPLIED);
    assert_eq!(shop.asked(), [(1, 1, 1, "b", 100)], "all of it is surplus");
}

#[test]
fn an_early_refund_that_bounced_is_surplus() {
    let mut shop = Shop::with_order();
    shop.takes("a", 500);
    shop.sends_back("r", "a", 500);
    shop.takes("b", 1_000);
    let later = json!({"refund_id": "r", "occurred_at": "2026-01-02T00:00:00Z"});
    assert_eq!(shop.hears("refund_failed", later), APPLIED);
    assert_eq!((shop.order().status, shop.asked()), ("paid", vec![]), "nothing is asked");

    shop.takes("b", 100);
    assert_eq!(shop.asked(), [(1, 1, 1, "b", 600)]);
}

#[test]
fn more_sent_back_than_taken_is_shown_as_it_is() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    assert_eq!(shop.sends_back("r", "a", 400), APPLIED);
    assert_eq!(shop.sends_back("s", "a", 1_000), REVIEW);

    let order = shop.order();
    assert_eq!((order.status, order.paid, order.refunded), ("refunded", 1_000, 1_400));
    assert!(shop.needs_attention());
    assert_eq!(shop.command("order.resolve", json!({"decision": "accept"})), APPLIED);
    assert_eq!((shop.order().status, shop.needs_attention()), ("refunded", false));
    assert_eq!(shop.sends_back("t", "a", 1), REVIEW);
    assert!(shop.needs_attention(), "one more is more than was accepted");
}

#[test]
fn a_refund_before_its_capture_is_review_until_the_capture_comes() {
    let mut shop = Shop::with_order();
    assert_eq!(shop.sends_back("r", "a", 400), REVIEW);
    assert!(shop.needs_attention());
    assert_eq!(shop.takes("a", 600), APPLIED);
    assert!(!shop.needs_attention());
    assert_eq!(shop.takes("a", 800), APPLIED);
    assert_eq!((shop.order().status, shop.asked()), ("paid", vec![]));
}

#[test]
fn a_refund_in_a_currency_that_was_never_taken_is_review() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    let said = json!({"refund_id": "r", "amount": 5, "currency": "EUR"});
    assert_eq!(shop.hears("refund_succeeded", said), REVIEW);
    assert_eq!((shop.order().refunded, shop.needs_attention()), (0, true));
}

#[test]
fn an_order_that_was_never_sold_asks_each_capture_back_less_what_went_back_before() {
    let mut shop = Shop::with_order();
    shop.command("order.cancel", json!({}));
    assert_eq!(shop.sends_back("r", "a", 300), REVIEW);
    assert_eq!(shop.takes("a", 1_000), APPLIED);
    assert_eq!((shop.order().status, shop.asked()), ("refund_due", vec![(1, 1, 1, "a", 700)]));
    assert_eq!(shop.takes("b", 50), APPLIED);
    assert_eq!(shop.asked(), [(1, 1, 1, "b", 50)]);
}
