//! `order.amend`.

use super::*;

/// A shop with an order of 3 + 1 tea at 250 and 1 cup at 100: 1100 GBP.
fn shop() -> Shop {
    let mut shop = Shop::stocked(10);
    shop.run("cups", "stock.set", &json!({"sku": "cup", "on_hand": 2}));
    let mut order = order_of("o", 3);
    order["lines"] = json!([
        {"sku": "tea", "quantity": 3, "unit_price": 250},
        {"sku": "cup", "quantity": 1, "unit_price": 100},
        {"sku": "tea", "quantity": 1, "unit_price": 250},
    ]);
    assert_eq!(shop.run("o", "order.place", &order), APPLIED);
    shop
}

fn amend(shop: &mut Shop, sku: &str, quantity: i64) -> (Verdict, Option<&'static str>) {
    shop.command("order.amend", json!({"lines": [{"sku": sku, "quantity": quantity}]}))
}

fn lines(shop: &Shop) -> Vec<(String, i64)> {
    shop.order().lines.iter().map(|(sku, quantity, _)| (sku.clone(), *quantity)).collect()
}

fn held(shop: &Shop, sku: &str) -> i64 {
    shop.seen().stock[sku].held
}

#[test]
fn before_money_the_hold_and_the_total_follow() {
    let mut shop = shop();
    assert_eq!(amend(&mut shop, "tea", 6), APPLIED);
    assert_eq!(lines(&shop), [("tea".into(), 3), ("cup".into(), 1), ("tea".into(), 3)]);
    assert_eq!((shop.order().total, held(&shop, "tea")), (1_600, 6));
    assert_eq!(shop.events(), ["order.amended"]);

    assert_eq!(amend(&mut shop, "tea", 2), APPLIED);
    assert_eq!(lines(&shop), [("tea".into(), 2), ("cup".into(), 1)], "the last one gives way");
    assert_eq!((shop.order().total, held(&shop, "tea")), (600, 2));
    assert_eq!(amend(&mut shop, "cup", 0), APPLIED);
    assert_eq!((lines(&shop), held(&shop, "cup")), (vec![("tea".into(), 2)], 0));
}

#[test]
fn an_amendment_is_refused_whole() {
    let mut shop = shop();
    let before = shop.order();
    let two = json!({"lines": [{"sku": "tea", "quantity": 1}, {"sku": "cup", "quantity": 3}]});
    assert_eq!(shop.command("order.amend", two), rejected("out_of_stock"));
    let short = json!([{"sku": "cup", "wanted": 2, "available": 1}]);
    assert_eq!(shop.last.detail, short);
    assert_eq!(amend(&mut shop, "jam", 1), rejected("unknown_sku"));
    let less = json!({"adjustments": [{"kind": "voucher", "amount": -1_101}]});
    assert_eq!(shop.command("order.amend", less), INVALID);
    assert_eq!((shop.order(), held(&shop, "tea")), (before, 4));
}

#[test]
fn the_net_that_covers_the_new_total_pays_the_order() {
    let mut shop = shop();
    shop.takes("a", 800);
    assert_eq!(amend(&mut shop, "tea", 2), APPLIED);
    assert_eq!(shop.events(), ["order.amended", "order.paid"]);
    assert_eq!((shop.status("o"), shop.asked()), ("paid", vec![(1, 1, 1, "a", 200)]));
    assert_eq!(shop.seen().stock["tea"].on_hand, 8);
}

#[test]
fn once_paid_an_order_only_shrinks_and_the_surplus_goes_back() {
    let mut shop = shop();
    shop.takes("a", 1_100);
    assert_eq!(amend(&mut shop, "tea", 5), NOT_ALLOWED);
    let more = json!({"adjustments": [{"kind": "gift wrap", "amount": 1}]});
    assert_eq!(shop.command("order.amend", more), NOT_ALLOWED);
    assert_eq!(amend(&mut shop, "tea", 3), APPLIED);
    assert_eq!((shop.asked(), shop.status("o")), (vec![(1, 1, 1, "a", 250)], "paid"));
    assert_eq!(shop.seen().stock["tea"].on_hand, 7);

    let less = json!({"adjustments": [{"kind": "sorry", "amount": -50}]});
    assert_eq!(shop.command("order.amend", less), APPLIED);
    assert_eq!(shop.asked(), [(1, 1, 1, "a", 50)]);
}

#[test]
fn goods_that_came_back_stay_back() {
    let mut shop = shop();
    shop.takes("a", 1_100);
    let back = json!({"refund_id": "r", "amount": 500,
                      "restock": [{"sku": "tea", "quantity": 2}]});
    assert_eq!(shop.command("refund.request", back), APPLIED);
    assert_eq!(amend(&mut shop, "tea", 1), rejected("restock_exceeds_sold"));
    assert_eq!(amend(&mut shop, "tea", 2), APPLIED);
    assert_eq!(shop.seen().stock["tea"].on_hand, 10);
}

#[test]
fn an_authorized_order_shrinks_to_what_was_captured() {
    let mut shop = Shop::stocked(10);
    let mut order = order_of("o", 4);
    order["confirm_on"] = json!("authorization");
    shop.run("o", "order.place", &order);
    shop.hears("authorized", json!({"amount": 1_000}));
    assert_eq!(amend(&mut shop, "tea", 5), NOT_ALLOWED);
    assert_eq!(amend(&mut shop, "tea", 3), APPLIED);
    assert_eq!((shop.status("o"), shop.order().authorized), ("authorized", 1_000));
    shop.hears("captured", json!({"amount": 600}));
    assert_eq!(amend(&mut shop, "tea", 2), APPLIED);
    assert_eq!((shop.status("o"), shop.voids()), ("paid", vec!["a"]));
    assert_eq!(shop.asked(), [(1, 1, 1, "a", 100)]);
}

#[test]
fn a_smaller_total_may_be_covered_by_an_authorization() {
    let mut shop = Shop::stocked(10);
    let mut order = order_of("o", 4);
    order["confirm_on"] = json!("authorization");
    shop.run("o", "order.place", &order);
    shop.hears("authorized", json!({"amount": 750}));
    assert_eq!(amend(&mut shop, "tea", 3), APPLIED);
    assert_eq!(shop.events(), ["order.amended", "order.authorized"]);
}

#[test]
fn contact_and_addresses_change_in_every_status_but_rejected() {
    let mut shop = shop();
    shop.takes("a", 1_100);
    shop.command("order.complete", json!({}));
    assert_eq!(amend(&mut shop, "tea", 1), NOT_ALLOWED);
    let contact = json!({
        "customer": {"id": "ada", "email": "ada@example.org"},
        "shipping_address": {"lines": ["1 High Street"], "city": "York"},
        "metadata": {"gift": true},
    });
    assert_eq!(shop.command("order.amend", contact.clone()), APPLIED);
    let order = shop.order();
    assert_eq!((order.status, Value::Object(order.details)), ("completed", contact));

    let new = json!({"metadata": {"note": "left at the door"}});
    assert_eq!(shop.command("order.amend", new.clone()), APPLIED);
    assert_eq!(shop.order().details["metadata"], new["metadata"], "replaced whole");
    assert_eq!(shop.order().details["customer"]["email"], "ada@example.org", "left alone");

    shop.place("r", 100);
    let data = json!({"order_id": "r", "metadata": {}});
    assert_eq!(shop.command("order.amend", data), NOT_ALLOWED);
    assert_eq!(shop.last.detail, "rejected");
}

#[test]
fn an_amendment_may_expect_a_version() {
    let mut shop = shop();
    shop.hears("authorized", json!({"amount": 10}));
    shop.hears("authorized", json!({"amount": 10}));
    shop.hears("authorized", json!({"attempt_id": "b", "amount": 10}));
    assert_eq!(shop.order().version, 3, "order.placed, and two authorizations that it shows");
    let with = |version: i64| json!({"expected_version": version, "metadata": {}});
    assert_eq!(shop.command("order.amend", with(2)), rejected("version_mismatch"));
    assert_eq!(shop.command("order.amend", with(3)), APPLIED);
}

#[test]
fn an_amendment_changes_something() {
    let mut shop = shop();
    for nothing in
        [json!({}), json!({"lines": []}), json!({"customer": null, "expected_version": 1})]
    {
        assert_eq!(shop.command("order.amend", nothing.clone()), INVALID, "{nothing}");
    }
    assert_eq!(shop.command("order.amend", json!({"adjustments": []})), APPLIED);
}

#[test]
fn a_total_that_falls_takes_from_what_was_let_go() {
    let mut shop = shop();
    shop.takes("a", 700);
    shop.command("order.resolve", json!({"decision": "accept", "write_off": 900}));
    assert_eq!((shop.status("o"), shop.order().written_off), ("paid", 400), "what was missing");
    for (discount, left) in [(300, 100), (400, 0), (500, 0)] {
        let adjustments = json!([{"kind": "discount", "amount": -discount}]);
        assert_eq!(shop.command("order.amend", json!({"adjustments": adjustments})), APPLIED);
        assert_eq!((shop.status("o"), shop.order().written_off), ("paid", left), "{discount}");
    }
    assert_eq!(shop.asked(), [(1, 1, 1, "a", 100)]);
}

#[test]
fn metadata_are_an_object_of_at_most_4_kib() {
    let mut shop = shop();
    let with = |text: usize| json!({"metadata": {"a": "x".repeat(text)}});
    assert_eq!(shop.command("order.amend", with(4_096 - 8)), APPLIED);
    assert_eq!(shop.command("order.amend", with(4_096 - 7)), INVALID);
    assert_eq!(shop.command("order.amend", json!({"metadata": [1]})), INVALID);
}
