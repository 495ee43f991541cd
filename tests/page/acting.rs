//! What a person does about an order and about parked messages: each act shows first what it would do.

use super::{at, browse, close, fill, park, press};
use crate::browser::{Browser, key};
use crate::processor::Processor;
use crate::rabbit::{Node, namespace};
use crate::shop::Shop;
use orderly::config::Secret;
use serde_json::{Value, json};

const CONFIRM: &str = "dialog .buttons button:last-child";

fn place(shop: &Shop, order: &str) {
    let data = json!({
        "order_id": order, "customer": {"id": "u-7"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 2, "unit_price": 250}],
    });
    shop.publish("order.place", &format!("place-{order}"), &data);
    shop.wait_for(&format!("/api/orders/{order}"), |one| one["status"] == "awaiting_payment");
}

/// A callback whose amount is no whole number, and whose other number JavaScript does not hold.
fn poison(order: &str) -> Value {
    let text = format!(
        r#"{{"provider":"acme","event_id":"e-{order}","order_id":"{order}","attempt_id":"a-1","kind":"captured","amount":5.0,"currency":"EUR","occurred_at":"2026-01-01T00:00:00Z","batch":12345678901234567890}}"#
    );
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_poisoned_callback_is_found_from_its_order_understood_corrected_and_replayed() {
    let shop = Shop::loaded();
    place(&shop, "stuck");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    shop.publish_traced("payment.callback", "c-50", &poison("stuck"), Some(trace));
    shop.wait_for("/api/parked?order_id=stuck", |list| list["items"][0]["id"] == "p-2");

    let browser = browse(&shop, "#/orders/stuck");
    browser.until_shown(".lead", "One parked message names this order");
    browser.until_shown(".story", "parked");
    browser.click(".lead a");
    browser.until_shown(".rows", "amount");
    browser.click(".rows tbody a");
    browser.until_shown("main", "A value in the data is missing, wrong or not possible.");
    browser.until_shown("main", "4bf92f3577b34da6a3ce929d0e0e4736");
    press(&browser, "Replay…");
    // as it is, it would be parked again
    browser.until_shown("dialog .verdict", "This is no valid command");
    browser.until_shown("dialog .verdict", "amount");
    assert!(
        !browser
            .run(&format!("return document.querySelector('{CONFIRM}').checkVisibility()"))
            .as_bool()
            .expect("a bool")
    );
    // no digit was lost on the way into the field
    let data = || {
        browser
            .run("return document.querySelector('dialog textarea').value")
            .as_str()
            .expect("a text")
            .to_owned()
    };
    assert!(
        data().contains("12345678901234567890") && data().contains("\"amount\": 5.0"),
        "{}",
        data()
    );

    fill(&browser, "dialog textarea", "{\"amount\": ");
    press(&browser, "Show what it would do");
    browser.until_shown("dialog [role=alert]", "The data are no JSON");
    fill(&browser, "dialog textarea", &data_of("stuck"));
    fill(&browser, "#operator", "Zoë");
    press(&browser, "Show what it would do");
    browser.until_shown("dialog .verdict", "This would be applied.");
    browser.until_shown("dialog .follows", "order.paid");
    let unchanged = shop.get("/api/orders/stuck").json();
    assert_eq!(
        (&unchanged["status"], &unchanged["parked"]),
        (&json!("awaiting_payment"), &json!(1)),
        "the trial keeps nothing"
    );

    // whoever changes the data must try them again
    browser.type_into("dialog textarea", " ");
    assert!(browser.text("dialog .preview").is_empty());
    press(&browser, "Show what it would do");
    browser.until_shown("dialog .verdict", "This would be applied.");
    // who acts changes nothing of it
    browser.type_into("#operator", " again");
    browser.until_shown("dialog .verdict", "This would be applied.");
    press(&browser, "Replay it");
    browser.until_shown("dialog .verdict", "Done.");
    browser.until_shown("main", "It was replayed, and is not parked any more.");
    assert!(!browser.text("main").contains("Why it is parked"));
    browser.run("window.asked = performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/api/parked/p-2')).length");
    close(&browser);
    browser.until("location.hash === '#/orders/stuck'");
    browser.until("performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/api/parked/p-2')).length === window.asked");
    browser.until_shown(".lead", "The order is paid: 5.00 EUR.");
    browser.until_shown(".story", "by Zoe");
    assert_eq!(shop.get("/api/parked/p-2").status, 404);
}

fn data_of(order: &str) -> String {
    format!(
        r#"{{"provider":"acme","event_id":"e-{order}","order_id":"{order}","attempt_id":"a-1","kind":"captured","amount":500,"currency":"EUR","occurred_at":"2026-01-01T00:00:00Z"}}"#
    )
}

#[test]
fn messages_are_dismissed_one_by_one_and_all_that_fit_a_filter() {
    let shop = Shop::start();
    park(&shop, 12);
    shop.publish("stock.teleport", "odd", &json!({}));
    shop.wait_for("/api/parked/p-13", |one| one["id"].is_string());
    let browser = browse(&shop, "#/parked/p-3");
    press(&browser, "Dismiss…");
    browser.until_shown("dialog", "its command is not processed");
    browser.press(&[key::ESCAPE]);
    browser.until("!document.querySelector('dialog')");
    assert_eq!(shop.get("/api/parked/p-3").status, 200, "only looked at");
    press(&browser, "Dismiss…");
    press(&browser, "Dismiss it");
    browser.until_shown("dialog", "It is dismissed.");
    close(&browser);
    browser.until("location.hash === '#/parked'");
    assert_eq!(shop.get("/api/parked/p-3").status, 404);

    browser.go(&at(&shop, "#/parked?reason=validation"));
    browser.until_shown(".rows", "p-1");
    press(&browser, "Replay all…");
    browser.until_shown("dialog", "11 messages are parked with reason validation");
    browser.until_shown("dialog", "11 invalid; 11 stay parked");
    press(&browser, "Leave it");
    press(&browser, "Dismiss all…");
    browser.until_shown("dialog", "11 messages are parked with reason validation");
    // somebody else is faster: the number is another one, and nothing is done
    assert_eq!(crate::http::ask(shop.address(), "DELETE", "/api/parked/p-1").status, 200);
    press(&browser, "Dismiss 11 messages");
    browser.until_shown("dialog [role=alert]", "10");
    press(&browser, "Leave it");
    press(&browser, "Dismiss all…");
    press(&browser, "Dismiss 10 messages");
    browser.until_shown("dialog", "10 messages are dismissed.");
    close(&browser);
    browser.until_shown(".list", "Nothing fits what is asked for.");
    let left = shop.get("/api/parked").json();
    assert_eq!(left["items"].as_array().map(Vec::len), Some(1), "{left}");
}

#[test]
fn an_order_is_cancelled_refunded_and_completed_and_each_act_is_shown_first() {
    let shop = Shop::loaded();
    place(&shop, "o-7");
    let browser = browse(&shop, "#/orders/o-7");
    press(&browser, "Cancel…");
    browser.until_shown("dialog .verdict", "This would be applied.");
    browser.until_shown("dialog .follows", "stock.released");
    assert_eq!(shop.get("/api/orders/o-7").json()["status"], "awaiting_payment");
    browser.type_into("dialog input", &format!("asked by telephone{}", key::ENTER));
    browser.until_shown("dialog .verdict", "This would be applied.");
    press(&browser, "Cancel the order");
    browser.until_shown("dialog .verdict", "Done.");
    close(&browser);
    browser.until_shown(".lead", "The order was cancelled");
    browser.until_shown(".story", "asked by telephone");
    assert_eq!(browser.count(".acts"), 0, "nothing is left to do");

    browser.go(&at(&shop, "#/orders/o-1"));
    press(&browser, "Refund…");
    let amount = "dialog input[inputmode=decimal]";
    fill(&browser, amount, "9.99");
    press(&browser, "Show what it would do");
    browser.until_shown("dialog .verdict", "This would be refused.");
    browser.until_shown("dialog .verdict", "refund exceeds paid");
    fill(&browser, amount, "1.005");
    press(&browser, "Show what it would do");
    browser.until_shown("dialog [role=alert]", "no amount of EUR");
    fill(&browser, amount, "1.5");
    press(&browser, "Show what it would do");
    browser.until_shown("dialog .follows", "payment.refund_requested");
    press(&browser, "Request the refund");
    browser.until_shown("dialog .verdict", "Done.");
    close(&browser);
    browser.until_shown(".next", "acme must answer the refund of 1.50 EUR");
    press(&browser, "Complete…");
    browser.until_shown("dialog .verdict", "This would be applied.");
    press(&browser, "Complete the order");
    browser.until_shown("dialog .verdict", "Done.");
    close(&browser);
    shop.wait_for("/api/orders/o-1", |order| order["status"] == "completed");
}

#[test]
fn a_review_is_decided_and_a_missing_amount_is_let_go() {
    let shop = Shop::loaded();
    let capture = |order: &str, amount: i64| {
        let data = json!({
            "provider": "acme", "event_id": format!("e-{order}"), "order_id": order, "attempt_id": format!("a-{order}"),
            "kind": "captured", "amount": amount, "currency": "EUR", "occurred_at": "2026-01-02T00:00:00Z",
        });
        shop.publish("payment.callback", &format!("pay-{order}"), &data);
    };
    place(&shop, "more");
    place(&shop, "less");
    capture("more", 700);
    capture("less", 499);
    let browser = browse(&shop, "#/orders/more");
    browser.until_shown(".lead", "person");
    press(&browser, "Resolve…");
    press(&browser, "Show what it would do");
    browser.until_shown("dialog .follows", "payment.refund_requested");
    press(&browser, "Decide so");
    browser.until_shown("dialog .verdict", "Done.");
    close(&browser);
    browser.until_shown(".next", "acme must answer the refund of 2.00 EUR");

    browser.go(&at(&shop, "#/orders/less"));
    press(&browser, "Resolve…");
    browser.until_shown("dialog", "0.01 EUR of the total are missing.");
    press(&browser, "Show what it would do");
    browser.until_shown("dialog .follows", "order.paid");
    press(&browser, "Decide so");
    browser.until_shown("dialog .verdict", "Done.");
    close(&browser);
    let less = shop.wait_for("/api/orders/less", |order| order["status"] == "paid");
    assert_eq!(less["written_off"], 1);
    // what was decided stays known
    browser.until_shown(
        ".lead",
        "The order is paid: 4.99 EUR, and 0.01 EUR of its total were let go.",
    );
    browser.until_shown(
        ".story",
        "The decision on the order was applied: accept; 0.01 EUR written off.",
    );
    browser.until_shown(
        ".story",
        "The order is paid: 4.99 EUR, and 0.01 EUR of its total were let go.",
    );
}

#[test]
fn an_order_is_changed_after_the_effect_was_shown() {
    let shop = Shop::loaded();
    place(&shop, "amend");
    let browser = browse(&shop, "#/orders/amend");
    press(&browser, "Change…");
    press(&browser, "Show what it would do");
    browser.until_shown("dialog [role=alert]", "Nothing is changed yet.");
    fill(&browser, "dialog input[type=number]", "3");
    browser.click("dialog summary");
    fill(&browser, "dialog details input", "new@example.org");
    press(&browser, "Show what it would do");
    browser.until_shown("dialog .verdict", "This would be applied.");
    browser.until_shown("dialog .follows", "order.amended");
    assert_eq!(shop.get("/api/orders/amend").json()["total"], 500, "the trial keeps nothing");
    press(&browser, "Change the order");
    browser.until_shown("dialog .verdict", "Done.");
    close(&browser);
    browser.until_shown(".lead", "The order waits for its money: 7.50 EUR.");
    let order = shop.get("/api/orders/amend").json();
    assert_eq!(order["customer"], json!({"id": "u-7", "email": "new@example.org"}));
    assert_eq!(order["lines"][0]["quantity"], 3);

    // more than there is
    press(&browser, "Change…");
    fill(&browser, "dialog input[type=number]", "1000000");
    press(&browser, "Show what it would do");
    browser.until_shown("dialog .verdict", "stock");
    assert_eq!(shop.get("/api/orders/amend").json()["total"], 750);
}

#[test]
fn the_intake_is_paused_and_goes_on() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "");
    press(&browser, "Pause the intake…");
    browser.until_shown("dialog", "holds expire all the same");
    fill(&browser, "#operator", "anna");
    press(&browser, "Pause the intake");
    browser.until_shown("dialog", "The intake is paused.");
    close(&browser);
    browser.until_shown("#wrong li.warn", "The intake is paused");
    browser.until_shown("#wrong", "anna");
    press(&browser, "Resume the intake");
    browser.until_shown("dialog", "taken from the broker again");
    browser.click(CONFIRM);
    browser.until_shown("dialog", "The intake goes on.");
    close(&browser);
    browser.until("!document.querySelector('#wrong').innerText.includes('paused')");
}

#[test]
fn who_may_only_read_is_told_so_when_acting() {
    const READ_TOKEN: &str = "only-to-look-9876543210";
    let shop = Shop::with(|config| {
        config.admin.token = Secret::new("correct-horse-0123456789");
        config.admin.read_token = Secret::new(READ_TOKEN);
    });
    let browser = browse(&shop, "");
    browser.type_into("#token", &format!("{READ_TOKEN}{}", key::ENTER));
    press(&browser, "Pause the intake…");
    press(&browser, "Pause the intake");
    browser.until_shown("dialog [role=alert]", "read");
}

/// On a real broker a command is accepted first; its verdict comes with the timeline.
#[test]
fn with_rabbitmq_an_act_shows_its_verdict_from_the_timeline() {
    let node = Node::start();
    let mut processor = Processor::new(&node.url(), &namespace("acting")).with("RUST_LOG", "off");
    processor.start();
    let browser = Browser::open();
    browser.go(&processor.url("/"));
    browser.until_shown(".first", "Nothing has come yet");
    for line in browser.text(".first pre").lines() {
        let sent =
            ureq::post(processor.url("/api/commands")).content_type("application/json").send(line);
        assert_eq!(sent.expect("it is taken").status(), 202);
    }
    browser.until("!document.querySelector('.first')");
    browser.go(&processor.url("/#/orders/o-1"));
    press(&browser, "Cancel…");
    browser.until_shown("dialog .verdict", "This would be applied.");
    press(&browser, "Cancel the order");
    browser.until_shown("dialog .verdict", "Done.");
    browser.until_shown("dialog .follows", "order.cancelled");
    close(&browser);
    browser.until_shown(".lead", "The order was cancelled");
    assert_eq!(processor.stop().code(), Some(0));
}
