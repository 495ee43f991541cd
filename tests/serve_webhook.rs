//! The program with a real RabbitMQ and a webhook that is down, works again, or refuses.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use orderly::notify::signature;
use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ORDERS: usize = 40;

/// A request to the endpoint, and the status of its answer.
#[derive(Debug, Clone)]
struct Seen {
    key: String,
    body: Value,
    traceparent: Option<String>,
    status: u16,
}

/// An endpoint that answers every request with the status that is set.
struct Endpoint {
    url: String,
    status: Arc<AtomicU16>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Endpoint {
    fn new(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let endpoint = Self { url, status: Arc::new(AtomicU16::new(status)), seen: Arc::default() };
        let (status, seen) = (Arc::clone(&endpoint.status), Arc::clone(&endpoint.seen));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (status, seen) = (Arc::clone(&status), Arc::clone(&seen));
                std::thread::spawn(move || {
                    // A connection of a killed process ends with an error, which does not matter.
                    let _ = serve(&stream.expect("a connection"), &status, &seen);
                });
            }
        });
        endpoint
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic in here").clone()
    }

    /// The number of times that the endpoint accepted each notification.
    fn taken(&self) -> BTreeMap<String, usize> {
        let mut taken = BTreeMap::new();
        for seen in self.seen().into_iter().filter(|seen| seen.status == 200) {
            *taken.entry(seen.key).or_default() += 1;
        }
        taken
    }
}

fn serve(stream: &TcpStream, status: &AtomicU16, seen: &Mutex<Vec<Seen>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut headers = BTreeMap::new();
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers["content-length"].parse().expect("a length")];
        reader.read_exact(&mut body)?;
        let timestamp = headers["orderly-timestamp"].parse().expect("seconds");
        let signature = &headers["orderly-signature"];
        let is_valid = *signature == signature::sign(SECRET.as_bytes(), timestamp, &body);
        let status = if is_valid { status.load(Ordering::SeqCst) } else { 401 };
        let answer = format!("HTTP/1.1 {status} Status\r\ncontent-length: 0\r\n\r\n");
        seen.lock().expect("no panic in here").push(Seen {
            key: headers["idempotency-key"].clone(),
            body: serde_json::from_slice(&body).expect("JSON"),
            traceparent: headers.get("traceparent").cloned(),
            status,
        });
        let mut stream = stream;
        stream.write_all(answer.as_bytes())?;
    }
}

fn processor(url: &str, namespace: &str, endpoint: &Endpoint) -> Processor {
    Processor::new(url, namespace)
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[\"amqp\", \"webhook\"]")
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__URL", &endpoint.url)
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__SECRET", SECRET)
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__BREAKER_FAILURES", "3")
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__BREAKER_COOLDOWN", "200ms")
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__BREAKER_COOLDOWN_CAP", "1s")
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__MAX_IN_FLIGHT", "2")
        .with("ORDERLY_NOTIFICATIONS__RETRY__FIRST", "100ms")
        .with("ORDERLY_NOTIFICATIONS__RETRY__CAP", "1s")
}

fn paid(number: usize) -> [Sent; 2] {
    let id = format!("o-{number:02}");
    [place(&id, &[("tea", 1, 700)]), captured(&id, 700)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_was_down_gets_every_notification_once_and_delays_no_other_channel() {
    let (url, namespace) = (shared_url(), namespace("webhook"));
    let endpoint = Endpoint::new(503);
    let mut processor = processor(&url, &namespace, &endpoint);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let notifications = producer.bind("notifications", "#").await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    let mut commands = vec![stock("tea", 1000)];
    commands.extend((0..ORDERS).flat_map(paid).map(|command| command.traced(traceparent)));
    producer.publish(&commands).await;

    // The other channel delivers all notifications while the webhook accepts none.
    let mut told = BTreeSet::new();
    while told.len() < ORDERS {
        told.insert(producer.take(&notifications).await.id);
    }
    processor.wait(|processor| processor.metric("orderly_breaker_state", "webhook") > 1.5);
    let amqp = "channel=\"amqp\",outcome=\"delivered\"";
    processor.wait(|processor| {
        processor.metric("orderly_notifications_total", amqp) > ORDERS as f64 - 0.5
    });
    assert!(endpoint.taken().is_empty());
    // The breaker is open meanwhile: there are far fewer attempts than notifications and seconds.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let attempts = endpoint.seen().len();
    assert!((3..20).contains(&attempts), "{attempts} attempts while it was down");

    // The process dies and starts again, and then the endpoint works again.
    processor.kill();
    processor.start();
    endpoint.answers(200);
    processor.wait(|_| endpoint.taken().len() == ORDERS);
    processor.wait(|processor| {
        let pending = processor.get("/api/notifications?status=pending").expect("the list");
        pending["items"] == json!([])
    });

    let taken = endpoint.taken();
    assert_eq!(taken.keys().cloned().collect::<BTreeSet<_>>(), told, "the same ids on both");
    assert!(taken.values().all(|times| *times == 1), "{taken:?}");
    for seen in endpoint.seen() {
        assert_eq!(seen.body["notification_id"], seen.key);
        assert_eq!(seen.body["kind"], "order_confirmed");
        assert_eq!(seen.traceparent.as_deref(), Some(traceparent), "through every retry");
    }
    let again = endpoint.seen().into_iter().filter(|seen| seen.status == 200);
    assert!(again.filter_map(|seen| seen.body["attempt"].as_u64()).any(|attempt| attempt > 1));
    let state = processor.metric("orderly_breaker_state", "webhook");
    assert!(state < 0.5, "it is closed: {state}");
    let page = processor.get("/api/notifications?limit=15").expect("the list");
    assert_eq!(page["items"].as_array().map(Vec::len), Some(15));
    let after = page["next"].as_str().expect("there are more");
    let next = processor.get(&format!("/api/notifications?limit=500&after={after}"));
    assert_eq!(next.expect("the list")["items"].as_array().map(Vec::len), Some(ORDERS - 15));
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_notification_is_given_up_with_an_event_and_can_be_sent_again() {
    let (url, namespace) = (shared_url(), namespace("webhook"));
    let endpoint = Endpoint::new(410);
    let logs = tempfile::tempdir().expect("a directory");
    let log = logs.path().join("log");
    let mut processor = processor(&url, &namespace, &endpoint).logging_all_to(log.clone());
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let _notifications = producer.bind("notifications", "#").await;
    let events = producer.bind("events", "notification.failed").await;
    let data = json!({
        "order_id": "o-01", "currency": "EUR",
        "customer": {"id": "c-1", "email": "ada@example.com", "phone": "+4930901820"},
        "lines": [{"sku": "tea", "quantity": 1, "unit_price": 700}],
        "shipping_address": {"name": "Ada Lovelace", "lines": ["Kupfergraben 5"], "country": "DE"},
        "metadata": {"note": "for-a-birthday", "weight": 1.5},
    });
    let [_, captured] = paid(1);
    producer.publish(&[stock("tea", 10), Sent::new("order.place", "place", &data), captured]).await;

    let failed = producer.take(&events).await.body;
    let data = &failed["data"];
    assert_eq!(
        (&data["order_id"], &data["channel"], &data["attempts"], &data["reason"]),
        (&json!("o-01"), &json!("webhook"), &json!(1), &json!("status 410"))
    );
    let id = data["notification_id"].as_str().expect("an id");
    let list = processor.get("/api/notifications?order_id=o-01&status=exhausted").expect("a list");
    let [notification] = &list["items"].as_array().expect("items")[..] else {
        panic!("one notification: {list}");
    };
    assert_eq!(notification["notification_id"], id);
    let webhook = &notification["deliveries"][1];
    assert_eq!((&webhook["channel"], &webhook["status"]), (&json!("webhook"), &json!("exhausted")));
    assert_eq!(endpoint.seen().len(), 1, "it is not tried again by itself");

    endpoint.answers(200);
    let resend = format!("/api/notifications/{id}/resend");
    let (status, again) = processor.post(&resend);
    assert_eq!((status, &again["notification_id"]), (200, &json!(id)));
    processor.wait(|_| endpoint.taken().len() == 1);
    processor.wait(|processor| {
        let list = processor.get("/api/notifications?order_id=o-01").expect("a list");
        list["items"][0]["status"] == "delivered"
    });
    let list = processor.get("/api/notifications?order_id=o-01").expect("a list");
    for delivery in list["items"][0]["deliveries"].as_array().expect("deliveries") {
        assert_eq!(delivery["status"], "delivered");
        assert_eq!(delivery.get("reason"), None, "it was delivered after all");
    }
    assert_eq!(endpoint.seen()[1].body["attempt"], 2);
    assert_eq!(processor.post(&resend).0, 409);
    assert_eq!(processor.post("/api/notifications/n-999-ab/resend").0, 404);
    assert_eq!(processor.post("/api/notifications/nonsense/resend").0, 404);
    assert!(processor.get("/api/notifications?status=nonsense").is_none());
    assert_eq!(processor.stop().code(), Some(0));

    // The request has the addresses of the customer; the log has neither these nor the secret.
    let body = &endpoint.seen()[1].body;
    assert_eq!(
        (&body["data"]["shipping_address"], &body["data"]["metadata"]),
        (
            &json!({"name": "Ada Lovelace", "lines": ["Kupfergraben 5"], "country": "DE"}),
            &json!({"note": "for-a-birthday", "weight": 1.5})
        )
    );
    let customer = &body["customer"];
    assert_eq!(
        (&customer["email"], &customer["phone"]),
        (&json!("ada@example.com"), &json!("+4930901820"))
    );
    let log = std::fs::read_to_string(log).expect("its log");
    let origin = endpoint.url.trim_end_matches("/hook");
    assert!(log.contains(&format!("status 410 ({origin})")), "{log}");
    assert!(log.contains("attempts=1"), "as the API counts them: {log}");
    let address = ["Lovelace", "Kupfergraben", "for-a-birthday"];
    for secret in ["ada@example.com", "+4930901820", SECRET].into_iter().chain(address) {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_for_a_dead_webhook_is_given_up_in_time_after_few_attempts() {
    let (url, namespace) = (shared_url(), namespace("webhook"));
    let endpoint = Endpoint::new(503);
    let mut processor = processor(&url, &namespace, &endpoint)
        .with("ORDERLY_NOTIFICATIONS__RETRY__GIVE_UP_AFTER", "4s");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let _notifications = producer.bind("notifications", "#").await;
    let events = producer.bind("events", "notification.failed").await;
    producer.publish(&[stock("tea", 1000)]).await;
    producer.publish(&(0..ORDERS).flat_map(paid).collect::<Vec<_>>()).await;

    let mut reasons = BTreeMap::<String, usize>::new();
    for _ in 0..ORDERS {
        let data = &producer.take(&events).await.body["data"];
        *reasons.entry(data["reason"].as_str().expect("a reason").to_owned()).or_default() += 1;
    }

    assert!(reasons.contains_key("the channel was down until the limit"), "{reasons:?}");
    let details = processor.degraded("channel_down");
    let origin = endpoint.url.trim_end_matches("/hook");
    assert!(
        details[0].contains(&format!("webhook does not work: status 503 ({origin})")),
        "{details:?}"
    );
    let attempts = endpoint.seen().len();
    assert!(attempts < ORDERS, "{attempts} attempts for {ORDERS} notifications");
    processor.wait(|processor| {
        let list = processor.get("/api/notifications?status=exhausted&limit=500").expect("a list");
        list["items"].as_array().map(Vec::len) == Some(ORDERS)
    });
    let list = processor.get("/api/notifications?status=delivered").expect("a list");
    assert_eq!(list["items"], json!([]), "one channel of two is not all");

    // The metric counts the attempts that the endpoint saw, and apart from them what was given up without one.
    let counted = |outcome: &str| {
        let line = format!("channel=\"webhook\",outcome=\"{outcome}\"");
        processor.metric("orderly_notifications_total{", &line)
    };
    let made = counted("retried") + counted("failed");
    assert!((made - endpoint.seen().len() as f64).abs() < 0.5, "{made}");
    let without = reasons["the channel was down until the limit"];
    let given_up = counted("given_up");
    assert!((given_up - without as f64).abs() < 0.5, "{given_up} of {without}");

    // A person has all of them sent again, first those of one order.
    endpoint.answers(200);
    let resend = "/api/notifications/resend?status=exhausted";
    assert_eq!(processor.post("/api/notifications/resend?status=pending").0, 422);
    assert_eq!(processor.post(&format!("{resend}&order_id=none")).0, 404);
    let one = processor.post(&format!("{resend}&order_id=o-01"));
    assert_eq!(one, (200, json!({"resent": 1})));
    assert_eq!(processor.post(resend), (200, json!({"resent": ORDERS - 1})));
    assert_eq!(processor.post(resend), (200, json!({"resent": 0})));
    // the channel was down: some may be given up again before the next attempt is due
    processor.wait(|processor| {
        assert_eq!(processor.post(resend).0, 200);
        endpoint.taken().len() == ORDERS
    });
    assert_eq!(processor.stop().code(), Some(0));
}

/// The sentences about attempts to deliver in the timeline of an order, from its pages of one item.
fn outcomes(processor: &Processor, order: &str) -> Vec<String> {
    let (mut outcomes, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let path = format!("/api/orders/{order}/timeline?limit=1&after={after}");
        let page = processor.get(&path).expect("a page");
        let items = page["items"].as_array().expect("items").iter();
        let items = items.filter(|item| item["kind"] == "notification.outcome");
        outcomes.extend(items.map(|item| item["summary"].as_str().expect("text").to_owned()));
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return outcomes,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_says_of_every_attempt_whether_it_failed_and_why() {
    // Given two channels that fail: the webhook is down, and no queue takes a notification
    let (url, namespace) = (shared_url(), namespace("webhook"));
    let endpoint = Endpoint::new(503);
    let mut processor = processor(&url, &namespace, &endpoint);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let mut commands = vec![stock("tea", 10)];
    commands.extend(paid(1));
    producer.publish(&commands).await;
    let deliveries = |processor: &Processor| {
        // until the order is placed there is no such list
        let list = processor.get("/api/notifications?order_id=o-01").unwrap_or_default();
        list["items"][0]["deliveries"].as_array().cloned().unwrap_or_default()
    };
    processor.wait(|processor| {
        let deliveries = deliveries(processor);
        let failed = |one: &&Value| one["attempts"].as_u64() >= Some(2);
        deliveries.iter().filter(failed).count() == 2
    });
    // When the webhook refuses, and a queue takes notifications
    endpoint.answers(410);
    let _notifications = producer.bind("notifications", "#").await;
    processor.wait(|processor| {
        let deliveries = deliveries(processor);
        let has_ended = |one: &Value| one["status"] != "pending";
        !deliveries.is_empty() && deliveries.iter().all(has_ended)
    });
    // Then the timeline has each attempt with its number, and its channel, its reason and what follows
    let all = outcomes(&processor, "o-01");
    for (channel, why) in [("amqp", "no queue takes it"), ("webhook", "status 503")] {
        let of_channel = format!(", through {channel}, ");
        let of_channel: Vec<_> = all.iter().filter(|one| one.contains(&of_channel)).collect();
        let (last, failed) = of_channel.split_last().expect("attempts");
        assert!(failed.len() >= 2, "{all:#?}");
        for (attempt, outcome) in (1..).zip(failed) {
            let begin = format!(
                "The delivery of the notification that the order is confirmed failed, \
                 through {channel}, at attempt {attempt}: {why}. The next attempt is due at 20"
            );
            assert!(outcome.starts_with(&begin), "{outcome} is not {begin}");
        }
        let attempts = of_channel.len();
        let expected = match channel {
            "amqp" => format!(
                "The notification that the order is confirmed was delivered, \
                 through amqp, at attempt {attempts}."
            ),
            _ => format!(
                "The delivery of the notification that the order is confirmed failed, \
                 through webhook, after {attempts} attempts: status 410. The delivery is given up."
            ),
        };
        assert_eq!(**last, expected);
    }
    let whole = processor.get("/api/orders/o-01/timeline").expect("a timeline");
    let items = whole.as_array().expect("items").iter();
    let items = items.filter(|item| item["kind"] == "notification.outcome");
    let whole: Vec<_> = items.map(|item| item["summary"].as_str().expect("text")).collect();
    assert_eq!(whole, all, "the pages and the whole say the same");
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_notification_of_a_refund_names_the_refund_on_every_channel() {
    let (url, namespace) = (shared_url(), namespace("webhook"));
    let endpoint = Endpoint::new(200);
    let mut processor = processor(&url, &namespace, &endpoint);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let told = producer.bind("notifications", "refund_succeeded").await;
    let _others = producer.bind("notifications", "#").await;
    let refund = |id: &str, amount: i64, currency: &str| {
        let data = json!({
            "provider": "acme", "event_id": id, "order_id": "o-01", "attempt_id": "a-1",
            "kind": "refund_succeeded", "refund_id": id, "amount": amount, "currency": currency,
            "occurred_at": "2026-01-01T00:00:00Z",
        });
        Sent::new("payment.callback", id, &data)
    };
    let [placed, captured] = paid(1);
    let mut commands = vec![stock("tea", 10), placed, captured];
    commands.extend([refund("r-1", 200, "EUR"), refund("r-2", 500, "EUR")]);
    commands.push(refund("r-3", 90, "USD"));
    producer.publish(&commands).await;

    let facts = |body: &Value| {
        let data = &body["data"];
        assert_eq!((&data["order_currency"], &data["total"]), (&json!("EUR"), &json!(700)));
        let facts = ["refund_id", "amount", "currency"].map(|field| data[field].clone());
        (body["notification_id"].as_str().expect("an id").to_owned(), json!(facts))
    };
    let mut on_amqp = BTreeMap::new();
    for _ in 0..3 {
        let (id, refund) = facts(&producer.take(&told).await.body);
        on_amqp.insert(id, refund);
    }
    let of_refunds = || {
        let seen = endpoint.seen().into_iter().map(|seen| seen.body);
        seen.filter(|body| body["kind"] == "refund_succeeded").collect::<Vec<_>>()
    };
    processor.wait(|_| of_refunds().len() == 3);
    let on_webhook: BTreeMap<_, _> = of_refunds().iter().map(facts).collect();

    assert_eq!(on_webhook, on_amqp);
    let mut refunds: Vec<_> = on_amqp.values().map(Value::to_string).collect();
    refunds.sort();
    assert_eq!(refunds, [r#"["r-1",200,"EUR"]"#, r#"["r-2",500,"EUR"]"#, r#"["r-3",90,"USD"]"#]);
    let list = processor.get("/api/notifications?order_id=o-01").expect("a list");
    let shown = list["items"].as_array().expect("items").iter();
    let shown: BTreeMap<_, _> = shown
        .filter(|one| one["kind"] == "refund_succeeded")
        .map(|one| (one["notification_id"].as_str().expect("an id"), one["reference"].clone()))
        .collect();
    let expected: BTreeMap<_, _> =
        on_amqp.iter().map(|(id, refund)| (id.as_str(), refund[0].clone())).collect();
    assert_eq!(shown, expected);
    assert_eq!(processor.stop().code(), Some(0));
}
