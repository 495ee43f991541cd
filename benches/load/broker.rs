//! The broker as a bench sees it: fill a queue, watch one, read one.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail, ensure};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind,
    PublisherConfirm,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
        QueueDeleteOptions, QueuePurgeOptions,
    },
    types::{AMQPValue, FieldTable},
};
use tokio::time::{Duration, timeout};

use super::content::Command;

/// Confirms awaited at a time while a queue is filled.
const IN_FLIGHT: usize = 1_000;

/// Messages that are delivered ahead of their acknowledgements.
const PREFETCH: u16 = 1_000;

/// The names of one run. As in the contract, so that all contestants use the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) namespace: String,
}

impl Names {
    /// The exchange and the queue that commands go to.
    pub(crate) fn commands(&self) -> String {
        format!("{}.commands", self.namespace)
    }

    pub(crate) fn events(&self) -> String {
        format!("{}.events", self.namespace)
    }

    pub(crate) fn notifications(&self) -> String {
        format!("{}.notifications", self.namespace)
    }

    /// The bench's own queue of the events that count.
    pub(crate) fn out(&self) -> String {
        format!("{}.bench", self.namespace)
    }

    /// The bench's own queue of notifications.
    pub(crate) fn notified(&self) -> String {
        format!("{}.bench-notified", self.namespace)
    }

    /// The stream of a cluster.
    fn journal(&self) -> String {
        format!("{}.journal", self.namespace)
    }

    fn dead(&self) -> String {
        format!("{}.dead", self.namespace)
    }
}

/// A connection with one confirming channel.
pub(crate) struct Broker {
    connection: Connection,
    channel: Channel,
    names: Names,
}

impl Broker {
    pub(crate) async fn connect(url: &str, namespace: &str) -> Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { connection, channel, names: Names { namespace: namespace.to_owned() } })
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// What the contract says of the queue for commands, for a contestant that declares nothing.
    pub(crate) async fn declare_commands(&self) -> Result<()> {
        let (commands, dead) = (self.names.commands(), self.names.dead());
        let limit = [("x-delivery-limit", AMQPValue::LongInt(1_000_000))];
        self.declare_exchange(&dead, ExchangeKind::Fanout).await?;
        self.declare_queue(&dead, &limit, &dead, "").await?;
        let text = |text: &str| AMQPValue::LongString(text.into());
        let arguments = [
            ("x-delivery-limit", AMQPValue::LongInt(1_000)),
            ("x-single-active-consumer", AMQPValue::Boolean(true)),
            ("x-dead-letter-exchange", text(&dead)),
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
        ];
        self.declare_exchange(&commands, ExchangeKind::Topic).await?;
        self.declare_queue(&commands, &arguments, &commands, "#").await?;
        self.declare_exchange(&self.names.events(), ExchangeKind::Topic).await?;
        self.declare_exchange(&self.names.notifications(), ExchangeKind::Topic).await
    }

    /// A queue of every event whose type matches.
    pub(crate) async fn declare_out(&self, pattern: &str) -> Result<()> {
        self.declare_queue(&self.names.out(), &[], &self.names.events(), pattern).await
    }

    /// A queue of every notification.
    pub(crate) async fn declare_notified(&self) -> Result<()> {
        self.declare_queue(&self.names.notified(), &[], &self.names.notifications(), "#").await
    }

    async fn declare_exchange(&self, name: &str, kind: ExchangeKind) -> Result<()> {
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let none = FieldTable::default();
        Ok(self.channel.exchange_declare(name.into(), kind, durable, none).await?)
    }

    async fn declare_queue(
        &self,
        name: &str,
        arguments: &[(&str, AMQPValue)],
        exchange: &str,
        routing_key: &str,
    ) -> Result<()> {
        let mut table = FieldTable::default();
        table.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        for (key, value) in arguments {
            table.insert((*key).into(), value.clone());
        }
        let durable = QueueDeclareOptions { durable: true, ..Default::default() };
        self.channel.queue_declare(name.into(), durable, table).await?;
        let (options, none) = (QueueBindOptions::default(), FieldTable::default());
        self.channel
            .queue_bind(name.into(), exchange.into(), routing_key.into(), options, none)
            .await?;
        Ok(())
    }

    /// Publishes all, each confirmed and not returned.
    pub(crate) async fn publish(&self, commands: impl Iterator<Item = Command>) -> Result<()> {
        let mut unconfirmed: VecDeque<PublisherConfirm> = VecDeque::with_capacity(IN_FLIGHT);
        for command in commands {
            if unconfirmed.len() == IN_FLIGHT
                && let Some(oldest) = unconfirmed.pop_front()
            {
                is_routed(oldest).await?;
            }
            unconfirmed.push_back(self.publish_one(command).await?);
        }
        for confirm in unconfirmed {
            is_routed(confirm).await?;
        }
        Ok(())
    }

    /// Publishes one, without waiting for its confirm.
    pub(crate) async fn publish_one(&self, command: Command) -> Result<PublisherConfirm> {
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/json".into())
            .with_message_id(command.id.into())
            .with_type(command.kind.into())
            .with_app_id("bench".into());
        let exchange = self.names.commands();
        let mandatory = BasicPublishOptions { mandatory: true, ..Default::default() };
        let (exchange, key) = (exchange.into(), command.kind.into());
        let body = command.body.as_bytes();
        Ok(self.channel.basic_publish(exchange, key, mandatory, body, properties).await?)
    }

    /// Commands that nobody has taken yet.
    pub(crate) async fn commands_ready(&self) -> Result<u64> {
        self.ready(&self.names.commands()).await
    }

    /// Events that have arrived.
    pub(crate) async fn events_ready(&self) -> Result<u64> {
        self.ready(&self.names.out()).await
    }

    /// Notifications that have arrived.
    pub(crate) async fn notifications_ready(&self) -> Result<u64> {
        self.ready(&self.names.notified()).await
    }

    async fn ready(&self, queue: &str) -> Result<u64> {
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let queue =
            self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await?;
        Ok(queue.message_count().into())
    }

    /// Begins to take the messages of a queue.
    pub(crate) async fn consume(&self, queue: &str) -> Result<Taking> {
        let channel = self.connection.create_channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
        let deliveries = channel.basic_consume(queue.into(), "".into(), options, none).await?;
        Ok(Taking { channel, deliveries, last: 0, unacknowledged: 0 })
    }

    /// Shows each message that is in a queue now to `look`, and drops it.
    pub(crate) async fn take(
        &self,
        queue: &str,
        mut look: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let count = self.ready(queue).await?;
        let mut messages = self.consume(queue).await?;
        for _ in 0..count {
            let delivery = messages.next(Duration::from_secs(10)).await?;
            look(&delivery.context("a message in the queue was not delivered")?.data)?;
        }
        messages.end().await
    }

    /// Drops the events that have arrived.
    pub(crate) async fn drop_events(&self) -> Result<()> {
        let (queue, options) = (self.names.out(), QueuePurgeOptions::default());
        self.channel.queue_purge(queue.as_str().into(), options).await?;
        Ok(())
    }

    /// Takes the large queues away, so that the next run finds the broker as this one did.
    pub(crate) async fn clean_up(self) -> Result<()> {
        let names = &self.names;
        for queue in [names.commands(), names.out(), names.notified(), names.journal()] {
            let options = QueueDeleteOptions::default();
            // A queue that is not there is deleted all the same.
            self.channel.queue_delete(queue.as_str().into(), options).await?;
        }
        Ok(self.connection.close(200, "done".into()).await?)
    }
}

/// The messages of a queue, which are acknowledged in bulk as they are taken.
pub(crate) struct Taking {
    channel: Channel,
    deliveries: Consumer,
    /// The tag of the last message, and how many messages before and with it are not acknowledged.
    last: u64,
    unacknowledged: u16,
}

impl Taking {
    /// The next message; none when there is none for this time.
    pub(crate) async fn next(&mut self, patience: Duration) -> Result<Option<Delivery>> {
        let Ok(next) = timeout(patience, self.deliveries.next()).await else {
            self.acknowledge().await?;
            return Ok(None);
        };
        let delivery = next.context("the broker ended a consumer")??;
        self.last = delivery.delivery_tag;
        self.unacknowledged += 1;
        if self.unacknowledged >= PREFETCH / 4 {
            self.acknowledge().await?;
        }
        Ok(Some(delivery))
    }

    async fn acknowledge(&mut self) -> Result<()> {
        if self.unacknowledged > 0 {
            self.channel.basic_ack(self.last, BasicAckOptions { multiple: true }).await?;
            self.unacknowledged = 0;
        }
        Ok(())
    }

    /// Takes no more. What was not taken stays in the queue, and what was taken is gone: a quorum queue keeps what it
    /// delivered to a connection that just breaks off, even without acknowledgements.
    pub(crate) async fn end(mut self) -> Result<()> {
        self.acknowledge().await?;
        Ok(self.channel.close(200, "done".into()).await?)
    }
}

/// Waits for a confirm, and fails when the message was refused or had no queue to go to.
pub(crate) async fn is_routed(confirm: PublisherConfirm) -> Result<()> {
    let confirmation = confirm.await?;
    ensure!(confirmation.is_ack(), "the broker refused a command");
    if confirmation.take_message().is_some() {
        bail!("a command had no queue to go to");
    }
    Ok(())
}
