//! `order.resolve`, `order.complete`, and what the audit shows.

use super::*;

fn resolve(shop: &mut Shop, decision: &str) -> (Verdict, Option<&'static str>) {
    shop.command("order.resolve", json!({"decision": decision}))
}

fn write_off(shop: &mut Shop, amount: i64) -> (Verdict, Option<&'static str>) {
    shop.command("order.resolve", json!({"decision": "accept", "write_off": amount}))
}

#[test]
fn a_person_accepts_a_shortfall() {
    let mut shop = Shop::with_order();
    assert_eq!(resolve(&mut shop, "accept"), NOT_ALLOWED, "no money is there");
    shop.takes("a", 990);
    assert_eq!(write_off(&mut shop, 9), NOT_ALLOWED);
    assert_eq!(shop.last.detail, "partially_paid");
    assert_eq!(write_off(&mut shop, 10), APPLIED);
    assert_eq!((shop.status("o"), shop.order().written_off, shop.stock()), ("paid", 10, (6, 0)));

    shop.takes("b", 10);
    assert_eq!(shop.asked(), [], "the total is not passed");
    shop.takes("b", 5);
    assert_eq!(shop.asked(), [(1, 1, 1, "b", 5)]);
    assert_eq!(shop.sends_back("r", "b", 5), APPLIED);
    assert_eq!(shop.status("o"), "paid");
    shop.sends_back("s", "b", 10);
    assert_eq!(shop.status("o"), "partially_refunded", "the net is below the total");
}

#[test]
fn only_accepting_lets_money_go() {
    let mut shop = Shop::with_order();
    shop.takes("a", 990);
    for decision in ["cancel", "return"] {
        let data = json!({"decision": decision, "write_off": 1});
        assert_eq!(shop.command("order.resolve", data), INVALID);
    }
    assert_eq!(resolve(&mut shop, "cancel"), APPLIED);
    assert_eq!(shop.status("o"), "refund_due");
}

#[test]
fn an_authorized_order_is_accepted_for_the_money_that_came() {
    let mut shop = Shop::stocked(10);
    let mut order = order_of("o", 4);
    order["confirm_on"] = json!("authorization");
    shop.run("o", "order.place", &order);
    shop.hears("authorized", json!({"amount": 1_000}));
    assert_eq!(write_off(&mut shop, 1_000), NOT_ALLOWED, "no money came");
    shop.hears("captured", json!({"amount": 600}));
    assert_eq!(resolve(&mut shop, "cancel"), NOT_ALLOWED);
    assert_eq!(write_off(&mut shop, 400), APPLIED);
    assert_eq!((shop.status("o"), shop.voids()), ("paid", vec!["a"]));
}

#[test]
fn accepting_an_over_capture_asks_the_surplus_back() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000 + 30);
    assert!(shop.needs_attention());
    assert_eq!(resolve(&mut shop, "accept"), APPLIED);
    assert_eq!((shop.status("o"), shop.asked()), ("paid", vec![(1, 1, 1, "a", 30)]));
    assert!(!shop.needs_attention());
}

#[test]
fn what_is_not_owed_is_returned_and_the_status_stays() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000 + 30);
    assert_eq!(resolve(&mut shop, "return"), APPLIED);
    assert_eq!((shop.status("o"), shop.asked()), ("under_review", vec![(1, 1, 1, "a", 30)]));
    assert_eq!(resolve(&mut shop, "return"), NOT_ALLOWED, "it is asked back");
    assert_eq!(resolve(&mut shop, "accept"), APPLIED);
    assert_eq!((shop.status("o"), shop.asked()), ("paid", vec![]));
}

#[test]
fn money_in_another_currency_on_a_paid_order_is_accepted_or_returned() {
    let euros = json!({"attempt_id": "b", "amount": 70, "currency": "EUR"});
    for (decision, asked) in [("accept", vec![]), ("return", vec![(1, 1, 1, "b", 70)])] {
        let mut shop = Shop::with_order();
        shop.takes("a", 1_000);
        assert_eq!(resolve(&mut shop, decision), NOT_ALLOWED, "all is as it should be");
        assert_eq!(shop.hears("captured", euros.clone()), REVIEW);
        assert_eq!((shop.status("o"), shop.needs_attention()), ("paid", true));

        assert_eq!(resolve(&mut shop, decision), APPLIED);
        assert_eq!((shop.status("o"), shop.asked()), ("paid", asked));
        assert!(!shop.needs_attention());
        if decision == "return" {
            shop.model.name_refunds("o", ["r"].into_iter());
            let back =
                json!({"attempt_id": "b", "refund_id": "r", "amount": 70, "currency": "EUR"});
            assert_eq!(shop.hears("refund_succeeded", back), APPLIED);
            assert_eq!((shop.status("o"), shop.order().refunded), ("paid", 0));
        }
    }
}

#[test]
fn cancelling_a_review_gives_back_every_currency() {
    let mut shop = Shop::with_order();
    let euros = json!({"attempt_id": "b", "amount": 70, "currency": "EUR"});
    assert_eq!(shop.hears("captured", euros), REVIEW);
    shop.takes("a", 100);
    assert_eq!(resolve(&mut shop, "cancel"), APPLIED);
    assert_eq!(shop.asked(), [(1, 1, 1, "a", 100), (1, 1, 1, "b", 70)]);
    assert_eq!(shop.status("o"), "refund_due");
}

#[test]
fn a_review_whose_hold_is_gone_holds_again_or_is_refused() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_030);
    shop.pass(120 * MINUTE);
    assert_eq!((shop.status("o"), shop.stock()), ("under_review", (10, 0)));
    shop.place("p", 10);
    assert_eq!(resolve(&mut shop, "accept"), rejected("out_of_stock"));
    shop.command("order.cancel", json!({"order_id": "p"}));
    assert_eq!(resolve(&mut shop, "accept"), APPLIED);
    assert_eq!(shop.last.facts, ["late true"]);
}

#[test]
fn a_partly_refunded_order_is_completed_and_settles() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    shop.sends_back("r", "a", 300);
    assert_eq!(shop.status("o"), "partially_refunded");
    shop.pass(DAY);
    assert_eq!(shop.command("order.complete", json!({})), APPLIED);
    assert_eq!((shop.status("o"), shop.order().completed_at), ("completed", Some(NOW + DAY)));

    shop.pass(DAY);
    shop.sends_back("s", "a", 100);
    assert_eq!(
        (shop.status("o"), shop.order().completed_at),
        ("partially_refunded", Some(NOW + DAY))
    );
    assert_eq!(shop.command("order.complete", json!({})), APPLIED);
    assert_eq!(shop.order().completed_at, Some(NOW + DAY), "the first time");
    shop.sends_back("t", "a", 100);
    shop.pass(90 * DAY);
    shop.model.delete_order("o");
}

#[test]
#[should_panic(expected = "o is deleted and")]
fn an_order_that_a_person_must_look_at_is_not_deleted() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    shop.command("order.complete", json!({}));
    shop.sends_back("r", "a", 1_001);
    shop.pass(90 * DAY);
    shop.model.delete_order("o");
}

/// A shop with a paid order of 1000 whose refund `r` of 400 failed.
fn with_a_failed_refund() -> Shop {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    shop.command("refund.request", json!({"refund_id": "r", "amount": 400}));
    assert_eq!(shop.hears("refund_failed", json!({"refund_id": "r"})), APPLIED);
    assert!(shop.needs_attention());
    shop
}

#[test]
fn a_failed_refund_that_was_settled_another_way_is_accepted() {
    let mut shop = with_a_failed_refund();
    assert_eq!(resolve(&mut shop, "return"), NOT_ALLOWED, "the net does not pass the total");
    assert_eq!(resolve(&mut shop, "accept"), APPLIED);
    assert_eq!((shop.status("o"), shop.asked(), shop.needs_attention()), ("paid", vec![], false));
    assert_eq!(resolve(&mut shop, "accept"), NOT_ALLOWED);

    // one that fails later is another one
    shop.command("refund.request", json!({"refund_id": "s", "amount": 100}));
    shop.hears("refund_failed", json!({"refund_id": "s"}));
    assert!(shop.needs_attention());
}

#[test]
fn a_failed_refund_that_is_sent_back_another_way_needs_nobody() {
    // a provider sends the money back by itself, at its dashboard
    let mut shop = with_a_failed_refund();
    assert_eq!(shop.sends_back("x", "a", 300), APPLIED);
    assert!(shop.needs_attention(), "100 are left");
    assert_eq!(shop.sends_back("y", "a", 100), APPLIED);
    assert!(!shop.needs_attention());

    // it is asked for under another id, and fails there too
    let mut shop = with_a_failed_refund();
    shop.command("refund.request", json!({"refund_id": "s", "amount": 400}));
    assert!(!shop.needs_attention());
    shop.hears("refund_failed", json!({"refund_id": "s"}));
    assert!(shop.needs_attention());
    shop.command("refund.request", json!({"refund_id": "s", "amount": 400}));
    assert!(!shop.needs_attention());
    shop.sends_back("s", "a", 400);
    assert!(!shop.needs_attention());
}

#[test]
fn a_surplus_that_failed_to_go_back_is_returned() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    shop.takes("b", 50);
    shop.model.name_refunds("o", ["r"].into_iter());
    shop.hears("refund_failed", json!({"refund_id": "r", "attempt_id": "b"}));
    assert!(shop.needs_attention());
    assert_eq!(resolve(&mut shop, "return"), APPLIED);
    assert_eq!((shop.asked(), shop.needs_attention()), (vec![(1, 1, 1, "b", 50)], false));
    shop.model.name_refunds("o", ["s"].into_iter());
    shop.sends_back("s", "b", 50);
    assert!(!shop.needs_attention());
}

#[test]
fn a_failed_refund_of_accepted_money_in_another_currency_needs_a_person() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    shop.hears("captured", json!({"attempt_id": "b", "amount": 70, "currency": "EUR"}));
    assert_eq!(resolve(&mut shop, "accept"), APPLIED);
    assert!(!shop.needs_attention());
    let said = |at: &str| {
        json!({"attempt_id": "b", "refund_id": "r", "amount": 30,
        "currency": "EUR", "occurred_at": format!("2026-01-01T{at}:00Z")})
    };
    assert_eq!(shop.hears("refund_succeeded", said("10:00")), APPLIED);
    assert_eq!(shop.hears("refund_failed", said("11:00")), APPLIED);
    assert!(shop.needs_attention(), "nobody accepted that");
    assert_eq!(resolve(&mut shop, "accept"), APPLIED);
    assert!(!shop.needs_attention());
}
