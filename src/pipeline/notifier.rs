//! The notifier: carries notifications to the default channel, the broker's, and reports what
//! became of them. It keeps nothing: what is under way when the process dies is still pending in
//! the store, and is sent again under the same id.

use crate::broker::{Message, Publisher};
use crate::metrics::Metrics;
use crate::metrics::labels::{Channel, Outcome};
use orderly_actors::notification::{Outgoing, Sent};
use std::time::Duration;
use tokio::sync::mpsc;

/// Notifications that may wait; one that finds no place is looked at again later.
const DEPTH: usize = 1024;
/// Notifications in one publish, at most.
const BATCH: usize = 256;
/// The pause after a first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A notification on its way.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) outgoing: Outgoing,
    pub(super) message: Message,
}

/// What became of notifications.
pub(super) type Outcomes = Vec<(Outgoing, Sent)>;

pub(super) fn start(
    publisher: Publisher,
    outcomes: mpsc::Sender<Outcomes>,
    metrics: Metrics,
) -> mpsc::Sender<Errand> {
    let (sender, errands) = mpsc::channel(DEPTH);
    tokio::spawn(run(publisher, errands, outcomes, metrics));
    sender
}

async fn run(
    publisher: Publisher,
    mut errands: mpsc::Receiver<Errand>,
    outcomes: mpsc::Sender<Outcomes>,
    metrics: Metrics,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while errands.recv_many(&mut batch, BATCH).await > 0 {
        let (outgoing, messages): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|errand| (errand.outgoing, errand.message)).unzip();
        let confirms = publisher.mandatory(messages).await.await;
        let sent: Outcomes = outgoing
            .into_iter()
            .zip(confirms)
            .map(|(outgoing, confirm)| {
                let sent = if confirm.is_acked() {
                    metrics.notifications(Channel::Amqp, Outcome::Delivered, 1);
                    Sent::Delivered
                } else {
                    metrics.notifications(Channel::Amqp, Outcome::Retried, 1);
                    Sent::Failed { retry_after: pause(&outgoing) }
                };
                (outgoing, sent)
            })
            .collect();
        if outcomes.send(sent).await.is_err() {
            return; // the core is gone
        }
    }
}

/// Exponential, capped, and spread by up to half with a hash of the id: the same at every call,
/// and notifications that failed together do not come back together.
fn pause(outgoing: &Outgoing) -> Duration {
    let doubled = 2_u32.saturating_pow(outgoing.attempt.saturating_sub(1));
    let pause = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
    let spread = outgoing
        .id
        .bytes()
        .fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)))
        % 512;
    pause + pause * spread / 1024
}
