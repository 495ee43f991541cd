//! The messages for one destination that must be published: to one wait queue, or to the dead letters.
//!
//! Invariant: a message leaves its lane when the broker has confirmed it. A destination that rejects gets one message at a
//! time, as [`Pace`] says; the others wait here. They are of deliveries that are not acknowledged, so the prefetch bounds
//! their number.

use super::super::Error;
use super::super::pace::{Pace, Report};
use super::super::workers::failpoint;
use super::Confirmed;
use crate::metrics::Metrics;
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_broker::{Confirm, Message, Publisher};
use orderly_domain::verdict::Reason;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// The largest number of messages in one publish.
const BATCH: usize = 256;

/// A message that must be published.
#[derive(Debug)]
pub(in super::super) struct Job {
    /// What is settled when the broker has confirmed the message.
    pub(in super::super) then: Confirmed,
    pub(in super::super) message: Message,
    /// The reason of a dead letter.
    pub(in super::super) dead: Option<Reason>,
}

/// What the lanes share.
#[derive(Clone)]
pub(in super::super) struct Shared {
    pub(in super::super) publisher: Publisher,
    pub(in super::super) confirmed: mpsc::UnboundedSender<Confirmed>,
    /// The number of messages that were handed over and not confirmed.
    pub(in super::super) under_way: Arc<AtomicUsize>,
    pub(in super::super) metrics: Metrics,
}

pub(in super::super) struct Lane {
    pace: Pace,
    /// What the broker does not accept, for people.
    destination: String,
    jobs: mpsc::UnboundedReceiver<Job>,
    waiting: VecDeque<Job>,
    shared: Shared,
    clock: SystemClock,
}

impl Lane {
    pub(in super::super) fn new(
        report: Report,
        destination: String,
        jobs: mpsc::UnboundedReceiver<Job>,
        shared: Shared,
    ) -> Self {
        let pace = Pace::new(BATCH, report);
        let (waiting, clock) = (VecDeque::new(), SystemClock::default());
        Self { pace, destination, jobs, waiting, shared, clock }
    }

    /// Publishes until the core has ended.
    pub(in super::super) async fn run(mut self) -> Result<(), Error> {
        loop {
            while let Ok(job) = self.jobs.try_recv() {
                self.waiting.push_back(job);
            }
            if !self.waiting.is_empty() {
                self.publish_some().await;
                continue;
            }
            let over = self.pace.check_at().map(|at| at.saturating_sub(self.clock.monotonic()));
            tokio::select! {
                biased;
                job = self.jobs.recv() => match job {
                    Some(job) => self.waiting.push_back(job),
                    None => return Ok(()),
                },
                () = tokio::time::sleep(over.unwrap_or_default()), if over.is_some() => {
                    self.pace.check(true, self.clock.monotonic());
                }
            }
        }
    }

    /// Publishes as many messages as the pace allows, and waits for their confirms.
    async fn publish_some(&mut self) {
        failpoint("outbound");
        let count = self.waiting.len().min(self.pace.room(0));
        let messages = self.waiting.iter().take(count).map(|job| job.message.clone()).collect();
        let confirms = self.shared.publisher.commands(messages).await.await;
        let sent: Vec<_> = self.waiting.drain(..count).collect();
        let mut failure: Option<(Job, Confirm)> = None;
        let mut again = Vec::new();
        for (job, confirm) in sent.into_iter().zip(confirms) {
            if confirm.is_acked() {
                self.settle(job);
                continue;
            }
            match &mut failure {
                None => failure = Some((job, confirm)),
                Some((_, known)) => {
                    if *known == Confirm::Lost {
                        *known = confirm;
                    }
                    again.push(job);
                }
            }
        }
        let now = self.clock.monotonic();
        let Some((first, answer)) = failure else {
            self.pace.confirmed(count);
            self.pace.check(self.waiting.is_empty(), now);
            return;
        };
        let pause = match self.refusal(&first.message, &answer) {
            Some(detail) => self.pace.rejected(detail, now),
            None => self.pace.lost(now),
        };
        for job in again.into_iter().rev() {
            self.waiting.push_front(job);
        }
        self.waiting.push_front(first);
        tokio::time::sleep(pause).await;
    }

    fn settle(&self, job: Job) {
        if let Some(reason) = job.dead {
            self.shared.metrics.dead_lettered(reason.into());
        }
        self.shared.under_way.fetch_sub(1, Ordering::AcqRel);
        let _ = self.shared.confirmed.send(job.then); // the core is ending
    }

    /// Why the broker refused a message, for a person. `None`: the message was lost with its channel.
    fn refusal(&self, message: &Message, answer: &Confirm) -> Option<String> {
        let answer = answer.refusal()?;
        let id = message.properties.message_id.as_deref().unwrap_or("without an id");
        let destination = &self.destination;
        Some(format!(
            "{destination} does not accept the message {id}, which is tried again, and later messages wait; the broker's answer: {answer}"
        ))
    }
}
