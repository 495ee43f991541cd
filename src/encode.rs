//! Encoding: events as structured CloudEvents, notifications and verdict replies become messages.

use crate::decode::CLOUD_EVENT;
use bytes::Bytes;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::notification::DueDelivery;
use orderly_broker::{Durability, Message, Names, Properties};
use orderly_domain::event::payload::{EventPayload, NotificationMessage, OrderData};
use orderly_domain::event::{Event, Type};
use orderly_domain::order::{Order, OrderDetails, OrderSnapshot};
use orderly_domain::payment::Refund;
use orderly_domain::record::Origin;
use orderly_domain::verdict::{Verdict, VerdictReply};
use orderly_store::{Incarnations, Seq};
use serde::Serialize;
use std::fmt::Write as _;
use std::sync::Arc;
use uuid::fmt::Hyphenated;

/// Encodes events and notifications.
#[derive(Debug, Clone)]
pub struct Encoder {
    names: Names,
    /// The source of every event: `/orderly/NS`.
    source: String,
    /// The incarnations of the store: each is the first part of the ids of its events.
    incarnations: Arc<Incarnations>,
    /// The number of the partition, where there are several.
    partition: Option<u16>,
}

/// A structured CloudEvent 1.0.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    time: orderly_domain::time::Timestamp,
    datacontenttype: &'static str,
    sequence: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    data: EventPayload<'a>,
}

/// Digits of a sequence: enough for any 64-bit number, so that sequences sort as texts.
const DIGITS: usize = 20;

impl Encoder {
    /// An encoder for a namespace and the store with these incarnations.
    pub fn new(names: Names, namespace: &str, incarnations: &Incarnations) -> Self {
        Self {
            names,
            source: format!("/orderly/{namespace}"),
            incarnations: Arc::new(incarnations.clone()),
            partition: None,
        }
    }

    /// The same for one of several partitions.
    #[must_use]
    pub fn of_partition(self, partition: Option<u16>) -> Self {
        Self { partition, ..self }
    }

    /// Encodes the event at `seq` of a unit: to the same bytes at every call. `None` when the unit lacks a state that the data
    /// of the event is made of, which no unit of this program does.
    pub fn event(&self, entry: &JournalEntry, seq: Seq, event: &Event) -> Option<Message> {
        let data = EventPayload::new(event, entry.context())?;
        let kind = event.kind();
        let id = self.event_id(seq);
        let trace = entry.record.trace.map(|trace| trace.child(seq.0).to_string());
        let body = to_json(&CloudEvent {
            specversion: "1.0",
            id: &id,
            source: &self.source,
            r#type: kind.as_str(),
            subject: subject(entry, event),
            time: entry.at,
            datacontenttype: "application/json",
            sequence: &id[Hyphenated::LENGTH + 1..],
            partition: self.partition,
            traceparent: trace.as_deref(),
            data,
        })?;
        Some(Message {
            exchange: self.names.events.clone(),
            routing_key: kind.as_str().to_owned(),
            properties: Properties {
                content_type: Some(CLOUD_EVENT.to_owned()),
                message_id: Some(id),
                kind: Some(kind.as_str().to_owned()),
                traceparent: trace,
                ..Properties::default()
            },
            body,
        })
    }

    /// The id of the event at `seq`.
    pub fn event_id(&self, seq: Seq) -> String {
        let incarnation = self.incarnations.at(seq);
        let mut id = String::with_capacity(Hyphenated::LENGTH + 1 + DIGITS);
        let _ = write!(id, "{incarnation}-{:0DIGITS$}", seq.0); // cannot fail
        id
    }

    /// Encodes a notification, in the same way for every channel. `refund` is the refund that the notification is about.
    pub fn notification(
        &self,
        delivery: &DueDelivery,
        (order, details): (&Order, Option<&OrderDetails>),
        refund: Option<&Refund>,
    ) -> Option<Message> {
        let data = match refund {
            Some(refund) => OrderData::of_refund(order, refund),
            None => OrderData::new(order, OrderSnapshot::from(order)),
        };
        let body = to_json(&NotificationMessage {
            notification_id: &delivery.id,
            kind: delivery.kind,
            order_id: &order.id,
            customer: (&order.customer).into(),
            data: data.with_details(details),
            attempt: delivery.attempt,
        })?;
        Some(Message {
            exchange: self.names.notifications.clone(),
            routing_key: delivery.kind.as_str().to_owned(),
            properties: Properties {
                content_type: Some("application/json".to_owned()),
                message_id: Some(delivery.id.clone()),
                kind: Some(delivery.kind.as_str().to_owned()),
                traceparent: delivery.trace.map(|trace| trace.to_string()),
                attempt: delivery.attempt,
                ..Properties::default()
            },
            body,
        })
    }
}

/// The order, cart or sku that an event is about.
fn subject<'a>(entry: &'a JournalEntry, event: &'a Event) -> Option<&'a str> {
    match event {
        Event::StockLow { sku, .. } | Event::StockChanged { sku, .. } => Some(sku.as_str()),
        Event::CartCheckedOut { cart_id }
        | Event::CartReopened { cart_id }
        | Event::CartChanged { cart_id }
        | Event::CartExpired { cart_id } => Some(cart_id.as_str()),
        Event::Order { .. }
        | Event::PaymentRecorded { .. }
        | Event::RefundRequested { .. }
        | Event::CaptureRequested { .. }
        | Event::VoidRequested { .. }
        | Event::StockHeld { .. }
        | Event::StockCommitted
        | Event::StockReleased { .. }
        | Event::StockReturned { .. }
        | Event::NotificationRequested { .. }
        | Event::NotificationDelivered { .. }
        | Event::NotificationFailed { .. } => {
            entry.record.order.as_ref().map(orderly_domain::id::OrderId::as_str)
        }
        Event::CommandParked { parked_id, command_id, .. } => {
            parked_id.as_deref().or(command_id.as_ref().map(orderly_domain::id::CommandId::as_str))
        }
    }
}

/// A hash of the subject. The relay publishes events with the same key in order.
pub fn key(entry: &JournalEntry, event: &Event) -> u64 {
    use std::hash::{Hash, Hasher};
    // The hash is not stored, so it need only be stable within this process.
    let mut hasher = std::hash::DefaultHasher::new();
    subject(entry, event).hash(&mut hasher);
    hasher.finish()
}

/// The verdict on the command of a unit, for its producer. `original` is the unit of the first command with the identity of a
/// duplicate or a conflict.
pub fn verdict<'a>(
    entry: &'a JournalEntry,
    original: Option<&'a JournalEntry>,
) -> VerdictReply<'a> {
    let record = &entry.record;
    let (command_id, source, kind) = match &record.origin {
        Origin::Message { source, id, kind } => (
            id.as_ref().map_or("", |id| id.as_str()),
            source.as_ref().map_or("", |source| source.as_str()),
            kind.as_str(),
        ),
        Origin::Waited { source, id } => (id.as_str(), source.as_str(), "payment.callback"),
        Origin::HoldTimer
        | Origin::Notified(_)
        | Origin::Quarantine
        | Origin::Operator
        | Origin::Retention
        | Origin::Reminder
        | Origin::Upgrade
        | Origin::Restored
        | Origin::Dismissed => ("", "", ""),
    };
    VerdictReply {
        command_id,
        source,
        r#type: kind,
        verdict: record.verdict,
        reason: record.reason,
        detail: record.detail.as_ref(),
        order_id: record.order.as_ref().map(orderly_domain::id::OrderId::as_str),
        original: match record.verdict {
            Verdict::Duplicate | Verdict::Conflict => {
                original.map(|original| Box::new(verdict(original, None)))
            }
            _ => None,
        },
        ignored: record.ignored.as_ref(),
        events: record.types().into_iter().map(Type::as_str).collect(),
        at: entry.at,
    }
}

/// Encodes a verdict as a message to the queue `reply_to`.
pub fn reply(
    verdict: &VerdictReply<'_>,
    reply_to: &str,
    correlation_id: Option<&str>,
) -> Option<Message> {
    Some(Message {
        exchange: String::new(),
        routing_key: reply_to.to_owned(),
        properties: Properties {
            content_type: Some("application/json".to_owned()),
            correlation_id: correlation_id.map(str::to_owned),
            durability: Durability::Transient,
            ..Properties::default()
        },
        body: to_json(verdict)?,
    })
}

/// JSON of one of our own types. These have only texts as keys, so encoding does not fail.
fn to_json(value: &impl Serialize) -> Option<Bytes> {
    let mut bytes = Vec::with_capacity(1024);
    match serde_json::to_writer(&mut bytes, value) {
        Ok(()) => Some(bytes.into()),
        Err(error) => {
            tracing::error!(%error, "a message cannot be encoded");
            None
        }
    }
}
