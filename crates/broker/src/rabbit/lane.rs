//! One publishing channel and the batches that go through it.
//!
//! Invariant: between two channels the lane's epoch moves on, so that a stream that lost something
//! on the first sends nothing on the second before it has seen that.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use lapin::{Channel, Connection, options::BasicPublishOptions};
use tokio::sync::{Notify, oneshot, watch};
use tracing::debug;

use super::{
    super::{
        Confirm, Message,
        publisher::{Lane, LaneKind, Submission},
    },
    Error,
    endpoint::patiently,
    error::{Refusal, chain, refusal},
    publish::{Flight, confirming, send, window},
};

/// Messages in flight on a lane. The broker holds a channel back far below this; it bounds memory,
/// and lapin's search through its unconfirmed messages.
const IN_FLIGHT: usize = 1_024;

/// Mandatory messages published at a time.
const WINDOW: usize = 256;

/// Pause before a broken lane tries again, so that a cause that stays does not spin.
const PAUSE: Duration = Duration::from_millis(500);

/// The publishing connection while there is one.
pub(super) type Connections = watch::Receiver<Option<Arc<Connection>>>;

/// Why a lane stopped using its channel.
enum End {
    /// Nobody publishes any more.
    Closed,
    Broken(Error),
}

/// Runs a lane for life: over one connection after the other, until its publisher or the driver
/// is gone. Rings `missing` when an exchange turns out not to exist.
pub(super) async fn run(mut lane: Lane, mut connections: Connections, missing: Arc<Notify>) {
    loop {
        let connection = match connections.wait_for(Option::is_some).await {
            Ok(connection) => connection.clone(),
            Err(_) => return,
        };
        let Some(connection) = connection else {
            continue;
        };
        let end = tokio::select! {
            end = serve(&mut lane, &connection) => end,
            // The supervisor knows first when a connection is given up.
            changed = connections.changed() => match changed {
                Ok(()) => End::Broken(Error::Closed),
                Err(_) => End::Closed,
            },
        };
        drop(connection);
        // What was in flight is lost by now, and nothing of that time may be sent from here on.
        lane.break_off();
        let End::Broken(error) = end else {
            return;
        };
        debug!(kind = ?lane.kind, error = chain(&error), "lane broke");
        if let Error::Channel(error) = &error
            && refusal(error) == Refusal::NotFound
        {
            missing.notify_one();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn serve(lane: &mut Lane, connection: &Connection) -> End {
    let channel = match confirming(connection).await {
        Ok(channel) => channel,
        Err(error) => return End::Broken(error),
    };
    match lane.kind {
        LaneKind::Mandatory => serve_windows(lane, &channel).await,
        LaneKind::Events | LaneKind::Replies => serve_pipelined(lane, &channel).await,
    }
}

/// Sends batch after batch while earlier ones wait for their confirms.
async fn serve_pipelined(lane: &mut Lane, channel: &Channel) -> End {
    let mut flights: VecDeque<(Flight, oneshot::Sender<Vec<Confirm>>)> = VecDeque::new();
    let mut in_flight = 0;
    loop {
        tokio::select! {
            biased;
            () = first_confirmed(&mut flights), if !flights.is_empty() => {
                let Some((flight, receipt)) = flights.pop_front() else {
                    continue;
                };
                in_flight -= flight.len();
                let error = flight.error();
                if error.is_some() {
                    lane.break_off();
                }
                let _ = receipt.send(flight.outcomes());
                if let Some(error) = error {
                    land(flights).await;
                    return End::Broken(Error::Channel(error));
                }
            }
            submission = lane.submissions.recv(), if in_flight < IN_FLIGHT => {
                let Some(submission) = submission else {
                    land(flights).await;
                    return End::Closed;
                };
                if let Some(Submission { messages, receipt, .. }) = lane.admit(submission) {
                    let flight = send(channel, &messages, BasicPublishOptions::default()).await;
                    in_flight += flight.len();
                    flights.push_back((flight, receipt));
                }
            }
        }
    }
}

async fn first_confirmed(flights: &mut VecDeque<(Flight, oneshot::Sender<Vec<Confirm>>)>) {
    if let Some((flight, _)) = flights.front_mut() {
        flight.confirmed().await;
    }
}

/// Answers for the batches still in flight: on a broken channel their confirms are all decided.
async fn land(flights: VecDeque<(Flight, oneshot::Sender<Vec<Confirm>>)>) {
    for (mut flight, receipt) in flights {
        // Late means lost.
        let _ = patiently("confirming", flight.confirmed()).await;
        let _ = receipt.send(flight.outcomes());
    }
}

/// Publishes what has come together as one window after the other.
async fn serve_windows(lane: &mut Lane, channel: &Channel) -> End {
    loop {
        let Some(first) = lane.submissions.recv().await else {
            return End::Closed;
        };
        let mut messages: Vec<Message> = Vec::new();
        let mut receipts = Vec::new();
        let mut next = Some(first);
        while let Some(submission) = next {
            if let Some(submission) = lane.admit(submission) {
                receipts.push((submission.messages.len(), submission.receipt));
                messages.extend(submission.messages);
            }
            next = match messages.len() {
                0..WINDOW => lane.submissions.try_recv().ok(),
                _ => None,
            };
        }
        let mut confirms = Vec::with_capacity(messages.len());
        let mut broken = None;
        for chunk in messages.chunks(WINDOW) {
            let (outcomes, error) = window(channel, chunk).await;
            confirms.extend(outcomes);
            broken = broken.or(error);
        }
        let mut confirms = confirms.into_iter();
        for (count, receipt) in receipts {
            let _ = receipt.send(confirms.by_ref().take(count).collect());
        }
        if let Some(error) = broken {
            return End::Broken(Error::Channel(error));
        }
    }
}
