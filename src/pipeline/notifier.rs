//! The core's side of notifications: which deliveries are queued now, and when the others are checked again.
//!
//! Invariant: every delivery that is due and not delivered has a timer in the store, also while it is in a
//! queue or under way. So a queue may drop a delivery and the process may end: the timer finds the delivery
//! again.

use super::Error;
use super::workers::Workers;
use crate::config;
use crate::encode::Encoder;
use crate::metrics::Metrics;
use crate::metrics::labels::Outcome as Label;
use crate::notify::queue::{Admission, ChannelQueue, Limits, Trigger};
use crate::notify::webhook::{self, Webhook};
use crate::notify::{DeliveryJob, Outcome, amqp, breaker};
use futures_util::FutureExt as _;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::notification::DueDelivery;
use orderly_actors::sequencer::Sequencer;
use orderly_actors::states;
use orderly_domain::event::Event;
use orderly_domain::notification::{Channel, Failure, NotificationKind, Sent};
use orderly_domain::order::{Order, OrderDetails};
use orderly_domain::payment::rules::referenced;
use orderly_domain::payment::{Payments, Refund};
use orderly_domain::time::Timestamp;
use orderly_store::{Ordinal, Seq, View};
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::mpsc;

/// A delivery that is in hand is checked again after this time, in case its queue dropped it.
const LEASE: Duration = Duration::from_secs(15);
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
}

/// A delivery that waits in the queue of its channel.
struct Waiting {
    delivery: DueDelivery,
    message: orderly_broker::Message,
    /// The delivery may begin when every unit before this is durable. The message was made from states in
    /// memory, which are ahead of the disk.
    after: Seq,
}

struct ChannelState {
    channel: Channel,
    queue: ChannelQueue<Waiting>,
    worker: mpsc::Sender<DeliveryJob>,
    shown: breaker::State,
}

pub(super) struct Notifier {
    channels: Vec<ChannelState>,
    encoder: Encoder,
    /// Deliveries in hand: in a queue, or under way.
    in_hand: HashSet<(Channel, String)>,
    metrics: Metrics,
}

/// Starts the workers of the configured channels. Must be called on the runtime that is to carry their traffic.
pub(super) fn start(
    workers: &Workers,
    config: &config::Notifications,
    publisher: &orderly_broker::Publisher,
    encoder: Encoder,
    metrics: Metrics,
) -> Result<(Notifier, mpsc::Receiver<Outcomes>), Error> {
    let (outcomes_in, outcomes) = mpsc::channel(OUTCOMES);
    let mut channels = Vec::new();
    for channel in &config.channels {
        let outcomes = outcomes_in.clone();
        channels.push(match channel {
            config::Channel::Amqp => {
                let (channel_state, jobs) = ChannelState::new(Channel::Amqp, amqp::limits());
                let work = amqp::run(publisher.clone(), jobs, outcomes);
                workers.spawn("amqp", work.map(Ok));
                channel_state
            }
            config::Channel::Webhook => {
                let webhook = Webhook::new(&config.webhook)?;
                let (channel_state, jobs) =
                    ChannelState::new(Channel::Webhook, webhook::limits(&config.webhook));
                workers.spawn("webhook", webhook::run(webhook, jobs, outcomes).map(Ok));
                channel_state
            }
        });
    }
    Ok((Notifier { channels, encoder, in_hand: HashSet::new(), metrics }, outcomes))
}

impl ChannelState {
    fn new(channel: Channel, limits: Limits) -> (Self, mpsc::Receiver<DeliveryJob>) {
        // as many as may be under way, so the channel always has a place for a delivery that the queue releases
        let (worker, jobs) = mpsc::channel(limits.in_flight);
        let (queue, shown) = (ChannelQueue::new(limits), breaker::State::Closed);
        (Self { channel, queue, worker, shown }, jobs)
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
            let payments: Option<Payments> = states::read(view, delivery.order)?;
            let found = payments.as_ref().and_then(|known| referenced(known, &delivery.reference));
            Ok(found.cloned())
        }
        NotificationKind::OrderConfirmed
        | NotificationKind::OrderExpired
        | NotificationKind::OrderCancelled => Ok(None),
    }
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
            let again = if self.in_hand.contains(&(delivery.channel, delivery.id.clone())) {
                moment.wall.plus(LEASE)
            } else {
                let channel = delivery.channel;
                let Some(channel_state) =
                    self.channels.iter_mut().find(|channel_state| channel_state.channel == channel)
                else {
                    let sent = Sent::GivenUp { why: Failure::Removed };
                    enqueued.given_up.push((delivery, sent));
                    continue;
                };
                match channel_state.queue.admission(moment.elapsed, trigger) {
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
                        channel_state.queue.push(Waiting {
                            delivery,
                            message,
                            after: view.next_seq(),
                        });
                        moment.wall.plus(LEASE)
                    }
                    Admission::Later(_)
                        if trigger == Trigger::Timer
                            && delivery.give_up_at <= moment.wall
                            && channel_state.queue.is_down(moment.elapsed) =>
                    {
                        let sent = Sent::GivenUp { why: Failure::Unavailable };
                        enqueued.given_up.push((delivery, sent));
                        continue;
                    }
                    Admission::Later(at) => {
                        let at = moment.wall_at(at);
                        // a delivery whose time ends before that is checked, and given up, at its end
                        if channel_state.queue.is_down(moment.elapsed)
                            && delivery.give_up_at > moment.wall
                        {
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

    /// Whether every channel whose breaker is closed has room for one more delivery.
    pub(super) fn has_room(&self, elapsed: Duration) -> bool {
        let mut channels = self.channels.iter();
        channels.all(|channel| channel.queue.is_down(elapsed) || channel.queue.has_room(elapsed))
    }

    /// Hands the deliveries that may begin now to the workers.
    pub(super) fn pump(&mut self, moment: Moment) {
        for channel_state in &mut self.channels {
            let fit = |waiting: &Waiting| waiting.after <= moment.durable;
            while let Some((Waiting { delivery, message, .. }, permit)) =
                channel_state.queue.next(moment.elapsed, fit)
            {
                // an error means that the worker failed: the process is ending
                let _ = channel_state.worker.try_send(DeliveryJob { delivery, message, permit });
            }
        }
    }

    /// The time until the next delivery may begin, when only the rate limit of its channel holds it back.
    pub(super) fn pause(&self, elapsed: Duration) -> Option<Duration> {
        let next = self
            .channels
            .iter()
            .filter_map(|channel_state| channel_state.queue.next_at(elapsed))
            .min()?;
        Some(next.saturating_sub(elapsed))
    }

    /// Takes note that an attempt ended. When the breaker opened, the queue drops the deliveries that wait.
    pub(super) fn returned(&mut self, outcome: &Outcome, moment: Moment) {
        let Outcome { delivery, health, permit, .. } = outcome;
        let channel = delivery.channel;
        self.in_hand.remove(&(channel, delivery.id.clone()));
        let channel_state =
            self.channels.iter_mut().find(|channel_state| channel_state.channel == channel);
        for dropped in channel_state
            .into_iter()
            .flat_map(|channel_state| channel_state.queue.done(permit, *health, moment.elapsed))
        {
            self.in_hand.remove(&(channel, dropped.delivery.id));
        }
    }

    /// Logs and counts the outcome of an attempt, which was recorded as `entry`.
    pub(super) fn recorded(&self, delivery: &DueDelivery, sent: Sent, entry: &JournalEntry) {
        let mut outcome = Label::Retried;
        for event in &entry.record.events {
            match event {
                Event::NotificationDelivered { .. } => outcome = Label::Delivered,
                Event::NotificationFailed { .. } => outcome = Label::Failed,
                _ => {}
            }
        }
        let DueDelivery { id, channel, attempt, .. } = delivery;
        match (outcome, sent) {
            (Label::Delivered, _) | (_, Sent::Delivered) => {}
            (Label::Retried, Sent::Failed { why, .. }) => {
                tracing::info!(notification_id = id, %channel, attempt, problem = %why, "an attempt to deliver a notification failed: it will be retried");
            }
            (_, Sent::Failed { why, .. } | Sent::Refused { why } | Sent::GivenUp { why }) => {
                tracing::warn!(notification_id = id, %channel, attempt, problem = %why, "the delivery of a notification is given up");
            }
        }
        self.metrics.notifications(*channel, outcome, 1);
    }

    /// Whether no delivery is under way, and none waits that could begin now.
    pub(super) fn is_idle(&self, moment: Moment) -> bool {
        !self.channels.iter().any(|channel_state| channel_state.queue.is_busy(moment.elapsed))
    }

    /// Updates the metrics of the breakers, and logs each breaker that opened or closed.
    pub(super) fn show(&mut self, moment: Moment) {
        for ChannelState { channel, queue, shown, .. } in &mut self.channels {
            let state = queue.state(moment.elapsed);
            if state == *shown {
                continue;
            }
            match (*shown, state) {
                (breaker::State::Closed, breaker::State::Open) => {
                    tracing::warn!(%channel, "the channel failed repeatedly: its circuit breaker opens");
                }
                (_, breaker::State::Closed) => {
                    tracing::info!(%channel, "the channel works again: its circuit breaker closes");
                }
                // the probe goes out, or it failed
                (_, breaker::State::HalfOpen | breaker::State::Open) => {}
            }
            *shown = state;
            self.metrics.breaker(*channel, state);
        }
    }
}
