//! The ceiling: takes every command, publishes an event for each payment that it sees for the first
//! time, acknowledges when those are confirmed. It decides nothing and keeps nothing.
//!
//! It publishes what the run asks of `orderly`, and no more: see [`Outputs`].
//!
//! It does to the broker what `orderly` must do, in its cheapest form: one consumer with a large
//! prefetch, acks in bulk, publishes without waiting, confirms awaited in order behind them.

use std::{collections::HashSet, pin::pin};

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, PublisherConfirm,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        ConfirmSelectOptions,
    },
    types::FieldTable,
};
use serde::Deserialize;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::broker::Names;

/// Above this the broker gains nothing more.
const PREFETCH: u16 = 2_000;

/// Deliveries that share one ack, when so many have arrived.
const BATCH: usize = 500;

/// The broker lets a channel have 32 publishes on their way to a quorum queue, then holds it back:
/// two channels keep it busy.
const CHANNELS: usize = 2;

/// Deliveries up to this tag are done when these confirms have come.
struct Batch {
    last: u64,
    confirms: Vec<PublisherConfirm>,
}

#[derive(Deserialize)]
struct Callback<'a> {
    event_id: &'a str,
    order_id: &'a str,
    amount: u64,
}

#[derive(Deserialize)]
struct Placing<'a> {
    order_id: &'a str,
}

/// What is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Outputs {
    /// `order.paid` for each order.
    Paid,
    /// `order.placed` too.
    Events,
    /// And a notification, for each order that was paid.
    All,
}

impl Outputs {
    /// The word that the command line has for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Events => "events",
            Self::All => "all",
        }
    }

    /// The types of the events of each order.
    pub(crate) const fn events(self) -> &'static [&'static str] {
        match self {
            Self::Paid => &["order.paid"],
            Self::Events | Self::All => &["order.placed", "order.paid"],
        }
    }

    /// The kinds of the notifications of each order.
    pub(crate) const fn notifications(self) -> &'static [&'static str] {
        match self {
            Self::Paid | Self::Events => &[],
            Self::All => &["order_confirmed"],
        }
    }
}

/// Relays until it is told to stop.
pub(crate) async fn run(url: &str, namespace: &str, outputs: Outputs) -> Result<()> {
    let mut stop = signal(SignalKind::terminate())?;
    let names = Names { namespace: namespace.to_owned() };
    tokio::select! {
        ended = relay(url, &names, outputs) => ended,
        _ = stop.recv() => Ok(()),
    }
}

async fn relay(url: &str, names: &Names, outputs: Outputs) -> Result<()> {
    let incoming = Connection::connect(url, ConnectionProperties::default()).await?;
    let outgoing = Connection::connect(url, ConnectionProperties::default()).await?;
    let mut publishers = Vec::new();
    for _ in 0..CHANNELS {
        let channel = outgoing.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        publishers.push(channel);
    }
    let channel = incoming.create_channel().await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let (queue, options) = (names.commands(), BasicConsumeOptions::default());
    let consumer = channel
        .basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default())
        .await?;

    let (batches, waiting) = mpsc::unbounded_channel();
    let acks = tokio::spawn(acknowledge(channel, waiting));
    let mut relay = Relay {
        events: names.events(),
        notifications: names.notifications(),
        outputs,
        publishers,
        seen: HashSet::new(),
        published: 0,
    };
    let mut arrived = pin!(consumer.ready_chunks(BATCH));
    while let Some(deliveries) = arrived.next().await {
        let deliveries: Vec<Delivery> = deliveries.into_iter().collect::<Result<_, _>>()?;
        let batch = relay.take(&deliveries).await?;
        if batches.send(batch).is_err() {
            break;
        }
    }
    drop(batches);
    acks.await?
}

/// Acks each batch once all its events are confirmed. Batches are done in their order, so that one
/// ack covers everything up to its tag.
async fn acknowledge(channel: Channel, mut batches: mpsc::UnboundedReceiver<Batch>) -> Result<()> {
    while let Some(batch) = batches.recv().await {
        for confirm in batch.confirms {
            ensure!(confirm.await?.is_ack(), "the broker refused an event");
        }
        channel.basic_ack(batch.last, BasicAckOptions { multiple: true }).await?;
    }
    Ok(())
}

struct Relay {
    events: String,
    notifications: String,
    outputs: Outputs,
    publishers: Vec<Channel>,
    seen: HashSet<String>,
    published: usize,
}

impl Relay {
    async fn take(&mut self, deliveries: &[Delivery]) -> Result<Batch> {
        let mut confirms = Vec::new();
        for delivery in deliveries {
            let kind = delivery.properties.kind().as_ref();
            match kind.map_or("", |kind| kind.as_str()) {
                "payment.callback" => {
                    let callback: Callback<'_> = serde_json::from_slice(&delivery.data)?;
                    if self.seen.insert(callback.event_id.to_owned()) {
                        self.paid(&callback, &mut confirms).await?;
                    }
                }
                "order.place" if self.outputs != Outputs::Paid => {
                    let placing: Placing<'_> = serde_json::from_slice(&delivery.data)?;
                    let body = self.event("order.placed", placing.order_id, 0);
                    confirms.push(self.publish("order.placed", body).await?);
                }
                _ => {}
            }
        }
        let last = deliveries.last().context("a batch is never empty")?.delivery_tag;
        Ok(Batch { last, confirms })
    }

    async fn paid(
        &mut self,
        callback: &Callback<'_>,
        confirms: &mut Vec<PublisherConfirm>,
    ) -> Result<()> {
        let body = self.event("order.paid", callback.order_id, callback.amount);
        confirms.push(self.publish("order.paid", body).await?);
        if self.outputs == Outputs::All {
            let body = notification(self.published, callback);
            confirms.push(self.publish(NOTIFICATION, body).await?);
        }
        Ok(())
    }

    async fn publish(&mut self, kind: &'static str, body: String) -> Result<PublisherConfirm> {
        let is_event = kind != NOTIFICATION;
        let content_type =
            if is_event { "application/cloudevents+json" } else { "application/json" };
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type(content_type.into())
            .with_message_id(format!("raw-{:020}", self.published).into())
            .with_type(kind.into());
        let channel = &self.publishers[self.published % CHANNELS];
        self.published += 1;
        let exchange = if is_event { &self.events } else { &self.notifications };
        // As the contract has it: a notification without a queue comes back.
        let options = BasicPublishOptions { mandatory: !is_event, ..Default::default() };
        let exchange = exchange.as_str().into();
        let sent =
            channel.basic_publish(exchange, kind.into(), options, body.as_bytes(), properties);
        Ok(sent.await?)
    }

    /// As large as the real one, and as true as a relay without a memory can make it.
    fn event(&self, kind: &str, order_id: &str, amount: u64) -> String {
        let (sequence, status) = (self.published, if amount > 0 { "paid" } else { "placed" });
        format!(
            r#"{{"specversion":"1.0","id":"raw-{sequence:020}","source":"/orderly/raw","type":"{kind}","subject":"{order_id}","time":"2026-01-01T00:00:06.000Z","sequence":"{sequence:020}","datacontenttype":"application/json","data":{{"order_id":"{order_id}","status":"{status}","version":2,"total":{amount},"paid":{amount},"refunded":0,"currency":"EUR","late":false,"lines":[{{"sku":"sku-0000","quantity":1,"unit_price":{amount},"name":"Regency teacup and saucer"}},{{"sku":"sku-0001","quantity":1,"unit_price":0,"name":"Regency teacup and saucer"}}]}}}}"#
        )
    }
}

/// The kind of the notification of an order that was paid.
const NOTIFICATION: &str = "order_confirmed";

/// As large as the real one.
fn notification(sequence: usize, callback: &Callback<'_>) -> String {
    let Callback { order_id, amount, .. } = callback;
    format!(
        r#"{{"notification_id":"raw-{sequence:020}","kind":"{NOTIFICATION}","order_id":"{order_id}","customer":{{"id":"customer-00000000","email":"ada@example.com"}},"data":{{"order_id":"{order_id}","status":"paid","total":{amount},"paid":{amount},"refunded":0,"currency":"EUR","lines":[{{"sku":"sku-0000","quantity":1,"unit_price":{amount},"name":"Regency teacup and saucer"}},{{"sku":"sku-0001","quantity":1,"unit_price":0,"name":"Regency teacup and saucer"}}]}},"attempt":1}}"#
    )
}
