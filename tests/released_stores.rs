//! Stores of earlier builds: this build opens each, gives the same answers, processes more commands, and finds no violation.
//!
//! `tests/released` has a store of every released format, written by a build of that format, and the answers of the admin API at
//! that time. (`store-4.2-captures` is a second one of its format, with a capture that counted for two orders.) A build with a new
//! format adds a store:
//!
//! ```sh
//! ORDERLY_TEST_WRITE_STORE=1 scripts/with-rabbitmq cargo test --test released_stores
//! ```

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, captured, stock};
use rabbit::shared_url;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A store belongs to its namespace, so the tests below run one after the other.
const NAMESPACE: &str = "released";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released")
}

/// Where the store of a format is, such as `4.2`: the store's own format, and that of the shop's records in it.
fn archive(format: &str) -> PathBuf {
    folder().join(format!("store-{format}.tar.gz"))
}

/// The format of the store in an archive.
fn format_of(archive: &Path) -> &str {
    let name = archive.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    let name = name.strip_prefix("store-").and_then(|name| name.strip_suffix(".tar.gz"));
    let name = name.expect("it is an archive of a store");
    name.split('-').next().unwrap_or(name)
}

/// The file with the answers of the admin API about the store in `archive`.
fn answers_of(archive: &Path) -> PathBuf {
    archive.with_extension("").with_extension("json")
}

/// The format of a stopped processor's store.
fn format(processor: &Processor) -> String {
    let stats = processor.store_command("stats");
    stats["format"].as_str().expect("a format").to_owned()
}

/// Nothing in the store expires, whenever this runs.
fn processor() -> Processor {
    let long = "3650d";
    Processor::new(&shared_url(), NAMESPACE)
        .with("ORDERLY_STORE__IDEMPOTENCY_RETENTION", long)
        .with("ORDERLY_STORE__HISTORY_RETENTION", long)
        .with("ORDERLY_ORDERS__WAITING_CALLBACK_RETENTION", long)
        .with("ORDERLY_CARTS__EXPIRE_AFTER", long)
        .with("RUST_LOG", "off")
}

fn place(order: &str, quantity: u32) -> Sent {
    let data = json!({
        "order_id": order, "customer": {"id": "c-1", "email": "c@example.com"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": quantity, "unit_price": 500, "name": "Tea"}],
        "adjustments": [{"kind": "shipping", "amount": 100}], "hold_for": "3650d",
    });
    Sent::new("order.place", &format!("place-{order}"), &data)
}

fn of_cart(kind: &str, cart: &str, more: &Value) -> Sent {
    let mut data = json!({"cart_id": cart});
    let more = more.as_object().into_iter().flatten();
    data.as_object_mut().expect("an object").extend(more.map(|(k, v)| (k.clone(), v.clone())));
    Sent::new(kind, &format!("{kind}-{cart}"), &data)
}

fn of_order(kind: &str, order: &str) -> Sent {
    Sent::new(kind, &format!("{kind}-{order}"), &json!({"order_id": order}))
}

fn amend(order: &str, more: &Value) -> Sent {
    let mut data = json!({"order_id": order});
    let more = more.as_object().into_iter().flatten();
    data.as_object_mut().expect("an object").extend(more.map(|(k, v)| (k.clone(), v.clone())));
    Sent::new("order.amend", &format!("amend-{order}"), &data)
}

fn callback(order: &str, event: &str, more: &Value) -> Sent {
    let mut data = json!({
        "provider": "acme", "event_id": event, "order_id": order, "attempt_id": format!("a-{order}"),
        "occurred_at": "2026-01-01T00:00:00Z",
    });
    let more = more.as_object().into_iter().flatten();
    data.as_object_mut().expect("an object").extend(more.map(|(k, v)| (k.clone(), v.clone())));
    Sent::new("payment.callback", &format!("m-{event}"), &data)
}

/// A capture with an id, of one attempt of one provider, whichever order it names.
fn captured_by_id(order: &str, event: &str) -> Sent {
    let mut data = money("captured", 600);
    data["attempt_id"] = json!("pi-7");
    data["capture_id"] = json!("ch-7");
    callback(order, &format!("e-{event}"), &data)
}

/// A capture of 10 of one of many attempts.
fn captured_in_part(number: u32, event: &str) -> Sent {
    let mut data = money("captured", 10);
    data["attempt_id"] = json!(format!("a-folded-{number}"));
    data["capture_id"] = json!("ch-1");
    callback("folded", event, &data)
}

/// A result of one of many refunds.
fn refunded_in_part(kind: &str, number: u32, event: &str) -> Sent {
    let mut data = money(kind, 1);
    data["attempt_id"] = json!(format!("a-folded-{number}"));
    data["refund_id"] = json!(format!("r-folded-{number}"));
    if kind == "refund_failed" {
        data["occurred_at"] = json!("2026-01-02T00:00:00Z");
    }
    callback("folded", event, &data)
}

fn money(kind: &str, amount: i64) -> Value {
    json!({"kind": kind, "amount": amount, "currency": "EUR"})
}

/// The commands of the store: an order in every status that can be reached at once, and messages that made no order.
fn story() -> Vec<Sent> {
    let mut all = vec![stock("tea", 100)];
    let line = json!({"sku": "tea", "quantity": 2, "unit_price": 500, "currency": "EUR"});
    all.push(of_cart("cart.put", "k-open", &line));
    all.push(of_cart("cart.put", "k-bought", &line));
    let checkout = json!({"order_id": "bought", "customer": {"id": "c-2"}, "hold_for": "3650d"});
    all.push(of_cart("cart.checkout", "k-bought", &checkout));
    for order in ORDERS.iter().filter(|order| **order != "bought") {
        all.push(place(order, if *order == "rejected" { 1000 } else { 1 }));
    }
    let paid = ["paid", "completed", "refunded", "partly-refunded", "disputed", "refund-pending"];
    all.extend(paid.map(|order| captured(order, 600)));
    all.push(captured_by_id("named", "named"));
    all.push(of_order("order.complete", "completed"));
    all.push(of_order("order.cancel", "cancelled"));
    all.push(callback("partly", "e-partly", &money("captured", 200)));
    all.push(callback("review", "e-review", &money("captured", 900)));
    all.push(callback("due", "e-due", &money("captured", 200)));
    all.push(of_order("order.cancel", "due"));
    all.push(callback("authorized", "e-authorized", &money("authorized", 600)));
    let mut back = money("refund_succeeded", 600);
    back["refund_id"] = json!("r-1");
    all.push(callback("refunded", "e-back", &back));
    let request = json!({
        "order_id": "refund-pending", "refund_id": "r-2", "amount": 250,
        "restock": [{"sku": "tea", "quantity": 1}],
    });
    all.push(Sent::new("refund.request", "refund-pending", &request));
    back["refund_id"] = json!("r-3");
    back["amount"] = json!(100);
    all.push(callback("partly-refunded", "e-part", &back));
    let dispute = json!({"kind": "dispute_opened", "dispute_id": "d-1"});
    all.push(callback("disputed", "e-dispute", &dispute));
    let more = json!({
        "lines": [{"sku": "tea", "quantity": 2}], "metadata": {"note": "ring twice"},
        "shipping_address": {"name": "Ada", "lines": ["Am Ufer 5"], "country": "DE", "floor": 3},
        "giftWrap": true,
    });
    all.push(amend("amended", &more).gzipped());
    all.extend((0..60).map(|number| captured_in_part(number, &format!("e-captured-{number}"))));
    let refunds = 0..60;
    all.extend(refunds.map(|number| {
        refunded_in_part("refund_succeeded", number, &format!("e-refunded-{number}"))
    }));
    all.push(captured("early", 600)); // nobody has placed that order yet
    let broken = json!({"order_id": "paid", "amount": 5.0});
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    all.push(Sent::new("payment.callback", "broken", &broken).traced(trace));
    all.push(Sent::new("no.such.type", "unknown", &json!({"order_id": "paid"})));
    all.push(stock("tea", 99)); // another value under the same id
    all.push(Sent::new("stock.set", "compressed", &json!({"sku": "tea"})).gzipped());
    all
}

/// The orders of the story.
const ORDERS: [&str; 18] = [
    "bought",
    "awaiting",
    "rejected",
    "paid",
    "completed",
    "refunded",
    "partly-refunded",
    "disputed",
    "refund-pending",
    "cancelled",
    "partly",
    "review",
    "due",
    "authorized",
    "late",
    "amended",
    "named",
    "folded",
];

/// Messages that were parked behind those of the story: one was replayed, and one was dismissed.
const REPLAYED: &str = "p-5";
const DISMISSED: &str = "p-6";

/// The paths of all answers about the story.
fn paths() -> Vec<String> {
    let mut paths = Vec::new();
    for order in ORDERS {
        paths.push(format!("/api/orders/{order}"));
        paths.push(format!("/api/orders/{order}/timeline"));
        paths.push(format!("/api/notifications?order_id={order}"));
    }
    paths.extend(
        ["/api/carts/k-open", "/api/carts/k-bought", "/api/stock/tea", "/api/stock/cup"]
            .map(String::from),
    );
    paths.extend(["/api/parked", "/api/audit"].map(String::from));
    paths.extend((1..=4).map(|number| format!("/api/parked/p-{number}")));
    paths
}

fn answers(processor: &Processor) -> Map<String, Value> {
    let answer = |path: String| {
        let answer = processor.get(&path).unwrap_or_else(|| panic!("{path} is answered"));
        (path, answer)
    };
    paths().into_iter().map(answer).collect()
}

fn tar(arguments: &[&str]) {
    let status = Command::new("tar").args(arguments).status().expect("tar runs");
    assert!(status.success(), "tar {arguments:?}");
}

/// Fails where `now` lacks a value of `then` or has another one. New members are no difference.
fn assert_holds(then: &Value, now: &Value, place: &str) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            for (key, then) in then {
                let now = now.get(key).unwrap_or_else(|| panic!("{place}.{key} is gone"));
                assert_holds(then, now, &format!("{place}.{key}"));
            }
        }
        (Value::Array(then), Value::Array(now)) => {
            assert_eq!(then.len(), now.len(), "{place}: {then:#?} became {now:#?}");
            for (index, (then, now)) in then.iter().zip(now).enumerate() {
                assert_holds(then, now, &format!("{place}[{index}]"));
            }
        }
        (then, now) => assert_eq!(then, now, "{place}"),
    }
}

/// Writes the store of the formats of this build.
async fn write() {
    let mut processor = processor();
    processor.start();
    let producer = Producer::new(&shared_url(), NAMESPACE).await;
    let replies = producer.reply_queue().await;
    producer.bind("notifications", "#").await;
    for command in story() {
        producer.publish(&[command.replying(&replies)]).await;
        producer.take(&replies).await;
    }
    // One message more is replayed, and one is dismissed.
    let late = Sent::new("stock.set", "late", &json!({"sku": "cup", "on_hand": 3}));
    let wrong = Sent::new("stock.set", "wrong", &json!({"sku": "cup"}));
    for message in [late.with_deadline(1), wrong] {
        producer.publish(&[message.replying(&replies)]).await;
        producer.take(&replies).await;
    }
    let (status, replayed) = processor.post(&format!("/api/parked/{REPLAYED}/replay"));
    assert_eq!((status, &replayed["verdict"]), (200, &json!("applied")), "{replayed}");
    let dismissed = format!("http://{}/api/parked/{DISMISSED}", processor.address());
    assert_eq!(ureq::delete(&dismissed).call().expect("an answer").status(), 200);
    processor.wait(|processor| {
        let pending = processor.get("/api/notifications?status=pending").expect("a list");
        pending["items"] == json!([]) && processor.metric("orderly_outbox_pending", "") < 0.5
    });
    let answers = serde_json::to_string_pretty(&answers(&processor)).expect("JSON");
    assert_eq!(processor.stop().code(), Some(0));
    let archive = archive(&format(&processor));
    std::fs::write(answers_of(&archive), answers + "\n").expect("the answers are written");
    let (archive, parent) = (archive.to_str().expect("UTF-8"), processor.directory.path());
    tar(&["-C", parent.to_str().expect("UTF-8"), "-czf", archive, "store"]);
}

/// Every order is in the lists of what it has, and is found by it, whichever build wrote the store.
fn assert_listed(processor: &Processor, then: &Map<String, Value>, name: &str) {
    let get = |path: &str| processor.get(path).unwrap_or_else(|| panic!("{name}: {path}"));
    let ids = |path: &str| -> BTreeSet<String> {
        let list = get(path);
        let items = list["items"].as_array().expect("a list").clone();
        items.iter().filter_map(|item| item["order_id"].as_str().map(str::to_owned)).collect()
    };
    let is_order = |path: &str| path.matches('/').count() == 3 && path.starts_with("/api/orders/");
    let orders: Vec<_> =
        then.iter().filter(|(path, _)| is_order(path)).map(|(_, one)| one).collect();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let all = orders.iter().map(|order| text(&order["order_id"])).collect::<BTreeSet<_>>();
    assert!(!all.is_empty());
    assert_eq!(ids("/api/orders?limit=500"), all, "{name}");
    for order in &orders {
        let id = text(&order["order_id"]);
        let mut lists = vec![
            format!("/api/orders?limit=500&status={}", text(&order["status"])),
            format!("/api/orders?limit=500&customer={}", text(&order["customer"]["id"])),
            format!("/api/orders?limit=500&sku={}&sort=oldest", text(&order["lines"][0]["sku"])),
            format!("/api/search?q={id}"),
        ];
        lists.extend(
            order["customer"]["email"]
                .as_str()
                .map(|email| format!("/api/search?limit=500&q={email}")),
        );
        let attempts = order["attempts"].as_array().expect("attempts");
        lists.extend(
            attempts
                .iter()
                .map(|one| format!("/api/search?limit=500&q={}", text(&one["attempt_id"]))),
        );
        for list in lists {
            assert!(ids(&list).contains(&id), "{name}: {list} does not have {id}");
        }
    }
    let refunds = |order: &&&Value| order["refunds"].as_array().expect("refunds").clone();
    let is_pending =
        |order: &&&Value| refunds(order).iter().any(|refund| refund["state"] == "requested");
    let pending = orders.iter().filter(is_pending).map(|order| text(&order["order_id"]));
    assert_eq!(ids("/api/orders?refund=pending"), pending.collect(), "{name}");
    assert_eq!(ids("/api/waiting"), BTreeSet::from(["early".to_owned()]), "{name}");
}

/// Opens one of the stores with this build and processes more commands. Returns the format of the store at the end.
async fn go_on(archive: &Path) -> String {
    let name = archive.display();
    let mut processor = processor();
    let directory = processor.directory.path().to_str().expect("UTF-8").to_owned();
    tar(&["-C", &directory, "-xzf", archive.to_str().expect("UTF-8")]);
    // Offline work changes nothing: the build that wrote the store could still open it. Only the second round shows a store
    // that `stats` upgrades after its answer.
    for _ in 0..2 {
        assert_eq!(processor.verify()["balanced"], true, "{name}");
        assert_eq!(format(&processor), format_of(archive), "{name} was upgraded");
    }
    processor.start();
    // The answers are the same.
    let then = std::fs::read(answers_of(archive));
    let then: Map<String, Value> =
        serde_json::from_slice(&then.expect("the answers of the store")).expect("JSON");
    assert!(!then.is_empty(), "{name}");
    for (path, then) in &then {
        let now = processor.get(path).unwrap_or_else(|| panic!("{name}: {path} is answered"));
        assert_holds(then, &now, &format!("{name}: {path} "));
    }
    // Messages that are parked are found from the order that they name.
    let broken = processor.get("/api/parked?order_id=paid").expect("a list");
    let broken = broken["items"].as_array().expect("a list").iter().map(|item| &item["command_id"]);
    assert_eq!(broken.collect::<Vec<_>>(), ["broken", "unknown"], "{name}");
    assert_eq!(processor.get("/api/orders/paid").expect("an order")["parked"], 2, "{name}");
    // What became of a message that is parked no more is known.
    if then.contains_key("/api/stock/cup") {
        let (status, replayed) = processor.post(&format!("/api/parked/{REPLAYED}/replay"));
        assert_eq!((status, &replayed["verdict"]), (200, &json!("applied")), "{name}: {replayed}");
        assert_eq!(processor.post(&format!("/api/parked/{DISMISSED}/replay")).0, 404, "{name}");
    }
    assert_listed(&processor, &then, &name.to_string());
    // Money that counted for an order counts for no other one.
    let producer = Producer::new(&shared_url(), NAMESPACE).await;
    let replies = producer.reply_queue().await;
    let has = |order: &str| then.contains_key(&format!("/api/orders/{order}"));
    for order in ["awaiting", "doubled"].into_iter().filter(|order| has("named") && has(order)) {
        let again = captured_by_id(order, &format!("again-{order}"));
        producer.publish(&[again.replying(&replies)]).await;
        let reply = producer.take(&replies).await.body;
        let told = json!([reply["verdict"], reply["detail"]]);
        assert_eq!(told, json!(["stale", "counted for order named"]), "{name}: {order}");
    }
    // What is folded is known.
    if has("folded") {
        for (callback, verdict) in [
            (captured_in_part(0, "e-again"), "stale"),
            (refunded_in_part("refund_succeeded", 0, "e-back-again"), "stale"),
            (refunded_in_part("refund_failed", 0, "e-bounced"), "applied"),
        ] {
            producer.publish(&[callback.replying(&replies)]).await;
            let reply = producer.take(&replies).await;
            assert_eq!(reply.body["verdict"], verdict, "{name}: {}", reply.body);
        }
    }
    // New commands are applied, and known ones are duplicates or conflicts.
    for (command, verdict) in [
        (captured("awaiting", 600), "applied"),
        (captured("paid", 600), "duplicate"),
        (captured("paid", 700), "conflict"),
        (place("paid", 1), "duplicate"),
        (place("early", 1), "applied"),
        (callback("partly", "e-rest", &money("captured", 400)), "applied"),
        (callback("authorized", "e-taken", &money("captured", 600)), "applied"),
        (of_order("order.cancel", "late"), "applied"),
        (amend("completed", &json!({"metadata": {"note": "ring twice"}})), "applied"),
        (amend("bought", &json!({"lines": [{"sku": "tea", "quantity": 1}]})), "applied"),
    ] {
        producer.publish(&[command.replying(&replies)]).await;
        let reply = producer.take(&replies).await;
        assert_eq!(reply.body["verdict"], verdict, "{name}: {}", reply.body);
    }
    let paid = ["awaiting", "early", "partly", "authorized"];
    processor.wait(|processor| {
        let status = |order| processor.get(&format!("/api/orders/{order}"));
        paid.iter().all(|order| status(order).is_some_and(|order| order["status"] == "paid"))
    });
    let audit = processor.get("/api/audit").expect("an audit");
    assert_eq!(audit["balanced"], true, "{name}: {audit}");
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true, "{name}");
    format(&processor)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_released_store_is_opened_and_processes_more_commands() {
    if std::env::var_os("ORDERLY_TEST_WRITE_STORE").is_some() {
        write().await;
    }
    let files = std::fs::read_dir(folder()).expect("the folder is there");
    let mut archives: Vec<_> = files.map(|file| file.expect("it is read").path()).collect();
    archives.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
    archives.sort();
    assert!(archives.iter().any(|archive| archive.ends_with("store-4.2-captures.tar.gz")));
    for path in &archives {
        let size = std::fs::metadata(path).expect("it is there").len();
        assert!(size < 256 << 10, "{} has {size} bytes", path.display());
        let current = archive(&go_on(path).await);
        assert!(archives.contains(&current), "{} is missing: see above", current.display());
    }
}
