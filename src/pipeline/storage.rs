//! The store thread: makes all units that wait durable as one group, and takes checkpoints in
//! small steps in between.

use super::Error;
use super::journal::More;
use super::timers::StepDetector;
use super::workers::{Workers, failpoint, point};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::metrics::labels::Upkeep;
use orderly_actors::clock::{Clock, SystemClock};
use orderly_store::{self as store, EncodedUnit, Log, Position, Seq, Unit, backup};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// What the core asks of the store thread.
#[derive(Debug)]
pub(super) enum Work {
    /// Make these units durable. They follow the units that were sent before.
    Commit { units: Vec<Arc<Unit>>, more: More },
    /// Append these units, which the shared journal has accepted, with the position behind them. They follow the units that
    /// were sent before.
    Append { units: Vec<EncodedUnit>, position: Position },
    /// The shared journal has every unit before this: report it as durable when the store has these units.
    Durable(Seq),
    /// Begin a backup. It has at least the units that were sent before.
    Backup(oneshot::Sender<backup::Source>),
    /// Make a checkpoint of all units, and end.
    Close,
}

/// What the store thread tells the core.
#[derive(Debug)]
pub(super) enum Report {
    /// Every unit before this is durable.
    Durable(Seq),
    /// A checkpoint is complete.
    Checkpoint(Box<store::Report>),
    /// Another member owns the journal: nothing that is not durable may leave any trace. This is the last report.
    Fenced { epoch: u64, by: String },
    /// The journal cannot be gone on with: this is the last report.
    Refused(orderly_journal::Refusal),
    /// The store failed: this is the last report.
    Failed(store::Error),
    /// All units are in a checkpoint: this is the last report.
    Closed,
}

/// When the store thread does its own work: checkpoints, and dropping old data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    checkpoint_bytes: usize,
    checkpoint_every: Duration,
    history_retention: Duration,
    appends: SyncPolicy,
}

/// When units that a shared journal has accepted are synced. (Commits are always synced at once.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SyncPolicy {
    /// Before they count as durable: acks promise a disk, too.
    AtOnce,
    /// [`LAZY_SYNC`] later.
    Later,
}

impl Policy {
    pub(super) fn new(config: &Config, appends: SyncPolicy) -> Self {
        Self {
            checkpoint_bytes: config.store.checkpoint_bytes.as_usize(),
            checkpoint_every: config.store.checkpoint_every.get(),
            history_retention: config.store.history_retention.get(),
            appends,
        }
    }
}

/// The most units of one group commit. Further units are in the next group.
const MOST_UNITS: usize = 4096;
/// The time from the begin of one group to the begin of the next, while the core has more deliveries in hand than it can
/// process. A write and a flush cost as much for a few units as for hundreds (sled wakes seven threads for each), and so do the
/// acknowledgements and the publishes that follow them.
const GATHER: Duration = Duration::from_millis(20);
/// The same for units that a shared journal has accepted, after a group of at least [`LARGE`].
const GATHER_ACCEPTED: Duration = Duration::from_millis(5);
/// After so many units that a shared journal has accepted more are sure to come.
const LARGE: usize = 48;
/// A group of so many units does not wait for more.
const ENOUGH: usize = 512;
/// How long units that a shared journal has accepted may wait for a sync.
const LAZY_SYNC: Duration = Duration::from_secs(1);
/// How often the thread checks for work of its own while the core sends none.
const IDLE: Duration = Duration::from_millis(200);
/// The pause between two searches for old data.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// The least pause between two steps of housekeeping while units come: each step delays the next group by some
/// milliseconds.
const PACE: Duration = Duration::from_millis(25);
/// The most journal records that one step of housekeeping removes.
const PRUNE_STEP: usize = 64;

pub(super) fn start(
    workers: &Workers,
    log: Log,
    cursor: Arc<AtomicU64>,
    clock_is_trusted: Arc<AtomicBool>,
    policy: Policy,
    metrics: Metrics,
    report: mpsc::UnboundedSender<Report>,
) -> Result<Sender<Work>, Error> {
    let (work_in, work) = channel();
    let clock = SystemClock::default();
    let mut storage = Storage {
        log,
        work,
        report,
        cursor,
        clock_is_trusted,
        policy,
        metrics,
        steps: StepDetector::new(&clock),
        clock,
        checkpointed: Duration::ZERO,
        next_group: Duration::ZERO,
        unsynced: None,
        house: Housekeeping::default(),
    };
    workers.thread("store", move || {
        storage.run();
        Ok(()) // the last report says how the thread ended
    })?;
    Ok(work_in)
}

struct Storage<C> {
    log: Log,
    work: Receiver<Work>,
    report: mpsc::UnboundedSender<Report>,
    cursor: Arc<AtomicU64>,
    /// Whether the core has compared the clocks, and the wall clock had not stepped.
    clock_is_trusted: Arc<AtomicBool>,
    policy: Policy,
    metrics: Metrics,
    clock: C,
    /// Compares the clocks on this thread: the core does so only at every tick.
    steps: StepDetector,
    /// When the last checkpoint was complete.
    checkpointed: Duration,
    /// When the next group begins at the earliest, unless it has enough units before, or nothing more follows.
    next_group: Duration,
    /// Since when appended units wait for a sync.
    unsynced: Option<Duration>,
    house: Housekeeping,
}

/// The state of housekeeping: work that nobody waits for, done in small steps also under constant load.
#[derive(Default)]
struct Housekeeping {
    /// When the last search ended; `None` while there may be more to do.
    rests_since: Option<Duration>,
    /// When the last step was taken.
    stepped: Duration,
    /// Identities that were dropped since the last rest.
    identities: u64,
    /// Records of the journal that were dropped since the last rest.
    records: usize,
}

impl Housekeeping {
    fn is_due(&self, now: Duration, idle: bool) -> bool {
        let rests = self.rests_since.is_some_and(|since| now.saturating_sub(since) < HOUSEKEEPING);
        !rests && (idle || now.saturating_sub(self.stepped) >= PACE)
    }

    /// Ends a search, and logs what was dropped in it.
    fn rest(&mut self, now: Duration) {
        if self.identities > 0 || self.records > 0 {
            let (identities, records) = (self.identities, self.records);
            tracing::info!(identities, records, "deleted old identities and journal records");
        }
        *self = Self { rests_since: Some(now), stepped: now, ..Self::default() };
    }
}

/// Whether the thread goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Continue,
    Stop,
}

/// The work that waited in the queue.
#[derive(Default)]
struct Waiting {
    units: Vec<Arc<Unit>>,
    /// What follows the units.
    more: More,
    /// What the shared journal has accepted, record by record.
    appends: Vec<(Vec<EncodedUnit>, Position)>,
    /// The shared journal has every unit before this.
    durable: Option<Seq>,
    backups: Vec<oneshot::Sender<backup::Source>>,
    /// The core asked for the end: nothing follows.
    closing: bool,
}

impl Waiting {
    /// Takes a piece of work.
    fn take(&mut self, work: Work) {
        match work {
            Work::Commit { units, more } => {
                self.units.extend(units);
                self.more = more;
            }
            Work::Append { units, position } => self.appends.push((units, position)),
            Work::Durable(next) => self.durable = Some(next),
            Work::Backup(asker) => self.backups.push(asker),
            Work::Close => self.closing = true,
        }
    }

    /// Whether nothing more is known to follow the units, so that they need not wait.
    fn is_urgent(&self) -> bool {
        !self.units.is_empty() && self.more == More::Nothing
    }

    /// The number of units.
    fn count(&self) -> usize {
        self.units.len() + self.appends.iter().map(|(units, _)| units.len()).sum::<usize>()
    }
}

impl<C: Clock> Storage<C> {
    fn run(&mut self) {
        let last = match self.serve() {
            Ok(()) => Report::Closed,
            Err(error) => Report::Failed(error),
        };
        let _ = self.report.send(last); // the core ends only with the process
    }

    fn serve(&mut self) -> Result<(), store::Error> {
        while self.serve_next()? == Next::Continue {}
        Ok(())
    }

    /// Commits the units that wait, then takes at most one step of housekeeping and one of a checkpoint.
    fn serve_next(&mut self) -> Result<Next, store::Error> {
        let is_early = self.log.is_checkpointing() && self.clock.monotonic() < self.next_group;
        let waiting = if is_early { Waiting::default() } else { self.gather() };
        failpoint("store");
        self.log.set_cursor(Seq(self.cursor.load(Ordering::Acquire)));
        if !waiting.units.is_empty() {
            self.commit(&waiting)?;
        }
        if !waiting.appends.is_empty() {
            self.append(&waiting)?;
        }
        if let Some(next) = waiting.durable {
            self.tell(Report::Durable(next));
        }
        self.sync_late()?;
        let was_idle = waiting.count() == 0 && !is_early;
        for asker in waiting.backups {
            let source = self.log.backup()?;
            let _ = asker.send(source); // the caller may have gone
        }
        if waiting.closing {
            let report = self.log.checkpoint()?;
            self.tell(Report::Checkpoint(Box::new(report)));
            return Ok(Next::Stop);
        }
        // before a checkpoint begins: segments are merged only between two checkpoints
        let now = self.clock.monotonic();
        if self.house.is_due(now, was_idle) {
            self.keep_house(now)?;
        }
        self.checkpoint()?;
        Ok(Next::Continue)
    }

    /// Takes all work that waits. Waits for work only while no checkpoint is under way, and under load for enough of it.
    fn gather(&self) -> Waiting {
        let wait = if self.log.is_checkpointing() { Duration::ZERO } else { IDLE };
        let mut waiting = Waiting::default();
        let mut next = self.work.recv_timeout(wait);
        loop {
            match next {
                Ok(work) => waiting.take(work),
                Err(RecvTimeoutError::Disconnected) => waiting.closing = true,
                Err(RecvTimeoutError::Timeout) => return waiting,
            }
            let count = waiting.count();
            if waiting.closing || count >= MOST_UNITS {
                return waiting;
            }
            let is_enough = count >= ENOUGH || waiting.is_urgent() || !waiting.backups.is_empty();
            let wait = if is_enough {
                Duration::ZERO
            } else {
                self.next_group.saturating_sub(self.clock.monotonic())
            };
            next = self.work.recv_timeout(wait);
        }
    }

    fn commit(&mut self, Waiting { units, more, .. }: &Waiting) -> Result<(), store::Error> {
        let start = self.clock.monotonic();
        self.next_group = match more {
            More::InHand => start + GATHER,
            More::Nothing => Duration::ZERO,
        };
        point("commit");
        let committed = self.log.commit(units)?;
        point("committed");
        self.metrics.group_commit(units.len(), self.clock.monotonic().saturating_sub(start));
        self.tell(Report::Durable(committed.through));
        Ok(())
    }

    /// Appends what the shared journal has accepted, as one group.
    fn append(&mut self, waiting: &Waiting) -> Result<(), store::Error> {
        let start = self.clock.monotonic();
        let is_large = waiting.count() >= LARGE;
        self.next_group = if is_large { start + GATHER_ACCEPTED } else { Duration::ZERO };
        point("commit");
        for (units, position) in &waiting.appends {
            self.log.append(units, Some(*position))?;
        }
        if waiting.count() == 0 {
            return Ok(()); // a new position alone is kept by the next checkpoint
        }
        match self.policy.appends {
            SyncPolicy::AtOnce => drop(self.log.sync()?),
            SyncPolicy::Later => {
                self.log.reveal();
                self.unsynced.get_or_insert(start);
            }
        }
        point("committed");
        let took = self.clock.monotonic().saturating_sub(start);
        self.metrics.group_commit(waiting.count(), took);
        Ok(())
    }

    /// Syncs appended units that have waited for it.
    fn sync_late(&mut self) -> Result<(), store::Error> {
        let now = self.clock.monotonic();
        if self.unsynced.is_some_and(|since| now.saturating_sub(since) >= LAZY_SYNC) {
            self.log.sync()?;
            self.unsynced = None;
        }
        Ok(())
    }

    /// Takes a step of a checkpoint that is due or under way.
    fn checkpoint(&mut self) -> Result<(), store::Error> {
        let now = self.clock.monotonic();
        let dirty = self.log.dirty_bytes();
        let late = now.saturating_sub(self.checkpointed) >= self.policy.checkpoint_every;
        let has_more = dirty > 0 || self.log.has_new_position();
        let due = dirty >= self.policy.checkpoint_bytes || (late && has_more);
        if !self.log.is_checkpointing() && !due {
            return Ok(());
        }
        let report = self.log.checkpoint_step()?;
        self.worked(Upkeep::Checkpoint, now);
        point("checkpoint");
        if let Some(report) = report {
            point("checkpointed");
            self.checkpointed = now;
            self.house.rests_since = None; // the checkpoint left segments to merge and to remove
            self.tell(Report::Checkpoint(Box::new(report)));
        }
        Ok(())
    }

    /// Takes a step of housekeeping, which keeps the store small.
    fn keep_house(&mut self, now: Duration) -> Result<(), store::Error> {
        self.house.stepped = now;
        let wall = self.clock.now();
        let mut more = false;
        // after a step forward of the clock, new data would look old
        let stepped = self.steps.has_stepped(&self.clock);
        if self.clock_is_trusted.load(Ordering::Relaxed) && !stepped {
            self.house.identities += self.log.expire_identities(wall.micros())?;
            let oldest = wall.minus(self.policy.history_retention);
            let pruned = self.log.prune(oldest.micros(), PRUNE_STEP)?;
            self.house.records += pruned.records;
            more = pruned.more;
            self.worked(Upkeep::Expire, now);
        }
        let merging = self.clock.monotonic();
        let merged = self.log.compact()?;
        self.worked(Upkeep::Merge, merging);
        if merged {
            point("merge");
        }
        self.house.rests_since = None;
        // nothing is merged while a checkpoint is under way, so there may be more to do after it
        if !merged && !more && !self.log.is_checkpointing() {
            self.metrics.store_bytes(self.log.stats()?.bytes);
            self.house.rest(now);
        }
        Ok(())
    }

    /// Records a step that began at this time.
    fn worked(&self, work: Upkeep, since: Duration) {
        self.metrics.store_work(work, self.clock.monotonic().saturating_sub(since));
    }

    fn tell(&self, report: Report) {
        let _ = self.report.send(report); // the core ends only with the process
    }
}

#[cfg(test)]
mod tests;
