//! Results that come again or name another order, attempts that go on after they ended, money that is not owed.

use super::*;

fn at(minute: i64, mut said: Value) -> Value {
    said["occurred_at"] = json!(format!("2026-01-01T00:{minute:02}:00Z"));
    said
}

#[test]
fn a_failure_of_the_same_time_is_the_same_failure() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    let asks = |shop: &mut Shop| {
        shop.command("refund.request", json!({"refund_id": "r", "amount": 1_000}))
    };
    let fails = |shop: &mut Shop, minute| {
        shop.hears("refund_failed", at(minute, json!({"refund_id": "r"})))
    };
    assert_eq!((asks(&mut shop), fails(&mut shop, 5)), (APPLIED, APPLIED));
    assert_eq!(asks(&mut shop), APPLIED);
    assert_eq!((fails(&mut shop, 5), fails(&mut shop, 4)), (STALE, STALE));
    assert_eq!(asks(&mut shop), rejected("refund_exists"), "it is pending");
    assert_eq!((fails(&mut shop, 6), asks(&mut shop)), (APPLIED, APPLIED));
}

#[test]
fn refunds_and_disputes_of_another_orders_attempt_change_nothing() {
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    shop.place("other", 1);
    let of_other = [
        ("refund_succeeded", json!({"refund_id": "r", "amount": 100})),
        ("refund_failed", json!({"refund_id": "r"})),
        ("dispute_opened", json!({"dispute_id": "d"})),
    ];
    for (kind, mut said) in of_other {
        said["order_id"] = json!("other");
        assert_eq!(shop.hears(kind, said), STALE, "{kind}");
        assert_eq!(shop.last.detail, json!("the attempt belongs to order o"));
    }
    assert_eq!(shop.seen().orders["other"].refunded, 0);
    let own = json!({"order_id": "other", "amount": 250, "capture_id": "own"});
    assert_eq!(shop.hears("captured", own), APPLIED);
    let said = json!({"order_id": "other", "refund_id": "r", "amount": 100});
    assert_eq!(shop.hears("refund_succeeded", said), APPLIED, "it has a capture of the attempt");
}

#[test]
fn an_attempt_that_ended_is_voided_when_nobody_waits_for_it() {
    for is_over in [true, false] {
        let mut shop = Shop::with_order();
        shop.hears("failed", at(5, json!({"attempt_id": "b"})));
        if is_over {
            shop.command("order.cancel", json!({}));
        }
        let mut authorized = |minute| {
            let said = at(minute, json!({"attempt_id": "b", "amount": 1_000}));
            (shop.hears("authorized", said), shop.voids().len())
        };
        assert_eq!((authorized(4), authorized(5)), ((STALE, 0), (STALE, 0)));
        let expected = if is_over { (APPLIED, 1) } else { (STALE, 0) };
        assert_eq!((authorized(6), authorized(6)), (expected, (STALE, 0)));
    }
}

#[test]
fn what_was_captured_before_an_end_takes_nothing_of_what_comes_later() {
    let mut shop = Shop::with_order();
    shop.hears("voided", at(5, json!({})));
    for (minute, amount) in [(4, 300), (6, 200)] {
        let said = at(minute, json!({"amount": amount, "capture_id": minute.to_string()}));
        assert_eq!(shop.hears("captured", said), APPLIED);
    }
    shop.hears("authorized", at(7, json!({"amount": 500})));
    assert_eq!(shop.order().authorized, 300);
}

#[test]
fn a_free_order_keeps_its_status_when_stray_money_goes_back() {
    let mut shop = Shop::with_order();
    let discount = json!([{"kind": "voucher", "amount": -1_000}]);
    assert_eq!(shop.command("order.amend", json!({"adjustments": discount})), APPLIED);
    assert_eq!(shop.status("o"), "paid");
    shop.takes("a", 300);
    assert_eq!(shop.sends_back("r", "a", 300), APPLIED);
    assert_eq!((shop.status("o"), shop.order().refunded), ("paid", 300));
    assert_eq!(shop.command("order.complete", json!({})), APPLIED);
}

#[test]
fn more_money_than_can_be_counted_is_parked() {
    let mut shop = Shop::with_order();
    assert_eq!(shop.takes("a", i64::MAX), REVIEW);
    let failed = (Verdict::Failed, Some("failed"));
    assert_eq!((shop.takes("b", 1), shop.events().len()), (failed, 0));
    assert_eq!(shop.sends_back("r", "a", 5), APPLIED);
    assert_eq!((shop.order().paid, shop.order().refunded), (i64::MAX, 5));
}
