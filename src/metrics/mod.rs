//! Every metric of the process, with its name and its help text.
//!
//! | module | has |
//! |---|---|
//! | `labels` | the values of labels |
//! | `registrar` | makes and describes series |
//! | `histogram` | histograms that record a batch in one step |
//! | `reading` | the values of all series at one moment |
//!
//! All series exist from the start, at 0. Labels come from closed sets, so no input adds a series. [`Metrics`] holds a handle
//! for each series: to count is an atomic addition without a look-up. A clone is cheap and counts the same series. There is no
//! global recorder, so each test has metrics of its own.

mod histogram;
pub mod labels;
mod reading;
mod registrar;

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};
use metrics_exporter_prometheus::PrometheusHandle;

use self::histogram::Family;
use self::labels::{CommandType, Outcome, Restriction, Stage};
pub use self::reading::Reading;
use self::registrar::{PerValue, Registrar};
use crate::notify::breaker;
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

/// Counts: a handle for every series.
#[derive(Clone)]
pub struct Metrics(Arc<Series>);

/// Reads the series that [`Metrics`] counts.
#[derive(Clone)]
pub struct Exporter {
    counters_and_gauges: PrometheusHandle,
    histograms: Arc<[Family]>,
}

struct Series {
    /// By type, then verdict.
    commands: PerValue<CommandType, PerValue<Verdict, Counter>>,
    ignored_fields: PerValue<CommandType, Counter>,
    durations: PerValue<Stage, Histogram>,
    in_flight: Gauge,
    group_commit_size: Histogram,
    store_flush: Histogram,
    store_bytes: Gauge,
    outbox_pending: Gauge,
    outbox_oldest: Gauge,
    degraded: PerValue<Restriction, Gauge>,
    retries: PerValue<CommandType, Counter>,
    parked: PerValue<ParkedReason, Gauge>,
    dead_lettered: PerValue<ParkedReason, Counter>,
    actor_restarts: PerValue<Owner, Counter>,
    orders: PerValue<Status, Gauge>,
    waiting_callbacks: Gauge,
    /// By channel, then outcome.
    notifications: PerValue<Channel, PerValue<Outcome, Counter>>,
    breakers: PerValue<Channel, Gauge>,
    broker_connected: Gauge,
    broker_reconnects: Counter,
}

impl Metrics {
    /// Makes all series.
    pub fn new() -> (Self, Exporter) {
        let mut registrar = Registrar::new();
        let series = Series::new(&mut registrar);
        (Self(Arc::new(series)), registrar.exporter())
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

    /// Sets the number of messages that were delivered and not acknowledged.
    pub fn in_flight(&self, messages: usize) {
        self.0.in_flight.set(messages as f64);
    }

    /// Records a group commit of `units` units whose flush took `flush`.
    pub fn group_commit(&self, units: usize, flush: Duration) {
        self.0.group_commit_size.record(units as f64);
        self.0.store_flush.record(flush.as_secs_f64());
    }

    /// Sets the size of the store on disk.
    pub fn store_bytes(&self, bytes: u64) {
        self.0.store_bytes.set(bytes as f64);
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

    /// Counts a command that was published to a wait queue.
    pub fn retry(&self, kind: CommandType) {
        if let Some(series) = self.0.retries.get(kind) {
            series.increment(1);
        }
    }

    /// Sets the number of parked commands with a reason.
    pub fn parked(&self, reason: ParkedReason, commands: u64) {
        if let Some(series) = self.0.parked.get(reason) {
            series.set(commands as f64);
        }
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

    /// Sets the state of the breaker of a channel.
    pub fn breaker(&self, channel: Channel, state: breaker::State) {
        if let Some(series) = self.0.breakers.get(channel) {
            series.set(f64::from(state as u8));
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
        text
    }
}

impl Series {
    fn new(to: &mut Registrar) -> Self {
        to.constant(
            "orderly_build_info",
            "Always 1; the label names the version that is running",
            "version",
            env!("CARGO_PKG_VERSION"),
        );
        Self {
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
                "Time of a command in a stage",
                ("stage", Stage::ALL, Stage::as_str),
                &DURATIONS,
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
                "Time to write and flush one group",
                &FLUSHES,
            ),
            store_bytes: to.gauge("orderly_store_bytes", "Size of the store on disk"),
            outbox_pending: to.gauge(
                "orderly_outbox_pending",
                "Durable events that the broker has not confirmed",
            ),
            outbox_oldest: to.gauge(
                "orderly_outbox_oldest_seconds",
                "Age of the oldest durable event that must be published and that the broker has not confirmed",
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
            parked: to.gauges(
                "orderly_parked",
                "Parked commands, by reason",
                ("reason", ParkedReason::ALL, ParkedReason::as_str),
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
            broker_connected: to
                .gauge("orderly_broker_connected", "1 while there is a connection to the broker"),
            broker_reconnects: to.counter(
                "orderly_broker_reconnects_total",
                "Connections to the broker that replaced a lost one",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderly_domain::command::Kind;

    /// The value of a series in the exposition.
    fn value(exporter: &Exporter, series: &str) -> Option<f64> {
        exporter.render().lines().find_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            (name == series).then(|| value.parse().ok())?
        })
    }

    #[test]
    fn all_series_are_there_from_the_start() {
        let (_metrics, exporter) = Metrics::new();
        let expected = [
            "orderly_commands_total{type=\"order.place\",verdict=\"applied\"}",
            "orderly_commands_total{type=\"other\",verdict=\"invalid\"}",
            "orderly_ignored_fields_total{type=\"cart.checkout\"}",
            "orderly_command_duration_seconds_count{stage=\"wait\"}",
            "orderly_command_duration_seconds_count{stage=\"total\"}",
            "orderly_in_flight",
            "orderly_group_commit_size_count",
            "orderly_store_flush_seconds_count",
            "orderly_store_bytes",
            "orderly_outbox_pending",
            "orderly_outbox_oldest_seconds",
            "orderly_degraded{reason=\"events_rejected\"}",
            "orderly_retries_total{type=\"payment.callback\"}",
            "orderly_parked{reason=\"conflict\"}",
            "orderly_dead_lettered_total{reason=\"conflict\"}",
            "orderly_actor_restarts_total{actor=\"inventory\"}",
            "orderly_orders{status=\"refund_due\"}",
            "orderly_waiting_callbacks",
            "orderly_notifications_total{channel=\"amqp\",outcome=\"delivered\"}",
            "orderly_breaker_state{channel=\"amqp\"}",
            "orderly_broker_connected",
            "orderly_broker_reconnects_total",
        ];
        for series in expected {
            assert_eq!(value(&exporter, series), Some(0.0), "{series}");
        }
        let version = env!("CARGO_PKG_VERSION");
        let build = format!("orderly_build_info{{version=\"{version}\"}}");
        assert_eq!(value(&exporter, &build), Some(1.0));
    }

    #[test]
    fn every_metric_has_a_help_text() {
        let (_metrics, exporter) = Metrics::new();
        let exposition = exporter.render();
        for line in exposition.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let name = line.split(['{', ' ']).next().expect("a name");
            let name = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(name);
            assert!(exposition.contains(&format!("# HELP {name} ")), "{name}");
        }
    }

    #[test]
    fn a_verdict_is_counted_under_its_type() {
        let (metrics, exporter) = Metrics::new();
        metrics.commands(CommandType::Known(Kind::CartAdd), Verdict::Duplicate, 3);
        let counted = |kind: &str, verdict: &str| {
            let series = format!("orderly_commands_total{{type=\"{kind}\",verdict=\"{verdict}\"}}");
            value(&exporter, &series)
        };
        assert_eq!(counted("cart.add", "duplicate"), Some(3.0));
        assert_eq!(counted("cart.put", "duplicate"), Some(0.0));
        assert_eq!(counted("cart.add", "applied"), Some(0.0));
    }

    #[test]
    fn durations_fall_into_explicit_buckets() {
        let (metrics, exporter) = Metrics::new();
        metrics.command_duration(Stage::Commit, Duration::from_millis(2), 5);
        let below = |bound: &str| {
            let series = format!(
                "orderly_command_duration_seconds_bucket{{stage=\"commit\",le=\"{bound}\"}}"
            );
            value(&exporter, &series)
        };
        assert_eq!(below("0.001"), Some(0.0));
        assert_eq!(below("0.0025"), Some(5.0));
        assert_eq!(below("+Inf"), Some(5.0));
    }

    #[test]
    fn gauges_show_the_last_value() {
        let (metrics, exporter) = Metrics::new();
        metrics.in_flight(7);
        metrics.broker_connected();
        metrics.breaker(Channel::Amqp, breaker::State::Open);
        assert_eq!(value(&exporter, "orderly_in_flight"), Some(7.0));
        assert_eq!(value(&exporter, "orderly_broker_connected"), Some(1.0));
        assert_eq!(value(&exporter, "orderly_breaker_state{channel=\"amqp\"}"), Some(2.0));
        metrics.broker_disconnected();
        assert_eq!(value(&exporter, "orderly_broker_connected"), Some(0.0));
    }

    #[test]
    fn a_group_commit_counts_once_however_large() {
        let (metrics, exporter) = Metrics::new();
        metrics.group_commit(250, Duration::from_micros(300));
        assert_eq!(value(&exporter, "orderly_group_commit_size_count"), Some(1.0));
        assert_eq!(value(&exporter, "orderly_group_commit_size_sum"), Some(250.0));
        let below = "orderly_store_flush_seconds_bucket{le=\"0.0005\"}";
        assert_eq!(value(&exporter, below), Some(1.0));
    }
}
