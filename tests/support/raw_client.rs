//! A client of the broker that uses lapin alone, to observe our driver from outside; and helpers for a link.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::rabbit::{namespace, shared_url};
use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame, ProtocolVersion, gen_frame},
    protocol::{AMQPClass, basic, channel, connection},
};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions,
        ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions,
        QueueDeleteOptions,
    },
    types::FieldTable,
};
use orderly_broker::{
    Ack, Delivery, Intake, Link, Message, Names, Phase, Properties, Reach, Serves, Settings,
    TopologyMode,
    rabbit::{Claim, Error, Owner},
};

/// Longer than any step takes that succeeds.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// Settings for a test of its own.
pub(crate) fn settings(url: &str, namespace: &str) -> Settings {
    Settings {
        urls: vec![url.to_owned()],
        heartbeat: Settings::HEARTBEAT,
        ca_file: None,
        names: Names::new(namespace),
        serves: Serves::Namespace,
        prefetch: 100,
        retry_delays: vec![Duration::from_millis(300), Duration::from_secs(5)],
        delivery_limit: 1000,
        topology: TopologyMode::Declare,
    }
}

/// Claims the namespace, waiting for it up to `owner_wait`.
pub(crate) async fn acquire_owner(
    settings: Settings,
    owner_wait: Duration,
) -> Result<Owner, Error> {
    Claim::new(settings)?.acquire(owner_wait).await
}

/// Claims the namespace and starts the driver.
pub(crate) async fn link(settings: &Settings) -> Link {
    acquire_owner(settings.clone(), TIMEOUT).await.expect("the namespace is free").link()
}

/// A driver of a new namespace, connected to the shared broker, beside a client of the test's own.
pub(crate) struct Connected {
    pub(crate) link: Link,
    pub(crate) names: Names,
    pub(crate) raw: RawClient,
}

/// Starts the driver for a test of that name, and returns when it consumes the empty queue of commands.
pub(crate) async fn connected(test: &str) -> Connected {
    let url = shared_url();
    let settings = settings(&url, &namespace(test));
    let mut link = link(&settings).await;
    assert_eq!(up(&mut link).await, (1, 0));
    Connected { link, names: settings.names, raw: RawClient::new(&url).await }
}

pub(crate) async fn next_intake(link: &mut Link) -> Intake {
    tokio::time::timeout(TIMEOUT, link.intake.recv())
        .await
        .expect("an intake in time")
        .expect("the driver lives")
}

/// Waits for the next [`Intake::Up`], which nothing but a `Down` may precede.
pub(crate) async fn up(link: &mut Link) -> (u64, u64) {
    loop {
        match next_intake(link).await {
            Intake::Up { generation, queued } => return (generation, queued),
            Intake::Down { .. } => {}
            other => panic!("up expected, got {other:?}"),
        }
    }
}

/// Collects `count` deliveries of the current generation.
pub(crate) async fn deliveries(link: &mut Link, count: usize) -> Vec<Delivery> {
    let mut all = Vec::new();
    while all.len() < count {
        match next_intake(link).await {
            Intake::Batch(batch) => all.extend(batch),
            other => panic!("a batch expected, got {other:?}"),
        }
    }
    assert_eq!(all.len(), count);
    all
}

pub(crate) async fn phase(link: &mut Link, wanted: impl Fn(&Phase) -> bool) -> Phase {
    let reached = link.status.wait_for(|status| wanted(&status.phase));
    let status = tokio::time::timeout(TIMEOUT, reached).await;
    status.expect("the phase in time").expect("the driver lives").phase.clone()
}

pub(crate) fn id(message: &Message) -> &str {
    message.properties.message_id.as_deref().unwrap_or_default()
}

pub(crate) fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| id(&delivery.message)).collect()
}

/// A message with an id, to `exchange` under `key`.
pub(crate) fn message(exchange: &str, key: &str, id: &str) -> Message {
    Message {
        exchange: exchange.to_owned(),
        routing_key: key.to_owned(),
        properties: Properties { message_id: Some(id.to_owned()), ..Properties::default() },
        body: "{}".into(),
    }
}

pub(crate) fn one(generation: u64, tag: u64) -> Ack {
    Ack { generation, tag, reach: Reach::One }
}

pub(crate) fn up_to(generation: u64, tag: u64) -> Ack {
    Ack { reach: Reach::UpTo, ..one(generation, tag) }
}

pub(crate) struct RawClient {
    pub(crate) connection: Connection,
}

impl RawClient {
    pub(crate) async fn new(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .expect("the broker is there");
        Self { connection }
    }

    pub(crate) async fn channel(&self) -> Channel {
        self.connection.create_channel().await.expect("a channel")
    }

    /// Publishes commands `ids`, with confirms.
    pub(crate) async fn commands(&self, names: &Names, ids: impl IntoIterator<Item = String>) {
        let channel = self.channel().await;
        let confirms = ConfirmSelectOptions::default();
        channel.confirm_select(confirms).await.expect("confirms");
        let mut pending = Vec::new();
        for id in ids {
            let properties =
                BasicProperties::default().with_delivery_mode(2).with_message_id(id.into());
            let confirm = channel
                .basic_publish(
                    names.commands.as_str().into(),
                    "order.place".into(),
                    BasicPublishOptions::default(),
                    b"{}",
                    properties,
                )
                .await
                .expect("published");
            pending.push(confirm);
        }
        for confirm in pending {
            assert!(confirm.await.expect("a confirm").is_ack());
        }
    }

    /// A durable queue bound to `exchange` under `pattern`; none for the default exchange.
    pub(crate) async fn queue(&self, queue: &str, exchange: &str, pattern: &str) {
        let channel = self.channel().await;
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(queue.into(), options, FieldTable::default());
        declared.await.expect("declared");
        if !exchange.is_empty() {
            let options = QueueBindOptions::default();
            let arguments = FieldTable::default();
            let bound = channel.queue_bind(
                queue.into(),
                exchange.into(),
                pattern.into(),
                options,
                arguments,
            );
            bound.await.expect("bound");
        }
    }

    /// The error of declaring `queue` with these arguments, if any.
    pub(crate) async fn declare(
        &self,
        queue: &str,
        passive: bool,
        arguments: FieldTable,
    ) -> Result<u32, lapin::Error> {
        let channel = self.channel().await;
        let options =
            QueueDeclareOptions { passive, durable: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(queue.into(), options, arguments).await;
        declared.map(|queue| queue.message_count())
    }

    pub(crate) async fn declare_exchange(
        &self,
        exchange: &str,
        kind: ExchangeKind,
        passive: bool,
    ) -> Result<(), lapin::Error> {
        let channel = self.channel().await;
        let options =
            ExchangeDeclareOptions { passive, durable: true, ..ExchangeDeclareOptions::default() };
        channel.exchange_declare(exchange.into(), kind, options, FieldTable::default()).await
    }

    pub(crate) async fn delete_queue(&self, queue: &str) {
        let channel = self.channel().await;
        let deleted = channel.queue_delete(queue.into(), QueueDeleteOptions::default());
        deleted.await.expect("deleted");
    }

    pub(crate) async fn delete_exchange(&self, exchange: &str) {
        let channel = self.channel().await;
        let deleted = channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default());
        deleted.await.expect("deleted");
    }

    /// Messages ready in `queue`.
    pub(crate) async fn depth(&self, queue: &str) -> u32 {
        let depth = self.declare(queue, true, FieldTable::default()).await;
        depth.expect("the queue exists")
    }

    /// Waits until `queue` has `count` messages ready.
    pub(crate) async fn wait_for_depth(&self, queue: &str, count: u32) {
        let reached = async {
            while self.depth(queue).await != count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let reached = tokio::time::timeout(TIMEOUT, reached).await;
        let depth = self.depth(queue).await;
        assert!(reached.is_ok(), "{queue} has {depth} messages, not {count}");
    }

    /// Takes messages from `queue` until `enough` says so; their keys, ids and properties.
    pub(crate) async fn take(
        &self,
        queue: &str,
        mut enough: impl FnMut(&[Taken]) -> bool,
    ) -> Vec<Taken> {
        let channel = self.channel().await;
        let options = BasicConsumeOptions::default();
        let arguments = FieldTable::default();
        let consumer = channel.basic_consume(queue.into(), "".into(), options, arguments);
        let mut consumer = consumer.await.expect("a consumer");
        let mut taken = Vec::new();
        while !enough(&taken) {
            let delivery = tokio::time::timeout(TIMEOUT, consumer.next())
                .await
                .unwrap_or_else(|_| panic!("only {} messages in {queue}", taken.len()))
                .expect("a live consumer")
                .expect("a delivery");
            delivery.ack(BasicAckOptions::default()).await.expect("acked");
            let id = delivery.properties.message_id().clone();
            taken.push(Taken {
                key: delivery.routing_key.into(),
                id: id.map(String::from).unwrap_or_default(),
                properties: delivery.properties,
            });
        }
        channel.close(200, "".into()).await.expect("closed");
        taken
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) properties: BasicProperties,
}

/// Publishes a command whose `message_id` is not UTF-8. lapin cannot do that, so this writes the frames itself.
pub(crate) fn publish_unreadable(url: &str, names: &Names, body: &[u8]) {
    const READABLE: &str = "message-id";
    let port = url
        .rsplit_once("127.0.0.1:")
        .and_then(|(_, rest)| rest.split('/').next()?.parse::<u16>().ok())
        .expect("a broker on this machine");
    let at_connection = |method| AMQPFrame::Method(0, AMQPClass::Connection(method));
    let at_channel = |method| AMQPFrame::Method(1, AMQPClass::Channel(method));
    let publish = basic::Publish {
        exchange: names.commands.as_str().into(),
        routing_key: "order.place".into(),
        mandatory: false,
        immediate: false,
    };
    let header = AMQPContentHeader {
        class_id: publish.get_amqp_class_id(),
        body_size: body.len() as u64,
        properties: basic::AMQPProperties::default()
            .with_delivery_mode(2)
            .with_message_id(READABLE.into()),
    };
    let frames = [
        AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1()),
        at_connection(connection::AMQPMethod::StartOk(connection::StartOk {
            client_properties: FieldTable::default(),
            mechanism: "PLAIN".into(),
            response: "\0guest\0guest".into(),
            locale: "en_US".into(),
        })),
        at_connection(connection::AMQPMethod::TuneOk(connection::TuneOk {
            channel_max: 10,
            frame_max: 131_072,
            heartbeat: 0,
        })),
        at_connection(connection::AMQPMethod::Open(connection::Open { virtual_host: "/".into() })),
        at_channel(channel::AMQPMethod::Open(channel::Open {})),
        AMQPFrame::Method(1, AMQPClass::Basic(basic::AMQPMethod::Publish(publish))),
        AMQPFrame::Header(1, header),
        AMQPFrame::Body(1, body.to_vec()),
        at_channel(channel::AMQPMethod::Close(channel::Close {
            reply_code: 200,
            reply_text: "".into(),
            class_id: 0,
            method_id: 0,
        })),
    ];
    let mut output = Vec::new();
    for frame in &frames {
        let written = gen_frame(frame)(output.into()).expect("a frame");
        output = written.into_inner().0;
    }
    let at = output
        .windows(READABLE.len())
        .position(|window| window == READABLE.as_bytes())
        .expect("the id is in there");
    output[at] = 0xff;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the broker is there");
    stream.write_all(&output).expect("sent");
    let mut answers = Vec::new();
    let close_ok = [0, 20, 0, 41];
    while !answers.windows(close_ok.len()).any(|window| window == close_ok) {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).expect("answers");
        assert!(count > 0, "the broker hung up");
        answers.extend_from_slice(&chunk[..count]);
    }
}
