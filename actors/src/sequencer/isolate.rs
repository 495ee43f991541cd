//! Running a message alone, behind a durable marker.
//!
//! A command that kills the whole process (an abort, no memory left) never gets as far as
//! raising a counter of ours. So a message that the broker delivered suspiciously often runs
//! alone: first a marker that names it becomes durable, then it runs, then the marker goes. A
//! marker found at the start names the message that killed the process.

use super::seal::Turn;
use super::{Arrival, Error, Raw, Sealed, Sequencer};
use crate::clock::Timestamp;
use crate::command::Invalid;
use crate::draft::Draft;
use crate::id::{CommandId, Source};
use crate::identity;
use crate::owner::Outcome;
use crate::parked::{self, MARKER};
use crate::record::{Named, Origin};
use crate::store::{Table, View};
use crate::trace::TraceParent;
use crate::verdict::{Reason, Verdict};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The name of the entity that carries the marker; no message can have it, since the names of
/// parked messages are hashed in another domain.
const NAME: &str = "isolated";

/// The message that runs alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Marker {
    source: Option<Source>,
    id: Option<CommandId>,
    kind: Named,
    trace: Option<TraceParent>,
    attempts: u32,
    content_type: Option<String>,
    body: Bytes,
}

impl Sequencer {
    /// Marks a message as the one that runs alone. It may run when this unit is durable.
    pub async fn isolate(&mut self, arrival: &Arrival) -> Result<Sealed, Error> {
        let marker = Marker {
            source: arrival.source.clone(),
            id: arrival.id.clone(),
            kind: arrival.kind.clone(),
            trace: arrival.trace,
            attempts: arrival.attempts,
            content_type: arrival.raw.content_type.clone(),
            body: arrival.raw.body.clone(),
        };
        self.mark(Some(marker)).await
    }

    /// No message runs alone any more.
    pub async fn clear_isolated(&mut self) -> Result<Sealed, Error> {
        self.mark(None).await
    }

    async fn mark(&mut self, marker: Option<Marker>) -> Result<Sealed, Error> {
        let now = self.now();
        let draft = Draft { marker: Some(marker), ..Draft::default() };
        let turn = Turn::new(Origin::Isolated, None, now);
        self.seal(turn, Outcome::new(Verdict::Applied, draft)).await
    }

    /// Parks the message that ran alone when the process died. `None`: there was none.
    pub async fn park_isolated(&mut self) -> Result<Option<Sealed>, Error> {
        let Some(marker) = marker(&self.shelf().borrow())? else { return Ok(None) };
        let problem = "the process died while it ran alone";
        let arrival = Arrival {
            source: marker.source,
            id: marker.id,
            kind: marker.kind,
            time: None,
            deadline: None,
            trace: marker.trace,
            attempts: marker.attempts,
            command: Err(Invalid { reason: Reason::Failed, detail: problem.to_owned() }),
            raw: Raw { body: marker.body, content_type: marker.content_type },
        };
        self.park_failed(&arrival, problem.to_owned()).await.map(Some)
    }

    /// The verdict on a message that was parked as failed before: it is not run again. `None`
    /// when it was not.
    pub async fn park_again(&mut self, arrival: &Arrival) -> Result<Option<Sealed>, Error> {
        let source = arrival.source.as_ref().map_or("", |source| source.as_str());
        let id = arrival.id.as_ref().map_or("", |id| id.as_str());
        let name = identity::of_parked(source, id, &arrival.raw.body);
        let before = {
            let view = self.shelf().borrow();
            match view.find(Table::Parked, &name)? {
                Some(ordinal) => parked::read(&view, ordinal)?,
                None => None,
            }
        };
        match before {
            Some(before) if before.reason == Reason::Failed => {
                self.park_failed(arrival, "it was parked before".to_owned()).await.map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }
}

fn marker(view: &View) -> Result<Option<Marker>, Error> {
    let Some(ordinal) = view.find(Table::Parked, &identity::of_name(NAME))? else {
        return Ok(None);
    };
    match view.read(Table::Parked, ordinal, MARKER)? {
        Some(bytes) => Ok(Some(postcard::from_bytes(&bytes)?)),
        None => Ok(None),
    }
}

/// Writes the marker, or takes it away.
pub(super) fn put(
    view: &View,
    builder: &mut crate::store::UnitBuilder,
    marker: Option<&Marker>,
) -> Result<(), Error> {
    let name = identity::of_name(NAME);
    let ordinal = match view.find(Table::Parked, &name)? {
        Some(ordinal) => ordinal,
        None => {
            let ordinal = view.next_ordinal(Table::Parked);
            builder.name(Table::Parked, name, ordinal);
            ordinal
        }
    };
    match marker {
        Some(marker) => builder.put_with(Table::Parked, ordinal, MARKER, |out| {
            *out = postcard::to_extend(marker, std::mem::take(out))?;
            Ok::<_, postcard::Error>(())
        })?,
        None => builder.remove(Table::Parked, ordinal, MARKER),
    }
    Ok(())
}

impl Sequencer {
    /// Puts a timer off that could not be dealt with, so that it is not lost.
    pub async fn put_off(&mut self, timer: crate::store::Timer) -> Result<Sealed, Error> {
        const PAUSE: std::time::Duration = std::time::Duration::from_secs(30);
        let now: Timestamp = self.now();
        let mut draft = Draft::default();
        if let Some(kind) = crate::draft::HintKind::from_number(timer.kind) {
            let due = now.plus(PAUSE);
            draft.hints.push(crate::draft::Hint { due, order: timer.ordinal, kind });
        }
        let turn = Turn::new(Origin::HoldTimer, None, now);
        self.seal(turn, Outcome::new(Verdict::Applied, draft)).await
    }
}
