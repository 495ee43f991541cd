//! Stock, carts, and goods that come back without money.

use super::*;

fn back(refund: &str, amount: i64, quantity: i64) -> Value {
    json!({"refund_id": refund, "amount": amount,
           "restock": [{"sku": "tea", "quantity": quantity}]})
}

#[test]
fn goods_of_a_free_order_come_back_without_money() {
    let mut shop = Shop::stocked(10);
    let mut free = order_of("o", 4);
    free["lines"][0]["unit_price"] = json!(0);
    assert_eq!(shop.run("o", "order.place", &free), APPLIED);
    assert_eq!(shop.status("o"), "paid");

    assert_eq!(shop.command("refund.request", back("r", 0, 1)), APPLIED);
    assert_eq!((shop.status("o"), shop.stock()), ("paid", (7, 0)));
    assert!(!shop.last.events.contains(&"payment.refund_requested"));
    assert_eq!(shop.command("refund.request", back("r", 0, 1)), rejected("refund_exists"));
    assert_eq!(shop.command("refund.request", back("s", 0, 4)), rejected("restock_exceeds_sold"));
    assert_eq!(shop.command("refund.request", back("s", 0, 3)), APPLIED);
    assert_eq!((shop.status("o"), shop.events()), ("refunded", vec!["order.refunded"]));
    assert_eq!(shop.stock(), (10, 0));
}

#[test]
fn an_amount_of_0_needs_goods_that_were_sold() {
    let mut shop = Shop::with_order();
    assert_eq!(shop.command("refund.request", back("r", 0, 1)), NOT_ALLOWED);
    shop.takes("a", 1_000);
    let nothing = json!({"refund_id": "r", "amount": 0});
    assert_eq!(shop.command("refund.request", nothing), INVALID);
    assert_eq!(shop.command("refund.request", back("r", 0, 4)), APPLIED);
    assert_eq!(shop.status("o"), "paid", "the shop keeps the money");

    let mut shop = Shop::with_order();
    shop.command("order.cancel", json!({}));
    assert_eq!(shop.command("refund.request", back("r", 0, 1)), rejected("restock_exceeds_sold"));
}

#[test]
fn stock_is_set_with_the_version_that_was_seen() {
    let mut shop = Shop::stocked(10);
    let version = |shop: &Shop| shop.seen().stock["tea"].version;
    let set = |on_hand: i64, version: i64| json!({"sku": "tea", "on_hand": on_hand, "expected_version": version});
    assert_eq!(version(&shop), 1);
    assert_eq!(shop.command("stock.set", set(11, 0)), rejected("version_mismatch"));
    assert_eq!(shop.command("stock.set", set(11, 1)), APPLIED);
    shop.place("o", 1);
    assert_eq!(version(&shop), 3, "a hold changes what is available");
    shop.command("order.cancel", json!({}));
    assert_eq!((version(&shop), shop.stock()), (4, (11, 0)));

    let mut free = order_of("free", 1);
    free["lines"][0]["unit_price"] = json!(0);
    shop.run("free", "order.place", &free);
    assert_eq!((version(&shop), shop.stock()), (5, (10, 0)), "held and sold in one step");

    let new = json!({"sku": "cup", "on_hand": 0, "expected_version": 0});
    assert_eq!(shop.command("stock.set", new), APPLIED);
    assert_eq!(shop.seen().stock["cup"].version, 1);
}

#[test]
fn an_expired_cart_opens_again_empty() {
    let mut shop = Shop::stocked(10);
    let line = json!({
        "cart_id": "c", "sku": "tea", "quantity": 2, "unit_price": 250, "currency": "GBP",
    });
    shop.command("cart.put", line.clone());
    shop.pass(33 * DAY);
    assert_eq!(shop.seen().carts["c"].status, "expired");
    let checkout = json!({"cart_id": "c", "order_id": "o", "customer": {"id": "ada"}});
    assert_eq!(shop.command("cart.clear", json!({"cart_id": "c"})), rejected("cart_closed"));
    assert_eq!(shop.command("cart.checkout", checkout), rejected("cart_closed"));

    let cup = json!({
        "cart_id": "c", "sku": "cup", "quantity": 1, "unit_price": 90, "currency": "EUR",
        "expected_version": 2,
    });
    assert_eq!(shop.command("cart.add", cup), APPLIED);
    let cart = &shop.seen().carts["c"];
    assert_eq!((cart.status, cart.version), ("open", 3));
    assert_eq!(cart.lines, [("cup".to_owned(), 1, 90)]);
}
