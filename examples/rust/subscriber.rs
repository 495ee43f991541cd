//! Reacts to events of orderly, each once, however often it is delivered.
//!
//! ```sh
//! BROKER_URL=amqp://guest:guest@127.0.0.1:5672/%2f cargo run --example subscriber -- shipments.jsonl
//! ```
//!
//! The reaction and the id of its event are one line of the file, and on the disk before the event is acknowledged: when this
//! program dies in between, the event is delivered again and is found to be done. (With a database: one transaction.)
//! `NAMESPACE` is `broker.namespace` (default `orderly`), `QUEUE` the name of the queue (default `warehouse.orders`).

use anyhow::Context as _;
use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::env::var;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};

/// Shipments, and the ids of the events that made them.
struct Warehouse {
    seen: HashSet<String>,
    file: File,
}

impl Warehouse {
    fn open(path: &str) -> anyhow::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // A line without its end was cut by a crash, and its event was not acknowledged.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        let mut seen = HashSet::new();
        for line in text[..whole].lines() {
            let line: Value = serde_json::from_str(line)?;
            seen.extend(line["event_id"].as_str().map(str::to_owned));
        }
        Ok(Self { seen, file })
    }

    /// Ships what was paid; says whether the event was new.
    fn handle(&mut self, event: &Value) -> anyhow::Result<bool> {
        let id = event["id"].as_str().context("an event has an id")?;
        if self.seen.contains(id) {
            return Ok(false);
        }
        let data = &event["data"];
        let shipment = (event["type"] == "order.paid")
            .then(|| json!({"order_id": data["order_id"], "lines": data["lines"]}));
        let line = json!({"event_id": id, "shipment": shipment});
        self.file.write_all(format!("{line}\n").as_bytes())?;
        self.file.sync_data()?;
        self.seen.insert(id.to_owned());
        Ok(true)
    }
}

/// Declares a durable queue, bound before the first event that matters: `RabbitMQ` keeps no event for a queue that comes later.
async fn declare(channel: &Channel, queue: &str, exchange: &str) -> anyhow::Result<()> {
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let mut quorum = FieldTable::default();
    quorum.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    channel.queue_declare(queue.into(), durable, quorum).await?;
    let (options, none) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind(queue.into(), exchange.into(), "order.*".into(), options, none).await?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = var("BROKER_URL").unwrap_or("amqp://guest:guest@127.0.0.1:5672/%2f".to_owned());
    let namespace = var("NAMESPACE").unwrap_or("orderly".to_owned());
    let queue = var("QUEUE").unwrap_or("warehouse.orders".to_owned());
    let path = std::env::args().nth(1).context("name a file for the shipments")?;
    let mut warehouse = Warehouse::open(&path)?;
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    declare(&channel, &queue, &format!("{namespace}.events")).await?;
    channel.basic_qos(50, BasicQosOptions::default()).await?;
    let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
    let consuming = channel.basic_consume(queue.as_str().into(), "warehouse".into(), options, none);
    let mut events = consuming.await?;
    println!("ready");
    while let Some(delivery) = events.next().await {
        let delivery = delivery?;
        let event: Value = serde_json::from_slice(&delivery.data)?;
        let is_new = warehouse.handle(&event)?;
        delivery.acker.ack(BasicAckOptions::default()).await?;
        let (kind, subject) = (event["type"].as_str(), event["subject"].as_str());
        let done = if is_new { "handled" } else { "again, ignored" };
        println!("{} {} {done}", kind.unwrap_or_default(), subject.unwrap_or_default());
    }
    anyhow::bail!("the broker cancelled the consumer")
}
