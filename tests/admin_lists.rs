//! Lists of orders, holds, refunds and callbacks; the search; an order as it was.

#[path = "support/http.rs"]
mod http;
#[path = "support/shop.rs"]
mod shop;

use serde_json::{Value, json};
use shop::Shop;
use std::collections::BTreeSet;

/// Every item of a list, page after page of at most `limit`.
fn all(shop: &Shop, path: &str, limit: usize) -> Vec<Value> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let mut found = Vec::new();
    let mut after = String::new();
    for _ in 0..1_000 {
        let page = shop.get(&format!("{path}{sign}limit={limit}{after}"));
        assert_eq!(page.status, 200, "{path}: {page:?}");
        let page = page.json();
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= limit, "{path}");
        found.extend(items.iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
    panic!("{path}: the list has no end");
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["order_id"].as_str().expect("an id")).collect()
}

fn place(order: &str, customer: &str, skus: &[&str]) -> Value {
    let line = |sku: &&str| json!({"sku": sku, "quantity": 1, "unit_price": 100});
    json!({
        "order_id": order, "currency": "EUR", "lines": skus.iter().map(line).collect::<Vec<_>>(),
        "customer": {"id": customer, "email": format!("{}@Example.com", customer.to_uppercase())},
    })
}

fn captured(order: &str, amount: u64) -> Value {
    json!({
        "provider": "acme", "event_id": format!("e-{order}"), "order_id": order, "attempt_id": format!("a-{order}"),
        "kind": "captured", "capture_id": format!("c-{order}"), "amount": amount, "currency": "EUR",
        "occurred_at": "2026-01-01T00:00:00Z",
    })
}

/// 60 orders. Order `n` is of customer `n % 4`, and has the sku `tea` if `n` is even, `cup` if it is a multiple of three, and
/// `pot`. Every fifth one is paid, and of these every other has a refund that is pending; the tenth is disputed.
fn shop_with_orders() -> Shop {
    let shop = Shop::start();
    for sku in ["tea", "cup", "pot"] {
        shop.publish("stock.set", &format!("s-{sku}"), &json!({"sku": sku, "on_hand": 1_000}));
    }
    for n in 0..60 {
        let order = format!("o-{n:02}");
        let mut skus = vec!["pot"];
        skus.extend((n % 2 == 0).then_some("tea"));
        skus.extend((n % 3 == 0).then_some("cup"));
        shop.publish(
            "order.place",
            &format!("p-{n}"),
            &place(&order, &format!("u-{}", n % 4), &skus),
        );
        if n % 5 == 0 {
            let amount = 100 * skus.len() as u64;
            shop.publish("payment.callback", &format!("c-{n}"), &captured(&order, amount));
        }
        if n % 10 == 0 {
            let refund =
                json!({"order_id": order, "refund_id": format!("r-{order}"), "amount": 50});
            shop.publish("refund.request", &format!("r-{n}"), &refund);
        }
    }
    let disputed = json!({
        "provider": "acme", "event_id": "e-dispute", "order_id": "o-10", "attempt_id": "a-o-10",
        "kind": "dispute_opened", "dispute_id": "d-1", "occurred_at": "2026-01-02T00:00:00Z",
    });
    shop.publish("payment.callback", "c-dispute", &disputed);
    shop.wait_for("/api/orders/o-10", |order| order["disputed"] == true);
    shop.wait_for("/api/orders/o-59", |order| order["status"] == "awaiting_payment");
    shop
}

/// The orders for which `holds`, the newest first.
fn newest(holds: impl Fn(usize) -> bool) -> Vec<String> {
    (0..60).rev().filter(|n| holds(*n)).map(|n| format!("o-{n:02}")).collect()
}

#[test]
fn orders_are_listed_newest_first_by_any_filters_page_after_page() {
    let shop = shop_with_orders();
    let rows: Vec<(&str, Vec<String>)> = vec![
        ("/api/orders", newest(|_| true)),
        ("/api/orders?status=paid", newest(|n| n % 5 == 0)),
        ("/api/orders?status=expired", vec![]),
        ("/api/orders?customer=u-1", newest(|n| n % 4 == 1)),
        ("/api/orders?customer=nobody", vec![]),
        ("/api/orders?sku=cup", newest(|n| n % 3 == 0)),
        ("/api/orders?sku=cup&customer=u-2", newest(|n| n % 3 == 0 && n % 4 == 2)),
        ("/api/orders?sku=tea&status=paid&customer=u-0", newest(|n| n % 20 == 0)),
        ("/api/orders?refund=pending", newest(|n| n % 10 == 0)),
        ("/api/orders?refund=pending&sku=cup", newest(|n| n % 30 == 0)),
        ("/api/orders?disputed=true", newest(|n| n == 10)),
        ("/api/orders?disputed=false&status=paid", newest(|n| n % 5 == 0 && n != 10)),
        ("/api/orders?disputed=true&sku=cup", vec![]),
    ];
    for (path, wanted) in rows {
        for limit in [1, 7, 500] {
            assert_eq!(ids(&all(&shop, path, limit)), wanted, "{path} by {limit}");
        }
        let sign = if path.contains('?') { '&' } else { '?' };
        let oldest = all(&shop, &format!("{path}{sign}sort=oldest"), 7);
        let reversed: Vec<_> = wanted.iter().rev().map(String::as_str).collect();
        assert_eq!(ids(&oldest), reversed, "{path}, the oldest first");
    }
    // each item is an order as it is shown by itself
    let of_list = &all(&shop, "/api/orders?disputed=true", 1)[0];
    assert_eq!(*of_list, shop.get("/api/orders/o-10").json());
}

#[test]
fn orders_are_listed_by_the_time_of_placing_both_ends_excluded() {
    let shop = shop_with_orders();
    let placed = |order: &str| {
        let order = shop.get(&format!("/api/orders/{order}")).json();
        order["placed_at"].as_str().expect("a time").to_owned()
    };
    let (first, last) = (placed("o-20"), placed("o-40"));
    let list = |query: String| all(&shop, &format!("/api/orders?{query}"), 6);
    // several orders may have one time, so the bounds are compared and not counted
    let found = list(format!("placed_after={first}&placed_before={last}"));
    let times: Vec<_> =
        found.iter().map(|one| one["placed_at"].as_str().expect("a time")).collect();
    assert!(times.iter().all(|time| *time > &*first && *time < &*last), "{times:?}");
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let between = ["o-25", "o-30", "o-35"];
    assert!(between.iter().all(|order| ids(&found).contains(order)), "{:?}", ids(&found));
    let rest =
        list(format!("placed_before={first}")).len() + list(format!("placed_after={first}")).len();
    let at_first = newest(|_| true).iter().filter(|order| placed(order) == first).count();
    assert_eq!(rest + at_first, 60);
    assert_eq!(list(format!("placed_after={last}&placed_before={first}")), Vec::<Value>::new());
    assert_eq!(list("placed_after=9999-12-31T23:59:59Z".to_owned()), Vec::<Value>::new());
    assert_eq!(list("placed_before=0001-01-01T00:00:00Z&status=paid".to_owned()).len(), 0);
}

#[test]
fn a_wrong_value_is_refused_and_says_what_is_right() {
    let shop = Shop::loaded();
    let rows = [
        ("/api/orders?status=payed", "status", "one of rejected, awaiting_payment"),
        ("/api/orders?customer=", "customer", "1 to 128 printable ASCII characters without spaces"),
        ("/api/orders?customer=a%20b", "customer", "1 to 128 printable ASCII"),
        ("/api/orders?sku=%C3%A4", "sku", "1 to 128 printable ASCII"),
        (
            "/api/orders?placed_after=yesterday",
            "placed_after",
            "a time such as 2026-01-31T12:00:00Z",
        ),
        ("/api/orders?placed_before=1", "placed_before", "a time such as"),
        ("/api/orders?refund=failed", "refund", "one of pending"),
        ("/api/orders?disputed=yes", "disputed", "one of true, false"),
        ("/api/orders?sort=up", "sort", "one of newest, oldest"),
        ("/api/orders?after=5", "after", "the `next` of an earlier page"),
        ("/api/holds?after=x", "after", "the `next` of an earlier page"),
        ("/api/refunds?limit=0", "limit", "a number from 1 to 500"),
        ("/api/waiting?after=1.2.0", "after", "the `next` of an earlier page"),
        ("/api/search", "q", "must be given"),
        ("/api/search?q=", "q", "a text of 1 to 1024 characters"),
        ("/api/search?q=%20%20", "q", "a text of 1 to 1024 characters"),
        ("/api/search?q=x&after=99", "after", "the `next` of an earlier page"),
        ("/api/orders/o-1?at=never", "at", "a sequence from 1 on, or a time such as"),
        ("/api/orders/o-1?at=0", "at", "a sequence from 1 on"),
        ("/api/orders/o-1?at=-3", "at", "a sequence from 1 on"),
    ];
    for (path, parameter, said) in rows {
        let told = shop.get(path).problem(422);
        assert_eq!(told["parameter"], parameter, "{path}: {told}");
        let detail = told["detail"].as_str().expect("a text");
        assert!(detail.contains(said), "{path}: {detail}");
    }
}

#[test]
fn holds_are_listed_by_their_end_and_refunds_and_callbacks_that_wait_are_listed() {
    let shop = Shop::start();
    shop.publish("stock.set", "s", &json!({"sku": "tea", "on_hand": 100}));
    // Given holds that end in another order than they began
    for (order, hold_for) in [("o-1", "50m"), ("o-2", "30m"), ("o-3", "40m"), ("o-4", "20m")] {
        let mut data = place(order, "u-1", &["tea"]);
        data["hold_for"] = json!(hold_for);
        shop.publish("order.place", order, &data);
    }
    // one that is paid holds nothing for a time any more; one that an attempt freezes is held to the cap
    shop.publish("payment.callback", "c-4", &captured("o-4", 100));
    let mut open = captured("o-2", 1);
    open["kind"] = json!("action_required");
    open.as_object_mut().expect("an object").remove("amount");
    shop.publish("payment.callback", "c-2", &open);
    shop.wait_for("/api/orders/o-2", |order| order["reservation"]["frozen"] == true);
    let holds = all(&shop, "/api/holds", 1);
    assert_eq!(ids(&holds), ["o-3", "o-1", "o-2"]);
    assert_eq!(holds[2]["frozen"], true);
    assert_eq!(holds[0]["lines"], json!([{"sku": "tea", "quantity": 1}]));
    let order = shop.get("/api/orders/o-3").json();
    assert_eq!(holds[0]["expires_at"], order["reservation"]["expires_at"]);

    // Given refunds in parts, of which one provider has answered
    for (order, parts) in [("o-5", 3), ("o-6", 1)] {
        shop.publish("order.place", order, &place(order, "u-1", &["tea"]));
        for part in 0..parts {
            let mut paid = captured(order, 60);
            paid["event_id"] = json!(format!("e-{order}-{part}"));
            paid["attempt_id"] = json!(format!("a-{order}-{part}"));
            paid["capture_id"] = json!(format!("c-{order}-{part}"));
            shop.publish("payment.callback", &format!("c-{order}-{part}"), &paid);
        }
    }
    shop.publish("order.cancel", "cancel-6", &json!({"order_id": "o-6"}));
    let resolve = json!({"order_id": "o-5", "decision": "cancel"});
    shop.publish("order.resolve", "resolve-5", &resolve);
    let asked = shop.wait_for("/api/orders/o-5", |order| order["refunds"][2].is_object());
    let mut answered = captured("o-5", 60);
    answered["kind"] = json!("refund_succeeded");
    answered["event_id"] = json!("answered");
    for field in ["attempt_id", "refund_id", "amount"] {
        answered[field] = asked["refunds"][0][field].clone();
    }
    answered.as_object_mut().expect("an object").remove("capture_id");
    shop.publish("payment.callback", "answered", &answered);
    shop.wait_for("/api/orders/o-5", |order| order["refunds"][0]["state"] == "succeeded");
    shop.wait_for("/api/orders/o-6", |order| order["status"] == "refund_due");
    let pending = all(&shop, "/api/refunds", 500);
    assert_eq!(all(&shop, "/api/refunds", 1), pending, "a page may end within an order");
    let of_order = |order| pending.iter().filter(|one| one["order_id"] == order).count();
    let shown = shop.get("/api/orders/o-5").json();
    let wanted = shown["refunds"].as_array().expect("refunds");
    let wanted = wanted.iter().filter(|refund| refund["state"] == "requested").count();
    assert!(wanted >= 2, "{shown}");
    assert_eq!((of_order("o-5"), of_order("o-6"), pending.len()), (wanted, 1, wanted + 1));
    assert_eq!(ids(&pending).last(), Some(&"o-6"), "those of the oldest order first");
    // also those of an order with so many that the older ones have records of their own
    shop.publish("order.place", "o-7", &place("o-7", "u-1", &["tea"]));
    shop.publish("payment.callback", "c-7", &captured("o-7", 100));
    let names: Vec<_> = (0..55).map(|number| format!("r-{number:02}")).collect();
    for name in &names {
        let refund = json!({"order_id": "o-7", "refund_id": name, "amount": 1});
        shop.publish("refund.request", name, &refund);
    }
    shop.wait_for("/api/orders/o-7", |order| order["folded"].is_object());
    shop.wait_for("/api/orders/o-7", |order| order["refunds"][49]["refund_id"] == "r-54");
    for limit in [10, 500] {
        let found = all(&shop, "/api/refunds", limit);
        let of_order = found.iter().filter(|one| one["order_id"] == "o-7");
        let of_order: Vec<_> = of_order.map(|one| one["refund_id"].clone()).collect();
        assert_eq!(of_order, names, "by {limit}");
    }

    // Given callbacks that came before their orders
    for (number, order) in [("1", "late-1"), ("2", "late-2"), ("3", "late-1")] {
        let mut early = captured(order, 100);
        early["event_id"] = json!(format!("early-{number}"));
        shop.publish("payment.callback", &format!("early-{number}"), &early);
    }
    let waiting = || all(&shop, "/api/waiting", 1);
    shop.wait_for("/api/waiting", |list| {
        list["items"].as_array().is_some_and(|all| all.len() == 3)
    });
    let found = waiting();
    let events: Vec<_> = found.iter().map(|one| one["event_id"].as_str().expect("an id")).collect();
    assert_eq!(
        events,
        ["early-1", "early-3", "early-2"],
        "order by order, the first to wait first"
    );
    assert_eq!((&found[0]["command_id"], &found[0]["amount"]), (&json!("early-1"), &json!(100)));
    shop.publish("order.place", "late-1", &place("late-1", "u-1", &["tea"]));
    shop.wait_for("/api/waiting", |list| {
        list["items"].as_array().is_some_and(|all| all.len() == 1)
    });
    assert_eq!(ids(&waiting()), ["late-2"]);
}

#[test]
fn orders_that_a_person_must_look_at_are_listed_all_of_them() {
    let shop = Shop::start();
    shop.publish("stock.set", "s", &json!({"sku": "tea", "on_hand": 1_000}));
    // Given 130 orders under review, more than an audit describes
    let names: Vec<_> = (0..130).map(|n| format!("q-{n:03}")).collect();
    for order in &names {
        shop.publish("order.place", order, &place(order, "u-1", &["tea"]));
        let mut other = captured(order, 70);
        other["currency"] = json!("USD");
        shop.publish("payment.callback", &format!("c-{order}"), &other);
    }
    // one whose money is all in its currency, and too much
    shop.publish("order.place", "y-1", &place("y-1", "u-1", &["tea"]));
    shop.publish("payment.callback", "c-y-1", &captured("y-1", 170));
    // and one that is refunded, in vain
    shop.publish("order.place", "z-1", &place("z-1", "u-1", &["tea"]));
    shop.publish("payment.callback", "c-z-1", &captured("z-1", 100));
    let refund = json!({"order_id": "z-1", "refund_id": "r-z", "amount": 40});
    shop.publish("refund.request", "r-z", &refund);
    let mut failed = captured("z-1", 40);
    let told = failed.as_object_mut().expect("an object");
    told.remove("capture_id");
    told.extend([
        ("kind".to_owned(), json!("refund_failed")),
        ("event_id".to_owned(), json!("e-failed")),
        ("refund_id".to_owned(), json!("r-z")),
    ]);
    shop.publish("payment.callback", "failed-z-1", &failed);
    shop.wait_for("/api/orders/z-1", |order| order["refunds"][0]["state"] == "failed");
    let list = |limit| all(&shop, "/api/attention", limit);
    let mut wanted: Vec<_> = names.iter().map(String::as_str).chain(["y-1", "z-1"]).collect();
    for limit in [1, 50, 500] {
        assert_eq!(ids(&list(limit)), wanted, "by {limit}");
    }
    let audit = shop.get("/api/audit").json();
    let last = audit["attention"].as_array().expect("texts").last().cloned();
    assert_eq!(last, Some(json!("and 32 more: /api/attention has all")));
    let z = list(500).pop().expect("is there");
    assert_eq!((&z["status"], &z["paid"], &z["total"]), (&json!("paid"), &json!(100), &json!(100)));
    assert_eq!(z["attention"], json!(["the refund of 0.40 EUR failed"]));
    assert_eq!(list(500)[0]["attention"][1], "0.70 USD came in another currency");
    // When a person decides, then the order is there no more
    let cancel = json!({"order_id": "q-000", "decision": "cancel"});
    shop.publish("order.resolve", "d-1", &cancel);
    let accept = json!({"order_id": "z-1", "decision": "accept"});
    shop.publish("order.resolve", "d-2", &accept);
    shop.wait_for("/api/attention?limit=500", |list| {
        list["items"].as_array().is_some_and(|all| all.len() == 130)
    });
    wanted.retain(|order| !["q-000", "z-1"].contains(order));
    assert_eq!(ids(&list(50)), wanted);
}

/// What a search finds: kinds, ids and orders.
fn found(shop: &Shop, text: &str) -> Vec<(String, String, Option<String>)> {
    let items = all(shop, &format!("/api/search?q={text}"), 2);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let item = |item: &Value| {
        assert!(item["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{item}");
        (
            text(&item["kind"]).expect("a kind"),
            text(&item["id"]).expect("an id"),
            text(&item["order_id"]),
        )
    };
    items.iter().map(item).collect()
}

/// Kinds, ids and orders.
type Found<'a> = Vec<(&'a str, &'a str, Option<&'a str>)>;

#[test]
fn whatever_has_an_id_is_found_by_it() {
    let shop = Shop::loaded();
    let poisoned = captured("o-9", 100);
    let poisoned = poisoned.to_string().replace("100", "1.5");
    let poisoned: Value = serde_json::from_str(&poisoned).expect("is JSON");
    shop.publish("payment.callback", "c-9", &poisoned);
    shop.wait_for("/api/parked", |list| list["items"][1]["id"] == "p-2");
    let notification = shop.get("/api/notifications?order_id=o-1").json();
    let notification =
        notification["items"][0]["notification_id"].as_str().expect("an id").to_owned();
    let rows: Vec<(&str, Found<'_>)> = vec![
        ("o-1", vec![("order", "o-1", Some("o-1"))]),
        // only callbacks know of it
        ("o-2", vec![("order", "o-2", Some("o-2"))]),
        ("k-1", vec![("cart", "k-1", None)]),
        ("tea", vec![("sku", "tea", None)]),
        ("u-1", vec![("customer", "u-1", Some("o-1"))]),
        ("U-1@EXAMPLE.COM", vec![("email", "U-1@EXAMPLE.COM", Some("o-1"))]),
        ("a-1", vec![("attempt", "a-1", Some("o-1"))]),
        ("m-1", vec![("capture", "m-1", Some("o-1"))]),
        ("r-1", vec![("refund", "r-1", Some("o-1"))]),
        ("d-1", vec![("dispute", "d-1", Some("o-1"))]),
        ("e-1", vec![("event", "e-1", Some("o-1"))]),
        ("e-3", vec![("event", "e-3", Some("o-2"))]),
        ("c-3", vec![("command", "c-3", Some("o-1"))]),
        ("c-4", vec![("command", "c-4", Some("o-1"))]),
        ("c-1", vec![("command", "c-1", None)]),
        ("c-8", vec![("parked", "p-1", None)]),
        ("p-1", vec![("parked", "p-1", None)]),
        // only a message that could not be processed knows of it
        ("o-9", vec![("order", "o-9", Some("o-9")), ("parked", "p-2", Some("o-9"))]),
        ("e-o-9", vec![("parked", "p-2", Some("o-9"))]),
        (&notification, vec![("notification", &notification, Some("o-1"))]),
        ("nothing-has-this-id", vec![]),
        ("o-", vec![]),
        ("%20o-1%20", vec![("order", "o-1", Some("o-1"))]),
    ];
    for (text, wanted) in rows {
        let found = found(&shop, text);
        let found: Vec<_> =
            found.iter().map(|(k, i, o)| (k.as_str(), i.as_str(), o.as_deref())).collect();
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn one_id_of_many_things_is_found_in_all_of_them_page_after_page() {
    let shop = Shop::start();
    shop.publish("stock.set", "same", &json!({"sku": "same", "on_hand": 100}));
    for n in 0..5 {
        let mut data = place(if n == 0 { "same" } else { "other" }, "same", &["same"]);
        if n > 0 {
            data["order_id"] = json!(format!("o-{n}"));
        }
        shop.publish("order.place", &format!("p-{n}"), &data);
    }
    let mut paid = captured("same", 100);
    for field in ["event_id", "attempt_id", "capture_id"] {
        paid[field] = json!("same");
    }
    shop.publish("payment.callback", "cb", &paid);
    // messages that are no commands, and name the order; their event has another id
    paid["event_id"] = json!("other");
    paid["amount"] = json!(5.5);
    (0..3).for_each(|n| shop.publish("payment.callback", &format!("bad-{n}"), &paid));
    shop.wait_for("/api/orders/same", |order| order["status"] == "paid" && order["parked"] == 3);
    let kinds: Vec<_> = found(&shop, "same").into_iter().map(|(kind, ..)| kind).collect();
    let orders = ["customer"; 5];
    let wanted = [
        &["order", "sku"][..],
        &orders,
        &["attempt", "capture", "command", "event"],
        &["parked"; 3],
    ]
    .concat();
    assert_eq!(kinds, wanted);
    for limit in [1, 3, 500] {
        assert_eq!(all(&shop, "/api/search?q=same", limit).len(), wanted.len(), "by {limit}");
    }
}

#[test]
fn an_order_is_shown_as_it_was() {
    let shop = Shop::loaded();
    let timeline = shop.get("/api/orders/o-1/timeline").json();
    let timeline = timeline.as_array().expect("a timeline");
    let event = |kind: &str| {
        let found = timeline.iter().find(|item| item["kind"] == kind && item["sequence"].is_u64());
        let found = found.unwrap_or_else(|| panic!("no {kind}"));
        (found["sequence"].as_u64().expect("one"), found["at"].as_str().expect("a time").to_owned())
    };
    let at = |at: &str| shop.get(&format!("/api/orders/o-1?at={at}"));
    let (placed, placed_at) = event("order.placed");
    let (paid, _) = event("order.paid");
    // at its placing, and right before the callback that paid it, whose unit begins before its first event
    let (captured, _) = event("payment.recorded");
    for sequence in [placed, captured.min(paid) - 2] {
        let order = at(&sequence.to_string()).json();
        assert_eq!((&order["status"], &order["paid"]), (&json!("awaiting_payment"), &json!(0)));
        assert_eq!(order["reservation"]["state"], "held");
        assert_eq!((&order["attempts"], &order["version"]), (&json!([]), &json!(1)));
        assert_eq!(order["metadata"], json!({"channel": "web"}));
    }
    // from then on, and now
    let order = at(&paid.to_string()).json();
    assert_eq!(
        (&order["status"], &order["reservation"]["state"]),
        (&json!("paid"), &json!("committed"))
    );
    assert_eq!((&order["disputed"], &order["refunds"]), (&json!(false), &json!([])));
    let now = shop.get("/api/orders/o-1").json();
    assert_eq!(at("9999-12-31T00:00:00Z").json(), now);
    assert_eq!(at("999999999").json(), now);
    // each version as the timeline has it
    let mut versions = BTreeSet::new();
    for item in timeline.iter().filter(|item| item["data"]["version"].is_u64()) {
        let sequence = item["sequence"].as_u64().expect("of an event");
        let order = at(&sequence.to_string()).json();
        assert!(order["version"].as_u64() >= item["data"]["version"].as_u64(), "{item}");
        versions.insert(order["version"].as_u64());
    }
    assert!(versions.len() > 1, "{versions:?}");
    // included: at the time of its placing it was there
    assert_eq!(at(&placed_at).status, 200);
    // right after the command that placed it, whose unit begins before its first event; and not before
    let first = timeline.iter().filter_map(|item| item["sequence"].as_u64()).min();
    let first = first.expect("an event");
    assert_eq!(at(&(first - 1).to_string()).json()["version"], 1);
    at(&(first - 2).to_string()).problem(404);
    // long before, and without an order at all
    for moment in ["1", "2020-01-01T00:00:00Z"] {
        let told = at(moment).problem(404);
        assert!(told["detail"].as_str().expect("a text").contains("it came at"), "{told}");
    }
    shop.get("/api/orders/nothing?at=5").problem(404);
    let waits = shop.get("/api/orders/o-2?at=9999").problem(404);
    assert!(waits["detail"].as_str().expect("a text").contains("wait for it: 1"), "{waits}");
}
