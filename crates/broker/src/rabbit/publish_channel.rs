//! The driver's end of a publishing channel: the batches that go through it, over one AMQP channel
//! after the other.
//!
//! Invariant: between two AMQP channels the epoch moves on, so that a stream that lost something
//! on the first sends nothing on the second before it has seen that.

use std::{collections::VecDeque, sync::Arc};

use lapin::{Channel, options::BasicPublishOptions};
use tokio::sync::{Notify, oneshot, watch};
use tracing::debug;

use super::{
    super::{
        Confirm, Message,
        publisher::{ChannelKind, PublishChannel, Submission},
        tasks,
    },
    Error,
    connection::Connection,
    error::{Refusal, chain, refusal},
    limits::{CHANNEL_PAUSE, with_timeout},
    publish::{Batch, open_confirming, publish_mandatory, send},
};

/// Messages in flight on a channel. The broker holds a channel back far below this; it bounds
/// memory, and lapin's search through its unconfirmed messages.
const IN_FLIGHT: usize = 1_024;

/// Mandatory messages published at a time.
const WINDOW: usize = 256;

/// The publishing connection while there is one.
pub(super) type Connections = watch::Receiver<Option<Arc<Connection>>>;

/// Why an AMQP channel is used no more.
enum End {
    /// Nobody publishes any more.
    Closed,
    Broken(Error),
}

/// Publishes over one connection after the other, until the publisher or the driver is gone.
/// Notifies `missing` when an exchange, or the queue of marks, turns out not to exist.
pub(super) async fn run(
    mut channel: PublishChannel,
    mut connections: Connections,
    missing: Arc<Notify>,
) {
    loop {
        let connection = match connections.wait_for(Option::is_some).await {
            Ok(connection) => connection.clone(),
            Err(_) => return,
        };
        let Some(connection) = connection else {
            continue;
        };
        let end = tokio::select! {
            end = serve(&mut channel, &connection, &missing) => end,
            // The supervisor knows first when a connection is given up.
            changed = connections.changed() => match changed {
                Ok(()) => End::Broken(Error::Closed),
                Err(_) => End::Closed,
            },
        };
        drop(connection);
        // What was in flight is lost, and nothing submitted before the break may overtake it.
        channel.mark_broken();
        let End::Broken(error) = end else {
            return;
        };
        debug!(kind = ?channel.kind, error = chain(&error), "publishing channel broke");
        if let Error::Channel(error) = &error
            && refusal(error) == Refusal::NotFound
        {
            missing.notify_one();
        }
        tokio::time::sleep(CHANNEL_PAUSE).await;
    }
}

async fn serve(source: &mut PublishChannel, connection: &Connection, missing: &Notify) -> End {
    let channel = match open_confirming(connection).await {
        Ok(channel) => channel,
        Err(error) => return End::Broken(error),
    };
    match source.kind {
        ChannelKind::Mandatory | ChannelKind::Commands | ChannelKind::Marks => {
            serve_windows(source, &channel, missing).await
        }
        ChannelKind::Events | ChannelKind::Replies => serve_pipelined(source, &channel).await,
    }
}

/// Sends batch after batch while earlier ones wait for their confirms.
async fn serve_pipelined(source: &mut PublishChannel, channel: &Channel) -> End {
    let mut batches: VecDeque<(Batch, oneshot::Sender<Vec<Confirm>>)> = VecDeque::new();
    let mut in_flight = 0;
    loop {
        tokio::select! {
            biased;
            () = first_confirmed(&mut batches), if !batches.is_empty() => {
                let Some((batch, receipt)) = batches.pop_front() else {
                    continue;
                };
                in_flight -= batch.len();
                let error = batch.error();
                if error.is_some() {
                    source.mark_broken();
                }
                let _ = receipt.send(batch.outcomes());
                if let Some(error) = error {
                    await_all(batches).await;
                    return End::Broken(Error::Channel(error));
                }
            }
            submission = source.submissions.recv(), if in_flight < IN_FLIGHT => {
                let Some(submission) = submission else {
                    await_all(batches).await;
                    return End::Closed;
                };
                tasks::failpoint(source.kind);
                if let Some(Submission { messages, receipt, .. }) = source.admit(submission) {
                    let batch = send(channel, &messages, BasicPublishOptions::default()).await;
                    in_flight += batch.len();
                    batches.push_back((batch, receipt));
                }
            }
        }
    }
}

async fn first_confirmed(batches: &mut VecDeque<(Batch, oneshot::Sender<Vec<Confirm>>)>) {
    if let Some((batch, _)) = batches.front_mut() {
        batch.confirmed().await;
    }
}

/// Sends the receipts of the batches in flight. On a broken channel all their confirms are known.
async fn await_all(batches: VecDeque<(Batch, oneshot::Sender<Vec<Confirm>>)>) {
    for (mut batch, receipt) in batches {
        // A confirm that comes later counts as lost.
        let _ = with_timeout("confirming", batch.confirmed()).await;
        let _ = receipt.send(batch.outcomes());
    }
}

/// Publishes all batches that wait, in windows: one after the other.
async fn serve_windows(source: &mut PublishChannel, channel: &Channel, missing: &Notify) -> End {
    loop {
        let Some(first) = source.submissions.recv().await else {
            return End::Closed;
        };
        tasks::failpoint(source.kind);
        let mut messages: Vec<Message> = Vec::new();
        let mut receipts = Vec::new();
        let mut next = Some(first);
        while let Some(submission) = next {
            if let Some(submission) = source.admit(submission) {
                receipts.push((submission.messages.len(), submission.receipt));
                messages.extend(submission.messages);
            }
            next = match messages.len() {
                0..WINDOW => source.submissions.try_recv().ok(),
                _ => None,
            };
        }
        let mut confirms = Vec::with_capacity(messages.len());
        let mut broken = None;
        for chunk in messages.chunks(WINDOW) {
            let (outcomes, error) = publish_mandatory(channel, chunk).await;
            confirms.extend(outcomes);
            broken = broken.or(error);
        }
        let is_missing = |confirm: &Confirm| matches!(confirm, Confirm::Returned(_));
        if source.kind == ChannelKind::Marks && confirms.iter().any(is_missing) {
            missing.notify_one();
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
