//! What is known of messages that may kill the process, in a state of its own among the parked
//! messages.

use crate::names;
use crate::parked::MARKER;
use crate::states;
use crate::tables;
use bytes::Bytes;
use orderly_domain::id::{CommandId, Source};
use orderly_domain::record::Named;
use orderly_domain::stored;
use orderly_domain::trace::TraceParent;
use orderly_store::{self as store, Ordinal, UnitBuilder, View};
use serde::{Deserialize, Serialize};

/// The name of the entity that carries the marker. No message can have this name: the names of
/// parked messages are hashed in another domain.
const NAME: &str = "isolated";

/// What is known of messages that may kill the process.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// The message that runs alone.
    pub alone: Option<Quarantined>,
    /// Messages that ran alone when the process died, by name, each with the number of deaths.
    pub deaths: Vec<([u8; 16], u32)>,
    /// The process ended in good order.
    pub clean: bool,
}

/// A message that runs alone, whole: the next process parks it when it has killed too often.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Quarantined {
    /// Its source; `None` when that could not be read.
    pub source: Option<Source>,
    /// Its id, likewise.
    pub id: Option<CommandId>,
    /// Its type.
    pub kind: Named,
    /// The trace that it belongs to.
    pub trace: Option<TraceParent>,
    /// How often it was tried before.
    pub attempts: u32,
    /// Its content type.
    pub content_type: Option<String>,
    /// Its body.
    pub body: Bytes,
}

impl Quarantined {
    /// The name that the message has when it is parked.
    pub(crate) fn name(&self) -> [u8; 16] {
        names::parked_name(self.source.as_ref(), self.id.as_ref(), &self.body).0
    }
}

/// Reads the marker; `None` in a store that has none yet.
pub(crate) fn read(view: &View) -> Result<Option<Marker>, states::Error> {
    let Some(ordinal) = find(view)? else {
        return Ok(None);
    };
    let Some(bytes) = view.read(tables::PARKED, ordinal, MARKER)? else {
        return Ok(None);
    };
    let corrupt = |error: postcard::Error| stored::Error::Corrupt {
        what: "quarantine marker",
        problem: error.to_string(),
    };
    let marker = postcard::from_bytes(&bytes).map_err(corrupt);
    marker.map(Some).map_err(|error| states::Error::corrupt(ordinal.0, error))
}

/// Where the marker is in the store.
pub(crate) fn find(view: &View) -> Result<Option<Ordinal>, store::Error> {
    names::find(view, tables::PARKED, NAME)
}

/// Writes the marker into a unit: at `place`, or at a new place where it has none.
pub(crate) fn put(
    marker: &Marker,
    place: Option<Ordinal>,
    view: &View,
    builder: &mut UnitBuilder,
) -> Result<(), postcard::Error> {
    let ordinal = place.unwrap_or_else(|| {
        let ordinal = view.next_ordinal(tables::PARKED);
        builder.name(tables::PARKED, names::name(NAME), ordinal);
        ordinal
    });
    builder.put_with(tables::PARKED, ordinal, MARKER, |out| {
        *out = postcard::to_extend(marker, std::mem::take(out))?;
        Ok(())
    })
}
