//! The examples in `examples/` over a real `RabbitMQ` with this program, as their pages say: a producer that publishes again what
//! nobody answers, a subscriber that gets events twice, and a receiver of webhooks.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "examples/program.rs"]
mod program;
#[path = "support/rabbit.rs"]
mod rabbit;

use orderly::notify::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_domain::time::Timestamp;
use processor::{Processor, free_port};
use producer::Producer;
use program::{Language, Program};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::path::Path;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What the producer prints of each command of `examples/commands.jsonl`.
const SAID: [&str; 9] = [
    // it was published again, since the intake was paused
    "stock.set stock-1: duplicate: done before: applied",
    "payment.callback hook-1: waiting: kept until its order is placed",
    "order.place place-o-1: applied: done: stock.held, order.placed",
    "payment.callback hook-2: duplicate: done before: waiting",
    "payment.callback hook-3: stale: out of date, nothing to do",
    "payment.callback hook-4: review: recorded; a person looks at the order",
    "order.place place-o-2: rejected: tell the customer: 8 of tea left",
    "order.place place-o-2: conflict: a bug here: this id was used for other data",
    "order.place place-o-3: invalid: a bug here: lines[0].quantity: must be a whole number from 1 to 1000000, not 0",
];

/// The same when it runs again: nothing happens twice.
const SAID_AGAIN: [&str; 9] = [
    "stock.set stock-1: duplicate: done before: applied",
    "payment.callback hook-1: duplicate: done before: waiting",
    "order.place place-o-1: duplicate: done before: applied",
    "payment.callback hook-2: duplicate: done before: waiting",
    "payment.callback hook-3: duplicate: done before: stale",
    "payment.callback hook-4: duplicate: done before: review",
    "order.place place-o-2: duplicate: done before: rejected",
    "order.place place-o-2: conflict: a bug here: this id was used for other data",
    "order.place place-o-3: invalid: a bug here: lines[0].quantity: must be a whole number from 1 to 1000000, not 0",
];

/// A request to the receiver; the status of its answer.
fn post(url: &str, timestamp: u64, signature: &str, body: &str) -> u16 {
    let request = ureq::post(url)
        .header(TIMESTAMP_HEADER, timestamp.to_string())
        .header(SIGNATURE_HEADER, signature)
        .config()
        .http_status_as_error(false)
        .build();
    request.send(body).expect("an answer").status().as_u16()
}

fn now() -> u64 {
    SystemClock::default().now().since(Timestamp::EPOCH).as_secs()
}

/// A receiver takes what is signed, each notification once, and nothing else.
fn assert_refuses_forgeries(url: &str, receiver: &Program) {
    let body = json!({
        "notification_id": "n-forged", "kind": "order_expired", "order_id": "o-9", "customer": {"email": "b@example.com"},
        "data": {}, "attempt": 1,
    });
    let body = body.to_string();
    let signed = |at: u64| sign(SECRET.as_bytes(), at, body.as_bytes());
    let (old, now) = (now() - 600, now());
    for (timestamp, signature) in [
        (now, sign(b"another secret", now, body.as_bytes())),
        (now, String::new()),
        (now + 1, signed(now)),
        (old, signed(old)),
    ] {
        assert_eq!(post(url, timestamp, &signature, &body), 401);
    }
    assert_eq!(receiver.count("order_expired"), 0);
    for _ in 0..2 {
        assert_eq!(post(url, now, &signed(now), &body), 204);
    }
    receiver.wait("order_expired o-9 to b@example.com");
    assert_eq!(receiver.count("order_expired"), 1);
}

async fn works(language: Language) {
    let (url, namespace) = (shared_url(), namespace("examples"));
    let address = format!("127.0.0.1:{}", free_port());
    let webhook = format!("http://{address}/");
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", r#"["webhook"]"#)
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__URL", &webhook)
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__SECRET", SECRET)
        .with("RUST_LOG", "off");
    processor.start();
    let environment = [
        ("BROKER_URL", url.as_str()),
        ("NAMESPACE", &namespace),
        ("QUEUE", &format!("{namespace}.warehouse")),
        ("VERDICT_TIMEOUT", "2"),
        ("WEBHOOK_SECRET", SECRET),
        ("LISTEN", &address),
    ];
    let commands = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/commands.jsonl");
    let shipments = processor.directory.path().join("shipments");
    let run = |name: &str, argument: &Path| Program::start(language, name, argument, &environment);
    let receiver = run("webhook", Path::new("-"));
    receiver.wait("ready");
    let mut subscriber = run("subscriber", &shipments);
    subscriber.wait("ready");
    let ours = Producer::new(&url, &namespace).await;
    let paid = ours.bind("events", "order.paid").await;

    // Given a processor that does not answer, then the producer publishes the command again, and it counts once
    assert_eq!(processor.post("/api/intake/pause").0, 200);
    let producer = run("producer", &commands);
    producer.wait("stock.set stock-1: no verdict yet, publishing it again");
    assert_eq!(processor.post("/api/intake/resume").0, 200);
    let again = |line: &String| line.ends_with("no verdict yet, publishing it again");
    let said: Vec<_> = producer.end().into_iter().filter(|line| !again(line)).collect();
    assert_eq!(said, SAID);
    assert_eq!(run("producer", &commands).end(), SAID_AGAIN);
    let order = processor.get("/api/orders/o-1").expect("the order");
    assert_eq!((&order["status"], &order["paid"]), (&json!("paid"), &json!(1000)));

    // The subscriber handles each event once, also when it comes again after a crash
    for line in ["order.placed o-1 handled", "order.paid o-1 handled", "order.rejected o-2 handled"]
    {
        subscriber.wait(line);
    }
    let event = ours.take(&paid).await.body;
    ours.publish_event("order.paid", &event).await;
    subscriber.wait("order.paid o-1 again, ignored");
    subscriber.kill();
    subscriber = run("subscriber", &shipments);
    subscriber.wait("ready");
    ours.publish_event("order.paid", &event).await;
    subscriber.wait("order.paid o-1 again, ignored");
    assert_eq!(subscriber.count("order.paid o-1 handled"), 0);

    // The customer is told once
    receiver.wait("order_confirmed o-1 to ada@example.com");
    processor.wait(|processor| {
        let list = processor.get("/api/notifications?order_id=o-1").expect("a list");
        list["items"].as_array().is_some_and(|items| items.iter().all(is_delivered))
    });
    assert_eq!(receiver.count("order_confirmed"), 1);
    assert_refuses_forgeries(&webhook, &receiver);
    assert_eq!(processor.stop().code(), Some(0));
}

fn is_delivered(notification: &Value) -> bool {
    notification["status"] == "delivered"
}

#[tokio::test(flavor = "multi_thread")]
async fn python() {
    works(Language::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node() {
    works(Language::Node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rust() {
    works(Language::Rust).await;
}

/// The producers say what to do about every verdict that there is.
#[test]
fn the_producers_know_every_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in ["python/producer.py", "node/producer.mjs", "rust/producer.rs"] {
        let text = std::fs::read_to_string(folder.join(name)).expect("it is there");
        for verdict in orderly_domain::verdict::Verdict::ALL {
            let arms = ["case \"", "        \""].map(|before| format!("{before}{verdict}\""));
            assert!(arms.iter().any(|arm| text.contains(arm)), "{name}: {verdict}");
        }
    }
    // and each of the commands is sent with a verdict in mind
    let commands = std::fs::read_to_string(folder.join("commands.jsonl")).expect("it is there");
    assert_eq!(commands.lines().count(), SAID.len());
}
