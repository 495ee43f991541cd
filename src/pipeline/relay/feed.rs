//! The feed of durable units from the core to the relay: the core never waits for the relay.

use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_actors::journal_entry::JournalEntry;
use orderly_domain::time::Timestamp;
use orderly_store::Seq;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// About the most units that wait for the relay in memory. The relay reads further ones from the journal later.
pub(super) const HANDED_OVER: usize = 4096;
/// In [`FeedState::oldest`]: every event is confirmed.
pub(super) const NONE: i64 = i64::MIN;

/// The feed of durable units, as the core and the relay share it.
#[derive(Debug)]
pub(super) struct FeedState {
    /// The number of units that the core has handed over and the relay has not taken.
    pub(super) waiting: AtomicUsize,
    /// Every unit below this was handed over, or left out because too many were waiting.
    pub(super) fed_through: AtomicU64,
    /// The time of the oldest event that is not confirmed, or [`NONE`].
    pub(super) oldest: AtomicI64,
    /// When the first publish under way began, in microseconds of the relay's clock; 0: none is under way.
    pub(super) waiting_since: AtomicU64,
    /// Ends the pause before a probe.
    pub(super) hurry: Notify,
}

/// The core's handle of the relay: hands over durable units, and reads the cursor.
#[derive(Debug)]
pub(in crate::pipeline) struct RelayHandle {
    pub(super) sender: mpsc::UnboundedSender<Vec<Arc<JournalEntry>>>,
    pub(super) feed: Arc<FeedState>,
    pub(super) cursor: Arc<AtomicU64>,
    pub(super) clock: SystemClock,
}

impl RelayHandle {
    /// Hands over units that became durable. Never waits: a relay that is late reads them from the journal.
    pub(in crate::pipeline) fn durable(&self, entries: Vec<Arc<JournalEntry>>) {
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
    pub(in crate::pipeline) fn cursor(&self) -> Seq {
        Seq(self.cursor.load(Ordering::Acquire))
    }

    /// The time of the oldest event that was to be published and is not confirmed.
    pub(in crate::pipeline) fn oldest(&self) -> Option<Timestamp> {
        let micros = self.feed.oldest.load(Ordering::Relaxed);
        (micros != NONE).then(|| Timestamp::from_micros(micros))
    }

    /// How long the first publish under way has waited for its confirms.
    pub(in crate::pipeline) fn waiting_for(&self) -> Duration {
        match self.feed.waiting_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => self.clock.monotonic().saturating_sub(Duration::from_micros(since)),
        }
    }

    /// Ends the pause before a probe, if there is one: the process is about to end.
    pub(in crate::pipeline) fn hurry(&self) {
        self.feed.hurry.notify_one();
    }
}
