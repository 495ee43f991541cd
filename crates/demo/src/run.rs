//! The demo: a whole processor in this process, fed with a generated day, and its books compared
//! with those that an independent model kept of the same messages.

use super::books::{Account, Bookkeeper, Books, Status, Stock, Verdict};
use super::day::{self, Day, Step};
use crate::pipeline::{Gone, Handle};
use orderly_actors::audit::Audit;
use orderly_actors::states::{self, State, part};
use orderly_broker::memory::{Memory, Subscription};
use orderly_broker::{Confirm, Message, Names, Properties};
use orderly_domain::event::Type;
use orderly_domain::inventory::{HoldState, Reservation};
use orderly_domain::notification::NotificationKind;
use orderly_domain::order::Order;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict;
use orderly_store::{Ordinal, Parts, Reader};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// The queue that hears the verdicts.
const REPLIES: &str = "demo.replies";
/// Messages sent before the processor is given time to take them.
const AHEAD: u64 = 5_000;
/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The day is given up when nothing moves for this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the demo has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The processor ended.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// The processor's states cannot be read.
    #[error("the processor's books cannot be read")]
    Audit(#[from] states::Error),
    /// The model does not know what a message means.
    #[error("the model cannot follow the day")]
    Model(#[from] super::books::Error),
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
    pub expected: Books,
    /// What the processor did.
    pub seen: Books,
    /// The processor's own audit.
    pub audit: Audit,
    /// Messages sent, by type.
    pub sent: BTreeMap<&'static str, u64>,
    /// Where the two disagree; empty: the books balance.
    pub differences: Vec<String>,
}

/// Feeds a processor with a day, and keeps count.
pub struct Run {
    broker: Memory,
    handle: Handle,
    reader: Reader,
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
    verdicts: BTreeMap<Verdict, u64>,
    events: BTreeMap<&'static str, u64>,
    notifications: BTreeMap<&'static str, u64>,
    /// Ids of events and notifications: delivered at least once, counted once.
    known: HashSet<String>,
}

impl Run {
    /// Listens to what the processor behind `broker` says.
    pub fn new(broker: Memory, names: Names, handle: Handle, reader: Reader) -> Self {
        Self {
            replies: broker.reply_queue(REPLIES),
            events: broker.subscribe(&names.events, "order.*"),
            notifications: broker.subscribe(&names.notifications, "#"),
            broker,
            handle,
            reader,
            names,
            sent: BTreeMap::new(),
            messages: 0,
            heard: Heard::default(),
        }
    }

    /// Sends the day; `progress` hears how many verdicts there are.
    pub async fn feed(mut self, day: Day, mut progress: impl FnMut(u64)) -> Result<Outcome, Error> {
        let mut books = Bookkeeper::default();
        for step in day {
            books.enter(&step)?;
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
        self.close(books.close()).await
    }

    fn send(&mut self, message: day::Message) -> Result<(), Error> {
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
            let kind = event.properties.kind.as_deref().unwrap_or_default();
            let kind = Type::ALL.iter().map(|kind| kind.as_str()).find(|name| *name == kind);
            self.heard.once(event.properties.message_id, kind, |heard| &mut heard.events);
        }
        while let Some(notification) = self.notifications.try_recv() {
            let kind = NotificationKind::from_name(&notification.routing_key);
            let kind = kind.map(NotificationKind::as_str);
            let id = notification.properties.message_id;
            self.heard.once(id, kind, |heard| &mut heard.notifications);
        }
    }

    /// Waits until at most `open` messages have no verdict.
    async fn wait_for_verdicts(
        &mut self,
        open: u64,
        progress: &mut impl FnMut(u64),
    ) -> Result<(), Error> {
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
            } else if moved.elapsed() > PATIENCE {
                let (done, sent) = (self.heard.replies, self.messages);
                return Err(Error::Stalled { done, sent });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until every hold that is over has lapsed.
    async fn wait_for_holds(&mut self) -> Result<(), Error> {
        // the last of them may just have been placed
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = tokio::time::Instant::now();
        loop {
            if !holds_are_over(&self.reader)? {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                let (done, sent) = (self.heard.replies, self.messages);
                return Err(Error::Stalled { done, sent });
            }
            tokio::time::sleep(10 * LOOK).await;
        }
    }

    async fn close(mut self, expected: Books) -> Result<Outcome, Error> {
        // events and notifications follow the verdicts: wait while they still come
        let mut quiet = 0;
        while quiet < 25 {
            let before = self.heard.known.len();
            tokio::time::sleep(LOOK).await;
            self.listen();
            quiet = if self.heard.known.len() == before { quiet + 1 } else { 0 };
        }
        let audit = self.handle.audit().await??;
        let books = read_books(&self.reader)?;
        let seen = Books {
            verdicts: self.heard.verdicts,
            events: self.heard.events,
            notifications: self.heard.notifications,
            parked: audit.counts.parked,
            waiting: audit.counts.waiting,
            ..books
        };
        let differences = expected.differences(&seen);
        Ok(Outcome { expected, seen, audit, sent: self.sent, differences })
    }
}

#[derive(Deserialize)]
struct Reply {
    verdict: verdict::Verdict,
    reason: Option<verdict::Reason>,
}

impl Heard {
    fn reply(&mut self, message: &Message) {
        self.replies += 1;
        let Ok(reply) = serde_json::from_slice::<Reply>(&message.body) else {
            return;
        };
        let reason = reply.reason.map_or("", verdict::Reason::as_str);
        let verdict = match reply.verdict {
            verdict::Verdict::Applied => Verdict::Applied,
            verdict::Verdict::Duplicate => Verdict::Duplicate,
            verdict::Verdict::Stale => Verdict::Stale,
            verdict::Verdict::Waiting => Verdict::Waiting,
            verdict::Verdict::Rejected => Verdict::Rejected(reason),
            verdict::Verdict::Conflict => Verdict::Conflict,
            verdict::Verdict::Invalid => Verdict::Invalid(reason),
            // the day holds nothing that comes to these: the model knows no such verdict
            verdict::Verdict::Review => Verdict::Rejected("review"),
            verdict::Verdict::Failed => Verdict::Rejected("failed"),
        };
        *self.verdicts.entry(verdict).or_default() += 1;
    }

    fn once(
        &mut self,
        id: Option<String>,
        kind: Option<&'static str>,
        count: impl FnOnce(&mut Self) -> &mut BTreeMap<&'static str, u64>,
    ) {
        if let (Some(id), Some(kind)) = (id, kind)
            && self.known.insert(id)
        {
            *count(self).entry(kind).or_default() += 1;
        }
    }
}

/// Whether some hold is over and has not lapsed yet.
fn holds_are_over(reader: &Reader) -> Result<bool, states::Error> {
    use orderly_actors::clock::{Clock, SystemClock};
    let now: Timestamp = SystemClock::default().now();
    let mut over = false;
    each(reader, |reservation: Reservation| {
        if let HoldState::Held { until, .. } = reservation.state {
            over |= until <= now;
        }
    })?;
    Ok(over)
}

/// Visits every state of a kind.
fn each<S: State>(reader: &Reader, mut visit: impl FnMut(S)) -> Result<(), states::Error> {
    let mut next = Some(Ordinal(0));
    while let Some(from) = next {
        let (entities, behind) = reader.page(S::TABLE, from, usize::MAX, Parts::of(&[S::PART]))?;
        for entity in &entities {
            part(entity)?.into_iter().for_each(&mut visit);
        }
        next = behind;
    }
    Ok(())
}

/// The processor's own books.
fn read_books(reader: &Reader) -> Result<Books, states::Error> {
    let mut books = Books::default();
    each(reader, |order: Order| {
        if let Some(status) = status(order.status) {
            let account = Account { status, total: order.total, paid: order.paid };
            books.orders.insert(order.id.to_string(), account);
        }
    })?;
    each(reader, |stock: orderly_domain::inventory::Stock| {
        let seen = Stock { on_hand: stock.on_hand.cast_signed(), held: stock.held.cast_signed() };
        books.stock.insert(stock.sku.to_string(), seen);
    })?;
    Ok(books)
}

/// The model's word for a status; it knows those that a day leads to.
fn status(status: orderly_domain::order::Status) -> Option<Status> {
    use orderly_domain::order::Status as Core;
    match status {
        Core::Rejected => Some(Status::Rejected),
        Core::AwaitingPayment => Some(Status::AwaitingPayment),
        Core::Paid => Some(Status::Paid),
        Core::Completed => Some(Status::Completed),
        Core::Expired => Some(Status::Expired),
        Core::Cancelled => Some(Status::Cancelled),
        Core::RefundDue => Some(Status::RefundDue),
        Core::PartiallyPaid | Core::UnderReview | Core::PartiallyRefunded | Core::Refunded => None,
    }
}
