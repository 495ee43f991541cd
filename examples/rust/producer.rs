//! Publishes the commands of a file to orderly, and acts on the verdict of each.
//!
//! ```sh
//! BROKER_URL=amqp://guest:guest@127.0.0.1:5672/%2f cargo run --example producer -- examples/commands.jsonl
//! ```
//!
//! `NAMESPACE` is `broker.namespace` (default `orderly`), `VERDICT_TIMEOUT` the seconds after which a command is published again
//! (default 10).

use anyhow::{Context as _, bail, ensure};
use futures_util::StreamExt as _;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use serde_json::Value;
use std::env::var;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

const TRIES: usize = 5;

/// A connection that publishes commands with confirms, and a queue of its own for the verdicts.
struct Orderly {
    /// Closes when it is dropped.
    _connection: Connection,
    channel: Channel,
    exchange: String,
    replies: String,
    verdicts: Consumer,
    timeout: Duration,
}

impl Orderly {
    async fn connect(url: &str, namespace: &str, timeout: Duration) -> anyhow::Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        // Exclusive: it goes with the connection. Verdicts are sent once and are not stored, so it need not be durable.
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare("".into(), exclusive, FieldTable::default()).await?;
        let replies = queue.name().to_string();
        let no_ack = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consuming = channel.basic_consume(
            replies.as_str().into(),
            "verdicts".into(),
            no_ack,
            FieldTable::default(),
        );
        let verdicts = consuming.await?;
        let exchange = format!("{namespace}.commands");
        Ok(Self { _connection: connection, channel, exchange, replies, verdicts, timeout })
    }

    /// Publishes a command until its verdict comes. The id is the same in every try, so the command counts once.
    async fn send(&mut self, kind: &str, id: &str, data: &Value) -> anyhow::Result<Value> {
        for _ in 0..TRIES {
            let correlation = Uuid::now_v7().to_string();
            let properties = BasicProperties::default()
                .with_content_type("application/json".into())
                .with_delivery_mode(2)
                .with_message_id(id.into())
                .with_app_id("example".into())
                .with_type(kind.into())
                .with_reply_to(self.replies.as_str().into())
                .with_correlation_id(correlation.as_str().into());
            let mandatory =
                BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let body = serde_json::to_vec(data)?;
            let (exchange, key) = (self.exchange.as_str().into(), kind.into());
            let publishing =
                self.channel.basic_publish(exchange, key, mandatory, &body, properties);
            let confirm = publishing.await?.await?;
            // One that no queue takes is confirmed, too, and comes back with the confirm.
            let is_returned = confirm.take_message().is_some();
            ensure!(!is_returned, "no queue takes commands: did orderly ever run here?");
            if let Some(verdict) = self.verdict(&correlation).await? {
                return Ok(verdict);
            }
            println!("{kind} {id}: no verdict yet, publishing it again");
        }
        bail!(
            "no verdict on {id}: it may have been processed, and may be published again under this id"
        )
    }

    /// The verdict with this correlation id. Those of earlier tries are dropped.
    async fn verdict(&mut self, correlation: &str) -> anyhow::Result<Option<Value>> {
        let ends = Instant::now() + self.timeout;
        while let Ok(delivery) = timeout_at(ends, self.verdicts.next()).await {
            let delivery = delivery.context("the queue of replies is gone")??;
            let id = delivery.properties.correlation_id().as_ref();
            if id.is_some_and(|id| id.as_str() == correlation) {
                return Ok(Some(serde_json::from_slice(&delivery.data)?));
            }
        }
        Ok(None)
    }
}

/// What a shop does about a verdict; docs/reasons.md has every reason.
fn act_on(verdict: &Value) -> String {
    let reason = verdict["reason"].as_str().unwrap_or_default();
    let detail = &verdict["detail"];
    match verdict["verdict"].as_str().unwrap_or_default() {
        "applied" => {
            let events = verdict["events"].as_array().into_iter().flatten();
            format!("done: {}", events.filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        // Processed before, under this id: what came of it then is what counts.
        "duplicate" => {
            format!("done before: {}", verdict["original"]["verdict"].as_str().unwrap_or_default())
        }
        "stale" => "out of date, nothing to do".to_owned(),
        "waiting" => "kept until its order is placed".to_owned(),
        "rejected" if reason == "out_of_stock" => {
            let sku = detail[0]["sku"].as_str().unwrap_or_default();
            format!("tell the customer: {} of {sku} left", detail[0]["available"])
        }
        "rejected" => format!("refused: {reason}"),
        "review" => "recorded; a person looks at the order".to_owned(),
        "conflict" => "a bug here: this id was used for other data".to_owned(),
        "invalid" => format!("a bug here: {}", detail.as_str().unwrap_or_default()),
        "failed" => "parked: orderly's operators replay it".to_owned(),
        // Later versions may have more.
        other => format!("not known to this program: {other}"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = var("BROKER_URL").unwrap_or("amqp://guest:guest@127.0.0.1:5672/%2f".to_owned());
    let namespace = var("NAMESPACE").unwrap_or("orderly".to_owned());
    let seconds = var("VERDICT_TIMEOUT").unwrap_or("10".to_owned()).parse()?;
    let path = std::env::args().nth(1).context("name a file of commands")?;
    let mut orderly = Orderly::connect(&url, &namespace, Duration::from_secs(seconds)).await?;
    for line in std::fs::read_to_string(path)?.lines() {
        let command: Value = serde_json::from_str(line)?;
        let text =
            |name: &str| command[name].as_str().with_context(|| format!("no {name}: {line}"));
        let (kind, id) = (text("type")?, text("id")?);
        let verdict = orderly.send(kind, id, &command["data"]).await?;
        let word = verdict["verdict"].as_str().unwrap_or_default();
        println!("{kind} {id}: {word}: {}", act_on(&verdict));
    }
    Ok(())
}
