//! Readiness: the process is ready for work while none of these conditions holds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;
use tracing::{info, warn};

use crate::metrics::Metrics;

/// A reason why the process is not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// The process reads its store or connects.
    Starting,
    /// The process was told to stop.
    Draining,
    /// There is no connection to the broker.
    Broker,
    /// The store has failed.
    Storage,
    /// A worker of the process failed, so the process ends.
    Failed,
    /// The wall clock cannot be trusted: timers are paused.
    Clock,
    /// Messages are in hand and no command has ended for `intake.stall_after`.
    Stalled,
    /// Exchanges or queues are missing on the broker.
    Topology,
    /// The store of an earlier build is brought up to date.
    Upgrading,
    /// This member reads what it has missed of the journal, copies another member's store, or is further behind than
    /// `cluster.max_lag`.
    Following,
    /// The journal accepts nothing: there is no majority of the broker's nodes, or their disks are full.
    Journal,
}

impl Condition {
    /// The condition as `/readyz` shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Draining => "draining",
            Self::Broker => "broker",
            Self::Storage => "storage",
            Self::Failed => "failed",
            Self::Clock => "clock",
            Self::Stalled => "stalled",
            Self::Topology => "topology",
            Self::Upgrading => "upgrading",
            Self::Following => "following",
            Self::Journal => "journal",
        }
    }
}

/// A condition that holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "NotReady")]
pub struct Reason {
    /// The condition.
    #[serde(rename = "reason")]
    pub condition: Condition,
    /// The partition that it holds for. Absent: for the whole process, or there are no partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<u16>,
    /// What is wrong, for a person.
    pub detail: String,
}

/// The detail of [`Condition::Starting`] while nothing particular is waited for.
pub const STARTING: &str = "the process is starting";

/// The detail of [`Condition::Upgrading`].
pub const UPGRADING: &str = "the store of an earlier build is brought up to date";

/// The conditions that hold now. Clones share them.
#[derive(Clone)]
pub struct Readiness {
    shared: Arc<Shared>,
    /// The partition whose conditions this one raises and clears; `None`: those of the whole process.
    partition: Option<u16>,
}

type Conditions = BTreeMap<(Condition, Option<u16>), String>;

struct Shared {
    holding: Mutex<Conditions>,
    /// Where readiness is shown, too.
    metrics: Option<Metrics>,
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Readiness").field(&*self.lock()).finish()
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::starting()
    }
}

impl Readiness {
    /// Not ready: the process is starting.
    pub fn starting() -> Self {
        Self::starting_with(None)
    }

    /// Not ready: the process is starting. The metric `orderly_ready` shows when it is.
    pub fn shown_in(metrics: Metrics) -> Self {
        Self::starting_with(Some(metrics))
    }

    fn starting_with(metrics: Option<Metrics>) -> Self {
        let holding = BTreeMap::from([((Condition::Starting, None), STARTING.to_owned())]);
        let shared = Arc::new(Shared { holding: Mutex::new(holding), metrics });
        Self { shared, partition: None }
    }

    /// Where the conditions of one of several partitions are raised and cleared: it is starting. The process is ready when no
    /// condition holds for any.
    #[must_use]
    pub fn of_partition(&self, number: u16) -> Self {
        let readiness = Self { shared: Arc::clone(&self.shared), partition: Some(number) };
        readiness.raise(Condition::Starting, STARTING);
        readiness
    }

    /// Makes the process not ready until the condition is cleared. The log gets one line when the condition begins, and none
    /// when only its detail changes: a warning, or an info while the process starts or stops.
    pub fn raise(&self, condition: Condition, detail: impl Into<String>) {
        let detail = detail.into();
        let mut holding = self.lock();
        let is_new = holding.insert((condition, self.partition), detail.clone()).is_none();
        self.show(&holding);
        let is_expected =
            [Condition::Starting, Condition::Draining, Condition::Upgrading, Condition::Following]
                .iter()
                .any(|one| {
                    holding.contains_key(&(*one, self.partition))
                        || holding.contains_key(&(*one, None))
                });
        drop(holding);
        match (is_new, is_expected) {
            (true, true) => {
                info!(
                    condition = condition.as_str(),
                    partition = self.partition,
                    detail,
                    "not ready"
                );
            }
            (true, false) => {
                warn!(
                    condition = condition.as_str(),
                    partition = self.partition,
                    detail,
                    "not ready"
                );
            }
            (false, _) => {}
        }
    }

    /// Ends the condition.
    pub fn clear(&self, condition: Condition) {
        let mut holding = self.lock();
        let was_there = holding.remove(&(condition, self.partition)).is_some();
        self.show(&holding);
        let is_ready = holding.is_empty();
        drop(holding);
        if was_there {
            info!(
                condition = condition.as_str(),
                partition = self.partition,
                ready = is_ready,
                "condition cleared"
            );
        }
    }

    /// The conditions that hold now. The process is ready when there are none.
    pub fn reasons(&self) -> Vec<Reason> {
        let holding = self.lock();
        let reason =
            |((condition, partition), detail): (&(Condition, Option<u16>), &String)| Reason {
                condition: *condition,
                partition: *partition,
                detail: match partition {
                    None => detail.clone(),
                    Some(number) => format!("partition {number}: {detail}"),
                },
            };
        holding.iter().map(reason).collect()
    }

    fn show(&self, holding: &Conditions) {
        if let Some(metrics) = &self.shared.metrics {
            metrics.ready(holding.is_empty());
        }
    }

    /// A poisoned lock is no harm: every change is one call on the map, so the map is whole after a panic.
    fn lock(&self) -> MutexGuard<'_, Conditions> {
        self.shared.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(readiness: &Readiness) -> Vec<Condition> {
        readiness.reasons().into_iter().map(|reason| reason.condition).collect()
    }

    #[test]
    fn the_process_is_ready_when_no_condition_holds() {
        let readiness = Readiness::starting();
        assert_eq!(conditions(&readiness), [Condition::Starting]);
        readiness.raise(Condition::Broker, "connection refused");
        readiness.clear(Condition::Starting);
        assert_eq!(conditions(&readiness), [Condition::Broker]);
        readiness.clone().clear(Condition::Broker);
        assert_eq!(conditions(&readiness), []);
    }

    #[test]
    fn the_metric_tells_the_same() {
        let (metrics, exporter) = Metrics::new();
        let readiness = Readiness::shown_in(metrics);
        let is_ready = || exporter.reading().sum("orderly_ready", None) > 0.5;
        assert!(!is_ready());
        readiness.clear(Condition::Starting);
        assert!(is_ready());
        readiness.raise(Condition::Clock, "stepped");
        assert!(!is_ready());
        readiness.raise(Condition::Broker, "lost");
        readiness.clear(Condition::Clock);
        assert!(!is_ready(), "another condition holds");
        readiness.clear(Condition::Broker);
        assert!(is_ready());
    }

    #[test]
    fn a_reason_has_one_name() {
        for condition in [
            Condition::Starting,
            Condition::Draining,
            Condition::Broker,
            Condition::Storage,
            Condition::Failed,
            Condition::Clock,
            Condition::Stalled,
            Condition::Topology,
            Condition::Upgrading,
            Condition::Following,
            Condition::Journal,
        ] {
            let reason = Reason { condition, partition: None, detail: "why".to_owned() };
            let shown = serde_json::to_value(reason).expect("JSON");
            assert_eq!(shown, serde_json::json!({"reason": condition.as_str(), "detail": "why"}));
        }
    }

    #[test]
    fn the_process_is_ready_when_every_partition_is() {
        let readiness = Readiness::starting();
        let of_second = readiness.of_partition(2);
        readiness.clear(Condition::Starting);
        let reasons = readiness.reasons();
        assert_eq!(reasons.len(), 1);
        assert_eq!(
            serde_json::to_value(&reasons[0]).expect("JSON"),
            serde_json::json!({
                "reason": "starting", "partition": 2,
                "detail": format!("partition 2: {STARTING}"),
            })
        );
        readiness.of_partition(3).clear(Condition::Starting);
        of_second.clear(Condition::Starting);
        assert_eq!(readiness.reasons(), []);
        of_second.raise(Condition::Broker, "lost");
        readiness.clear(Condition::Broker);
        assert_eq!(
            conditions(&readiness),
            [Condition::Broker],
            "it is partition 2 that has no broker"
        );
    }

    #[test]
    fn a_condition_raised_again_shows_its_new_detail() {
        let readiness = Readiness::starting();
        readiness.raise(Condition::Starting, "replaying the journal");
        assert_eq!(readiness.reasons()[0].detail, "replaying the journal");
    }
}
