//! Runs a message alone that may kill the process, behind a durable marker.
//!
//! A command that kills the whole process (an abort, no memory left) cannot count its own failures.
//! So after an unclean end of the process, a message that the broker delivered suspiciously often
//! runs alone, in three steps: a marker that names the message becomes durable, the message runs,
//! the marker is removed. A marker that the next start finds names the message that ran when the
//! process ended.
//!
//! Such an end counts as a death of the message only when the message's run was interrupted (see
//! [`LastAlone`]): a disk that fails leaves the marker too. One death may be chance, as when somebody
//! pulled the plug. A message with [`DEATHS`] deaths is parked.

use super::inbound::{InboundMessage, Raw};
use super::seal::UnitContext;
use super::state::Sequencer;
use super::step::{Error, Sealed};
use crate::changeset::Changeset;
use crate::marker;
use crate::names;
use crate::outcome::Outcome;
use crate::parked::ParkedLinked;
use orderly_domain::command::Invalid;
use orderly_domain::id::{CommandId, Source};
use orderly_domain::ignored::Ignored;
use orderly_domain::quarantine::{Deaths, Marker, Quarantined};
use orderly_domain::record::Origin;
use orderly_domain::verdict::{Reason, Verdict};

/// A message with this many deaths is parked.
const DEATHS: u32 = 3;
/// The number of messages whose deaths are remembered: those that ran last.
const SUSPECTS: usize = 16;

/// How the process ended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviousRun {
    /// The process ended in good order, or never ran.
    Clean,
    /// The process died.
    Died,
}

/// How the run of the message in quarantine ended, as the process knows it from outside the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastAlone {
    /// No message was running alone, or the process ended because its disk failed.
    Finished,
    /// The process died while a message ran alone.
    Interrupted,
}

impl Sequencer {
    /// Seals the marker of a message that is to run alone. The message may run when this unit is
    /// durable.
    pub async fn quarantine(&mut self, inbound: &InboundMessage) -> Result<Sealed, Error> {
        let mut marker = self.marker()?.unwrap_or_default();
        marker.alone = Some(Quarantined {
            source: inbound.source.clone(),
            id: inbound.id.clone(),
            kind: inbound.kind.clone(),
            trace: inbound.trace,
            attempts: inbound.attempts,
            content_type: inbound.raw.content_type.clone(),
            content_encoding: inbound.raw.content_encoding.clone(),
            body: inbound.raw.body.to_vec(),
        });
        self.mark(marker).await
    }

    /// Seals the removal of the marker, and of the deaths counted for its message: the message did
    /// not kill the process.
    pub async fn clear_quarantine(&mut self) -> Result<Sealed, Error> {
        let mut marker = self.marker()?.unwrap_or_default();
        if let Some(alone) = marker.alone.take() {
            forget_deaths(&mut marker, &alone);
        }
        self.mark(marker).await
    }

    /// Seals a note that the process ends in good order.
    pub async fn end_cleanly(&mut self) -> Result<Sealed, Error> {
        let marker = self.marker()?.unwrap_or_default();
        self.mark(Marker { clean: true, ..marker }).await
    }

    /// Begins after a start. Counts a death for the message in quarantine if the message's run was
    /// interrupted, and parks the message at [`DEATHS`] of them. All that is sealed here must be
    /// durable before the first message runs.
    pub async fn begin(&mut self, last: LastAlone) -> Result<(PreviousRun, Vec<Sealed>), Error> {
        let Some(mut marker) = self.marker()? else {
            let is_done = self.is_new();
            let linked = ParkedLinked { is_done, ..ParkedLinked::default() };
            let first = Changeset {
                up_to_date: is_done,
                lists_built: is_done,
                parked_linked: Some(Box::new(linked)),
                ..Changeset::default()
            };
            let sealed = self.mark_with(Marker::default(), first).await?;
            return Ok((PreviousRun::Clean, vec![sealed]));
        };
        let before = if marker.clean { PreviousRun::Clean } else { PreviousRun::Died };
        marker.clean = false;
        let alone = marker.alone.take();
        let mut sealed = Vec::new();
        match (last, alone) {
            (LastAlone::Interrupted, Some(alone)) => {
                let deaths = count_death(&mut marker, &alone);
                // without room the message is parked when it is delivered again: see `park_again`
                if deaths >= DEATHS && self.has_room() {
                    forget_deaths(&mut marker, &alone);
                    sealed.push(self.park_alone(alone).await?);
                }
            }
            (LastAlone::Finished, _) | (LastAlone::Interrupted, None) => {}
        }
        sealed.push(self.mark(marker).await?);
        Ok((before, sealed))
    }

    async fn mark(&mut self, marker: Marker) -> Result<Sealed, Error> {
        self.mark_with(marker, Changeset::default()).await
    }

    async fn mark_with(&mut self, marker: Marker, changeset: Changeset) -> Result<Sealed, Error> {
        let now = self.now();
        let changeset = Changeset { marker: Some(Box::new(marker)), ..changeset };
        let context = UnitContext::new(Origin::Quarantine, None, now);
        self.seal(context, Outcome::new(Verdict::Applied, changeset)).await
    }

    async fn park_alone(&mut self, alone: Quarantined) -> Result<Sealed, Error> {
        let problem = format!("the process died {DEATHS} times while this message ran alone");
        let source = alone.source.as_ref().map(Source::as_str);
        let id = alone.id.as_ref().map(CommandId::as_str);
        tracing::error!(source, id, problem, "message parked");
        let inbound = InboundMessage {
            source: alone.source,
            id: alone.id,
            kind: alone.kind,
            time: None,
            deadline: None,
            trace: alone.trace,
            attempts: alone.attempts,
            command: Err(Invalid { reason: Reason::Failed, detail: problem.clone() }),
            operator: None,
            ignored: Ignored::default(),
            raw: Raw {
                body: alone.body.into(),
                content_type: alone.content_type,
                content_encoding: alone.content_encoding,
            },
        };
        self.park_failed(&inbound, problem).await
    }

    /// Whether the message has [`DEATHS`] deaths, and could not be parked at the start.
    fn has_died_too_often(&self, inbound: &InboundMessage) -> Result<bool, Error> {
        let body = &inbound.raw.body;
        let name = names::parked_name(inbound.source.as_ref(), inbound.id.as_ref(), body).0;
        let deaths = self.marker()?.unwrap_or_default().deaths;
        Ok(deaths.iter().any(|suspect| suspect.name == name && suspect.count >= DEATHS))
    }

    fn marker(&self) -> Result<Option<Marker>, Error> {
        Ok(marker::read(&self.view().borrow())?)
    }

    /// Seals the verdict on a message that must not run again, because the message was parked as
    /// failed before or has [`DEATHS`] deaths. `None` says that the message may run.
    pub async fn park_again(&mut self, inbound: &InboundMessage) -> Result<Option<Sealed>, Error> {
        match self.parked_before(inbound)? {
            Some(before) if before.reason == Reason::Failed => self
                .park_failed(inbound, "the message was parked before".to_owned())
                .await
                .map(Some),
            Some(_) | None if self.has_died_too_often(inbound)? => {
                let problem =
                    format!("the process died {DEATHS} times while this message ran alone");
                self.park_failed(inbound, problem).await.map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }
}

/// Counts one more death of the message, up to [`DEATHS`]; returns how many there are.
fn count_death(marker: &mut Marker, message: &Quarantined) -> u32 {
    let name = marker::name_of(message);
    let known = marker.deaths.iter().find(|suspect| suspect.name == name);
    let count = known.map_or(0, |suspect| suspect.count).saturating_add(1).min(DEATHS);
    forget_deaths(marker, message);
    marker.deaths.push(Deaths { name, count });
    let surplus = marker.deaths.len().saturating_sub(SUSPECTS);
    marker.deaths.drain(..surplus);
    count
}

fn forget_deaths(marker: &mut Marker, message: &Quarantined) {
    let name = marker::name_of(message);
    marker.deaths.retain(|suspect| suspect.name != name);
}
