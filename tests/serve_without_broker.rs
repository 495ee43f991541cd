//! A processor that cannot reach a broker: its store answers reads, and `/readyz` says what cannot be reached.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::Value;
use url::Url;

/// A processor that has sold one order, and was stopped.
async fn stopped(url: &str, namespace: &str) -> (Processor, Value, Value) {
    let mut processor = Processor::new(url, namespace);
    processor.start();
    let producer = Producer::new(url, namespace).await;
    let commands = [stock("tea", 10), place("o-1", &[("tea", 2, 500)]), captured("o-1", 1000)];
    producer.publish(&commands).await;
    processor.wait(|processor| {
        processor.get("/api/orders/o-1").is_some_and(|order| order["status"] == "paid")
            && processor.metric("orderly_outbox_pending", "") < 0.5
    });
    let order = processor.get("/api/orders/o-1").expect("the order");
    let timeline = processor.get("/api/orders/o-1/timeline").expect("the timeline");
    assert_eq!(processor.stop().code(), Some(0));
    (processor, order, timeline)
}

fn unused_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The reason why the broker cannot be reached, as soon as `/readyz` has it.
fn reason(processor: &mut Processor) -> String {
    let mut told = None;
    processor.wait(|processor| {
        let (status, problem) = processor.problem("/readyz");
        assert_eq!(status, 503, "{problem}");
        let reasons = problem["reasons"].as_array().expect("a list");
        let broker = reasons.iter().find(|reason| reason["reason"] == "broker");
        told = broker.and_then(|reason| reason["detail"].as_str()).map(str::to_owned);
        told.is_some()
    });
    told.expect("found above")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_answers_without_a_broker_and_processing_begins_when_there_is_one() {
    let (url, namespace) = (shared_url(), namespace("serve"));
    let (processor, order, timeline) = stopped(&url, &namespace).await;
    // Given the address of a port on which no broker listens
    let (mut elsewhere, port) = (Url::parse(&url).expect("a URL"), unused_port());
    let broker = elsewhere.port().expect("a port");
    elsewhere.set_port(Some(port)).expect("a URL with a host");
    let mut processor = processor.with("ORDERLY_BROKER__URL", elsewhere.as_str());
    // When it is started
    processor.spawn();
    processor.wait(|processor| processor.get("/api/orders/o-1").is_some());
    // Then it answers as before, and says what it cannot reach
    assert_eq!(processor.get("/api/orders/o-1"), Some(order));
    let told = processor.get("/api/orders/o-1/timeline").expect("the timeline");
    let (told, before) = (told.as_array().expect("a list"), timeline.as_array().expect("a list"));
    assert_eq!(told[..before.len()], before[..], "more may have come before the stop");
    for list in ["orders", "stock", "parked", "notifications"] {
        let list = processor.get(&format!("/api/{list}")).expect("a list");
        assert!(list["items"].is_array(), "{list}");
    }
    assert_eq!(processor.problem("/api/actors").0, 503);
    let told = reason(&mut processor);
    assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains("refused"), "{told}");
    // When there is a broker
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            tokio::spawn(async move {
                let there = tokio::net::TcpStream::connect(("127.0.0.1", broker)).await;
                let copied = tokio::io::copy_bidirectional(&mut here, &mut there?).await;
                copied.map(drop)
            });
        }
    });
    // Then the processor is ready, and goes on with its store
    processor.wait_until_ready();
    let producer = Producer::new(&url, &namespace).await;
    producer.publish(&[place("o-2", &[("tea", 8, 500)])]).await;
    processor.wait(|processor| processor.get("/api/orders/o-2").is_some());
    assert_eq!(processor.get("/api/stock/tea").expect("the sku")["available"], 0);
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_distinguishes_a_refused_login_from_a_refused_connection() {
    let (url, namespace) = (shared_url(), namespace("serve"));
    let (processor, ..) = stopped(&url, &namespace).await;
    let mut stranger = Url::parse(&url).expect("a URL");
    stranger.set_username("guest").expect("a URL with a host");
    stranger.set_password(Some("s3cret-and-wrong")).expect("a URL with a host");
    let mut processor = processor.with("ORDERLY_BROKER__URL", stranger.as_str());
    processor.spawn();
    processor.wait(|processor| processor.get("/api/orders/o-1").is_some());
    let told = reason(&mut processor);
    let port = stranger.port().expect("a port");
    assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains("login"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
    // The process ends with 0, and has written nothing that would keep another one from the store.
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_namespace_ends_the_process_without_a_broker() {
    let (url, namespace) = (shared_url(), namespace("serve"));
    let (processor, ..) = stopped(&url, &namespace).await;
    let mut elsewhere = Url::parse(&url).expect("a URL");
    elsewhere.set_port(Some(unused_port())).expect("a URL with a host");
    let mut processor = processor
        .with("ORDERLY_BROKER__URL", elsewhere.as_str())
        .with("ORDERLY_BROKER__NAMESPACE", "another");
    processor.spawn();
    assert_eq!(processor.ended().code(), Some(78));
}
