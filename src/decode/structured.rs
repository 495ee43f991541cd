//! A structured CloudEvent: its body is the envelope and has the data in it.

use super::content::without_mark;
use super::envelope;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use orderly_actors::sequencer::InboundMessage;
use orderly_broker::Properties;
use orderly_domain::command::decode_error::{self, Wrong};
use orderly_domain::command::{Command, Decoded, Invalid};
use orderly_domain::id::{CommandId, Source};
use orderly_domain::record::CommandName;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

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
    #[serde(borrow)]
    data_base64: Option<Cow<'a, str>>,
}

pub(super) fn command(
    properties: &Properties,
    body: &[u8],
    inbound: &mut InboundMessage,
) -> Result<Decoded, Invalid> {
    let event: CloudEvent<'_> = match serde_json::from_slice(body) {
        Ok(event) if decode_error::is_object(body) => event,
        Ok(_) | Err(_) => return Err(no_cloud_event(body)),
    };
    introduce(&event, inbound);
    envelope::times(properties, inbound)?;
    envelope::version("specversion", event.specversion.as_deref())?;
    envelope::name("id", event.id.as_deref().map(CommandId::new), "is required")?;
    envelope::name("source", event.source.as_deref().map(Source::new), "is required")?;
    if let (None, Some(time)) = (inbound.time, event.time.as_deref()) {
        let parsed = Timestamp::parse(time)
            .map_err(|problem| Invalid::malformed(format_args!("time: {problem}")))?;
        inbound.time = Some(parsed);
    }
    if event.r#type.as_deref().is_none_or(str::is_empty) {
        return Err(Invalid::malformed("type: is required"));
    }
    let kind = envelope::known("type", &inbound.kind)?;
    match (event.data, event.data_base64) {
        (Some(data), None) => Command::decode(kind, data.get().as_bytes()),
        (None, Some(encoded)) => Command::decode(kind, &decoded(&encoded)?),
        (Some(_), Some(_)) => Err(Invalid::malformed("data_base64: must not be there beside data")),
        (None, None) => Err(Invalid::malformed("data: is required")),
    }
}

/// Sets the names in the envelope, as far as they can be read.
fn introduce(event: &CloudEvent<'_>, inbound: &mut InboundMessage) {
    inbound.kind = CommandName::new(event.r#type.as_deref().filter(|name| !name.is_empty()));
    inbound.source = event.source.as_deref().and_then(|source| Source::new(source).ok());
    inbound.id = event.id.as_deref().and_then(|id| CommandId::new(id).ok());
    inbound.trace =
        inbound.trace.or_else(|| event.traceparent.as_deref().and_then(TraceParent::parse));
}

/// The data in the `data_base64` of an event that need not be valid. `None`: it has none.
pub(super) fn data_base64(body: &[u8]) -> Option<Bytes> {
    #[derive(Deserialize)]
    struct Encoded<'a> {
        #[serde(borrow)]
        data_base64: Cow<'a, str>,
    }
    let event: Encoded<'_> = serde_json::from_slice(body).ok()?;
    decoded(&event.data_base64).ok()
}

/// The data of an event that may name a type that is not known. `None`: it has none, or is no event.
pub(super) fn data(body: &[u8]) -> Option<Bytes> {
    let event: CloudEvent<'_> = serde_json::from_slice(body).ok()?;
    match (event.data, event.data_base64) {
        (Some(data), None) => Some(data.get().to_owned().into()),
        (None, Some(encoded)) => decoded(&encoded).ok(),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

fn decoded(encoded: &str) -> Result<Bytes, Invalid> {
    let data = STANDARD.decode(encoded).map_err(|_| {
        Invalid::malformed("data_base64: must be Base64 (RFC 4648, padded), and is not")
    })?;
    Ok(without_mark(data.into()))
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
