//! Shows the state of the broker's driver and of the pipeline in readiness and metrics.

use crate::admin::{Condition as Unready, Readiness, STARTING, UPGRADING};
use crate::cluster::Cluster;
use crate::config::Mode;
use crate::degraded::Degraded;
use crate::metrics::Metrics;
use crate::metrics::labels::Restriction;
use crate::pipeline::Condition;
use crate::pipeline::workers::failpoint;
use orderly_broker::Phase;
use orderly_journal::node::{Role, Status};
use std::time::Duration;
use tokio::sync::watch;

/// Where the state of the broker's driver is shown.
pub(super) struct Shown {
    pub(super) readiness: Readiness,
    pub(super) degraded: Degraded,
    /// `None`: the link is beside those of the partitions, which the metrics show.
    pub(super) metrics: Option<Metrics>,
}

/// Shows the state of the broker's driver, until the driver is gone.
pub(super) async fn watch_broker(
    mut status: watch::Receiver<orderly_broker::Status>,
    shown: Shown,
) {
    let Shown { readiness, degraded, metrics } = shown;
    let mut reconnects = 0;
    loop {
        let now = status.borrow_and_update().clone();
        match &now.blocked {
            Some(reason) if now.connected() => {
                let detail = format!("the broker blocks publishers: {reason}");
                degraded.raise_unlogged(Restriction::BrokerBlocked, detail);
            }
            Some(_) | None => degraded.clear_unlogged(Restriction::BrokerBlocked),
        }
        if let Some(metrics) = &metrics {
            for _ in reconnects..now.reconnects {
                metrics.broker_reconnect();
            }
            metrics.queue_messages(now.queued);
            if now.connected() {
                metrics.broker_connected();
            } else {
                metrics.broker_disconnected();
            }
        }
        reconnects = now.reconnects;
        match &now.phase {
            Phase::Up => {
                readiness.clear(Unready::Starting);
                readiness.clear(Unready::Broker);
                readiness.clear(Unready::Topology);
            }
            Phase::Missing(missing) => {
                readiness.clear(Unready::Starting);
                readiness.clear(Unready::Broker);
                readiness.raise(Unready::Topology, format!("missing: {}", missing.join(", ")));
            }
            // before the first connection the process is starting
            Phase::Connecting if now.generation == 0 && now.last_error.is_none() => {}
            Phase::Closed => {
                // a driver that was closed on request has no error: the process is draining
                if let Some(failure) = now.last_error {
                    readiness.raise(Unready::Broker, failure.detail);
                }
            }
            // the broker is there: what the start waits for is the namespace
            Phase::NotOwner if now.generation == 0 => {
                readiness.clear(Unready::Broker);
                readiness.raise(Unready::Starting, "another processor owns the namespace");
            }
            Phase::Connecting | Phase::NotOwner => {
                // without the broker nobody knows who owns the namespace, or what is missing
                readiness.clear(Unready::Topology);
                if now.generation == 0 {
                    readiness.raise(Unready::Starting, STARTING);
                }
                let detail = now
                    .last_error
                    .map_or_else(|| "there is no connection".to_owned(), |failure| failure.detail);
                readiness.raise(Unready::Broker, detail);
            }
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// The conditions that a pipeline shows.
pub(super) const OF_PIPELINE: [Unready; 5] =
    [Unready::Draining, Unready::Clock, Unready::Upgrading, Unready::Journal, Unready::Stalled];

/// Shows the state of the pipeline, until the pipeline is gone.
pub(super) async fn watch_pipeline(
    mut condition: watch::Receiver<Condition>,
    readiness: Readiness,
) {
    loop {
        failpoint("readiness");
        let now = *condition.borrow_and_update();
        let show = |holds, condition, detail: &str| {
            if holds {
                readiness.raise(condition, detail);
            } else {
                readiness.clear(condition);
            }
        };
        show(now.draining, Unready::Draining, "the process was told to stop");
        show(now.clock_is_off, Unready::Clock, "the wall clock stepped: timers are paused");
        show(now.is_upgrading, Unready::Upgrading, UPGRADING);
        show(now.journal_stands_still, Unready::Journal, "the journal accepts nothing");
        show(now.stalled, Unready::Stalled, "messages are in hand and none gets finished");
        if condition.changed().await.is_err() {
            return;
        }
    }
}

/// Shows what this process is among the members of its namespace, for as long as it runs.
pub(super) async fn watch_cluster(cluster: Cluster, readiness: Readiness, metrics: Metrics) {
    loop {
        metrics.cluster_role(cluster.role());
        match cluster.status() {
            Some(status) => show_member(&status, &cluster, &readiness, &metrics),
            None if cluster.mode() == Mode::Single => {}
            None => {
                readiness.raise(Unready::Following, "has not found its place in the journal yet");
            }
        }
        tokio::select! {
            () = cluster.changed() => {}
            () = tokio::time::sleep(LOOK) => {} // a standby without news falls behind
        }
    }
}

/// The time between two looks at a status that does not change.
const LOOK: Duration = Duration::from_secs(1);

fn show_member(status: &Status, cluster: &Cluster, readiness: &Readiness, metrics: &Metrics) {
    metrics.cluster(status.epoch.map_or(0, |epoch| epoch.number), status.members.len());
    let lag = match status.role {
        Role::Owner => Duration::ZERO,
        Role::Joining | Role::Standby | Role::Claiming => status.lag.time.unwrap_or_default(),
    };
    metrics.journal(lag, status.in_flight);
    let why = match status.role {
        _ if cluster.copying().is_some() => cluster.copying(),
        Role::Owner => None,
        Role::Joining => Some("reads what it has missed of the journal".to_owned()),
        Role::Standby | Role::Claiming if status.is_ready => None,
        Role::Standby | Role::Claiming => Some(match status.lag.time {
            Some(lag) => format!(
                "{} s behind the owner, and cluster.max_lag is {} s",
                lag.as_secs(),
                cluster.max_lag().as_secs()
            ),
            None => "no owner was heard of yet".to_owned(),
        }),
    };
    match why {
        Some(detail) => readiness.raise(Unready::Following, detail),
        None => readiness.clear(Unready::Following),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderly_broker::{Failure, FailureKind, Status};

    fn shown_in(readiness: &Readiness) -> Shown {
        let metrics = Metrics::new().0;
        let degraded = Degraded::new(metrics.clone());
        Shown { readiness: readiness.clone(), degraded, metrics: Some(metrics) }
    }

    /// What readiness shows after the driver went through `phases`, each with the error that it had last.
    async fn shown_after(phases: &[(Phase, Option<&str>)]) -> Vec<(Unready, String)> {
        let (status, watched) = watch::channel(Status::default());
        let readiness = Readiness::starting();
        let watching = tokio::spawn(watch_broker(watched, shown_in(&readiness)));
        for (phase, error) in phases {
            let last_error = error.map(|detail| Failure {
                kind: FailureKind::ConnectionLost,
                detail: detail.to_owned(),
            });
            status.send_replace(Status { phase: phase.clone(), last_error, ..Status::default() });
            // the watcher runs until it waits for the next change
            tokio::task::yield_now().await;
        }
        drop(status);
        watching.await.expect("the watcher ends with the driver");
        let reasons = readiness.reasons().into_iter();
        reasons.map(|reason| (reason.condition, reason.detail)).collect()
    }

    #[tokio::test]
    async fn readiness_shows_the_last_obstacle_only() {
        let refused = (Phase::Connecting, Some("connection refused"));
        let held = (Phase::NotOwner, Some("another processor holds the queue"));
        let missing = (Phase::Missing(vec!["queue q".to_owned()]), None);
        let starting = (Unready::Starting, "the process is starting".to_owned());
        let unreachable = (Unready::Broker, "connection refused".to_owned());

        let shown = shown_after(std::slice::from_ref(&refused)).await;
        assert_eq!(shown, [starting.clone(), unreachable.clone()]);

        let shown = shown_after(&[refused.clone(), held.clone()]).await;
        let owned = (Unready::Starting, "another processor owns the namespace".to_owned());
        assert_eq!(shown, [owned], "the broker is there");

        let shown = shown_after(&[held, refused.clone()]).await;
        assert_eq!(
            shown,
            [starting.clone(), unreachable.clone()],
            "nobody knows who owns the namespace"
        );

        let shown = shown_after(&[missing, refused]).await;
        assert_eq!(shown, [starting, unreachable], "nobody knows what is missing");
    }

    #[tokio::test]
    async fn a_driver_that_ended_by_itself_is_seen_and_one_that_was_closed_is_not() {
        for (last_error, shown) in [
            (None, Vec::new()),
            (
                Some(Failure {
                    kind: FailureKind::DriverPanicked,
                    detail: "the driver panicked: a bug".to_owned(),
                }),
                vec!["the driver panicked: a bug".to_owned()],
            ),
        ] {
            let up = Status { phase: Phase::Up, generation: 1, ..Status::default() };
            let (status, watched) = watch::channel(up.clone());
            let readiness = Readiness::starting();
            let watching = tokio::spawn(watch_broker(watched, shown_in(&readiness)));
            while !readiness.reasons().is_empty() {
                tokio::task::yield_now().await;
            }

            status.send_replace(Status { phase: Phase::Closed, last_error, ..up });
            drop(status);
            watching.await.expect("the watcher ends with the driver");

            let details: Vec<String> =
                readiness.reasons().into_iter().map(|reason| reason.detail).collect();
            assert_eq!(details, shown);
        }
    }

    /// A member's status.
    fn member(
        role: Role,
        is_ready: bool,
        behind: Option<Duration>,
    ) -> orderly_journal::node::Status {
        orderly_journal::node::Status {
            role,
            epoch: None,
            owner: None,
            cursor: 0,
            next: 1,
            lag: orderly_journal::follower::Lag { as_of: None, time: behind },
            is_ready,
            is_paused: false,
            in_flight: 0,
            members: Vec::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_standby_is_ready_while_it_keeps_up() {
        let config = crate::config::Cluster {
            mode: crate::config::Mode::Standby,
            ..crate::config::Cluster::default()
        };
        let cluster = Cluster::new(&config);
        let (status, watched) = watch::channel(member(Role::Joining, false, None));
        cluster.follow(watched);
        let readiness = Readiness::starting();
        readiness.clear(Unready::Starting);
        let (metrics, exporter) = Metrics::new();
        let watching = tokio::spawn(watch_cluster(cluster.clone(), readiness.clone(), metrics));
        let shown = async |next: Option<orderly_journal::node::Status>| {
            if let Some(next) = next {
                status.send_replace(next);
            }
            tokio::time::sleep(LOOK * 2).await;
            readiness.reasons().first().map(|reason| (reason.condition, reason.detail.clone()))
        };
        let role =
            |role: &str| exporter.reading().sum("orderly_cluster_role", Some(("role", role)));

        let joining = shown(None).await.expect("not ready");
        assert_eq!(joining.0, Unready::Following);
        assert!(joining.1.contains("missed"), "{joining:?}");
        assert!(role("joining") > 0.5 && role("standby") < 0.5);

        let second = Some(Duration::from_secs(1));
        assert_eq!(shown(Some(member(Role::Standby, true, second))).await, None);
        assert!(role("standby") > 0.5 && role("joining") < 0.5);

        let minute = Some(Duration::from_secs(60));
        let late = shown(Some(member(Role::Standby, false, minute))).await.expect("not ready");
        assert!(late.1.contains("60 s behind"), "{late:?}");
        assert!(exporter.reading().sum("orderly_journal_lag_seconds", None) > 59.0);

        assert_eq!(shown(Some(member(Role::Owner, true, minute))).await, None);
        assert!(cluster.owns() && role("owner") > 0.5);
        assert!(exporter.reading().sum("orderly_journal_lag_seconds", None) < 0.5);
        watching.abort();
    }
}
