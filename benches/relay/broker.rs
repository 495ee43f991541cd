//! The broker as a bench sees it: fill a queue, watch one, read one.

use std::collections::VecDeque;

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind, PublisherConfirm,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
        QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};
use tokio::time::{Duration, timeout};

use super::content::Command;

/// Confirms awaited at a time while a queue is filled.
const IN_FLIGHT: usize = 1_000;

/// The names of one run. As in the contract, so that both contestants use the same ones.
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

    /// The bench's own queue of the events that count.
    pub(crate) fn out(&self) -> String {
        format!("{}.bench", self.namespace)
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
    pub(crate) async fn connect(url: &str, names: Names) -> Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { connection, channel, names })
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
        self.declare_queue(&commands, &arguments, &commands, "#").await
    }

    /// A queue of every order that was paid.
    pub(crate) async fn declare_out(&self) -> Result<()> {
        let events = self.names.events();
        self.declare_exchange(&events, ExchangeKind::Topic).await?;
        self.declare_queue(&self.names.out(), &[], &events, "order.paid").await
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
        let exchange = self.names.commands();
        let mandatory = BasicPublishOptions { mandatory: true, ..Default::default() };
        let mut unconfirmed: VecDeque<PublisherConfirm> = VecDeque::with_capacity(IN_FLIGHT);
        for command in commands {
            if unconfirmed.len() == IN_FLIGHT
                && let Some(oldest) = unconfirmed.pop_front()
            {
                is_routed(oldest).await?;
            }
            let properties = BasicProperties::default()
                .with_delivery_mode(2)
                .with_content_type("application/json".into())
                .with_message_id(command.id.into())
                .with_type(command.kind.into())
                .with_app_id("bench".into());
            let body = command.body.as_bytes();
            let (exchange, key) = (exchange.as_str().into(), command.kind.into());
            let confirm =
                self.channel.basic_publish(exchange, key, mandatory, body, properties).await?;
            unconfirmed.push_back(confirm);
        }
        for confirm in unconfirmed {
            is_routed(confirm).await?;
        }
        Ok(())
    }

    /// Commands that nobody has taken yet.
    pub(crate) async fn commands_ready(&self) -> Result<u64> {
        self.ready(&self.names.commands()).await
    }

    /// Events that have arrived.
    pub(crate) async fn events_ready(&self) -> Result<u64> {
        self.ready(&self.names.out()).await
    }

    async fn ready(&self, queue: &str) -> Result<u64> {
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let queue =
            self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await?;
        Ok(queue.message_count().into())
    }

    /// The bodies of all events in the out queue.
    pub(crate) async fn take_events(&self) -> Result<Vec<Vec<u8>>> {
        let count = self.events_ready().await?;
        let channel = self.connection.create_channel().await?;
        channel.basic_qos(1_000, BasicQosOptions::default()).await?;
        let (queue, options) = (self.names.out(), BasicConsumeOptions::default());
        let mut deliveries = channel
            .basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default())
            .await?;
        let mut bodies = Vec::new();
        while (bodies.len() as u64) < count {
            let delivery = timeout(Duration::from_secs(10), deliveries.next())
                .await
                .context("an event in the out queue was not delivered")?
                .context("the broker ended the consumer")??;
            delivery.ack(BasicAckOptions::default()).await?;
            bodies.push(delivery.data);
        }
        Ok(bodies)
    }

    /// Takes the large queues away, so that the next run finds the broker as this one did.
    pub(crate) async fn clean_up(self) -> Result<()> {
        for queue in [self.names.commands(), self.names.out()] {
            let options = QueueDeleteOptions::default();
            self.channel.queue_delete(queue.as_str().into(), options).await?;
        }
        Ok(self.connection.close(200, "done".into()).await?)
    }
}

async fn is_routed(confirm: PublisherConfirm) -> Result<()> {
    let confirmation = confirm.await?;
    ensure!(confirmation.is_ack(), "the broker refused a command");
    ensure!(confirmation.take_message().is_none(), "a command had no queue to go to");
    Ok(())
}
