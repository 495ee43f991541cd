//! The relay's marks: before an event is published, the broker has confirmed a mark that covers it.
//!
//! One mark is under way at a time. It covers every unit that was durable when it was made, so under load one mark covers many
//! events, and the next one is confirmed while those events are published.

use super::super::workers::point;
use crate::mark::MarkWriter;
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_broker::{Confirm, Publisher, Receipt};
use orderly_store::Seq;
use std::time::Duration;

/// The pause after a mark that was not confirmed.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Marks {
    writer: MarkWriter,
    publisher: Publisher,
    clock: SystemClock,
    /// A confirmed mark covers every event below this.
    covered: Seq,
    under_way: Option<(Seq, Receipt)>,
    /// The last mark was not confirmed, which was logged.
    failing: bool,
}

/// Whether the broker refused a mark. A mark that was under way when the connection was lost says nothing: the loss is logged, or
/// the process is stopping.
fn is_refused(confirm: &Confirm) -> bool {
    !confirm.is_acked() && !matches!(confirm, Confirm::Lost)
}

impl Marks {
    pub(super) fn new(writer: MarkWriter, publisher: Publisher) -> Self {
        let clock = SystemClock::default();
        Self { writer, publisher, clock, covered: Seq(0), under_way: None, failing: false }
    }

    /// Whether the events below `next` may be published.
    pub(super) fn cover(&self, next: Seq) -> bool {
        next <= self.covered
    }

    /// Publishes a mark that covers every event below `next`, unless one is under way or covers them already.
    pub(super) async fn extend(&mut self, next: Seq) {
        if self.under_way.is_none() && !self.cover(next) {
            let message = self.writer.message(Seq(next.0.saturating_sub(1)), self.clock.now());
            let receipt = self.publisher.mark(message).await;
            self.under_way = Some((next, receipt));
            point("mark");
        }
    }

    /// Waits for the mark under way, and says whether the broker confirmed it. Without one waits for ever.
    pub(super) async fn confirmed(&mut self) -> bool {
        let Some((next, receipt)) = &mut self.under_way else {
            return std::future::pending().await;
        };
        let confirms = receipt.await;
        let acked = confirms.iter().all(Confirm::is_acked);
        if acked {
            self.covered = *next;
            if std::mem::take(&mut self.failing) {
                tracing::info!("the broker takes marks again: events are published");
            }
        } else if confirms.iter().any(is_refused) && !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                ?confirms,
                "the broker did not confirm the mark in NS.mark: no event is published until it does"
            );
        }
        self.under_way = None;
        acked
    }
}
