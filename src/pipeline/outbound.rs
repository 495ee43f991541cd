//! Messages that the core publishes without waiting for their confirms: retries, dead letters, replies.

use super::Error;
use super::pending_acks::DeliveryRef;
use super::workers::{Workers, failpoint};
use crate::metrics::Metrics;
use orderly_actors::sequencer::DeadLetter;
use orderly_broker::{Message, Names, Properties, Publisher, Retries, Retry};
use orderly_domain::time::growing_pause;
use orderly_domain::verdict::Reason;
use orderly_store::Ordinal;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// A message with this number of deliveries runs alone, since it may be the one that kills the process.
pub(super) const SUSPICIOUS: u32 = 3;
/// The most batches of replies that wait. Further ones are dropped, since replies are best effort.
const REPLIES: usize = 64;
/// The first and the longest pause before a message that must be published is published again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// What is settled when the broker has confirmed a message.
#[derive(Debug)]
pub(super) enum Confirmed {
    /// A delivery: its retry or its dead letter is confirmed.
    Delivery(DeliveryRef),
    /// A waiting callback: its dead letter is confirmed.
    Callback(Box<DeadLetter>),
}

pub(super) struct Outbound {
    workers: Workers,
    publisher: Publisher,
    replies: mpsc::Sender<Vec<Message>>,
    names: Names,
    retries: Retries,
    pub(super) confirmed: mpsc::UnboundedReceiver<Confirmed>,
    confirmed_in: mpsc::UnboundedSender<Confirmed>,
    /// The number of messages under way that must be published.
    under_way: Arc<AtomicUsize>,
    /// Orders with a waiting callback that is being dead-lettered.
    callbacks: HashSet<Ordinal>,
    metrics: Metrics,
}

impl Outbound {
    pub(super) fn new(
        workers: Workers,
        publisher: Publisher,
        names: Names,
        retry_delays: &[Duration],
        metrics: Metrics,
    ) -> Self {
        let (confirmed_in, confirmed) = mpsc::unbounded_channel();
        let (replies, waiting) = mpsc::channel(REPLIES);
        workers.spawn("replies", send_replies(publisher.clone(), waiting));
        Self {
            workers,
            publisher,
            replies,
            retries: Retries::new(&names, retry_delays),
            names,
            confirmed,
            confirmed_in,
            under_way: Arc::default(),
            callbacks: HashSet::new(),
            metrics,
        }
    }

    /// Publishes a failed command to a wait queue. `false` when the command has had its last attempt.
    pub(super) fn retry(&self, delivery_ref: &DeliveryRef, message: &Message) -> bool {
        match self.retries.after(message) {
            Retry::Later(retry) => {
                self.must_publish(Confirmed::Delivery(delivery_ref.clone()), *retry, None);
                true
            }
            Retry::Exhausted { .. } => false,
        }
    }

    /// Publishes a whole message to the dead letters of the broker. Its delivery is settled when the broker has
    /// confirmed that.
    pub(super) fn dead_letter(
        &self,
        delivery_ref: &DeliveryRef,
        message: &Message,
        reason: Option<Reason>,
    ) {
        let reason = reason.unwrap_or(Reason::Failed);
        let letter = Message {
            exchange: self.names.dead.clone(),
            properties: Properties {
                dead_letter_reason: Some(reason.as_str().to_owned()),
                ..message.properties.clone()
            },
            routing_key: message.routing_key.clone(),
            body: message.body.clone(),
        };
        self.must_publish(Confirmed::Delivery(delivery_ref.clone()), letter, Some(reason));
    }

    /// Publishes a waiting callback to the dead letters of the broker, as a message like the one that brought the
    /// callback. Does nothing while a callback of the same order is being dead-lettered.
    pub(super) fn dead_letter_callback(&mut self, letter: Box<DeadLetter>) {
        if !self.callbacks.insert(letter.order) {
            return;
        }
        let kind = "payment.callback";
        let message = Message {
            exchange: self.names.dead.clone(),
            routing_key: kind.to_owned(),
            properties: Properties {
                content_type: Some("application/json".to_owned()),
                message_id: Some(letter.command_id.to_string()),
                app_id: Some(letter.source.to_string()),
                kind: Some(kind.to_owned()),
                traceparent: letter.trace.map(|trace| trace.to_string()),
                dead_letter_reason: Some(letter.reason.as_str().to_owned()),
                ..Properties::default()
            },
            body: letter.body.clone(),
        };
        let reason = Some(letter.reason);
        self.must_publish(Confirmed::Callback(letter), message, reason);
    }

    /// Ends the dead-lettering of a waiting callback: the next one of its order may be dead-lettered.
    pub(super) fn callback_settled(&mut self, order: Ordinal) {
        self.callbacks.remove(&order);
    }

    /// Publishes a message until the broker has confirmed it, and then settles `then`. `dead` is the reason of a dead
    /// letter.
    fn must_publish(&self, then: Confirmed, message: Message, dead: Option<Reason>) {
        let (publisher, confirmed) = (self.publisher.clone(), self.confirmed_in.clone());
        let metrics = self.metrics.clone();
        let under_way = Arc::clone(&self.under_way);
        under_way.fetch_add(1, Ordering::AcqRel);
        self.workers.spawn("outbound", async move {
            let mut told = None;
            let mut failures = 0;
            loop {
                failpoint("outbound");
                let confirms = publisher.mandatory(vec![message.clone()]).await.await;
                if confirms.iter().all(orderly_broker::Confirm::is_acked) {
                    break;
                }
                // log each new problem once: a queue may be missing for a long time
                if told.as_ref() != Some(&confirms) {
                    let to = &message.routing_key;
                    tracing::warn!(
                        ?confirms,
                        to,
                        "the broker did not confirm a message: publishing it again"
                    );
                    told = Some(confirms);
                }
                failures += 1;
                tokio::time::sleep(growing_pause(PAUSES.0, PAUSES.1, failures)).await;
            }
            if let Some(reason) = dead {
                metrics.dead_lettered(reason.into());
            }
            under_way.fetch_sub(1, Ordering::AcqRel);
            let _ = confirmed.send(then); // the core is ending
            Ok(())
        });
    }

    /// Publishes verdict replies.
    pub(super) fn reply(&self, replies: Vec<Message>) {
        if !replies.is_empty() && self.replies.try_send(replies).is_err() {
            tracing::debug!("verdict replies were dropped: too many wait to be published");
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Acquire) == 0
    }
}

async fn send_replies(
    publisher: Publisher,
    mut waiting: mpsc::Receiver<Vec<Message>>,
) -> Result<(), Error> {
    while let Some(replies) = waiting.recv().await {
        failpoint("replies");
        // Best effort: the outcome does not matter.
        drop(publisher.best_effort(replies).await);
    }
    Ok(())
}
