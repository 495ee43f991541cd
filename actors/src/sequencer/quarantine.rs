//! Runs a message alone that may kill the process, behind a durable marker.
//!
//! A command that kills the whole process (an abort, no memory left) cannot count its own failures.
//! So after an unclean stop, a message that the broker delivered suspiciously often runs alone: first
//! a marker that names the message becomes durable, then the message runs, then the marker is
//! removed. A marker that is found at the start names the message that ran when the process died. One
//! death may be chance (somebody pulled the plug); a message that ran alone at [`DEATHS`] deaths is
//! parked.

use super::inbound::{InboundMessage, Raw};
use super::seal::Turn;
use super::state::Sequencer;
use super::step::{Error, Sealed};
use crate::changeset::Changeset;
use crate::marker;
use crate::names;
use crate::turn::Outcome;
use orderly_domain::command::Invalid;
use orderly_domain::id::{CommandId, Source};
use orderly_domain::quarantine::{Deaths, Marker, Quarantined};
use orderly_domain::record::Origin;
use orderly_domain::verdict::{Reason, Verdict};

/// A message that ran alone at so many deaths of the process is parked.
const DEATHS: u32 = 3;
/// How many suspects are remembered: the newest.
const SUSPECTS: usize = 16;

/// How the process ended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviousRun {
    /// The process ended in good order, or never ran.
    Clean,
    /// The process died.
    Died,
}

impl Sequencer {
    /// Marks a message as the one that runs alone. The message may run when this unit is durable.
    pub async fn quarantine(&mut self, inbound: &InboundMessage) -> Result<Sealed, Error> {
        let mut marker = self.marker()?.unwrap_or_default();
        marker.alone = Some(Quarantined {
            source: inbound.source.clone(),
            id: inbound.id.clone(),
            kind: inbound.kind.clone(),
            trace: inbound.trace,
            attempts: inbound.attempts,
            content_type: inbound.raw.content_type.clone(),
            body: inbound.raw.body.to_vec(),
        });
        self.mark(marker).await
    }

    /// Notes that the message that ran alone did not kill the process.
    pub async fn clear_quarantine(&mut self) -> Result<Sealed, Error> {
        let mut marker = self.marker()?.unwrap_or_default();
        if let Some(alone) = marker.alone.take() {
            let name = marker::name_of(&alone);
            marker.deaths.retain(|suspect| suspect.name != name);
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
            let name = marker::name_of(&alone);
            let known = marker.deaths.iter().find(|suspect| suspect.name == name);
            let deaths = known.map_or(0, |suspect| suspect.count) + 1;
            marker.deaths.retain(|suspect| suspect.name != name);
            if deaths >= DEATHS && self.has_room() {
                sealed.push(self.park_alone(alone).await?);
            } else {
                // without room the message is parked when it is delivered again: see `park_again`
                marker.deaths.push(Deaths { name, count: deaths.min(DEATHS) });
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

    async fn park_alone(&mut self, alone: Quarantined) -> Result<Sealed, Error> {
        let problem = format!("the process died {DEATHS} times while this message ran alone");
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
            raw: Raw { body: alone.body.into(), content_type: alone.content_type },
        };
        self.park_failed(&inbound, problem).await
    }

    fn was_alone_too_often(&self, inbound: &InboundMessage) -> Result<bool, Error> {
        let body = &inbound.raw.body;
        let name = names::parked_name(inbound.source.as_ref(), inbound.id.as_ref(), body).0;
        let deaths = self.marker()?.unwrap_or_default().deaths;
        Ok(deaths.iter().any(|suspect| suspect.name == name && suspect.count >= DEATHS))
    }

    fn marker(&self) -> Result<Option<Marker>, Error> {
        Ok(marker::read(&self.view().borrow())?)
    }

    /// Seals the verdict on a message that does not run again: the message was parked as failed
    /// before, or ran alone at too many deaths. `None`: the message may run.
    pub async fn park_again(&mut self, inbound: &InboundMessage) -> Result<Option<Sealed>, Error> {
        match self.parked_before(inbound)? {
            Some(before) if before.reason == Reason::Failed => self
                .park_failed(inbound, "the message was parked before".to_owned())
                .await
                .map(Some),
            Some(_) | None if self.was_alone_too_often(inbound)? => {
                let problem =
                    format!("the process died {DEATHS} times while this message ran alone");
                self.park_failed(inbound, problem).await.map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }
}
