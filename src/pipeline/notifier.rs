//! The core's side of notifications: which deliveries are queued now, and when the others are checked again.
//!
//! Invariant: every delivery that is due and not delivered has a timer in the store, also while it is in a
//! queue or under way. So a queue may drop a delivery and the process may end: the timer finds the delivery
//! again.

use super::Error;
use super::pending::Pending;
use super::workers::Workers;
use crate::config;
use crate::degraded::Degraded;
use crate::encode::Encoder;
use crate::metrics::Metrics;
use crate::metrics::labels::{Outcome as Label, Restriction};
use crate::notify::breaker::Health;
use crate::notify::queue::{Admission, ChannelQueue, Limits, Trigger};
use crate::notify::webhook::{self, Webhook};
use crate::notify::{DeliveryJob, Outcome, amqp, breaker};
use crate::spans::{Attempt, Tracer};
use futures_util::FutureExt as _;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::notification::DueDelivery;
use orderly_actors::payment;
use orderly_actors::sequencer::Sequencer;
use orderly_actors::states;
use orderly_domain::event::Event;
use orderly_domain::notification::{Channel, Failure, NotificationKind, Sent};
use orderly_domain::order::{Order, OrderDetails};
use orderly_domain::payment::Refund;
use orderly_domain::time::Timestamp;
use orderly_store::{Ordinal, Seq, View};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::sync::mpsc;

/// A delivery that is in hand is checked again after this time, in case its queue dropped it.
const LEASE: Duration = Duration::from_secs(15);
/// How often the pending notifications are counted for the metrics.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// Batches of outcomes that may wait for the core.
const OUTCOMES: usize = 16;

/// The outcomes of attempts to deliver notifications.
pub(super) type Outcomes = Vec<Outcome>;

/// An order whose notifications are to be checked again, and when.
pub(super) type Reminder = (Ordinal, Timestamp);

/// The time by both clocks, and the units that are durable then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// The monotonic clock.
    pub(super) elapsed: Duration,
    /// The clock that units are stamped by.
    pub(super) wall: Timestamp,
    /// Every unit before this is durable.
    pub(super) durable: Seq,
}

impl Moment {
    fn wall_at(self, elapsed: Duration) -> Timestamp {
        self.wall.plus(elapsed.saturating_sub(self.elapsed))
    }
}

/// The result of queueing the due deliveries of an order.
#[derive(Debug, Default)]
pub(super) struct Enqueued {
    /// When the order is to be checked again; `None`: no delivery is left.
    pub(super) check_again_at: Option<Timestamp>,
    /// Deliveries that are given up without an attempt.
    pub(super) given_up: Vec<(DueDelivery, Sent)>,
    /// A delivery found no place, and its channel works.
    pub(super) found_no_place: bool,
}

/// A delivery that waits in the queue of its channel.
struct Waiting {
    delivery: DueDelivery,
    message: orderly_broker::Message,
    /// The delivery may begin when every unit before this is durable. The message was made from states in
    /// memory, which are ahead of the disk.
    after: Seq,
}

/// The notifications of one channel that go out in order: all of them, or those of one kind.
struct Lane {
    channel: Channel,
    /// `None`: of every kind.
    kind: Option<NotificationKind>,
    queue: ChannelQueue<Waiting>,
    worker: mpsc::Sender<DeliveryJob>,
    /// The last failure of the lane.
    failure: Option<LaneFailure>,
    /// What is shown of that failure while the breaker is not closed.
    shown: Option<Restriction>,
}

/// A failure that says something about a lane.
struct LaneFailure {
    why: Failure,
    problem: Option<String>,
}

pub(super) struct Notifier {
    lanes: Vec<Lane>,
    encoder: Encoder,
    /// Deliveries in hand: in a queue, or under way.
    in_hand: HashSet<(Channel, String)>,
    /// By channel, in the order of [`Channel::ALL`].
    pending: Vec<(Channel, Pending)>,
    /// When the pending ones were counted last, by the monotonic clock.
    counted: Option<Duration>,
    /// The name of the exchange for notifications, for people.
    exchange: String,
    tracer: Tracer,
    /// The traced attempts that are under way.
    traced: HashMap<(Channel, String), Box<Attempt>>,
    degraded: Degraded,
    metrics: Metrics,
}

/// What the notifier is started with.
pub(super) struct Parts {
    pub(super) encoder: Encoder,
    /// The name of the exchange for notifications, for people.
    pub(super) exchange: String,
    pub(super) tracer: Tracer,
    pub(super) degraded: Degraded,
    pub(super) metrics: Metrics,
}

/// Starts the workers of the configured channels. Must be called on the runtime that is to carry their traffic.
pub(super) fn start(
    workers: &Workers,
    config: &config::Notifications,
    publisher: &orderly_broker::Publisher,
    parts: Parts,
) -> Result<(Notifier, mpsc::Receiver<Outcomes>), Error> {
    let (outcomes_in, outcomes) = mpsc::channel(OUTCOMES);
    let mut lanes = Vec::new();
    for channel in &config.channels {
        let outcomes = outcomes_in.clone();
        match channel {
            config::Channel::Amqp => {
                let limits = amqp::limits();
                let kinds = NotificationKind::ALL;
                let (worker, jobs) = mpsc::channel(limits.in_flight * kinds.len());
                let work = amqp::run(publisher.clone(), jobs, outcomes);
                workers.spawn("amqp", work.map(Ok));
                let of_kind = |kind| Lane::new(Channel::Amqp, Some(kind), limits, worker.clone());
                lanes.extend(kinds.iter().copied().map(of_kind));
            }
            config::Channel::Webhook => {
                let webhook = Webhook::new(&config.webhook)?;
                let limits = webhook::limits(&config.webhook);
                let (worker, jobs) = mpsc::channel(limits.in_flight);
                workers.spawn("webhook", webhook::run(webhook, jobs, outcomes).map(Ok));
                lanes.push(Lane::new(Channel::Webhook, None, limits, worker));
            }
        }
    }
    let Parts { encoder, exchange, tracer, degraded, metrics } = parts;
    for lane in &lanes {
        metrics.channel_configured(lane.channel);
    }
    let longest = config.retry.give_up_after.get();
    let notifier = Notifier {
        lanes,
        encoder,
        in_hand: HashSet::new(),
        pending: Channel::ALL.iter().map(|channel| (*channel, Pending::new(longest))).collect(),
        counted: None,
        exchange,
        tracer,
        traced: HashMap::new(),
        degraded,
        metrics,
    };
    Ok((notifier, outcomes))
}

impl Lane {
    /// `worker` has a place for as many deliveries as may be under way, so for each one that the queue releases.
    fn new(
        channel: Channel,
        kind: Option<NotificationKind>,
        limits: Limits,
        worker: mpsc::Sender<DeliveryJob>,
    ) -> Self {
        let queue = ChannelQueue::new(limits);
        Self { channel, kind, queue, worker, failure: None, shown: None }
    }

    fn has(&self, delivery: &DueDelivery) -> bool {
        self.channel == delivery.channel && self.kind.is_none_or(|kind| kind == delivery.kind)
    }

    /// What is to be shown of the lane now, and why.
    fn restriction(&self, exchange: &str, elapsed: Duration) -> Option<(Restriction, String)> {
        if self.queue.state(elapsed) == breaker::State::Closed {
            return None;
        }
        let LaneFailure { why, problem } = self.failure.as_ref()?;
        let problem = problem.clone().unwrap_or_else(|| why.to_string());
        let Some(kind) = self.kind else {
            let detail = format!(
                "the channel {} does not work: {problem}; notifications wait",
                self.channel
            );
            return Some((Restriction::ChannelDown, detail));
        };
        let wait = "notifications of this kind wait; the broker's answer:";
        Some(match why {
            Failure::Unroutable => {
                let detail =
                    format!("no queue is bound to {exchange} for {kind}: {wait} {problem}");
                (Restriction::NotificationsUnroutable, detail)
            }
            Failure::Rejected => {
                let detail = format!(
                    "a queue that is bound to {exchange} does not accept {kind}: {wait} {problem}"
                );
                (Restriction::NotificationsRejected, detail)
            }
            _ => {
                let detail = format!("the channel {}, {kind}: {problem}", self.channel);
                (Restriction::ChannelDown, detail)
            }
        })
    }
}

/// The order that a notification is about, with its addresses and metadata.
fn order(
    view: &View,
    ordinal: Ordinal,
) -> Result<Option<(Order, Option<OrderDetails>)>, states::Error> {
    let Some(order) = states::read::<Order>(view, ordinal)? else {
        return Ok(None);
    };
    let details = if order.has_details { states::read(view, ordinal)? } else { None };
    Ok(Some((order, details)))
}

/// The refund that a notification is about. The amount of a refund that succeeded does not change any more.
fn refund(view: &View, delivery: &DueDelivery) -> Result<Option<Refund>, states::Error> {
    match delivery.kind {
        NotificationKind::RefundSucceeded => {
            payment::refund_of_notification(view, delivery.order, &delivery.reference)
        }
        NotificationKind::OrderConfirmed
        | NotificationKind::OrderExpired
        | NotificationKind::OrderCancelled => Ok(None),
    }
}

/// What came of a delivery in a unit with these events, and after how many attempts. The unit may give up others of the order,
/// too.
fn outcome_of(delivery: &DueDelivery, sent: Sent, events: &[Event]) -> (Label, u32) {
    let is_it = |id: &str, channel: &Channel| id == delivery.id && *channel == delivery.channel;
    let outcome = events.iter().find_map(|event| match event {
        Event::NotificationDelivered { notification_id, channel, .. }
            if is_it(notification_id, channel) =>
        {
            Some((Label::Delivered, delivery.attempt))
        }
        Event::NotificationFailed { notification_id, channel, attempts, .. }
            if is_it(notification_id, channel) =>
        {
            let without = matches!(sent, Sent::GivenUp { .. });
            Some((if without { Label::GivenUp } else { Label::Failed }, *attempts))
        }
        _ => None,
    });
    outcome.unwrap_or((Label::Retried, delivery.attempt))
}

impl Notifier {
    /// Queues the due deliveries of an order, as far as the queues have a place.
    pub(super) fn enqueue(
        &mut self,
        sequencer: &Sequencer,
        due: Vec<DueDelivery>,
        trigger: Trigger,
        moment: Moment,
    ) -> Result<Enqueued, Error> {
        let mut enqueued = Enqueued::default();
        let mut known = None;
        for delivery in due {
            if let Some(pending) = self.pending(delivery.channel) {
                pending.met(&delivery.id, delivery.began);
            }
            let again = if self.in_hand.contains(&(delivery.channel, delivery.id.clone())) {
                moment.wall.plus(LEASE)
            } else {
                let channel = delivery.channel;
                let Some(lane) = self.lanes.iter_mut().find(|lane| lane.has(&delivery)) else {
                    let sent = Sent::GivenUp { why: Failure::Removed };
                    enqueued.given_up.push((delivery, sent));
                    continue;
                };
                match lane.queue.admission(moment.elapsed, trigger) {
                    Admission::Now => {
                        let view = sequencer.view().borrow();
                        if known.is_none() {
                            known = order(&view, delivery.order)
                                .map_err(orderly_actors::sequencer::Error::from)?;
                        }
                        let refund = refund(&view, &delivery)
                            .map_err(orderly_actors::sequencer::Error::from)?;
                        let message = known.as_ref().and_then(|(order, details)| {
                            let order = (order, details.as_ref());
                            self.encoder.notification(&delivery, order, refund.as_ref())
                        });
                        let Some(message) = message else { continue };
                        self.in_hand.insert((channel, delivery.id.clone()));
                        lane.queue.push(Waiting { delivery, message, after: view.next_seq() });
                        moment.wall.plus(LEASE)
                    }
                    Admission::Later(_)
                        if trigger == Trigger::Timer
                            && delivery.give_up_at <= moment.wall
                            && lane.queue.is_down(moment.elapsed) =>
                    {
                        let sent = Sent::GivenUp { why: Failure::Unavailable };
                        enqueued.given_up.push((delivery, sent));
                        continue;
                    }
                    Admission::Later(at) => {
                        enqueued.found_no_place |= !lane.queue.is_down(moment.elapsed);
                        let at = moment.wall_at(at);
                        // a delivery whose time ends before that is checked, and given up, at its end
                        if lane.queue.is_down(moment.elapsed) && delivery.give_up_at > moment.wall {
                            at.min(delivery.give_up_at)
                        } else {
                            at
                        }
                    }
                }
            };
            let earlier = enqueued.check_again_at;
            enqueued.check_again_at = Some(earlier.map_or(again, |earlier| earlier.min(again)));
        }
        Ok(enqueued)
    }

    /// Whether every lane whose breaker is closed has room for one more delivery.
    pub(super) fn has_room(&self, elapsed: Duration) -> bool {
        let mut lanes = self.lanes.iter();
        lanes.all(|lane| lane.queue.is_down(elapsed) || lane.queue.has_room(elapsed))
    }

    /// Hands the deliveries that may begin now to the workers.
    pub(super) fn pump(&mut self, moment: Moment) {
        for lane in &mut self.lanes {
            let fit = |waiting: &Waiting| waiting.after <= moment.durable;
            while let Some((Waiting { delivery, mut message, .. }, permit)) =
                lane.queue.next(moment.elapsed, fit)
            {
                let attempt = self.tracer.attempt(delivery.trace, &mut message, moment.elapsed);
                if let Some(attempt) = attempt {
                    self.traced.insert((delivery.channel, delivery.id.clone()), attempt);
                }
                // an error means that the worker failed: the process is ending
                let _ = lane.worker.try_send(DeliveryJob { delivery, message, permit });
            }
        }
    }

    /// The time until the next delivery may begin, when only the rate limit of its channel holds it back.
    pub(super) fn pause(&self, elapsed: Duration) -> Option<Duration> {
        let next = self.lanes.iter().filter_map(|lane| lane.queue.next_at(elapsed)).min()?;
        Some(next.saturating_sub(elapsed))
    }

    /// Takes note that an attempt ended. When the breaker opened, the queue drops the deliveries that wait.
    pub(super) fn returned(&mut self, outcome: &Outcome, moment: Moment) {
        let Outcome { delivery, sent, health, permit, problem } = outcome;
        let channel = delivery.channel;
        let place = (channel, delivery.id.clone());
        self.in_hand.remove(&place);
        if let Some(attempt) = self.traced.remove(&place) {
            let result = (*sent, problem.as_deref());
            self.tracer.attempted(&attempt, channel, result, moment.elapsed);
        }
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.has(delivery)) else { return };
        if let (Sent::Failed { why, .. }, Health::Ill | Health::Down) = (*sent, *health) {
            lane.failure = Some(LaneFailure { why, problem: problem.clone() });
        }
        for dropped in lane.queue.done(permit, *health, moment.elapsed) {
            self.in_hand.remove(&(channel, dropped.delivery.id));
        }
    }

    /// Logs and counts the outcome of an attempt, or of giving up without one, which was recorded as `entry`.
    pub(super) fn recorded(
        &mut self,
        delivery: &DueDelivery,
        sent: Sent,
        problem: Option<&str>,
        entry: &JournalEntry,
    ) {
        let (outcome, attempts) = outcome_of(delivery, sent, &entry.record.events);
        let DueDelivery { id, channel, kind, .. } = delivery;
        let why = match sent {
            Sent::Delivered => None,
            Sent::Failed { why, .. } | Sent::Refused { why } | Sent::GivenUp { why } => {
                Some(why.to_string())
            }
        };
        let problem = problem.or(why.as_deref());
        match outcome {
            Label::Delivered => {}
            Label::Retried => {
                tracing::info!(notification_id = id, %kind, %channel, attempts, problem, "an attempt to deliver a notification failed: it will be retried");
            }
            Label::Failed | Label::GivenUp => {
                tracing::warn!(notification_id = id, %kind, %channel, attempts, problem, "the delivery of a notification is given up");
            }
        }
        self.metrics.notifications(*channel, outcome, 1);
        let is_over = match outcome {
            Label::Delivered | Label::Failed | Label::GivenUp => true,
            Label::Retried => false,
        };
        if let Some(pending) = self.pending(*channel).filter(|_| is_over) {
            pending.over(id);
        }
    }

    fn pending(&mut self, channel: Channel) -> Option<&mut Pending> {
        self.pending.iter_mut().find(|(known, _)| *known == channel).map(|(_, pending)| pending)
    }

    /// Whether no delivery is under way, and none waits that could begin now.
    pub(super) fn is_idle(&self, moment: Moment) -> bool {
        !self.lanes.iter().any(|lane| lane.queue.is_busy(moment.elapsed))
    }

    /// Shows the state of the breakers: in the metrics, and as restrictions, which logs each breaker that opened or closed.
    pub(super) fn show(&mut self, moment: Moment) {
        for channel in Channel::ALL {
            let lanes = self.lanes.iter().filter(|lane| lane.channel == *channel);
            let state = lanes.map(|lane| lane.queue.state(moment.elapsed)).max();
            self.metrics.breaker(*channel, state.unwrap_or(breaker::State::Closed));
        }
        if self.counted.is_none_or(|counted| counted + COUNT_EVERY <= moment.elapsed) {
            self.counted = Some(moment.elapsed);
            for (channel, pending) in &mut self.pending {
                let (count, oldest) = pending.count(moment.wall);
                self.metrics.notifications_pending(*channel, count, oldest);
            }
        }
        for lane in &mut self.lanes {
            let subject =
                format!("{} {}", lane.channel, lane.kind.map_or("", |kind| kind.as_str()));
            let now = lane.restriction(&self.exchange, moment.elapsed);
            let (restriction, detail) = now.unzip();
            if let Some(before) = lane.shown
                && restriction != lane.shown
            {
                self.degraded.clear(before, &subject);
            }
            if let (Some(restriction), Some(detail)) = (restriction, detail) {
                self.degraded.raise(restriction, &subject, detail);
            }
            lane.shown = restriction;
        }
    }
}

#[cfg(test)]
mod tests;
