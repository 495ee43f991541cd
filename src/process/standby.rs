//! A standby: its store follows the journal that another member owns, until this member owns it.
//!
//! What the journal's task tells is applied in order, with checkpoints and housekeeping in between. When the task tells that
//! this member owns, everything before is applied, so to take over is to start the pipeline on the same store.

use crate::journal::{Input, Told};
use crate::pipeline::journal::{Places, last_place, progress, to_place, units_between};
use crate::pipeline::{self, Durability, OwnedJournal};
use orderly_journal::record::Error as RecordError;
use orderly_journal::seek::Past;
use orderly_journal::{Charter, Position, Progress, Refusal, Unit};
use orderly_store::backup::Source;
use orderly_store::{self as store, EncodedUnit, Follower, Opened, Seq};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

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

/// Where a store stands when it joins the journal: what the task of the journal is started with.
pub struct Place {
    /// How far the store has come. `None`: it is empty.
    pub stored: Option<Progress>,
    /// The last place of the store in the journal.
    pub last: Option<Position>,
    /// The places that the store knows, also those that come.
    pub past: Box<dyn Past + Send>,
}

impl Place {
    /// The place of a store. It reads the units that were committed without the journal.
    pub fn of(follower: &Follower) -> Result<Self, store::Error> {
        let history = follower.history();
        let incarnation = follower.recovery().incarnations.current();
        Ok(Self {
            stored: progress(incarnation.as_bytes(), history, follower.position())?,
            last: last_place(follower.position()),
            past: Box::new(Places::of(history, follower.position())),
        })
    }
}

/// A member that follows.
#[derive(Debug)]
pub struct Standby {
    follower: Follower,
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
    follower: Follower,
    inputs: mpsc::UnboundedSender<Input>,
    told: mpsc::Receiver<Told>,
    settings: Settings,
    /// The number of its epoch.
    pub epoch: u64,
    /// Every event below this was published.
    pub cursor: Seq,
}

/// What something that was told leads to.
enum Next {
    Follow,
    /// This member owns, and the journal has all units of its store.
    Own,
    Left,
}

/// The ownership that was told last.
#[derive(Debug, Clone, Copy)]
struct Owned {
    epoch: u64,
    cursor: u64,
    /// The journal has all units of the store when it has those before this.
    complete_at: u64,
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
        Self { follower, inputs, told, copies, settings, upkeep }
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
        let mut owned = None;
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let told = tokio::select! {
                told = self.told.recv() => told,
                Some(asker) = self.copies.recv() => {
                    let _ = asker.send(self.follower.backup()?); // who asked may have gone
                    continue;
                }
                _ = pace.tick() => {
                    self.keep_up()?;
                    continue;
                }
            };
            let told = told.ok_or_else(|| pipeline::Error::Journal("its task ended".to_owned()))?;
            match self.take(told, &mut owned)? {
                Next::Follow => {}
                Next::Own => break,
                Next::Left => {
                    self.follower.sync()?;
                    return Ok(None);
                }
            }
        }
        let Some(Owned { epoch, cursor, .. }) = owned else { return Ok(None) };
        let cursor = Seq(cursor).min(self.follower.next_seq());
        self.follower.set_cursor(cursor);
        // what was applied without a sync counts as durable from now on
        if self.settings.sync {
            self.follower.sync()?;
        }
        let Self { follower, inputs, told, settings, .. } = self;
        Ok(Some(Owner { follower, inputs, told, settings, epoch, cursor }))
    }

    fn take(&mut self, told: Told, owned: &mut Option<Owned>) -> Result<Next, pipeline::Error> {
        match told {
            Told::Adopt(Charter { incarnation, .. }) => {
                self.follower.adopt(Uuid::from_bytes(incarnation))?;
            }
            Told::Apply { units, position } => self.apply(units, position)?,
            Told::Own { epoch, next, cursor, lost } => {
                let complete_at = lost.map_or(0, |(_, to)| to);
                *owned = Some(Owned { epoch: epoch.number, cursor, complete_at });
                tracing::info!(
                    epoch = epoch.number,
                    next,
                    cursor,
                    ?lost,
                    "this member owns the journal"
                );
                let Some((from, to)) = lost else { return Ok(Next::Own) };
                let units = units_between(self.follower.history(), Seq(from), Seq(to))?;
                let _ = self.inputs.send(Input::Restore(units)); // a task that ended has told why
            }
            Told::Durable(next) => {
                if owned.is_some_and(|owned| next >= owned.complete_at) {
                    return Ok(Next::Own);
                }
            }
            Told::Left => return Ok(Next::Left),
            Told::Fenced { by, node } => {
                return Err(pipeline::Error::Fenced { epoch: by.number, by: node });
            }
            Told::Refused(refusal) => return Err(pipeline::Error::Refused(refusal)),
            Told::Failed(problem) => return Err(pipeline::Error::Journal(problem)),
        }
        Ok(Next::Follow)
    }

    fn apply(&mut self, units: Vec<Unit>, position: Position) -> Result<(), pipeline::Error> {
        let units = units.into_iter().map(|unit| EncodedUnit::read(unit.bytes));
        let units = units.collect::<Result<Vec<_>, _>>().map_err(|error| match error {
            // a newer build made the unit: to guess would make another store of this one
            store::Error::Version { found, known, .. } if found > known => {
                pipeline::Error::Refused(Refusal::Unreadable(RecordError::Newer { found }))
            }
            error => error.into(),
        })?;
        self.follower.apply(&units, to_place(position))?;
        self.upkeep.unsynced |= !units.is_empty();
        Ok(())
    }

    /// Takes a step of work that nobody waits for.
    fn keep_up(&mut self) -> Result<(), store::Error> {
        let now = Instant::now();
        let upkeep = &mut self.upkeep;
        if upkeep.unsynced && now.duration_since(upkeep.synced) >= SYNC {
            self.follower.sync()?;
            (upkeep.synced, upkeep.unsynced) = (now, false);
        }
        upkeep.checkpoints |=
            now.duration_since(upkeep.checkpointed) >= self.settings.checkpoint_every;
        if upkeep.checkpoints {
            upkeep.checkpoints = self.follower.checkpoint_step()?;
            if !upkeep.checkpoints {
                (upkeep.checkpointed, upkeep.rests_until) = (now, now);
            }
        } else if now >= upkeep.rests_until {
            let published = self.settings.published.load(Ordering::Acquire);
            self.follower.set_cursor(Seq(published.max(1)));
            if !self.follower.keep_house()? {
                upkeep.rests_until = now + REST;
            }
        }
        Ok(())
    }
}

impl Owner {
    /// The store, and the journal that makes its further units durable. `cursor` is what the relay has published, which the
    /// task of the journal reads.
    pub fn into_parts(self, cursor: Arc<AtomicU64>) -> (Opened, Durability) {
        let Self { follower, inputs, told, settings, cursor: published, .. } = self;
        let mut opened = follower.into_opened();
        opened.recovery.cursor = published;
        let owned = OwnedJournal { inputs, told, cursor, sync: settings.sync };
        (opened, Durability::Journal(owned))
    }
}

#[cfg(test)]
mod tests;
