//! Decoding: a message becomes an [`InboundMessage`] with a valid command, or with the reason why it has none.
//!
//! The size is checked first, then the envelope, then the data. No input fails in another way, and no input is lost: an invalid
//! message keeps its bytes and is parked with its reason.

use orderly_actors::sequencer::{InboundMessage, Raw};
use orderly_broker::Message;
use orderly_domain::command::decode_error::{self, Wrong};
use orderly_domain::command::{Command, Invalid, Kind};
use orderly_domain::id::{CommandId, Source};
use orderly_domain::record::CommandName;
use orderly_domain::text::shown;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::Reason;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The content type of a structured CloudEvent in JSON.
pub const CLOUD_EVENT: &str = "application/cloudevents+json";
/// The source of a plain command without an `app_id`.
const UNKNOWN_SOURCE: &str = "unknown";

/// Decodes and validates messages.
#[derive(Debug, Clone, Copy)]
pub struct Decoder {
    /// The largest body in bytes. A larger one is not parsed.
    pub max_command_size: usize,
}

impl Decoder {
    /// Decodes a message. An invalid one has the reason in place of the command, and as much of the envelope as could be read.
    pub fn decode(self, message: &Message) -> InboundMessage {
        let mut inbound = InboundMessage {
            source: None,
            id: None,
            kind: CommandName::Other(None),
            time: message.properties.timestamp.map(Timestamp::from_seconds),
            deadline: None,
            trace: message.properties.traceparent.as_deref().and_then(TraceParent::parse),
            attempts: message.properties.attempt,
            command: Err(Invalid::malformed("it was not read")), // replaced below
            raw: Raw {
                body: message.body.clone(),
                content_type: message.properties.content_type.clone(),
            },
        };
        inbound.command = self.command(message, &mut inbound);
        inbound
    }

    /// Sets the envelope of `inbound` as far as it can be read, and returns the command.
    fn command(self, message: &Message, inbound: &mut InboundMessage) -> Result<Command, Invalid> {
        let properties = &message.properties;
        let content_type = properties.content_type.as_deref().unwrap_or("");
        let structured = is_cloud_event(content_type);
        if !structured {
            // Before the body is checked, so that a parked message shows its sender.
            let name = properties.kind.as_deref().filter(|name| !name.is_empty());
            let name = name.or(Some(message.routing_key.as_str()));
            inbound.kind = CommandName::new(name.filter(|name| !name.is_empty()));
            inbound.source =
                Source::new(properties.app_id.as_deref().unwrap_or(UNKNOWN_SOURCE)).ok();
            inbound.id = properties.message_id.as_deref().and_then(|id| CommandId::new(id).ok());
        }
        if message.body.len() > self.max_command_size {
            return Err(Invalid {
                reason: Reason::TooLarge,
                detail: format!(
                    "the body has {} bytes, at most {} are allowed",
                    message.body.len(),
                    self.max_command_size
                ),
            });
        }
        if let Some(deadline) = properties.deadline.as_deref() {
            let parsed = Timestamp::parse(deadline);
            inbound.deadline = Some(parsed.map_err(|problem| Invalid::field("deadline", problem))?);
        }
        if structured { structured_event(&message.body, inbound) } else { plain(message, inbound) }
    }
}

/// Whether a content type without its parameters is that of a structured CloudEvent.
fn is_cloud_event(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case(CLOUD_EVENT)
}

fn plain(message: &Message, inbound: &InboundMessage) -> Result<Command, Invalid> {
    let properties = &message.properties;
    match properties.message_id.as_deref().map(CommandId::new) {
        None => return Err(Invalid::malformed("message_id: is required: the command's id")),
        Some(Err(problem)) => {
            return Err(Invalid::malformed(format_args!("message_id: {problem}")));
        }
        Some(Ok(_)) => {}
    }
    if let Some(Err(problem)) = properties.app_id.as_deref().map(Source::new) {
        return Err(Invalid::malformed(format_args!("app_id: {problem}")));
    }
    Command::parse(known(&inbound.kind)?, &message.body)
}

/// The attributes of a CloudEvent that are used.
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

fn structured_event(body: &[u8], inbound: &mut InboundMessage) -> Result<Command, Invalid> {
    let event: CloudEvent<'_> = match serde_json::from_slice(body) {
        Ok(event) if decode_error::is_object(body) => event,
        Ok(_) | Err(_) => return Err(no_cloud_event(body)),
    };
    inbound.kind = CommandName::new(event.r#type.as_deref());
    inbound.source = event.source.as_deref().and_then(|source| Source::new(source).ok());
    inbound.id = event.id.as_deref().and_then(|id| CommandId::new(id).ok());
    inbound.trace =
        inbound.trace.or_else(|| event.traceparent.as_deref().and_then(TraceParent::parse));
    match event.specversion.as_deref() {
        Some("1.0") => {}
        Some(other) => {
            let found = shown(other);
            return Err(Invalid::malformed(format_args!(
                "specversion: must be \"1.0\", not {found:?}"
            )));
        }
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
    if let (None, Some(time)) = (inbound.time, event.time.as_deref()) {
        let parsed = Timestamp::parse(time)
            .map_err(|problem| Invalid::malformed(format_args!("time: {problem}")))?;
        inbound.time = Some(parsed);
    }
    if event.r#type.is_none() {
        return Err(Invalid::malformed("type: is required"));
    }
    let kind = known(&inbound.kind)?;
    let Some(data) = event.data else {
        return Err(Invalid::malformed("data: is required"));
    };
    Command::parse(kind, data.get().as_bytes())
}

/// Why `body`, which could not be parsed, is not a structured CloudEvent.
fn no_cloud_event(body: &[u8]) -> Invalid {
    match decode_error::look::<CloudEvent<'_>>(body) {
        Some(Wrong::Syntax { problem, line, column }) => {
            Invalid::malformed(format_args!("not JSON: {problem} (line {line}, column {column})"))
        }
        Some(Wrong::Shape { field, problem }) if field.is_empty() => {
            Invalid::malformed(format_args!("the CloudEvent {problem}"))
        }
        Some(Wrong::Shape { field, problem }) => {
            Invalid::malformed(format_args!("{field}: {problem}"))
        }
        None => Invalid::malformed("it cannot be read"), // not reached: the body could not be parsed
    }
}

fn known(kind: &CommandName) -> Result<Kind, Invalid> {
    kind.kind().ok_or_else(|| Invalid {
        reason: Reason::UnknownType,
        detail: match kind.as_str() {
            "" => {
                "type: is required, as a property of the message or as its routing key".to_owned()
            }
            name => format!("type: there is no command {:?}", shown(name)),
        },
    })
}

#[cfg(test)]
mod tests;
