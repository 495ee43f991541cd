//! Every metric of the process, with its name and its help text.
//!
//! | module | has |
//! |---|---|
//! | `labels` | the values of labels |
//! | `registrar` | makes and describes series |
//! | `histogram` | histograms that record a batch in one step |
//! | `series` | every series, with its name and help text |
//! | `process` | what the system knows of the process: `process_*` |
//! | `reading` | the values of all series at one moment |
//!
//! All series exist from the start, at 0. Labels come from closed sets, so no input adds a series. [`Metrics`] holds a handle
//! for each series: to count is an atomic addition without a look-up. A clone is cheap and counts the same series. There is no
//! global recorder, so each test has metrics of its own.

mod histogram;
pub mod labels;
mod process;
mod reading;
mod registrar;
mod series;

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

use self::histogram::Family;
use self::labels::{CommandType, Outcome, Restriction, SpanOutcome, Stage, Upkeep};
pub use self::reading::Reading;
use self::registrar::Registrar;
use self::series::Series;
use crate::cluster::ClusterRole;
use crate::notify::breaker;
use orderly_actors::counters::ParkedReason;
use orderly_actors::owner::Owner;
use orderly_domain::notification::Channel;
use orderly_domain::order::Status;
use orderly_domain::partition::Partitions;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;

/// Counts: a handle for every series.
#[derive(Clone)]
pub struct Metrics(Arc<Series>);

/// Reads the series that [`Metrics`] counts.
#[derive(Clone)]
pub struct Exporter {
    counters_and_gauges: PrometheusHandle,
    histograms: Arc<[Family]>,
}

impl Metrics {
    /// Makes all series.
    pub fn new() -> (Self, Exporter) {
        let mut registrar = Registrar::new();
        let series = Series::new(&mut registrar);
        (Self(Arc::new(series)), registrar.exporter())
    }

    /// Makes all series once for each partition, with the label `partition`, apart from those of the whole process. Without
    /// partitions, as [`new`](Self::new) does.
    pub fn of_partitions(partitions: Partitions) -> (Vec<Self>, Exporter) {
        let mut registrar = Registrar::new();
        let mut all = Vec::new();
        for number in partitions.numbers() {
            registrar.for_partition(partitions.are_several().then_some(number));
            all.push(Self(Arc::new(Series::new(&mut registrar))));
        }
        (all, registrar.exporter())
    }

    /// Shows whether the process should be given work.
    pub fn ready(&self, is_ready: bool) {
        self.0.ready.set(f64::from(u8::from(is_ready)));
    }

    /// Counts `count` commands of one type with the same verdict.
    pub fn commands(&self, kind: CommandType, verdict: Verdict, count: u64) {
        if let Some(series) = self.0.commands.get(kind).and_then(|of_kind| of_kind.get(verdict)) {
            series.increment(count);
        }
    }

    /// Counts fields of a command that are not known.
    pub fn ignored_fields(&self, kind: CommandType, fields: u64) {
        if let Some(series) = self.0.ignored_fields.get(kind) {
            series.increment(fields);
        }
    }

    /// Records the duration of `count` commands in a stage. The commands of a batch are recorded together.
    pub fn command_duration(&self, stage: Stage, duration: Duration, count: usize) {
        if let Some(series) = self.0.durations.get(stage) {
            series.record_many(duration.as_secs_f64(), count);
        }
    }

    /// Sets the number of messages that are ready in the queue of commands.
    pub fn queue_messages(&self, messages: u64) {
        self.0.queue_messages.set(messages as f64);
    }

    /// Sets the number of messages that were delivered and not acknowledged.
    pub fn in_flight(&self, messages: usize) {
        self.0.in_flight.set(messages as f64);
    }

    /// Records a group commit of `units` units whose flush took `flush`.
    pub fn group_commit(&self, units: usize, flush: Duration) {
        self.0.group_commit_size.record(units as f64);
        self.0.store_flush.record(flush.as_secs_f64());
    }

    /// Records a step of the store's own work.
    pub fn store_work(&self, work: Upkeep, duration: Duration) {
        if let Some(series) = self.0.store_work.get(work) {
            series.record(duration.as_secs_f64());
        }
    }

    /// Shows what this process is among the members of its namespace.
    pub fn cluster_role(&self, role: ClusterRole) {
        for &one in ClusterRole::ALL {
            if let Some(series) = self.0.cluster_role.get(one) {
                series.set(f64::from(u8::from(one == role)));
            }
        }
    }

    /// Sets the number of the epoch in force, and how many members were heard of.
    pub fn cluster(&self, epoch: u64, members: usize) {
        self.0.cluster_epoch.set(epoch as f64);
        self.0.cluster_members.set(members as f64);
    }

    /// Sets how far this member is behind the owner, and the bytes that it has appended and not read back.
    pub fn journal(&self, lag: Duration, in_flight: usize) {
        self.0.journal_lag.set(lag.as_secs_f64());
        self.0.journal_in_flight.set(in_flight as f64);
    }

    /// Sets how long the member that has come the least far could stand still until the stream of the journal passes it.
    pub fn journal_headroom(&self, seconds: f64) {
        self.0.journal_headroom.set(seconds);
    }

    /// Sets the size of the store on disk.
    pub fn store_bytes(&self, bytes: u64) {
        self.0.store_bytes.set(bytes as f64);
    }

    /// Sets what is free of the file system of the store, and its size, in bytes.
    pub fn disk(&self, free: u64, size: u64) {
        self.0.disk_free.set(free as f64);
        self.0.disk_size.set(size as f64);
    }

    /// Sets the number of violations that an audit found, and when it ended.
    pub fn audit(&self, violations: usize, at: Timestamp) {
        self.0.audit_violations.set(violations as f64);
        self.0.audit_time.set(at.micros() as f64 / 1e6);
    }

    /// Sets the number of durable events without a confirm.
    pub fn outbox_pending(&self, events: u64) {
        self.0.outbox_pending.set(events as f64);
    }

    /// Sets the age of the oldest durable event without a confirm.
    pub fn outbox_oldest(&self, age: Duration) {
        self.0.outbox_oldest.set(age.as_secs_f64());
    }

    /// Sets how often a restriction holds.
    pub fn degraded(&self, restriction: Restriction, holding: usize) {
        if let Some(series) = self.0.degraded.get(restriction) {
            series.set(holding as f64);
        }
    }

    /// Sets what only the owner knows to 0: another member shows it from now on.
    pub fn let_go(&self) {
        self.in_flight(0);
        self.outbox_pending(0);
        self.outbox_oldest(Duration::ZERO);
        self.store_bytes(0);
        self.parked_oldest(Duration::ZERO);
        self.attention(0);
        self.refunds_pending(0, Duration::ZERO);
        self.waiting_callbacks(0);
        for &reason in ParkedReason::ALL {
            self.parked(reason, 0);
        }
        for &status in Status::ALL {
            self.orders(status, 0);
        }
        for &channel in Channel::ALL {
            self.notifications_pending(channel, 0, Duration::ZERO);
            self.breaker(channel, breaker::State::Closed);
        }
    }

    /// Counts a command that was published to a wait queue.
    pub fn retry(&self, kind: CommandType) {
        if let Some(series) = self.0.retries.get(kind) {
            series.increment(1);
        }
    }

    /// Counts a command that was sent on to the partition that it belongs to.
    pub fn forwarded(&self) {
        self.0.forwarded.increment(1);
    }

    /// Sets the number of parked commands with a reason.
    pub fn parked(&self, reason: ParkedReason, commands: u64) {
        if let Some(series) = self.0.parked.get(reason) {
            series.set(commands as f64);
        }
    }

    /// Sets the age of the oldest parked message.
    pub fn parked_oldest(&self, age: Duration) {
        self.0.parked_oldest.set(age.as_secs_f64());
    }

    /// Sets the number of orders that a person must look at.
    pub fn attention(&self, orders: u64) {
        self.0.attention.set(orders as f64);
    }

    /// Sets the number of refunds without a result, and the time since the earliest request for one.
    pub fn refunds_pending(&self, refunds: u64, oldest: Duration) {
        self.0.refunds_pending.set(refunds as f64);
        self.0.refunds_oldest.set(oldest.as_secs_f64());
    }

    /// Counts a message that was published to the dead letters, since parking had no room for the whole message.
    pub fn dead_lettered(&self, reason: ParkedReason) {
        if let Some(series) = self.0.dead_lettered.get(reason) {
            series.increment(1);
        }
    }

    /// Counts a restart of an actor.
    pub fn actor_restart(&self, actor: Owner) {
        if let Some(series) = self.0.actor_restarts.get(actor) {
            series.increment(1);
        }
    }

    /// Sets the number of orders with a status.
    pub fn orders(&self, status: Status, orders: u64) {
        if let Some(series) = self.0.orders.get(status) {
            series.set(orders as f64);
        }
    }

    /// Sets the number of callbacks that wait for their order.
    pub fn waiting_callbacks(&self, callbacks: u64) {
        self.0.waiting_callbacks.set(callbacks as f64);
    }

    /// Counts `count` attempts to deliver a notification with the same outcome.
    pub fn notifications(&self, channel: Channel, outcome: Outcome, count: u64) {
        let series = self.0.notifications.get(channel).and_then(|one| one.get(outcome));
        if let Some(series) = series {
            series.increment(count);
        }
    }

    /// Sets the number of pending notifications of a channel, and the time since the earliest request for one.
    pub fn notifications_pending(&self, channel: Channel, pending: usize, oldest: Duration) {
        if let Some(series) = self.0.notifications_pending.get(channel) {
            series.set(pending as f64);
        }
        if let Some(series) = self.0.notifications_oldest.get(channel) {
            series.set(oldest.as_secs_f64());
        }
    }

    /// Shows that notifications are delivered through a channel.
    pub fn channel_configured(&self, channel: Channel) {
        if let Some(series) = self.0.channels.get(channel) {
            series.set(1.0);
        }
    }

    /// Sets the state of the breaker of a channel.
    pub fn breaker(&self, channel: Channel, state: breaker::State) {
        if let Some(series) = self.0.breakers.get(channel) {
            series.set(f64::from(state as u8));
        }
    }

    /// Counts spans that the endpoint took.
    pub fn spans_exported(&self, spans: u64) {
        self.spans(SpanOutcome::Exported, spans);
    }

    /// Counts spans that were dropped.
    pub fn spans_dropped(&self, spans: u64) {
        self.spans(SpanOutcome::Dropped, spans);
    }

    fn spans(&self, outcome: SpanOutcome, spans: u64) {
        if let Some(series) = self.0.spans.get(outcome) {
            series.increment(spans);
        }
    }

    /// Shows that the broker is connected.
    pub fn broker_connected(&self) {
        self.0.broker_connected.set(1.0);
    }

    /// Shows that the broker is not connected.
    pub fn broker_disconnected(&self) {
        self.0.broker_connected.set(0.0);
    }

    /// Counts a connection that replaced a lost one.
    pub fn broker_reconnect(&self) {
        self.0.broker_reconnects.increment(1);
    }
}

impl Exporter {
    /// The current values in the text format of Prometheus.
    pub fn render(&self) -> String {
        let mut text = self.counters_and_gauges.render();
        for family in self.histograms.iter() {
            text.push_str(&family.to_string());
        }
        text.push_str(&process::exposition());
        text
    }
}

#[cfg(test)]
mod tests;
