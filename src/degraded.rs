//! What a person should see although the process goes on: a queue that rejects, notifications without a queue, a channel
//! that is down. `/readyz` shows each restriction that holds, and stays 200.
//!
//! Invariant: readiness, the log and the metric `orderly_degraded` tell the same. The log has one line when a restriction
//! begins and one when it is over.

use crate::metrics::Metrics;
use crate::metrics::labels::Restriction;
use orderly_actors::clock::{Clock as _, SystemClock};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The restrictions that hold now. Clones share them.
#[derive(Clone)]
pub struct Degraded {
    shared: Arc<Shared>,
    /// The partition that it tells of; `None`: the whole process.
    partition: Option<u16>,
    metrics: Metrics,
}

/// A restriction, the partition that it holds for, and its subject.
type Key = (Restriction, Option<u16>, String);

struct Shared {
    holding: Mutex<BTreeMap<Key, Holding>>,
    clock: SystemClock,
}

struct Holding {
    detail: String,
    since: Duration,
}

/// A restriction that holds now, as `/readyz` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Restriction")]
pub struct Entry {
    /// The name of the restriction: one of a fixed set.
    pub reason: &'static str,
    /// The partition that it holds for. Absent: for the whole process, or there are no partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<u16>,
    /// What is wrong, for a person.
    pub detail: String,
}

/// Who tells the log of a restriction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    Here,
    Caller,
}

impl Degraded {
    /// No restriction holds.
    pub fn new(metrics: Metrics) -> Self {
        let shared = Shared { holding: Mutex::default(), clock: SystemClock::default() };
        Self { shared: Arc::new(shared), partition: None, metrics }
    }

    /// Where the restrictions of one of several partitions are shown, which has these metrics.
    #[must_use]
    pub fn of_partition(&self, number: u16, metrics: Metrics) -> Self {
        Self { shared: Arc::clone(&self.shared), partition: Some(number), metrics }
    }

    /// Shows a restriction until it is cleared. `subject` tells apart what the same restriction can hold for. The log gets a
    /// warning when the restriction begins, and nothing when only its detail changes.
    pub fn raise(&self, restriction: Restriction, subject: &str, detail: impl Into<String>) {
        self.insert(restriction, subject, detail.into(), Log::Here);
    }

    /// As [`raise`](Self::raise), for a restriction whose beginning and end the caller logs.
    pub fn raise_unlogged(&self, restriction: Restriction, detail: impl Into<String>) {
        self.insert(restriction, "", detail.into(), Log::Caller);
    }

    /// Ends a restriction. The log gets a line with the time that it held.
    pub fn clear(&self, restriction: Restriction, subject: &str) {
        self.remove(restriction, subject, Log::Here);
    }

    /// As [`clear`](Self::clear), for a restriction whose beginning and end the caller logs.
    pub fn clear_unlogged(&self, restriction: Restriction) {
        self.remove(restriction, "", Log::Caller);
    }

    /// Ends every restriction of this partition, of which nobody tells any more.
    pub fn clear_all(&self) {
        let mut holding = self.lock();
        holding.retain(|(_, partition, _), _| *partition != self.partition);
        for restriction in Restriction::ALL {
            self.count(&holding, *restriction);
        }
    }

    /// The restrictions that hold now.
    pub fn entries(&self) -> Vec<Entry> {
        let holding = self.lock();
        let entry = |((restriction, partition, _), holding): (&Key, &Holding)| Entry {
            reason: restriction.as_str(),
            partition: *partition,
            detail: match partition {
                None => holding.detail.clone(),
                Some(number) => format!("partition {number}: {}", holding.detail),
            },
        };
        holding.iter().map(entry).collect()
    }

    fn insert(&self, restriction: Restriction, subject: &str, detail: String, log: Log) {
        let mut holding = self.lock();
        let key = (restriction, self.partition, subject.to_owned());
        if let Some(known) = holding.get_mut(&key) {
            known.detail = detail;
            return;
        }
        if log == Log::Here {
            let partition = self.partition;
            tracing::warn!(reason = restriction.as_str(), partition, detail, "degraded");
        }
        let since = self.shared.clock.monotonic();
        holding.insert(key, Holding { detail, since });
        self.count(&holding, restriction);
    }

    fn remove(&self, restriction: Restriction, subject: &str, log: Log) {
        let mut holding = self.lock();
        let key = (restriction, self.partition, subject.to_owned());
        let Some(over) = holding.remove(&key) else {
            return;
        };
        if log == Log::Here {
            let held = self.shared.clock.monotonic().saturating_sub(over.since);
            tracing::info!(
                reason = restriction.as_str(),
                partition = self.partition,
                detail = over.detail,
                seconds = held.as_secs_f64(),
                "no longer degraded"
            );
        }
        self.count(&holding, restriction);
    }

    /// What holds for the whole process is counted with partition 0.
    fn count(&self, holding: &BTreeMap<Key, Holding>, restriction: Restriction) {
        let own = |partition: Option<u16>| partition.unwrap_or(0) == self.partition.unwrap_or(0);
        let keys = holding.keys();
        let count = keys.filter(|(known, of, _)| *known == restriction && own(*of)).count();
        self.metrics.degraded(restriction, count);
    }

    /// A poisoned lock is no harm: every change is one call on the map.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Holding>> {
        self.shared.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_and_the_metric_show_the_restrictions_that_hold() {
        let (metrics, exporter) = Metrics::new();
        let degraded = Degraded::new(metrics);
        let counted = |reason: &str| {
            let series = format!("orderly_degraded{{reason=\"{reason}\"}} ");
            let text = exporter.render();
            let value = text.lines().find_map(|line| line.strip_prefix(&series));
            value.expect("it is there from the start").to_owned()
        };
        let entry =
            |reason, detail: &str| Entry { reason, partition: None, detail: detail.to_owned() };
        assert_eq!((degraded.entries(), counted("channel_down").as_str()), (Vec::new(), "0"));

        degraded.raise(Restriction::ChannelDown, "webhook", "refused");
        degraded.raise(Restriction::ChannelDown, "amqp", "not confirmed");
        degraded.raise(Restriction::ChannelDown, "webhook", "no answer in time");
        let shown =
            [entry("channel_down", "not confirmed"), entry("channel_down", "no answer in time")];
        assert_eq!((degraded.entries(), counted("channel_down").as_str()), (shown.into(), "2"));
        assert_eq!(counted("events_rejected"), "0");

        degraded.clear(Restriction::ChannelDown, "amqp");
        degraded.clear(Restriction::EventsRejected, "");
        degraded.clear(Restriction::ChannelDown, "webhook");
        assert_eq!((degraded.entries(), counted("channel_down").as_str()), (Vec::new(), "0"));
    }
}
