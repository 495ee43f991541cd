//! The default channel: the exchange for notifications. A notification is delivered when the broker has confirmed it and has
//! not returned it.
//!
//! The broker routes by kind, so a queue can be missing for one kind of notification and be there for another. Hence each
//! kind has a queue and a breaker of its own: a kind without a queue delays no other.

use super::breaker::{Health, Terms};
use super::queue::Limits;
use super::{DeliveryJob, Outcome};
use crate::pipeline::workers;
use futures_util::FutureExt as _;
use orderly_broker::{Confirm, Message, Publisher};
use orderly_domain::notification::{Failure, Sent};
use std::num::NonZeroU32;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::sync::mpsc;

/// The largest number of notifications in one publish.
const BATCH: usize = 256;

/// The limits for the notifications of one kind. There is no rate, since the broker has flow control.
pub fn limits() -> Limits {
    Limits {
        in_flight: 1024,
        waiting: 4096,
        rate: None,
        pace: Duration::from_micros(200),
        breaker: Terms {
            failures: NonZeroU32::new(20).expect("not zero"),
            cooldown: Duration::from_secs(1),
            cooldown_cap: Duration::from_secs(30),
        },
    }
}

/// Publishes jobs in batches until the sender is dropped. A panic fails the batch in hand only. Every job gets an outcome:
/// otherwise its place in the queue would stay taken for ever.
pub async fn run(
    publisher: Publisher,
    mut jobs: mpsc::Receiver<DeliveryJob>,
    outcomes: mpsc::Sender<Vec<Outcome>>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        let mut messages = Vec::with_capacity(batch.len());
        let mut sent = Vec::with_capacity(batch.len());
        for DeliveryJob { delivery, message, permit } in batch.drain(..) {
            messages.push(message);
            sent.push((delivery, permit));
        }
        let confirms = AssertUnwindSafe(publish(&publisher, messages)).catch_unwind().await;
        let confirms = confirms.unwrap_or_else(|panic| {
            let problem = workers::text(&*panic);
            tracing::error!(
                problem,
                notifications = sent.len(),
                "publishing notifications panicked"
            );
            vec![Confirm::Lost; sent.len()]
        });
        let done = sent.into_iter().zip(confirms).map(|((delivery, permit), confirm)| {
            let (sent, health) = judge(&confirm);
            let problem = confirm.refusal().map(str::to_owned);
            Outcome { delivery, sent, health, permit, problem }
        });
        if outcomes.send(done.collect()).await.is_err() {
            return; // the core has ended
        }
    }
}

async fn publish(publisher: &Publisher, messages: Vec<Message>) -> Vec<Confirm> {
    workers::failpoint("amqp");
    publisher.mandatory(messages).await.await
}

/// The outcome of a confirm for the notification, and the health of the channel for notifications of its kind.
fn judge(confirm: &Confirm) -> (Sent, Health) {
    let failed = |why| Sent::Failed { why, retry_after: None };
    match confirm {
        Confirm::Acked => (Sent::Delivered, Health::Well),
        Confirm::Returned(_) => (failed(Failure::Unroutable), Health::Down),
        Confirm::Nacked | Confirm::Refused(_) => (failed(Failure::Rejected), Health::Down),
        Confirm::Lost => (failed(Failure::Unconfirmed), Health::Ill),
    }
}
