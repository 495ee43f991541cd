//! The relay: publishes the events of durable units, in order, waits for their confirms, and keeps a cursor.
//!
//! Invariant: the cursor never passes an event that must be published and is not confirmed. The next group commit
//! stores the cursor. After a crash the events from the stored cursor on are published again, with the same ids. The
//! journal is the outbox: the relay reads units from the journal that the core left out because the relay was late, and
//! units that a failed publish must repeat. It reads no others: units are durable a moment before the core hands them
//! over, and the relay waits for them.
//!
//! When the broker does not take charge of an event, the relay goes back to the cursor, and publishes only what was not
//! confirmed: first one event alone, as [`Pace`] says.

mod feed;
mod marks;
mod shown;

pub(super) use self::feed::RelayHandle;
use self::feed::{FeedState, HANDED_OVER, NONE};
use self::marks::Marks;
use super::Error;
use super::pace::{Pace, Report};
use super::workers::{Workers, failpoint, point};
use crate::degraded::Degraded;
use crate::encode::{self, Encoder};
use crate::mark::MarkWriter;
use crate::metrics::Metrics;
use crate::metrics::labels::{Restriction, Stage};
use crate::spans::Tracer;
use orderly_actors::clock::{Clock, SystemClock};
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::states;
use orderly_broker::{Confirm, EventStream, Keyed, Publisher, Receipt};
use orderly_domain::event::Type;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_store::{History, Seq};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// The largest number of events in one publish.
const BATCH: usize = 256;
/// The largest number of publishes under way.
const OUTSTANDING: usize = 16;
/// The most events under way.
const IN_FLIGHT: usize = OUTSTANDING * BATCH;
/// The number of units that are read from the journal at once.
const READ: usize = 512;

/// The position of the relay. The core reads its cursor.
pub(super) struct Position {
    /// The first sequence that may not be published yet.
    pub(super) next: Seq,
    /// Every event below it is confirmed.
    pub(super) cursor: Arc<AtomicU64>,
}

/// What the relay is started with.
pub(super) struct Parts {
    pub(super) position: Position,
    pub(super) history: History,
    pub(super) encoder: Encoder,
    /// Which types are published, in the order of `Type::ALL`.
    pub(super) published: Vec<bool>,
    /// Makes the marks for a broker that outlives the process.
    pub(super) marks: Option<MarkWriter>,
    /// The name of the exchange for events, for people.
    pub(super) exchange: String,
    pub(super) tracer: Tracer,
    pub(super) degraded: Degraded,
    pub(super) metrics: Metrics,
}

pub(super) fn start(workers: &Workers, parts: Parts, publisher: &Publisher) -> RelayHandle {
    let (sender, receiver) = mpsc::unbounded_channel();
    let feed = Arc::new(FeedState {
        waiting: AtomicUsize::new(0),
        fed_through: AtomicU64::new(parts.history.durable().0), // what is durable already is never fed
        oldest: AtomicI64::new(NONE),
        waiting_since: AtomicU64::new(0),
        hurry: Notify::new(),
    });
    let cursor = Arc::clone(&parts.position.cursor);
    let report = Report {
        degraded: parts.degraded,
        restriction: Restriction::EventsRejected,
        subject: String::new(),
        what: "events",
    };
    let (next, clock) = (parts.position.next, SystemClock::default());
    let relay = Relay {
        next,
        from: next,
        acked: BTreeSet::new(),
        pace: Pace::new(IN_FLIGHT, report),
        in_flight: 0,
        position: parts.position,
        history: parts.history,
        encoder: parts.encoder,
        published: parts.published,
        exchange: parts.exchange,
        tracer: parts.tracer,
        stream: publisher.events(),
        marks: parts.marks.map(|writer| Marks::new(writer, publisher.clone())),
        uncovered: false,
        outstanding: VecDeque::new(),
        handed_over: VecDeque::new(),
        receiver,
        feed: Arc::clone(&feed),
        metrics: parts.metrics,
        clock: clock.clone(),
    };
    workers.spawn("relay", relay.run());
    RelayHandle { sender, feed, cursor, clock }
}

/// An event that was published.
#[derive(Debug, Clone, Copy)]
struct Sent {
    seq: Seq,
    at: Timestamp,
    kind: Type,
    /// The trace context of its unit, if it is traced.
    trace: Option<TraceParent>,
}

/// A publish under way.
struct Batch {
    /// Every event of the units before this is in this batch, in an earlier one, or confirmed.
    through: Seq,
    events: Vec<Sent>,
    receipt: Receipt,
    /// When the batch was published.
    began: Duration,
}

/// What the broker did not take charge of.
struct Failure {
    /// The first such event.
    first: Sent,
    /// The first one that the broker refused, and its answer; else the first one that was lost with its channel.
    told: (Sent, Confirm),
}

struct Relay {
    position: Position,
    /// The next unit to publish.
    next: Seq,
    /// The events of that unit before this are in flight or confirmed.
    from: Seq,
    /// Events behind the cursor that are confirmed: a failed publish does not repeat them.
    acked: BTreeSet<Seq>,
    pace: Pace,
    history: History,
    encoder: Encoder,
    /// Which types are published, in the order of `Type::ALL`.
    published: Vec<bool>,
    exchange: String,
    tracer: Tracer,
    stream: EventStream,
    /// The marks of a broker that outlives the process.
    marks: Option<Marks>,
    /// The next unit has events that no confirmed mark covers.
    uncovered: bool,
    outstanding: VecDeque<Batch>,
    /// The events in these batches.
    in_flight: usize,
    /// Units that the core has handed over.
    handed_over: VecDeque<Arc<JournalEntry>>,
    /// The feed: units that became durable, as the core hands them over.
    receiver: mpsc::UnboundedReceiver<Vec<Arc<JournalEntry>>>,
    feed: Arc<FeedState>,
    metrics: Metrics,
    clock: SystemClock,
}

impl Relay {
    async fn run(mut self) -> Result<(), Error> {
        loop {
            self.take_fed();
            self.extend_marks().await;
            if self.has_room() && self.behind() && !self.uncovered {
                self.publish_some().await.map_err(|error| {
                    tracing::error!(%error, "the journal cannot be read for the relay");
                    Error::Relay
                })?;
                continue;
            }
            let has_room = self.has_room();
            if let Some(batch) = self.outstanding.front_mut() {
                tokio::select! {
                    biased;
                    confirms = &mut batch.receipt => self.settle(&confirms).await,
                    acked = marked(&mut self.marks) => self.marked(acked).await,
                    Some(entries) = self.receiver.recv(), if has_room => self.take(entries),
                }
            } else {
                let over = self.pace.check_at().map(|at| at.saturating_sub(self.clock.monotonic()));
                tokio::select! {
                    biased;
                    acked = marked(&mut self.marks) => self.marked(acked).await,
                    entries = self.receiver.recv() => match entries {
                        Some(entries) => self.take(entries),
                        None => return Ok(()), // the core has ended
                    },
                    () = tokio::time::sleep(over.unwrap_or_default()), if over.is_some() => {
                        self.pace.check(true, self.clock.monotonic());
                    }
                }
            }
        }
    }

    /// Asks for a mark when there is something that the last one does not cover.
    async fn extend_marks(&mut self) {
        let (next, through) = (self.next, self.fed_through());
        if let Some(marks) = &mut self.marks
            && next < through
        {
            marks.extend(through).await;
        }
    }

    /// Goes on after a mark was confirmed, or tries again after a pause.
    async fn marked(&mut self, acked: bool) {
        self.uncovered = false;
        if !acked {
            tokio::time::sleep(marks::PAUSE).await;
        }
    }

    /// Whether a unit has events to publish that no confirmed mark covers.
    fn is_uncovered(&self, entry: &JournalEntry) -> bool {
        self.marks.as_ref().is_some_and(|marks| !marks.cover(entry.next))
            && entry.record.events.iter().any(|event| self.published[event.kind() as usize])
    }

    fn has_room(&self) -> bool {
        self.outstanding.len() < OUTSTANDING && self.pace.room(self.in_flight) > 0
    }

    fn take(&mut self, entries: Vec<Arc<JournalEntry>>) {
        self.feed.waiting.fetch_sub(entries.len(), Ordering::SeqCst);
        self.handed_over.extend(entries);
    }

    /// Takes units from the feed, as far as there is room.
    fn take_fed(&mut self) {
        while self.handed_over.len() < HANDED_OVER
            && let Ok(entries) = self.receiver.try_recv()
        {
            self.take(entries);
        }
    }

    fn fed_through(&self) -> Seq {
        Seq(self.feed.fed_through.load(Ordering::SeqCst))
    }

    fn behind(&self) -> bool {
        self.next < self.fed_through()
    }

    /// Ends the first batch under way, whose confirms have come.
    async fn settle(&mut self, confirms: &[Confirm]) {
        let Some(batch) = self.outstanding.pop_front() else { return };
        if !confirms.iter().all(Confirm::is_acked) {
            self.go_back(batch, confirms).await;
            return;
        }
        self.in_flight -= batch.events.len();
        point("confirmed");
        // units without events that are published may follow the last batch
        let is_last = self.outstanding.is_empty();
        self.advance(if is_last { self.next } else { batch.through });
        // of a unit that is not whole in the batches so far
        let further = batch.events.iter().rev().take_while(|event| event.seq >= batch.through);
        self.acked.extend(further.map(|event| event.seq));
        self.show_oldest();
        let now = self.clock.monotonic();
        self.pace.confirmed(batch.events.len());
        self.pace.check(is_last && !self.behind(), now);
        let took = now.saturating_sub(batch.began);
        self.metrics.command_duration(Stage::Publish, took, batch.events.len());
        self.trace(&batch, now);
    }

    /// Every event below `cursor` is confirmed.
    fn advance(&mut self, cursor: Seq) {
        self.position.cursor.store(cursor.0, Ordering::Release);
        if !self.acked.is_empty() {
            self.acked = self.acked.split_off(&cursor);
        }
    }

    /// The broker did not take charge of all events of `batch`. Waits for the confirms of all others, and goes back to
    /// the cursor.
    async fn go_back(&mut self, batch: Batch, confirms: &[Confirm]) {
        let mut failure = None;
        self.note(&batch.events, confirms, &mut failure);
        for batch in std::mem::take(&mut self.outstanding) {
            self.note(&batch.events, &batch.receipt.await, &mut failure);
        }
        self.in_flight = 0;
        self.stream.resume();
        self.next = Seq(self.position.cursor.load(Ordering::Acquire));
        self.from = self.next;
        let Some(Failure { first, told: (event, answer) }) = failure else { return };
        self.show_oldest();
        self.feed.oldest.store(first.at.micros(), Ordering::Relaxed);
        let now = self.clock.monotonic();
        let pause = match self.refusal(event, &answer) {
            Some(detail) => self.pace.rejected(detail, now),
            None => self.pace.lost(now),
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.feed.hurry.notified() => {}
        }
    }

    /// Takes note of which events are confirmed, and of the first ones that are not.
    fn note(&mut self, events: &[Sent], confirms: &[Confirm], failure: &mut Option<Failure>) {
        for (event, confirm) in events.iter().zip(confirms) {
            if confirm.is_acked() {
                self.acked.insert(event.seq);
                continue;
            }
            let told = (*event, confirm.clone());
            match failure {
                None => *failure = Some(Failure { first: *event, told }),
                Some(known) if known.told.1 == Confirm::Lost => known.told = told,
                Some(_) => {}
            }
        }
    }

    /// Publishes the next batch.
    async fn publish_some(&mut self) -> Result<(), states::Error> {
        failpoint("relay");
        let room = self.pace.room(self.in_flight).min(BATCH);
        let mut batch = Vec::with_capacity(room);
        let mut events = Vec::with_capacity(room);
        // no event of the units before this must be published any more
        let mut confirmed = None;
        while batch.len() < room {
            let Some(entry) = self.take_next().await? else {
                break;
            };
            if self.is_uncovered(&entry) {
                self.handed_over.push_front(entry);
                self.uncovered = true;
                break;
            }
            if !self.add(&entry, room, &mut batch, &mut events) {
                self.handed_over.push_front(entry);
                break;
            }
            self.next = entry.next;
            if batch.is_empty() {
                confirmed = Some(entry.next);
            }
        }
        if self.outstanding.is_empty()
            && let Some(confirmed) = confirmed
        {
            self.advance(confirmed);
        }
        if batch.is_empty() {
            return Ok(());
        }
        let began = self.clock.monotonic();
        self.in_flight += events.len();
        point("publish");
        let receipt = self.stream.publish(batch).await;
        point("published");
        self.outstanding.push_back(Batch { through: self.next, events, receipt, began });
        self.show_oldest();
        Ok(())
    }

    /// Adds the events of a unit that are to be published. `false`: there is no room for all of them.
    fn add(
        &mut self,
        entry: &JournalEntry,
        room: usize,
        batch: &mut Vec<Keyed>,
        events: &mut Vec<Sent>,
    ) -> bool {
        for (seq, event) in entry.events() {
            let kind = event.kind();
            if seq < self.from || !self.published[kind as usize] || self.acked.contains(&seq) {
                continue;
            }
            if batch.len() == room {
                self.from = seq;
                return false;
            }
            match self.encoder.event(entry, seq, event) {
                Some(message) => {
                    batch.push(Keyed { key: encode::key(entry, event), message });
                    let trace = self.tracer.sampled(entry.record.trace);
                    events.push(Sent { seq, at: entry.at, kind, trace });
                }
                None => tracing::error!(
                    sequence = seq.0,
                    "an event cannot be encoded: its unit lacks a state"
                ),
            }
        }
        true
    }

    /// The unit at `next`, if it is durable.
    async fn take_next(&mut self) -> Result<Option<Arc<JournalEntry>>, states::Error> {
        if let Some(entry) = self.pop_next() {
            return Ok(Some(entry));
        }
        let fed_through = self.fed_through();
        self.take_fed();
        if let Some(entry) = self.pop_next() {
            return Ok(Some(entry));
        }
        // `fed_through` was read before the feed was taken: a unit below it that has not arrived was left out
        if self.next < fed_through {
            self.read_on(fed_through).await?;
        }
        Ok(self.pop_next())
    }

    /// Takes the unit at `next` out of those that were handed over, and drops earlier ones.
    fn pop_next(&mut self) -> Option<Arc<JournalEntry>> {
        while self.handed_over.front().is_some_and(|entry| entry.seq < self.next) {
            self.handed_over.pop_front();
        }
        let is_next = self.handed_over.front().is_some_and(|entry| entry.seq == self.next);
        if is_next { self.handed_over.pop_front() } else { None }
    }

    /// Reads the units that the core left out from the journal. Another thread reads them: the threads of this runtime
    /// answer the heartbeats of the broker, so they must not wait for a disk.
    async fn read_on(&mut self, fed_through: Seq) -> Result<(), states::Error> {
        let end = self.handed_over.front().map_or(fed_through, |entry| entry.seq);
        let (history, next) = (self.history.clone(), self.next);
        let reading = tokio::task::spawn_blocking(move || read(&history, next, end));
        let mut read = match reading.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(read) => read?,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(_)) => std::future::pending().await, // the runtime is being shut down
        };
        read.append(&mut self.handed_over);
        self.handed_over = read;
        // pruned units were confirmed before: continue after them
        if let Some(first) = self.handed_over.front()
            && first.seq > self.next
            && self.outstanding.is_empty()
        {
            self.next = first.seq;
        }
        Ok(())
    }
}

/// Waits for the mark under way; without one for ever.
async fn marked(marks: &mut Option<Marks>) -> bool {
    match marks {
        Some(marks) => marks.confirmed().await,
        None => std::future::pending().await,
    }
}

/// At most [`READ`] units, from `next` to below `end`.
fn read(
    history: &History,
    next: Seq,
    end: Seq,
) -> Result<VecDeque<Arc<JournalEntry>>, states::Error> {
    let mut read = VecDeque::new();
    for unit in history.units(next).take(READ) {
        let unit = unit?;
        if unit.seq >= end {
            break;
        }
        read.push_back(Arc::new(JournalEntry::read(&unit)?));
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
