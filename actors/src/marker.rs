//! Reads and writes the quarantine marker: what is known of messages that may kill the process. The
//! marker is an entity of its own in the table of parked messages.

use crate::names;
use crate::parked::MARKER;
use crate::states;
use crate::tables;
use orderly_domain::quarantine::{Marker, Quarantined};
use orderly_domain::stored::{self, Stored};
use orderly_store::{self as store, Ordinal, UnitBuilder, View};

/// The name of the entity that carries the marker. No message can have this name: the names of
/// parked messages are hashed in another domain.
const NAME: &str = "isolated";

/// The name of the quarantined message if it is parked.
pub(crate) fn name_of(message: &Quarantined) -> [u8; 16] {
    names::parked_name(message.source.as_ref(), message.id.as_ref(), &message.body).0
}

/// Reads the marker; `None` in a store that has none yet.
pub(crate) fn read(view: &View) -> Result<Option<Marker>, states::Error> {
    let Some(ordinal) = find(view)? else {
        return Ok(None);
    };
    let Some(bytes) = view.read(tables::PARKED, ordinal, MARKER)? else {
        return Ok(None);
    };
    let marker = Marker::read(&bytes);
    marker.map(Some).map_err(|error| states::Error::corrupt(ordinal.0, error))
}

/// The marker's entity in the store; `None` in a store that has none yet.
pub(crate) fn find(view: &View) -> Result<Option<Ordinal>, store::Error> {
    names::find(view, tables::PARKED, NAME)
}

/// Writes the marker into a unit: under `place`, or under a new ordinal when there is no marker yet.
pub(crate) fn put(
    marker: &Marker,
    place: Option<Ordinal>,
    view: &View,
    builder: &mut UnitBuilder,
) -> Result<(), stored::Error> {
    let ordinal = place.unwrap_or_else(|| {
        let ordinal = view.next_ordinal(tables::PARKED);
        builder.name(tables::PARKED, names::name(NAME), ordinal);
        ordinal
    });
    builder.put_with(tables::PARKED, ordinal, MARKER, |out| marker.write(out))
}
