//! Commands over HTTP, and the pause of the intake, with a real RabbitMQ that goes away and comes back.

#[path = "support/http.rs"]
mod http;
#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use http::{Answer, ask_with};
use processor::Processor;
use producer::{Producer, stock};
use rabbit::{exclusive_node, namespace, runtime, shared_url};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const JSON: &str = "application/json";
const CLOUD_EVENT: &str = "application/cloudevents+json";

fn send(processor: &Processor, content_type: &str, body: &str) -> Answer {
    let headers = [("x-operator", "anna"), ("content-type", content_type)];
    ask_with(processor.address(), "POST", "/api/commands", &headers, body)
}

fn stock_set(id: &str, sku: &str, on_hand: u64) -> Value {
    json!({"type": "stock.set", "id": id, "data": {"sku": sku, "on_hand": on_hand}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_over_http_is_published_confirmed_and_processed_once() {
    let (url, namespace) = (shared_url(), namespace("http"));
    let mut processor = Processor::new(&url, &namespace).with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let answers = producer.reply_queue().await;
    let mut set = stock_set("c-1", "tea", 5);
    set["reply_to"] = json!(answers);

    let answer = send(&processor, JSON, &set.to_string());
    let wanted = json!({"command_id": "c-1", "source": "unknown", "type": "stock.set"});
    assert_eq!((answer.status, answer.json()), (202, wanted), "{answer:?}");
    let verdict = producer.take(&answers).await;
    assert_eq!(
        (&verdict.body["verdict"], &verdict.body["command_id"]),
        (&json!("applied"), &json!("c-1"))
    );
    // what it would do now, without doing it; a dry run is no message
    let headers = [("content-type", JSON)];
    let path = "/api/commands?dry_run=true";
    let tried = ask_with(processor.address(), "POST", path, &headers, &set.to_string());
    assert_eq!((tried.status, &tried.json()["verdict"]), (200, &json!("duplicate")), "{tried:?}");
    assert!(producer.try_take(&answers).await.is_none());
    // the same again is a duplicate
    assert_eq!(send(&processor, JSON, &set.to_string()).status, 202);
    assert_eq!(producer.take(&answers).await.body["verdict"], "duplicate");

    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let event = json!({
        "specversion": "1.0", "id": "c-2", "source": "web", "type": "order.place",
        "data": {
            "order_id": "o-1", "customer": {"id": "u-1"}, "currency": "EUR",
            "lines": [{"sku": "tea", "quantity": 2, "unit_price": 350}],
        },
    });
    let headers = [("content-type", CLOUD_EVENT), ("traceparent", trace), ("x-operator", "anna")];
    let address = processor.address();
    let answer = ask_with(address, "POST", "/api/commands", &headers, &event.to_string());
    let wanted = json!({"command_id": "c-2", "source": "web", "type": "order.place"});
    assert_eq!((answer.status, answer.json()), (202, wanted), "{answer:?}");
    processor.wait(|processor| processor.get("/api/orders/o-1").is_some());
    let timeline = processor.get("/api/orders/o-1/timeline").expect("a timeline");
    let placed = &timeline[0];
    assert_eq!((&placed["operator"], &placed["source"]), (&json!("anna"), &json!("web")));

    // what is wrong with the data is found by the processor
    let mut poisoned = stock_set("c-3", "tea", 5);
    poisoned["data"]["on_hand"] = json!(7.5);
    assert_eq!(send(&processor, JSON, &poisoned.to_string()).status, 202);
    processor.wait(|processor| {
        processor.get("/api/parked?source=unknown").expect("a list")["items"][0]["command_id"]
            == "c-3"
    });
    assert_eq!(processor.stop().code(), Some(0));
}

#[test]
fn what_is_no_command_is_refused_and_nothing_is_published() {
    let (url, namespace) = (shared_url(), namespace("http-refused"));
    let mut processor = Processor::new(&url, &namespace).with("RUST_LOG", "off");
    processor.start();
    let with = |field: &str, value: Value| {
        let mut set = stock_set("c-1", "tea", 5);
        set[field] = value;
        set.to_string()
    };
    let without_id =
        json!({"specversion": "1.0", "source": "web", "type": "stock.set", "data": {}});
    let without_data =
        json!({"specversion": "1.0", "id": "c-1", "source": "web", "type": "no.such.type"});
    let long = stock_set("c-1", &"x".repeat(70_000), 5).to_string();
    let longer = stock_set("c-1", &"x".repeat(200_000), 5).to_string();
    for (content_type, body, status, said) in [
        (JSON, "{".to_owned(), 400, "not JSON"),
        (JSON, "[]".to_owned(), 422, "an object"),
        (JSON, with("id", Value::Null), 422, "id: is required"),
        (JSON, with("id", json!("")), 422, "printable ASCII"),
        (JSON, with("id", json!("x".repeat(256))), 422, "1 to 255"),
        (JSON, with("soruce", json!("web")), 422, "soruce"),
        (JSON, with("data", Value::Null), 422, "data"),
        (JSON, with("data", json!([1])), 422, "data: must be an object"),
        (JSON, long, 413, "at most 65536"),
        (JSON, longer, 413, ""),
        (CLOUD_EVENT, without_id.to_string(), 422, "id: is required"),
        (JSON, without_id.to_string(), 422, "id: is required"),
        (CLOUD_EVENT, without_data.to_string(), 422, "data: is required"),
        (JSON, without_data.to_string(), 422, "data: is required"),
        (CLOUD_EVENT, "{".to_owned(), 400, "not JSON"),
        (CLOUD_EVENT, with("specversion", json!("0.3")), 422, "specversion"),
        ("text/plain", with("source", json!("web")), 415, "application/json"),
    ] {
        let told = send(&processor, content_type, &body).problem(status);
        assert!(told["detail"].to_string().contains(said), "{said}: {told}");
    }
    let headers = [("x-operator", ""), ("content-type", JSON)];
    let set = stock_set("c-1", "tea", 5).to_string();
    let unnamed = ask_with(processor.address(), "POST", "/api/commands", &headers, &set);
    assert_eq!(unnamed.problem(422)["header"], "X-Operator");
    // a command behind all of these: none came before it
    assert_eq!(send(&processor, JSON, &stock_set("last", "milk", 1).to_string()).status, 202);
    processor.wait(|processor| processor.get("/api/stock/milk").is_some());
    assert!(processor.get("/api/stock/tea").is_none());
    assert_eq!(processor.get("/api/parked").expect("a list")["items"], json!([]));
    assert_eq!(processor.stop().code(), Some(0));
}

#[test]
fn more_commands_than_the_rate_allows_are_told_when_to_come_again() {
    let (url, namespace) = (shared_url(), namespace("http-rate"));
    let mut processor = Processor::new(&url, &namespace)
        .with("RUST_LOG", "off")
        .with("ORDERLY_INTAKE__HTTP_RATE", "2")
        .with("ORDERLY_INTAKE__HTTP_BURST", "5");
    processor.start();
    let mut answers = BTreeMap::<u16, u64>::new();
    let mut accepted = Vec::new();
    for number in 0..20 {
        let sku = format!("s-{number}");
        let answer = send(&processor, JSON, &stock_set(&sku, &sku, 1).to_string());
        *answers.entry(answer.status).or_default() += 1;
        match answer.status {
            202 => accepted.push(sku),
            429 => {
                let wait = answer.header("retry-after").expect("a header").parse::<u64>();
                assert_eq!(wait, Ok(1), "{answer:?}");
                answer.problem(429);
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(answers[&202] >= 5 && answers[&429] >= 5, "{answers:?}");
    // after the time that was said there is room again
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(send(&processor, JSON, &stock_set("later", "later", 1).to_string()).status, 202);
    accepted.push("later".to_owned());
    processor.wait(|processor| {
        accepted.iter().all(|sku| processor.get(&format!("/api/stock/{sku}")).is_some())
    });
    let all = processor.get("/api/stock?limit=500").expect("a list");
    assert_eq!(all["items"].as_array().map(Vec::len), Some(accepted.len()), "and no other");
    assert_eq!(processor.stop().code(), Some(0));
}

/// Nothing counts as accepted that a broker has not confirmed; what was, is processed.
#[test]
fn without_a_broker_nothing_is_accepted_and_what_was_accepted_is_not_lost() {
    let mut node = exclusive_node();
    let namespace = namespace("http-away");
    let mut processor = Processor::new(&node.url(), &namespace).with("RUST_LOG", "off");
    processor.start();
    let numbers = 0..60;
    let mut accepted = Vec::new();
    let mut refused = 0;
    for number in numbers {
        if number == 20 {
            node.kill();
        }
        if number == 40 {
            node.restart();
            processor.wait_until_ready();
        }
        let sku = format!("s-{number}");
        let answer = send(&processor, JSON, &stock_set(&sku, &sku, 1).to_string());
        match answer.status {
            202 => accepted.push(sku),
            503 => {
                answer.problem(503);
                refused += 1;
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(refused >= 19, "{refused} were refused while there was no broker");
    assert!(accepted.len() >= 39, "{accepted:?}");
    processor.wait(|processor| {
        accepted.iter().all(|sku| processor.get(&format!("/api/stock/{sku}")).is_some())
    });
    assert_eq!(processor.stop().code(), Some(0));
}

#[test]
fn a_paused_intake_leaves_commands_in_the_queue_and_says_so() {
    let (url, namespace) = (shared_url(), namespace("pause"));
    let mut processor = Processor::new(&url, &namespace).with("RUST_LOG", "off");
    processor.start();
    let post = |processor: &Processor, path: &str| {
        let headers = [("x-operator", "anna")];
        ask_with(processor.address(), "POST", path, &headers, "")
    };
    runtime().block_on(async {
        let producer = Producer::new(&url, &namespace).await;
        for _ in 0..2 {
            let answer = post(&processor, "/api/intake/pause");
            assert_eq!((answer.status, answer.json()), (200, json!({"paused": true})));
        }
        let told = processor.degraded("intake_paused");
        assert!(told.len() == 1 && told[0].contains("by anna"), "{told:?}");
        producer.publish(&[stock("tea", 5)]).await;
        assert_eq!(send(&processor, JSON, &stock_set("c-2", "milk", 1).to_string()).status, 202);
        let queue = format!("{namespace}.commands");
        for _ in 0..250 {
            if producer.depth(&queue).await == 2 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(producer.depth(&queue).await, 2, "nothing is consumed");
        assert!(processor.get("/api/stock/tea").is_none());

        let answer = post(&processor, "/api/intake/resume");
        assert_eq!((answer.status, answer.json()), (200, json!({"paused": false})));
        assert!(!processor.is_degraded("intake_paused"));
        processor.wait(|processor| processor.get("/api/stock/milk").is_some());
        assert!(processor.get("/api/stock/tea").is_some());
        // a process that stops while it is paused ends in good order, and starts without the pause
        post(&processor, "/api/intake/pause");
        producer.publish(&[stock("bread", 1)]).await;
    });
    assert_eq!(processor.stop().code(), Some(0));
    processor.start();
    processor.wait(|processor| processor.get("/api/stock/bread").is_some());
    assert_eq!(processor.stop().code(), Some(0));
}
