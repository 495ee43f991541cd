//! The log of verdicts: a line for each, at the level debug, and a line for each message that is parked, at the level warn.
//!
//! The lines have ids and reasons. They do not have the details of a verdict, which may repeat what a customer wrote.

use crate::telemetry;
use orderly_actors::journal_entry::JournalEntry;
use orderly_domain::event::Event;
use orderly_domain::id::{CommandId, Operator, OrderId, Source};
use orderly_domain::record::Origin;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::Reason;
use std::time::Duration;

/// The most lines about parked messages in a [`WINDOW`]: a producer that sends nothing but poison does not fill the disk.
const LINES: u32 = 20;
/// The time that these lines are counted over.
const WINDOW: Duration = Duration::from_secs(10);

/// Logs verdicts, and of parked messages a limited number.
#[derive(Debug, Default)]
pub(super) struct VerdictLog {
    /// The number of the partition, where there are several.
    partition: Option<u16>,
    /// When the window began, by the monotonic clock.
    began: Duration,
    /// The lines about parked messages in this window.
    lines: u32,
    /// The parked messages without a line in this window.
    left_out: u64,
}

impl VerdictLog {
    /// Logs those of one of several partitions.
    pub(super) fn of_partition(partition: Option<u16>) -> Self {
        Self { partition, ..Self::default() }
    }

    /// Logs the verdict of a unit that is durable, and the messages that it parked.
    pub(super) fn durable(&mut self, entry: &JournalEntry, now: Duration) {
        verdict(entry, self.partition);
        for event in &entry.record.events {
            if let Event::CommandParked { .. } = event
                && self.has_line(now)
            {
                parked(entry, event, self.partition);
            }
        }
    }

    /// Says how many messages were left out, once the window is over.
    pub(super) fn tick(&mut self, now: Duration) {
        if now.saturating_sub(self.began) < WINDOW {
            return;
        }
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            tracing::warn!(
                target: telemetry::PARKED,
                partition = self.partition,
                left_out,
                "further messages were parked; the API lists them"
            );
        }
        (self.began, self.lines) = (now, 0);
    }

    fn has_line(&mut self, now: Duration) -> bool {
        self.tick(now);
        if self.lines < LINES {
            self.lines += 1;
            return true;
        }
        self.left_out += 1;
        false
    }
}

fn verdict(entry: &JournalEntry, partition: Option<u16>) {
    if !tracing::enabled!(target: telemetry::VERDICT, tracing::Level::DEBUG) {
        return;
    }
    let record = &entry.record;
    let (kind, source, id) = match &record.origin {
        Origin::Message { source, id, kind } => (kind.as_str(), source.as_ref(), id.as_ref()),
        Origin::Waited { source, id } => ("payment.callback", Some(source), Some(id)),
        // no commands
        Origin::HoldTimer
        | Origin::Notified(_)
        | Origin::Quarantine
        | Origin::Operator
        | Origin::Retention
        | Origin::Reminder
        | Origin::Upgrade
        | Origin::Restored
        | Origin::Dismissed => return,
    };
    tracing::debug!(
        target: telemetry::VERDICT,
        partition,
        verdict = record.verdict.as_str(),
        reason = record.reason.map(Reason::as_str),
        kind,
        source = source.map(Source::as_str),
        id = id.map(CommandId::as_str),
        order_id = record.order.as_ref().map(OrderId::as_str),
        operator = record.operator.as_ref().map(Operator::as_str),
        sequence = entry.seq.0,
        trace_id = record.trace.map(TraceParent::trace_id_text),
        "verdict"
    );
}

fn parked(entry: &JournalEntry, event: &Event, partition: Option<u16>) {
    let Event::CommandParked { parked_id, reason, r#type, source, command_id, .. } = event else {
        return;
    };
    tracing::warn!(
        target: telemetry::PARKED,
        partition,
        parked_id,
        reason = reason.as_str(),
        kind = r#type,
        source = source.as_ref().map(Source::as_str),
        id = command_id.as_ref().map(CommandId::as_str),
        order_id = entry.record.order.as_ref().map(OrderId::as_str),
        trace_id = entry.record.trace.map(TraceParent::trace_id_text),
        "a message was parked"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_a_limited_number_of_lines_and_the_next_one_has_them_again() {
        let mut log = VerdictLog::default();
        let lines = |log: &mut VerdictLog, now| (0..50).filter(|_| log.has_line(now)).count();
        assert_eq!(lines(&mut log, WINDOW), LINES as usize);
        assert_eq!(log.left_out, 50 - u64::from(LINES));
        assert_eq!(lines(&mut log, WINDOW * 3 / 2), 0);
        log.tick(WINDOW * 2);
        assert_eq!(log.left_out, 0, "they were told");
        assert_eq!(lines(&mut log, WINDOW * 2), LINES as usize);
    }
}
