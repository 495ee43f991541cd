//! What the page says of money that was settled in another way, of money in another currency, and of requests that are moot.

use super::{at, browse, leave, press};
use crate::browser::Browser;
use crate::shop::Shop;
use serde_json::{Value, json};

const AMOUNT: &str = "dialog input[inputmode=decimal]";

/// Places an order of 5.00 EUR.
fn place(shop: &Shop, order: &str) {
    let data = json!({
        "order_id": order, "customer": {"id": "u-7"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 2, "unit_price": 250}],
    });
    shop.publish("order.place", &format!("place-{order}"), &data);
}

/// What acme says of an attempt of the order, on that day of the month.
fn said(shop: &Shop, order: &str, day: usize, more: &Value) {
    let mut data = json!({
        "provider": "acme", "event_id": format!("e-{order}-{day}"), "order_id": order,
        "attempt_id": format!("a-{order}"), "occurred_at": format!("2026-01-{day:02}T00:00:00Z"),
    });
    let more = more.as_object().into_iter().flatten();
    let data_of = data.as_object_mut().expect("an object");
    data_of.extend(more.map(|(name, value)| (name.clone(), value.clone())));
    shop.publish("payment.callback", &format!("say-{order}-{day}"), &data);
}

fn captured(amount: i64, currency: &str) -> Value {
    json!({"kind": "captured", "amount": amount, "currency": currency})
}

fn decide(shop: &Shop, order: &str, decision: &str) {
    let data = json!({"order_id": order, "decision": decision});
    shop.publish("order.resolve", &format!("decide-{order}-{decision}"), &data);
}

/// An order whose refund r-1 of 5.00 EUR failed.
fn refund_failed(shop: &Shop, order: &str) {
    place(shop, order);
    said(shop, order, 1, &captured(500, "EUR"));
    let refund = json!({"order_id": order, "refund_id": format!("r-{order}"), "amount": 500});
    shop.publish("refund.request", &format!("refund-{order}"), &refund);
    said(
        shop,
        order,
        2,
        &json!({"kind": "refund_failed", "refund_id": format!("r-{order}"), "amount": 500, "currency": "EUR"}),
    );
}

fn value(browser: &Browser, selector: &str) -> String {
    let value = browser.run(&format!("return document.querySelector({}).value", json!(selector)));
    value.as_str().expect("a text").to_owned()
}

#[test]
fn money_that_was_settled_is_not_asked_for_again() {
    let shop = Shop::loaded();
    refund_failed(&shop, "open");
    refund_failed(&shop, "settled");
    decide(&shop, "settled", "accept");
    let refund = |order: &str, wanted: bool| {
        let order = shop.wait_for(&format!("/api/orders/{order}"), |order| {
            order["refunds"][0]["settled"] == wanted
        });
        order["refunds"][0].clone()
    };
    assert_eq!(refund("open", false)["not_settled"], 500);
    assert_eq!(refund("settled", true)["not_settled"], 0);

    // what failed is asked for again under its id
    let browser = browse(&shop, "#/orders/open");
    browser.until_shown(".next", "request it again, or settle it another way");
    press(&browser, "Refund…");
    assert_eq!(value(&browser, AMOUNT), "5.00");
    assert_eq!(value(&browser, "dialog input[maxlength='128'][spellcheck]"), "r-open");
    leave(&browser);

    // what a person settled is not
    browser.go(&at(&shop, "#/orders/settled"));
    browser.until_shown(".columns", "settled");
    assert!(!browser.text(".lead").contains("request it again"), "{}", browser.text(".lead"));
    press(&browser, "Refund…");
    browser.until_shown("dialog", "settled in another way: 5.00 EUR");
    assert_eq!(value(&browser, AMOUNT), "", "a person says whether more is to go back");
    leave(&browser);
}

#[test]
fn money_in_another_currency_is_told_in_it_and_moot_requests_are_not_told() {
    let shop = Shop::loaded();
    place(&shop, "dollars");
    said(&shop, "dollars", 1, &captured(700, "USD"));
    decide(&shop, "dollars", "cancel");
    place(&shop, "void");
    said(&shop, "void", 1, &json!({"kind": "authorized", "amount": 500, "currency": "EUR"}));
    shop.publish("order.cancel", "cancel-void", &json!({"order_id": "void"}));
    said(&shop, "void", 2, &captured(500, "EUR"));
    let void = shop.wait_for("/api/orders/void", |order| order["status"] == "refund_due");
    let back = json!({
        "kind": "refund_succeeded", "refund_id": void["refunds"][0]["refund_id"], "amount": 500, "currency": "EUR",
    });
    said(&shop, "void", 3, &back);
    shop.wait_for("/api/orders/void", |order| order["status"] == "refunded");
    shop.wait_for("/api/orders/dollars", |order| order["status"] == "refund_due");

    let browser = browse(&shop, "#/orders/dollars");
    browser.until_shown(".lead", "7.00 USD of the customer’s money must go back");
    browser.until_shown(".sums", "In another currency");
    browser.until_shown(".next", "acme must answer the refund of 7.00 USD");
    assert_eq!(browser.count(".acts"), 0, "nothing is to be decided");

    browser.go(&at(&shop, "#/orders/void"));
    browser.until_shown(".lead", "All of the order’s money went back: 5.00 EUR.");
    browser.until_shown(".lead", "Nothing is left to happen.");
    let sums = browser.text(".panel .sums");
    assert!(!sums.contains("Lacking"), "{sums}");
}
