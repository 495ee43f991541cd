//! Decoding of messages, as tables.

mod binary;
mod content;
mod partitions;
mod times;

use super::*;
use base64::Engine as _;
use bytes::Bytes;
use orderly_broker::{Attribute, HeaderValue, Properties};
use orderly_domain::command::{Command, Kind};
use orderly_domain::id::{CommandId, Source};
use orderly_domain::subject::Subject;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Reason;
use rstest::rstest;

const DECODER: Decoder = Decoder { max_command_size: 1024, partitions: Partitions::ONE };

fn plain(kind: &str, id: Option<&str>, body: &str) -> Message {
    Message {
        routing_key: kind.to_owned(),
        properties: Properties {
            content_type: Some("application/json; charset=utf-8".to_owned()),
            message_id: id.map(str::to_owned),
            ..Properties::default()
        },
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Message::default()
    }
}

fn cloud_event(body: &str) -> Message {
    Message {
        properties: Properties {
            content_type: Some("Application/CloudEvents+JSON; charset=utf-8".to_owned()),
            ..Properties::default()
        },
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Message::default()
    }
}

fn problem(message: &Message) -> (Reason, String) {
    let invalid = DECODER.decode(message).command.expect_err("is invalid");
    (invalid.reason, invalid.detail)
}

const DATA: &str = r#"{"order_id":"o-1"}"#;
const NEW_YEAR: &str = "2026-01-01T00:00:00Z";

/// A binary CloudEvent, whose properties alone would make another command.
fn binary() -> Message {
    let mut message = plain("order.cancel", Some("another"), r#"{"order_id":"o-1"}"#);
    message.properties.app_id = Some("another".to_owned());
    message.properties.cloud_event = vec![
        (Attribute::SpecVersion, "1.0".into()),
        (Attribute::Id, "m-1".into()),
        (Attribute::Source, "/shop".into()),
        (Attribute::Type, "order.complete".into()),
    ];
    message
}

fn in_base64(data: &[u8]) -> Message {
    let data = base64::engine::general_purpose::STANDARD.encode(data);
    cloud_event(&format!(
        r#"{{"specversion":"1.0","id":"m","source":"s","type":"order.complete","data":null,"data_base64":"{data}"}}"#
    ))
}

#[test]
fn a_plain_message_takes_its_envelope_from_the_properties() {
    let inbound = DECODER.decode(&plain("order.complete", Some("m 1"), DATA));
    assert_eq!(inbound.kind.kind(), Some(Kind::OrderComplete));
    assert_eq!(inbound.source.as_ref().map(Source::as_str), Some("unknown"));
    assert_eq!(inbound.id.as_ref().map(CommandId::as_str), Some("m 1"));
    assert!(inbound.command.is_ok());
}

#[test]
fn the_type_property_wins_over_the_routing_key() {
    let mut message = plain("a.wait.queue", Some("m-1"), DATA);
    message.properties.kind = Some("order.complete".to_owned());
    assert!(DECODER.decode(&message).command.is_ok());
}

#[test]
fn an_empty_type_property_counts_as_absent() {
    let mut message = plain("order.complete", Some("m-1"), DATA);
    message.properties.kind = Some(String::new());
    assert!(DECODER.decode(&message).command.is_ok());
}

#[test]
fn a_structured_event_takes_its_envelope_from_the_body() {
    let inbound = DECODER.decode(&cloud_event(
        r#"{"specversion":"1.0","id":"m-1","source":"/shop","type":"order.complete",
            "time":"2026-01-01T00:00:00Z","data":{"order_id":"o-1"},"other":[1]}"#,
    ));
    assert_eq!(inbound.source.as_ref().map(Source::as_str), Some("/shop"));
    assert_eq!(inbound.time, Timestamp::parse("2026-01-01T00:00:00Z").ok());
    assert!(inbound.command.is_ok());
}

/// Each row: a message, the reason why it is parked, and the detail for the developer of its producer.
#[test]
fn an_invalid_message_gets_a_reason_and_a_detail_that_names_the_property() {
    let complete = |data: &str| plain("order.complete", Some("m"), data);
    let mut late = plain("order.complete", Some("m"), DATA);
    late.properties.deadline = Some("tomorrow".into());
    let mut nameless = plain("order.complete", Some("m"), DATA);
    nameless.properties.app_id = Some(String::new());
    let rows = [
        (
            plain("order.complete", None, DATA),
            Reason::Malformed,
            "message_id: is required: the command's id",
        ),
        (
            plain("order.complete", Some("é"), DATA),
            Reason::Malformed,
            "message_id: must be printable ASCII, not 'é'",
        ),
        (
            plain("order.complete", Some(""), DATA),
            Reason::Malformed,
            "message_id: must not be empty",
        ),
        (nameless, Reason::Malformed, "app_id: must not be empty"),
        (
            plain("order.compleat", Some("m"), DATA),
            Reason::UnknownType,
            "type: there is no command \"order.compleat\"",
        ),
        (
            plain("", Some("m"), DATA),
            Reason::UnknownType,
            "type: is required, as a property of the message or as its routing key",
        ),
        (
            late,
            Reason::Validation,
            "deadline: must be an RFC 3339 time such as 2026-01-31T12:00:00Z, an AMQP timestamp, or a whole number of \
             seconds or milliseconds since 1970, not \"tomorrow\"",
        ),
        (
            complete(&"x".repeat(1025)),
            Reason::TooLarge,
            "the body has 1025 bytes, at most 1024 are allowed",
        ),
        (complete("{"), Reason::Malformed, "not JSON: it ends within an object (line 1, column 1)"),
        (complete(""), Reason::Malformed, "not JSON: it is empty (line 1, column 1)"),
        (complete("{}"), Reason::Validation, "order_id: is required"),
        (complete("[\"o-1\"]"), Reason::Validation, "the data must be an object, not a list"),
    ];
    for (message, reason, detail) in rows {
        assert_eq!(problem(&message), (reason, detail.to_owned()));
    }
}

/// The same for structured events.
#[test]
fn an_invalid_event_gets_a_reason_and_a_detail_that_names_the_attribute() {
    let event = |attributes: &str| {
        cloud_event(&format!(r#"{{"specversion":"1.0","id":"m","source":"s"{attributes}}}"#))
    };
    let rows = [
        (
            cloud_event("{\n,"),
            Reason::Malformed,
            "not JSON: the name of a field is expected here, in double quotes (line 2, column 1)",
        ),
        (cloud_event("[]"), Reason::Malformed, "the CloudEvent must be an object, not a list"),
        (
            cloud_event(r#"["1.0","m","s"]"#),
            Reason::Malformed,
            "the CloudEvent must be an object, not a list",
        ),
        (cloud_event("{}"), Reason::Malformed, "specversion: is required"),
        (
            cloud_event(r#"{"specversion":"0.3"}"#),
            Reason::Malformed,
            "specversion: must be \"1.0\", not \"0.3\"",
        ),
        (
            cloud_event(r#"{"specversion":1.0}"#),
            Reason::Malformed,
            "specversion: must be a string, not 1.0",
        ),
        (cloud_event(r#"{"specversion":"1.0"}"#), Reason::Malformed, "id: is required"),
        (
            cloud_event(r#"{"specversion":"1.0","id":7}"#),
            Reason::Malformed,
            "id: must be a string, not 7",
        ),
        (
            cloud_event(r#"{"specversion":"1.0","id":"m"}"#),
            Reason::Malformed,
            "source: is required",
        ),
        (event(""), Reason::Malformed, "type: is required"),
        (
            event(r#","type":"order.explode""#),
            Reason::UnknownType,
            "type: there is no command \"order.explode\"",
        ),
        (event(r#","type":"order.cancel""#), Reason::Malformed, "data: is required"),
        (event(r#","type":"order.cancel","data":null"#), Reason::Malformed, "data: is required"),
        (
            event(r#","type":"order.cancel","time":"noon""#),
            Reason::Malformed,
            "time: must be an RFC 3339 time such as 2026-01-31T12:00:00Z, not \"noon\"",
        ),
        (
            event(r#","type":"order.cancel","data":"{}""#),
            Reason::Validation,
            "the data must be an object, not a string",
        ),
        (
            event(r#","type":"order.cancel","data":{"order_id":[]}"#),
            Reason::Validation,
            "order_id: must be a string, not a list",
        ),
    ];
    for (message, reason, detail) in rows {
        assert_eq!(problem(&message), (reason, detail.to_owned()));
    }
}

#[test]
fn a_message_that_is_too_large_is_not_parsed_but_shows_its_sender() {
    let message = plain("order.complete", Some("m-1"), &"x".repeat(1025));
    let inbound = DECODER.decode(&message);
    assert_eq!(inbound.command.map_err(|invalid| invalid.reason), Err(Reason::TooLarge));
    assert_eq!(inbound.id.as_ref().map(CommandId::as_str), Some("m-1"));
    assert_eq!(inbound.raw.body.len(), 1025);
}

#[test]
fn a_malformed_traceparent_is_ignored() {
    let mut message = plain("order.complete", Some("m-1"), DATA);
    message.properties.traceparent = Some("00-nonsense".to_owned());
    let inbound = DECODER.decode(&message);
    assert!(inbound.command.is_ok() && inbound.trace.is_none());
}

#[test]
fn a_plain_message_of_any_content_type_is_tried_as_json() {
    for content_type in [None, Some(""), Some("text/plain"), Some("APPLICATION/json;charset=x")] {
        let mut message = plain("order.complete", Some("m-1"), DATA);
        message.properties.content_type = content_type.map(str::to_owned);
        assert!(DECODER.decode(&message).command.is_ok(), "{content_type:?}");
    }
}
