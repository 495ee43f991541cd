//! One second of the process: what the page shows of it, from the metrics and from readiness.

use std::collections::BTreeMap;
use std::time::Duration;

use orderly_domain::time::Timestamp;
use serde::Serialize;

use crate::admin::Health;
use crate::admin::readiness::Reason;
use crate::degraded::Entry;
use crate::metrics::Reading;

/// The process at one moment.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sample<'a> {
    version: &'static str,
    namespace: &'a str,
    ready: bool,
    reasons: Vec<Reason>,
    degraded: Vec<Entry>,
    pub(super) point: Point,
    /// Orders by status, and parked messages by reason.
    orders: BTreeMap<&'a str, u64>,
    parked: BTreeMap<&'a str, u64>,
    waiting_callbacks: u64,
    in_flight: u64,
    /// The age in seconds of the oldest event that the broker has not confirmed.
    outbox_oldest: f64,
    /// The restarts of each actor since the start of the process.
    restarts: BTreeMap<&'a str, u64>,
    /// The breaker of each channel that is configured: 0 closed, 1 half open, 2 open.
    breakers: BTreeMap<&'a str, u64>,
    /// Orders that a person must look at, those under review included.
    attention: u64,
    /// Refunds without a result, and the time in seconds since the earliest request.
    refunds_pending: u64,
    refunds_oldest: f64,
    /// Of each channel that is configured: the time in seconds since the earliest request for a pending notification.
    notifications_oldest: BTreeMap<&'a str, u64>,
    /// Messages in the queue of commands.
    queued: u64,
    /// The age in seconds of the oldest parked message.
    parked_oldest: f64,
    /// Free bytes of the file system of the store, and its size; 0: not known.
    disk_free: u64,
    disk_size: u64,
    broker_connected: bool,
    broker_reconnects: u64,
    store_bytes: u64,
}

/// What the plots show of one second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Point {
    pub(super) at: Timestamp,
    /// Commands with a verdict, a second. Commands of the process itself are left out.
    commands: f64,
    /// Of these, the ones that were parked.
    parked: f64,
    /// The time within which half of the commands, and 99 of 100, became durable, in seconds. None: there were no commands.
    p50: Option<f64>,
    p99: Option<f64>,
    /// Durable events that the broker has not confirmed.
    outbox: u64,
}

/// The metrics at the beginning of a second.
pub(super) struct Before {
    pub(super) reading: Reading,
    /// By a clock that never steps.
    pub(super) at: Duration,
}

const COMMANDS: &str = "orderly_commands_total";
const DURATION: &str = "orderly_command_duration_seconds";
/// The verdicts after which a message is parked.
const PARKING: [&str; 3] = ["conflict", "invalid", "failed"];

impl<'a> Sample<'a> {
    /// The sample of the time since `before`.
    pub(super) fn new(
        health: &'a Health,
        now: &'a Reading,
        before: &Before,
        elapsed: Duration,
        at: Timestamp,
    ) -> Self {
        let reasons = health.readiness.reasons();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            namespace: &health.namespace,
            ready: reasons.is_empty(),
            reasons,
            degraded: health.degraded.entries(),
            point: Point::new(now, &before.reading, elapsed, at),
            orders: counts(now, "orderly_orders", "status"),
            parked: counts(now, "orderly_parked", "reason"),
            waiting_callbacks: count(now, "orderly_waiting_callbacks"),
            in_flight: count(now, "orderly_in_flight"),
            outbox_oldest: now.largest("orderly_outbox_oldest_seconds"),
            restarts: counts(now, "orderly_actor_restarts_total", "actor"),
            breakers: of_channels(now, "orderly_breaker_state"),
            attention: count(now, "orderly_attention"),
            refunds_pending: count(now, "orderly_refunds_pending"),
            refunds_oldest: now.largest("orderly_refunds_pending_oldest_seconds"),
            notifications_oldest: of_channels(now, "orderly_notifications_pending_oldest_seconds"),
            queued: count(now, "orderly_queue_messages"),
            parked_oldest: now.largest("orderly_parked_oldest_seconds"),
            disk_free: count(now, "orderly_disk_free_bytes"),
            disk_size: count(now, "orderly_disk_size_bytes"),
            broker_connected: now.smallest("orderly_broker_connected") > 0.5,
            broker_reconnects: count(now, "orderly_broker_reconnects_total"),
            store_bytes: count(now, "orderly_store_bytes"),
        }
    }
}

impl Point {
    fn new(now: &Reading, before: &Reading, elapsed: Duration, at: Timestamp) -> Self {
        let seconds = elapsed.as_secs_f64().max(0.001);
        let grown = |label| now.sum(COMMANDS, label) - before.sum(COMMANDS, label);
        let rate = |grown: f64| (grown.max(0.0) / seconds * 10.0).round() / 10.0;
        let parked: f64 = PARKING.iter().map(|verdict| grown(Some(("verdict", *verdict)))).sum();
        let durations = grown_buckets(now, before);
        Self {
            at,
            commands: rate(grown(None) - grown(Some(("type", "internal")))),
            parked: rate(parked),
            p50: quantile(&durations, 0.5),
            p99: quantile(&durations, 0.99),
            outbox: count(now, "orderly_outbox_pending"),
        }
    }
}

/// The values of a histogram since `before`, by their upper bounds, each bucket with all that are below.
fn grown_buckets(now: &Reading, before: &Reading) -> Vec<(f64, f64)> {
    let total = Some(("stage", "total"));
    let earlier = before.buckets(DURATION, total);
    let earlier = earlier.into_iter().map(|(_, count)| count).chain(std::iter::repeat(0.0));
    let grown = now.buckets(DURATION, total).into_iter().zip(earlier);
    grown.map(|((bound, count), earlier)| (bound, count - earlier)).collect()
}

/// A quantile, on the assumption that the values of a bucket are spread evenly, as Prometheus has it. Of values above all
/// bounds the last bound is given.
fn quantile(buckets: &[(f64, f64)], quantile: f64) -> Option<f64> {
    let (_, all) = *buckets.last()?;
    if all < 0.5 {
        return None; // the counts are whole numbers
    }
    let rank = quantile * all;
    let place = buckets.partition_point(|(_, count)| *count < rank);
    let (from, below) = place.checked_sub(1).map_or((0.0, 0.0), |before| buckets[before]);
    let (to, count) = buckets[place];
    if to.is_infinite() {
        return Some(from);
    }
    Some(from + (to - from) * ((rank - below) / (count - below)))
}

fn counts<'a>(reading: &'a Reading, name: &str, label: &str) -> BTreeMap<&'a str, u64> {
    let values = reading.by(name, label).into_iter();
    values.map(|(value, count)| (value, whole(count))).collect()
}

/// The values of the channels that are configured.
fn of_channels<'a>(reading: &'a Reading, name: &str) -> BTreeMap<&'a str, u64> {
    let configured = reading.by("orderly_channel_configured", "channel");
    let values = reading.largest_by(name, "channel").into_iter();
    let mut values: BTreeMap<_, _> = values.map(|(value, count)| (value, whole(count))).collect();
    values.retain(|channel, _| configured.get(channel).is_some_and(|set| *set > 0.0));
    values
}

fn count(reading: &Reading, name: &str) -> u64 {
    whole(reading.sum(name, None))
}

/// A count, which is written as a float. Counts stay below 2^53.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Condition, Readiness};
    use crate::degraded::Degraded;
    use crate::metrics::Metrics;
    use crate::metrics::labels::{CommandType, Restriction, Stage};
    use crate::notify::breaker::State;
    use orderly_actors::counters::ParkedReason;
    use orderly_actors::owner::Owner;
    use orderly_domain::command::Kind;
    use orderly_domain::notification::Channel;
    use orderly_domain::order::Status;
    use orderly_domain::verdict::Verdict;
    use rstest::rstest;
    use serde_json::json;

    fn health() -> (Metrics, Health) {
        let (metrics, exporter) = Metrics::new();
        let readiness = Readiness::starting();
        let degraded = Degraded::new(metrics.clone());
        let (namespace, cluster) = ("shop".to_owned(), crate::cluster::Cluster::default());
        (metrics, Health { readiness, degraded, exporter, namespace, cluster })
    }

    #[test]
    fn a_sample_shows_what_the_second_brought_and_what_is_wrong() {
        let (metrics, health) = health();
        let place = CommandType::Known(Kind::OrderPlace);
        metrics.commands(place, Verdict::Applied, 100);
        metrics.command_duration(Stage::Total, Duration::from_secs(2), 100);
        let before = Before { reading: health.exporter.reading(), at: Duration::ZERO };

        metrics.commands(place, Verdict::Applied, 7);
        metrics.commands(CommandType::Other, Verdict::Invalid, 1);
        metrics.commands(place, Verdict::Conflict, 2);
        metrics.commands(place, Verdict::Failed, 4);
        metrics.commands(CommandType::Internal, Verdict::Applied, 50);
        metrics.command_duration(Stage::Total, Duration::from_millis(4), 8);
        metrics.orders(Status::Paid, 3);
        metrics.channel_configured(Channel::Amqp);
        metrics.attention(2);
        metrics.refunds_pending(4, Duration::from_secs(90));
        health.degraded.raise(Restriction::EventsRejected, "", "a queue is full");
        health.readiness.clear(Condition::Starting);
        let now = health.exporter.reading();
        let at = Timestamp::parse("2026-01-31T12:00:00Z").expect("a time");
        let sample = Sample::new(&health, &now, &before, Duration::from_secs(2), at);

        let shown = serde_json::to_value(&sample).expect("JSON");
        assert_eq!((&shown["ready"], &shown["namespace"]), (&json!(true), &json!("shop")));
        assert_eq!(shown["degraded"][0]["reason"], "events_rejected");
        assert_eq!(
            (&shown["orders"]["paid"], &shown["orders"]["refunded"]),
            (&json!(3), &json!(0))
        );
        assert_eq!(shown["breakers"], json!({"amqp": 0}), "the webhook is not configured");
        assert_eq!((&shown["attention"], &shown["refunds_pending"]), (&json!(2), &json!(4)));
        assert_eq!(shown["refunds_oldest"], json!(90.0));
        let point = sample.point;
        assert_eq!((point.commands, point.parked), (7.0, 3.5));
        let median = point.p50.expect("there were commands");
        assert!((0.002_5..=0.005).contains(&median), "only those of this second count: {median}");
        assert!(point.p99.expect("there were commands") > median);
    }

    /// Each value is another one, so that none can be taken for another one.
    #[test]
    fn each_value_of_a_sample_is_that_of_its_metric() {
        let second = Duration::from_secs;
        let (metrics, health) = health();
        let before = Before { reading: health.exporter.reading(), at: Duration::ZERO };
        metrics.parked(ParkedReason::TooLarge, 11);
        metrics.waiting_callbacks(12);
        metrics.in_flight(13);
        metrics.outbox_oldest(second(14));
        metrics.actor_restart(Owner::Cart);
        metrics.channel_configured(Channel::Webhook);
        metrics.breaker(Channel::Webhook, State::Open);
        metrics.notifications_pending(Channel::Webhook, 99, second(15));
        metrics.notifications_pending(Channel::Amqp, 99, second(99));
        metrics.queue_messages(16);
        metrics.parked_oldest(second(17));
        metrics.disk(18, 19);
        metrics.broker_connected();
        (0..3).for_each(|_| metrics.broker_reconnect());
        metrics.store_bytes(20);
        metrics.outbox_pending(21);
        health.readiness.raise(Condition::Clock, "stepped");
        let now = health.exporter.reading();
        let at = Timestamp::parse("2026-01-31T12:00:00Z").expect("a time");
        let sample = Sample::new(&health, &now, &before, second(1), at);

        let shown = serde_json::to_value(&sample).expect("JSON");
        for (name, value) in [
            ("/version", json!(env!("CARGO_PKG_VERSION"))),
            ("/ready", json!(false)),
            ("/reasons/1", json!({"reason": "clock", "detail": "stepped"})),
            ("/degraded", json!([])),
            ("/parked/too_large", json!(11)),
            ("/parked/malformed", json!(0)),
            ("/waiting_callbacks", json!(12)),
            ("/in_flight", json!(13)),
            ("/outbox_oldest", json!(14.0)),
            ("/restarts/cart", json!(1)),
            ("/restarts/order", json!(0)),
            ("/breakers", json!({"webhook": 2})),
            ("/notifications_oldest", json!({"webhook": 15})),
            ("/queued", json!(16)),
            ("/parked_oldest", json!(17.0)),
            ("/disk_free", json!(18)),
            ("/disk_size", json!(19)),
            ("/broker_connected", json!(true)),
            ("/broker_reconnects", json!(3)),
            ("/store_bytes", json!(20)),
            ("/point/at", json!(at)),
            ("/point/commands", json!(0.0)),
            ("/point/p50", json!(null)),
            ("/point/outbox", json!(21)),
        ] {
            assert_eq!(shown.pointer(name), Some(&value), "{name}");
        }
    }

    #[rstest]
    #[case(&[], 0.5, None)]
    #[case(&[(1.0, 0.0), (f64::INFINITY, 0.0)], 0.5, None)]
    #[case(&[(1.0, 4.0), (2.0, 4.0), (f64::INFINITY, 4.0)], 0.5, Some(0.5))]
    #[case(&[(1.0, 1.0), (2.0, 3.0), (f64::INFINITY, 3.0)], 0.5, Some(1.25))]
    #[case(&[(1.0, 1.0), (2.0, 2.0), (f64::INFINITY, 100.0)], 0.99, Some(2.0))]
    #[case(&[(1.0, 0.0), (2.0, 1.0), (f64::INFINITY, 1.0)], 0.99, Some(1.99))]
    fn a_quantile_is_within_its_bucket(
        #[case] buckets: &[(f64, f64)],
        #[case] wanted: f64,
        #[case] found: Option<f64>,
    ) {
        assert_eq!(quantile(buckets, wanted), found);
    }
}
