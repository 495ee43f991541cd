//! A short-lived client for people and scripts: publishing commands, listing and replaying dead
//! letters.
//!
//! Invariants: nothing counts as published before its confirm says so; a dead letter leaves
//! `NS.dead` only after its copy in `NS.commands` is confirmed.

mod replies;

use bytes::Bytes;
use lapin::{
    Channel,
    message::BasicGetMessage,
    options::{BasicAckOptions, BasicGetOptions},
    types::AMQPValue,
};

use super::{
    Confirm, Durability, Message, Names, Properties, REASON_HEADER, Serves, Settings, TopologyMode,
    rabbit::{
        Error, codec,
        connection::Connection,
        endpoint::Endpoint,
        error::{Refusal, refusal},
        limits::with_timeout,
        publish::{open_confirming, publish_mandatory},
        topology::survey,
    },
    without_partition,
};

pub use self::replies::Replies;

/// Commands published, or dead letters replayed, at a time.
const WINDOW: usize = 256;

/// A connection of its own, beside any processor.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    publishing: Channel,
    names: Names,
    /// Whether routing keys may name a partition.
    has_partitions: bool,
}

/// A message that is in `NS.dead`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message as it was published, except for exchange and headers.
    pub message: Message,
    /// Why the message is there: `delivery_limit`, `expired` or `rejected` from the broker, or a
    /// reason of ours.
    pub reason: Option<String>,
    /// The queue that the message was in.
    pub queue: Option<String>,
}

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Published back, confirmed, and taken out of `NS.dead`.
    pub replayed: usize,
    /// Left in `NS.dead`: what the broker said instead of a confirm.
    pub refused: Vec<Confirm>,
}

/// Makes the message of a plain command; `body` is its data, a JSON document.
pub fn command(names: &Names, kind: &str, id: &str, source: Option<&str>, body: Bytes) -> Message {
    Message {
        exchange: names.commands.clone(),
        routing_key: kind.to_owned(),
        properties: Properties {
            content_type: Some("application/json".to_owned()),
            message_id: Some(id.to_owned()),
            kind: Some(kind.to_owned()),
            app_id: source.map(str::to_owned),
            durability: Durability::Persistent,
            ..Properties::default()
        },
        body,
    }
}

impl Client {
    /// Tries every address once, in turn, until one answers.
    async fn open(mut endpoint: Endpoint, settings: &Settings) -> Result<Connection, Error> {
        let mut tries = endpoint.count();
        loop {
            let name = format!("{} client", settings.names.commands);
            tries -= 1;
            match Connection::open(&endpoint, name).await {
                Err(error @ Error::Connect { .. }) if tries > 0 => {
                    tracing::debug!(%error, "trying the next address");
                    endpoint.try_next();
                }
                done => return done,
            }
        }
    }

    /// Connects once, to the first of the addresses that answers.
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        let connection = Self::open(Endpoint::new(settings)?, settings).await?;
        match open_confirming(&connection).await {
            Ok(publishing) => Ok(Self {
                connection,
                publishing,
                names: settings.names.clone(),
                has_partitions: settings.serves != Serves::Namespace,
            }),
            Err(error) => {
                connection.close().await?;
                Err(error)
            }
        }
    }

    /// Publishes `messages` with the mandatory flag; returns one confirm each, in order. Once the
    /// channel broke, the rest are [`Confirm::Lost`]. Waits as long as the broker blocks publishers.
    ///
    /// [`Error::Missing`] when there is no exchange for commands: then nothing was published.
    pub async fn publish(&self, messages: &[Message]) -> Result<Vec<Confirm>, Error> {
        let mut confirms = Vec::with_capacity(messages.len());
        for chunk in messages.chunks(WINDOW) {
            let (outcomes, error) = publish_mandatory(&self.publishing, chunk).await;
            if error.is_some_and(|error| refusal(&error) == Refusal::NotFound) {
                return Err(Error::Missing(format!("exchange {}", self.names.commands)));
            }
            confirms.extend(outcomes);
        }
        Ok(confirms)
    }

    /// The queues and exchanges that a processor needs and the broker has not. Nothing is declared.
    pub async fn missing(&self, settings: &Settings) -> Result<Vec<String>, Error> {
        let asking = Settings { topology: TopologyMode::Verify, ..settings.clone() };
        Ok(survey(&self.connection, &asking).await?.missing)
    }

    /// The first `limit` dead letters that are `wanted`. They stay in the queue: they are read without an ack, and
    /// return when the channel closes. A quorum queue may change their order.
    pub async fn dead_letters(
        &self,
        limit: usize,
        wanted: impl Fn(&DeadLetter) -> bool,
    ) -> Result<Vec<DeadLetter>, Error> {
        let mut queue = self.read_dead().await?;
        let mut letters = Vec::new();
        while letters.len() < limit
            && let Some((_, letter)) = queue.next(self).await?
        {
            if wanted(&letter) {
                letters.push(letter);
            }
        }
        queue.close().await?;
        Ok(letters)
    }

    /// Publishes the first `limit` dead letters that are `wanted` back to the command queue as new commands: their
    /// attempts start again. Ends with the first window in which one is refused.
    pub async fn replay_dead_letters(
        &self,
        limit: usize,
        wanted: impl Fn(&DeadLetter) -> bool,
    ) -> Result<Replay, Error> {
        let mut queue = self.read_dead().await?;
        let mut replay = Replay { replayed: 0, refused: Vec::new() };
        let mut is_over = false;
        while !is_over && replay.refused.is_empty() {
            let mut tags = Vec::new();
            let mut messages = Vec::new();
            while tags.len() < WINDOW && !is_over {
                is_over = replay.replayed + tags.len() >= limit;
                if is_over {
                    break;
                }
                match queue.next(self).await? {
                    Some((tag, letter)) if wanted(&letter) => {
                        tags.push(tag);
                        messages.push(self.revived(letter.message));
                    }
                    Some(_) => {}
                    None => is_over = true,
                }
            }
            let (confirms, _) = publish_mandatory(&self.publishing, &messages).await;
            for (tag, confirm) in tags.into_iter().zip(confirms) {
                if confirm.is_acked() {
                    queue.remove(tag).await?;
                    replay.replayed += 1;
                } else {
                    replay.refused.push(confirm);
                }
            }
        }
        queue.close().await?;
        Ok(replay)
    }

    /// Takes the first `limit` dead letters that are `wanted` out of the queue; says how many.
    pub async fn dismiss_dead_letters(
        &self,
        limit: usize,
        wanted: impl Fn(&DeadLetter) -> bool,
    ) -> Result<usize, Error> {
        let mut queue = self.read_dead().await?;
        let mut dismissed = 0;
        while dismissed < limit
            && let Some((tag, letter)) = queue.next(self).await?
        {
            if wanted(&letter) {
                queue.remove(tag).await?;
                dismissed += 1;
            }
        }
        queue.close().await?;
        Ok(dismissed)
    }

    async fn read_dead(&self) -> Result<DeadQueue, Error> {
        Ok(DeadQueue { channel: self.connection.open_channel().await?, unseen: u64::MAX })
    }

    /// Closes the connection; what was published and not confirmed is lost.
    pub async fn close(self) {
        // The socket is gone in any case, and this process ends next.
        let _ = self.connection.close().await;
    }

    /// The command that a dead letter was.
    fn revived(&self, mut dead: Message) -> Message {
        // The dead exchange keeps the routing key that a message had last. That is its type, unless
        // the message was published by the queue's name.
        if dead.properties.kind.is_none() && !self.names.is_queue_of_commands(&dead.routing_key) {
            let key = dead.routing_key.as_str();
            let kind = if self.has_partitions { without_partition(key) } else { key };
            dead.properties.kind = Some(kind.to_owned());
        }
        dead.properties.attempt = 0;
        dead.properties.durability = Durability::Persistent;
        Message { exchange: String::new(), routing_key: self.names.queue.clone(), ..dead }
    }
}

/// Reads the dead letters one after the other. Those that are not taken out return to the queue when it is closed.
struct DeadQueue {
    channel: Channel,
    /// The letters that were there at first and were not seen yet. A command that is dead-lettered again meanwhile would
    /// else be seen without end.
    unseen: u64,
}

impl DeadQueue {
    /// The next letter, with its tag.
    async fn next(&mut self, client: &Client) -> Result<Option<(u64, DeadLetter)>, Error> {
        if self.unseen == 0 {
            return Ok(None);
        }
        let queue = client.names.dead.as_str();
        let getting = self.channel.basic_get(queue.into(), BasicGetOptions::default());
        let got = with_timeout("reading a dead letter", getting).await?;
        let got = got.map_err(|error| match refusal(&error) {
            Refusal::NotFound => Error::Missing(format!("queue {queue}")),
            Refusal::Locked | Refusal::Precondition | Refusal::AccessRefused | Refusal::Other => {
                Error::Channel(error)
            }
        })?;
        let Some(got) = got else { return Ok(None) };
        self.unseen = self.unseen.min(u64::from(got.message_count) + 1) - 1;
        let reason = header(&got, "x-first-death-reason").or_else(|| header(&got, REASON_HEADER));
        let queue = header(&got, "x-first-death-queue");
        let delivery = codec::decode(0, got.delivery);
        Ok(Some((delivery.tag, DeadLetter { message: delivery.message, reason, queue })))
    }

    /// Takes a letter out of the queue.
    async fn remove(&self, tag: u64) -> Result<(), Error> {
        self.channel.basic_ack(tag, BasicAckOptions::default()).await.map_err(Error::Channel)
    }

    async fn close(self) -> Result<(), Error> {
        let closing = self.channel.close(200, "seen".into());
        with_timeout("closing", closing).await?.map_err(Error::Channel)
    }
}

fn header(got: &BasicGetMessage, name: &str) -> Option<String> {
    let headers = got.delivery.properties.headers().as_ref()?;
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        _ => None,
    }
}
