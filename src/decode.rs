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

mod binary;
mod envelope;
mod plain;
mod structured;
mod unix_time;

use bytes::Bytes;
use orderly_actors::sequencer::{InboundMessage, Raw};
use orderly_broker::Message;
use orderly_domain::command::{Command, Invalid};
use orderly_domain::record::CommandName;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::Reason;

/// The content type of a structured CloudEvent in JSON.
pub const CLOUD_EVENT: &str = "application/cloudevents+json";
/// The byte order mark of UTF-8. Some producers put it in front of JSON.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Decodes and validates messages.
#[derive(Debug, Clone, Copy)]
pub struct Decoder {
    /// The largest body in bytes. A larger one is not parsed.
    pub max_command_size: usize,
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
        let content_type = message.properties.content_type.as_deref().unwrap_or("");
        let essence = content_type.split(';').next().unwrap_or("").trim();
        if essence.eq_ignore_ascii_case(CLOUD_EVENT) {
            Self::Structured
        } else if message.properties.cloud_event.is_empty() {
            Self::Plain
        } else {
            Self::Binary
        }
    }
}

impl Decoder {
    /// Decodes a message. An invalid one has the reason in place of the command, and as much of the envelope as could be read.
    pub fn decode(self, message: &Message) -> InboundMessage {
        let mut inbound = InboundMessage {
            source: None,
            id: None,
            kind: CommandName::Other(None),
            time: None,
            deadline: None,
            trace: message.properties.traceparent.as_deref().and_then(TraceParent::parse),
            attempts: message.properties.attempt,
            command: Err(Invalid::malformed("it was not read")), // replaced below
            raw: Raw {
                body: message.body.clone(),
                content_type: message.properties.content_type.clone(),
            },
            content: None,
        };
        inbound.command = self.command(message, &mut inbound);
        inbound
    }

    /// Sets the envelope of `inbound` as far as it can be read, and returns the command.
    fn command(self, message: &Message, inbound: &mut InboundMessage) -> Result<Command, Invalid> {
        let form = Form::of(message);
        match form {
            // before the body is checked, so that a parked message shows its sender
            Form::Plain => plain::introduce(message, inbound),
            Form::Binary => binary::introduce(&message.properties, inbound),
            Form::Structured => {}
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
        let body = without_mark(&message.body);
        if body.len() < message.body.len() {
            inbound.content = Some(body.clone());
        }
        match form {
            Form::Plain => plain::command(&message.properties, &body, inbound),
            Form::Binary => binary::command(&message.properties, &body, inbound),
            Form::Structured => structured::command(&message.properties, &body, inbound),
        }
    }
}

/// The same bytes behind the byte order mark, where they begin with it.
fn without_mark(bytes: &Bytes) -> Bytes {
    if bytes.starts_with(MARK) { bytes.slice(MARK.len()..) } else { bytes.clone() }
}

#[cfg(test)]
mod tests;
