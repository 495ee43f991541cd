//! The queues, exchanges and bindings that the processor needs.
//!
//! Invariants: what exists is used as it is, whoever made it; a difference is reported, never
//! repaired. Every queue is a quorum queue with an explicit delivery limit (without one `RabbitMQ`
//! 3 has none and 4 has 20). A queue that dead-letters does so at least once, and refuses new
//! messages rather than dropping old ones: with the default strategy a message that expires while
//! its target is away vanishes.

use std::time::Duration;

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

use super::{
    super::{Serves, Settings, TopologyMode},
    Error,
    connection::Connection,
    error::{Refusal, refusal},
    limits::with_timeout,
};

/// Delivery limit of the queues that must not drop messages: the dead queue has nowhere to
/// dead-letter to, and each listing of it counts as a delivery.
const KEEP_ALWAYS: u32 = 1_000_000;

/// The queues, exchanges and bindings that the processor needs.
#[derive(Debug)]
struct Plan {
    exchanges: Vec<(String, ExchangeKind)>,
    queues: Vec<(String, FieldTable)>,
    /// Queue, exchange, pattern.
    bindings: Vec<(String, String, String)>,
    /// Bindings that must not be there.
    unbound: Option<(String, String, String)>,
}

/// What was found at the broker.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Queues and exchanges that do not exist and may not be declared.
    pub(crate) missing: Vec<String>,
    /// Queues and exchanges with other arguments than ours, in the broker's words.
    pub(crate) differences: Vec<String>,
}

/// Declares or verifies everything, as the settings say.
pub(crate) async fn survey(connection: &Connection, settings: &Settings) -> Result<Survey, Error> {
    let plan = Plan::new(settings);
    let mut surveyor =
        Surveyor { connection, mode: settings.topology, channel: None, survey: Survey::default() };
    for (name, kind) in &plan.exchanges {
        surveyor.exchange(name, kind).await?;
    }
    for (name, arguments) in &plan.queues {
        surveyor.queue(name, arguments).await?;
    }
    if settings.topology == TopologyMode::Declare {
        for (queue, exchange, pattern) in &plan.bindings {
            surveyor.bind(queue, exchange, pattern).await?;
        }
        if let Some((queue, exchange, pattern)) = &plan.unbound {
            surveyor.unbind(queue, exchange, pattern).await?;
        }
    }
    Ok(surveyor.survey)
}

/// Messages ready in `queue`.
pub(super) async fn depth(connection: &Connection, queue: &str) -> Result<u64, Error> {
    count_ready(&connection.open_channel().await?, queue).await
}

/// The same for the queue of commands, when the exchange of commands is there, too. The driver publishes nothing to this exchange,
/// so nothing else tells that it was deleted, and producers are refused.
pub(super) async fn depth_behind_exchange(
    connection: &Connection,
    (queue, exchange): (&str, &str),
) -> Result<u64, Error> {
    let channel = connection.open_channel().await?;
    let queued = count_ready(&channel, queue).await?;
    let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    let kind = ExchangeKind::Topic;
    let looking = channel.exchange_declare(exchange.into(), kind, options, FieldTable::default());
    match with_timeout("looking for an exchange", looking).await? {
        Ok(()) => Ok(queued),
        Err(error) if refusal(&error) == Refusal::NotFound => {
            Err(Error::Missing(exchange.to_owned()))
        }
        Err(error) => Err(Error::Channel(error)),
    }
}

async fn count_ready(channel: &Channel, queue: &str) -> Result<u64, Error> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let declaring = channel.queue_declare(queue.into(), options, FieldTable::default());
    match with_timeout("counting messages", declaring).await? {
        Ok(queue) => Ok(queue.message_count().into()),
        Err(error) if refusal(&error) == Refusal::NotFound => Err(Error::Missing(queue.to_owned())),
        Err(error) => Err(Error::Channel(error)),
    }
}

impl Plan {
    fn new(settings: &Settings) -> Self {
        let names = &settings.names;
        let mut queues = vec![
            (names.dead.clone(), quorum(KEEP_ALWAYS)),
            (names.queue.clone(), commands(settings)),
        ];
        // what names no partition is forwarded, and neither tried again nor marked
        if !matches!(settings.serves, Serves::Unrouted(_)) {
            queues.push((names.mark.clone(), last_value()));
            for delay in &settings.retry_delays {
                queues.push((names.retry(*delay), wait(settings, *delay)));
            }
        }
        let of_commands =
            |pattern: &str| (names.queue.clone(), names.commands.clone(), pattern.to_owned());
        let mut bindings = vec![(names.dead.clone(), names.dead.clone(), String::new())];
        let mut unbound = None;
        match &settings.serves {
            Serves::Namespace => bindings.push(of_commands("#")),
            Serves::Partition(number) => bindings.push(of_commands(&format!("p{number}.#"))),
            Serves::Unrouted(keys) => {
                bindings.extend(keys.iter().map(|key| of_commands(key)));
                // of a namespace that had no partitions: it would have all commands here a second time
                unbound = Some(of_commands("#"));
            }
        }
        Self {
            exchanges: vec![
                (names.dead.clone(), ExchangeKind::Fanout),
                (names.commands.clone(), ExchangeKind::Topic),
                (names.events.clone(), ExchangeKind::Topic),
                (names.notifications.clone(), ExchangeKind::Topic),
            ],
            queues,
            bindings,
            unbound,
        }
    }
}

fn quorum(delivery_limit: u32) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-delivery-limit".into(), count(delivery_limit.into()));
    arguments
}

fn dead_lettering(arguments: &mut FieldTable, exchange: &str) {
    arguments.insert("x-dead-letter-exchange".into(), text(exchange));
    arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
}

fn commands(settings: &Settings) -> FieldTable {
    let mut arguments = quorum(settings.delivery_limit);
    dead_lettering(&mut arguments, &settings.names.dead);
    // It cannot be added to a queue later.
    arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    arguments
}

/// Keeps the last message only.
fn last_value() -> FieldTable {
    let mut arguments = quorum(KEEP_ALWAYS);
    arguments.insert("x-max-length".into(), count(1));
    arguments.insert("x-overflow".into(), text("drop-head"));
    arguments
}

fn wait(settings: &Settings, delay: Duration) -> FieldTable {
    let mut arguments = quorum(KEEP_ALWAYS);
    // The default exchange routes by queue name: no binding can be forgotten on the way back.
    dead_lettering(&mut arguments, "");
    let back = text(&settings.names.queue);
    arguments.insert("x-dead-letter-routing-key".into(), back);
    let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    arguments.insert("x-message-ttl".into(), count(millis));
    arguments
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn count(count: i64) -> AMQPValue {
    AMQPValue::LongLongInt(count)
}

/// Asks the broker about one thing after the other. A refusal closes the channel, so the next
/// question opens another.
struct Surveyor<'a> {
    connection: &'a Connection,
    mode: TopologyMode,
    channel: Option<Channel>,
    survey: Survey,
}

impl Surveyor<'_> {
    async fn channel(&mut self) -> Result<Channel, Error> {
        if let Some(channel) = &self.channel {
            return Ok(channel.clone());
        }
        let channel = self.connection.open_channel().await?;
        self.channel = Some(channel.clone());
        Ok(channel)
    }

    async fn exchange(&mut self, name: &str, kind: &ExchangeKind) -> Result<(), Error> {
        let exists = self.try_exchange(name, kind, Ask::Exists).await;
        if self.settle(&format!("exchange {name}"), exists)? {
            let made = self.try_exchange(name, kind, Ask::Make).await;
            self.made(&format!("exchange {name}"), made)?;
        }
        Ok(())
    }

    async fn queue(&mut self, name: &str, arguments: &FieldTable) -> Result<(), Error> {
        let exists = self.try_queue(name, arguments, Ask::Exists).await;
        if self.settle(&format!("queue {name}"), exists)? {
            let made = self.try_queue(name, arguments, Ask::Make).await;
            self.made(&format!("queue {name}"), made)?;
        }
        Ok(())
    }

    async fn bind(&mut self, queue: &str, exchange: &str, pattern: &str) -> Result<(), Error> {
        let channel = self.channel().await?;
        let binding = channel.queue_bind(
            queue.into(),
            exchange.into(),
            pattern.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        with_timeout("binding a queue", binding).await?.map_err(|source| Error::Declare {
            name: format!("binding of queue {queue} to exchange {exchange}"),
            source,
        })
    }

    /// A binding that is not there is no error.
    async fn unbind(&mut self, queue: &str, exchange: &str, pattern: &str) -> Result<(), Error> {
        let channel = self.channel().await?;
        let arguments = FieldTable::default();
        let unbinding =
            channel.queue_unbind(queue.into(), exchange.into(), pattern.into(), arguments);
        with_timeout("unbinding a queue", unbinding).await?.map_err(|source| Error::Declare {
            name: format!("binding of queue {queue} to exchange {exchange}"),
            source,
        })
    }

    async fn try_exchange(
        &mut self,
        name: &str,
        kind: &ExchangeKind,
        ask: Ask,
    ) -> Result<Result<(), lapin::Error>, Error> {
        let channel = self.channel().await?;
        let options = ExchangeDeclareOptions {
            passive: ask == Ask::Exists,
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let arguments = FieldTable::default();
        let declaring = channel.exchange_declare(name.into(), kind.clone(), options, arguments);
        with_timeout("declaring an exchange", declaring).await
    }

    async fn try_queue(
        &mut self,
        name: &str,
        arguments: &FieldTable,
        ask: Ask,
    ) -> Result<Result<(), lapin::Error>, Error> {
        let channel = self.channel().await?;
        let options = QueueDeclareOptions {
            passive: ask == Ask::Exists,
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let name: ShortString = name.into();
        let declaring = channel.queue_declare(name, options, arguments.clone());
        let declared = with_timeout("declaring a queue", declaring).await?;
        Ok(declared.map(|_| ()))
    }

    /// Notes whether something exists. Returns true when it should be declared now: to create it,
    /// or, when it exists, to learn from the broker's answer how it differs.
    fn settle(
        &mut self,
        name: &str,
        exists: Result<Result<(), lapin::Error>, Error>,
    ) -> Result<bool, Error> {
        match exists? {
            Ok(()) => Ok(self.mode == TopologyMode::Declare),
            Err(error) if refusal(&error) == Refusal::NotFound => {
                self.channel = None;
                if self.mode == TopologyMode::Verify {
                    self.survey.missing.push(name.to_owned());
                    return Ok(false);
                }
                Ok(true)
            }
            Err(source) => Err(Error::Declare { name: name.to_owned(), source }),
        }
    }

    /// Notes a difference; any other refusal is an error.
    fn made(
        &mut self,
        name: &str,
        made: Result<Result<(), lapin::Error>, Error>,
    ) -> Result<(), Error> {
        match made? {
            Ok(()) => Ok(()),
            Err(error) if refusal(&error) == Refusal::Precondition => {
                self.channel = None;
                self.survey.differences.push(format!("{name}: {error}"));
                Ok(())
            }
            Err(source) => Err(Error::Declare { name: name.to_owned(), source }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Exists,
    Make,
}
