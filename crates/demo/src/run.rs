//! Sends a day to a running processor, counts what comes back, and compares it with what the model expects.

use crate::day::{self, Day, Step};
use crate::expected::Expected;
use crate::tally::{Account, Stock, Tally, VerdictWithReason};
use orderly_broker::memory::{Memory, Subscription};
use orderly_broker::{Confirm, Message, Names, Properties};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::error::Error as StdError;
use std::time::Duration;

/// The queue that hears the verdicts.
const REPLIES: &str = "demo.replies";
/// Messages sent before the processor is given time to take them.
const AHEAD: u64 = 5_000;
/// How often the queues are read.
const PAUSE: Duration = Duration::from_millis(20);
/// The run fails when no verdict comes for this long.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Pauses without an event or a notification after which no more are expected.
const QUIET_PAUSES: u32 = 25;

/// What the demo must see of the running processor, beyond what the broker shows.
pub trait Processor {
    /// Why the processor cannot be read.
    type Error: StdError + Send + Sync + 'static;

    /// The processor's audit of its own store.
    fn audit(&self) -> impl Future<Output = Result<Audit, Self::Error>>;

    /// Orders and stock as they stand.
    fn state(&self) -> impl Future<Output = Result<State, Self::Error>>;

    /// Whether the time of some hold is over and it has not expired yet.
    fn has_overdue_holds(&self) -> impl Future<Output = Result<bool, Self::Error>>;
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Nothing was found.
    pub balanced: bool,
    /// What was found, one line each.
    pub violations: Vec<String>,
    /// Messages put aside for a person.
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

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error<E: StdError + 'static> {
    /// The processor ended, or cannot be read.
    #[error("the processor cannot be read")]
    Processor(#[source] E),
    /// The in-process broker took no message.
    #[error("the broker did not take a message: {0:?}")]
    Refused(Confirm),
    /// Nothing moved for a minute.
    #[error("the processor stands still: {done} of {sent} messages have a verdict")]
    Stalled {
        /// Verdicts heard.
        done: u64,
        /// Messages sent.
        sent: u64,
    },
}

/// What the day came to.
#[derive(Debug)]
pub struct Outcome {
    /// What the model expects.
    pub expected: Tally,
    /// What the processor did.
    pub seen: Tally,
    /// The processor's own audit.
    pub audit: Audit,
    /// Messages sent, by type.
    pub sent: BTreeMap<&'static str, u64>,
    /// Where the two differ.
    pub differences: Vec<String>,
}

impl Outcome {
    /// The processor did what the model expects, and its audit found nothing.
    pub fn balances(&self) -> bool {
        self.differences.is_empty() && self.audit.balanced
    }
}

/// Sends a day to a processor, and counts what comes back.
pub struct Run<P> {
    broker: Memory,
    processor: P,
    names: Names,
    replies: Subscription,
    events: Subscription,
    notifications: Subscription,
    sent: BTreeMap<&'static str, u64>,
    messages: u64,
    heard: Heard,
}

/// What came back from the processor.
#[derive(Default)]
struct Heard {
    replies: u64,
    verdicts: BTreeMap<VerdictWithReason, u64>,
    events: BTreeMap<String, u64>,
    notifications: BTreeMap<String, u64>,
    /// Ids of events and notifications: delivered at least once, counted once.
    known: HashSet<String>,
}

impl<P: Processor> Run<P> {
    /// Subscribes to what the processor behind `broker` publishes.
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
            heard: Heard::default(),
        }
    }

    /// Sends the day, and waits until all of it has its verdict. `expected` takes the same steps; `progress` is told the
    /// number of verdicts again and again.
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
                deadline: message.deadline.map(str::to_owned),
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
            self.heard.reply(&reply);
        }
        while let Some(event) = self.events.try_recv() {
            let Properties { message_id, kind, .. } = event.properties;
            if self.heard.is_new(message_id)
                && let Some(kind) = kind
            {
                *self.heard.events.entry(kind).or_default() += 1;
            }
        }
        while let Some(notification) = self.notifications.try_recv() {
            if self.heard.is_new(notification.properties.message_id) {
                *self.heard.notifications.entry(notification.routing_key).or_default() += 1;
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
            let before = self.heard.replies;
            self.listen();
            progress(self.heard.replies);
            if self.messages - self.heard.replies <= open {
                return Ok(());
            }
            if self.heard.replies != before {
                moved = tokio::time::Instant::now();
            } else if moved.elapsed() > TIMEOUT {
                let (done, sent) = (self.heard.replies, self.messages);
                return Err(Error::Stalled { done, sent });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until every hold whose time is over has expired.
    async fn wait_for_holds(&mut self) -> Result<(), Error<P::Error>> {
        // the last of them may just have been placed
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = tokio::time::Instant::now();
        loop {
            if !self.processor.has_overdue_holds().await.map_err(Error::Processor)? {
                return Ok(());
            }
            if began.elapsed() > TIMEOUT {
                let (done, sent) = (self.heard.replies, self.messages);
                return Err(Error::Stalled { done, sent });
            }
            tokio::time::sleep(10 * PAUSE).await;
        }
    }

    async fn finish(mut self, expected: Tally) -> Result<Outcome, Error<P::Error>> {
        // events and notifications follow the verdicts: wait while they still come
        let mut quiet = 0;
        while quiet < QUIET_PAUSES {
            let before = self.heard.known.len();
            tokio::time::sleep(PAUSE).await;
            self.listen();
            quiet = if self.heard.known.len() == before { quiet + 1 } else { 0 };
        }
        let audit = self.processor.audit().await.map_err(Error::Processor)?;
        let state = self.processor.state().await.map_err(Error::Processor)?;
        let seen = Tally {
            verdicts: self.heard.verdicts,
            orders: state.orders,
            stock: state.stock,
            waiting: audit.waiting,
            parked: audit.parked,
            notifications: self.heard.notifications,
            events: self.heard.events,
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

impl Heard {
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

    /// Events and notifications are delivered at least once, and counted once.
    fn is_new(&mut self, id: Option<String>) -> bool {
        id.is_some_and(|id| self.known.insert(id))
    }
}
