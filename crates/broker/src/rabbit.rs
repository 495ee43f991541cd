//! The `RabbitMQ` driver.
//!
//! One supervisor task owns the connections: one to consume, one to publish, so that a broker
//! that holds publishers back holds back neither deliveries nor acks. Whenever a channel or a
//! connection breaks, both are given up and everything is built anew under a new generation:
//! one path for every failure.
//!
//! | module | holds |
//! |---|---|
//! | `endpoint` | where the broker is, TLS, connecting |
//! | `owner` | the exclusive queue of the one processor |
//! | `topology` | queues, exchanges, bindings |
//! | `supervisor` | connecting again and again, with backoff |
//! | `session` | consuming, acks, pausing, on one pair of connections |
//! | `lane` | publishing on one channel |
//! | `publish` | batches and their confirms |
//! | `unreadable` | setting aside what lapin cannot read |
//! | `wire` | between our messages and lapin's |

pub(super) mod endpoint;
pub(super) mod error;
mod lane;
mod owner;
pub(super) mod publish;
mod session;
mod supervisor;
mod topology;
mod unreadable;
pub(super) mod wire;

use std::{sync::Arc, time::Duration};

use lapin::Connection;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};
use tracing::{info, warn};

use self::{
    endpoint::Endpoint,
    error::{Told, chain},
    supervisor::{Supervisor, pauses_between_connects},
};
use super::{
    Link, Settings, Status,
    publisher::publisher,
    transport::{INTAKE_DEPTH, acks, control},
};

pub use error::Error;

/// Publishing channels for events. The broker holds a channel back at 32 messages that its queues
/// have not confirmed; two keep both the broker and us busy, more bring nothing.
const EVENT_LANES: usize = 2;

/// Pause between two looks at a namespace that somebody else holds.
const OWNER_PAUSE: Duration = Duration::from_millis(500);

/// The right to process the namespace, held from here on for as long as the connection lives.
#[derive(Debug)]
pub struct Owner {
    settings: Arc<Settings>,
    endpoint: Endpoint,
    connection: Connection,
}

/// Claims the namespace: the first step of `serve`, before the store is opened.
///
/// Waits as long as it takes for a broker to answer, and up to `patience` for another processor
/// to go; [`Error::Held`] says that it did not. Settings that cannot work are errors at once.
pub async fn acquire_owner(settings: Settings, patience: Duration) -> Result<Owner, Error> {
    let endpoint = Endpoint::new(&settings)?;
    let mut backoff = pauses_between_connects();
    let mut held_since = None;
    let mut told = Told::default();
    loop {
        let claimed = connect_and_claim(&endpoint, &settings).await;
        let error = match claimed {
            Ok(connection) => {
                info!(queue = settings.names.owner, "namespace claimed");
                return Ok(Owner { settings: Arc::new(settings), endpoint, connection });
            }
            Err(error) => error,
        };
        let pause = if let Error::Held(queue) = &error {
            let since: Instant = *held_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= patience {
                return Err(error);
            }
            if told.is_news(&error) {
                info!(queue, ?patience, "another processor holds the namespace: waiting");
            }
            OWNER_PAUSE
        } else {
            if told.is_news(&error) {
                warn!(error = chain(&error), "no broker yet: trying again");
            }
            backoff.next()
        };
        tokio::time::sleep(pause).await;
    }
}

async fn connect_and_claim(endpoint: &Endpoint, settings: &Settings) -> Result<Connection, Error> {
    let connection = endpoint.connect(session::consumer_name(settings)).await?;
    match owner::claim(&connection, &settings.names.owner).await {
        Ok(()) => Ok(connection),
        Err(error) => {
            endpoint::close(&connection).await;
            Err(error)
        }
    }
}

impl Owner {
    /// Starts the driver on the current tokio runtime, which should have threads of its own: it
    /// must go on while the pipeline computes.
    pub fn link(self) -> Link {
        let (publisher, lanes) = publisher(EVENT_LANES);
        let (acks, ack_receiver) = acks();
        let (control, control_receiver) = control();
        let (intake_sender, intake) = mpsc::channel(INTAKE_DEPTH);
        let (status_sender, status) = watch::channel(Status::default());
        let (connections, lane_connections) = watch::channel(None);
        let missing = Arc::new(Notify::new());
        for lane in lanes {
            let connections = lane_connections.clone();
            tokio::spawn(lane::run(lane, connections, Arc::clone(&missing)));
        }
        let supervisor = Supervisor::new(
            self.settings,
            self.endpoint,
            supervisor::Ends {
                intake: intake_sender,
                acks: ack_receiver,
                control: control_receiver,
                status: status_sender,
                connections,
                missing,
            },
        );
        tokio::spawn(supervisor.run(self.connection));
        Link { intake, acks, publisher, control, status }
    }

    /// Gives the namespace back without having processed anything.
    pub async fn release(self) {
        endpoint::close(&self.connection).await;
    }
}
