//! What a person finds out: the overview, an order, lists, search.

use super::{at, bare_server, browse, park};
use crate::browser::{Browser, key};
use crate::shop::Shop;
use orderly::admin::Condition;
use orderly::metrics::labels::Restriction;
use serde_json::json;

#[test]
fn an_empty_store_says_what_to_do_first_until_something_is_there() {
    let shop = Shop::start();
    let browser = browse(&shop, "");
    browser.until_shown(".first", "Nothing has come yet");
    browser.until_shown("#wrong", "Nothing is wrong.");
    // the commands that are shown are possible
    let commands = browser.text(".first pre");
    for line in commands.lines() {
        let command: serde_json::Value = serde_json::from_str(line).expect("a command a line");
        let text = |member: &str| command[member].as_str().expect("a text").to_owned();
        shop.publish(&text("type"), &text("id"), &command["data"]);
    }
    browser.until("!document.querySelector('.first')");
    browser.until_shown(".bars", "awaiting payment");
    assert_eq!(shop.get("/api/orders/o-1").json()["status"], "awaiting_payment");
    for place in ["#/orders?status=refunded", "#/parked", "#/notifications"] {
        browser.go(&at(&shop, place));
        browser.until_shown(".list .said", "");
        assert!(!browser.text(".list .said").is_empty(), "{place}");
    }
}

#[test]
fn the_overview_says_what_is_wrong_and_where_to_go() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "");
    browser.until_shown("#wrong", "1 message is parked");
    browser.until_shown("#wrong", "1 validation");
    browser.until_shown("#wrong", "1 payment callback waits for an order that is not there yet");
    browser.until_shown("#parked-count", "1");
    browser.until_shown(".plot .now", "");
    assert_eq!(browser.count(".plot svg path"), 5);
    browser.until("document.querySelector('.plot path.one').getAttribute('d').includes('L')");

    shop.observed.degraded.raise(Restriction::NotificationsUnroutable, "", "no queue is bound");
    shop.observed.readiness.raise(Condition::Broker, "connection refused by 10.0.0.7");
    browser.until_shown("#wrong li.bad", "No connection to the broker");
    browser.until_shown("#wrong li.bad", "connection refused by 10.0.0.7");
    browser.until_shown("#wrong li.warn", "no queue is bound");
    // the worst is first, and each has a place to go
    assert!(browser.texts("#wrong li")[0].contains("No connection to the broker"));
    browser.click("#wrong li.bad a");
    browser.until_shown("h1", "No connection to the broker");
    browser.until_shown("main", "What to do");

    browser.go(&at(&shop, "#/"));
    shop.observed.readiness.clear(Condition::Broker);
    shop.observed.degraded.clear(Restriction::NotificationsUnroutable, "");
    browser.until("!document.querySelector('#wrong').innerText.includes('broker')");
    browser.click("#wrong a[href='#/parked']");
    browser.until_shown(".rows", "on_hand: must be a whole number");
}

/// Every condition and every restriction that the process knows has a title and a text that says what to do.
#[test]
fn there_is_help_about_everything_that_can_be_wrong() {
    let (server, health) = bare_server();
    let browser = Browser::open();
    browser.go(&format!("http://{}/", server.address()));
    for restriction in Restriction::ALL {
        health.degraded.raise(*restriction, "", format!("about {}", restriction.as_str()));
    }
    let conditions = [
        Condition::Starting,
        Condition::Upgrading,
        Condition::Draining,
        Condition::Broker,
        Condition::Storage,
        Condition::Failed,
        Condition::Clock,
        Condition::Stalled,
        Condition::Topology,
        Condition::Following,
        Condition::Journal,
    ];
    for condition in conditions {
        health.readiness.raise(condition, format!("about {}", condition.as_str()));
    }
    let all = Restriction::ALL.len() + conditions.len(); // starting is among them from the start
    browser.until(&format!("document.querySelectorAll('#wrong li').length === {all}"));
    let titles = browser.texts("#wrong strong");
    let places =
        browser.run("return [...document.querySelectorAll('#wrong a')].map((one) => one.href)");
    assert!(titles.iter().all(|title| title.contains(' ')), "{titles:?}");
    for place in places.as_array().expect("a list") {
        browser.go(place.as_str().expect("an address"));
        browser.until_shown("main", "What it means");
        assert_ne!(browser.text("h1"), "Not known", "{place}");
    }
}

#[test]
fn an_order_is_found_from_anywhere_and_explained() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "#/actors");
    browser.until_shown("main", "inventory");
    browser.press(&["/", "o", "-", "1", key::ENTER]);
    browser.until("location.hash === '#/orders/o-1'");
    browser.until_shown("h1", "disputed");
    browser.until_shown(".lead", "The order is paid: 5.00 EUR.");
    browser.until_shown(".next", "acme must answer the refund of 2.50 EUR (r-1)");
    browser.until_shown(".next", "It was asked");
    browser.until_shown(".next", "Dispute d-1 at acme is open");
    let money = browser.text(".panel .sums");
    for part in ["Expected\n5.00 EUR", "Captured\n5.00 EUR", "To be sent back\n2.50 EUR"] {
        assert!(money.contains(part), "{money}");
    }
    browser.until_shown(".columns", "m-1");
    browser.until_shown(".columns", "Am Ufer 5");
    browser.until_shown(".columns", "order confirmed");
    browser.until_shown(".columns", "delivered");
}

#[test]
fn anything_is_found_by_what_it_has() {
    let shop = Shop::loaded();
    place(&shop, "o-8");
    let browser = browse(&shop, "#/actors");
    let search = |text: &str| {
        browser.go(&at(&shop, "#/actors"));
        browser.until_shown("main", "inventory");
        browser.press(&["/"]);
        browser.type_into("#search-text", &format!("{text}{}", key::ENTER));
    };
    // one thing is opened at once
    for (text, hash) in [
        ("m-1", "#/orders/o-1"),
        ("d-1", "#/orders/o-1"),
        ("e-1", "#/orders/o-1"),
        ("u-1@Example.com", "#/orders/o-1"),
        ("tea", "#/stock/tea"),
        ("k-1", "#/carts/k-1"),
        ("p-1", "#/parked/p-1"),
    ] {
        search(text);
        browser.until(&format!("location.hash === '{hash}'"));
    }
    search("u-1");
    browser.until_shown("main", "order of the customer");
    for order in ["o-1", "o-8"] {
        browser.until_shown(".items a", order);
    }
    search("nothing-like-that");
    browser.until_shown("main", "Nothing has that id.");

    browser.go(&at(&shop, "#/orders?customer=u-1&sku=tea&status=awaiting_payment"));
    browser.until_shown(".rows", "o-8");
    assert_eq!(browser.count(".rows tbody tr"), 1);
}

fn place(shop: &Shop, order: &str) {
    let data = json!({
        "order_id": order, "customer": {"id": "u-1"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 1, "unit_price": 250}],
    });
    shop.publish("order.place", &format!("place-{order}"), &data);
    shop.wait_for(&format!("/api/orders/{order}"), |one| one["status"] == "awaiting_payment");
}

#[test]
fn what_waits_for_somebody_is_listed_and_told_on_the_overview() {
    let shop = Shop::loaded();
    place(&shop, "o-8");
    let foreign = json!({
        "provider": "acme", "event_id": "e-8", "order_id": "o-1", "attempt_id": "a-8", "kind": "captured",
        "capture_id": "m-8", "amount": 100, "currency": "USD", "occurred_at": "2026-01-02T00:00:00Z",
    });
    shop.publish("payment.callback", "c-88", &foreign);
    let browser = browse(&shop, "");
    browser.until_shown("#wrong li.bad", "1 order has money that a person must see to");
    browser.until_shown("#wrong", "1 refund waits for the provider");
    // the webhook is not configured
    browser.until_shown(".facts", "Channel amqp");
    assert!(!browser.text("main").contains("webhook"), "{}", browser.text("main"));
    browser.click("#wrong li.bad a");
    browser.until_shown(".rows", "o-1");
    for (tab, shown) in [
        ("Refunds", "r-1"),
        ("Callbacks without an order", "o-2"),
        ("Holds", "o-8"),
        ("A person", "USD"),
    ] {
        let tabs = browser.texts(".tabs a");
        let place = tabs.iter().position(|one| one == tab).expect(tab) + 1;
        browser.click(&format!(".tabs a:nth-child({place})"));
        browser.until_shown(".rows", shown);
        assert_eq!(browser.text(".tabs [aria-current]"), tab);
    }
}

#[test]
fn an_order_shows_as_it_was_after_an_event() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "#/orders/o-1");
    browser.until_shown(".lead", "The order is paid: 5.00 EUR.");
    browser.click(".story details summary");
    browser.click(".story details[open] .detail a");
    browser.until_shown(".past", "This is the order as it was at");
    browser.until_shown(".lead", "The order waits for its money: 5.00 EUR.");
    assert_eq!(browser.count(".acts"), 0, "the past is not changed");
    browser.click(".past a");
    browser.until_shown(".lead", "The order is paid: 5.00 EUR.");
}

#[test]
fn the_timeline_tells_the_story_and_hides_what_is_not_asked_for() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "#/orders/o-1");
    browser.until_shown(".story", "The order was placed: 5.00 EUR are to be paid.");
    browser.until_shown(".story", "acme said of attempt a-1: 5.00 EUR were taken.");
    let all = browser.count(".story .entry");
    let stock = "The stock was sold";
    browser.until_shown(".story", stock);
    // the data of an event
    assert!(!browser.text(".story").contains("\"capture_id\""));
    browser.click(".story details:has(+ *) summary, .story details summary");
    browser.until("document.querySelector('.story details[open] pre')");

    let choice = |name: &str| {
        let names = browser.texts(".choice");
        let at = names.iter().position(|one| one == name).expect("a chapter") + 1;
        browser.click(&format!(".choice:nth-child({at}) input"));
    };
    choice("Stock");
    browser.until(&format!("!document.querySelector('.story').innerText.includes('{stock}')"));
    choice("Order");
    choice("Notifications");
    browser.until("[...document.querySelectorAll('.story .cause .detail')].every((one) => one.innerText.startsWith('payment.') || one.innerText.startsWith('refund.'))");
    assert!(browser.count(".story .entry") < all);

    // what happens meanwhile shows by itself, and what is hidden stays hidden
    let failed = json!({
        "provider": "acme", "event_id": "e-9", "order_id": "o-1", "attempt_id": "a-2", "kind": "failed",
        "occurred_at": "2026-01-03T00:00:00Z",
    });
    shop.publish("payment.callback", "c-19", &failed);
    browser.until_shown(".story", "acme said of attempt a-2: the attempt failed");
    assert!(!browser.text(".story").contains(stock));
    browser.until_shown(".story .chip", "stale");
    choice("only what changed something");
    browser.until_shown(".choices .said", " of ");
}

#[test]
fn an_order_that_waits_says_until_when() {
    let shop = Shop::loaded();
    let place = json!({
        "order_id": "o-9", "customer": {"id": "u-9"}, "currency": "JPY",
        "lines": [{"sku": "tea", "quantity": 1, "unit_price": 1200}],
    });
    shop.publish("order.place", "c-20", &place);
    shop.wait_for("/api/orders/o-9", |order| order["status"] == "awaiting_payment");
    let browser = browse(&shop, "#/orders/o-9");
    browser.until_shown(".lead", "The order waits for its money: 1200 JPY.");
    browser.until_shown(".next", "1200 JPY must be captured until");
    browser.until_shown(".next time[data-relative]", "in 14 min");
    let opened = json!({
        "provider": "acme", "event_id": "e-20", "order_id": "o-9", "attempt_id": "a-1", "kind": "action_required",
        "occurred_at": "2026-01-03T00:00:00Z",
    });
    shop.publish("payment.callback", "c-21", &opened);
    browser.until_shown(".next", "so the hold stands still");
    browser.until_shown(".next", "The customer must take a step at acme");
}

#[test]
fn what_is_not_there_is_said() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "#/orders/none");
    browser.until_shown("[role=alert]", "There is no order of that id");
    browser.go(&at(&shop, "#/nowhere"));
    browser.until_shown("main", "There is no such view");
    browser.go(&at(&shop, "#/search?q=nothing-like-that"));
    browser.until_shown("main", "Nothing");
}

#[test]
fn ten_thousand_parked_messages_come_in_pages() {
    let shop = Shop::start();
    park(&shop, 10_000);
    shop.publish("stock.teleport", "odd", &json!({}));
    shop.wait_for("/api/parked/p-10001", |one| one["id"].is_string());
    let browser = browse(&shop, "#/parked");
    browser.until_shown("#parked-count", "10,001");
    let first = browser.texts(".rows td:first-child");
    assert_eq!(first.len(), 50);
    browser.until_shown(".pager", "1 to 50");
    browser.click("[data-key=next]");
    browser.until_shown(".pager", "51 to 100");
    assert!(browser.texts(".rows td:first-child").iter().all(|id| !first.contains(id)));
    browser.click("[data-key=before]");
    browser.until_shown(".pager", "1 to 50");
    assert_eq!(browser.texts(".rows td:first-child"), first);
    // one among ten thousand, by its reason
    browser.run("document.querySelector('#filter-reason').value = 'unknown_type'; document.querySelector('#filter-reason').dispatchEvent(new Event('change'))");
    browser.until_shown(".rows", "stock.teleport");
    assert_eq!(browser.count(".rows tbody tr"), 1);
    assert!(browser.url().contains("reason=unknown_type"), "{}", browser.url());
    browser.click(".rows tbody a");
    browser.until_shown("main", "orderly knows no command of this type.");
}

#[test]
fn the_other_views_show_what_there_is() {
    let shop = Shop::loaded();
    let browser = browse(&shop, "#/stock");
    browser.until_shown(".rows", "tea");
    browser.click(".rows tbody a");
    browser.until_shown(".state", "available");
    browser.go(&at(&shop, "#/notifications?status=delivered"));
    browser.until_shown(".rows", "order confirmed");
    browser.go(&at(&shop, "#/actors"));
    browser.until_shown(".rows", "payments, refunds and disputes");
    browser.go(&at(&shop, "#/audit"));
    browser.click("main .primary");
    browser.until_shown("main", "No invariant is broken.");
    browser.go(&at(&shop, "#/parked/p-1"));
    browser.until_shown(".body", "\"on_hand\": 7.5");
    browser.go(&at(&shop, "#/orders?status=paid"));
    browser.until_shown(".rows", "o-1");
}

/// Amounts are written with the digits of ISO 4217, as the timeline writes them, and none loses a digit.
#[test]
fn money_is_written_as_the_timeline_writes_it() {
    use orderly_domain::money::Currency;
    let shop = Shop::start();
    let browser = browse(&shop, "");
    let amounts = [0, 7, -7, 1234, i64::MAX, i64::MIN + 1];
    let letters = || (b'A'..=b'Z').map(char::from);
    let codes = letters()
        .flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))));
    let known: Vec<_> = codes.filter_map(|code| Currency::from_code(&code)).collect();
    assert!(known.len() > 150, "{}", known.len());
    let rows: Vec<_> = known.iter().flat_map(|one| amounts.map(|amount| (one, amount))).collect();
    let asked: Vec<_> =
        rows.iter().map(|(one, amount)| json!([amount.to_string(), one.code()])).collect();
    let script = format!(
        "return import('/page/money.js').then(({{ money }}) => {}.map(([amount, currency]) => money(BigInt(amount), currency)))",
        json!(asked)
    );
    let shown: Vec<String> = serde_json::from_value(browser.run(&script)).expect("texts");
    for ((currency, amount), shown) in rows.iter().zip(shown) {
        assert_eq!(shown, currency.show(*amount));
    }
}
