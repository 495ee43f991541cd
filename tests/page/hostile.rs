//! Data that would like to be markup: in every field that comes from outside, on every view that shows it.

use super::{at, browse, press};
use crate::shop::Shop;
use serde_json::{Value, json};

/// Ids are printable ASCII without spaces.
const ID: &str = "<img/src=x/onerror=hacked=1>'\"&amp;%2F..#?";
const TEXT: &str = "<script>hacked=1</script><img src=x onerror=hacked=1>\u{202e}\u{0}</pre></textarea>${hacked=1}";

fn path(list: &str, id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("#/{list}/{}", id.replace('+', "%20"))
}

fn text() -> String {
    TEXT.replace('\u{0}', "")
}

fn hostile_shop() -> Shop {
    let shop = Shop::start();
    shop.publish("stock.set", "1", &json!({ "sku": ID, "on_hand": 9, "low_at": 9 }));
    let address =
        json!({ "name": text(), "lines": [text(), text()], "city": text(), "country": text() });
    let place = json!({
        "order_id": ID, "customer": { "id": ID, "email": text(), "phone": text() }, "currency": "EUR",
        "lines": [{ "sku": ID, "quantity": 2, "unit_price": 250, "name": text() }],
        "adjustments": [{ "kind": text(), "amount": 5 }],
        "shipping_address": address, "billing_address": address, "metadata": { text(): text() },
    });
    shop.publish("order.place", ID, &place);
    let callback = |event: &str, kind: &str, more: Value| {
        let mut data = json!({
            "provider": ID, "event_id": format!("{ID}{event}"), "order_id": ID, "attempt_id": ID, "kind": kind,
            "occurred_at": "2026-01-01T00:00:00Z",
        });
        data.as_object_mut().expect("an object").extend(more.as_object().expect("more").clone());
        shop.publish("payment.callback", &format!("{ID}{event}"), &data);
    };
    callback("1", "captured", json!({ "capture_id": ID, "amount": 505, "currency": "EUR" }));
    callback("2", "dispute_opened", json!({ "dispute_id": ID }));
    shop.publish("refund.request", "r", &json!({ "order_id": ID, "refund_id": ID, "amount": 5 }));
    shop.publish("order.cancel", "x", &json!({ "order_id": ID, "reason": text() }));
    shop.publish(&text(), "y", &json!({ text(): text() }));
    shop.publish("stock.set", "z", &json!({ "sku": ID, "on_hand": text() }));
    shop.wait_for("/api/parked", |list| list["items"].as_array().is_some_and(|all| all.len() == 2));
    shop
}

#[test]
fn no_text_of_the_data_becomes_markup() {
    let shop = hostile_shop();
    let browser = browse(&shop, "");
    browser.until_shown("#wrong", "parked");
    let views = [
        ("#/orders".to_owned(), ID),
        (path("orders", ID), "5.05 EUR"),
        ("#/parked".to_owned(), "<script>"),
        ("#/parked/p-1".to_owned(), "</textarea>"),
        ("#/parked/p-2".to_owned(), "</textarea>"),
        ("#/stock".to_owned(), ID),
        (path("stock", ID), "available"),
        ("#/notifications".to_owned(), ID),
        ("#/attention".to_owned(), "wait for a person"),
        ("#/refunds".to_owned(), ID),
        (format!("#/search?q={}", path("", ID).trim_start_matches("#//")), ID),
        (format!("{}?q={ID}", "#/search"), "Search"),
        (path("orders", TEXT), "There is no order"),
        (path("help", TEXT), "Not known"),
        (path("nowhere", TEXT), "no such view"),
    ];
    for (view, shown) in views {
        browser.go(&at(&shop, &view));
        browser.until_shown("main", shown);
        assert_eq!(browser.run("return typeof hacked"), "undefined", "{view}");
        let foreign =
            browser.count("main img, main script, main iframe, main object, main base, main link");
        assert_eq!(foreign, 0, "{view}");
        browser.check();
    }
    // dialogs, too
    browser.go(&at(&shop, "#/parked/p-2"));
    press(&browser, "Replay…");
    browser.until_shown("dialog .verdict", "no valid command");
    let edited = browser.run("return document.querySelector('dialog textarea').value");
    assert!(edited.as_str().is_some_and(|text| text.contains("</textarea>")), "{edited}");
    press(&browser, "Leave it");
    browser.go(&at(&shop, &path("orders", ID)));
    press(&browser, "Refund…");
    browser.until_shown("dialog", ID);
    press(&browser, "Show what it would do");
    browser.until_shown("dialog .verdict", "This would be");
    assert_eq!(browser.count("dialog img, dialog script"), 0);
    press(&browser, "Leave it");
    // every field of the order shows as it is
    browser.go(&at(&shop, &path("orders", ID)));
    browser.until_shown(".story", "were taken");
    for part in [".columns", ".story", ".lead"] {
        browser.until_shown(part, ID);
    }
    browser.until_shown(".columns", "<script>hacked=1</script>");
    let links = browser.run("return [...document.links].map((link) => link.getAttribute('href'))");
    for link in links.as_array().expect("a list") {
        assert!(link.as_str().is_some_and(|link| link.starts_with('#')), "{link}");
    }
    // a link to an id with any character leads to that thing
    browser.click(".columns table a");
    browser.until_shown(".state", "available");
    assert_eq!(browser.text("h1"), ID);
}

/// The tests above would see it: a script that the data brought in is a violation of the policy, and does not run.
#[test]
fn the_policy_stops_what_would_become_markup() {
    let shop = Shop::start();
    let browser = browse(&shop, "");
    browser.until_shown("#wrong", "Nothing is wrong.");
    for attempt in [
        "document.querySelector('main').innerHTML = '<img src=x onerror=\"window.hacked = 1\">'",
        "document.createElement('img').setAttribute('onerror', 'window.hacked = 1')",
        "document.createElement('script').src = '/page/app.js'",
        "document.createElement('script').text = 'window.hacked = 1'",
    ] {
        let script =
            format!("try {{ {attempt}; return 'done'; }} catch (error) {{ return error.name; }}");
        assert_eq!(browser.run(&script), "TypeError", "{attempt}");
    }
    browser
        .run("document.body.append(Object.assign(new Image(), { src: 'https://evil.example/x' }))");
    browser.until("faults.some((fault) => fault.includes('img-src'))");
    browser.until("faults.some((fault) => fault.includes('require-trusted-types-for'))");
    assert_eq!(browser.run("return typeof hacked"), "undefined");
    browser.run("window.faults = []");
}
