//! A command as people and programs write it outside of the broker: an object of `type`, `id`, `data` and a few others.
//!
//! Only the envelope is read here. The data stays as it was written, byte for byte.

use bytes::Bytes;
use orderly_broker::{HeaderValue, Message, Names, client};
use orderly_domain::command::decode_error::{self, Wrong};
use serde::de::{self, IgnoredAny, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

/// The largest line or document; no larger command is accepted under any configuration (1 MiB
/// of data), and its envelope is small.
pub const MAX_BYTES: usize = (1 << 20) + (8 << 10);

/// Bytes of a type, an id or a source: the limit of a short string in AMQP.
const MAX_NAME_BYTES: usize = 255;

/// The source of commands that name none.
pub const DEFAULT_SOURCE: &str = "unknown";

/// A command that is ready to be published.
#[derive(Debug, Clone)]
pub struct CommandInput {
    /// The type, which is also the routing key.
    pub kind: String,
    /// The id, unique within its source.
    pub id: String,
    /// The source: the sender of the command.
    pub source: String,
    /// The data, as it was written.
    pub data: Box<RawValue>,
    /// The time after which the command is no longer worth applying.
    pub deadline: Option<HeaderValue>,
    /// The queue that gets the verdict.
    pub reply_to: Option<String>,
    /// The trace that the command belongs to (`traceparent` of W3C).
    pub trace: Option<String>,
}

/// Why a text is no command, or one that cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The command is too large for any configuration.
    #[error("larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// The text is not JSON.
    #[error("not JSON: {problem}")]
    Syntax {
        /// What is wrong.
        problem: String,
        /// The line of the mistake, counted from 1; of JSON Lines always 1.
        line: usize,
        /// The column of the mistake, counted from 1.
        column: usize,
    },
    /// The text is not an object of `type`, `id`, `source`, `data`.
    #[error("not a command: {0}")]
    Shape(String),
    /// A name that AMQP cannot carry, or that the processor would refuse.
    #[error("`{field}` must be 1 to {MAX_NAME_BYTES} bytes of printable ASCII")]
    Name {
        /// The member of the command: `type`, `id`, `source` or `reply_to`.
        field: &'static str,
    },
    /// The processor would find the command invalid.
    #[error("{0}")]
    Invalid(String),
}

impl Refusal {
    /// The column of the mistake, to be put behind the number of the line.
    pub(crate) fn column(&self) -> String {
        match self {
            Self::Syntax { column, .. } => format!(", column {column}"),
            Self::TooLarge | Self::Shape(_) | Self::Name { .. } | Self::Invalid(_) => String::new(),
        }
    }

    /// The line and column of the mistake, to be put behind "the document".
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Syntax { line, column, .. } => format!(", line {line}, column {column}"),
            Self::TooLarge | Self::Shape(_) | Self::Name { .. } | Self::Invalid(_) => String::new(),
        }
    }

    /// Why `text`, which could not be parsed, is not a JSON document.
    pub(crate) fn of_document(text: &[u8]) -> Self {
        match decode_error::look::<IgnoredAny>(text) {
            Some(Wrong::Syntax { problem, line, column }) => Self::Syntax { problem, line, column },
            Some(Wrong::Shape { problem, .. }) => Self::Shape(format!("it {problem}")),
            None => Self::Shape("it cannot be read".to_owned()), // not reached: the text could not be parsed
        }
    }

    /// Why `text`, which could not be parsed, is not a command.
    fn of_text(text: &[u8]) -> Self {
        match decode_error::look::<Envelope<IgnoredAny>>(text.trim_ascii_end()) {
            Some(Wrong::Syntax { problem, line, column }) => Self::Syntax { problem, line, column },
            Some(Wrong::Shape { field, problem }) if field.is_empty() => {
                Self::Shape(format!("it {problem}"))
            }
            Some(Wrong::Shape { field, problem }) => Self::Shape(format!("{field}: {problem}")),
            None => Self::Shape("it cannot be read".to_owned()), // not reached: the text could not be parsed
        }
    }
}

/// The envelope. An unknown member is an error: most likely the name is misspelt, such as `soruce`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<Data> {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    source: Option<String>,
    deadline: Option<Deadline>,
    reply_to: Option<String>,
    trace: Option<String>,
    #[serde(deserialize_with = "present", bound(deserialize = "Data: Deserialize<'de>"))]
    data: Data,
}

/// A time as the processor reads it from a header: text, or a whole number of seconds or milliseconds since 1970.
struct Deadline(HeaderValue);

impl<'de> Deserialize<'de> for Deadline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Deadline;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a time, such as \"2026-01-31T12:00:00Z\", or a whole number of seconds",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Deadline, E> {
                Ok(Deadline(HeaderValue::from(text)))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Deadline, E> {
                Ok(Deadline(HeaderValue::Integer(number)))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Deadline, E> {
                let fits = i64::try_from(number).ok();
                let number =
                    fits.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))?;
                self.visit_i64(number)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A value that is not `null`, which is the same as absent.
fn present<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let value = Option::deserialize(deserializer)?;
    value.ok_or_else(|| de::Error::invalid_type(Unexpected::Unit, &"the data of a command"))
}

impl CommandInput {
    /// Reads one `{"type","id","source"?,"deadline"?,"reply_to"?,"trace"?,"data"}`. A command without a source gets `default_source`.
    pub fn parse(text: &[u8], default_source: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
        let Envelope { kind, id, source, deadline, reply_to, trace, data } =
            match serde_json::from_slice(text) {
                Ok(envelope) if decode_error::is_object(text) => envelope,
                Ok(_) | Err(_) => return Err(Refusal::of_text(text)),
            };
        let command = Self {
            kind,
            id,
            source: source.unwrap_or_else(|| default_source.to_owned()),
            data,
            deadline: deadline.map(|Deadline(deadline)| deadline),
            reply_to,
            trace,
        };
        command.named()
    }

    /// The same command, if AMQP can carry its names.
    pub fn named(self) -> Result<Self, Refusal> {
        let names = [("type", &self.kind), ("id", &self.id), ("source", &self.source)];
        let reply_to = self.reply_to.as_ref().map(|queue| ("reply_to", queue));
        for (field, name) in names.into_iter().chain(reply_to) {
            let printable = name.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            if name.is_empty() || name.len() > MAX_NAME_BYTES || !printable {
                return Err(Refusal::Name { field });
            }
        }
        Ok(self)
    }

    /// The message that carries the command. A reply to it has the command's id.
    pub fn message(&self, names: &Names) -> Message {
        let body = Bytes::copy_from_slice(self.data.get().as_bytes());
        let mut message = client::command(names, &self.kind, &self.id, Some(&self.source), body);
        let properties = &mut message.properties;
        properties.deadline.clone_from(&self.deadline);
        properties.traceparent.clone_from(&self.trace);
        properties.reply_to.clone_from(&self.reply_to);
        properties.correlation_id = self.reply_to.is_some().then(|| self.id.clone());
        message
    }
}
