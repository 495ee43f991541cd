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

/// The refund `r` of attempt `a` succeeded with that amount, or failed (0), at that hour.
fn says(shop: &mut Shop, amount: i64, hour: i64) -> (Verdict, Option<&'static str>) {
    let kind = if amount > 0 { "refund_succeeded" } else { "refund_failed" };
    let said = json!({"refund_id": "r", "amount": amount,
                      "occurred_at": format!("2026-01-01T{hour:02}:00:00Z")});
    shop.hears(kind, said)
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
    let later = json!({"refund_id": "r", "occurred_at": "2026-01-02T00:00:00Z"});
    assert_eq!(shop.hears("refund_failed", later), APPLIED);
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
    assert_eq!(shop.sends_back("r", "a", 400), STALE, "the success that bounced");
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

/// Amount (0: it failed) and hour of each outcome of a refund of 400; what was sent back by then, and its state.
type Case = (&'static [(i64, i64)], i64, &'static str);

#[test]
fn the_outcome_that_occurred_last_decides_in_whatever_order_it_comes() {
    let cases: &[Case] = &[
        (&[(400, 2), (0, 5)], 0, "failed"),
        (&[(0, 2), (400, 5)], 400, "succeeded"),
        (&[(400, 2), (0, 5), (400, 7)], 400, "succeeded"),
        (&[(400, 2), (400, 7), (0, 5)], 400, "succeeded"),
        (&[(400, 5), (0, 5)], 400, "succeeded"),
        (&[(400, 2), (400, 2), (0, 5)], 0, "failed"),
        // shares add up
        (&[(100, 2), (300, 3)], 400, "succeeded"),
        (&[(100, 2), (100, 3)], 200, "requested"),
        // what is left fails, and may come all the same
        (&[(100, 2), (0, 5)], 100, "failed"),
        (&[(100, 2), (0, 3), (100, 4)], 200, "requested"),
        (&[(100, 2), (0, 3), (300, 4)], 400, "succeeded"),
        // all of it came, and bounced
        (&[(100, 2), (300, 3), (0, 5)], 0, "failed"),
    ];
    for (outcomes, refunded, state) in cases {
        for turn in 0..outcomes.len() {
            for is_asked in [true, false] {
                if !is_asked && outcomes.iter().any(|(amount, _)| ![0, 400].contains(amount)) {
                    continue; // what nobody asked for succeeds as a whole
                }
                let mut shop = Shop::with_order();
                shop.takes("a", 1_000);
                if is_asked {
                    request(&mut shop, "r", 400);
                }
                for nth in 0..outcomes.len() {
                    let (amount, hour) = outcomes[(nth + turn) % outcomes.len()];
                    says(&mut shop, amount, hour);
                }
                let order = shop.order();
                let part = &order.refunds[0];
                let expected = (*refunded, *refunded, *state);
                let found = (order.refunded, part.sent_back, part.state);
                assert_eq!(found, expected, "{outcomes:?} from the {turn}th");
            }
        }
    }
}

#[test]
fn what_occurred_before_a_known_failure_is_stale() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    request(&mut shop, "r", 400);
    assert_eq!(says(&mut shop, 0, 5), APPLIED);
    assert_eq!(says(&mut shop, 400, 2), STALE);
    assert_eq!((shop.order().refunded, shop.status("o")), (0, "paid"));

    assert_eq!(request(&mut shop, "r", 400), APPLIED);
    assert_eq!(says(&mut shop, 0, 4), STALE, "that of the first try");
    assert_eq!(shop.order().refunds[0].state, "requested");
    assert_eq!(says(&mut shop, 400, 3), APPLIED, "it answers the new request");
    assert_eq!(shop.order().refunded, 400);
    assert_eq!(says(&mut shop, 0, 4), STALE);
    assert_eq!(says(&mut shop, 0, 6), APPLIED, "it bounced");
    assert_eq!(says(&mut shop, 400, 3), STALE);
    assert_eq!(shop.order().refunded, 0);
}

#[test]
fn a_failure_of_a_refund_that_is_not_known_is_remembered() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    let version = shop.order().version;
    assert_eq!(says(&mut shop, 0, 5), STALE);
    assert_eq!(shop.order().version, version + 1, "it is recorded");
    assert!(!shop.needs_attention(), "no money failed to go back");
    assert_eq!(says(&mut shop, 400, 2), STALE, "it occurred earlier");

    // the id is free, also for other parts
    assert_eq!(request(&mut shop, "r", 300), APPLIED);
    assert_eq!(shop.asked(), [(1, 1, 1, "a", 300)]);
    assert_eq!(says(&mut shop, 0, 4), STALE);
    assert_eq!(says(&mut shop, 300, 6), APPLIED);
    assert_eq!(shop.order().refunded, 300);
}

#[test]
fn successes_of_a_part_add_up_to_what_was_asked_for() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    request(&mut shop, "r", 400);
    assert_eq!(says(&mut shop, 100, 1), APPLIED);
    let part = shop.order().refunds[0].clone();
    assert_eq!((part.amount, part.sent_back, part.state), (400, 100, "requested"));
    assert_eq!(shop.order().refunded, 100);
    assert_eq!(shop.order().notifications.len(), 1, "the refund is not whole yet");
    assert_eq!(request(&mut shop, "s", 601), rejected("refund_exceeds_paid"), "300 are pending");
    assert_eq!(request(&mut shop, "r", 300), rejected("refund_exists"));
    assert_eq!(says(&mut shop, 100, 1), STALE, "known");
    assert_eq!(says(&mut shop, 200, 2), APPLIED);
    assert_eq!(says(&mut shop, 100, 3), APPLIED);
    assert_eq!((shop.order().refunded, shop.order().refunds[0].state), (400, "succeeded"));
    assert_eq!(shop.order().notifications.len(), 2);
    assert_eq!(says(&mut shop, 100, 4), STALE, "it is whole");

    // all of it bounces
    assert_eq!(says(&mut shop, 0, 9), APPLIED);
    assert_eq!(shop.last.facts, ["due 400"]);
    assert_eq!((shop.order().refunded, shop.status("o")), (0, "paid"));
    assert_eq!(request(&mut shop, "r", 400), APPLIED);
}

#[test]
fn what_is_left_of_a_part_fails_and_is_asked_for_again() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    request(&mut shop, "r", 400);
    says(&mut shop, 100, 1);
    assert_eq!(says(&mut shop, 0, 2), APPLIED);
    assert_eq!((shop.order().refunded, shop.events()), (100, vec![]), "nothing came back");
    let part = shop.order().refunds[0].clone();
    assert_eq!((part.amount, part.sent_back, part.state), (400, 100, "failed"));
    assert!(shop.needs_attention());
    assert_eq!(request(&mut shop, "r", 250), rejected("refund_exists"));
    assert_eq!(request(&mut shop, "r", 300), APPLIED);
    assert_eq!(shop.asked(), [(1, 1, 2, "a", 300)]);
    assert_eq!(says(&mut shop, 300, 3), APPLIED);
    assert_eq!((shop.order().refunded, shop.order().refunds[0].state), (400, "succeeded"));
}

#[test]
fn more_than_was_asked_for_counts_as_it_came() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    request(&mut shop, "r", 400);
    assert_eq!(says(&mut shop, 300, 1), APPLIED);
    assert_eq!(says(&mut shop, 300, 2), APPLIED);
    let part = shop.order().refunds[0].clone();
    assert_eq!((part.amount, part.sent_back, part.state), (600, 600, "succeeded"));
}
