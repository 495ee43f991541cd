//! Messages that were processed, by their own id or by the event that they told.

use super::super::Error;
use super::found::{Item, Kind};
use orderly_actors::journal_entry;
use orderly_domain::id::{CommandId, Source};
use orderly_domain::record::{CommandName, Origin, UnitRecord};
use orderly_domain::time::Timestamp;
use orderly_store::{Reader, Seq};

/// The message with that id, if the unit processed it.
pub(super) fn of_message(reader: &Reader, id: &str, seq: Seq) -> Result<Vec<Item>, Error> {
    found(reader, seq, |record| {
        let Origin::Message { id: Some(found), .. } = &record.origin else { return None };
        (found.as_str() == id).then(|| (Kind::Command, id.to_owned()))
    })
}

/// The message that told that event, as its unit says: its record has no ids of events.
pub(super) fn of_event(reader: &Reader, id: &str, seq: Seq) -> Result<Vec<Item>, Error> {
    found(reader, seq, |record| match &record.origin {
        Origin::Message { .. } => Some((Kind::Event, id.to_owned())),
        _ => None,
    })
}

fn found(
    reader: &Reader,
    seq: Seq,
    what: impl FnOnce(&UnitRecord) -> Option<(Kind, String)>,
) -> Result<Vec<Item>, Error> {
    // the journal may be pruned before the list
    let Some(unit) = reader.unit(seq)? else { return Ok(Vec::new()) };
    let record = journal_entry::record(&unit)?;
    let Some((kind, id)) = what(&record) else { return Ok(Vec::new()) };
    let at = Timestamp::from_micros(unit.at);
    let order_id = record.order.as_ref().map(ToString::to_string);
    Ok(vec![Item { kind, id, order_id, summary: summary(&record, at) }])
}

fn summary(record: &UnitRecord, at: Timestamp) -> String {
    let Origin::Message { source, id, kind } = &record.origin else {
        return String::new();
    };
    let name = match kind {
        CommandName::Known(kind) => kind.as_str(),
        CommandName::Other(_) => "a message",
    };
    let id = id.as_ref().map_or("", CommandId::as_str);
    let source = source.as_ref().map_or("", Source::as_str);
    let reason = record.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{name} {id} from {source}: {}{reason}, at {at}", record.verdict)
}
