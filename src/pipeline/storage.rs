//! The store thread: makes whatever units wait durable as one group, and takes checkpoints in
//! small steps in between.

use super::Error;
use crate::config::Config;
use crate::metrics::Metrics;
use orderly_actors::clock::{Clock, SystemClock};
use orderly_actors::store::{self, Log, Seq, Unit};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::sync::mpsc;

/// What the core asks of the store thread.
#[derive(Debug)]
pub(super) enum Work {
    /// Make these durable. They follow the last ones.
    Commit(Vec<Arc<Unit>>),
    /// Make a checkpoint of everything, and end.
    Close,
}

/// What the store thread tells the core.
#[derive(Debug)]
pub(super) enum Report {
    /// Every unit before this is durable.
    Durable(Seq),
    /// A checkpoint is complete.
    Checkpoint(Box<store::Report>),
    /// The store failed: this is the last report.
    Failed(store::Error),
    /// Everything is written: this is the last report.
    Closed,
}

/// When to do what nobody asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    checkpoint_bytes: usize,
    checkpoint_every: Duration,
    history_retention: Duration,
}

impl Policy {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            checkpoint_bytes: config.store.checkpoint_bytes.as_usize(),
            checkpoint_every: config.store.checkpoint_every.get(),
            history_retention: config.store.history_retention.get(),
        }
    }
}

/// Units that one group commit takes at most: what waits behind it is the next one.
const MOST_UNITS: usize = 4096;
/// How often the thread looks around while nothing comes.
const IDLE: Duration = Duration::from_millis(200);
/// How often old records are looked for.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// Records that one step of housekeeping drops at most.
const PRUNE_STEP: usize = 64;

pub(super) fn start(
    log: Log,
    cursor: Arc<AtomicU64>,
    policy: Policy,
    metrics: Metrics,
) -> Result<(Sender<Work>, mpsc::UnboundedReceiver<Report>), Error> {
    let (work_in, work) = channel();
    let (report, reports) = mpsc::unbounded_channel();
    let mut storage = Storage {
        log,
        work,
        report,
        cursor,
        policy,
        metrics,
        clock: SystemClock::default(),
        checkpointed: Duration::ZERO,
        tidied: Duration::ZERO,
    };
    std::thread::Builder::new()
        .name("orderly-store".to_owned())
        .spawn(move || storage.run())
        .map_err(|error| Error::Thread(error.to_string()))?;
    Ok((work_in, reports))
}

struct Storage {
    log: Log,
    work: Receiver<Work>,
    report: mpsc::UnboundedSender<Report>,
    cursor: Arc<AtomicU64>,
    policy: Policy,
    metrics: Metrics,
    clock: SystemClock,
    /// When the last checkpoint was complete.
    checkpointed: Duration,
    /// When old records were looked for.
    tidied: Duration,
}

/// What waited in the queue.
#[derive(Default)]
struct Waiting {
    units: Vec<Arc<Unit>>,
    /// Nothing follows.
    closing: bool,
}

impl Storage {
    fn run(&mut self) {
        let last = match self.serve() {
            Ok(()) => Report::Closed,
            Err(error) => Report::Failed(error),
        };
        let _ = self.report.send(last); // the core is gone only when the process ends
    }

    fn serve(&mut self) -> Result<(), store::Error> {
        loop {
            let waiting = self.gather();
            self.log.set_cursor(Seq(self.cursor.load(Ordering::Acquire)));
            if !waiting.units.is_empty() {
                self.commit(&waiting.units)?;
            }
            if waiting.closing {
                let report = self.log.checkpoint()?;
                self.tell(Report::Checkpoint(Box::new(report)));
                return Ok(());
            }
            self.checkpoint(waiting.units.is_empty())?;
        }
    }

    /// Takes whatever waits; waits itself only when there is nothing else to do.
    fn gather(&self) -> Waiting {
        let wait = if self.log.is_checkpointing() { Duration::ZERO } else { IDLE };
        let mut waiting = Waiting::default();
        let mut next = self.work.recv_timeout(wait);
        loop {
            match next {
                Ok(Work::Commit(units)) => waiting.units.extend(units),
                Ok(Work::Close) | Err(RecvTimeoutError::Disconnected) => {
                    waiting.closing = true;
                    return waiting;
                }
                Err(RecvTimeoutError::Timeout) => return waiting,
            }
            if waiting.units.len() >= MOST_UNITS {
                return waiting;
            }
            next = self.work.recv_timeout(Duration::ZERO);
        }
    }

    fn commit(&mut self, units: &[Arc<Unit>]) -> Result<(), store::Error> {
        let start = self.clock.monotonic();
        let committed = self.log.commit(units)?;
        self.metrics.group_commit(units.len(), self.clock.monotonic().saturating_sub(start));
        self.tell(Report::Durable(committed.through));
        Ok(())
    }

    /// Takes a step of a checkpoint that is due or under way, or of housekeeping.
    fn checkpoint(&mut self, idle: bool) -> Result<(), store::Error> {
        let now = self.clock.monotonic();
        let dirty = self.log.dirty_bytes();
        let late = now.saturating_sub(self.checkpointed) >= self.policy.checkpoint_every;
        let due = dirty >= self.policy.checkpoint_bytes || (late && dirty > 0);
        if self.log.is_checkpointing() || due {
            if let Some(report) = self.log.checkpoint_step()? {
                self.checkpointed = now;
                self.tell(Report::Checkpoint(Box::new(report)));
            }
        } else if idle && now.saturating_sub(self.tidied) >= HOUSEKEEPING {
            self.keep_house(now)?;
        }
        Ok(())
    }

    fn keep_house(&mut self, now: Duration) -> Result<(), store::Error> {
        let wall = self.clock.now();
        self.log.sweep(wall.micros())?;
        let oldest = wall.minus(self.policy.history_retention);
        let pruned = self.log.prune(oldest.micros(), PRUNE_STEP)?;
        let more = self.log.tidy()? || pruned.more;
        self.metrics.store_bytes(self.log.stats()?.bytes);
        if !more {
            self.tidied = now;
        }
        Ok(())
    }

    fn tell(&self, report: Report) {
        let _ = self.report.send(report); // the core is gone only when the process ends
    }
}
