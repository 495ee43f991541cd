//! A plain message: its properties are the envelope, its body is the data.

use super::envelope;
use orderly_actors::sequencer::InboundMessage;
use orderly_broker::{Message, Properties};
use orderly_domain::command::{Command, Decoded, Invalid};
use orderly_domain::id::{CommandId, Source};
use orderly_domain::record::CommandName;

/// The source of a plain command without an `app_id`.
const UNKNOWN_SOURCE: &str = "unknown";

/// Sets the names in the envelope, as far as they can be read. `of_key` is the type that the routing key names.
pub(super) fn introduce(message: &Message, of_key: &str, inbound: &mut InboundMessage) {
    let properties = &message.properties;
    let name = properties.kind.as_deref().filter(|name| !name.is_empty());
    let name = name.or(Some(of_key));
    inbound.kind = CommandName::new(name.filter(|name| !name.is_empty()));
    inbound.source = Source::new(properties.app_id.as_deref().unwrap_or(UNKNOWN_SOURCE)).ok();
    inbound.id = properties.message_id.as_deref().and_then(|id| CommandId::new(id).ok());
}

pub(super) fn command(
    properties: &Properties,
    body: &[u8],
    inbound: &mut InboundMessage,
) -> Result<Decoded, Invalid> {
    envelope::times(properties, inbound)?;
    let id = properties.message_id.as_deref();
    envelope::name("message_id", id.map(CommandId::new), "is required: the command's id")?;
    let source = properties.app_id.as_deref().unwrap_or(UNKNOWN_SOURCE);
    envelope::name("app_id", Some(Source::new(source)), "is required")?;
    Command::decode(envelope::known("type", &inbound.kind)?, body)
}
