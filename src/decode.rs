//! Decoding: a message becomes an [`InboundMessage`] with a valid command, or with the reason why it has none.
//!
//! The size is checked first, then the envelope, then the data. No input fails in another way, and no input is lost: an invalid
//! message keeps its bytes and is parked with its reason.
//!
//! | module | reads |
//! |---|---|
//! | `plain` | a message whose properties are the envelope |
//! | `structured` | a CloudEvent whose body is the envelope |
//! | `binary` | a CloudEvent whose headers are the envelope |
//! | `envelope` | what all of them have: the names and the times |
//! | `unix_time` | times in headers |
//! | `content` | the body without its encoding |
//! | `parked` | a parked message once more |

mod binary;
mod content;
mod envelope;
mod parked;
mod plain;
mod structured;
mod unix_time;

pub use parked::Edit;

use crate::config::Config;
use bytes::Bytes;
use orderly_actors::parked::MAX_WHOLE_BODY;
use orderly_actors::sequencer::{InboundMessage, Raw};
use orderly_broker::{Message, without_partition};
use orderly_domain::command::{Decoded, Invalid};
use orderly_domain::id::Operator;
use orderly_domain::ignored::Ignored;
use orderly_domain::partition::Partitions;
use orderly_domain::record::CommandName;
use orderly_domain::subject::{self, Subject};
use orderly_domain::trace::TraceParent;

/// The content type of a structured CloudEvent in JSON.
pub const CLOUD_EVENT: &str = "application/cloudevents+json";

/// Decodes and validates messages.
#[derive(Debug, Clone, Copy)]
pub struct Decoder {
    /// The largest body in bytes, decompressed. A larger one is not parsed.
    pub max_command_size: usize,
    /// The partitions of the namespace. Where there are several, all ids of a command must belong to the same one.
    pub partitions: Partitions,
}

/// Where the envelope of a message is.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    Structured,
    Binary,
}

impl Form {
    fn of(message: &Message) -> Self {
        if is_structured(message.properties.content_type.as_deref()) {
            Self::Structured
        } else if message.properties.cloud_event.is_empty() {
            Self::Plain
        } else {
            Self::Binary
        }
    }
}

/// Whether a body of this content type is a structured CloudEvent.
fn is_structured(content_type: Option<&str>) -> bool {
    let essence = content_type.unwrap_or("").split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case(CLOUD_EVENT)
}

/// The text that a person reads in a body of at most `most` bytes, decompressed. `None`: it is no text.
pub fn text_of(body: &[u8], content_encoding: Option<&str>, most: usize) -> Option<String> {
    match content::readable(body, content_encoding, most) {
        Ok(Some(content)) => String::from_utf8(content.into()).ok(),
        Ok(None) => std::str::from_utf8(body).ok().map(str::to_owned),
        Err(_) => None,
    }
}

/// The JSON in which a message has its data, as far as it can be read from bytes that may be damaged, cut or too long: at most
/// the first MiB of it.
pub fn data_of(raw: &Raw) -> Bytes {
    let content = content::beginning(&raw.body, raw.content_encoding.as_deref(), MAX_WHOLE_BODY);
    if is_structured(raw.content_type.as_deref()) {
        structured::data_base64(&content).unwrap_or(content)
    } else {
        content
    }
}

/// The trace that a structured CloudEvent names, as far as it can be read. The other forms name it in a header.
fn trace_of(raw: &Raw) -> Option<TraceParent> {
    let encoding = raw.content_encoding.as_deref();
    is_structured(raw.content_type.as_deref())
        .then(|| content::beginning(&raw.body, encoding, MAX_WHOLE_BODY))
        .and_then(|event| subject::trace(&event))
}

impl Decoder {
    /// A decoder for what the configuration allows.
    pub fn of(config: &Config) -> Self {
        Self {
            max_command_size: config.intake.max_command_size.as_usize(),
            partitions: config.cluster.partitions(),
        }
    }

    /// Decodes a message. An invalid one has the reason in place of the command, and as much of the envelope as could be read.
    pub fn decode(self, message: &Message) -> InboundMessage {
        let mut inbound = InboundMessage {
            source: None,
            id: None,
            kind: CommandName::Other(None),
            time: None,
            deadline: None,
            trace: message.properties.traceparent.as_deref().and_then(TraceParent::parse),
            operator: message
                .properties
                .operator
                .as_deref()
                .and_then(|who| Operator::new(who).ok()),
            attempts: message.properties.attempt,
            command: Err(Invalid::unread()), // replaced below
            ignored: Ignored::default(),
            raw: Raw {
                body: message.body.clone(),
                content_type: message.properties.content_type.clone(),
                content_encoding: message.properties.content_encoding.clone(),
            },
        };
        inbound.command = match self.command(message, &mut inbound) {
            Ok(Decoded { command, ignored }) => {
                inbound.ignored = ignored;
                Ok(command)
            }
            Err(invalid) => {
                inbound.trace = inbound.trace.or_else(|| trace_of(&inbound.raw));
                Err(invalid)
            }
        };
        inbound
    }

    /// Sets the envelope of `inbound` as far as it can be read, and returns the command.
    fn command(self, message: &Message, inbound: &mut InboundMessage) -> Result<Decoded, Invalid> {
        let form = Form::of(message);
        match form {
            // before the body is checked, so that a parked message shows its sender
            Form::Plain => plain::introduce(message, self.kind_of_key(message), inbound),
            Form::Binary => binary::introduce(&message.properties, inbound),
            Form::Structured => {}
        }
        let encoding = message.properties.content_encoding.as_deref();
        let content = content::readable(&message.body, encoding, self.max_command_size)?;
        let body = content.unwrap_or_else(|| message.body.clone());
        let decoded = match form {
            Form::Plain => plain::command(&message.properties, &body, inbound),
            Form::Binary => binary::command(&message.properties, &body, inbound),
            Form::Structured => structured::command(&message.properties, &body, inbound),
        }?;
        if self.partitions.are_several() {
            decoded.command.partition_key()?;
        }
        Ok(decoded)
    }

    /// The type that the routing key of a message names.
    fn kind_of_key(self, message: &Message) -> &str {
        let key = message.routing_key.as_str();
        if self.partitions.are_several() { without_partition(key) } else { key }
    }

    /// The number of the partition that a message belongs to, which was decoded with the same partitions. One that is no valid
    /// command belongs to the partition of the order that it names, as far as its bytes can be read, else to partition 0.
    pub fn partition_of(self, inbound: &InboundMessage) -> u16 {
        if !self.partitions.are_several() {
            return 0;
        }
        match &inbound.command {
            Ok(command) => command.partition_key().map_or(0, |key| self.partitions.number_of(key)),
            Err(_) => {
                let order = Subject::read(&data_of(&inbound.raw)).order_id;
                order.map_or(0, |order| self.partitions.of_id(order.as_str()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
