//! Orders, carts, stock and identities.

use super::*;

#[test]
fn paying_an_order_sells_its_stock_once() {
    let mut shop = Shop::stocked(10);
    assert_eq!(shop.place("o", 4), APPLIED);
    assert_eq!(shop.capture("e", "o", 1_000), APPLIED);
    assert_eq!(shop.capture("e", "o", 1_000), (Verdict::Duplicate, None));
    assert_eq!(shop.capture("e2", "o", 1_000), (Verdict::Stale, None), "the same attempt's money");

    assert_eq!((shop.stock(), shop.status("o")), ((6, 0), "paid"));
    let order = &shop.seen().orders["o"];
    assert_eq!((order.total, order.paid), (1_000, 1_000));
    let confirmed = (NotificationKind::OrderConfirmed.name(), String::new());
    assert_eq!(order.notifications, [confirmed]);
}

#[test]
fn a_capture_before_its_order_waits_for_it() {
    let mut shop = Shop::stocked(10);
    assert_eq!(shop.capture("e", "o", 250), (Verdict::Waiting, None));
    assert_eq!(shop.capture("nobody", "never", 250), (Verdict::Waiting, None));

    let units = shop.all("o", "order.place", &order_of("o", 1));

    assert_eq!(units.len(), 2, "the order, and the callback right after it");
    assert_eq!((shop.status("o"), shop.seen().waiting), ("paid", 1));
    let given_up = shop.pass(7 * DAY);
    assert_eq!(given_up[0].reason, Some("order_never_came"));
    assert_eq!((shop.seen().waiting, shop.seen().parked), (0, 1));
}

#[test]
fn a_parked_callback_uses_up_no_identity() {
    let mut shop = Shop::stocked(10);
    assert_eq!(shop.capture("e", "o", 250), (Verdict::Waiting, None));
    assert_eq!(shop.pass(7 * DAY)[0].reason, Some("order_never_came"));
    assert_eq!(shop.place("o", 1), APPLIED);

    assert_eq!(shop.capture("e", "o", 250), APPLIED);
    assert_eq!(shop.capture("e", "o", 250), (Verdict::Duplicate, None));
}

#[test]
fn an_order_without_enough_stock_is_rejected_and_its_money_is_refunded() {
    let mut shop = Shop::stocked(3);
    assert_eq!(shop.place("o", 4), rejected("out_of_stock"));
    assert_eq!(shop.place("p", 3), APPLIED);
    assert_eq!(
        shop.place("q", 1),
        rejected("out_of_stock"),
        "stock held for another order is not available"
    );
    assert_eq!(shop.capture("e", "o", 1_000), APPLIED);

    assert_eq!((shop.stock(), shop.status("o")), ((3, 3), "refund_due"));
    assert_eq!(shop.seen().orders["o"].refunds[0].amount, 1_000);
}

#[test]
fn late_money_holds_the_stock_again_or_is_refunded() {
    // Given two orders whose holds ran out, and stock for one
    let mut shop = Shop::stocked(4);
    for order in ["o", "p"] {
        shop.place(order, 2);
    }
    let expired = shop.pass(15 * MINUTE);
    assert_eq!(expired.len(), 2);
    shop.run("less", "stock.adjust", &json!({"sku": "tea", "delta": -2}));

    // When both are paid
    assert_eq!(shop.capture("e", "o", 500), APPLIED);
    assert_eq!(shop.capture("f", "p", 500), APPLIED);

    // Then the first order gets the stock, and the money of the second one is refunded
    assert_eq!(shop.stock(), (0, 0));
    assert_eq!((shop.status("o"), shop.status("p")), ("paid", "refund_due"));
}

#[test]
fn cancelling_gives_the_stock_back_and_is_too_late_once_paid() {
    let mut shop = Shop::stocked(5);
    shop.place("o", 2);
    shop.place("p", 2);
    shop.capture("e", "p", 500);
    let mut cancel =
        |order: &str| shop.run(&format!("c-{order}"), "order.cancel", &json!({"order_id": order}));

    assert_eq!(cancel("o"), APPLIED);
    assert_eq!(cancel("p"), rejected("not_allowed"));
    assert_eq!(cancel("q"), rejected("order_not_found"));
    assert_eq!(shop.stock(), (3, 0));
}

#[test]
fn a_cart_closes_with_its_order_and_opens_when_the_hold_runs_out() {
    let mut shop = Shop::stocked(5);
    let line = json!({
        "cart_id": "c", "sku": "tea", "quantity": 2, "unit_price": 250, "currency": "GBP",
    });
    let checkout = |order: &str| {
        json!({"cart_id": "c", "order_id": order, "customer": {"id": "ada"}, "expected_total": 500,
               "hold_for": "1m"})
    };
    assert_eq!(shop.run("1", "cart.put", &line), APPLIED);
    assert_eq!(shop.run("2", "cart.checkout", &checkout("o")), APPLIED);
    assert_eq!(shop.run("3", "cart.put", &line), rejected("cart_closed"));
    shop.pass(MINUTE);

    assert_eq!(shop.run("4", "cart.checkout", &checkout("p")), APPLIED);
    assert_eq!((shop.status("o"), shop.status("p")), ("expired", "awaiting_payment"));
    assert_eq!(shop.stock(), (5, 2));
}

#[test]
fn an_id_used_again_with_other_data_is_a_conflict_and_parked_once() {
    let mut shop = Shop::stocked(5);
    shop.place("o", 1);
    let other = order_of("o", 2);

    for _ in 0..2 {
        assert_eq!(shop.run("o", "order.place", &other), (Verdict::Conflict, Some("conflict")));
    }
    assert_eq!(shop.run("o2", "order.place", &other), rejected("order_exists"));
    assert_eq!((shop.seen().parked, shop.stock().1), (1, 1));
}

#[test]
fn an_identity_is_forgotten_after_its_retention_and_not_before() {
    let mut shop = Shop::stocked(5);
    let (body, less) = (json!({"sku": "tea", "delta": -1}).to_string(), "less");
    let message = Message::new("test", less, "stock.adjust", body.as_bytes());
    assert_eq!(shop.model.take(&message).verdict, Verdict::Applied);
    shop.model.now += 30 * DAY;
    shop.model.forget_identity(&message);
    assert_eq!(shop.model.take(&message).verdict, Verdict::Duplicate);
    shop.model.now += 1;
    shop.model.forget_identity(&message);
    let old = Message { time: Some(NOW), ..message };
    assert_eq!(shop.model.take(&old).reason, Some("expired_identity"));
    assert_eq!(shop.model.take(&message).verdict, Verdict::Applied);
}

#[test]
fn a_deleted_order_keeps_its_id() {
    let mut shop = Shop::stocked(1);
    shop.place("o", 1);
    shop.pass(15 * MINUTE);
    shop.pass(90 * DAY);
    shop.model.delete_order("o");
    assert_eq!(shop.run("2", "order.place", &order_of("o", 1)), rejected("order_exists"));
    assert_eq!(shop.run("3", "order.cancel", &json!({"order_id": "o"})), rejected("not_allowed"));
    assert_eq!(shop.capture("e", "o", 250), (Verdict::Failed, Some("failed")), "new money");
    assert_eq!(shop.hears("failed", json!({})), STALE);
}

#[test]
fn snapshots_that_differ_say_where() {
    let mut shop = Shop::stocked(5);
    shop.place("o", 1);
    let model = shop.seen();
    let mut product = model.clone();
    assert!(crate::snapshot::differences(&product, &model).is_empty());

    product.orders.clear();
    product.waiting = 2;
    product.stock.get_mut("tea").expect("is there").held = 3;

    let differences = crate::snapshot::differences(&product, &model);
    assert_eq!(differences.len(), 3);
    assert!(differences[0].starts_with("order o: the processor has None"));
    assert!(differences[1].contains("held: 3"));
    assert_eq!(differences[2], "waiting callbacks: the processor has 2, the model 0");
}

#[test]
fn an_order_is_known_until_it_changes() {
    let mut shop = Shop::stocked(10);
    for order in ["a", "b", "o"] {
        shop.place(order, 1);
    }
    let (mut known, mut of_copy) = (KnownOrders::default(), KnownOrders::default());
    assert_eq!(shop.model.changed_orders(&mut known), ["a", "b", "o"]);
    assert_eq!(shop.model.changed_orders(&mut known), [""; 0]);

    let mut copy = shop.model.clone();
    assert_eq!(copy.changed_orders(&mut of_copy).len(), 3);
    shop.capture("e", "b", 250);
    shop.capture("e", "b", 250); // a duplicate changes nothing
    assert_eq!(shop.model.changed_orders(&mut known), ["b"]);
    assert_eq!(copy.changed_orders(&mut of_copy), [""; 0], "what a model changes is its own");
    assert_eq!(copy.order("b").map(|order| order.paid), Some(0));

    shop.pass(15 * MINUTE);
    shop.pass(90 * DAY);
    assert_eq!(shop.model.changed_orders(&mut known), ["a", "o"], "their holds ran out");
    shop.model.delete_order("o");
    shop.place("c", 1);
    assert_eq!(shop.model.changed_orders(&mut known), ["c", "o"]);
    assert_eq!((shop.model.order_count(), copy.order_count()), (3, 3));
    copy.name_refunds("a", ["r-1"].into_iter());
    assert_eq!(copy.changed_orders(&mut of_copy), [""; 0], "it has no refund to name");
}
