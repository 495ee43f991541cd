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

mod binary;
mod content;
mod envelope;
mod plain;
mod structured;
mod unix_time;

use orderly_actors::sequencer::{InboundMessage, Raw};
use orderly_broker::Message;
use orderly_domain::command::{Decoded, Invalid};
use orderly_domain::ignored::Ignored;
use orderly_domain::record::CommandName;
use orderly_domain::trace::TraceParent;

/// The content type of a structured CloudEvent in JSON.
pub const CLOUD_EVENT: &str = "application/cloudevents+json";

/// Decodes and validates messages.
#[derive(Debug, Clone, Copy)]
pub struct Decoder {
    /// The largest body in bytes, decompressed. A larger one is not parsed.
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

/// The text that a person reads in a body of at most `most` bytes, decompressed. `None`: it is no text.
pub fn text_of(body: &[u8], content_encoding: Option<&str>, most: usize) -> Option<String> {
    match content::readable(body, content_encoding, most) {
        Ok(Some(content)) => String::from_utf8(content.into()).ok(),
        Ok(None) => std::str::from_utf8(body).ok().map(str::to_owned),
        Err(_) => None,
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
            ignored: Ignored::default(),
            raw: Raw {
                body: message.body.clone(),
                content_type: message.properties.content_type.clone(),
                content_encoding: message.properties.content_encoding.clone(),
            },
            content: None,
        };
        inbound.command = match self.command(message, &mut inbound) {
            Ok(Decoded { command, ignored }) => {
                inbound.ignored = ignored;
                Ok(command)
            }
            Err(invalid) => Err(invalid),
        };
        inbound
    }

    /// Sets the envelope of `inbound` as far as it can be read, and returns the command.
    fn command(self, message: &Message, inbound: &mut InboundMessage) -> Result<Decoded, Invalid> {
        let form = Form::of(message);
        match form {
            // before the body is checked, so that a parked message shows its sender
            Form::Plain => plain::introduce(message, inbound),
            Form::Binary => binary::introduce(&message.properties, inbound),
            Form::Structured => {}
        }
        let encoding = message.properties.content_encoding.as_deref();
        inbound.content = content::readable(&message.body, encoding, self.max_command_size)?;
        let body = inbound.content.as_ref().unwrap_or(&message.body).clone();
        match form {
            Form::Plain => plain::command(&message.properties, &body, inbound),
            Form::Binary => binary::command(&message.properties, &body, inbound),
            Form::Structured => structured::command(&message.properties, &body, inbound),
        }
    }
}

#[cfg(test)]
mod tests;
