//! Refunds in parts, and refunds that fail or bounce.

use super::*;

/// A shop with an order that was paid with 600 of attempt `a` and 400 of attempt `b`.
fn paid_in_two() -> Shop {
    let mut shop = Shop::with_order();
    shop.takes("a", 600);
    shop.takes("b", 400);
    assert_eq!(shop.status("o"), "paid");
    shop
}

fn request(shop: &mut Shop, refund: &str, amount: i64) -> (Verdict, Option<&'static str>) {
    shop.command("refund.request", json!({"refund_id": refund, "amount": amount}))
}

fn fails(shop: &mut Shop, refund: &str, attempt: &str) -> (Verdict, Option<&'static str>) {
    shop.hears("refund_failed", json!({"refund_id": refund, "attempt_id": attempt}))
}

#[test]
fn each_attempt_is_asked_for_its_part_newest_first() {
    let mut shop = paid_in_two();
    assert_eq!(request(&mut shop, "r", 1_000), APPLIED);
    assert_eq!(shop.asked(), [(1, 2, 1, "b", 400), (2, 2, 1, "a", 600)]);
    let capture = &shop.last.refunds_requested[0].capture;
    assert!(capture.as_ref().is_some_and(|id| id.starts_with("capture-")), "it has only one");

    assert_eq!(shop.sends_back("r", "b", 400), APPLIED);
    assert_eq!((shop.order().refunded, shop.status("o")), (400, "partially_refunded"));
    assert_eq!(shop.sends_back("r", "a", 600), APPLIED);
    assert_eq!(shop.status("o"), "refunded");
}

#[test]
fn a_smaller_refund_asks_the_newest_attempt_only() {
    let mut shop = paid_in_two();
    request(&mut shop, "r", 300);
    assert_eq!(shop.asked(), [(1, 1, 1, "b", 300)]);
    request(&mut shop, "s", 300);
    assert_eq!(shop.asked(), [(1, 2, 1, "b", 100), (2, 2, 1, "a", 200)]);
    assert_eq!(request(&mut shop, "t", 401), rejected("refund_exceeds_paid"));
}

#[test]
fn only_failed_parts_are_asked_for_again() {
    let mut shop = paid_in_two();
    request(&mut shop, "r", 1_000);
    assert_eq!(request(&mut shop, "r", 1_000), rejected("refund_exists"));
    shop.sends_back("r", "b", 400);
    assert_eq!(fails(&mut shop, "r", "a"), APPLIED);
    assert!(shop.needs_attention());

    assert_eq!(request(&mut shop, "r", 500), rejected("refund_exists"), "neither 600 nor 1000");
    assert_eq!(request(&mut shop, "r", 600), APPLIED);
    assert_eq!(shop.asked(), [(2, 2, 2, "a", 600)]);
    assert!(!shop.needs_attention());
    fails(&mut shop, "r", "a");
    assert_eq!(request(&mut shop, "r", 1_000), APPLIED);
    assert_eq!(shop.asked(), [(2, 2, 3, "a", 600)]);
}

#[test]
fn a_refund_that_failed_whole_may_have_another_amount() {
    let mut shop = paid_in_two();
    request(&mut shop, "r", 1_000);
    fails(&mut shop, "r", "a");
    fails(&mut shop, "r", "b");
    assert_eq!(request(&mut shop, "r", 450), APPLIED);
    assert_eq!(shop.asked(), [(1, 2, 2, "b", 400), (2, 2, 2, "a", 50)]);
}

#[test]
fn a_result_of_another_attempt_is_a_refund_that_nobody_asked_for() {
    let mut shop = paid_in_two();
    request(&mut shop, "r", 400);
    assert_eq!(shop.sends_back("r", "a", 100), APPLIED);
    assert_eq!(shop.order().refunded, 100);
    let states = shop.order().refunds.into_iter().map(|part| (part.attempt, part.state));
    let expected = [("a".to_owned(), "succeeded"), ("b".to_owned(), "requested")];
    assert_eq!(states.collect::<Vec<_>>(), expected, "that of b is still pending");
    assert_eq!(shop.sends_back("r", "b", 400), APPLIED);
    assert_eq!(shop.order().refunded, 500);
}

/// A shop with an order whose refund `r` of `amount` succeeded at noon.
fn refunded(mut shop: Shop, amount: i64) -> Shop {
    request(&mut shop, "r", amount);
    let said = json!({"refund_id": "r", "amount": amount, "occurred_at": "2026-01-01T12:00:00Z"});
    assert_eq!(shop.hears("refund_succeeded", said), APPLIED);
    shop
}

fn bounces(shop: &mut Shop, at: &str) -> (Verdict, Option<&'static str>) {
    let occurred_at = format!("2026-01-01T{at}:00Z");
    shop.hears("refund_failed", json!({"refund_id": "r", "occurred_at": occurred_at}))
}

#[test]
fn a_refund_that_bounced_is_owed_again_and_may_be_asked_for_again() {
    for (amount, is_complete, then) in
        [(1_000, false, "paid"), (1_000, true, "completed"), (400, false, "paid")]
    {
        let mut shop = Shop::with_order();
        shop.takes("a", 1_000);
        if is_complete {
            shop.command("order.complete", json!({}));
        }
        let mut shop = refunded(shop, amount);
        assert_eq!(bounces(&mut shop, "12:00"), STALE, "not later");
        assert_eq!(bounces(&mut shop, "11:00"), STALE, "earlier");
        assert_eq!(shop.order().refunded, amount);

        assert_eq!(bounces(&mut shop, "12:01"), APPLIED);
        assert_eq!((shop.order().refunded, shop.status("o")), (0, then));
        assert_eq!((shop.events(), shop.asked()), (vec!["order.refund_due"], vec![]));
        assert_eq!(shop.last.facts, [format!("due {amount}")]);
        assert!(shop.needs_attention());
        assert_eq!(request(&mut shop, "r", amount), APPLIED);
        assert_eq!(shop.asked(), [(1, 1, 2, "a", amount)]);
    }
}

#[test]
fn a_bounced_part_leaves_what_the_others_sent_back() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    let mut shop = refunded(shop, 300);
    shop.sends_back("s", "a", 700);
    assert_eq!(shop.status("o"), "refunded");
    assert_eq!(bounces(&mut shop, "13:00"), APPLIED);
    assert_eq!((shop.status("o"), shop.order().refunded), ("partially_refunded", 700));
}

#[test]
fn a_refund_of_a_cancelled_order_that_bounced_makes_it_refund_due() {
    let mut shop = Shop::with_order();
    shop.takes("a", 400);
    shop.command("order.cancel", json!({}));
    shop.model.name_refunds("o", ["r"].into_iter());
    shop.sends_back("r", "a", 400);
    assert_eq!(shop.status("o"), "refunded");

    assert_eq!(bounces(&mut shop, "12:00"), APPLIED);
    assert_eq!((shop.status("o"), shop.events()), ("refund_due", vec!["order.refund_due"]));
    assert_eq!(shop.asked(), [], "a person asks");
    assert_eq!(request(&mut shop, "r", 400), APPLIED);
    assert_eq!(shop.sends_back("r", "a", 400), APPLIED);
    assert_eq!(shop.status("o"), "refunded");
}

#[test]
fn the_refund_due_of_an_order_paid_by_two_attempts_asks_both() {
    let mut shop = Shop::with_order();
    shop.takes("a", 600);
    shop.takes("b", 300);
    shop.command("order.cancel", json!({}));
    assert_eq!(shop.last.facts, ["due 900"]);
    assert_eq!(shop.asked(), [(1, 2, 1, "b", 300), (2, 2, 1, "a", 600)]);
}
