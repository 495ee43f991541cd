//! The spans of what a command sends: events and notifications.

use super::Tracer;
use super::span::{Interval, Kind, Span};
use orderly_broker::Message;
use orderly_domain::event::Type;
use orderly_domain::notification::{Channel, Sent};
use orderly_domain::trace::TraceParent;
use orderly_store::Seq;
use std::time::Duration;

/// An event that was published. Its own trace context names its sequence as the parent of what subscribers do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SentEvent {
    pub(crate) trace: TraceParent,
    pub(crate) seq: Seq,
    pub(crate) kind: Type,
}

/// A traced attempt to deliver a notification.
#[derive(Debug)]
pub(crate) struct Attempt {
    context: TraceParent,
    id: u64,
    message_id: Option<String>,
    routing_key: String,
    size: usize,
    number: u32,
    /// When it was handed to its channel.
    began: Duration,
}

impl Tracer {
    /// The context of a unit, if it is traced.
    pub(crate) fn sampled(&self, trace: Option<TraceParent>) -> Option<TraceParent> {
        self.0.as_ref()?;
        trace.filter(|trace| trace.is_sampled())
    }

    /// The broker has confirmed events that were published together. `id` gives the id of an event.
    pub(crate) fn published(
        &self,
        events: impl Iterator<Item = SentEvent>,
        interval: Interval,
        id: impl Fn(Seq) -> String,
    ) {
        let Some(shared) = self.0.as_deref() else { return };
        let exchange = &shared.names.events;
        for SentEvent { trace, seq, kind } in events {
            let name = format!("send {exchange}");
            let span = (Kind::Producer, name);
            let mut span =
                Span::under(trace, trace.child(seq.0).parent_id(), span, interval, shared.now());
            send(&mut span, exchange, kind.as_str());
            span.text("messaging.message.id", id(seq));
            shared.add(span);
        }
    }

    /// A notification is handed to its channel: if it is traced, the attempt becomes the parent of what the receiver does.
    pub(crate) fn attempt(
        &self,
        trace: Option<TraceParent>,
        message: &mut Message,
        began: Duration,
    ) -> Option<Box<Attempt>> {
        let shared = self.0.as_deref()?;
        let context = self.sampled(trace)?;
        let id = shared.ids.next();
        message.properties.traceparent = Some(context.child(id).to_string());
        Some(Box::new(Attempt {
            context,
            id,
            message_id: message.properties.message_id.clone(),
            routing_key: message.routing_key.clone(),
            size: message.body.len(),
            number: message.properties.attempt,
            began,
        }))
    }

    /// An attempt to deliver a notification has ended `now`.
    pub(crate) fn attempted(
        &self,
        attempt: &Attempt,
        channel: Channel,
        (sent, problem): (Sent, Option<&str>),
        now: Duration,
    ) {
        let Some(shared) = self.0.as_deref() else { return };
        let exchange = &shared.names.notifications;
        let span = match channel {
            Channel::Amqp => (Kind::Producer, format!("send {exchange}")),
            Channel::Webhook => (Kind::Client, "POST".to_owned()),
        };
        let interval = Interval::between(attempt.began, now, now);
        let mut span = Span::under(attempt.context, attempt.id, span, interval, shared.now());
        match channel {
            Channel::Amqp => send(&mut span, exchange, &attempt.routing_key),
            Channel::Webhook => span.text("http.request.method", "POST"),
        }
        if let Some(id) = &attempt.message_id {
            span.text("messaging.message.id", id.clone());
        }
        span.number("messaging.message.body.size", attempt.size as u64);
        span.text("orderly.notification.kind", attempt.routing_key.clone());
        span.text("orderly.notification.channel", channel.as_str());
        span.number("orderly.notification.attempt", u64::from(attempt.number));
        span.error = match sent {
            Sent::Delivered => None,
            Sent::Failed { why, .. } | Sent::Refused { why } | Sent::GivenUp { why } => {
                Some(problem.map_or_else(|| why.to_string(), str::to_owned))
            }
        };
        shared.add(span);
    }
}

/// What the conventions ask of a span that sends a message through `RabbitMQ`.
fn send(span: &mut Span, exchange: &str, routing_key: &str) {
    span.text("messaging.system", "rabbitmq");
    span.text("messaging.operation.name", "send");
    span.text("messaging.operation.type", "send");
    span.text("messaging.destination.name", exchange.to_owned());
    span.text("messaging.rabbitmq.destination.routing_key", routing_key.to_owned());
}
