//! The `RabbitMQ` driver.
//!
//! One supervisor task owns the connections: one to consume, one to publish, so that a broker
//! that holds publishers back holds back neither deliveries nor acks. Whenever a channel or a
//! connection breaks, both connections are closed and everything is built anew under a new
//! generation: one path for every failure.
//!
//! | module | holds |
//! |---|---|
//! | `backoff` | the pauses between attempts to connect |
//! | `codec` | converting between our messages and lapin's |
//! | `connect_error` | why a connection could not be made |
//! | `connection` | a connection that is sure to end |
//! | `dial` | reaching the broker: name, TCP, TLS |
//! | `endpoint` | where the broker is |
//! | `error` | what can go wrong |
//! | [`inspect`] | what can be known of a broker without changing anything there |
//! | `limits` | how long each step may take, and the pauses between attempts |
//! | `link_state` | the driver's side of the link, for the supervisor and its sessions |
//! | `mark` | reading the newest message of `NS.mark` |
//! | `owner` | the exclusive queue of the one processor |
//! | `peer` | what answers when it is no AMQP broker |
//! | `publish` | batches and their confirms |
//! | `publish_channel` | publishing on one channel, over reconnects |
//! | `session` | consuming, acks, pausing, on one pair of connections |
//! | `setup` | making a pair of connections and all that a session needs |
//! | `stream` | a stream: appending to it and reading it, on connections of its own |
//! | `supervisor` | one session after the other |
//! | `topology` | queues, exchanges, bindings |
//! | `unreadable` | setting aside commands that lapin cannot read |

mod backoff;
pub(super) mod codec;
mod connect_error;
pub(super) mod connection;
mod dial;
pub(super) mod endpoint;
pub(super) mod error;
pub mod inspect;
pub(super) mod limits;
mod link_state;
mod mark;
mod owner;
mod peer;
pub(super) mod publish;
mod publish_channel;
mod session;
mod setup;
pub mod stream;
mod supervisor;
pub(super) mod topology;
mod unreadable;

#[cfg(feature = "failpoints")]
pub use self::unreadable::read_frames;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};
use tracing::{info, warn};

use self::{
    backoff::Backoff, connection::Connection, endpoint::Endpoint, error::LogOnce, setup::Ownership,
    supervisor::Supervisor,
};
use super::{
    Link, Phase, Settings, Status,
    publisher::publisher,
    tasks::{ChannelTasks, spawn_driver},
    transport::{INTAKE_DEPTH, acks, control},
};

pub use connect_error::ConnectError;
pub use endpoint::Address;
pub use error::Error;

/// Publishing channels for events. The broker holds a channel back at 32 messages that its queues
/// have not confirmed; two keep both the broker and us busy, more bring nothing.
const EVENT_CHANNELS: usize = 2;

/// A processor that wants a namespace.
#[derive(Debug)]
pub struct Claim {
    settings: Arc<Settings>,
    endpoint: Endpoint,
    status: watch::Sender<Status>,
}

/// The right to process the namespace, held until this or its [`Link`] is dropped or closed.
#[derive(Debug)]
pub struct Owner {
    claim: Claim,
    connection: Connection,
    found: Found,
}

/// What is on the broker when the namespace is claimed.
#[derive(Debug)]
struct Found {
    mark: Option<Bytes>,
    has_journal: bool,
    partitions_have_journals: bool,
}

impl Claim {
    /// Settings that cannot work are errors at once: [`Error::Url`], [`Error::CaFile`].
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let endpoint = Endpoint::new(&settings)?;
        let (status, _) = watch::channel(Status::default());
        Ok(Self { settings: Arc::new(settings), endpoint, status })
    }

    /// The driver's status from the first attempt to connect on. Later it is [`Link::status`].
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Claims the namespace: before that, `serve` changes nothing.
    ///
    /// Waits without a limit for a broker, and up to `owner_wait` for another processor to end;
    /// [`Error::Held`] says that it did not end. On [`Error::Unclosed`] the process should end.
    /// Dropping the future ends its connection.
    pub async fn acquire(mut self, owner_wait: Duration) -> Result<Owner, Error> {
        let mut backoff = Backoff::new();
        let mut held_since = None;
        let mut log = LogOnce::default();
        loop {
            let error = match self.connect_and_claim().await {
                Ok((connection, found)) => {
                    info!(queue = self.settings.names.owner, "namespace claimed");
                    return Ok(Owner { claim: self, connection, found });
                }
                Err(error @ Error::Unclosed { .. }) => return Err(error),
                Err(error) => error,
            };
            let failure = error.failure(&self.endpoint.address());
            let is_new = log.is_new(&failure);
            self.status.send_modify(|status| {
                status.phase = match error {
                    Error::Held(_) => Phase::NotOwner,
                    _ => Phase::Connecting,
                };
                status.last_error = Some(failure.clone());
            });
            let pause = if let Error::Held(queue) = &error {
                let since: Instant = *held_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= owner_wait {
                    return Err(error);
                }
                if is_new {
                    info!(queue, ?owner_wait, "another processor owns the namespace: waiting");
                }
                limits::OWNER_PAUSE
            } else {
                if is_new {
                    let reason = failure.kind.as_str();
                    warn!(reason, error = failure.detail, "cannot reach the broker: trying again");
                }
                self.endpoint.try_next();
                backoff.next_pause()
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn connect_and_claim(&self) -> Result<(Connection, Found), Error> {
        let name = setup::consumer_name(&self.settings);
        let connection = Connection::open(&self.endpoint, name).await?;
        match self.claim_and_read(&connection).await {
            Ok(found) => Ok((connection, found)),
            Err(error) => {
                connection.close().await?;
                Err(error)
            }
        }
    }

    async fn claim_and_read(&self, connection: &Connection) -> Result<Found, Error> {
        let names = &self.settings.names;
        owner::claim(connection, &names.owner).await?;
        let mark = mark::read(connection, &names.mark).await?;
        let has_journal = is_there(connection, &names.journal).await?;
        let of_first = names.journal_of_partition(0);
        let partitions_have_journals = is_there(connection, &of_first).await?;
        Ok(Found { mark, has_journal, partitions_have_journals })
    }
}

/// Whether a queue exists.
async fn is_there(connection: &Connection, queue: &str) -> Result<bool, Error> {
    match topology::depth(connection, queue).await {
        Ok(_) => Ok(true),
        Err(Error::Missing(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

impl Claim {
    /// Starts the driver as [`Owner::link`] does, without claiming `NS.owner`: who of several processes owns is decided
    /// elsewhere, and the broker delivers commands to one of them at a time ([`Status::delivering`]). Until the intake is
    /// read, the first deliveries wait, unacknowledged.
    pub fn link_without_owner(self) -> Link {
        self.start(Ownership::Shared, None)
    }

    fn start(self, ownership: Ownership, first: Option<Connection>) -> Link {
        let Self { settings, endpoint, status: status_sender } = self;
        let (publisher, channels) = publisher(EVENT_CHANNELS);
        let (acks, ack_receiver) = acks();
        let (control, control_receiver) = control();
        let (intake_sender, intake) = mpsc::channel(INTAKE_DEPTH);
        // Failures from before the namespace was claimed are of no interest any more.
        status_sender.send_replace(Status::default());
        let status = status_sender.subscribe();
        let (connections, channel_connections) = watch::channel(None);
        let missing = Arc::new(Notify::new());
        let mut tasks = ChannelTasks::default();
        for channel in channels {
            let (kind, connections) = (channel.kind, channel_connections.clone());
            tasks.spawn(kind, publish_channel::run(channel, connections, Arc::clone(&missing)));
        }
        let ends = link_state::LinkEnds {
            intake: intake_sender.clone(),
            acks: ack_receiver,
            control: control_receiver,
            status: status_sender.clone(),
            connections,
            channels: tasks,
            missing,
        };
        let supervisor = Supervisor::new(settings, endpoint, ownership, ends);
        spawn_driver(status_sender, intake_sender, supervisor.run(first));
        Link { intake, acks, publisher, control, status }
    }
}

impl Owner {
    /// The newest message of `NS.mark` when the namespace was claimed: what an earlier processor published to
    /// [`Names::mark`](super::Names::mark) last.
    pub fn mark(&self) -> Option<&Bytes> {
        self.found.mark.as_ref()
    }

    /// Whether the namespace had a journal that several members share, when it was claimed.
    pub const fn has_journal(&self) -> bool {
        self.found.has_journal
    }

    /// Whether the first of several partitions of the namespace had one.
    pub const fn partitions_have_journals(&self) -> bool {
        self.found.partitions_have_journals
    }

    /// Gives the namespace up again. The error: its connection did not end.
    pub async fn give_up(self) -> Result<(), Error> {
        self.connection.close().await
    }

    /// Starts the driver on the current tokio runtime, which should have threads of its own: it
    /// must go on while the pipeline computes.
    pub fn link(self) -> Link {
        self.claim.start(Ownership::Exclusive, Some(self.connection))
    }
}
