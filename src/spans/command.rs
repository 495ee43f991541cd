//! The spans of a command: on its way through the intake, the actors and the store.

use super::span::{Interval, Kind, Span};
use super::{Shared, Tracer};
use crate::metrics::labels::CommandType;
use orderly_actors::journal_entry::JournalEntry;
use orderly_broker::Delivery;
use orderly_domain::record::Origin;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Reason, Verdict};
use std::time::Duration;

/// A traced command, until its unit is durable.
#[derive(Debug, Clone)]
pub(crate) struct CommandTrace {
    /// The span of the producer, if there is one: 0 if not.
    producer: u64,
    /// The trace, with the span of the command as the parent of what follows.
    context: TraceParent,
    message_id: Option<String>,
    routing_key: String,
    size: usize,
    deliveries: u32,
    /// When the broker delivered it, when the actors began, and when they had decided.
    received: Duration,
    began: Duration,
    decided: Duration,
}

impl Tracer {
    /// A message was delivered: `trace` is what it names. If it is traced, the command becomes the parent of what follows.
    pub(crate) fn delivered(
        &self,
        trace: &mut Option<TraceParent>,
        delivery: &Delivery,
    ) -> Option<Box<CommandTrace>> {
        let shared = self.0.as_deref()?;
        let (producer, context) = match *trace {
            Some(named) if named.is_sampled() => (named.parent_id(), named),
            Some(_) => return None,
            None => (0, shared.begin()?),
        };
        let context = context.child(shared.ids.next());
        *trace = Some(context);
        let message = &delivery.message;
        Some(Box::new(CommandTrace {
            producer,
            context,
            message_id: message.properties.message_id.clone(),
            routing_key: message.routing_key.clone(),
            size: message.body.len(),
            deliveries: message.properties.delivery_count,
            received: Duration::ZERO,
            began: Duration::ZERO,
            decided: Duration::ZERO,
        }))
    }

    /// The unit of a command is durable `now`.
    pub(crate) fn durable(&self, command: &CommandTrace, entry: &JournalEntry, now: Duration) {
        let Some(shared) = self.0.as_deref() else { return };
        let record = &entry.record;
        let kind = match &record.origin {
            Origin::Message { kind, .. } => CommandType::from(kind),
            _ => CommandType::Internal,
        };
        let mut process = command.process(shared, now);
        process.text("orderly.command.type", kind.as_str());
        process.text("orderly.verdict", record.verdict.as_str());
        if let Some(reason) = record.reason.map(Reason::as_str) {
            process.text("orderly.reason", reason);
        }
        if let Some(order) = &record.order {
            process.text("orderly.order_id", order.as_str().to_owned());
        }
        process.number("orderly.sequence", entry.seq.0);
        if record.verdict == Verdict::Failed {
            process.error = Some("the command failed, and is parked".to_owned());
        }
        shared.add(process);
        shared.add(command.decide(shared, kind, now));
        let commit = Interval::between(command.decided, now, now);
        shared.add(command.inner(shared, "commit".to_owned(), commit));
    }

    /// The command failed, and will be tried again.
    pub(crate) fn failed(
        &self,
        command: &CommandTrace,
        kind: CommandType,
        problem: &str,
        now: Duration,
    ) {
        let Some(shared) = self.0.as_deref() else { return };
        let mut process = command.process(shared, now);
        process.text("orderly.command.type", kind.as_str());
        process.error = Some(problem.to_owned());
        shared.add(process);
        shared.add(command.decide(shared, kind, now));
    }
}

impl CommandTrace {
    /// Notes when the broker delivered the message, when the actors began, and when they had decided.
    pub(crate) fn went(&mut self, received: Duration, began: Duration, decided: Duration) {
        (self.received, self.began, self.decided) = (received, began, decided);
    }

    /// The span of the whole command.
    fn process(&self, shared: &Shared, now: Duration) -> Span {
        let queue = &shared.names.queue;
        let interval = Interval::between(self.received, now, now);
        let parent = self.context.with_parent(self.producer);
        let name = format!("process {queue}");
        let id = self.context.parent_id();
        let mut span = Span::under(parent, id, (Kind::Consumer, name), interval, shared.now());
        span.text("messaging.system", "rabbitmq");
        span.text("messaging.operation.name", "process");
        span.text("messaging.operation.type", "process");
        span.text("messaging.destination.name", queue.clone());
        span.text("messaging.rabbitmq.destination.routing_key", self.routing_key.clone());
        if let Some(id) = &self.message_id {
            span.text("messaging.message.id", id.clone());
        }
        span.number("messaging.message.body.size", self.size as u64);
        if self.deliveries > 0 {
            span.number("orderly.delivered_before", u64::from(self.deliveries));
        }
        span
    }

    fn decide(&self, shared: &Shared, kind: CommandType, now: Duration) -> Span {
        let interval = Interval::between(self.began, self.decided, now);
        self.inner(shared, format!("decide {}", kind.as_str()), interval)
    }

    fn inner(&self, shared: &Shared, name: String, interval: Interval) -> Span {
        let id = shared.ids.next();
        Span::under(self.context, id, (Kind::Internal, name), interval, shared.now())
    }
}
