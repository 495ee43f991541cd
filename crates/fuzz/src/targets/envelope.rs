//! Messages of the broker in their three forms, and parked ones again.
//!
//! An input is a message as a text: lines `name: value` for its properties and headers, an empty line, and its body. A value is a
//! text, or a number behind `i:`, a timestamp behind `t:`, something else behind `o:`.

use super::{Form, Target};
use crate::corpus;
use bytes::Bytes;
use orderly::decode::{self, Decoder, Edit};
use orderly_broker::{Attribute, HeaderValue, Message, Properties};
use orderly_domain::parked::Parked;
use orderly_domain::partition::Partitions;
use orderly_domain::record::Origin;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Reason;

/// The default of `intake.max_command_size`.
const MAX_COMMAND_SIZE: usize = 256 << 10;
/// What a person is shown of a body.
const SHOWN: usize = 64 << 10;
const DECODER: Decoder =
    Decoder { max_command_size: MAX_COMMAND_SIZE, partitions: Partitions::ONE };

pub(super) fn targets() -> Vec<Target> {
    let samples = || corpus::commands().iter().flat_map(samples).collect::<Vec<_>>();
    vec![
        Target::new("envelope", Form::Message, 20, samples(), |input| {
            let message = message(input);
            let inbound = DECODER.decode(&message);
            let encoding = message.properties.content_encoding.as_deref();
            let text = decode::text_of(&message.body, encoding, SHOWN);
            assert!(text.is_none_or(|text| text.len() <= SHOWN || encoding.is_none()));
            let _ = decode::data_of(&inbound.raw);
            if let Ok(command) = &inbound.command {
                assert!(
                    inbound.id.is_some() && inbound.source.is_some(),
                    "{command:?} has its names"
                );
            }
        }),
        Target::new("envelope.parked", Form::Message, 10, samples(), |input| {
            again(&message(input));
        }),
    ]
}

/// A command in the three forms, and compressed.
fn samples((kind, id, data): &(String, String, String)) -> [Vec<u8>; 3] {
    let plain = format!(
        "content-type: application/json\nmessage-id: {id}\ntype: {kind}\napp-id: web\ntimestamp: 1769860800\n\
         deadline: 2126-01-31T12:00:00Z\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n\n{data}"
    );
    let structured = format!(
        "content-type: application/cloudevents+json\n\n{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"web\",\
         \"type\":\"{kind}\",\"time\":\"2026-01-31T12:00:00Z\",\"data\":{data}}}"
    );
    let binary = format!(
        "content-type: application/json\ncloudEvents:specversion: 1.0\ncloudEvents:id: {id}\ncloudEvents:source: web\n\
         cloudEvents:type: {kind}\ncloudEvents_time: t:1769860800\n\n{data}"
    );
    [plain, structured, binary].map(String::into_bytes)
}

/// The head and the body of a message as a text. The empty line belongs to neither.
pub(crate) fn split(input: &[u8]) -> (&[u8], &[u8]) {
    if let Some(body) = input.strip_prefix(b"\n") {
        return (&[], body);
    }
    match input.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&input[..=at], &input[at + 2..]),
        None => (&[], input),
    }
}

/// The message that a text stands for.
fn message(input: &[u8]) -> Message {
    let (head, body) = split(input);
    let mut message = Message { body: Bytes::copy_from_slice(body), ..Message::default() };
    for line in String::from_utf8_lossy(head).lines() {
        let Some((name, text)) = line.split_once(": ") else { continue };
        set(&mut message, name, text);
    }
    message
}

fn set(message: &mut Message, name: &str, text: &str) {
    let properties = &mut message.properties;
    let to = text.to_owned();
    match name {
        "content-type" => properties.content_type = Some(to),
        "content-encoding" => properties.content_encoding = Some(to),
        "message-id" => properties.message_id = Some(to),
        "type" => properties.kind = Some(to),
        "app-id" => properties.app_id = Some(to),
        "routing-key" => message.routing_key = to,
        "timestamp" => properties.timestamp = text.parse().ok(),
        "deadline" => properties.deadline = Some(value(text)),
        "traceparent" => properties.traceparent = Some(to),
        "operator" => properties.operator = Some(to),
        "attempt" => properties.attempt = text.parse().unwrap_or(0),
        name => {
            if let Some(attribute) = Attribute::of_header(name)
                && properties.cloud_event.iter().all(|(known, _)| *known != attribute)
            {
                properties.cloud_event.push((attribute, value(text)));
            }
        }
    }
}

fn value(text: &str) -> HeaderValue {
    match text.split_once(':') {
        Some(("i", number)) => HeaderValue::Integer(number.parse().unwrap_or(i64::MIN)),
        Some(("t", number)) => HeaderValue::Timestamp(number.parse().unwrap_or(u64::MAX)),
        Some(("o", _)) => HeaderValue::Other("a table"),
        _ => HeaderValue::from(text),
    }
}

/// A parked message for its replay: as it is, and with other data.
fn again(message: &Message) {
    let Properties { content_type, content_encoding, message_id, kind, app_id, .. } =
        message.properties.clone();
    let about = Parked {
        reason: Reason::Validation,
        command_id: message_id,
        source: app_id,
        r#type: kind.clone(),
        order_id: None,
        content_type,
        content_encoding,
        received_at: Timestamp::EPOCH,
        attempts: message.properties.attempt,
        detail: None,
        size: message.body.len() as u64,
        truncated: false,
        provider: None,
        event_id: None,
        cart_id: None,
        sku: None,
        link: None,
        trace: None,
    };
    let same = DECODER.decode_parked(&about, &message.body, None);
    let twice = DECODER.decode_parked(&about, &message.body, None);
    assert_eq!(same.id, twice.id, "a replay has the same id");
    let other_type = Edit { data: None, kind: Some("order.cancel".to_owned()) };
    DECODER.decode_parked(&about, &message.body, Some(&other_type));
    let other_data = Edit { data: Some(message.body.clone()), kind };
    DECODER.decode_parked(&about, &message.body, Some(&other_data));
    let origin = Origin::Message { source: same.source, id: same.id, kind: same.kind };
    DECODER.decode_edit(&origin, &other_data);
}
