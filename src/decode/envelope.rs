//! What every form of a message has in its envelope: names, times and the type.

use super::unix_time;
use orderly_actors::sequencer::InboundMessage;
use orderly_broker::Properties;
use orderly_domain::command::{Invalid, Kind};
use orderly_domain::id;
use orderly_domain::record::CommandName;
use orderly_domain::text::shown;
use orderly_domain::verdict::Reason;

/// Sets the times that properties and headers have.
pub(super) fn times(properties: &Properties, inbound: &mut InboundMessage) -> Result<(), Invalid> {
    if let Some(timestamp) = properties.timestamp {
        let time = unix_time::of_property(timestamp);
        inbound.time = Some(time.map_err(|problem| Invalid::field("timestamp", problem))?);
    }
    if let Some(deadline) = &properties.deadline {
        let time = unix_time::of_header(deadline);
        inbound.deadline = Some(time.map_err(|problem| Invalid::field("deadline", problem))?);
    }
    Ok(())
}

/// Checks that a name was given and is valid. `field` is what the producer calls it, and `missing` what is said of a
/// message without it.
pub(super) fn name<T>(
    field: &str,
    given: Option<Result<T, id::Error>>,
    missing: &str,
) -> Result<(), Invalid> {
    match given {
        None => Err(Invalid::malformed(format_args!("{field}: {missing}"))),
        Some(Err(problem)) => Err(Invalid::malformed(format_args!("{field}: {problem}"))),
        Some(Ok(_)) => Ok(()),
    }
}

/// Checks the version of the specification of CloudEvents.
pub(super) fn version(field: &str, given: Option<&str>) -> Result<(), Invalid> {
    match given {
        Some("1.0") => Ok(()),
        Some(other) => {
            let found = shown(other);
            Err(Invalid::malformed(format_args!("{field}: must be \"1.0\", not {found:?}")))
        }
        None => Err(Invalid::malformed(format_args!("{field}: is required"))),
    }
}

/// The type of a command, which must be one that there is. `field` is what the producer calls it.
pub(super) fn known(field: &str, kind: &CommandName) -> Result<Kind, Invalid> {
    kind.kind().ok_or_else(|| Invalid {
        reason: Reason::UnknownType,
        detail: match kind.as_str() {
            "" => {
                format!("{field}: is required, as a property of the message or as its routing key")
            }
            name => format!("{field}: there is no command {:?}", shown(name)),
        },
    })
}
