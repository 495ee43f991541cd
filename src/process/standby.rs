//! A standby: its store follows the journal that another member owns, until this member owns it.
//!
//! What the journal's task tells is applied in order, with checkpoints and housekeeping in between. When the task tells that
//! this member owns, everything before is applied, so to take over is to start the pipeline on the same store.

use crate::journal::{Input, Told};
use crate::pipeline::{self, Durability, OwnedJournal};
use orderly_journal::{Position, Unit};
use orderly_member::following::{self, Following, Next, Owning};
use orderly_store::backup::Source;
use orderly_store::{self as store, Follower, Opened, Seq};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The pause between two steps of housekeeping.
const PACE: Duration = Duration::from_millis(25);
/// The pause after housekeeping has found nothing more to do.
const REST: Duration = Duration::from_secs(10);
/// What was applied is synced at least this often.
const SYNC: Duration = Duration::from_secs(1);

/// How a standby follows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether an owner's units are on its disk before they count as durable.
    pub sync: bool,
    /// A checkpoint is made at least this often.
    pub checkpoint_every: Duration,
    /// Every event below this was published, as far as the journal says. The task of the journal writes it.
    pub published: Arc<AtomicU64>,
}

/// A member that follows.
#[derive(Debug)]
pub struct Standby {
    following: Following,
    inputs: mpsc::UnboundedSender<Input>,
    told: mpsc::Receiver<Told>,
    /// Who asks for what a copy of the store is read from.
    copies: mpsc::UnboundedReceiver<oneshot::Sender<Source>>,
    settings: Settings,
    upkeep: Upkeep,
}

/// When a standby did work of its own.
#[derive(Debug)]
struct Upkeep {
    synced: Instant,
    /// Whether anything was applied since.
    unsynced: bool,
    checkpointed: Instant,
    /// Whether a checkpoint goes on.
    checkpoints: bool,
    rests_until: Instant,
}

/// A member that has come to own the journal. Its store has everything that is in the journal.
#[derive(Debug)]
pub struct Owner {
    owning: Owning,
    inputs: mpsc::UnboundedSender<Input>,
    told: mpsc::Receiver<Told>,
    settings: Settings,
}

impl Standby {
    /// A standby with this store. `inputs` leads to the task of the journal, which tells `told`.
    pub fn new(
        follower: Follower,
        inputs: mpsc::UnboundedSender<Input>,
        told: mpsc::Receiver<Told>,
        settings: Settings,
    ) -> Self {
        let now = Instant::now();
        let upkeep = Upkeep {
            synced: now,
            unsynced: false,
            checkpointed: now,
            checkpoints: false,
            rests_until: now,
        };
        let (_, copies) = mpsc::unbounded_channel();
        let following = Following::new(follower);
        Self { following, inputs, told, copies, settings, upkeep }
    }

    /// The same standby, of which others may copy the store.
    #[must_use]
    pub fn copied_by(self, copies: mpsc::UnboundedReceiver<oneshot::Sender<Source>>) -> Self {
        Self { copies, ..self }
    }

    /// Follows until this member owns; `None` when it has left before. It reads and writes the disk, so it must run on a
    /// thread of its own.
    ///
    /// # Errors
    /// The store failed, the member was fenced or refused, or the task of the journal ended.
    pub async fn follow(mut self) -> Result<Option<Owner>, pipeline::Error> {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let told = tokio::select! {
                told = self.told.recv() => told,
                Some(asker) = self.copies.recv() => {
                    let _ = asker.send(self.following.store_mut().backup()?); // who asked may have gone
                    continue;
                }
                _ = pace.tick() => {
                    self.keep_up()?;
                    continue;
                }
            };
            let told = told.ok_or_else(|| pipeline::Error::Journal("its task ended".to_owned()))?;
            match self.take(told)? {
                Some(Next::Follow) => {}
                Some(Next::Restore(units)) => {
                    let _ = self.inputs.send(Input::Restore(units)); // a task that ended has told why
                }
                Some(Next::Own) => break,
                None => {
                    self.following.store_mut().sync()?;
                    return Ok(None);
                }
            }
        }
        let Self { following, inputs, told, settings, .. } = self;
        let owning = following.into_owning(settings.sync)?;
        Ok(owning.map(|owning| Owner { owning, inputs, told, settings }))
    }

    /// Does what was told. `None`: the member has left.
    fn take(&mut self, told: Told) -> Result<Option<Next>, pipeline::Error> {
        let next = match told {
            Told::Adopt(charter) => {
                self.following.adopt(&charter)?;
                Next::Follow
            }
            Told::Apply { units, position } => {
                self.apply(units, position)?;
                Next::Follow
            }
            Told::Own { epoch, next, cursor, lost } => {
                let epoch = epoch.number;
                tracing::info!(epoch, next, cursor, ?lost, "this member owns the journal");
                self.following.own(epoch, cursor, lost)?
            }
            Told::Durable(next) => self.following.durable(next),
            Told::Left => return Ok(None),
            Told::Fenced { by, node } => {
                return Err(pipeline::Error::Fenced { epoch: by.number, by: node });
            }
            Told::Refused(refusal) => return Err(pipeline::Error::Refused(refusal)),
            Told::Failed(problem) => return Err(pipeline::Error::Journal(problem)),
        };
        Ok(Some(next))
    }

    fn apply(&mut self, units: Vec<Unit>, position: Position) -> Result<(), following::Error> {
        self.upkeep.unsynced |= !units.is_empty();
        self.following.apply(units, position)
    }

    /// Takes a step of work that nobody waits for.
    fn keep_up(&mut self) -> Result<(), store::Error> {
        let now = Instant::now();
        let Self { following, upkeep, .. } = self;
        let follower = following.store_mut();
        if upkeep.unsynced && now.duration_since(upkeep.synced) >= SYNC {
            follower.sync()?;
            (upkeep.synced, upkeep.unsynced) = (now, false);
        }
        upkeep.checkpoints |=
            now.duration_since(upkeep.checkpointed) >= self.settings.checkpoint_every;
        if upkeep.checkpoints {
            upkeep.checkpoints = follower.checkpoint_step()?;
            if !upkeep.checkpoints {
                (upkeep.checkpointed, upkeep.rests_until) = (now, now);
            }
        } else if now >= upkeep.rests_until {
            let published = self.settings.published.load(Ordering::Acquire);
            follower.set_cursor(Seq(published.max(1)));
            if !follower.keep_house()? {
                upkeep.rests_until = now + REST;
            }
        }
        Ok(())
    }
}

impl Owner {
    /// The number of its epoch.
    pub const fn epoch(&self) -> u64 {
        self.owning.epoch
    }

    /// Every event below this was published.
    pub const fn cursor(&self) -> Seq {
        self.owning.cursor
    }

    /// The store, and the journal that makes its further units durable. `cursor` is what the relay has published, which the
    /// task of the journal reads.
    pub fn into_parts(self, cursor: Arc<AtomicU64>) -> (Opened, Durability) {
        let Self { owning, inputs, told, settings } = self;
        let owned = OwnedJournal { inputs, told, cursor, sync: settings.sync };
        (owning.into_opened(), Durability::Journal(owned))
    }
}

#[cfg(test)]
mod tests;
