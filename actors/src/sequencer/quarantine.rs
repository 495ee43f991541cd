//! Running a message alone, behind a durable marker.
//!
//! A command that kills the whole process (an abort, no memory left) never gets as far as
//! raising a counter of ours. So after an unclean stop a message that the broker delivered
//! suspiciously often runs alone: first a marker that names it becomes durable, then it runs, then
//! the marker goes. A marker found at the start names the message that ran when the process died.
//! One death may be chance (somebody pulled the plug); a message that was alone at [`DEATHS`] is
//! parked.

use super::seal::Turn;
use super::{Error, InboundMessage, Raw, Sealed, Sequencer};
use crate::changeset::Changeset;
use crate::names;
use crate::owner::Outcome;
use crate::parked::MARKER;
use bytes::Bytes;
use orderly_domain::command::Invalid;
use orderly_domain::id::{CommandId, Source};
use orderly_domain::record::{Named, Origin};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::{Table, View};
use serde::{Deserialize, Serialize};

/// The name of the entity that carries the marker; no message can have it, since the names of
/// parked messages are hashed in another domain.
const NAME: &str = "isolated";

/// A message that ran alone at so many deaths of the process is parked.
const DEATHS: u32 = 3;
/// Suspects that are remembered at most: the newest.
const SUSPECTS: usize = 16;

/// What is known of messages that may kill the process.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// The message that runs alone.
    alone: Option<Alone>,
    /// Messages that ran alone when the process died, by their names, with how often.
    deaths: Vec<([u8; 16], u32)>,
    /// The process was stopped in good order.
    clean: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Alone {
    source: Option<Source>,
    id: Option<CommandId>,
    kind: Named,
    trace: Option<TraceParent>,
    attempts: u32,
    content_type: Option<String>,
    body: Bytes,
}

impl Alone {
    fn name(&self) -> [u8; 16] {
        names::parked_name(self.source.as_ref(), self.id.as_ref(), &self.body).0
    }
}

/// How the process ended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviousRun {
    /// In good order, or never: nothing is suspicious.
    Clean,
    /// It died.
    Died,
}

impl Sequencer {
    /// Marks a message as the one that runs alone. It may run when this unit is durable.
    pub async fn quarantine(&mut self, inbound: &InboundMessage) -> Result<Sealed, Error> {
        let mut marker = self.marker()?.unwrap_or_default();
        marker.alone = Some(Alone {
            source: inbound.source.clone(),
            id: inbound.id.clone(),
            kind: inbound.kind.clone(),
            trace: inbound.trace,
            attempts: inbound.attempts,
            content_type: inbound.raw.content_type.clone(),
            body: inbound.raw.body.clone(),
        });
        self.mark(marker).await
    }

    /// The message that ran alone did no harm.
    pub async fn clear_quarantine(&mut self) -> Result<Sealed, Error> {
        let mut marker = self.marker()?.unwrap_or_default();
        if let Some(alone) = marker.alone.take() {
            let name = alone.name();
            marker.deaths.retain(|(suspect, _)| *suspect != name);
        }
        self.mark(marker).await
    }

    /// Notes that the process ends in good order.
    pub async fn end_cleanly(&mut self) -> Result<Sealed, Error> {
        let marker = self.marker()?.unwrap_or_default();
        self.mark(Marker { clean: true, ..marker }).await
    }

    /// Begins after a start: counts a death against the message that ran alone, and parks it when
    /// it was alone at too many. Whatever is sealed must be durable before the first message runs.
    pub async fn begin(&mut self) -> Result<(PreviousRun, Vec<Sealed>), Error> {
        let Some(mut marker) = self.marker()? else {
            return Ok((PreviousRun::Clean, vec![self.mark(Marker::default()).await?]));
        };
        let before = if marker.clean { PreviousRun::Clean } else { PreviousRun::Died };
        let mut sealed = Vec::new();
        marker.clean = false;
        if let Some(alone) = marker.alone.take() {
            let name = alone.name();
            let known = marker.deaths.iter().find(|(suspect, _)| *suspect == name);
            let deaths = known.map_or(0, |(_, deaths)| *deaths) + 1;
            marker.deaths.retain(|(suspect, _)| *suspect != name);
            if deaths >= DEATHS {
                sealed.push(self.park_alone(alone).await?);
            } else {
                marker.deaths.push((name, deaths));
                let surplus = marker.deaths.len().saturating_sub(SUSPECTS);
                marker.deaths.drain(..surplus);
            }
        }
        sealed.push(self.mark(marker).await?);
        Ok((before, sealed))
    }

    async fn mark(&mut self, marker: Marker) -> Result<Sealed, Error> {
        let now = self.now();
        let changeset = Changeset { marker: Some(Box::new(marker)), ..Changeset::default() };
        let turn = Turn::new(Origin::Isolated, None, now);
        self.seal(turn, Outcome::new(Verdict::Applied, changeset)).await
    }

    async fn park_alone(&mut self, alone: Alone) -> Result<Sealed, Error> {
        let problem = format!("the process died {DEATHS} times while it ran alone");
        let source = alone.source.as_ref().map(Source::as_str);
        let id = alone.id.as_ref().map(CommandId::as_str);
        tracing::error!(source, id, problem, "a message is parked");
        let inbound = InboundMessage {
            source: alone.source,
            id: alone.id,
            kind: alone.kind,
            time: None,
            deadline: None,
            trace: alone.trace,
            attempts: alone.attempts,
            command: Err(Invalid { reason: Reason::Failed, detail: problem.clone() }),
            raw: Raw { body: alone.body, content_type: alone.content_type },
        };
        self.park_failed(&inbound, problem).await
    }

    fn marker(&self) -> Result<Option<Marker>, Error> {
        let view = self.view().borrow();
        let Some(ordinal) = names::find(&view, Table::Parked, NAME)? else {
            return Ok(None);
        };
        match view.read(Table::Parked, ordinal, MARKER)? {
            Some(bytes) => Ok(Some(postcard::from_bytes(&bytes)?)),
            None => Ok(None),
        }
    }

    /// The verdict on a message that was parked as failed before: it is not run again. `None`
    /// when it was not.
    pub async fn park_again(&mut self, inbound: &InboundMessage) -> Result<Option<Sealed>, Error> {
        match self.parked_before(inbound)? {
            Some(before) if before.reason == Reason::Failed => {
                self.park_failed(inbound, "it was parked before".to_owned()).await.map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }
}

/// Writes the marker.
pub(super) fn put(
    view: &View,
    builder: &mut orderly_store::UnitBuilder,
    marker: &Marker,
) -> Result<(), Error> {
    let name = names::name(NAME);
    let ordinal = match view.find(Table::Parked, &name)? {
        Some(ordinal) => ordinal,
        None => {
            let ordinal = view.next_ordinal(Table::Parked);
            builder.name(Table::Parked, name, ordinal);
            ordinal
        }
    };
    builder.put_with(Table::Parked, ordinal, MARKER, |out| {
        *out = postcard::to_extend(marker, std::mem::take(out))?;
        Ok::<_, postcard::Error>(())
    })?;
    Ok(())
}

impl Sequencer {
    /// Puts a timer off that could not be dealt with, so that it is not lost.
    pub async fn postpone_timer(&mut self, timer: orderly_store::Timer) -> Result<Sealed, Error> {
        const PAUSE: std::time::Duration = std::time::Duration::from_secs(30);
        let now: Timestamp = self.now();
        let mut changeset = Changeset::default();
        if let Some(kind) = crate::changeset::TimerKind::from_number(timer.kind) {
            let due = now.plus(PAUSE);
            changeset.timers.push(crate::changeset::NewTimer { due, kind, ordinal: timer.ordinal });
        }
        let turn = Turn::new(Origin::Age, None, now);
        self.seal(turn, Outcome::new(Verdict::Applied, changeset)).await
    }
}
