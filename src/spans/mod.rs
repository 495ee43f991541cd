//! Spans for OpenTelemetry, off unless an endpoint is configured.
//!
//! A command has these spans, all of the trace that its message names:
//!
//! ```text
//! (the producer's span)
//!  └─ process NS.commands      consumer: from the delivery until the unit is durable
//!      ├─ decide order.place   in the actors
//!      ├─ commit               until the unit is durable
//!      ├─ send NS.events       producer, one an event: until the broker has confirmed it
//!      └─ send NS.notifications, or POST
//! ```
//!
//! The span of a command becomes the parent in the trace context that the unit keeps. So the context in events, notifications
//! and replies leads back to it, also when they are sent later, by another process. A command whose message names no trace begins
//! one, if the ratio says so; of other messages the producer has decided (the flag `sampled`). Names and attributes follow the
//! semantic conventions for messaging.
//!
//! Invariant: the pipeline never waits for spans. A span goes into a bounded queue, or is dropped and counted.
//!
//! | module | has |
//! |---|---|
//! | `span` | a span, and its form in OTLP |
//! | `exporter` | sends batches by OTLP over HTTP, as JSON |
//! | `command`, `sent` | the spans of a command; of an event and of a notification |

mod command;
mod exporter;
mod sent;
mod span;

pub(crate) use self::command::CommandTrace;
pub(crate) use self::exporter::{Error, Exporter};
pub(crate) use self::sent::{Attempt, SentEvent};
pub(crate) use self::span::Interval;

use self::span::Span;
use crate::metrics::Metrics;
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_broker::Names;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};

/// The spans that may wait for the exporter.
const QUEUE: usize = 8192;

/// Makes spans. Clones share the queue. Without an endpoint it makes none, at the cost of one comparison.
#[derive(Clone, Default)]
pub(crate) struct Tracer(Option<Arc<Shared>>);

struct Shared {
    queue: mpsc::Sender<Item>,
    names: Names,
    /// A command without a trace begins one if the first half of its id is not above this.
    threshold: u64,
    ids: Ids,
    clock: SystemClock,
    metrics: Metrics,
}

/// What the exporter gets.
enum Item {
    Span(Box<Span>),
    /// Everything before this is to be sent now.
    Flush(oneshot::Sender<()>),
}

impl Tracer {
    /// Makes no spans.
    pub(crate) fn off() -> Self {
        Self::default()
    }

    /// Makes spans, of which so many in a million commands without a trace begin one. The receiver is for the [`Exporter`].
    fn on(names: Names, per_million: u32, metrics: Metrics) -> (Self, mpsc::Receiver<Item>) {
        let (queue, items) = mpsc::channel(QUEUE);
        let threshold = match per_million {
            1_000_000.. => u64::MAX,
            some => u64::MAX / 1_000_000 * u64::from(some),
        };
        let (ids, clock) = (Ids::default(), SystemClock::default());
        (Self(Some(Arc::new(Shared { queue, names, threshold, ids, clock, metrics }))), items)
    }

    /// Sends what waits, for a limited time. Returns at once when it is off.
    pub(crate) async fn flush(&self, patience: std::time::Duration) {
        let Some(shared) = &self.0 else { return };
        let (done, flushed) = oneshot::channel();
        let flush = async {
            if shared.queue.send(Item::Flush(done)).await.is_ok() {
                let _ = flushed.await; // the exporter may end meanwhile
            }
        };
        let _ = tokio::time::timeout(patience, flush).await;
    }
}

impl Shared {
    fn add(&self, span: Span) {
        if self.queue.try_send(Item::Span(Box::new(span))).is_err() {
            self.metrics.spans_dropped(1);
        }
    }

    /// A new trace, or none: the ratio decides by the id.
    fn begin(&self) -> Option<TraceParent> {
        let (first, second) = (self.ids.next(), self.ids.next());
        let mut trace = [0; 16];
        trace[..8].copy_from_slice(&first.to_be_bytes());
        trace[8..].copy_from_slice(&second.to_be_bytes());
        (first <= self.threshold && self.threshold > 0).then(|| TraceParent::begin(trace))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Ids of traces and spans: a counter, mixed with a random number of this process.
struct Ids {
    seed: u64,
    last: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        // the standard library has no other source of random numbers
        let random = || RandomState::new().build_hasher().finish();
        Self { seed: random(), last: AtomicU64::new(random()) }
    }
}

impl Ids {
    /// A number that is not 0.
    fn next(&self) -> u64 {
        let count = self.last.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mut mixed = count ^ self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).max(1)
    }
}

#[cfg(test)]
mod tests;
