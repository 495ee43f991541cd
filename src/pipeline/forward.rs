//! Commands that belong to another partition go on to the queue of that one.
//!
//! Invariant: a command is acknowledged only when the broker has confirmed that the queue of its partition has it. It goes to the
//! partition that the decoder names and to no other, so it goes on at most once.

use super::outbound::Confirmed;
use super::outbound::lane::{Job, Lane, Shared};
use super::pace::Report;
use super::workers::Workers;
use crate::degraded::Degraded;
use crate::metrics::labels::Restriction;
use orderly_broker::{Message, Names, forwarded};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;

/// Sends commands on. Each partition has a lane, which begins with the first command for it: a queue that accepts nothing holds up
/// no other partition.
pub(super) struct Forward {
    workers: Workers,
    shared: Shared,
    degraded: Degraded,
    names: Names,
    lanes: HashMap<u16, mpsc::UnboundedSender<Job>>,
}

impl Forward {
    pub(super) fn new(
        workers: &Workers,
        shared: Shared,
        degraded: &Degraded,
        names: Names,
    ) -> Self {
        let (workers, degraded) = (workers.clone(), degraded.clone());
        Self { workers, shared, degraded, names, lanes: HashMap::new() }
    }

    /// Sends a command on to a partition. When the broker has confirmed it, `then` is settled.
    pub(super) fn send(&mut self, number: u16, then: Confirmed, message: &Message) {
        let queue = self.names.queue_of_partition(number);
        let message = forwarded(message, &queue);
        let Self { workers, shared, degraded, lanes, .. } = self;
        let lane = lanes.entry(number).or_insert_with(|| {
            let (lane, jobs) = mpsc::unbounded_channel();
            let report = Report {
                degraded: degraded.clone(),
                restriction: Restriction::ForwardsRejected,
                subject: queue.clone(),
                what: "commands of another partition",
            };
            let destination = format!("the queue {queue}");
            let work = Lane::new(report, destination, jobs, shared.clone()).run();
            workers.spawn("outbound", work);
            lane
        });
        shared.metrics.forwarded();
        shared.under_way.fetch_add(1, Ordering::AcqRel);
        let _ = lane.send(Job { then, message, dead: None }); // an error means that the lane failed: the process is ending
    }
}
