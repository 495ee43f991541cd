//! Connecting to a node of the broker that has the stream, one node after the other.

use std::{sync::Arc, time::Duration};

use lapin::{
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable, ShortString},
};
use tokio::time::timeout;
use tracing::{info, warn};

use super::{
    super::{
        super::TopologyMode,
        Endpoint, Error, LogOnce, Settings,
        connection::Connection,
        error::{Refusal, chain, refusal},
        inspect::Made,
        limits::with_timeout,
    },
    Options, Shared,
};

/// How long a node may take to be of use. Short: there are others, and a node that is frozen accepts connections.
const SET_UP: Duration = Duration::from_secs(5);

/// The pause before the next node is tried.
const PAUSE: Duration = Duration::from_millis(200);

/// Where one connection of a stream leads.
pub(super) struct Site {
    pub(super) options: Shared,
    endpoint: Endpoint,
    topology: TopologyMode,
    /// The connection's name in the broker's list.
    name: String,
    log: LogOnce,
}

impl Site {
    pub(super) fn new(
        settings: &Settings,
        options: &Options,
        role: &'static str,
    ) -> Result<Self, Error> {
        Ok(Self {
            options: Arc::new(options.clone()),
            endpoint: Endpoint::new(settings)?,
            topology: settings.topology,
            name: format!("{} {role}", options.name),
            log: LogOnce::default(),
        })
    }

    /// Connects to one node after the other until one has the stream.
    pub(super) async fn connect(&mut self) -> Result<Connection, Error> {
        loop {
            match self.try_connect().await {
                Ok(connection) => {
                    info!(
                        connection = self.name,
                        address = %self.endpoint.address(),
                        "connected to the stream of the journal"
                    );
                    return Ok(connection);
                }
                Err(error @ Error::Unclosed { .. }) => return Err(error),
                Err(error) => self.note(&error),
            }
            self.go_on().await;
        }
    }

    /// Goes on to the next node, after a pause.
    pub(super) async fn go_on(&mut self) {
        self.endpoint.try_next();
        tokio::time::sleep(PAUSE).await;
    }

    /// Logs what went wrong, once.
    pub(super) fn note(&mut self, error: &Error) {
        let failure = error.failure(&self.endpoint.address());
        if self.log.is_new(&failure) {
            let (connection, reason) = (&self.name, failure.kind.as_str());
            warn!(
                connection,
                reason,
                error = failure.detail,
                "the stream of the journal: trying again"
            );
        }
    }

    async fn try_connect(&self) -> Result<Connection, Error> {
        // a set-up that is given up ends its connection
        let opening = timeout(SET_UP, Connection::open(&self.endpoint, self.name.clone()));
        let connection = opening.await.unwrap_or(Err(Error::Timeout("connecting")))?;
        let declaring = timeout(SET_UP, self.declare(&connection));
        let declared = declaring.await.unwrap_or(Err(Error::Timeout("declaring the stream")));
        match declared {
            Ok(()) => Ok(connection),
            Err(error) => {
                connection.close().await?;
                Err(error)
            }
        }
    }

    /// Makes sure that the stream exists, as the topology's mode allows. One that exists is used as it is.
    async fn declare(&self, connection: &Connection) -> Result<(), Error> {
        match self.ask(connection, true, FieldTable::default()).await? {
            Ok(()) => Ok(()),
            Err(error) if refusal(&error) == Refusal::NotFound => match self.topology {
                TopologyMode::Declare => {
                    let made = self.ask(connection, false, arguments(&self.options)).await?;
                    made.map_err(|source| self.refused(source))
                }
                TopologyMode::Verify => {
                    Err(Error::Missing(format!("stream {}", self.options.name)))
                }
            },
            Err(source) => Err(self.refused(source)),
        }
    }

    /// How the stream was made, if it is there. To declare what is there with other arguments is refused, and the broker says
    /// why.
    pub(super) async fn made(&self, connection: &Connection) -> Result<Made, Error> {
        match self.ask(connection, true, FieldTable::default()).await? {
            Ok(()) => {}
            Err(error) if refusal(&error) == Refusal::NotFound => return Ok(Made::Missing),
            Err(source) => return Err(self.refused(source)),
        }
        match self.ask(connection, false, arguments(&self.options)).await? {
            Ok(()) => Ok(Made::AsConfigured),
            Err(error) if refusal(&error) == Refusal::Precondition => {
                Ok(Made::Otherwise(chain(&error)))
            }
            Err(source) => Err(self.refused(source)),
        }
    }

    fn refused(&self, source: lapin::Error) -> Error {
        Error::Declare { name: format!("stream {}", self.options.name), source }
    }

    /// Declares, on a channel of its own, which a refusal closes.
    async fn ask(
        &self,
        connection: &Connection,
        passive: bool,
        arguments: FieldTable,
    ) -> Result<Result<(), lapin::Error>, Error> {
        let channel = connection.open_channel().await?;
        let options = QueueDeclareOptions { passive, durable: true, ..Default::default() };
        let name: ShortString = self.options.name.as_str().into();
        let declaring = channel.queue_declare(name, options, arguments);
        let declared = with_timeout("declaring the stream", declaring).await?;
        if declared.is_ok() {
            let _ = with_timeout("closing", channel.close(200, "declared".into())).await?;
        }
        Ok(declared.map(|_| ()))
    }
}

/// What a stream is declared with.
fn arguments(options: &Options) -> FieldTable {
    let text = |text: &str| AMQPValue::LongString(text.into());
    let count = |count: u64| AMQPValue::LongLongInt(i64::try_from(count).unwrap_or(i64::MAX));
    let mut arguments = FieldTable::default();
    for (name, value) in [
        ("x-queue-type", text("stream")),
        ("x-initial-cluster-size", count(options.replicas.into())),
        ("x-queue-leader-locator", text("least-leaders")),
        ("x-max-length-bytes", count(options.retention)),
        ("x-stream-max-segment-size-bytes", count(options.segment)),
    ] {
        arguments.insert(name.into(), value);
    }
    arguments
}
