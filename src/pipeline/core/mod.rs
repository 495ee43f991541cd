//! The core thread: one loop that takes batches of deliveries through the sequencer, hands the sealed
//! units to the journal, and acknowledges the deliveries when the units are durable.

mod audit;
mod durable;
mod fire;
mod gauges;
mod intake;
mod isolate;
mod notify;
mod parked;
mod questions;
mod stop;
pub(super) mod upgrade;

use super::alone::AloneFile;
use super::handle::{Handle, Question, questions};
use super::journal::{Journal, More, WaitsFor};
use super::local_replies::LocalReplies;
use super::notifier::{Notifier, Outcomes};
use super::outbound::{Confirmed, Outbound, SUSPICIOUS};
use super::pending_acks::{DeliveryRef, Originals, PendingAcks};
use super::relay::RelayHandle;
use super::storage::Report;
use super::timers::{Timers, WallClock};
use super::watchdog::Heartbeat;
use super::workers::{Workers, failpoint, point};
use super::{Condition, Error};
use crate::decode::Decoder;
use crate::degraded::Degraded;
use crate::metrics::Metrics;
use crate::metrics::labels::{CommandType, Stage};
use crate::spans::Tracer;
use orderly_actors::clock::{Clock, SystemClock};
use orderly_actors::owner::Owner;
use orderly_actors::sequencer::{
    FollowUp, InboundMessage, PreviousRun, RetentionCounts, Sealed, Sequencer, Settings, Step,
};
use orderly_actors::supervisor::RestartBudgetExceeded;
use orderly_broker::{Delivery, Intake, Link, Message, Names};
use orderly_domain::id::{CommandId, Source};
use orderly_domain::trace::TraceParent;
use orderly_store::{History, Ordinal, Seq, Unit, View};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// How often the core checks timers, acks and gauges when no message comes.
const TICK: Duration = Duration::from_millis(250);
/// The most units that are handed over at once. They become durable while the core continues.
const GROUP: usize = 64;

/// The limits of the core.
pub(super) struct Limits {
    pub(super) decoder: Decoder,
    /// The number of the partition, where there are several: a command of another one goes on to that one.
    pub(super) partition: Option<u16>,
    pub(super) stall_after: Duration,
    /// While the units that no checkpoint has written take more bytes than this, the core takes no message.
    pub(super) dirty_bytes: usize,
    pub(super) retry_delays: Vec<Duration>,
}

/// What the core thread is started with.
pub(super) struct Parts {
    pub(super) workers: Workers,
    pub(super) view: View,
    pub(super) history: History,
    pub(super) settings: Settings,
    pub(super) limits: Limits,
    pub(super) names: Names,
    pub(super) link: Link,
    pub(super) local_replies: LocalReplies,
    pub(super) journal: Box<dyn Journal>,
    pub(super) reports: mpsc::UnboundedReceiver<Report>,
    pub(super) relay: RelayHandle,
    pub(super) notifier: Notifier,
    pub(super) outcomes: mpsc::Receiver<Outcomes>,
    pub(super) condition: watch::Sender<Condition>,
    pub(super) heartbeat: Heartbeat,
    pub(super) alone: AloneFile,
    pub(super) clock_is_trusted: Arc<AtomicBool>,
    pub(super) tracer: Tracer,
    pub(super) degraded: Degraded,
    pub(super) metrics: Metrics,
}

pub(super) fn start(parts: Parts) -> Result<(Handle, oneshot::Receiver<Result<(), Error>>), Error> {
    let (handle, questions, actors) = questions();
    let (done, ended) = oneshot::channel();
    parts.workers.clone().thread("core", move || {
        let result = actix_rt::System::new().block_on(async move {
            let mut core = Core::new(parts);
            let _ = actors.set(core.sequencer.owners().stats().to_vec()); // set here only
            core.run(questions).await
        });
        let _ = done.send(result); // the process is ending
        Ok(())
    })?;
    Ok((handle, ended))
}

struct Core {
    sequencer: Sequencer,
    decoder: Decoder,
    link: Link,
    history: History,
    journal: Box<dyn Journal>,
    reports: mpsc::UnboundedReceiver<Report>,
    outcomes: mpsc::Receiver<Outcomes>,
    failures: mpsc::UnboundedReceiver<RestartBudgetExceeded>,
    pending_acks: PendingAcks,
    outbound: Outbound,
    notifier: Notifier,
    /// Every unit before this is durable.
    durable: Seq,
    timers: Timers,
    /// Sealed units that were not handed to the journal yet.
    group: Vec<Arc<Unit>>,
    limits: Limits,
    condition: watch::Sender<Condition>,
    heartbeat: Heartbeat,
    alone: AloneFile,
    /// Whether the wall clock has not stepped. The store thread reads it before it drops old data.
    clock_is_trusted: Arc<AtomicBool>,
    tracer: Tracer,
    degraded: Degraded,
    metrics: Metrics,
    clock: SystemClock,
    /// How the previous process ended.
    previous_run: PreviousRun,
    /// Whether the driver of the broker has reported that it delivers no messages for now.
    no_deliveries: bool,
    pause: intake::Pause,
    /// The restarts of each actor that the metric has counted.
    counted_restarts: Vec<u64>,
    /// The counts of retention in the last log line, and the time of that line.
    logged_retention: (RetentionCounts, Duration),
    askers: audit::Askers,
    /// Orders whose deliveries are queued as soon as there is room: what found no place, and at the start what may have been
    /// in hand when the process ended.
    unqueued: BTreeSet<Ordinal>,
}

/// What woke the loop.
enum Wake {
    Report(Report),
    Failure(RestartBudgetExceeded),
    Question(Option<Question>),
    Confirmed(Confirmed),
    Outcomes(Outcomes),
    Intake(Option<Intake>),
    Tick,
    /// No other event is ready: there is time for audits, and for deliveries that found no place.
    Idle,
}

impl Core {
    fn new(parts: Parts) -> Self {
        let clock = SystemClock::default();
        let (failures_in, failures) = mpsc::unbounded_channel();
        let timers = Timers::new(&clock);
        let sequencer = Sequencer::start(
            parts.view,
            parts.settings,
            Box::new(SystemClock::default()),
            &failures_in,
        );
        let outbound = Outbound::new(
            &parts.workers,
            parts.link.publisher.clone(),
            parts.names,
            &parts.limits.retry_delays,
            parts.local_replies,
            &parts.degraded,
            parts.metrics.clone(),
        );
        let (acks, tracer) = (parts.link.acks.clone(), parts.tracer.clone());
        let (of, metrics) = (parts.limits.partition, parts.metrics.clone());
        let pending_acks = PendingAcks::new(acks, parts.relay, of, metrics, tracer);
        Self {
            sequencer,
            decoder: parts.limits.decoder,
            link: parts.link,
            history: parts.history,
            journal: parts.journal,
            reports: parts.reports,
            outcomes: parts.outcomes,
            failures,
            pending_acks,
            outbound,
            notifier: parts.notifier,
            durable: Seq(0),
            timers,
            group: Vec::with_capacity(GROUP),
            limits: parts.limits,
            condition: parts.condition,
            heartbeat: parts.heartbeat,
            alone: parts.alone,
            clock_is_trusted: parts.clock_is_trusted,
            tracer: parts.tracer,
            degraded: parts.degraded,
            metrics: parts.metrics,
            clock,
            previous_run: PreviousRun::Clean,
            no_deliveries: true,
            pause: intake::Pause::default(),
            counted_restarts: vec![0; Owner::ALL.len()],
            logged_retention: (RetentionCounts::default(), Duration::ZERO),
            askers: audit::Askers::default(),
            unqueued: BTreeSet::new(),
        }
    }

    async fn run(&mut self, mut questions: mpsc::Receiver<Question>) -> Result<(), Error> {
        self.begin().await?;
        self.unqueued = self.sequencer.orders_to_notify(notify::INTERRUPTED_WITHIN)?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let takes_messages = self.takes_messages();
            let token = self.notifier.pause(self.clock.monotonic());
            let wake = tokio::select! {
                biased;
                Some(report) = self.reports.recv() => Wake::Report(report),
                Some(spent) = self.failures.recv() => Wake::Failure(spent),
                question = questions.recv() => Wake::Question(question),
                Some(confirmed) = self.outbound.confirmed.recv() => Wake::Confirmed(confirmed),
                Some(outcomes) = self.outcomes.recv() => Wake::Outcomes(outcomes),
                _ = tick.tick() => Wake::Tick,
                () = tokio::time::sleep(token.unwrap_or_default()), if token.is_some() => {
                    self.notifier.pump(self.moment());
                    continue;
                }
                intake = self.link.intake.recv(), if takes_messages => Wake::Intake(intake),
                // `yield_now` is not ready at once: so the runtime can run its timers between two slices
                () = tokio::task::yield_now(), if self.askers.under_way() || self.has_unqueued() => Wake::Idle,
            };
            self.heartbeat.beat();
            match wake {
                Wake::Report(report) => self.report(report).await?,
                Wake::Failure(spent) => return Err(spent.into()),
                Wake::Question(Some(Question::Stop { grace })) => return self.stop(grace).await,
                Wake::Question(Some(question)) => self.answer(question).await?,
                // every handle was dropped: the process is ending
                Wake::Question(None) => return self.stop(Duration::ZERO).await,
                Wake::Confirmed(confirmed) => self.confirmed(confirmed).await?,
                Wake::Outcomes(outcomes) => self.notified(outcomes).await?,
                Wake::Intake(Some(intake)) => self.intake(intake).await?,
                Wake::Intake(None) => return Err(self.driver_ended()),
                Wake::Tick => self.tick().await?,
                Wake::Idle => {}
            }
            self.queue_more().await?;
            self.hand_over(self.more_deliveries());
            self.pending_acks.acknowledge(self.clock.monotonic());
            point("acknowledged");
            self.audit();
        }
    }

    /// Memory is bounded: while the checkpoints are far behind, the core takes no message.
    fn takes_messages(&self) -> bool {
        self.sequencer.view().borrow().dirty_bytes() < self.limits.dirty_bytes
    }

    async fn batch(&mut self, batch: Vec<Delivery>) -> Result<(), Error> {
        let received = self.clock.monotonic();
        self.timers.consumed(batch.len() as u64);
        if let Some(last) = batch.last() {
            self.pending_acks.delivered(last.generation, last.tag);
        }
        let mut batch = batch.into_iter();
        while let Some(delivery) = batch.next() {
            let suspicious = delivery.message.properties.delivery_count >= SUSPICIOUS;
            if self.previous_run == PreviousRun::Died && suspicious {
                self.isolate(delivery, received).await?;
            } else {
                self.deliver(delivery, received).await?;
            }
            if self.group.len() >= GROUP {
                let more = if batch.len() > 0 { More::InHand } else { self.more_deliveries() };
                self.hand_over(more);
                while let Ok(report) = self.reports.try_recv() {
                    self.report(report).await?;
                }
            }
        }
        Ok(())
    }

    async fn deliver(&mut self, delivery: Delivery, received: Duration) -> Result<(), Error> {
        self.heartbeat.beat();
        let mut inbound = self.decoder.decode(&delivery.message);
        point("decoded");
        if let Some(other) = self.belongs_elsewhere(&inbound) {
            let delivery_ref = DeliveryRef::new(&delivery, received, None);
            self.outbound.forward(other, &delivery_ref, &delivery.message);
            return Ok(());
        }
        let mut trace = self.tracer.delivered(&mut inbound.trace, &delivery);
        let began = self.clock.monotonic();
        let step = self.sequencer.run(&inbound).await?;
        let decided = self.clock.monotonic();
        self.metrics.command_duration(Stage::Wait, began.saturating_sub(received), 1);
        self.metrics.command_duration(Stage::Decide, decided.saturating_sub(began), 1);
        if let Some(trace) = &mut trace {
            trace.went(received, began, decided);
        }
        let delivery_ref = DeliveryRef::new(&delivery, received, trace);
        match step {
            Step::Sealed(sealed) => {
                self.sealed(*sealed, Some((delivery_ref, delivery.message))).await
            }
            Step::Failed { problem } => {
                self.failed(delivery_ref, delivery.message, inbound, problem).await
            }
            Step::DeadLetter(letter) => {
                self.outbound.dead_letter_callback(letter);
                Ok(())
            }
        }
    }

    /// The partition that a message belongs to, if it is another one.
    fn belongs_elsewhere(&self, inbound: &InboundMessage) -> Option<u16> {
        let own = self.limits.partition?;
        Some(self.decoder.partition_of(inbound)).filter(|number| *number != own)
    }

    /// Retries a command that failed through a wait queue, or parks it after the last retry.
    async fn failed(
        &mut self,
        delivery_ref: DeliveryRef,
        message: Message,
        inbound: InboundMessage,
        problem: String,
    ) -> Result<(), Error> {
        let kind = CommandType::from(&inbound.kind);
        tracing::error!(
            kind = kind.as_str(),
            source = inbound.source.as_ref().map(Source::as_str),
            id = inbound.id.as_ref().map(CommandId::as_str),
            attempts = inbound.attempts + 1,
            trace_id = inbound.trace.map(TraceParent::trace_id_text),
            problem,
            "command failed"
        );
        if self.outbound.retry(&delivery_ref, &message) {
            self.metrics.retry(kind);
            if let Some(trace) = delivery_ref.trace() {
                self.tracer.failed(trace, kind, &problem, self.clock.monotonic());
            }
            return Ok(());
        }
        let sealed = self.sequencer.park_failed(&inbound, problem).await?;
        self.sealed(sealed, Some((delivery_ref, message))).await
    }

    /// Queues a sealed unit for the store thread, and runs the steps that follow the unit at once.
    async fn sealed(
        &mut self,
        sealed: Sealed,
        cause: Option<(DeliveryRef, Message)>,
    ) -> Result<(), Error> {
        let mut follow_ups = VecDeque::new();
        let mut next = Some((sealed, cause));
        while let Some((sealed, cause)) = next {
            self.group.push(Arc::clone(&sealed.unit));
            point("sealed");
            for follow_up in &sealed.follow_ups {
                if let FollowUp::RunWaiting(order) = *follow_up
                    && let Some(step) = self.sequencer.run_waiting(order).await?
                {
                    match step {
                        Step::Sealed(next) => follow_ups.push_back((*next, None)),
                        Step::DeadLetter(letter) => self.outbound.dead_letter_callback(letter),
                        // the timer of the callback retries it
                        Step::Failed { problem } => {
                            tracing::error!(
                                problem,
                                "applying a waiting callback failed: it will be retried"
                            );
                        }
                    }
                }
            }
            let now = self.clock.monotonic();
            let originals = Originals { view: self.sequencer.view() };
            self.pending_acks.sealed(sealed, cause, &originals, now);
            next = follow_ups.pop_front();
        }
        Ok(())
    }

    /// The broker has confirmed a retry or a dead letter: its delivery is acknowledged, or its callback stops waiting.
    async fn confirmed(&mut self, confirmed: Confirmed) -> Result<(), Error> {
        let letter = match confirmed {
            Confirmed::Delivery(delivery_ref) => {
                self.pending_acks.settled(&delivery_ref, self.clock.monotonic());
                return Ok(());
            }
            Confirmed::Callback(letter) => letter,
        };
        self.outbound.callback_settled(letter.order);
        match self.sequencer.dead_lettered(&letter).await? {
            Some(Step::Sealed(sealed)) => self.sealed(*sealed, None).await,
            Some(Step::DeadLetter(next)) => {
                self.outbound.dead_letter_callback(next);
                Ok(())
            }
            Some(Step::Failed { problem }) => {
                tracing::error!(
                    problem,
                    "a dead-lettered callback could not be removed: it is tried again"
                );
                Ok(()) // its timer tries it again
            }
            None => Ok(()),
        }
    }

    /// The error that explains why there are no deliveries any more.
    fn driver_ended(&self) -> Error {
        Error::of_driver(&self.link.status)
    }

    /// Whether deliveries wait for the core.
    fn more_deliveries(&self) -> More {
        if self.link.intake.is_empty() { More::Nothing } else { More::InHand }
    }

    /// Hands the sealed units to the journal.
    fn hand_over(&mut self, more: More) {
        if !self.group.is_empty() {
            let group = std::mem::replace(&mut self.group, Vec::with_capacity(GROUP));
            self.journal.commit(group, more);
        }
    }

    async fn tick(&mut self) -> Result<(), Error> {
        let now = self.clock.monotonic();
        failpoint("core");
        let wall = self.timers.wall_clock(self.sequencer.stamped(), &self.clock);
        let clock_is_off = wall == WallClock::Off;
        self.clock_is_trusted.store(!clock_is_off, Ordering::Relaxed);
        let stalled = self.pending_acks.stalled(now, self.limits.stall_after);
        let stands_still = self.stands_still(now);
        let journal_stands_still = stands_still == Some(WaitsFor::Journal);
        self.condition.send_if_modified(|condition| {
            let next = Condition { clock_is_off, stalled, journal_stands_still, ..*condition };
            let modified = next != *condition;
            *condition = next;
            modified
        });
        if let Some(cause @ WaitsFor::Disk) = stands_still {
            return Err(self.stalled(cause));
        }
        if self.timers.may_fire(now) && wall == WallClock::Right {
            self.fire_timers().await?;
        }
        self.sequencer.view().borrow_mut().trim();
        self.notifier.pump(self.moment());
        self.set_gauges();
        self.log_retention(now);
        Ok(())
    }
}
