//! A binary CloudEvent: its headers are the envelope, its body is the data.

use super::{envelope, unix_time};
use orderly_actors::sequencer::InboundMessage;
use orderly_broker::{Attribute, HeaderValue, Properties};
use orderly_domain::command::{Command, Decoded, Invalid};
use orderly_domain::id::{CommandId, Source};
use orderly_domain::record::CommandName;
use orderly_domain::time::{NoTime, Timestamp};
use orderly_domain::trace::TraceParent;

/// Sets the names in the envelope, as far as they can be read.
pub(super) fn introduce(properties: &Properties, inbound: &mut InboundMessage) {
    let text = |attribute| match value(properties, attribute) {
        Some(HeaderValue::Text(text)) => Some(text.as_str()),
        Some(_) | None => None,
    };
    inbound.kind = CommandName::new(text(Attribute::Type).filter(|name| !name.is_empty()));
    inbound.source = text(Attribute::Source).and_then(|source| Source::new(source).ok());
    inbound.id = text(Attribute::Id).and_then(|id| CommandId::new(id).ok());
    inbound.trace =
        inbound.trace.or_else(|| text(Attribute::TraceParent).and_then(TraceParent::parse));
}

pub(super) fn command(
    properties: &Properties,
    body: &[u8],
    inbound: &mut InboundMessage,
) -> Result<Decoded, Invalid> {
    envelope::times(properties, inbound)?;
    let text = |attribute| text(properties, attribute);
    let header = Attribute::header;
    envelope::version(header(Attribute::SpecVersion), text(Attribute::SpecVersion)?)?;
    let id = text(Attribute::Id)?;
    envelope::name(header(Attribute::Id), id.map(CommandId::new), "is required")?;
    let source = text(Attribute::Source)?;
    envelope::name(header(Attribute::Source), source.map(Source::new), "is required")?;
    if inbound.time.is_none() {
        inbound.time = time(properties)?;
    }
    if text(Attribute::Type)?.is_none_or(str::is_empty) {
        return Err(Invalid::malformed(format_args!("{}: is required", header(Attribute::Type))));
    }
    Command::decode(envelope::known(header(Attribute::Type), &inbound.kind)?, body)
}

fn value(properties: &Properties, attribute: Attribute) -> Option<&HeaderValue> {
    let found = properties.cloud_event.iter().find(|(known, _)| *known == attribute);
    found.map(|(_, value)| value)
}

fn text(properties: &Properties, attribute: Attribute) -> Result<Option<&str>, Invalid> {
    match value(properties, attribute) {
        None => Ok(None),
        Some(HeaderValue::Text(text)) => Ok(Some(text)),
        Some(other) => {
            let (header, found) = (attribute.header(), unix_time::found(other));
            Err(Invalid::malformed(format_args!("{header}: must be a text, not {found}")))
        }
    }
}

/// The time of the event: RFC 3339, or an AMQP timestamp.
fn time(properties: &Properties) -> Result<Option<Timestamp>, Invalid> {
    let header = Attribute::Time.header();
    let malformed = |problem: String| Invalid::malformed(format_args!("{header}: {problem}"));
    match value(properties, Attribute::Time) {
        None => Ok(None),
        Some(HeaderValue::Text(text)) => {
            let time = Timestamp::parse(text);
            time.map(Some).map_err(|problem: NoTime| malformed(problem.to_string()))
        }
        Some(value) => {
            let time = unix_time::of_header(value);
            time.map(Some).map_err(|problem| malformed(problem.to_string()))
        }
    }
}
