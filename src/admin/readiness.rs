//! Whether the process should be given work: it should unless a condition says no.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tracing::{info, warn};

/// What keeps the process from being ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// It is reading its store, or connecting.
    Starting,
    /// It was told to stop.
    Draining,
    /// There is no connection to the broker.
    Broker,
    /// The store has failed.
    Storage,
    /// A part of the process failed: it is ending.
    Failed,
    /// The wall clock cannot be trusted: timers are paused.
    Clock,
    /// Messages are in hand and nothing gets finished.
    Stalled,
    /// Exchanges or queues are missing on the broker.
    Topology,
}

impl Condition {
    /// The condition as it is shown.
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
        }
    }
}

/// A condition that holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Which one.
    #[serde(rename = "reason")]
    pub condition: Condition,
    /// What exactly, for a person.
    pub detail: String,
}

/// The conditions that hold now; clones show the same.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<Mutex<BTreeMap<Condition, String>>>);

impl Default for Readiness {
    fn default() -> Self {
        Self::starting()
    }
}

impl Readiness {
    /// Not ready: the process is starting.
    pub fn starting() -> Self {
        let detail = "the process is starting".to_owned();
        Self(Arc::new(Mutex::new(BTreeMap::from([(Condition::Starting, detail)]))))
    }

    /// Not ready from now on, until the condition is cleared. That is told once, however often its detail changes, and
    /// nothing to worry about while the process starts or stops.
    pub fn raise(&self, condition: Condition, detail: impl Into<String>) {
        let detail = detail.into();
        let mut holding = self.lock();
        let is_new = holding.insert(condition, detail.clone()).is_none();
        let is_expected =
            [Condition::Starting, Condition::Draining].iter().any(|one| holding.contains_key(one));
        drop(holding);
        match (is_new, is_expected) {
            (true, true) => info!(condition = condition.as_str(), detail, "not ready"),
            (true, false) => warn!(condition = condition.as_str(), detail, "not ready"),
            (false, _) => {}
        }
    }

    /// This condition does not hold any more.
    pub fn clear(&self, condition: Condition) {
        let mut holding = self.lock();
        let was_there = holding.remove(&condition).is_some();
        let is_ready = holding.is_empty();
        drop(holding);
        if was_there {
            info!(condition = condition.as_str(), ready = is_ready, "condition cleared");
        }
    }

    /// All that holds now; nothing = ready.
    pub fn reasons(&self) -> Vec<Reason> {
        let holding = self.lock();
        let reason = |(condition, detail): (&Condition, &String)| Reason {
            condition: *condition,
            detail: detail.clone(),
        };
        holding.iter().map(reason).collect()
    }

    /// Every change is one call on the map, so it is whole even after a panic elsewhere.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Condition, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(readiness: &Readiness) -> Vec<Condition> {
        readiness.reasons().into_iter().map(|reason| reason.condition).collect()
    }

    #[test]
    fn it_is_ready_when_nothing_speaks_against_it() {
        let readiness = Readiness::starting();
        assert_eq!(conditions(&readiness), [Condition::Starting]);
        readiness.raise(Condition::Broker, "connection refused");
        readiness.clear(Condition::Starting);
        assert_eq!(conditions(&readiness), [Condition::Broker]);
        readiness.clone().clear(Condition::Broker);
        assert_eq!(conditions(&readiness), []);
    }

    #[test]
    fn the_last_detail_counts() {
        let readiness = Readiness::starting();
        readiness.raise(Condition::Starting, "replaying the journal");
        assert_eq!(readiness.reasons()[0].detail, "replaying the journal");
    }
}
