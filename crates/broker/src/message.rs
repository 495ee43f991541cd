//! A message, with the few properties that orderly reads or writes.
//!
//! Invariant: properties are an explicit list. Of a producer's headers only those named here are
//! read, and no other is passed on.

use bytes::Bytes;

/// How often a command has been tried before. A header of ours, so that no broker resets it.
pub const ATTEMPT_HEADER: &str = "x-orderly-attempt";
/// `RabbitMQ`'s own count of a message's deliveries that ended without an ack, on quorum queues.
pub const DELIVERY_COUNT_HEADER: &str = "x-delivery-count";
/// W3C trace context, parent.
pub const TRACEPARENT_HEADER: &str = "traceparent";
/// W3C trace context, vendor state.
pub const TRACESTATE_HEADER: &str = "tracestate";
/// Time after which a command is no longer worth applying.
pub const DEADLINE_HEADER: &str = "deadline";

/// Who sent a command through the admin API, as the caller said.
pub const OPERATOR_HEADER: &str = "x-orderly-operator";

/// Why we published a message to `NS.dead`. What the broker dead-letters has headers of its own.
pub const REASON_HEADER: &str = "x-orderly-reason";

/// A message as it is published or delivered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Exchange it was published to; empty for the default exchange, which routes by queue name.
    pub exchange: String,
    /// Routing key. Not the command's type after a retry: a wait queue replaces it on the way.
    pub routing_key: String,
    /// Its properties and headers.
    pub properties: Properties,
    /// Its body; never copied on its way through the process.
    pub body: Bytes,
}

/// The properties and headers orderly knows. AMQP limits each short string to 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties {
    /// MIME type of the body, with its parameters if any.
    pub content_type: Option<String>,
    /// How the body is encoded, such as `gzip`.
    pub content_encoding: Option<String>,
    /// Identity of the message; with `app_id` the identity of a command.
    pub message_id: Option<String>,
    /// The AMQP property `type`: of a command or an event.
    pub kind: Option<String>,
    /// The producer; the source of a plain command.
    pub app_id: Option<String>,
    /// Queue that the verdict is published to.
    pub reply_to: Option<String>,
    /// Repeated in the reply.
    pub correlation_id: Option<String>,
    /// Seconds since 1970 by the standard. Some producers send milliseconds.
    pub timestamp: Option<u64>,
    /// Whether the broker keeps it over a restart.
    pub durability: Durability,
    /// Header [`TRACEPARENT_HEADER`].
    pub traceparent: Option<String>,
    /// Header [`TRACESTATE_HEADER`].
    pub tracestate: Option<String>,
    /// Header [`DEADLINE_HEADER`].
    pub deadline: Option<HeaderValue>,
    /// Header [`OPERATOR_HEADER`].
    pub operator: Option<String>,
    /// The attributes of a binary CloudEvent, each once. Empty: the message is none.
    pub cloud_event: Vec<(Attribute, HeaderValue)>,
    /// Header [`ATTEMPT_HEADER`]: tries before this one; 0 is not written.
    pub attempt: u32,
    /// Header [`DELIVERY_COUNT_HEADER`]; inbound only, never written.
    pub delivery_count: u32,
    /// Header [`REASON_HEADER`]; outbound only, never read from a delivery.
    pub dead_letter_reason: Option<String>,
}

/// Whether the broker keeps a message over a restart (AMQP delivery mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Durability {
    /// Delivery mode 2: written to disk before it is confirmed.
    #[default]
    Persistent,
    /// Delivery mode 1: a best-effort message such as a verdict reply.
    Transient,
}

/// The value of a header that producers write with several types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// A text.
    Text(String),
    /// An AMQP timestamp, as it came.
    Timestamp(u64),
    /// A whole number, of whichever of AMQP's types.
    Integer(i64),
    /// A value of another type: what it is called in an error. Where it is published again, this name takes its place.
    Other(&'static str),
}

impl From<&str> for HeaderValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The attributes of a CloudEvent that orderly reads. In binary mode each is a header: `cloudEvents:` or `cloudEvents_`
/// and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// The version of the specification.
    SpecVersion,
    /// The id of the event.
    Id,
    /// The producer.
    Source,
    /// The type.
    Type,
    /// When the event happened.
    Time,
    /// W3C trace context, parent.
    TraceParent,
}

impl Attribute {
    /// Every attribute.
    pub const ALL: [Self; 6] =
        [Self::SpecVersion, Self::Id, Self::Source, Self::Type, Self::Time, Self::TraceParent];

    /// The name in the specification.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SpecVersion => "specversion",
            Self::Id => "id",
            Self::Source => "source",
            Self::Type => "type",
            Self::Time => "time",
            Self::TraceParent => "traceparent",
        }
    }

    /// The header of the attribute in binary mode.
    pub const fn header(self) -> &'static str {
        match self {
            Self::SpecVersion => "cloudEvents:specversion",
            Self::Id => "cloudEvents:id",
            Self::Source => "cloudEvents:source",
            Self::Type => "cloudEvents:type",
            Self::Time => "cloudEvents:time",
            Self::TraceParent => "cloudEvents:traceparent",
        }
    }

    /// The attribute that a header has. `None`: the header is none of these.
    pub fn of_header(header: &str) -> Option<Self> {
        let name = header.strip_prefix("cloudEvents")?.strip_prefix([':', '_'])?;
        Self::ALL.into_iter().find(|attribute| attribute.name() == name)
    }
}
