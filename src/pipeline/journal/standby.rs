//! The shared journal: units are durable when the journal has accepted them and the store has them.
//!
//! The core's units go to the task of the journal. What that accepts goes to the store thread, which reports it as durable.
//! So nothing that a unit causes leaves the process before this member has read the unit back, in front of any other
//! owner.

use super::super::Error;
use super::super::storage::{Report, Work};
use super::{Journal, More, WaitsFor};
use crate::journal::{Input, Told};
use orderly_member::given::{Given, accepted};
use orderly_member::place::{to_place, units_between};
use orderly_store::{self as store, EncodedUnit, History, Seq, Unit, backup};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

/// How long the owner waits, when it leaves, until it has read back that it leaves. If it does not, the others notice its
/// silence.
const LEAVE: Duration = Duration::from_secs(2);
/// The pause between two looks whether the store has what it was given.
const LOOK: Duration = Duration::from_millis(5);

/// The units that were given to the journal and not accepted yet.
#[derive(Debug, Clone)]
struct UnderWay(Arc<Mutex<Units>>);

#[derive(Debug)]
struct Units {
    units: Given,
    /// When the journal accepted units for the last time.
    accepted: Instant,
}

impl UnderWay {
    fn new() -> Self {
        let units = Units { units: Given::default(), accepted: Instant::now() };
        Self(Arc::new(Mutex::new(units)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Units) -> T) -> T {
        // nothing that is done with the lock held can panic
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, given: &[Arc<Unit>]) {
        self.with(|all| all.units.add(given));
    }

    /// What does not answer: the journal, as long as it has units, and then the disk, which has `limit` from there.
    fn stands_still(&self, limit: Duration) -> Option<WaitsFor> {
        self.with(|all| {
            let is_recent = all.accepted.elapsed() < limit;
            match all.units.is_empty() {
                _ if is_recent => None,
                true => Some(WaitsFor::Disk),
                false => Some(WaitsFor::Journal),
            }
        })
    }

    /// Takes the unit at `seq`, if it is an own one, and drops those before.
    fn take(&self, seq: Seq) -> Option<Arc<Unit>> {
        self.with(|all| {
            all.accepted = Instant::now();
            all.units.take(seq)
        })
    }
}

/// The core's end of the shared journal.
#[derive(Debug)]
pub(in crate::pipeline) struct Standby {
    inputs: mpsc::UnboundedSender<Input>,
    under_way: UnderWay,
    work: Sender<Work>,
    closing: Arc<Notify>,
}

impl Journal for Standby {
    // a task or a thread that has ended takes nothing more, and the process is ending
    fn commit(&mut self, units: Vec<Arc<Unit>>, _: More) {
        self.under_way.add(&units);
        let _ = self.inputs.send(Input::Units(units));
    }

    fn back_up(&mut self, answer: oneshot::Sender<backup::Source>) {
        let _ = self.work.send(Work::Backup(answer));
    }

    fn set_paused(&mut self, paused: bool) -> oneshot::Receiver<()> {
        let (known, told) = oneshot::channel();
        let _ = self.inputs.send(Input::Pause { paused, known });
        told
    }

    fn close(&mut self) {
        let _ = self.inputs.send(Input::Leave);
        self.closing.notify_one();
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn stands_still(&self, limit: Duration) -> Option<WaitsFor> {
        self.under_way.stands_still(limit)
    }
}

/// Carries what the journal tells to the store thread and to the core.
#[derive(Debug)]
pub(in crate::pipeline) struct Carrier {
    told: mpsc::Receiver<Told>,
    inputs: mpsc::UnboundedSender<Input>,
    under_way: UnderWay,
    work: Sender<Work>,
    reports: mpsc::UnboundedSender<Report>,
    history: History,
    closing: Arc<Notify>,
}

/// Whether the carrier goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Continue,
    Stop,
}

impl Standby {
    /// The core's end of a journal that this member owns, and the carrier to run beside it. `work` leads to the store
    /// thread, and `reports` to the core.
    pub(in crate::pipeline) fn new(
        inputs: mpsc::UnboundedSender<Input>,
        told: mpsc::Receiver<Told>,
        work: Sender<Work>,
        reports: mpsc::UnboundedSender<Report>,
        history: History,
    ) -> (Self, Carrier) {
        let (under_way, closing) = (UnderWay::new(), Arc::<Notify>::default());
        let standby = Self {
            inputs: inputs.clone(),
            under_way: under_way.clone(),
            work: work.clone(),
            closing: Arc::clone(&closing),
        };
        (standby, Carrier { told, inputs, under_way, work, reports, history, closing })
    }
}

impl Carrier {
    /// Carries until the journal tells the end, or until leaving takes too long.
    pub(in crate::pipeline) async fn run(mut self) -> Result<(), Error> {
        let closing = Arc::clone(&self.closing);
        let mut asked = std::pin::pin!(closing.notified());
        let mut left_by: Option<Instant> = None;
        loop {
            let told = tokio::select! {
                biased;
                told = self.told.recv() => told,
                () = &mut asked, if left_by.is_none() => {
                    left_by = Some(Instant::now() + LEAVE);
                    continue;
                }
                () = until(left_by) => {
                    tracing::warn!("the journal does not take that this member leaves");
                    Some(Told::Left)
                }
            };
            let told = told.ok_or_else(|| Error::Journal("its task ended".to_owned()))?;
            if self.take(told).await? == Next::Stop {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, told: Told) -> Result<Next, Error> {
        match told {
            Told::Apply { units, position } => {
                let position = to_place(position);
                let units = self.encoded(units, position.next)?;
                self.work(Work::Append { units, position });
            }
            Told::Durable(next) => self.work(Work::Durable(Seq(next))),
            Told::Own { epoch, lost, .. } => {
                tracing::warn!(epoch = epoch.number, ?lost, "this member owns the journal anew");
                if let Some((from, to)) = lost {
                    self.restore(Seq(from), Seq(to)).await?;
                }
            }
            // directly to the core: what the store thread would still report does not matter any more
            Told::Fenced { by, node } => {
                self.report(Report::Fenced { epoch: by.number, by: node });
                return Ok(Next::Stop);
            }
            Told::Refused(refusal) => {
                self.report(Report::Refused(refusal));
                return Ok(Next::Stop);
            }
            Told::Left => {
                self.work(Work::Close);
                return Ok(Next::Stop);
            }
            Told::Failed(problem) => return Err(Error::Journal(problem)),
            Told::Adopt(_) => {
                let problem = "it asks an owner to take another incarnation";
                return Err(Error::Journal(problem.to_owned()));
            }
        }
        Ok(Next::Continue)
    }

    /// The accepted units that end before `next`: the own ones as they were given, others decoded.
    fn encoded(
        &self,
        units: Vec<orderly_journal::Unit>,
        next: Seq,
    ) -> Result<Vec<EncodedUnit>, store::Error> {
        accepted(units, next, |seq| self.under_way.take(seq))
    }

    /// Gives the journal again what it lost. The store has it, or gets it now.
    async fn restore(&self, from: Seq, to: Seq) -> Result<(), Error> {
        while self.history.durable() < to {
            sleep(LOOK).await;
        }
        let history = self.history.clone();
        let reading = tokio::task::spawn_blocking(move || units_between(&history, from, to));
        let units = reading.await.map_err(|panicked| Error::Thread(panicked.to_string()))??;
        let _ = self.inputs.send(Input::Restore(units)); // a task that ended has told why
        Ok(())
    }

    // the store thread and the core end only with the process
    fn work(&self, work: Work) {
        let _ = self.work.send(work);
    }

    fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
