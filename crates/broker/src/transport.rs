//! The seam between the broker and everything behind it: channels, of which `RabbitMQ` and the
//! in-process broker are two drivers.
//!
//! Invariants that every driver keeps:
//!
//! 1. Delivery tags belong to a *generation*. [`Intake::Up`] opens one, [`Intake::Down`] ends it;
//!    in between, tags grow. What is unacknowledged at the end is delivered again under a later
//!    generation. An ack of an earlier generation is dropped.
//! 2. Batches hold whatever had arrived, so the reader wakes once a batch, not once a message;
//!    while it is busy the next batch grows, up to [`MAX_BATCH`].
//! 3. A confirm is [`Confirm::Acked`](super::Confirm::Acked) only when the broker took charge of
//!    the message; everything uncertain is `Lost`.

use std::fmt;

use tokio::sync::{mpsc, oneshot, watch};

use super::{Message, Publisher};

/// Deliveries in one [`Intake::Batch`], at most.
pub const MAX_BATCH: usize = 512;

/// Batches that may wait for the reader. Small: while they wait, the next one grows behind them.
pub(crate) const INTAKE_DEPTH: usize = 4;

/// A message that a queue handed to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The channel it came on; its tag means nothing on another.
    pub generation: u64,
    /// Names the delivery in an ack; grows within a generation.
    pub tag: u64,
    /// The broker has delivered the message before.
    pub redelivered: bool,
    /// What was delivered.
    pub message: Message,
}

/// What a driver reports about the command queue, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intake {
    /// Consuming, on a new channel.
    Up {
        /// The generation of the deliveries that follow.
        generation: u64,
        /// Messages that were ready in the command queue just before consuming began: once that
        /// many have been delivered, whatever was sent while we were away has been seen.
        queued: u64,
    },
    /// Deliveries in the order of their tags; never empty.
    Batch(Vec<Delivery>),
    /// [`Control::pause`] took effect: no batch follows until [`Intake::Resumed`]. Deliveries in
    /// hand may still be acknowledged.
    Paused {
        /// The current generation, which goes on.
        generation: u64,
    },
    /// [`Control::resume`] took effect.
    Resumed {
        /// The current generation.
        generation: u64,
    },
    /// The channel is gone, and with it every unacknowledged tag of its generation.
    Down {
        /// The generation that ended.
        generation: u64,
        /// Why, for the log.
        reason: String,
    },
}

/// One acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// The generation of the delivery. An ack of an earlier generation is dropped: on the new channel
    /// the same tag is another message or none, and the broker closes a channel that acknowledges an
    /// unknown tag.
    pub generation: u64,
    /// The tag of the delivery, or of the last of several.
    pub tag: u64,
    /// How many deliveries the ack settles.
    pub reach: Reach,
}

/// How many deliveries an [`Ack`] settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The named delivery only.
    One,
    /// The named delivery and all before it (AMQP `multiple`).
    UpTo,
}

/// Sends acknowledgements; never waits.
///
/// The queue behind it holds an ack for each delivery at most, so the prefetch bounds it.
#[derive(Debug, Clone)]
pub struct AckSender(mpsc::UnboundedSender<Vec<Ack>>);

impl AckSender {
    /// Hands over `acks`; after the link closed it does nothing.
    pub fn send(&self, acks: Vec<Ack>) {
        if !acks.is_empty() {
            let _ = self.0.send(acks);
        }
    }
}

pub(crate) type AckReceiver = mpsc::UnboundedReceiver<Vec<Ack>>;

pub(crate) fn acks() -> (AckSender, AckReceiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (AckSender(sender), receiver)
}

/// What a driver hands out: all that the pipeline sees of a broker.
///
/// The driver closes when every clone of its [`Control`] is dropped. A driver that ends by itself
/// says why in [`Status::last_error`], then [`Link::intake`] ends: a connection could not be ended,
/// or a task of the driver panicked. The process should end then.
#[derive(Debug)]
pub struct Link {
    /// Deliveries and what became of the channel they came on. Bounded: while nobody reads, the
    /// driver takes nothing more from the broker than the prefetch.
    pub intake: mpsc::Receiver<Intake>,
    /// Acknowledgements of those deliveries.
    pub acks: AckSender,
    /// Publishing with confirms.
    pub publisher: Publisher,
    /// Pausing and closing.
    pub control: Control,
    /// For readiness and metrics.
    pub status: watch::Receiver<Status>,
}

/// The state of a driver.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The stage of getting connected.
    pub phase: Phase,
    /// How often a connection was made again after one was lost.
    pub reconnects: u64,
    /// The generation of the latest channel; 0 before the first.
    pub generation: u64,
    /// Why the broker takes no publishes now (memory or disk alarm); `None` while it does.
    pub blocked: Option<String>,
    /// The broker has delivered something on the current channel: where several processes consume, this is the one that gets
    /// the commands. The in-process broker does not say.
    pub delivering: bool,
    /// Consuming is switched off.
    pub paused: bool,
    /// Messages that are ready in the command queue, as counted last. The in-process broker does not count them.
    pub queued: u64,
    /// Queues and exchanges that exist with other properties than the configuration asks for, in the
    /// broker's words. They are used as they are.
    pub differences: Vec<String>,
    /// The latest failure; `None` once connected.
    pub last_error: Option<Failure>,
}

/// Why there is no connection to work with. Names host and port of the broker, never credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What a person would mend.
    pub kind: FailureKind,
    /// One line for people.
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail)
    }
}

/// The kinds of failure that are mended in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The host name has no address: the URL, or the name server.
    UnresolvedHost,
    /// Nothing listens on the port: the broker is down, or the port is wrong.
    ConnectionRefused,
    /// The host cannot be reached: the network.
    Unreachable,
    /// An answer did not come in time.
    TimedOut,
    /// TLS: the certificate, its authority, or a port without TLS.
    Tls,
    /// User name or password.
    LoginRefused,
    /// The virtual host does not exist.
    VhostMissing,
    /// The user may not use the virtual host.
    VhostRefused,
    /// What answers is no AMQP broker: another port or host.
    NoBroker,
    /// The AMQP handshake failed in another way.
    Handshake,
    /// Another processor holds the namespace.
    NamespaceHeld,
    /// A queue or exchange is missing or cannot be declared.
    Topology,
    /// A connection that was in use ended.
    ConnectionLost,
    /// A task of the driver panicked: a bug. The driver ends, and the process with it.
    DriverPanicked,
}

impl FailureKind {
    /// The kind's name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnresolvedHost => "unresolved_host",
            Self::ConnectionRefused => "connection_refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Tls => "tls",
            Self::LoginRefused => "login_refused",
            Self::VhostMissing => "vhost_missing",
            Self::VhostRefused => "vhost_refused",
            Self::NoBroker => "no_broker",
            Self::Handshake => "handshake",
            Self::NamespaceHeld => "namespace_held",
            Self::Topology => "topology",
            Self::ConnectionLost => "connection_lost",
            Self::DriverPanicked => "driver_panicked",
        }
    }
}

impl Status {
    /// True when commands are consumed and events can be published.
    pub fn connected(&self) -> bool {
        self.phase == Phase::Up
    }
}

/// The stages of getting connected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Phase {
    /// There is no connection, or its handshake is not finished.
    #[default]
    Connecting,
    /// Connected, but another processor holds the namespace (`NS.owner`).
    NotOwner,
    /// Connected, but these queues and exchanges do not exist and may not be declared.
    Missing(Vec<String>),
    /// Consuming and publishing.
    Up,
    /// Closed for good.
    Closed,
}

/// Steers a driver.
#[derive(Debug, Clone)]
pub struct Control(mpsc::Sender<Request>);

/// A steering request, as drivers see it.
#[derive(Debug)]
pub(crate) enum Request {
    Pause,
    Resume,
    PassOn,
    Close(oneshot::Sender<()>),
}

/// Requests that may wait; they are few and answered at once.
const CONTROL_DEPTH: usize = 16;

pub(crate) type ControlReceiver = mpsc::Receiver<Request>;

pub(crate) fn control() -> (Control, ControlReceiver) {
    let (sender, receiver) = mpsc::channel(CONTROL_DEPTH);
    (Control(sender), receiver)
}

impl Control {
    /// Stops consuming, now and after any reconnect, until [`resume`](Self::resume). What had
    /// arrived is still delivered, then [`Intake::Paused`] follows. Acks go on working.
    pub async fn pause(&self) {
        let _ = self.0.send(Request::Pause).await;
    }

    /// Consumes again.
    pub async fn resume(&self) {
        let _ = self.0.send(Request::Resume).await;
    }

    /// Leaves the messages that were delivered, and those that come, to another consumer of the queue, if there is one, and consumes
    /// again behind it: as after a reconnect. Does not wait.
    pub fn pass_on(&self) {
        let _ = self.0.try_send(Request::PassOn); // a driver that is asked for much more has other work
    }

    /// Closes the driver: acks handed over before are sent, then the connections are closed.
    /// Publishes that are not confirmed yet become `Lost`, so flush them first.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.0.send(Request::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}
