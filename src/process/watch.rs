//! What readiness and metrics show of the broker's driver and of the pipeline.

use crate::admin::{Condition as Unready, Readiness};
use crate::metrics::Metrics;
use crate::pipeline::Condition;
use crate::pipeline::workers::failpoint;
use orderly_broker::{Phase, Status};
use tokio::sync::watch;

/// Shows how the broker's driver is doing, until the driver is gone.
pub(super) async fn watch_broker(
    mut status: watch::Receiver<Status>,
    readiness: Readiness,
    metrics: Metrics,
) {
    let mut reconnects = 0;
    loop {
        let now = status.borrow_and_update().clone();
        for _ in reconnects..now.reconnects {
            metrics.broker_reconnect();
        }
        reconnects = now.reconnects;
        if now.connected() {
            metrics.broker_connected();
        } else {
            metrics.broker_disconnected();
        }
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
            // before the first connection it is starting, and after the last one draining
            Phase::Connecting if now.generation == 0 && now.last_error.is_none() => {}
            Phase::Closed => {}
            // the broker is there: what the start waits for is the namespace
            Phase::NotOwner if now.generation == 0 => {
                readiness.raise(Unready::Starting, "another processor holds the namespace");
            }
            Phase::Connecting | Phase::NotOwner => {
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

/// Shows how the pipeline is doing, until the pipeline is gone.
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
        show(now.draining, Unready::Draining, "it was told to stop");
        show(now.clock_is_off, Unready::Clock, "the wall clock stepped: timers are paused");
        show(now.stalled, Unready::Stalled, "messages are in hand and none gets finished");
        if condition.changed().await.is_err() {
            return;
        }
    }
}
