//! Converts between our messages and lapin's.

use std::collections::BTreeMap;

use lapin::{
    BasicProperties,
    message::Delivery as Delivered,
    types::{AMQPValue, FieldTable, ShortString, ShortStringError},
};

use super::super::{
    ATTEMPT_HEADER, Attribute, DEADLINE_HEADER, DELIVERY_COUNT_HEADER, Delivery, Durability,
    HeaderValue, Message, OPERATOR_HEADER, Properties, REASON_HEADER, TRACEPARENT_HEADER,
    TRACESTATE_HEADER,
};

const PERSISTENT: u8 = 2;
const TRANSIENT: u8 = 1;

/// A message in the form that lapin publishes; its body goes beside it.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: ShortString,
    pub(crate) properties: BasicProperties,
}

impl Outbound {
    /// Fails when a string is longer than AMQP can carry (255 bytes).
    pub(crate) fn new(message: &Message) -> Result<Self, ShortStringError> {
        Ok(Self {
            exchange: ShortString::try_new(message.exchange.as_str())?,
            routing_key: ShortString::try_new(message.routing_key.as_str())?,
            properties: encode_properties(&message.properties)?,
        })
    }
}

fn encode_properties(from: &Properties) -> Result<BasicProperties, ShortStringError> {
    let mut to = BasicProperties::default().with_delivery_mode(match from.durability {
        Durability::Persistent => PERSISTENT,
        Durability::Transient => TRANSIENT,
    });
    let short = |text: &Option<String>| text.as_deref().map(ShortString::try_new).transpose();
    if let Some(content_type) = short(&from.content_type)? {
        to = to.with_content_type(content_type);
    }
    if let Some(content_encoding) = short(&from.content_encoding)? {
        to = to.with_content_encoding(content_encoding);
    }
    if let Some(message_id) = short(&from.message_id)? {
        to = to.with_message_id(message_id);
    }
    if let Some(kind) = short(&from.kind)? {
        to = to.with_type(kind);
    }
    if let Some(app_id) = short(&from.app_id)? {
        to = to.with_app_id(app_id);
    }
    if let Some(reply_to) = short(&from.reply_to)? {
        to = to.with_reply_to(reply_to);
    }
    if let Some(correlation_id) = short(&from.correlation_id)? {
        to = to.with_correlation_id(correlation_id);
    }
    if let Some(timestamp) = from.timestamp {
        to = to.with_timestamp(timestamp);
    }
    let mut headers = FieldTable::default();
    for (name, value) in [
        (TRACEPARENT_HEADER, &from.traceparent),
        (TRACESTATE_HEADER, &from.tracestate),
        (OPERATOR_HEADER, &from.operator),
        (REASON_HEADER, &from.dead_letter_reason),
    ] {
        if let Some(value) = value {
            headers.insert(name.into(), AMQPValue::LongString(value.as_str().into()));
        }
    }
    if let Some(deadline) = &from.deadline {
        headers.insert(DEADLINE_HEADER.into(), encode_value(deadline));
    }
    for (attribute, value) in &from.cloud_event {
        headers.insert(attribute.header().into(), encode_value(value));
    }
    if from.attempt > 0 {
        let attempt = AMQPValue::LongLongInt(from.attempt.into());
        headers.insert(ATTEMPT_HEADER.into(), attempt);
    }
    if !headers.inner().is_empty() {
        to = to.with_headers(headers);
    }
    Ok(to)
}

fn encode_value(value: &HeaderValue) -> AMQPValue {
    match value {
        HeaderValue::Text(text) => AMQPValue::LongString(text.as_str().into()),
        HeaderValue::Timestamp(timestamp) => AMQPValue::Timestamp(*timestamp),
        HeaderValue::Integer(number) => AMQPValue::LongLongInt(*number),
        HeaderValue::Other(name) => AMQPValue::LongString((*name).into()),
    }
}

/// Our form of lapin's delivery; the body is moved, not copied.
pub(crate) fn decode(generation: u64, from: Delivered) -> Delivery {
    Delivery {
        generation,
        tag: from.delivery_tag,
        redelivered: from.redelivered,
        message: Message {
            exchange: from.exchange.into(),
            routing_key: from.routing_key.into(),
            properties: decode_properties(&from.properties),
            body: from.data.into(),
        },
    }
}

fn decode_properties(from: &BasicProperties) -> Properties {
    let text = |text: &Option<ShortString>| text.as_ref().map(|text| text.as_str().to_owned());
    let mut to = Properties {
        content_type: text(from.content_type()),
        content_encoding: text(from.content_encoding()),
        message_id: text(from.message_id()),
        kind: text(from.kind()),
        app_id: text(from.app_id()),
        reply_to: text(from.reply_to()),
        correlation_id: text(from.correlation_id()),
        timestamp: *from.timestamp(),
        durability: match from.delivery_mode() {
            Some(PERSISTENT) => Durability::Persistent,
            _ => Durability::Transient,
        },
        ..Properties::default()
    };
    if let Some(headers) = from.headers() {
        let headers = headers.inner();
        to.traceparent = headers.get(TRACEPARENT_HEADER).and_then(header_text);
        to.tracestate = headers.get(TRACESTATE_HEADER).and_then(header_text);
        to.deadline = headers.get(DEADLINE_HEADER).and_then(header_value);
        to.operator = headers.get(OPERATOR_HEADER).and_then(header_text);
        to.cloud_event = attributes(headers);
        to.attempt = headers.get(ATTEMPT_HEADER).map_or(0, header_count);
        to.delivery_count = headers.get(DELIVERY_COUNT_HEADER).map_or(0, header_count);
    }
    to
}

/// The attributes of a binary CloudEvent. An attribute with two headers of different values has neither.
fn attributes(headers: &BTreeMap<ShortString, AMQPValue>) -> Vec<(Attribute, HeaderValue)> {
    let mut found: Vec<(Attribute, HeaderValue)> = Vec::new();
    for (name, value) in headers {
        let Some(attribute) = Attribute::of_header(name.as_str()) else {
            continue;
        };
        let Some(value) = header_value(value) else {
            continue;
        };
        match found.iter_mut().find(|(known, _)| *known == attribute) {
            Some((_, known)) if *known == value => {}
            Some((_, known)) => *known = HeaderValue::Other("two different values"),
            None => found.push((attribute, value)),
        }
    }
    found
}

/// A header's value. A header without a value counts as absent.
fn header_value(value: &AMQPValue) -> Option<HeaderValue> {
    Some(match value {
        AMQPValue::Void => return None,
        AMQPValue::Timestamp(timestamp) => HeaderValue::Timestamp(*timestamp),
        AMQPValue::LongString(_) | AMQPValue::ShortString(_) => match header_text(value) {
            Some(text) => HeaderValue::Text(text),
            None => HeaderValue::Other("a text that is not UTF-8"),
        },
        AMQPValue::Boolean(_) => HeaderValue::Other("true or false"),
        AMQPValue::Float(_) | AMQPValue::Double(_) | AMQPValue::DecimalValue(_) => {
            HeaderValue::Other("a number with a decimal point")
        }
        AMQPValue::FieldArray(_) => HeaderValue::Other("a list"),
        AMQPValue::FieldTable(_) => HeaderValue::Other("a table"),
        AMQPValue::ByteArray(_) => HeaderValue::Other("bytes"),
        AMQPValue::ShortShortInt(_)
        | AMQPValue::ShortShortUInt(_)
        | AMQPValue::ShortInt(_)
        | AMQPValue::ShortUInt(_)
        | AMQPValue::LongInt(_)
        | AMQPValue::LongUInt(_)
        | AMQPValue::LongLongInt(_) => HeaderValue::Integer(header_integer(value)?),
    })
}

/// A header's text; anything else than UTF-8 text counts as absent.
fn header_text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

/// A header's count in whatever integer type it came; what is no count is 0.
fn header_count(value: &AMQPValue) -> u32 {
    let count = header_integer(value).unwrap_or(0);
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

fn header_integer(value: &AMQPValue) -> Option<i64> {
    Some(match *value {
        AMQPValue::ShortShortInt(number) => i64::from(number),
        AMQPValue::ShortShortUInt(number) => i64::from(number),
        AMQPValue::ShortInt(number) => i64::from(number),
        AMQPValue::ShortUInt(number) => i64::from(number),
        AMQPValue::LongInt(number) => i64::from(number),
        AMQPValue::LongUInt(number) => i64::from(number),
        AMQPValue::LongLongInt(number) => number,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use lapin::types::{DecimalValue, FieldArray};

    use super::*;

    fn full() -> Message {
        Message {
            exchange: "t.events".to_owned(),
            routing_key: "order.paid".to_owned(),
            properties: Properties {
                content_type: Some("application/json".to_owned()),
                content_encoding: Some("gzip".to_owned()),
                message_id: Some("m".to_owned()),
                kind: Some("order.paid".to_owned()),
                app_id: Some("web".to_owned()),
                reply_to: Some("replies".to_owned()),
                correlation_id: Some("c".to_owned()),
                timestamp: Some(7),
                durability: Durability::Transient,
                traceparent: Some("00-a-b-01".to_owned()),
                tracestate: Some("v=1".to_owned()),
                deadline: Some("2026-01-01T00:00:00Z".into()),
                operator: Some("anna".to_owned()),
                cloud_event: vec![
                    (Attribute::Id, "m".into()),
                    (Attribute::Time, HeaderValue::Timestamp(7)),
                ],
                attempt: 2,
                delivery_count: 0,
                dead_letter_reason: None,
            },
            body: "{}".into(),
        }
    }

    #[test]
    fn every_property_survives_encoding_and_decoding() {
        let message = full();
        let outbound = Outbound::new(&message).unwrap();
        assert_eq!(decode_properties(&outbound.properties), message.properties);
        assert_eq!(outbound.exchange.as_str(), message.exchange);
        assert_eq!(outbound.routing_key.as_str(), message.routing_key);
    }

    #[test]
    fn what_is_too_long_for_amqp_is_an_error() {
        let mut message = full();
        message.properties.message_id = Some("x".repeat(256));
        assert!(Outbound::new(&message).is_err());
        let mut message = full();
        message.routing_key = "x".repeat(256);
        assert!(Outbound::new(&message).is_err());
    }

    #[test]
    fn foreign_headers_count_only_when_they_make_sense() {
        let mut headers = FieldTable::default();
        headers.insert(ATTEMPT_HEADER.into(), AMQPValue::LongString("3".into()));
        headers.insert(DELIVERY_COUNT_HEADER.into(), AMQPValue::LongLongInt(-1));
        let not_utf8 = AMQPValue::LongString(vec![0xff].into());
        headers.insert(TRACEPARENT_HEADER.into(), not_utf8);
        headers.insert(DEADLINE_HEADER.into(), AMQPValue::Void);
        headers.insert("x-forged".into(), AMQPValue::LongLongInt(1));

        let properties = decode_properties(&BasicProperties::default().with_headers(headers));

        let expected = Properties { durability: Durability::Transient, ..Properties::default() };
        assert_eq!(properties, expected);
    }

    fn with_header(name: &str, value: AMQPValue) -> Properties {
        let mut headers = FieldTable::default();
        headers.insert(name.into(), value);
        decode_properties(&BasicProperties::default().with_headers(headers))
    }

    /// Every type that AMQP has for the value of a header. None is ignored, and each means the same when the message is
    /// published again.
    #[test]
    fn a_deadline_is_read_in_every_type() {
        let number = HeaderValue::Integer;
        let fraction = HeaderValue::Other("a number with a decimal point");
        let rows = [
            (AMQPValue::LongString("soon".into()), HeaderValue::from("soon")),
            (AMQPValue::Timestamp(u64::MAX), HeaderValue::Timestamp(u64::MAX)),
            (AMQPValue::ShortShortInt(-1), number(-1)),
            (AMQPValue::ShortShortUInt(255), number(255)),
            (AMQPValue::ShortInt(-2), number(-2)),
            (AMQPValue::ShortUInt(3), number(3)),
            (AMQPValue::LongInt(1_700_000_000), number(1_700_000_000)),
            (AMQPValue::LongUInt(u32::MAX), number(u32::MAX.into())),
            (AMQPValue::LongLongInt(i64::MIN), number(i64::MIN)),
            (AMQPValue::Float(1.5), fraction.clone()),
            (AMQPValue::Double(1.5), fraction.clone()),
            (AMQPValue::DecimalValue(DecimalValue { scale: 1, value: 15 }), fraction),
            (AMQPValue::Boolean(true), HeaderValue::Other("true or false")),
            (AMQPValue::FieldArray(FieldArray::default()), HeaderValue::Other("a list")),
            (AMQPValue::FieldTable(FieldTable::default()), HeaderValue::Other("a table")),
            (AMQPValue::ByteArray(vec![1].into()), HeaderValue::Other("bytes")),
            (
                AMQPValue::LongString(vec![0xff].into()),
                HeaderValue::Other("a text that is not UTF-8"),
            ),
        ];
        for (value, expected) in rows {
            assert_eq!(
                with_header(DEADLINE_HEADER, value.clone()).deadline,
                Some(expected.clone()),
                "{value:?}"
            );
            let again = header_value(&encode_value(&expected));
            let expected = match expected {
                HeaderValue::Other(name) => HeaderValue::from(name), // still no time
                known => known,
            };
            assert_eq!(again, Some(expected));
        }
    }

    #[test]
    fn the_attributes_of_a_binary_event_are_read_under_both_prefixes() {
        let text = |text: &str| AMQPValue::LongString(text.into());
        let mut headers = FieldTable::default();
        for (name, value) in [
            ("cloudEvents:id", text("m-1")),
            ("cloudEvents_source", text("/shop")),
            ("cloudEvents:type", text("order.place")),
            ("cloudEvents_type", text("order.place")),
            ("cloudEvents:specversion", text("1.0")),
            ("cloudEvents_specversion", text("0.3")),
            ("cloudEvents:time", AMQPValue::Timestamp(7)),
            ("cloudEvents:traceparent", AMQPValue::Void),
            ("cloudEvents:dataschema", text("https://example.com/schema")),
            ("cloudEventsid", text("no prefix")),
            ("ce_id", text("of another protocol")),
        ] {
            headers.insert(name.into(), value);
        }
        let mut found = attributes(headers.inner());
        found.sort_by_key(|(attribute, _)| *attribute);
        let expected = [
            (Attribute::SpecVersion, HeaderValue::Other("two different values")),
            (Attribute::Id, "m-1".into()),
            (Attribute::Source, "/shop".into()),
            (Attribute::Type, "order.place".into()),
            (Attribute::Time, HeaderValue::Timestamp(7)),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn huge_counts_saturate() {
        assert_eq!(header_count(&AMQPValue::LongLongInt(i64::MAX)), u32::MAX);
        assert_eq!(header_count(&AMQPValue::LongInt(5)), 5);
    }
}
