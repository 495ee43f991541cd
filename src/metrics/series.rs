//! The series, each with its name and its help text.

use metrics::{Counter, Gauge, Histogram};

use super::labels::{CommandType, Outcome, Restriction, SpanOutcome, Stage, Upkeep};
use super::registrar::{PerValue, Registrar};
use crate::cluster::ClusterRole;
use orderly_actors::counters::ParkedReason;
use orderly_actors::owner::Owner;
use orderly_domain::notification::Channel;
use orderly_domain::order::Status;
use orderly_domain::verdict::Verdict;

/// Bounds in seconds, from the time of a decision to the time of an outage.
const DURATIONS: [f64; 16] = [
    0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 5.0, 30.0,
];

/// Bounds in seconds for one flush; an fsync of a good disk takes 0.2 ms.
const FLUSHES: [f64; 12] =
    [0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0];

/// Bounds for the units of one group commit.
const GROUPS: [f64; 12] =
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0];

/// A handle for every series.
pub(super) struct Series {
    pub(super) ready: Gauge,
    /// By type, then verdict.
    pub(super) commands: PerValue<CommandType, PerValue<Verdict, Counter>>,
    pub(super) ignored_fields: PerValue<CommandType, Counter>,
    pub(super) durations: PerValue<Stage, Histogram>,
    pub(super) queue_messages: Gauge,
    pub(super) in_flight: Gauge,
    pub(super) group_commit_size: Histogram,
    pub(super) store_flush: Histogram,
    pub(super) store_work: PerValue<Upkeep, Histogram>,
    pub(super) store_bytes: Gauge,
    pub(super) disk_free: Gauge,
    pub(super) disk_size: Gauge,
    pub(super) audit_violations: Gauge,
    pub(super) audit_time: Gauge,
    pub(super) outbox_pending: Gauge,
    pub(super) outbox_oldest: Gauge,
    pub(super) degraded: PerValue<Restriction, Gauge>,
    pub(super) retries: PerValue<CommandType, Counter>,
    pub(super) forwarded: Counter,
    pub(super) parked: PerValue<ParkedReason, Gauge>,
    pub(super) parked_oldest: Gauge,
    pub(super) dead_lettered: PerValue<ParkedReason, Counter>,
    pub(super) actor_restarts: PerValue<Owner, Counter>,
    pub(super) orders: PerValue<Status, Gauge>,
    pub(super) attention: Gauge,
    pub(super) refunds_pending: Gauge,
    pub(super) refunds_oldest: Gauge,
    pub(super) waiting_callbacks: Gauge,
    /// By channel, then outcome.
    pub(super) notifications: PerValue<Channel, PerValue<Outcome, Counter>>,
    pub(super) breakers: PerValue<Channel, Gauge>,
    pub(super) channels: PerValue<Channel, Gauge>,
    pub(super) notifications_pending: PerValue<Channel, Gauge>,
    pub(super) notifications_oldest: PerValue<Channel, Gauge>,
    pub(super) spans: PerValue<SpanOutcome, Counter>,
    pub(super) cluster_role: PerValue<ClusterRole, Gauge>,
    pub(super) cluster_epoch: Gauge,
    pub(super) cluster_members: Gauge,
    pub(super) journal_lag: Gauge,
    pub(super) journal_headroom: Gauge,
    pub(super) journal_in_flight: Gauge,
    pub(super) broker_connected: Gauge,
    pub(super) broker_reconnects: Counter,
}

impl Series {
    /// Makes all series.
    #[allow(clippy::too_many_lines, reason = "a list of all series")]
    pub(super) fn new(to: &mut Registrar) -> Self {
        to.constant(
            "orderly_build_info",
            "Always 1; the label names the version that is running",
            "version",
            env!("CARGO_PKG_VERSION"),
        );
        Self {
            ready: to.gauge_of_process(
                "orderly_ready",
                "1 while the process processes commands, or waits for them: /readyz says why it does not",
            ),
            commands: to.counter_table(
                "orderly_commands_total",
                "Commands with a verdict, by type and verdict",
                ("type", CommandType::ALL, CommandType::as_str),
                ("verdict", Verdict::ALL, Verdict::as_str),
            ),
            ignored_fields: to.counters(
                "orderly_ignored_fields_total",
                "Fields of commands that are not known, by the type of the command",
                ("type", CommandType::ALL, CommandType::as_str),
            ),
            durations: to.histograms(
                "orderly_command_duration_seconds",
                "Time of a command in a stage, in seconds",
                ("stage", Stage::ALL, Stage::as_str),
                &DURATIONS,
            ),
            queue_messages: to.gauge(
                "orderly_queue_messages",
                "Messages that are ready in the queue of commands, as counted last, every 5 s; 0 with the in-process broker",
            ),
            in_flight: to
                .gauge("orderly_in_flight", "Messages delivered by the broker and not acknowledged"),
            group_commit_size: to.histogram(
                "orderly_group_commit_size",
                "Units made durable by one flush",
                &GROUPS,
            ),
            store_flush: to.histogram(
                "orderly_store_flush_seconds",
                "Time to write and flush one group, in seconds",
                &FLUSHES,
            ),
            store_work: to.histograms(
                "orderly_store_work_seconds",
                "Time of one step of the store's own work, in seconds; commits wait for the step",
                ("work", Upkeep::ALL, Upkeep::as_str),
                &FLUSHES,
            ),
            store_bytes: to.gauge("orderly_store_bytes", "Size of the store on disk in bytes"),
            disk_free: to.gauge_of_process(
                "orderly_disk_free_bytes",
                "Bytes that the process may still write on the file system of the store, as counted last, every few seconds",
            ),
            disk_size: to
                .gauge_of_process("orderly_disk_size_bytes", "Size of the file system of the store in bytes"),
            audit_violations: to.gauge(
                "orderly_audit_violations",
                "Violations that the last audit found; 0 also before the first audit of this process",
            ),
            audit_time: to.gauge(
                "orderly_audit_timestamp_seconds",
                "When the last audit of this process ended, in seconds since 1970; 0 before the first",
            ),
            outbox_pending: to.gauge(
                "orderly_outbox_pending",
                "Durable events that the broker has not confirmed",
            ),
            outbox_oldest: to.gauge(
                "orderly_outbox_oldest_seconds",
                "Age in seconds of the oldest durable event that must be published and that the broker has not confirmed",
            ),
            degraded: to.gauges(
                "orderly_degraded",
                "How often a restriction holds that a person should see and the process can live with, by reason",
                ("reason", Restriction::ALL, Restriction::as_str),
            ),
            retries: to.counters(
                "orderly_retries_total",
                "Commands sent to a wait queue after an unexpected failure",
                ("type", CommandType::ALL, CommandType::as_str),
            ),
            forwarded: to.counter(
                "orderly_forwarded_total",
                "Commands sent on to the partition that they belong to: those that named no partition, counted with partition 0, and those that named another one",
            ),
            parked: to.gauges(
                "orderly_parked",
                "Parked commands, by reason",
                ("reason", ParkedReason::ALL, ParkedReason::as_str),
            ),
            parked_oldest: to.gauge(
                "orderly_parked_oldest_seconds",
                "Age in seconds of the oldest parked message, as counted last, every few seconds; 0: nothing is parked",
            ),
            dead_lettered: to.counters(
                "orderly_dead_lettered_total",
                "Messages published whole to the dead letters of the broker because parking had no room for them",
                ("reason", ParkedReason::ALL, ParkedReason::as_str),
            ),
            actor_restarts: to.counters(
                "orderly_actor_restarts_total",
                "Restarts of an actor after a panic or a failed reload",
                ("actor", Owner::ALL, Owner::as_str),
            ),
            orders: to.gauges(
                "orderly_orders",
                "Orders, by status",
                ("status", Status::ALL, Status::as_str),
            ),
            attention: to.gauge(
                "orderly_attention",
                "Orders that a person must look at, those under review included, as counted last, every few seconds",
            ),
            refunds_pending: to.gauge(
                "orderly_refunds_pending",
                "Refunds, or parts of refunds, that were requested and have no result, as counted last, every few seconds",
            ),
            refunds_oldest: to.gauge(
                "orderly_refunds_pending_oldest_seconds",
                "Seconds since the earliest request for a refund that has no result; 0: there is none",
            ),
            waiting_callbacks: to
                .gauge("orderly_waiting_callbacks", "Payment callbacks that wait for their order"),
            notifications: to.counter_table(
                "orderly_notifications_total",
                "Attempts to deliver a notification, by outcome; given_up: without an attempt",
                ("channel", Channel::ALL, Channel::as_str),
                ("outcome", Outcome::ALL, Outcome::as_str),
            ),
            breakers: to.gauges(
                "orderly_breaker_state",
                "Circuit breaker of a channel: 0 closed, 1 half open, 2 open",
                ("channel", Channel::ALL, Channel::as_str),
            ),
            channels: to.gauges(
                "orderly_channel_configured",
                "1 when notifications are delivered through the channel",
                ("channel", Channel::ALL, Channel::as_str),
            ),
            notifications_pending: to.gauges(
                "orderly_notifications_pending",
                "Notifications that were requested and are neither delivered nor given up, at most 50000; after a restart those that wait for a further attempt are counted when its time comes",
                ("channel", Channel::ALL, Channel::as_str),
            ),
            notifications_oldest: to.gauges(
                "orderly_notifications_pending_oldest_seconds",
                "Seconds since the earliest request for a pending notification, or since a person had it sent again; 0: there is none",
                ("channel", Channel::ALL, Channel::as_str),
            ),
            spans: to.counters(
                "orderly_spans_total",
                "Spans for OpenTelemetry, by whether the endpoint took them; all 0 while there is no endpoint",
                ("outcome", SpanOutcome::ALL, SpanOutcome::as_str),
            ),
            cluster_role: to.gauges(
                "orderly_cluster_role",
                "1 for what this process is among the members of its namespace; the only process of a namespace is `owner`",
                ("role", ClusterRole::ALL, ClusterRole::as_str),
            ),
            cluster_epoch: to.gauge(
                "orderly_cluster_epoch",
                "The number of the epoch in force, which grows with each take-over; 0 without a journal",
            ),
            cluster_members: to.gauge(
                "orderly_cluster_members",
                "Members of the namespace that this one has heard of in the last minutes, itself included; 0 without a journal",
            ),
            journal_lag: to.gauge(
                "orderly_journal_lag_seconds",
                "How far this member is behind the owner, in seconds; 0 for the owner, and before an owner was heard",
            ),
            journal_headroom: to.gauge(
                "orderly_journal_headroom_seconds",
                "How long the member that has come the least far could stand still until the stream passes it; +Inf while the \
                 stream has all of its records, 0 without a journal",
            ),
            journal_in_flight: to.gauge(
                "orderly_journal_in_flight_bytes",
                "Bytes of units that the owner has appended to the journal and not read back",
            ),
            broker_connected: to
                .gauge("orderly_broker_connected", "1 while there is a connection to the broker"),
            broker_reconnects: to.counter(
                "orderly_broker_reconnects_total",
                "Connections to the broker that replaced a lost one",
            ),
        }
    }
}
