//! Sends a day to a running processor, counts the results, and compares them with those of the model.

use crate::day::{self, Day, Step};
use crate::expected::Expected;
use crate::tally::{Account, Stock, Tally, VerdictWithReason};
use orderly_broker::memory::{Memory, Subscription};
use orderly_broker::{Confirm, HeaderValue, Message, Names, Properties};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::error::Error as StdError;
use std::time::Duration;

/// The queue for verdict replies.
const REPLIES: &str = "demo.replies";
/// Messages that are sent before the demo waits for verdicts.
const AHEAD: u64 = 5_000;
/// The pause between two reads of the queues.
const PAUSE: Duration = Duration::from_millis(20);
/// The run fails when no verdict comes for this time.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Pauses without an event or a notification after which no more are expected.
const QUIET_PAUSES: u32 = 25;

/// The running processor, as far as the demo sees it beside the broker.
pub trait Processor {
    /// Why the processor cannot be read.
    type Error: StdError + Send + Sync + 'static;

    /// The processor's audit of its own store.
    fn audit(&self) -> impl Future<Output = Result<Audit, Self::Error>>;

    /// The current orders and stock.
    fn state(&self) -> impl Future<Output = Result<State, Self::Error>>;

    /// Whether there is a hold that is due and has not expired yet.
    fn has_overdue_holds(&self) -> impl Future<Output = Result<bool, Self::Error>>;
}

/// The result of an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// There is no violation.
    pub balanced: bool,
    /// The violations, one line each.
    pub violations: Vec<String>,
    /// Parked messages.
    pub parked: u64,
    /// Callbacks that wait for an order.
    pub waiting: u64,
}

/// The states of a processor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Every order.
    pub orders: BTreeMap<String, Account>,
    /// Every sku.
    pub stock: BTreeMap<String, Stock>,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum Error<E: StdError + 'static> {
    /// The processor ended, or cannot be read.
    #[error("the processor cannot be read")]
    Processor(#[source] E),
    /// The in-process broker did not accept a message.
    #[error("the broker did not accept a message: {0:?}")]
    Refused(Confirm),
    /// No verdict came for a minute, or a hold did not expire.
    #[error("the processor stands still: {done} of {sent} messages have a verdict")]
    Stalled {
        /// Verdicts received.
        done: u64,
        /// Messages sent.
        sent: u64,
    },
}

/// The outcome of a day.
#[derive(Debug)]
pub struct Outcome {
    /// The results of the model.
    pub expected: Tally,
    /// The results of the processor.
    pub seen: Tally,
    /// The audit of the processor.
    pub audit: Audit,
    /// Messages sent, by type.
    pub sent: BTreeMap<&'static str, u64>,
    /// The differences between the two.
    pub differences: Vec<String>,
}

impl Outcome {
    /// Whether both have the same results, and the audit found no violation.
    pub fn balances(&self) -> bool {
        self.differences.is_empty() && self.audit.balanced
    }
}

/// Sends a day to a processor, and counts the results.
pub struct Run<P> {
    broker: Memory,
    processor: P,
    names: Names,
    replies: Subscription,
    events: Subscription,
    notifications: Subscription,
    sent: BTreeMap<&'static str, u64>,
    messages: u64,
    received: Received,
}

/// The verdicts, events and notifications of the processor.
#[derive(Default)]
struct Received {
    replies: u64,
    verdicts: BTreeMap<VerdictWithReason, u64>,
    events: BTreeMap<String, u64>,
    notifications: BTreeMap<String, u64>,
    /// The ids of the events and notifications so far: each may be delivered more than once, and is counted once.
    known: HashSet<String>,
}

impl<P: Processor> Run<P> {
    /// Subscribes to the verdicts, events and notifications on `broker`.
    pub fn new(broker: Memory, names: Names, processor: P) -> Self {
        Self {
            replies: broker.reply_queue(REPLIES),
            events: broker.subscribe(&names.events, "order.*"),
            notifications: broker.subscribe(&names.notifications, "#"),
            broker,
            processor,
            names,
            sent: BTreeMap::new(),
            messages: 0,
            received: Received::default(),
        }
    }

    /// Sends the day, and waits until every message has its verdict. `expected` takes the same steps. `progress` is called with
    /// the number of verdicts so far.
    pub async fn feed(
        mut self,
        day: Day,
        mut expected: Expected,
        mut progress: impl FnMut(u64),
    ) -> Result<Outcome, Error<P::Error>> {
        for step in day {
            expected.take(&step);
            match step {
                Step::Send(message) => {
                    self.send(message)?;
                    if self.messages.is_multiple_of(AHEAD) {
                        self.wait_for_verdicts(AHEAD / 2, &mut progress).await?;
                    }
                }
                Step::HoldsRunOut => {
                    self.wait_for_verdicts(0, &mut progress).await?;
                    self.wait_for_holds().await?;
                }
            }
        }
        self.wait_for_verdicts(0, &mut progress).await?;
        self.finish(expected.finish()).await
    }

    fn send(&mut self, message: day::Message) -> Result<(), Error<P::Error>> {
        *self.sent.entry(message.kind).or_default() += 1;
        self.messages += 1;
        let message = Message {
            exchange: self.names.commands.clone(),
            routing_key: message.kind.to_owned(),
            properties: Properties {
                content_type: Some("application/json".to_owned()),
                message_id: message.id,
                kind: Some(message.kind.to_owned()),
                app_id: Some(message.source.to_owned()),
                deadline: message.deadline.map(HeaderValue::from),
                reply_to: Some(REPLIES.to_owned()),
                ..Properties::default()
            },
            body: message.body.into(),
        };
        match self.broker.publish(message) {
            Confirm::Acked => Ok(()),
            other => Err(Error::Refused(other)),
        }
    }

    fn listen(&mut self) {
        while let Some(reply) = self.replies.try_recv() {
            self.received.reply(&reply);
        }
        while let Some(event) = self.events.try_recv() {
            let Properties { message_id, kind, .. } = event.properties;
            if self.received.is_new(message_id)
                && let Some(kind) = kind
            {
                *self.received.events.entry(kind).or_default() += 1;
            }
        }
        while let Some(notification) = self.notifications.try_recv() {
            if self.received.is_new(notification.properties.message_id) {
                *self.received.notifications.entry(notification.routing_key).or_default() += 1;
            }
        }
    }

    /// Waits until at most `open` messages have no verdict.
    async fn wait_for_verdicts(
        &mut self,
        open: u64,
        progress: &mut impl FnMut(u64),
    ) -> Result<(), Error<P::Error>> {
        let mut moved = tokio::time::Instant::now();
        loop {
            let before = self.received.replies;
            self.listen();
            progress(self.received.replies);
            if self.messages - self.received.replies <= open {
                return Ok(());
            }
            if self.received.replies != before {
                moved = tokio::time::Instant::now();
            } else if moved.elapsed() > TIMEOUT {
                let (done, sent) = (self.received.replies, self.messages);
                return Err(Error::Stalled { done, sent });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until every hold that is due has expired.
    async fn wait_for_holds(&mut self) -> Result<(), Error<P::Error>> {
        // A short hold may have been placed just now.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = tokio::time::Instant::now();
        loop {
            if !self.processor.has_overdue_holds().await.map_err(Error::Processor)? {
                return Ok(());
            }
            if began.elapsed() > TIMEOUT {
                let (done, sent) = (self.received.replies, self.messages);
                return Err(Error::Stalled { done, sent });
            }
            tokio::time::sleep(10 * PAUSE).await;
        }
    }

    async fn finish(mut self, expected: Tally) -> Result<Outcome, Error<P::Error>> {
        // Events and notifications follow the verdicts: wait until no more come.
        let mut quiet = 0;
        while quiet < QUIET_PAUSES {
            let before = self.received.known.len();
            tokio::time::sleep(PAUSE).await;
            self.listen();
            quiet = if self.received.known.len() == before { quiet + 1 } else { 0 };
        }
        let audit = self.processor.audit().await.map_err(Error::Processor)?;
        let state = self.processor.state().await.map_err(Error::Processor)?;
        let seen = Tally {
            verdicts: self.received.verdicts,
            orders: state.orders,
            stock: state.stock,
            waiting: audit.waiting,
            parked: audit.parked,
            notifications: self.received.notifications,
            events: self.received.events,
        };
        let differences = expected.differences(&seen);
        Ok(Outcome { expected, seen, audit, sent: self.sent, differences })
    }
}

#[derive(Deserialize)]
struct Reply {
    verdict: String,
    reason: Option<String>,
}

impl Received {
    fn reply(&mut self, message: &Message) {
        self.replies += 1;
        let Ok(reply) = serde_json::from_slice::<Reply>(&message.body) else {
            return;
        };
        if let Ok(verdict) = reply.verdict.parse() {
            let verdict = VerdictWithReason::new(verdict, reply.reason.as_deref());
            *self.verdicts.entry(verdict).or_default() += 1;
        }
    }

    /// Whether an event or a notification with this id comes for the first time.
    fn is_new(&mut self, id: Option<String>) -> bool {
        id.is_some_and(|id| self.known.insert(id))
    }
}
