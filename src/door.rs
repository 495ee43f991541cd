//! The door: a message becomes an [`Arrival`], decoded and validated, or known to be invalid.
//!
//! Size first, then the envelope, then the data. Nothing that comes in can fail in any other
//! way, and nothing is lost: an invalid message keeps its bytes and is parked with its reason.

use crate::broker::Message;
use orderly_actors::clock::Timestamp;
use orderly_actors::command::{Command, Invalid, Kind};
use orderly_actors::id::{CommandId, Source};
use orderly_actors::record::Named;
use orderly_actors::sequencer::{Arrival, Raw};
use orderly_actors::trace::TraceParent;
use orderly_actors::verdict::Reason;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The content type of a structured CloudEvent in JSON.
pub const CLOUD_EVENT: &str = "application/cloudevents+json";
/// The source of a plain command that names none.
const UNKNOWN_SOURCE: &str = "unknown";

/// Reads messages.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// Bytes of a body beyond which it is not even parsed.
    pub max_command_size: usize,
}

impl Door {
    /// Reads a message as far as it can be read.
    pub fn read(self, message: &Message) -> Arrival {
        let mut arrival = Arrival {
            source: None,
            id: None,
            kind: Named::Other(None),
            time: message.properties.timestamp.map(Timestamp::from_seconds),
            deadline: None,
            trace: message.properties.traceparent.as_deref().and_then(TraceParent::parse),
            attempts: message.properties.attempt,
            command: Err(Invalid::malformed("it was not read")),
            raw: Raw {
                body: message.body.clone(),
                content_type: message.properties.content_type.clone(),
            },
        };
        arrival.command = self.decode(message, &mut arrival);
        arrival
    }

    /// Fills in the envelope as far as it can be read, and answers with the data.
    fn decode(self, message: &Message, arrival: &mut Arrival) -> Result<Command, Invalid> {
        let properties = &message.properties;
        let content_type = properties.content_type.as_deref().unwrap_or("");
        let structured = is_cloud_event(content_type);
        if !structured {
            // readable whatever the body is: a parked message shows who sent it
            let name = properties.kind.as_deref().filter(|name| !name.is_empty());
            let name = name.or(Some(message.routing_key.as_str()));
            arrival.kind = Named::new(name.filter(|name| !name.is_empty()));
            arrival.source =
                Source::new(properties.app_id.as_deref().unwrap_or(UNKNOWN_SOURCE)).ok();
            arrival.id = properties.message_id.as_deref().and_then(|id| CommandId::new(id).ok());
        }
        if message.body.len() > self.max_command_size {
            return Err(Invalid {
                reason: Reason::TooLarge,
                detail: format!(
                    "{} bytes, at most {} are taken",
                    message.body.len(),
                    self.max_command_size
                ),
            });
        }
        arrival.deadline = match properties.deadline.as_deref().map(Timestamp::parse) {
            None => None,
            Some(Ok(deadline)) => Some(deadline),
            Some(Err(_)) => return Err(Invalid::field("deadline", "must be an RFC 3339 time")),
        };
        if structured { structured_event(&message.body, arrival) } else { plain(message, arrival) }
    }
}

/// Whether a content type, parameters aside, says that the body is a structured CloudEvent.
fn is_cloud_event(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case(CLOUD_EVENT)
}

fn plain(message: &Message, arrival: &Arrival) -> Result<Command, Invalid> {
    let properties = &message.properties;
    match properties.message_id.as_deref().map(CommandId::new) {
        None => return Err(Invalid::malformed("message_id: is required")),
        Some(Err(problem)) => {
            return Err(Invalid::malformed(format_args!("message_id: {problem}")));
        }
        Some(Ok(_)) => {}
    }
    if let Some(Err(problem)) = properties.app_id.as_deref().map(Source::new) {
        return Err(Invalid::malformed(format_args!("app_id: {problem}")));
    }
    Command::parse(known(&arrival.kind)?, &message.body)
}

/// A CloudEvent's envelope: the attributes that matter here.
#[derive(Deserialize)]
struct CloudEvent<'a> {
    #[serde(borrow)]
    specversion: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    traceparent: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

fn structured_event(body: &[u8], arrival: &mut Arrival) -> Result<Command, Invalid> {
    let event: CloudEvent<'_> = serde_json::from_slice(body)
        .map_err(|error| Invalid::malformed(format_args!("no CloudEvent: {error}")))?;
    arrival.kind = Named::new(event.r#type.as_deref());
    arrival.source = event.source.as_deref().and_then(|source| Source::new(source).ok());
    arrival.id = event.id.as_deref().and_then(|id| CommandId::new(id).ok());
    arrival.trace =
        arrival.trace.or_else(|| event.traceparent.as_deref().and_then(TraceParent::parse));
    match event.specversion.as_deref() {
        Some("1.0") => {}
        Some(_) => return Err(Invalid::malformed("specversion: must be \"1.0\"")),
        None => return Err(Invalid::malformed("specversion: is required")),
    }
    match event.id.as_deref().map(CommandId::new) {
        None => return Err(Invalid::malformed("id: is required")),
        Some(Err(problem)) => return Err(Invalid::malformed(format_args!("id: {problem}"))),
        Some(Ok(_)) => {}
    }
    match event.source.as_deref().map(Source::new) {
        None => return Err(Invalid::malformed("source: is required")),
        Some(Err(problem)) => return Err(Invalid::malformed(format_args!("source: {problem}"))),
        Some(Ok(_)) => {}
    }
    if let (None, Some(time)) = (arrival.time, event.time.as_deref()) {
        let parsed = Timestamp::parse(time)
            .map_err(|_| Invalid::malformed("time: must be an RFC 3339 time"))?;
        arrival.time = Some(parsed);
    }
    if event.r#type.is_none() {
        return Err(Invalid::malformed("type: is required"));
    }
    let kind = known(&arrival.kind)?;
    let Some(data) = event.data else {
        return Err(Invalid::malformed("data: is required"));
    };
    Command::parse(kind, data.get().as_bytes())
}

fn known(kind: &Named) -> Result<Kind, Invalid> {
    kind.kind().ok_or_else(|| Invalid {
        reason: Reason::UnknownType,
        detail: match kind.as_str() {
            "" => "the message has no type".to_owned(),
            name => format!("there is no command of type {name:?}"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Properties;
    use bytes::Bytes;

    const DOOR: Door = Door { max_command_size: 1024 };

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
        let invalid = DOOR.read(message).command.expect_err("is invalid");
        (invalid.reason, invalid.detail)
    }

    const DATA: &str = r#"{"order_id":"o-1"}"#;

    #[test]
    fn a_plain_message_takes_its_envelope_from_the_properties() {
        let arrival = DOOR.read(&plain("order.complete", Some("m 1"), DATA));
        assert_eq!(arrival.kind.kind(), Some(Kind::OrderComplete));
        assert_eq!(arrival.source.as_ref().map(Source::as_str), Some("unknown"));
        assert_eq!(arrival.id.as_ref().map(CommandId::as_str), Some("m 1"));
        assert!(arrival.command.is_ok());
    }

    #[test]
    fn the_type_property_goes_before_the_routing_key() {
        let mut message = plain("a.wait.queue", Some("m-1"), DATA);
        message.properties.kind = Some("order.complete".to_owned());
        assert!(DOOR.read(&message).command.is_ok());
    }

    #[test]
    fn an_empty_type_property_is_none() {
        let mut message = plain("order.complete", Some("m-1"), DATA);
        message.properties.kind = Some(String::new());
        assert!(DOOR.read(&message).command.is_ok());
    }

    #[test]
    fn a_structured_event_takes_its_envelope_from_the_body() {
        let arrival = DOOR.read(&cloud_event(
            r#"{"specversion":"1.0","id":"m-1","source":"/shop","type":"order.complete",
                "time":"2026-01-01T00:00:00Z","data":{"order_id":"o-1"},"other":[1]}"#,
        ));
        assert_eq!(arrival.source.as_ref().map(Source::as_str), Some("/shop"));
        assert_eq!(arrival.time, Timestamp::parse("2026-01-01T00:00:00Z").ok());
        assert!(arrival.command.is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let missing_data = r#"{"specversion":"1.0","id":"m","source":"s","type":"order.cancel"}"#;
        let old = r#"{"specversion":"0.3","id":"m","source":"s","type":"order.cancel"}"#;
        let cases = [
            (plain("order.complete", None, DATA), Reason::Malformed, "message_id"),
            (plain("order.complete", Some("é"), DATA), Reason::Malformed, "message_id"),
            (plain("order.complete", Some("m"), "{"), Reason::Malformed, "no JSON"),
            (plain("order.complete", Some("m"), "{}"), Reason::Validation, "order_id"),
            (plain("order.compleat", Some("m"), DATA), Reason::UnknownType, "order.compleat"),
            (plain("", Some("m"), DATA), Reason::UnknownType, "no type"),
            (cloud_event("[]"), Reason::Malformed, "CloudEvent"),
            (cloud_event(missing_data), Reason::Malformed, "data"),
            (cloud_event(old), Reason::Malformed, "specversion"),
        ];
        for (message, reason, words) in cases {
            let (found, detail) = problem(&message);
            assert_eq!(found, reason, "{detail}");
            assert!(detail.contains(words), "{detail:?} does not name {words:?}");
        }
    }

    #[test]
    fn a_large_message_is_not_parsed_but_shows_who_sent_it() {
        let message = plain("order.complete", Some("m-1"), &"x".repeat(1025));
        let arrival = DOOR.read(&message);
        assert_eq!(arrival.command.map_err(|invalid| invalid.reason), Err(Reason::TooLarge));
        assert_eq!(arrival.id.as_ref().map(CommandId::as_str), Some("m-1"));
        assert_eq!(arrival.raw.body.len(), 1025);
    }

    #[test]
    fn a_deadline_that_is_no_time_is_invalid() {
        let mut message = plain("order.complete", Some("m-1"), DATA);
        message.properties.deadline = Some("tomorrow".to_owned());
        let (reason, detail) = problem(&message);
        assert_eq!(reason, Reason::Validation);
        assert!(detail.starts_with("deadline: "), "{detail}");
    }

    #[test]
    fn a_traceparent_that_is_none_is_ignored() {
        let mut message = plain("order.complete", Some("m-1"), DATA);
        message.properties.traceparent = Some("00-nonsense".to_owned());
        let arrival = DOOR.read(&message);
        assert!(arrival.command.is_ok() && arrival.trace.is_none());
    }
}
