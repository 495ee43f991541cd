//! The relay: publishes the events of durable units, in order, waits for their confirms, and keeps a cursor.
//!
//! Invariant: the cursor never passes an event that must be published and is not confirmed. The next group commit
//! stores the cursor. After a crash the events from the stored cursor on are published again, with the same ids. The
//! journal is the outbox: the relay reads units from the journal that the core left out because the relay was late, and
//! units that a failed publish must repeat. It reads no others: units are durable a moment before the core hands them
//! over, and the relay waits for them.

mod marks;

use self::marks::Marks;
use super::Error;
use super::workers::{Workers, failpoint};
use crate::encode::{self, Encoder};
use crate::mark::MarkWriter;
use crate::metrics::Metrics;
use orderly_actors::clock::{Clock, SystemClock};
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::states;
use orderly_broker::{EventStream, Keyed, Publisher, Receipt};
use orderly_store::{History, Seq};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// The largest number of events in one publish.
const BATCH: usize = 256;
/// The largest number of publishes under way.
const OUTSTANDING: usize = 16;
/// About the most units that wait for the relay in memory. The relay reads further ones from the journal later.
const HANDED_OVER: usize = 4096;
/// The number of units that are read from the journal at once.
const READ: usize = 512;
/// The pause after a failed publish.
const PAUSE: Duration = Duration::from_millis(200);

/// The position of the relay. The core reads its cursor.
pub(super) struct Position {
    /// The first sequence that may not be published yet.
    pub(super) next: Seq,
    /// Every event below it is confirmed.
    pub(super) cursor: Arc<AtomicU64>,
}

/// The feed of durable units, as the core and the relay share it.
#[derive(Debug, Default)]
struct FeedState {
    /// The number of units that the core has handed over and the relay has not taken.
    waiting: AtomicUsize,
    /// Every unit below this was handed over, or left out because too many were waiting.
    fed_through: AtomicU64,
}

/// The core's handle of the relay: hands over durable units, and reads the cursor.
#[derive(Debug)]
pub(super) struct RelayHandle {
    sender: mpsc::UnboundedSender<Vec<Arc<JournalEntry>>>,
    feed: Arc<FeedState>,
    cursor: Arc<AtomicU64>,
}

impl RelayHandle {
    /// Hands over units that became durable. Never waits: a relay that is late reads them from the journal.
    pub(super) fn durable(&self, entries: Vec<Arc<JournalEntry>>) {
        let Some(last) = entries.last() else { return };
        // `fed_through` is stored first. When units are left out, the relay has yet to take earlier ones, and reads
        // `fed_through` again after that. So the relay never goes to sleep while a left-out unit is unpublished.
        self.feed.fed_through.store(last.next.0, Ordering::SeqCst);
        if self.feed.waiting.load(Ordering::SeqCst) < HANDED_OVER {
            self.feed.waiting.fetch_add(entries.len(), Ordering::SeqCst);
            let _ = self.sender.send(entries); // an error means that the relay failed: the process is ending
        }
    }

    /// Every event below this is confirmed.
    pub(super) fn cursor(&self) -> Seq {
        Seq(self.cursor.load(Ordering::Acquire))
    }
}

/// What a relay works with.
pub(super) struct Parts {
    pub(super) position: Position,
    pub(super) history: History,
    pub(super) encoder: Encoder,
    /// Which types are published, in the order of `Type::ALL`.
    pub(super) published: Vec<bool>,
    /// Makes the marks for a broker that outlives the process.
    pub(super) marks: Option<MarkWriter>,
    pub(super) metrics: Metrics,
}

pub(super) fn start(workers: &Workers, parts: Parts, publisher: &Publisher) -> RelayHandle {
    let (sender, receiver) = mpsc::unbounded_channel();
    let feed = Arc::new(FeedState::default());
    feed.fed_through.store(parts.history.durable().0, Ordering::SeqCst); // what is durable already is never fed
    let cursor = Arc::clone(&parts.position.cursor);
    let relay = Relay {
        next: parts.position.next,
        position: parts.position,
        history: parts.history,
        encoder: parts.encoder,
        published: parts.published,
        stream: publisher.events(),
        marks: parts.marks.map(|writer| Marks::new(writer, publisher.clone())),
        uncovered: false,
        outstanding: VecDeque::new(),
        handed_over: VecDeque::new(),
        receiver,
        feed: Arc::clone(&feed),
        metrics: parts.metrics,
        clock: SystemClock::default(),
    };
    workers.spawn("relay", relay.run());
    RelayHandle { sender, feed, cursor }
}

struct Relay {
    position: Position,
    /// The next unit to publish.
    next: Seq,
    history: History,
    encoder: Encoder,
    /// Which types are published, in the order of `Type::ALL`.
    published: Vec<bool>,
    stream: EventStream,
    /// The marks of a broker that outlives the process.
    marks: Option<Marks>,
    /// The next unit has events that no confirmed mark covers.
    uncovered: bool,
    /// The batches under way: the sequence after the batch, its receipt, and when it was published.
    outstanding: VecDeque<(Seq, Receipt, Duration)>,
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
            if self.outstanding.len() < OUTSTANDING && self.behind() && !self.uncovered {
                self.publish_some().await.map_err(|error| {
                    tracing::error!(%error, "the journal cannot be read for the relay");
                    Error::Relay
                })?;
                continue;
            }
            let has_room = self.outstanding.len() < OUTSTANDING;
            if let Some((through, receipt, began)) = self.outstanding.front_mut() {
                let (through, began) = (*through, *began);
                tokio::select! {
                    biased;
                    confirms = receipt => {
                        self.outstanding.pop_front();
                        let acked = confirms.iter().all(orderly_broker::Confirm::is_acked);
                        self.confirmed(through, began, acked, confirms.len()).await;
                    }
                    acked = marked(&mut self.marks) => self.marked(acked).await,
                    Some(entries) = self.receiver.recv(), if has_room => self.take(entries),
                }
            } else {
                tokio::select! {
                    biased;
                    acked = marked(&mut self.marks) => self.marked(acked).await,
                    entries = self.receiver.recv() => match entries {
                        Some(entries) => self.take(entries),
                        None => return Ok(()), // the core has ended
                    },
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
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether a unit has events to publish that no confirmed mark covers.
    fn is_uncovered(&self, entry: &JournalEntry) -> bool {
        self.marks.as_ref().is_some_and(|marks| !marks.cover(entry.next))
            && entry.record.events.iter().any(|event| self.published[event.kind() as usize])
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

    async fn confirmed(&mut self, through: Seq, began: Duration, acked: bool, events: usize) {
        if acked {
            self.position.cursor.store(through.0, Ordering::Release);
            let took = self.clock.monotonic().saturating_sub(began);
            self.metrics.command_duration(crate::metrics::labels::Stage::Publish, took, events);
            return;
        }
        tracing::warn!(
            from = self.position.cursor.load(Ordering::Acquire),
            "publishing failed: events are published again from the cursor on"
        );
        for (_, receipt, _) in std::mem::take(&mut self.outstanding) {
            receipt.await; // the events are published again, whatever the outcome
        }
        self.stream.resume();
        self.next = Seq(self.position.cursor.load(Ordering::Acquire));
        tokio::time::sleep(PAUSE).await;
    }

    /// Publishes the next batch.
    async fn publish_some(&mut self) -> Result<(), states::Error> {
        failpoint("relay");
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH {
            let Some(entry) = self.take_next().await? else {
                break;
            };
            if self.is_uncovered(&entry) {
                self.handed_over.push_front(entry);
                self.uncovered = true;
                break;
            }
            for (seq, event) in entry.events() {
                if !self.published[event.kind() as usize] {
                    continue;
                }
                match self.encoder.event(&entry, seq, event) {
                    Some(message) => {
                        batch.push(Keyed { key: encode::key(&entry, event), message });
                    }
                    None => tracing::error!(
                        sequence = seq.0,
                        "an event cannot be encoded: its unit lacks a state"
                    ),
                }
            }
            self.next = entry.next;
        }
        if batch.is_empty() && self.outstanding.is_empty() {
            self.position.cursor.store(self.next.0, Ordering::Release);
            return Ok(());
        }
        let began = self.clock.monotonic();
        let receipt = self.stream.publish(batch).await;
        self.outstanding.push_back((self.next, receipt, began));
        Ok(())
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
