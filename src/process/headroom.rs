//! Shows how long a member could stand still before the stream of the journal passes it.

use super::{broker_settings, journal_stream};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::journal::headroom;
use crate::metrics::Metrics;
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_broker::TopologyMode;
use std::time::Duration;
use tokio::time::sleep;

/// The time between two looks. Each takes a connection to the broker.
const LOOK: Duration = Duration::from_secs(20);

/// Shows it for as long as the process runs.
pub(super) async fn watch(config: Config, cluster: Cluster, metrics: Metrics) {
    // the stream is not made if it is not there
    let broker =
        orderly_broker::Settings { topology: TopologyMode::Verify, ..broker_settings(&config) };
    let stream = journal_stream(&config);
    metrics.journal_headroom(f64::INFINITY);
    loop {
        sleep(LOOK).await;
        let Some(status) = cluster.status() else { continue };
        match headroom::front(&broker, &stream).await {
            Ok(Some(front)) => {
                let now = SystemClock::default().now().micros();
                metrics.journal_headroom(front.headroom(&status, now));
            }
            Ok(None) => {}
            Err(problem) => {
                tracing::warn!(problem, "cannot see where the stream of the journal begins");
            }
        }
    }
}
