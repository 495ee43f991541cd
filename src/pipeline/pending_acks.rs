//! Sealed units in order, each until it is durable. Only then its ack, reply, events and notifications
//! are released.

use super::relay::RelayHandle;
use super::verdict_log::VerdictLog;
use crate::encode;
use crate::metrics::Metrics;
use crate::metrics::labels::{CommandType, Stage};
use crate::spans::{CommandTrace, Tracer};
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::sequencer::{FollowUp, Sealed};
use orderly_actors::states::SharedView;
use orderly_broker::ledger::Ledger;
use orderly_broker::{AckSender, Delivery, Message};
use orderly_domain::record::Origin;
use orderly_domain::verdict::Reason;
use orderly_store::{Ordinal, Seq};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The delivery that a unit settles.
#[derive(Debug, Clone)]
pub(super) struct DeliveryRef {
    pub(super) generation: u64,
    pub(super) tag: u64,
    received: Duration,
    reply: Option<ReplyTo>,
    trace: Option<Box<CommandTrace>>,
}

#[derive(Debug, Clone)]
struct ReplyTo {
    queue: String,
    correlation_id: Option<String>,
}

impl DeliveryRef {
    pub(super) fn new(
        delivery: &Delivery,
        received: Duration,
        trace: Option<Box<CommandTrace>>,
    ) -> Self {
        let properties = &delivery.message.properties;
        Self {
            generation: delivery.generation,
            tag: delivery.tag,
            received,
            reply: properties
                .reply_to
                .clone()
                .map(|queue| ReplyTo { queue, correlation_id: properties.correlation_id.clone() }),
            trace,
        }
    }

    /// The trace of the command, if it is traced.
    pub(super) fn trace(&self) -> Option<&CommandTrace> {
        self.trace.as_deref()
    }
}

/// Reads the first verdict on a command that came again.
pub(super) struct Originals<'a> {
    pub(super) view: &'a SharedView,
}

impl Originals<'_> {
    /// The unit of the first verdict. `None` when the unit was pruned or cannot be read: the reply is sent
    /// without the first verdict then, since replies are best effort.
    pub(super) fn read(&self, entry: &JournalEntry) -> Option<JournalEntry> {
        let seq = Seq(entry.record.original?);
        let unit = self.view.borrow().unit(seq).ok()??;
        JournalEntry::read(&unit).ok()
    }
}

/// What is released because its units are durable.
#[derive(Debug, Default)]
pub(super) struct Durable {
    pub(super) replies: Vec<Message>,
    /// Parked messages that are not kept whole. Each must be published to the dead letters before its
    /// delivery is settled.
    pub(super) dead_letters: Vec<(DeliveryRef, Message, Option<Reason>)>,
    /// Orders that have notifications to send.
    pub(super) notify: Vec<Ordinal>,
}

struct Pending {
    entry: Arc<JournalEntry>,
    delivery_ref: Option<DeliveryRef>,
    reply: Option<Message>,
    dead_letter: Option<Message>,
    notify: Vec<Ordinal>,
    decided: Duration,
}

/// Sealed units that are not durable yet, and the acks of their deliveries.
pub(super) struct PendingAcks {
    ledger: Ledger,
    acks: AckSender,
    relay: RelayHandle,
    pending: VecDeque<Pending>,
    log: VerdictLog,
    metrics: Metrics,
    tracer: Tracer,
    /// The last time when a delivery was settled or no delivery was in hand.
    progress: Duration,
}

impl PendingAcks {
    pub(super) fn new(
        acks: AckSender,
        relay: RelayHandle,
        partition: Option<u16>,
        metrics: Metrics,
        tracer: Tracer,
    ) -> Self {
        Self {
            ledger: Ledger::default(),
            acks,
            relay,
            pending: VecDeque::new(),
            log: VerdictLog::of_partition(partition),
            metrics,
            tracer,
            progress: Duration::ZERO,
        }
    }

    /// Begins a new AMQP channel: deliveries of earlier channels cannot be acknowledged any more.
    pub(super) fn open(&mut self, generation: u64) {
        self.ledger.open(generation);
    }

    pub(super) fn delivered(&mut self, generation: u64, last: u64) {
        self.ledger.delivered(generation, last);
    }

    /// Adds a sealed unit, with the delivery that it settles.
    pub(super) fn sealed(
        &mut self,
        sealed: Sealed,
        cause: Option<(DeliveryRef, Message)>,
        originals: &Originals<'_>,
        now: Duration,
    ) {
        let Sealed { entry, follow_ups, dead_letter, .. } = sealed;
        let (delivery_ref, message) = cause.unzip();
        let reply = delivery_ref
            .as_ref()
            .and_then(|delivery_ref| delivery_ref.reply.as_ref())
            .and_then(|to| {
                let original = originals.read(&entry);
                let verdict = encode::verdict(&entry, original.as_ref());
                encode::reply(&verdict, &to.queue, to.correlation_id.as_deref())
            });
        let notify = follow_ups
            .iter()
            .filter_map(|follow_up| match follow_up {
                FollowUp::Notify(order) => Some(*order),
                FollowUp::RunWaiting(_) => None,
            })
            .collect();
        self.pending.push_back(Pending {
            entry,
            delivery_ref,
            reply,
            dead_letter: message.filter(|_| dead_letter),
            notify,
            decided: now,
        });
    }

    /// Takes note that every unit before `through` is durable. Returns what these units release.
    pub(super) fn durable(&mut self, through: Seq, now: Duration) -> Durable {
        let mut durable = Durable::default();
        let mut entries = Vec::new();
        while self.pending.front().is_some_and(|pending| pending.entry.next <= through) {
            let Some(pending) = self.pending.pop_front() else {
                break;
            };
            self.count(&pending, now);
            self.log.durable(&pending.entry, now);
            durable.replies.extend(pending.reply);
            durable.notify.extend(pending.notify);
            match (pending.delivery_ref, pending.dead_letter) {
                (Some(delivery_ref), Some(message)) => {
                    let reason = pending.entry.record.reason;
                    durable.dead_letters.push((delivery_ref, message, reason));
                }
                (Some(delivery_ref), None) => {
                    self.ledger.settled(delivery_ref.generation, delivery_ref.tag, now);
                }
                (None, _) => {}
            }
            entries.push(pending.entry);
        }
        self.relay.durable(entries);
        self.progress = now;
        durable
    }

    fn count(&self, pending: &Pending, now: Duration) {
        let record = &pending.entry.record;
        let kind = match &record.origin {
            Origin::Message { kind, .. } => CommandType::from(kind),
            Origin::HoldTimer
            | Origin::Waited { .. }
            | Origin::Notified(_)
            | Origin::Quarantine
            | Origin::Operator
            | Origin::Retention
            | Origin::Reminder
            | Origin::Upgrade
            | Origin::Restored
            | Origin::Dismissed => CommandType::Internal,
        };
        self.metrics.commands(kind, record.verdict, 1);
        if let Some(ignored) = &record.ignored {
            self.metrics.ignored_fields(kind, ignored.count());
        }
        let commit = now.saturating_sub(pending.decided);
        self.metrics.command_duration(Stage::Commit, commit, 1);
        if let Some(delivery_ref) = &pending.delivery_ref {
            let total = now.saturating_sub(delivery_ref.received);
            self.metrics.command_duration(Stage::Total, total, 1);
            if let Some(trace) = &delivery_ref.trace {
                self.tracer.durable(trace, &pending.entry, now);
            }
        }
    }

    /// Settles a delivery without a unit: the broker has confirmed its retry or its dead letter.
    pub(super) fn settled(&mut self, delivery_ref: &DeliveryRef, now: Duration) {
        self.ledger.settled(delivery_ref.generation, delivery_ref.tag, now);
        self.progress = now;
    }

    /// Sends the acks of the settled deliveries.
    pub(super) fn acknowledge(&mut self, now: Duration) {
        self.log.tick(now);
        self.acks.send(self.ledger.next_acks(now));
        if self.ledger.unsettled() == 0 {
            self.progress = now;
        }
    }

    /// Whether deliveries are in hand and none was settled for as long as `after`.
    pub(super) fn stalled(&self, now: Duration, after: Duration) -> bool {
        self.ledger.unsettled() > 0 && now.saturating_sub(self.progress) >= after
    }

    /// Whether a sealed unit has waited to become durable for as long as `after`.
    pub(super) fn waits(&self, now: Duration, after: Duration) -> bool {
        let oldest = self.pending.front();
        oldest.is_some_and(|pending| now.saturating_sub(pending.decided) >= after)
    }

    pub(super) fn is_durable(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.ledger.unsettled()
    }

    /// The relay, which gets the durable units.
    pub(super) fn relay(&self) -> &RelayHandle {
        &self.relay
    }
}
