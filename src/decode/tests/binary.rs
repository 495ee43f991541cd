//! Binary CloudEvents.

use super::*;

fn binary_with(attribute: Attribute, value: Option<HeaderValue>) -> Message {
    let mut message = binary();
    let attributes = &mut message.properties.cloud_event;
    attributes.retain(|(known, _)| *known != attribute);
    attributes.extend(value.map(|value| (attribute, value)));
    message
}

#[test]
fn a_binary_event_takes_its_envelope_from_its_headers() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for content_type in [None, Some("Application/JSON; charset=utf-8"), Some("text/plain")] {
        let mut message = binary();
        message.properties.content_type = content_type.map(str::to_owned);
        message.properties.cloud_event.push((Attribute::Time, NEW_YEAR.into()));
        message.properties.cloud_event.push((Attribute::TraceParent, trace.into()));
        let inbound = DECODER.decode(&message);
        assert_eq!(inbound.kind.kind(), Some(Kind::OrderComplete));
        assert_eq!(inbound.source.as_ref().map(Source::as_str), Some("/shop"));
        assert_eq!(inbound.id.as_ref().map(CommandId::as_str), Some("m-1"));
        assert_eq!(inbound.time, Timestamp::parse(NEW_YEAR).ok());
        assert_eq!(inbound.trace, TraceParent::parse(trace));
        assert!(inbound.command.is_ok(), "{:?}", inbound.command);
    }
}

#[test]
fn the_time_of_a_binary_event_may_be_an_amqp_timestamp() {
    let message = binary_with(Attribute::Time, Some(HeaderValue::Timestamp(1_767_225_600)));
    assert_eq!(DECODER.decode(&message).time, Timestamp::parse(NEW_YEAR).ok());
    let mut message = binary_with(Attribute::Time, Some("2020-01-01T00:00:00Z".into()));
    message.properties.timestamp = Some(1_767_225_600);
    assert_eq!(DECODER.decode(&message).time, Timestamp::parse(NEW_YEAR).ok(), "the property wins");
}

/// A row: an attribute, its value, and what is said of it.
#[test]
fn an_invalid_binary_event_gets_a_detail_that_names_the_header() {
    let text = |text: &str| Some(HeaderValue::from(text));
    let rows = [
        (Attribute::SpecVersion, None, "cloudEvents:specversion: is required"),
        (
            Attribute::SpecVersion,
            text("0.3"),
            "cloudEvents:specversion: must be \"1.0\", not \"0.3\"",
        ),
        (
            Attribute::SpecVersion,
            Some(HeaderValue::Other("two different values")),
            "cloudEvents:specversion: must be a text, not two different values",
        ),
        (Attribute::Id, None, "cloudEvents:id: is required"),
        (Attribute::Id, text(""), "cloudEvents:id: must not be empty"),
        (Attribute::Id, Some(HeaderValue::Integer(7)), "cloudEvents:id: must be a text, not 7"),
        (Attribute::Source, None, "cloudEvents:source: is required"),
        (Attribute::Source, text("é"), "cloudEvents:source: must be printable ASCII, not 'é'"),
        (Attribute::Type, None, "cloudEvents:type: is required"),
        (Attribute::Type, text(""), "cloudEvents:type: is required"),
        (
            Attribute::Time,
            text("noon"),
            "cloudEvents:time: must be an RFC 3339 time such as 2026-01-31T12:00:00Z, not \"noon\"",
        ),
    ];
    for (attribute, value, detail) in rows {
        let found = problem(&binary_with(attribute, value));
        assert_eq!(found, (Reason::Malformed, detail.to_owned()));
    }
    let unknown = binary_with(Attribute::Type, text("order.explode"));
    let detail = "cloudEvents:type: there is no command \"order.explode\"".to_owned();
    assert_eq!(problem(&unknown), (Reason::UnknownType, detail));
}

#[test]
fn a_structured_event_is_one_whatever_its_headers_say() {
    let mut message = cloud_event(
        r#"{"specversion":"1.0","id":"m-2","source":"s","type":"order.complete","data":{"order_id":"o"}}"#,
    );
    message.properties.cloud_event = binary().properties.cloud_event;
    assert_eq!(DECODER.decode(&message).id.as_ref().map(CommandId::as_str), Some("m-2"));
}
