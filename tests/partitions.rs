//! One process with several partitions: each order is in the partition that its id says, whatever way its commands came.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use lapin::BasicProperties;
use orderly_domain::partition::Partitions;
use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

const SHOPS: usize = 40;

fn partitions(count: u16) -> Partitions {
    Partitions(NonZeroU16::new(count).expect("not zero"))
}

/// The number of the partition of an id, of four.
fn number(id: &str) -> u16 {
    partitions(4).of_id(id)
}

/// The same command with this routing key.
fn routed(command: &Sent, key: &str) -> Sent {
    Sent { kind: key.to_owned(), ..command.clone() }
}

/// The same command, whose routing key alone says its type.
fn without_type(command: &Sent) -> Sent {
    let id = command.properties.message_id().clone().expect("an id");
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_message_id(id)
        .with_app_id("test".into());
    Sent { properties, ..command.clone() }
}

/// The commands of a shop: stock, an order, its payment. All of a shop go the same way: plain, to their partition, to another one.
fn shop(at: usize) -> Vec<Sent> {
    let of = |what: &str| format!("shop-{at}:{what}");
    let (sku, order) = (of("tea"), of("o-1"));
    let commands = [stock(&sku, 10), place(&order, &[(&sku, 2, 500)]), captured(&order, 1000)];
    let own = number(&order);
    let commands = commands.iter().map(|command| match at % 4 {
        0 => command.clone(),
        1 => routed(command, &format!("p{own}.{}", command.kind)),
        2 => routed(command, &format!("p{}.{}", (own + 1) % 4, command.kind)),
        _ => without_type(command),
    });
    // of some only the routing key says the type
    commands.map(|command| if at % 8 > 4 { without_type(&command) } else { command }).collect()
}

/// Every item of a list, page by page.
fn all(processor: &Processor, path: &str, limit: usize) -> Vec<Value> {
    let mut items = Vec::new();
    let mut after = String::new();
    loop {
        let join = if path.contains('?') { '&' } else { '?' };
        let page = processor.get(&format!("{path}{join}limit={limit}{after}")).expect("a page");
        items.extend(page["items"].as_array().expect("a list").iter().cloned());
        assert!(items.len() < 10_000, "it has no end");
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return items,
        }
    }
}

fn ids<'a>(items: &'a [Value], field: &str) -> Vec<&'a str> {
    items.iter().map(|item| item[field].as_str().expect("an id")).collect()
}

fn paid(processor: &Processor, partition: u16) -> f64 {
    processor.metric("orderly_orders{", &format!("status=\"paid\",partition=\"{partition}\""))
}

/// The admin answers for all partitions.
fn assert_shows_all(processor: &Processor) {
    let (newest, oldest) = (
        all(processor, "/api/orders?status=paid", 7),
        all(processor, "/api/orders?sort=oldest", 500),
    );
    let orders = ids(&newest, "order_id");
    let unique: BTreeSet<_> = orders.iter().collect();
    assert_eq!((orders.len(), unique.len()), (SHOPS, SHOPS));
    let placed = ids(&newest, "placed_at");
    assert!(placed.is_sorted_by(|one, next| one >= next), "{placed:?}");
    let document = processor.get("/openapi.json").expect("the document");
    let parameters = document["paths"]["/api/orders"]["get"]["parameters"].as_array();
    let after = parameters.and_then(|all| all.iter().find(|one| one["name"] == "after"));
    assert_eq!(after.expect("a cursor")["schema"]["pattern"], "^(~[^~]*){4}$");
    assert_eq!(ids(&oldest, "placed_at"), placed.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(all(processor, "/api/stock", 9).len(), SHOPS);
    let order = processor.get("/api/orders/shop-6:o-1").expect("the order that failed at first");
    assert_eq!((&order["status"], &order["paid"]), (&json!("paid"), &json!(1000)));
    let timeline = processor.get("/api/orders/shop-6:o-1/timeline").expect("a timeline");
    assert!(timeline.as_array().is_some_and(|items| items.len() > 3), "{timeline}");
    assert_eq!(processor.get("/api/stock/shop-6:tea").expect("stock")["on_hand"], 8);
    let found = processor.get("/api/search?q=shop-6:o-1").expect("a search");
    assert_eq!(ids(found["items"].as_array().expect("a list"), "order_id"), ["shop-6:o-1"; 1]);
    assert_eq!(processor.get("/api/actors").and_then(|all| Some(all.as_array()?.len())), Some(20));
}

/// Ids that do not agree, and what cannot be read, are parked with the order that they name.
fn assert_parks_by_partition(processor: &Processor, verdict: &Value) {
    assert_eq!(
        (&verdict["verdict"], &verdict["reason"]),
        (&json!("invalid"), &json!("validation"))
    );
    let detail = "lines[0].sku: must begin with `shop-1:`, as order_id does";
    assert_eq!(verdict["detail"], detail);
    let parked = all(processor, "/api/parked", 2);
    let by_command: BTreeMap<_, _> =
        ids(&parked, "command_id").into_iter().zip(ids(&parked, "id")).collect();
    for (command, of, reason) in [
        ("place-shop-1:o-apart", number("shop-1:o-apart"), "validation"),
        ("broken", number("shop-5:o-broken"), "malformed"),
        ("unknown", 0, "unknown_type"),
    ] {
        let id = by_command[command];
        assert!(id.starts_with(&format!("{of}.p-")), "{command} is {id}");
        let message = processor.get(&format!("/api/parked/{id}")).expect("it is parked");
        assert_eq!((&message["id"], &message["reason"]), (&json!(id), &json!(reason)));
        assert_eq!(message["type"], if command == "unknown" { "no.such" } else { "order.place" });
    }
    let of_order = processor.get("/api/parked?order_id=shop-1:o-apart").expect("a list");
    assert_eq!(
        ids(of_order["items"].as_array().expect("a list"), "command_id"),
        ["place-shop-1:o-apart"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_four_partitions_has_its_own_orders_whatever_way_they_came() {
    let (url, namespace) = (shared_url(), namespace("parted"));
    // an order that fails comes back through the wait queue of its partition
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_CLUSTER__PARTITIONS", "4")
        .with("ORDERLY_BROKER__RETRY_DELAYS", "[\"100ms\", \"200ms\"]")
        .with("FAILPOINTS", "order:shop-6:o-1=2*panic")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let events = producer.bind("events", "#").await;
    let replies = producer.reply_queue().await;

    for at in 0..SHOPS {
        producer.publish(&shop(at)).await;
    }
    let apart = place("shop-1:o-apart", &[("shop-2:tea", 1, 500)]).replying(&replies);
    let broken =
        Sent::raw("order.place", "broken", b"{\"order_id\": \"shop-5:o-broken\",".to_vec());
    let unknown = routed(&Sent::new("no.such", "unknown", &json!({"sku": 1})), "p3.no.such");
    producer.publish(&[apart, broken, unknown]).await;

    let done = |processor: &Processor| {
        processor.metric("orderly_orders{", "status=\"paid\"") > 39.5
            && all(processor, "/api/parked", 2).len() == 3
    };
    processor.wait(done);

    // each partition has its own
    let mut expected = BTreeMap::<u16, f64>::new();
    for at in 0..SHOPS {
        *expected.entry(number(&format!("shop-{at}:o-1"))).or_default() += 1.0;
    }
    for partition in 0..4 {
        let (found, expected) = (paid(&processor, partition), expected[&partition]);
        assert!((found - expected).abs() < 0.5, "{found} of {expected} in partition {partition}");
    }
    let audit = processor.get("/api/audit").expect("an audit");
    assert_eq!(audit["balanced"], true, "{audit}");
    let counts = &audit["counts"];
    assert_eq!(
        (&counts["orders"], &counts["sold"], &counts["paid"]["EUR"]),
        (&json!(40), &json!(80), &json!(40_000))
    );

    assert_shows_all(&processor);
    assert_parks_by_partition(&processor, &producer.take(&replies).await.body);

    // every event tells its partition, and has an id of its own
    let events: Vec<Value> =
        producer.drain(&events).await.into_iter().map(|got| got.body).collect();
    let mut known = BTreeSet::new();
    for event in &events {
        assert!(known.insert(event["id"].as_str().expect("an id")), "{event}");
        if let Some(order) = event["data"]["order_id"].as_str() {
            assert_eq!(event["partition"], number(order), "{event}");
        }
    }
    let paid = events.iter().filter(|event| event["type"] == "order.paid").count();
    assert_eq!(paid, SHOPS);

    assert_eq!(processor.stop().code(), Some(0));
    for partition in 0..4_u16 {
        let verified = processor
            .command(&["store", "--partition", &partition.to_string(), "verify"])
            .output()
            .expect("orderly runs");
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        let verified: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
        let found = verified["counts"]["orders"].as_f64().expect("a number");
        assert!((found - expected[&partition]).abs() < 0.5, "{verified}");
    }
    // the number of partitions is fixed
    for count in ["8", "1"] {
        let mut other = processor.command(&["serve"]);
        other.env("ORDERLY_CLUSTER__PARTITIONS", count).env("ORDERLY_ADMIN__BIND", "127.0.0.1:0");
        let ended = other.output().expect("orderly runs");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(78), "{said}");
        assert!(said.contains("partition"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_partitions_goes_on_after_a_kill_and_takes_commands_over_http() {
    let (url, namespace) = (shared_url(), namespace("parted-again"));
    let mut processor = Processor::new(&url, &namespace).with("ORDERLY_CLUSTER__PARTITIONS", "4");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let commands = |from: usize, to: usize| -> Vec<Sent> { (from..to).flat_map(shop).collect() };
    producer.publish(&commands(0, 10)).await;
    processor.kill();
    producer.publish(&commands(10, 20)).await;
    // a process without partitions, with a store of its own, does not work beside it, nor in its place
    processor.start();
    producer.publish(&commands(0, 20)).await; // all of it once more

    let place = json!({
        "type": "order.place", "id": "over-http", "source": "test",
        "data": {
            "order_id": "shop-3:o-http", "customer": {"id": "c-1"}, "currency": "EUR",
            "lines": [{"sku": "shop-3:tea", "quantity": 1, "unit_price": 500}],
        },
    });
    processor.wait(|processor| processor.metric("orderly_orders{", "status=\"paid\"") > 19.5);
    let answer = ureq::post(&processor.url("/api/commands"))
        .config()
        .http_status_as_error(false)
        .build()
        .content_type("application/json")
        .send(place.to_string());
    assert_eq!(answer.expect("an answer").status(), 202);
    processor.wait(|processor| processor.get("/api/orders/shop-3:o-http").is_some());
    let of = number("shop-3:o-http");
    let labels = format!("status=\"awaiting_payment\",partition=\"{of}\"");
    processor.wait(|processor| processor.metric("orderly_orders{", &labels) > 0.5);

    let file = processor.directory.path().join("commands.jsonl");
    let cancel =
        json!({"type": "order.cancel", "id": "by-cli", "data": {"order_id": "shop-3:o-http"}});
    std::fs::write(&file, format!("{cancel}\n")).expect("a file");
    let file = file.to_str().expect("UTF-8");
    let published = processor.command(&["publish", "--wait", file]).output().expect("it runs");
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    let order = processor.get("/api/orders/shop-3:o-http").expect("the order");
    assert_eq!(order["status"], "cancelled");

    let audit = processor.get("/api/audit").expect("an audit");
    assert_eq!(audit["balanced"], true, "{audit}");
    let counts = &audit["counts"];
    assert_eq!((&counts["orders"], &counts["sold"]), (&json!(21), &json!(40)));
    for queue in ["commands", "p0.commands", "p1.commands", "p2.commands", "p3.commands"] {
        assert_eq!(producer.depth(&format!("{namespace}.{queue}")).await, 0, "{queue}");
    }

    // the namespace has one process
    let mut other = processor.command(&["serve"]);
    let empty = processor.directory.path().join("empty");
    other
        .env("ORDERLY_CLUSTER__PARTITIONS", "1")
        .env("ORDERLY_STORE__PATH", empty)
        .env("ORDERLY_BROKER__OWNER_WAIT", "1s")
        .env("ORDERLY_ADMIN__BIND", "127.0.0.1:0");
    let ended = other.output().expect("orderly runs");
    assert_eq!(ended.status.code(), Some(75), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(processor.stop().code(), Some(0));
}

/// What the admin shows of all orders, and of the books.
fn shown(processor: &Processor) -> (BTreeMap<String, Value>, Value) {
    let orders = all(processor, "/api/orders", 500);
    let orders = orders.into_iter().map(|order| {
        let id = order["order_id"].as_str().expect("an id").to_owned();
        let timeline = processor.get(&format!("/api/orders/{id}/timeline")).expect("a timeline");
        (id, json!({"order": order, "timeline": timeline}))
    });
    let orders = orders.collect();
    let audit = processor.get("/api/audit").expect("an audit");
    assert_eq!(audit["balanced"], true, "{audit}");
    (orders, audit["counts"].clone())
}

/// An offline command, whose output is JSON.
fn offline(processor: &Processor, count: &str, arguments: &[&str]) -> Value {
    let mut command = processor.command(arguments);
    let done = command.env("ORDERLY_CLUSTER__PARTITIONS", count).output().expect("orderly runs");
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn four_partitions_become_eight_by_export_and_import() {
    let (url, namespace) = (shared_url(), namespace("parted-grows"));
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_CLUSTER__PARTITIONS", "4")
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]")
        .with("RUST_LOG", "error");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    for at in 0..24 {
        let commands = shop(at);
        // a third is not paid yet
        producer.publish(&commands[..if at % 3 == 0 { 2 } else { 3 }]).await;
    }
    let cart = json!({"cart_id": "shop-1:c", "sku": "shop-1:tea", "quantity": 1, "unit_price": 500, "currency": "EUR"});
    producer
        .publish(&[
            Sent::new("cart.put", "cart", &cart),
            captured("shop-2:o-late", 500), // its order comes later
            Sent::raw("order.place", "of-order", b"{\"order_id\": \"shop-3:o-broken\",".to_vec()),
            Sent::raw("order.place", "of-none", b"{".to_vec()),
        ])
        .await;
    processor.wait(|processor| {
        processor.metric("orderly_orders{", "") > 23.5
            && processor.metric("orderly_orders{", "status=\"paid\"") > 15.5
            && processor.metric("orderly_waiting_callbacks", "") > 0.5
            && all(processor, "/api/parked", 500).len() == 2
            && processor.get("/api/carts/shop-1:c").is_some()
    });
    let before = shown(&processor);
    assert_eq!(processor.stop().code(), Some(0));

    let exports = processor.directory.path().join("exports");
    let exports = exports.to_str().expect("UTF-8");
    let made = offline(&processor, "4", &["store", "export", exports]);
    assert_eq!(made["exports"].as_array().map(Vec::len), Some(4), "{made}");
    std::fs::rename(processor.store(), processor.directory.path().join("old"))
        .expect("it is moved");
    // a number that is no multiple is refused, and nothing is made
    let mut six = processor.command(&["store", "import", exports]);
    let refused = six.env("ORDERLY_CLUSTER__PARTITIONS", "6").output().expect("orderly runs");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("multiple"), "{said}");
    assert!(!processor.store().join("p0").exists());
    let made = offline(&processor, "8", &["store", "import", exports]);
    assert_eq!(made["stores"].as_array().map(Vec::len), Some(8), "{made}");

    let mut processor = processor.with("ORDERLY_CLUSTER__PARTITIONS", "8");
    processor.start();
    let after = shown(&processor);
    assert_eq!(before.0.keys().collect::<Vec<_>>(), after.0.keys().collect::<Vec<_>>());
    for (order, before) in &before.0 {
        assert_eq!(before["order"], after.0[order]["order"], "{order}");
        assert_eq!(before["timeline"], after.0[order]["timeline"], "{order}");
    }
    assert_eq!(before.1, after.1, "the books");
    let of_eight = |id: &str| partitions(8).of_id(id);
    for at in 0..24 {
        let order = format!("shop-{at}:o-1");
        let labels = format!("partition=\"{}\"", of_eight(&order));
        assert!(processor.metric("orderly_orders{", &labels) > 0.5, "{order}");
    }
    let parked = all(&processor, "/api/parked", 500);
    let of: BTreeSet<_> =
        ids(&parked, "id").into_iter().filter_map(|id| id.split_once('.')).collect();
    let numbers: BTreeSet<_> = of.into_iter().map(|(number, _)| number.to_owned()).collect();
    let expected = [of_eight("shop-3:o-broken").to_string(), "0".to_owned()];
    assert_eq!(numbers, BTreeSet::from(expected));

    // it goes on: all once more changes nothing, what was not paid is paid, what waited finds its order. Some producers count
    // with the old number
    let replies = producer.reply_queue().await;
    producer
        .publish(&shop(1).iter().cloned().map(|sent| sent.replying(&replies)).collect::<Vec<_>>())
        .await;
    for _ in 0..3 {
        assert_eq!(producer.take(&replies).await.body["verdict"], "duplicate");
    }
    for at in 0..24 {
        producer.publish(&shop(at)).await;
    }
    producer.publish(&[place("shop-2:o-late", &[("shop-2:tea", 1, 500)])]).await;
    processor.wait(|processor| processor.metric("orderly_orders{", "status=\"paid\"") > 24.5);
    let (_, counts) = shown(&processor);
    assert_eq!(
        (&counts["orders"], &counts["sold"], &counts["waiting"]),
        (&json!(25), &json!(49), &json!(0))
    );
    assert_eq!(processor.stop().code(), Some(0));
    for number in 0..8 {
        let verified =
            offline(&processor, "8", &["store", "--partition", &number.to_string(), "verify"]);
        assert_eq!(verified["balanced"], true, "{verified}");
    }
}
