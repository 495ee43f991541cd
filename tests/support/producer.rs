//! A producer and a subscriber, through lapin alone.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions,
    ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use orderly_actors::simulation::commands;
use serde_json::Value;
use std::io::Write as _;
use std::time::Duration;

pub(crate) struct Producer {
    connection: Connection,
    channel: Channel,
    namespace: String,
}

/// A message taken from a queue.
pub(crate) struct Got {
    pub(crate) id: String,
    pub(crate) routing_key: String,
    pub(crate) body: Value,
    pub(crate) correlation_id: Option<String>,
    pub(crate) traceparent: Option<String>,
}

impl Producer {
    pub(crate) async fn new(url: &str, namespace: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .expect("the broker is there");
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        Self { connection, channel, namespace: namespace.to_owned() }
    }

    /// Declares a durable quorum queue, bound to an exchange of the namespace.
    pub(crate) async fn bind(&self, exchange: &str, key: &str) -> String {
        self.bind_of_type("quorum", exchange, key).await
    }

    /// The same as a classic queue, which is always there again after its node was killed. `RabbitMQ` 3.10 sometimes
    /// elects no leader for a quorum queue without consumers then.
    pub(crate) async fn bind_classic(&self, exchange: &str, key: &str) -> String {
        self.bind_of_type("classic", exchange, key).await
    }

    /// Declares a queue that rejects what comes when it has `limit` messages, bound to an exchange of the namespace.
    pub(crate) async fn bind_limited(&self, exchange: &str, key: &str, limit: i32) -> String {
        let queue = format!("{}.test.{exchange}.{key}.{limit}", self.namespace);
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(limit));
        arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        self.declare_and_bind(queue, arguments, exchange, key).await
    }

    /// Declares a durable quorum queue of this name, bound to an exchange of the namespace.
    pub(crate) async fn bind_as(&self, queue: &str, exchange: &str, key: &str) -> String {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        self.declare_and_bind(queue.to_owned(), arguments, exchange, key).await
    }

    async fn bind_of_type(&self, kind: &str, exchange: &str, key: &str) -> String {
        let queue = format!("{}.test.{exchange}.{key}", self.namespace);
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        self.declare_and_bind(queue, arguments, exchange, key).await
    }

    /// Declares a durable queue.
    pub(crate) async fn declare(&self, queue: &str, arguments: FieldTable) {
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let declared = self.channel.queue_declare(queue.into(), durable, arguments);
        declared.await.expect("a queue");
    }

    async fn declare_and_bind(
        &self,
        queue: String,
        arguments: FieldTable,
        exchange: &str,
        key: &str,
    ) -> String {
        self.declare(&queue, arguments).await;
        let exchange = format!("{}.{exchange}", self.namespace);
        self.channel
            .queue_bind(
                queue.as_str().into(),
                exchange.into(),
                key.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .expect("it is bound");
        queue
    }

    /// Declares a queue for replies.
    pub(crate) async fn reply_queue(&self) -> String {
        self.reply_queue_as(&format!("{}.replies", self.namespace)).await
    }

    /// Declares a queue of this name for replies, which goes with the connection.
    pub(crate) async fn reply_queue_as(&self, queue: &str) -> String {
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let declared = self.channel.queue_declare(queue.into(), exclusive, FieldTable::default());
        declared.await.expect("a queue");
        queue.to_owned()
    }

    /// Whether the broker refuses this user to read a queue.
    pub(crate) async fn may_not_read(&self, queue: &str) -> bool {
        let channel = self.connection.create_channel().await.expect("a channel");
        let read = channel.basic_get(queue.into(), BasicGetOptions::default()).await;
        read.is_err_and(|error| error.to_string().contains("ACCESS_REFUSED"))
    }

    pub(crate) async fn publish(&self, commands: &[Sent]) {
        let mut confirms = Vec::with_capacity(commands.len());
        for command in commands {
            let confirm = self
                .channel
                .basic_publish(
                    format!("{}.commands", self.namespace).into(),
                    command.kind.as_str().into(),
                    BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() },
                    &command.body,
                    command.properties.clone(),
                )
                .await
                .expect("it is published");
            confirms.push(confirm);
        }
        for confirm in confirms {
            assert!(confirm.await.expect("a confirm").is_ack());
        }
    }

    /// Publishes an event, as the processor does after it was interrupted.
    pub(crate) async fn publish_event(&self, kind: &str, event: &Value) {
        let exchange = format!("{}.events", self.namespace);
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let body = event.to_string().into_bytes();
        let publishing =
            self.channel.basic_publish(exchange.into(), kind.into(), options, &body, properties);
        assert!(publishing.await.expect("it is published").await.expect("a confirm").is_ack());
    }

    /// Takes the next message of a queue, waiting for it.
    pub(crate) async fn take(&self, queue: &str) -> Got {
        for _ in 0..3000 {
            if let Some(got) = self.try_take(queue).await {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nothing came to {queue} in time");
    }

    /// Takes all messages of a queue, until none came for a second.
    pub(crate) async fn drain(&self, queue: &str) -> Vec<Got> {
        let no_ack = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let mut consumer = self
            .channel
            .basic_consume(queue.into(), "drain".into(), no_ack, FieldTable::default())
            .await
            .expect("the queue is there");
        let mut all = Vec::new();
        let quiet = Duration::from_secs(1);
        while let Ok(Some(delivery)) = tokio::time::timeout(quiet, consumer.next()).await {
            all.push(got(&delivery.expect("a delivery")));
        }
        self.channel
            .basic_cancel("drain".into(), BasicCancelOptions::default())
            .await
            .expect("it is cancelled");
        // Messages that came between the last delivery and the cancel.
        while let Some(Ok(delivery)) = consumer.next().await {
            all.push(got(&delivery));
        }
        all
    }

    /// Takes the messages that are in a queue now.
    pub(crate) async fn take_ready(&self, queue: &str) -> Vec<Got> {
        let mut all = Vec::new();
        while let Some(got) = self.try_take(queue).await {
            all.push(got);
        }
        all
    }

    /// Takes the next message of a queue, if there is one.
    pub(crate) async fn try_take(&self, queue: &str) -> Option<Got> {
        let got = self
            .channel
            .basic_get(queue.into(), BasicGetOptions::default())
            .await
            .expect("the queue is there")?;
        got.delivery.acker.ack(BasicAckOptions::default()).await.expect("it is acked");
        Some(self::got(&got.delivery))
    }

    /// Deletes a queue.
    pub(crate) async fn delete(&self, queue: &str) {
        self.channel
            .queue_delete(queue.into(), QueueDeleteOptions::default())
            .await
            .expect("it is deleted");
    }

    /// The number of messages that are ready in a queue.
    pub(crate) async fn depth(&self, queue: &str) -> u32 {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        self.channel
            .queue_declare(queue.into(), passive, FieldTable::default())
            .await
            .expect("the queue is there")
            .message_count()
    }
}

fn got(delivery: &Delivery) -> Got {
    let properties = &delivery.properties;
    let id = properties.message_id().as_ref().map(|id| id.as_str().to_owned());
    let headers = properties.headers().as_ref().map(FieldTable::inner);
    let trace = headers.and_then(|headers| headers.get("traceparent"));
    Got {
        id: id.unwrap_or_default(),
        correlation_id: properties.correlation_id().as_ref().map(|id| id.as_str().to_owned()),
        traceparent: trace.map(|trace| match trace {
            AMQPValue::LongString(text) => text.to_string(),
            other => panic!("{other:?}"),
        }),
        routing_key: delivery.routing_key.as_str().to_owned(),
        body: serde_json::from_slice(&delivery.data).expect("JSON"),
    }
}

/// A command to publish.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) kind: String,
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn new(kind: &str, id: &str, data: &Value) -> Self {
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_type(kind.into())
            .with_message_id(id.into())
            .with_app_id("test".into())
            .with_delivery_mode(2);
        Self { kind: kind.to_owned(), properties, body: data.to_string().into_bytes() }
    }

    /// With a body that may be anything.
    pub(crate) fn raw(kind: &str, id: &str, body: Vec<u8>) -> Self {
        Self { body, ..Self::new(kind, id, &Value::Null) }
    }

    /// Belongs to a trace.
    pub(crate) fn traced(mut self, traceparent: &str) -> Self {
        let mut headers = FieldTable::default();
        headers.insert("traceparent".into(), AMQPValue::LongString(traceparent.into()));
        self.properties = self.properties.with_headers(headers);
        self
    }

    /// The same with a compressed body.
    pub(crate) fn gzipped(mut self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.body).expect("memory takes it");
        self.body = encoder.finish().expect("memory takes it");
        self.properties = self.properties.with_content_encoding("gzip".into());
        self
    }

    /// Is not to be carried out later than this, in seconds since 1970.
    pub(crate) fn with_deadline(mut self, deadline: i64) -> Self {
        let mut headers = FieldTable::default();
        headers.insert("deadline".into(), AMQPValue::LongLongInt(deadline));
        self.properties = self.properties.with_headers(headers);
        self
    }

    /// Asks for the verdict as a reply.
    pub(crate) fn replying(mut self, queue: &str) -> Self {
        self.properties = self.properties.with_reply_to(queue.into());
        self
    }
}

pub(crate) fn stock(sku: &str, on_hand: u64) -> Sent {
    Sent::new("stock.set", &format!("stock-{sku}"), &commands::stock(sku, on_hand))
}

pub(crate) fn place(order: &str, lines: &[(&str, u32, i64)]) -> Sent {
    Sent::new("order.place", &format!("place-{order}"), &commands::place(order, lines))
}

pub(crate) fn captured(order: &str, amount: i64) -> Sent {
    let data = commands::captured(order, &format!("e-{order}"), "a-1", amount);
    Sent::new("payment.callback", &format!("pay-{order}"), &data)
}
