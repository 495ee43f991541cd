//! The program with a real RabbitMQ and an endpoint for traces (OTLP over HTTP): the spans of a command are linked, and an
//! endpoint that takes none holds up nothing.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PRODUCER: &str = "00f067aa0ba902b7";

/// An endpoint that keeps the spans that it is sent.
struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Value>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let spans = Arc::<Mutex<Vec<Value>>>::default();
        let kept = Arc::clone(&spans);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || {
                    // a connection of a process that ended fails, which does not matter
                    let _ = serve(&stream.expect("a connection"), &kept);
                });
            }
        });
        Self { url, spans }
    }

    fn spans(&self) -> Vec<Value> {
        self.spans.lock().expect("no panic").clone()
    }

    /// The spans of the trace whose names begin so.
    fn named(&self, name: &str) -> Vec<Value> {
        let mut spans = self.spans();
        let begins = |span: &Value| span["name"].as_str().is_some_and(|one| one.starts_with(name));
        spans.retain(|span| span["traceId"] == TRACE && begins(span));
        spans
    }
}

fn serve(stream: &TcpStream, kept: &Mutex<Vec<Value>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        assert_eq!(line, "POST /v1/traces HTTP/1.1\r\n");
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse().expect("a number");
            }
            if let Some(value) = header.strip_prefix("content-type: ") {
                assert_eq!(value, "application/json");
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        for resource in body["resourceSpans"].as_array().expect("a list") {
            assert_eq!(text(&resource["resource"], "service.name"), "orderly");
            for scope in resource["scopeSpans"].as_array().expect("a list") {
                let spans = scope["spans"].as_array().expect("a list");
                kept.lock().expect("no panic").extend(spans.iter().cloned());
            }
        }
        let mut stream = stream;
        stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
        )?;
    }
}

/// The attribute of a span, or of a resource; empty when there is none.
fn text(span: &Value, key: &str) -> String {
    let attributes = span["attributes"].as_array().expect("a list").iter();
    let found = attributes.clone().find(|attribute| attribute["key"] == key);
    let value = found.map(|attribute| attribute["value"]["stringValue"].clone());
    value.and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

fn nanos(span: &Value, key: &str) -> u64 {
    span[key].as_str().expect("a text").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spans_of_a_command_are_linked_from_the_producer_to_the_notification() {
    let collector = Collector::start();
    let (url, namespace) = (shared_url(), namespace("traces"));
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_TELEMETRY__OTLP_ENDPOINT", &collector.url)
        .with("ORDERLY_TELEMETRY__SAMPLE_RATIO", "0")
        .with("FAILPOINTS", "order:o-poison=panic")
        .with("ORDERLY_BROKER__RETRY_DELAYS", "[\"100ms\"]");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let events = producer.bind("events", "order.paid").await;
    let notifications = producer.bind("notifications", "#").await;

    // When one command of three belongs to a trace
    producer.publish(&[stock("tea", 10), place("o-1", &[("tea", 1, 700)])]).await;
    let traceparent = format!("00-{TRACE}-{PRODUCER}-01");
    producer.publish(&[captured("o-1", 700).traced(&traceparent)]).await;
    let paid = producer.take(&events).await;
    let told = producer.take(&notifications).await;
    processor
        .wait(|_| collector.named("send").len() >= 2 && !collector.named("process").is_empty());

    // Then its spans are linked
    let [process] = &collector.named("process")[..] else { panic!("{:?}", collector.spans()) };
    let command = process["spanId"].as_str().expect("an id");
    assert_eq!(process["parentSpanId"], PRODUCER);
    assert_eq!(
        (&process["kind"], text(process, "messaging.system").as_str()),
        (&5.into(), "rabbitmq")
    );
    let queue = format!("{namespace}.commands");
    assert_eq!(process["name"], format!("process {queue}"));
    assert_eq!(text(process, "messaging.destination.name"), queue);
    assert_eq!(text(process, "messaging.operation.name"), "process");
    assert!(!text(process, "messaging.message.id").is_empty(), "{process}");
    assert_eq!(text(process, "orderly.verdict"), "applied");
    assert_eq!(text(process, "orderly.order_id"), "o-1");
    for name in ["decide payment.callback", "commit"] {
        let [span] = &collector.named(name)[..] else { panic!("{name}: {:?}", collector.spans()) };
        assert_eq!((&span["parentSpanId"], &span["kind"]), (&command.into(), &1.into()), "{name}");
        for (key, is_within) in [
            (
                "startTimeUnixNano",
                nanos(span, "startTimeUnixNano") >= nanos(process, "startTimeUnixNano"),
            ),
            (
                "endTimeUnixNano",
                nanos(span, "endTimeUnixNano") <= nanos(process, "endTimeUnixNano") + 1_000_000,
            ),
        ] {
            assert!(is_within, "{name} {key}: {span} {process}");
        }
    }
    let sent = collector.named("send");
    for span in &sent {
        assert_eq!((&span["parentSpanId"], &span["kind"]), (&command.into(), &4.into()), "{span}");
    }

    // And what was sent names its span, so that whoever gets it goes on with the trace
    let parent = |trace: &Option<String>| trace.as_deref().expect("a trace")[36..52].to_owned();
    let of_event = sent.iter().find(|span| text(span, "messaging.message.id") == paid.id);
    assert_eq!(of_event.expect("its span")["spanId"], parent(&paid.traceparent));
    let of_notification = sent.iter().find(|span| text(span, "messaging.message.id") == told.id);
    assert_eq!(of_notification.expect("its span")["spanId"], parent(&told.traceparent));
    for trace in [&paid.traceparent, &told.traceparent] {
        assert_eq!(trace.as_deref().map(|trace| &trace[3..35]), Some(TRACE));
    }

    // And nothing else was traced; the timeline names the trace
    let others: Vec<_> =
        collector.spans().into_iter().filter(|span| span["traceId"] != TRACE).collect();
    assert!(others.is_empty(), "{others:?}");
    let timeline = processor.get("/api/orders/o-1/timeline").expect("it is there");
    let items = timeline.as_array().expect("a list").iter();
    let traced: Vec<_> = items.filter(|item| item["trace_id"] == TRACE).collect();
    assert_eq!(traced[0]["kind"], "payment.callback", "{timeline}");

    // And of a command that fails, each attempt has its span, with an error
    let poison = place("o-poison", &[("tea", 1, 700)]);
    producer.publish(&[poison.traced(&traceparent)]).await;
    processor.wait(|_| collector.named("process").len() == 3);
    let failed = collector.named("process").into_iter().filter(|span| span["status"]["code"] == 2);
    assert_eq!(failed.count(), 2, "{:?}", collector.spans());
    let exported = processor.metric("orderly_spans_total{", "exported");
    assert!(exported >= 5.0, "{exported}");

    // And a parked message shows its trace, also if it is no command
    let event = json!({"specversion": "1.0", "id": 7, "traceparent": traceparent});
    let mut event = Sent::raw("order.cancel", "event", event.to_string().into_bytes());
    event.properties = event.properties.with_content_type("application/cloudevents+json".into());
    let untraced = Sent::new("order.cancel", "untraced", &json!({}));
    producer.publish(&[event, untraced]).await;
    processor.wait(|processor| processor.metric("orderly_parked{", "") > 2.5);
    let parked = processor.get("/api/parked").expect("a list");
    let items = parked["items"].as_array().expect("a list").iter();
    let traces: Vec<_> = items.map(|item| item.get("trace_id").and_then(Value::as_str)).collect();
    assert_eq!(traces, [Some(TRACE), Some(TRACE), None], "{parked}");
    assert_eq!(processor.get("/api/parked/p-2").expect("it is parked")["trace_id"], TRACE);
    assert_eq!(processor.stop().code(), Some(0));
}

/// The variable that all programs with OpenTelemetry read turns it on, too. Its endpoint does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_answer_holds_up_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    let (url, namespace) = (shared_url(), namespace("untraced"));
    let mut processor = Processor::new(&url, &namespace)
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let orders: Vec<_> =
        (0..4_000).map(|number| place(&format!("o-{number}"), &[("tea", 1, 5)])).collect();
    producer.publish(&[stock("tea", 10_000)]).await;
    producer.publish(&orders).await;
    processor.wait(|processor| processor.metric("orderly_orders{", "awaiting_payment") > 3_999.5);
    processor.wait(|processor| processor.metric("orderly_spans_total{", "dropped") > 0.5);
    assert!(processor.metric("orderly_spans_total{", "exported") < 0.5);
    // nor does it hold up the end
    processor.signal("TERM");
    assert_eq!(processor.ended_within(Duration::from_secs(15)).code(), Some(0));
}
