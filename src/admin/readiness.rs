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
    /// What is wrong, for a person.
    pub detail: String,
}

/// The detail of [`Condition::Starting`] while nothing particular is waited for.
pub const STARTING: &str = "the process is starting";

/// The detail of [`Condition::Upgrading`].
pub const UPGRADING: &str = "the store of an earlier build is brought up to date";

/// The conditions that hold now. Clones share them.
#[derive(Clone)]
pub struct Readiness(Arc<Shared>);

struct Shared {
    holding: Mutex<BTreeMap<Condition, String>>,
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
        let holding = BTreeMap::from([(Condition::Starting, STARTING.to_owned())]);
        Self(Arc::new(Shared { holding: Mutex::new(holding), metrics }))
    }

    /// Makes the process not ready until the condition is cleared. The log gets one line when the condition begins, and none
    /// when only its detail changes: a warning, or an info while the process starts or stops.
    pub fn raise(&self, condition: Condition, detail: impl Into<String>) {
        let detail = detail.into();
        let mut holding = self.lock();
        let is_new = holding.insert(condition, detail.clone()).is_none();
        self.show(&holding);
        let is_expected =
            [Condition::Starting, Condition::Draining, Condition::Upgrading, Condition::Following]
                .iter()
                .any(|one| holding.contains_key(one));
        drop(holding);
        match (is_new, is_expected) {
            (true, true) => info!(condition = condition.as_str(), detail, "not ready"),
            (true, false) => warn!(condition = condition.as_str(), detail, "not ready"),
            (false, _) => {}
        }
    }

    /// Ends the condition.
    pub fn clear(&self, condition: Condition) {
        let mut holding = self.lock();
        let was_there = holding.remove(&condition).is_some();
        self.show(&holding);
        let is_ready = holding.is_empty();
        drop(holding);
        if was_there {
            info!(condition = condition.as_str(), ready = is_ready, "condition cleared");
        }
    }

    /// The conditions that hold now. The process is ready when there are none.
    pub fn reasons(&self) -> Vec<Reason> {
        let holding = self.lock();
        let reason = |(condition, detail): (&Condition, &String)| Reason {
            condition: *condition,
            detail: detail.clone(),
        };
        holding.iter().map(reason).collect()
    }

    fn show(&self, holding: &BTreeMap<Condition, String>) {
        if let Some(metrics) = &self.0.metrics {
            metrics.ready(holding.is_empty());
        }
    }

    /// A poisoned lock is no harm: every change is one call on the map, so the map is whole after a panic.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Condition, String>> {
        self.0.holding.lock().unwrap_or_else(PoisonError::into_inner)
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
            let reason = Reason { condition, detail: "why".to_owned() };
            let shown = serde_json::to_value(reason).expect("JSON");
            assert_eq!(shown, serde_json::json!({"reason": condition.as_str(), "detail": "why"}));
        }
    }

    #[test]
    fn a_condition_raised_again_shows_its_new_detail() {
        let readiness = Readiness::starting();
        readiness.raise(Condition::Starting, "replaying the journal");
        assert_eq!(readiness.reasons()[0].detail, "replaying the journal");
    }
}
