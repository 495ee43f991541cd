//! Somebody else on the same broker: produces, subscribes, looks and meddles, through lapin alone,
//! so that what our driver does is seen from outside. And a few steps with a link.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::time::Duration;

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
use orderly::broker::{
    Delivery, Intake, Link, Message, Names, Phase, Properties, Settings, TopologyMode,
    rabbit::acquire_owner,
};

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Settings for a test of its own.
pub(crate) fn settings(url: &str, namespace: &str) -> Settings {
    Settings {
        url: url.to_owned(),
        ca_file: None,
        names: Names::new(namespace),
        prefetch: 100,
        retry_delays: vec![Duration::from_millis(300), Duration::from_secs(5)],
        delivery_limit: 1000,
        topology: TopologyMode::Declare,
    }
}

/// Claims the namespace and waits until the link is up; returns its first generation too.
pub(crate) async fn link(settings: &Settings) -> Link {
    acquire_owner(settings.clone(), PATIENCE)
        .await
        .expect("the namespace is free")
        .link()
}

pub(crate) async fn news(link: &mut Link) -> Intake {
    tokio::time::timeout(PATIENCE, link.intake.recv())
        .await
        .expect("news in time")
        .expect("the driver lives")
}

/// Waits for the next [`Intake::Up`], which nothing but a `Down` may precede.
pub(crate) async fn up(link: &mut Link) -> (u64, u64) {
    loop {
        match news(link).await {
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
        match news(link).await {
            Intake::Batch(batch) => all.extend(batch),
            other => panic!("a batch expected, got {other:?}"),
        }
    }
    assert_eq!(all.len(), count);
    all
}

pub(crate) async fn phase(link: &mut Link, wanted: impl Fn(&Phase) -> bool) -> Phase {
    let reached = link.status.wait_for(|status| wanted(&status.phase));
    let status = tokio::time::timeout(PATIENCE, reached).await;
    status
        .expect("the phase in time")
        .expect("the driver lives")
        .phase
        .clone()
}

pub(crate) fn id(message: &Message) -> &str {
    message.properties.message_id.as_deref().unwrap_or_default()
}

pub(crate) fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries
        .iter()
        .map(|delivery| id(&delivery.message))
        .collect()
}

/// A message with an id, to `exchange` under `key`.
pub(crate) fn message(exchange: &str, key: &str, id: &str) -> Message {
    Message {
        exchange: exchange.to_owned(),
        routing_key: key.to_owned(),
        properties: Properties {
            message_id: Some(id.to_owned()),
            ..Properties::default()
        },
        body: "{}".into(),
    }
}

pub(crate) struct Outsider {
    pub(crate) connection: Connection,
}

impl Outsider {
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
            let properties = BasicProperties::default()
                .with_delivery_mode(2)
                .with_message_id(id.into());
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
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
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

    /// The error of declaring `queue` so, if any.
    pub(crate) async fn declare(
        &self,
        queue: &str,
        passive: bool,
        arguments: FieldTable,
    ) -> Result<u32, lapin::Error> {
        let channel = self.channel().await;
        let options = QueueDeclareOptions {
            passive,
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let declared = channel
            .queue_declare(queue.into(), options, arguments)
            .await;
        declared.map(|queue| queue.message_count())
    }

    pub(crate) async fn declare_exchange(
        &self,
        exchange: &str,
        kind: ExchangeKind,
        passive: bool,
    ) -> Result<(), lapin::Error> {
        let channel = self.channel().await;
        let options = ExchangeDeclareOptions {
            passive,
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(exchange.into(), kind, options, FieldTable::default())
            .await
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
        let reached = tokio::time::timeout(PATIENCE, reached).await;
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
            let delivery = tokio::time::timeout(PATIENCE, consumer.next())
                .await
                .unwrap_or_else(|_| panic!("only {} messages in {queue}", taken.len()))
                .expect("a live consumer")
                .expect("a delivery");
            delivery
                .ack(BasicAckOptions::default())
                .await
                .expect("acked");
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
