//! The spans of a command, of its events, and of its notifications.

use super::*;
use crate::metrics::labels::CommandType;
use crate::spans::span::Attribute;
use orderly_actors::journal_entry::JournalEntry;
use orderly_domain::command::Kind as Command;
use orderly_domain::event::Type;
use orderly_domain::id::OrderId;
use orderly_domain::notification::{Channel, Failure, Sent};
use orderly_domain::record::{CommandName, Origin, UnitRecord};
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::Seq;

const fn second(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn taken(items: &mut mpsc::Receiver<Item>) -> Vec<Span> {
    std::iter::from_fn(|| match items.try_recv() {
        Ok(Item::Span(span)) => Some(*span),
        Ok(Item::Flush(_)) | Err(_) => None,
    })
    .collect()
}

/// A line for each attribute.
fn attributes(span: &Span) -> Vec<String> {
    let text = |(key, value): &(&str, Attribute)| match value {
        Attribute::Text(text) => format!("{key}={text}"),
        Attribute::Number(number) => format!("{key}={number}"),
    };
    span.attributes.iter().map(text).collect()
}

fn took(span: &Span) -> Duration {
    span.ended.since(span.began)
}

fn entry(verdict: Verdict, reason: Reason) -> JournalEntry {
    let record = UnitRecord {
        origin: Origin::Message {
            source: None,
            id: None,
            kind: CommandName::from(Command::OrderPlace),
        },
        trace: None,
        order: OrderId::new("o-1").ok(),
        verdict,
        reason: Some(reason),
        detail: None,
        original: None,
        events: Vec::new(),
        ignored: None,
        operator: None,
        parked: None,
    };
    JournalEntry {
        seq: Seq(7),
        next: Seq(8),
        at: Timestamp::EPOCH,
        record,
        order: None,
        details: None,
        carts: Vec::new(),
        reservation: None,
    }
}

/// A command that was delivered in the second second, and decided from the third to the fifth.
fn command(tracer: &Tracer, deliveries: u32) -> (TraceParent, Box<CommandTrace>) {
    let mut delivery = delivery();
    delivery.message.properties.message_id = Some("m-1".to_owned());
    delivery.message.properties.delivery_count = deliveries;
    let mut context = Some(named(NAMED));
    let mut command = tracer.delivered(&mut context, &delivery).expect("it is traced");
    command.went(second(1), second(2), second(4));
    (context.expect("it goes on"), command)
}

#[test]
fn the_spans_of_a_command_show_its_way() {
    let (tracer, mut items) = tracer(0);
    let (context, command) = command(&tracer, 2);
    tracer.durable(&command, &entry(Verdict::Rejected, Reason::OutOfStock), second(7));
    let [process, decide, commit] = &taken(&mut items)[..] else { panic!("not three") };
    assert_eq!((process.id, process.parent), (context.parent_id(), named(NAMED).parent_id()));
    assert_eq!((process.kind, process.name.as_ref()), (Kind::Consumer, "process shop.commands"));
    for (span, name) in [(decide, "decide order.place"), (commit, "commit")] {
        assert_eq!(
            (span.parent, span.kind, span.name.as_ref()),
            (process.id, Kind::Internal, name)
        );
        assert_ne!(span.id, process.id);
        assert_eq!(attributes(span), Vec::<String>::new());
    }
    for span in [process, decide, commit] {
        assert_eq!((span.trace, &span.error), (named(NAMED).trace_id(), &None));
    }
    assert_eq!([process, decide, commit].map(took), [second(6), second(2), second(3)]);
    let wanted = [
        "messaging.system=rabbitmq",
        "messaging.operation.name=process",
        "messaging.operation.type=process",
        "messaging.destination.name=shop.commands",
        "messaging.rabbitmq.destination.routing_key=order.place",
        "messaging.message.id=m-1",
        "messaging.message.body.size=2",
        "orderly.delivered_before=2",
        "orderly.command.type=order.place",
        "orderly.verdict=rejected",
        "orderly.reason=out_of_stock",
        "orderly.order_id=o-1",
        "orderly.sequence=7",
    ];
    assert_eq!(attributes(process), wanted);
}

#[test]
fn a_command_that_fails_has_an_error_at_each_attempt_and_when_it_is_parked() {
    let (tracer, mut items) = tracer(0);
    let (_, command) = command(&tracer, 0);
    let kind = CommandType::Known(Command::OrderPlace);
    tracer.failed(&command, kind, "it panicked", second(7));
    let [process, decide] = &taken(&mut items)[..] else { panic!("not two") };
    assert_eq!(process.error.as_deref(), Some("it panicked"));
    assert!(attributes(process).contains(&"orderly.command.type=order.place".to_owned()));
    assert!(!attributes(process).iter().any(|one| one.contains("delivered_before")));
    assert_eq!((decide.parent, &decide.error), (process.id, &None));
    tracer.durable(&command, &entry(Verdict::Failed, Reason::Failed), second(7));
    assert_eq!(taken(&mut items)[0].error.as_deref(), Some("the command failed, and is parked"));
}

#[test]
fn an_event_has_the_span_that_its_own_context_names() {
    let (tracer, mut items) = tracer(0);
    let unsampled = named(&NAMED.replace("-01", "-00"));
    assert_eq!(tracer.sampled(Some(named(NAMED))), Some(named(NAMED)));
    assert_eq!(tracer.sampled(Some(unsampled)), None);
    assert_eq!(Tracer::off().sampled(Some(named(NAMED))), None);
    let event = |seq, kind| SentEvent { trace: named(NAMED), seq: Seq(seq), kind };
    let events = [event(9, Type::OrderPaid), event(10, Type::StockCommitted)];
    let interval = Interval::between(second(1), second(3), second(9));
    tracer.published(events.into_iter(), interval, |seq| format!("e-{}", seq.0));
    let [first, last] = &taken(&mut items)[..] else { panic!("not two") };
    for (span, seq) in [(first, 9), (last, 10)] {
        assert_eq!((span.kind, span.name.as_ref()), (Kind::Producer, "send shop.events"));
        assert_eq!((span.id, span.parent), (seq, named(NAMED).parent_id()));
        assert_eq!(took(span), second(2));
    }
    let wanted = [
        "messaging.system=rabbitmq",
        "messaging.operation.name=send",
        "messaging.operation.type=send",
        "messaging.destination.name=shop.events",
        "messaging.rabbitmq.destination.routing_key=order.paid",
        "messaging.message.id=e-9",
    ];
    assert_eq!(attributes(first), wanted);
}

#[test]
fn an_attempt_to_notify_has_a_span_that_the_receiver_goes_on_with() {
    let (tracer, mut items) = tracer(0);
    let mut message = delivery().message;
    message.routing_key = "order_confirmed".to_owned();
    message.properties.message_id = Some("n-0-1".to_owned());
    message.properties.attempt = 3;
    let before = message.properties.clone();
    assert!(tracer.attempt(None, &mut message, second(1)).is_none());
    assert_eq!(message.properties, before, "without a trace nothing changes");

    let attempt = tracer.attempt(Some(named(NAMED)), &mut message, second(1)).expect("is traced");
    let told = message.properties.traceparent.as_deref().expect("a trace");
    tracer.attempted(&attempt, Channel::Webhook, (Sent::Delivered, None), second(5));
    let why = Failure::Timeout;
    let failed = Sent::Failed { why, retry_after: None };
    tracer.attempted(&attempt, Channel::Amqp, (failed, Some("the port is closed")), second(5));
    tracer.attempted(&attempt, Channel::Amqp, (Sent::Refused { why }, None), second(5));
    let [webhook, amqp, refused] = &taken(&mut items)[..] else { panic!("not three") };
    assert_eq!(named(told), named(NAMED).child(webhook.id));
    assert_eq!((webhook.parent, took(webhook)), (named(NAMED).parent_id(), second(4)));
    assert_eq!((webhook.kind, webhook.name.as_ref()), (Kind::Client, "POST"));
    assert_eq!((amqp.kind, amqp.name.as_ref()), (Kind::Producer, "send shop.notifications"));
    assert_eq!(webhook.error, None);
    assert_eq!(amqp.error.as_deref(), Some("the port is closed"));
    assert_eq!(refused.error.as_deref(), Some("no answer in time"));
    let of_both = |channel: &str| {
        [
            "messaging.message.id=n-0-1",
            "messaging.message.body.size=2",
            "orderly.notification.kind=order_confirmed",
            &format!("orderly.notification.channel={channel}"),
            "orderly.notification.attempt=3",
        ]
        .map(str::to_owned)
    };
    assert_eq!(attributes(webhook)[0], "http.request.method=POST");
    assert_eq!(attributes(webhook)[1..], of_both("webhook"));
    assert_eq!(attributes(amqp)[3], "messaging.destination.name=shop.notifications");
    assert_eq!(attributes(amqp)[5..], of_both("amqp"));
}
