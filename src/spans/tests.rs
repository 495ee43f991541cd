mod exporter;
mod way;

use super::span::{Kind, request};
use super::*;
use bytes::Bytes;
use orderly_broker::{Delivery, Message, Properties};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const NAMED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn delivery() -> Delivery {
    let message = Message {
        exchange: String::new(),
        routing_key: "order.place".to_owned(),
        properties: Properties::default(),
        body: Bytes::from_static(b"{}"),
    };
    Delivery { generation: 1, tag: 1, redelivered: false, message }
}

fn tracer(per_million: u32) -> (Tracer, mpsc::Receiver<Item>) {
    Tracer::on(Names::new("shop"), per_million, Metrics::new().0)
}

/// A span without content.
fn span() -> Span {
    let zero = Duration::ZERO;
    let interval = Interval::between(zero, zero, zero);
    Span::under(named(NAMED), 1, (Kind::Internal, "x"), interval, Timestamp::EPOCH)
}

fn named(text: &str) -> TraceParent {
    TraceParent::parse(text).expect("a good one")
}

#[test]
fn the_producer_decides_about_its_trace_and_the_ratio_about_others() {
    for (ratio, trace, is_traced) in [
        (0, Some(named(NAMED)), true),
        (1_000_000, Some(named(&NAMED.replace("-01", "-00"))), false),
        (1_000_000, None, true),
        (0, None, false),
    ] {
        let (tracer, _items) = tracer(ratio);
        let mut context = trace;
        let found = tracer.delivered(&mut context, &delivery());
        assert_eq!(found.is_some(), is_traced, "{ratio} {trace:?}");
        assert_eq!(context != trace, is_traced, "the command is the parent of what follows");
        if let (Some(before), Some(after)) = (trace, context) {
            assert_eq!(before.trace_id(), after.trace_id());
        }
    }
    let mut context = Some(named(NAMED));
    assert!(Tracer::off().delivered(&mut context, &delivery()).is_none());
    assert_eq!(context, Some(named(NAMED)), "without an endpoint nothing changes");
}

#[test]
fn about_as_many_traces_begin_as_the_ratio_says() {
    let (tracer, _items) = tracer(250_000);
    let begun = (0..4_000).filter(|_| tracer.delivered(&mut None, &delivery()).is_some()).count();
    assert!((800..1_200).contains(&begun), "{begun} of 4000");
}

#[test]
fn ids_are_not_0_and_not_the_same() {
    let ids = Ids::default();
    let all: BTreeSet<_> = (0..10_000).map(|_| ids.next()).collect();
    assert!(all.len() == 10_000 && !all.contains(&0));
}

#[test]
fn what_finds_no_place_is_dropped_and_counted() {
    let (metrics, exporter) = Metrics::new();
    let (tracer, mut items) = Tracer::on(Names::new("shop"), 0, metrics);
    let shared = tracer.0.as_ref().expect("it is on");
    for _ in 0..QUEUE + 3 {
        shared.add(span());
    }
    let reading = exporter.reading();
    let dropped = reading.sum("orderly_spans_total", Some(("outcome", "dropped")));
    assert!((dropped - 3.0).abs() < 0.1, "{dropped}");
    assert!(items.try_recv().is_ok());
    shared.add(span());
    assert!((exporter.reading().sum("orderly_spans_total", None) - 3.0).abs() < 0.1);
}

#[test]
fn a_request_is_the_json_of_otlp() {
    let context = named(NAMED);
    let second = Duration::from_secs;
    let interval = Interval::between(second(1), second(2), second(10));
    let now = Timestamp::from_micros(20_000_000);
    let mut span = Span::under(context, 0xab, (Kind::Consumer, "process q"), interval, now);
    span.text("messaging.system", "rabbitmq");
    span.number("messaging.message.body.size", 12);
    let mut first = span.clone();
    (first.parent, first.error) = (0, Some("it failed".to_owned()));
    let about = [("service.name", super::span::Attribute::Text("orderly".into()))];
    let body = request(&about, &[span, first]);
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let resource = &body["resourceSpans"][0];
    let attribute = json!({"key": "service.name", "value": {"stringValue": "orderly"}});
    assert_eq!(resource["resource"]["attributes"], json!([attribute]));
    let spans = &resource["scopeSpans"][0]["spans"];
    let wanted = json!({
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
        "spanId": "00000000000000ab",
        "parentSpanId": "00f067aa0ba902b7",
        "name": "process q",
        "kind": 5,
        "startTimeUnixNano": "11000000000",
        "endTimeUnixNano": "12000000000",
        "attributes": [
            {"key": "messaging.system", "value": {"stringValue": "rabbitmq"}},
            {"key": "messaging.message.body.size", "value": {"intValue": "12"}},
        ],
        "flags": 1,
    });
    assert_eq!(spans[0], wanted);
    assert_eq!(spans[1]["parentSpanId"], Value::Null);
    assert_eq!(spans[1]["status"], json!({"code": 2, "message": "it failed"}));
}
