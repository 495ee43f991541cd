//! What others see of the relay: the age of what waits, why the broker refuses an event, the spans of what is confirmed.

use super::feed::NONE;
use super::{Batch, Relay, Sent};
use crate::spans::{Interval, SentEvent};
use orderly_broker::Confirm;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Relay {
    /// Makes the spans of a batch that is confirmed.
    pub(super) fn trace(&self, batch: &Batch, now: Duration) {
        let traced = batch.events.iter().filter_map(|event| {
            Some(SentEvent { trace: event.trace?, seq: event.seq, kind: event.kind })
        });
        let interval = Interval::between(batch.began, now, now);
        self.tracer.published(traced, interval, |seq| self.encoder.event_id(seq));
    }

    /// Why the broker refused an event, for a person. `None`: the event was lost with its channel.
    pub(super) fn refusal(&self, event: Sent, answer: &Confirm) -> Option<String> {
        let answer = answer.refusal()?;
        let (kind, id) = (event.kind.as_str(), self.encoder.event_id(event.seq));
        Some(format!(
            "a queue that is bound to {} does not accept the event {id} ({kind}), which is tried again, and later events wait; the broker's answer: {answer}",
            self.exchange
        ))
    }

    /// Shows the oldest event that is not confirmed, and since when its batch waits.
    pub(super) fn show_oldest(&self) {
        let first = self.outstanding.front();
        let oldest = first.and_then(|batch| batch.events.first());
        self.feed.oldest.store(oldest.map_or(NONE, |event| event.at.micros()), Ordering::Relaxed);
        let began = first.map_or(Duration::ZERO, |batch| batch.began);
        let began = u64::try_from(began.as_micros()).unwrap_or(u64::MAX);
        self.feed.waiting_since.store(began, Ordering::Relaxed);
    }
}
