//! What the core sends out without waiting for it: retries, dead letters, replies.

use super::pending_acks::DeliveryRef;
use orderly_broker::{Message, Names, Publisher, Retries, Retry};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// A message delivered this often may be the one that kills the process: it runs alone.
pub(super) const SUSPICIOUS: u32 = 3;
/// Batches of replies that may wait; more are dropped, as replies are best effort.
const REPLIES: usize = 64;
/// The pause after a publish that must succeed and did not.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Outbound {
    runtime: tokio::runtime::Handle,
    publisher: Publisher,
    replies: mpsc::Sender<Vec<Message>>,
    names: Names,
    retries: Retries,
    /// Deliveries that are settled because their retry or dead letter is confirmed.
    pub(super) done: mpsc::UnboundedReceiver<DeliveryRef>,
    done_in: mpsc::UnboundedSender<DeliveryRef>,
    /// Publishes under way that must succeed.
    under_way: Arc<AtomicUsize>,
}

impl Outbound {
    pub(super) fn new(
        runtime: tokio::runtime::Handle,
        publisher: Publisher,
        names: Names,
        retry_delays: &[Duration],
    ) -> Self {
        let (done_in, done) = mpsc::unbounded_channel();
        let (replies, waiting) = mpsc::channel(REPLIES);
        runtime.spawn(send_replies(publisher.clone(), waiting));
        Self {
            runtime,
            publisher,
            replies,
            retries: Retries::new(&names, retry_delays),
            names,
            done,
            done_in,
            under_way: Arc::default(),
        }
    }

    /// Sends a failed command to a wait queue; false when it was tried often enough.
    pub(super) fn retry(&self, delivery_ref: &DeliveryRef, message: &Message) -> bool {
        match self.retries.after(message) {
            Retry::Later(retry) => {
                self.must_publish(delivery_ref.clone(), *retry);
                true
            }
            Retry::Exhausted { .. } => false,
        }
    }

    /// Sends a message, whole, to the broker's dead letters.
    pub(super) fn dead_letter(&self, delivery_ref: &DeliveryRef, message: &Message) {
        let letter = Message {
            exchange: self.names.dead.clone(),
            properties: message.properties.clone(),
            routing_key: message.routing_key.clone(),
            body: message.body.clone(),
        };
        self.must_publish(delivery_ref.clone(), letter);
    }

    /// Publishes until it is confirmed; the delivery is settled then.
    fn must_publish(&self, delivery_ref: DeliveryRef, message: Message) {
        let (publisher, done) = (self.publisher.clone(), self.done_in.clone());
        let under_way = Arc::clone(&self.under_way);
        under_way.fetch_add(1, Ordering::AcqRel);
        self.runtime.spawn(async move {
            let mut told = None;
            loop {
                let confirms = publisher.mandatory(vec![message.clone()]).await.await;
                if confirms.iter().all(orderly_broker::Confirm::is_acked) {
                    break;
                }
                // with every try it would be once a second, for as long as a queue is missing
                if told.as_ref() != Some(&confirms) {
                    let to = &message.routing_key;
                    tracing::warn!(?confirms, to, "a message is published again until it is taken");
                    told = Some(confirms);
                }
                tokio::time::sleep(PAUSE).await;
            }
            under_way.fetch_sub(1, Ordering::AcqRel);
            let _ = done.send(delivery_ref); // the core is ending
        });
    }

    /// Sends verdicts to who wants to hear them.
    pub(super) fn reply(&self, replies: Vec<Message>) {
        if !replies.is_empty() && self.replies.try_send(replies).is_err() {
            tracing::debug!("verdict replies were dropped: who hears nothing asks again");
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Acquire) == 0
    }
}

async fn send_replies(publisher: Publisher, mut waiting: mpsc::Receiver<Vec<Message>>) {
    while let Some(replies) = waiting.recv().await {
        // best effort: whether they arrived is not asked
        drop(publisher.best_effort(replies).await);
    }
}
