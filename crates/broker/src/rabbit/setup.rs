//! Making a pair of connections and all that a session needs: the namespace, the topology.
//!
//! Invariant: a set-up that fails closes every connection that it made or was given.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::warn;

use super::{
    super::{Phase, Settings, Status},
    Error,
    connection::{Connection, Events, close_all, events},
    endpoint::Endpoint,
    limits, owner,
    topology::survey,
};

/// The consuming connection's name in the broker's list.
pub(super) fn consumer_name(settings: &Settings) -> String {
    format!("{} consume", settings.names.queue)
}

/// Both connections, with the namespace claimed and everything in place.
pub(super) struct Connected {
    pub(super) consuming: Connection,
    pub(super) publishing: Connection,
    /// Watches the publishing connection from its first moment.
    pub(super) blocking: Events,
}

/// Whether the process claims `NS.owner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ownership {
    /// It is the only processor of the namespace, by `NS.owner`.
    Exclusive,
    /// Who of several processes owns is decided elsewhere. The command queue has one active consumer at a time.
    Shared,
}

/// Makes a [`Connected`]. Owns all that it needs, so that the supervisor can answer requests
/// meanwhile.
pub(super) struct SetUp {
    pub(super) settings: Arc<Settings>,
    pub(super) endpoint: Endpoint,
    pub(super) status: watch::Sender<Status>,
    pub(super) ownership: Ownership,
}

impl SetUp {
    /// Connects; `first`, if given, already holds the namespace, if that is to be held.
    pub(super) async fn connect(self, first: Option<Connection>) -> Result<Connected, Error> {
        let consuming = match first {
            Some(connection) => connection,
            None => self.connect_consuming().await?,
        };
        let name = format!("{} publish", self.settings.names.queue);
        let publishing = match Connection::open(&self.endpoint, name).await {
            Ok(publishing) => publishing,
            Err(error) => {
                consuming.close().await?;
                return Err(error);
            }
        };
        let blocking = events(&publishing);
        match self.wait_for_topology(&consuming).await {
            Ok(()) => Ok(Connected { consuming, publishing, blocking }),
            Err(error) => {
                close_all([&publishing, &consuming]).await?;
                Err(error)
            }
        }
    }

    /// The connection for consuming, which holds the namespace if that is to be held.
    async fn connect_consuming(&self) -> Result<Connection, Error> {
        let name = consumer_name(&self.settings);
        let connection = Connection::open(&self.endpoint, name).await?;
        if self.ownership == Ownership::Shared {
            return Ok(connection);
        }
        match self.claim(&connection).await {
            Ok(()) => Ok(connection),
            Err(error) => {
                connection.close().await?;
                Err(error)
            }
        }
    }

    /// Claims the namespace again. After a lost connection the holder may be that connection, until
    /// the broker misses its heartbeat; if the holder is another processor, that one goes on and
    /// this one waits.
    async fn claim(&self, connection: &Connection) -> Result<(), Error> {
        loop {
            match owner::claim(connection, &self.settings.names.owner).await {
                Err(error @ Error::Held(_)) => {
                    let failure = error.failure(&self.endpoint.address());
                    let before = replace_phase(&self.status, Phase::NotOwner);
                    self.status.send_modify(|status| status.last_error = Some(failure));
                    if before != Phase::NotOwner {
                        let queue = &self.settings.names.owner;
                        warn!(queue, "another connection owns the namespace: waiting");
                    }
                    tokio::time::sleep(limits::OWNER_PAUSE).await;
                }
                done => return done,
            }
        }
    }

    /// Waits until no queue and no exchange is missing.
    async fn wait_for_topology(&self, connection: &Connection) -> Result<(), Error> {
        loop {
            let survey = survey(connection, &self.settings).await?;
            let changed = self.status.send_if_modified(|status| {
                let changed = status.differences != survey.differences;
                status.differences.clone_from(&survey.differences);
                changed
            });
            if changed {
                for difference in &survey.differences {
                    warn!(difference, "a queue or exchange differs from ours: it is used as it is");
                }
            }
            if survey.missing.is_empty() {
                return Ok(());
            }
            let phase = Phase::Missing(survey.missing);
            let before = replace_phase(&self.status, phase.clone());
            if before != phase {
                warn!(?phase, "topology incomplete: waiting");
            }
            tokio::time::sleep(limits::TOPOLOGY_PAUSE).await;
        }
    }
}

/// Changes the phase; returns the one before.
fn replace_phase(status: &watch::Sender<Status>, phase: Phase) -> Phase {
    let mut before = phase;
    status.send_modify(|status| std::mem::swap(&mut status.phase, &mut before));
    before
}
