//! Messages that the core publishes without waiting for their confirms: retries, dead letters, replies.

pub(super) mod lane;

use self::lane::{Job, Lane, Shared};
use super::Error;
use super::forward::Forward;
use super::local_replies::LocalReplies;
use super::pace::Report;
use super::pending_acks::DeliveryRef;
use super::workers::{Workers, failpoint};
use crate::degraded::Degraded;
use crate::metrics::Metrics;
use crate::metrics::labels::Restriction;
use orderly_actors::sequencer::DeadLetter;
use orderly_broker::{Message, Names, Properties, Publisher, Retries, Retry};
use orderly_domain::verdict::Reason;
use orderly_store::Ordinal;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// A message with this number of deliveries runs alone, since it may be the one that kills the process.
pub(super) const SUSPICIOUS: u32 = 3;
/// The most batches of replies that wait. Further ones are dropped, since replies are best effort.
const REPLIES: usize = 64;

/// What is settled when the broker has confirmed a message.
#[derive(Debug)]
pub(super) enum Confirmed {
    /// A delivery: its retry or its dead letter is confirmed.
    Delivery(DeliveryRef),
    /// A waiting callback: its dead letter is confirmed.
    Callback(Box<DeadLetter>),
}

pub(super) struct Outbound {
    replies: mpsc::Sender<Vec<Message>>,
    local_replies: LocalReplies,
    /// The lane of each wait queue, by its name.
    to_retry: HashMap<String, mpsc::UnboundedSender<Job>>,
    to_dead: mpsc::UnboundedSender<Job>,
    names: Names,
    retries: Retries,
    forward: Forward,
    pub(super) confirmed: mpsc::UnboundedReceiver<Confirmed>,
    /// The number of messages under way that must be published.
    under_way: Arc<AtomicUsize>,
    /// Orders with a waiting callback that is being dead-lettered.
    callbacks: HashSet<Ordinal>,
}

impl Outbound {
    pub(super) fn new(
        workers: &Workers,
        publisher: Publisher,
        names: Names,
        retry_delays: &[Duration],
        local_replies: LocalReplies,
        degraded: &Degraded,
        metrics: Metrics,
    ) -> Self {
        let (confirmed_in, confirmed) = mpsc::unbounded_channel();
        let (replies, waiting) = mpsc::channel(REPLIES);
        workers.spawn("replies", send_replies(publisher.clone(), waiting));
        let under_way = Arc::default();
        let shared = Shared {
            publisher,
            confirmed: confirmed_in,
            under_way: Arc::clone(&under_way),
            metrics,
        };
        let forward = Forward::new(workers, shared.clone(), degraded, names.clone());
        let start = |restriction, what, subject: &str, destination| {
            let (lane, jobs) = mpsc::unbounded_channel();
            let (degraded, subject) = (degraded.clone(), subject.to_owned());
            let report = Report { degraded, restriction, subject, what };
            let work = Lane::new(report, destination, jobs, shared.clone()).run();
            workers.spawn("outbound", work);
            lane
        };
        let to_retry = retry_delays.iter().map(|delay| names.retry(*delay)).map(|queue| {
            let destination = format!("the wait queue {queue}");
            let lane = start(Restriction::RetriesRejected, "retries", &queue, destination);
            (queue, lane)
        });
        let to_retry = to_retry.collect();
        let destination = format!("a queue that is bound to {}", names.dead);
        let to_dead = start(Restriction::DeadLettersRejected, "dead letters", "", destination);
        let retries = Retries::new(&names, retry_delays);
        let callbacks = HashSet::new();
        Self {
            replies,
            local_replies,
            to_retry,
            to_dead,
            names,
            retries,
            forward,
            confirmed,
            under_way,
            callbacks,
        }
    }

    /// Publishes a failed command to a wait queue. `false` when the command has had its last attempt.
    pub(super) fn retry(&self, delivery_ref: &DeliveryRef, message: &Message) -> bool {
        match self.retries.after(message) {
            Retry::Later(retry) => {
                let then = Confirmed::Delivery(delivery_ref.clone());
                if let Some(lane) = self.to_retry.get(&retry.routing_key) {
                    self.must_publish(lane, Job { then, message: *retry, dead: None });
                }
                true
            }
            Retry::Exhausted { .. } => false,
        }
    }

    /// Sends a command on to the partition that it belongs to. Its delivery is settled when the broker has confirmed that.
    pub(super) fn forward(&mut self, number: u16, delivery_ref: &DeliveryRef, message: &Message) {
        self.forward.send(number, Confirmed::Delivery(delivery_ref.clone()), message);
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
        let message = Message {
            exchange: self.names.dead.clone(),
            properties: Properties {
                dead_letter_reason: Some(reason.as_str().to_owned()),
                ..message.properties.clone()
            },
            routing_key: message.routing_key.clone(),
            body: message.body.clone(),
        };
        let then = Confirmed::Delivery(delivery_ref.clone());
        self.must_publish(&self.to_dead, Job { then, message, dead: Some(reason) });
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
        let dead = Some(letter.reason);
        self.must_publish(&self.to_dead, Job { then: Confirmed::Callback(letter), message, dead });
    }

    /// Ends the dead-lettering of a waiting callback: the next one of its order may be dead-lettered.
    pub(super) fn callback_settled(&mut self, order: Ordinal) {
        self.callbacks.remove(&order);
    }

    /// Publishes a message until the broker has confirmed it, and then settles the job.
    fn must_publish(&self, lane: &mpsc::UnboundedSender<Job>, job: Job) {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        let _ = lane.send(job); // an error means that the lane failed: the process is ending
    }

    /// Publishes verdict replies.
    pub(super) fn reply(&self, replies: Vec<Message>) {
        let replies = self.local_replies.hand_over(replies);
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
