//! The partitions of a member of a cluster: it follows the journal of each, and processes the commands of those that it owns.
//!
//! A partition that this member leaves, or loses to another member, ends here and is followed again by the same process: its
//! pipeline ends, its store is closed, and it begins as after a start. So the other partitions of the process go on. What ends a
//! process without partitions otherwise, ends this one, too.
//!
//! Commands that name no partition come to one of the members, which the broker chooses: every member consumes their queue, of which
//! one consumer is active.

use super::member::{name, wait_for_single};
use super::partitions::beside_the_partitions;
use super::sharing::share;
use super::store::close_store;
use super::watch::watch_broker;
use super::{Error, Observed, Processor, Shows, broker_settings};
use crate::config::Config;
use crate::pipeline;
use crate::pipeline::router::Router;
use crate::pipeline::workers::{Watch, Workers};
use futures_util::FutureExt as _;
use orderly_broker::rabbit::Claim;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};

/// All partitions of a member.
pub(super) struct Members {
    partitions: JoinSet<Result<(), Error>>,
    /// Tells them to stop within this time.
    stop: watch::Sender<Option<Duration>>,
    /// Tells of the router, and of what shares the partitions out.
    others: Watch,
    workers: Workers,
}

impl Drop for Members {
    fn drop(&mut self) {
        self.workers.abort();
    }
}

impl Members {
    /// Starts to follow all partitions. Waits for a broker for as long as it takes, and for the only process of the namespace
    /// (`cluster.mode = "single"`) to go for `broker.owner_wait`.
    pub(super) async fn start(config: &Config, observed: &Observed) -> Result<Self, Error> {
        wait_for_single(config, beside_the_partitions(observed)).await?;
        let (workers, others) = Workers::new();
        route(&workers, config, observed)?;
        let clusters = observed.cluster.parts().to_vec();
        workers.spawn("sharing", share(name(config), clusters).map(Ok));
        let (stop, stopping) = watch::channel(None);
        let mut partitions = JoinSet::new();
        for (config, shows) in config.of_partitions().into_iter().zip(&observed.partitions) {
            let partition = Partition { config, shows: shows.clone(), stopping: stopping.clone() };
            partitions.spawn(partition.run());
        }
        Ok(Self { partitions, stop, others, workers })
    }

    /// Waits until one of them ends, since it cannot go on.
    pub(super) async fn ended(&mut self) -> Result<(), Error> {
        tokio::select! {
            Some(ended) = self.partitions.join_next() => joined(ended),
            failed = self.others.failed() => Err(failed.into()),
        }
    }

    /// Stops all of them, each within `grace`. The error is that of the first one that failed.
    pub(super) async fn stop(&mut self, grace: Duration) -> Result<(), Error> {
        self.stop.send_replace(Some(grace));
        let mut result = Ok(());
        while let Some(ended) = self.partitions.join_next().await {
            result = result.and(joined(ended));
        }
        result
    }
}

fn joined(ended: Result<Result<(), Error>, tokio::task::JoinError>) -> Result<(), Error> {
    ended.unwrap_or_else(|panicked| Err(Error::Start(panicked.into())))
}

/// Sends the commands on that name no partition, those that the broker gives to this member.
fn route(workers: &Workers, config: &Config, observed: &Observed) -> Result<(), Error> {
    let link = Claim::new(broker_settings(config))?.link_without_owner();
    let broker = watch_broker(link.status.clone(), beside_the_partitions(observed));
    workers.spawn("readiness", broker.map(Ok));
    let (degraded, metrics) = (&observed.degraded, observed.metrics.clone());
    let router = Router::new(link, workers, config, degraded, metrics);
    workers.spawn("router", router.run());
    Ok(())
}

/// One partition, which this member follows or owns.
struct Partition {
    config: Config,
    shows: Shows,
    stopping: watch::Receiver<Option<Duration>>,
}

/// Why a partition does not go on as it is.
enum Change {
    /// The process ends.
    Stop,
    /// Another member owns it, or is to own it: this one follows.
    Follow,
}

impl Partition {
    /// Follows and works, by turns, until it is told to stop. Returns before only when it cannot go on.
    async fn run(mut self) -> Result<(), Error> {
        loop {
            match self.follow_and_work().await? {
                Change::Stop => return Ok(()),
                Change::Follow => self.let_go().await?,
            }
        }
    }

    async fn follow_and_work(&mut self) -> Result<Change, Error> {
        let Self { config, shows, stopping } = self;
        shows.cluster.forget_step_down(); // what was asked before was about an ownership that is over
        let mut processor = tokio::select! {
            // boxed: the store's parts make it large
            started = Box::pin(Processor::start_member(config, shows)) => match started {
                Err(error) => return fenced(error, config),
                Ok(processor) => processor,
            },
            _ = stop_asked(stopping) => return Ok(Change::Stop),
        };
        let result = tokio::select! {
            ended = processor.ended() => match ended {
                Err(error) => fenced(error, config),
                Ok(()) => Ok(Change::Stop),
            },
            grace = stop_asked(stopping) => processor.stop(grace).await.map(|()| Change::Stop),
            () = shows.cluster.step_down_asked() => {
                tracing::info!(partition = config.partition(), "leaves the partition to another member");
                let grace = config.shutdown.grace.get();
                match processor.stop(grace).await {
                    Err(error) => fenced(error, config),
                    Ok(()) if stopping.borrow().is_some() => Ok(Change::Stop),
                    Ok(()) => Ok(Change::Follow),
                }
            }
        };
        processor.abort();
        result
    }

    /// Closes the store, and shows nothing more of the time when this member owned.
    async fn let_go(&self) -> Result<(), Error> {
        let Self { config, shows, .. } = self;
        shows.let_go();
        let path = config.store.path.clone();
        let closing = spawn_blocking(move || close_store(&path));
        closing.await.map_err(|panicked| Error::Start(panicked.into()))?
    }
}

/// Returns when the process was told to stop, with the time that it has.
async fn stop_asked(stopping: &mut watch::Receiver<Option<Duration>>) -> Duration {
    let asked = stopping.wait_for(Option::is_some).await.map(|asked| *asked);
    match asked {
        Ok(Some(grace)) => grace,
        // nobody can tell it any more: the process ends
        Ok(None) | Err(_) => std::future::pending().await,
    }
}

/// A partition that another member has come to own is followed. Every other error ends the process.
fn fenced(error: Error, config: &Config) -> Result<Change, Error> {
    match error {
        Error::Pipeline(fenced @ pipeline::Error::Fenced { .. }) => {
            tracing::warn!(partition = config.partition(), %fenced, "follows the partition again");
            Ok(Change::Follow)
        }
        error => Err(error),
    }
}
