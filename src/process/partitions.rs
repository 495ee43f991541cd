//! The processors of a process: one, or one for each partition of its namespace.
//!
//! With partitions the process holds `NS.owner`, too, as a process of a namespace without partitions does, and so no such process can
//! work beside it. The connection that holds it takes the commands that name no partition.

use super::start::{claim, read_mark};
use super::watch::{Shown, watch_broker};
use super::{Error, Observed, Processor, broker_settings};
use crate::config::{Config, store_of_partition};
use crate::pipeline::router::Router;
use futures_util::FutureExt as _;
use futures_util::future::{join_all, select_all, try_join, try_join_all};
use orderly_broker::rabbit::{Claim, Owner};
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinSet;

/// The processors of a process.
pub struct Processors(Vec<Processor>);

impl From<Processor> for Processors {
    fn from(processor: Processor) -> Self {
        Self(vec![processor])
    }
}

impl Processors {
    /// Starts on the configured stores and broker. Waits for a broker for as long as it takes, and for another processor
    /// of the namespace to go for `broker.owner_wait`.
    pub async fn start_configured(config: &Config, observed: &Observed) -> Result<Self, Error> {
        check_layout(config)?;
        if !config.cluster.partitions().are_several() {
            return Ok(Processor::start_configured(config, observed).await?.into());
        }
        let all = config.of_partitions();
        let both = || all.iter().zip(&observed.partitions);
        // boxed: a store's parts make each of them large
        let claims = both().map(|(config, shows)| Box::pin(claim(config, shows)));
        let (owner, claimed) =
            try_join(claim_namespace(config, observed), try_join_all(claims)).await?;
        let before = read_mark(owner.mark(), config)?;
        let starting = both().zip(claimed).map(|((config, shows), claimed)| {
            Box::pin(Processor::start_claimed(claimed, before.clone(), config, shows))
        });
        let mut processors = try_join_all(starting).await?;
        if let Some(first) = processors.first_mut() {
            first.route(owner, config, observed);
        }
        Ok(Self(processors))
    }

    /// Waits until one of them ends, since it cannot go on.
    pub async fn ended(&mut self) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let ended = self.0.iter_mut().map(|processor| Box::pin(processor.ended()));
        select_all(ended).await.0
    }

    /// Stops all of them, each within `grace`. The error is that of the first one that failed.
    pub async fn stop(&mut self, grace: Duration) -> Result<(), Error> {
        let stopping = self.0.iter_mut().map(async |processor| {
            processor.handle.clone().stop(grace).await;
            processor.ended().await
        });
        join_all(stopping).await.into_iter().collect()
    }
}

impl Processor {
    /// Sends the commands that name no partition on, as long as this processor works.
    fn route(&mut self, owner: Owner, config: &Config, observed: &Observed) {
        let link = owner.link();
        let workers = &self.pipeline.workers;
        let broker = watch_broker(link.status.clone(), beside_the_partitions(observed));
        self.watchers.push(workers.spawn("readiness", broker.map(Ok)));
        let (degraded, metrics) = (&observed.degraded, observed.metrics.clone());
        let router = Router::new(link, workers, config, degraded, metrics);
        self.watchers.push(workers.spawn("router", router.run()));
    }
}

/// The metrics show the links of the partitions.
fn beside_the_partitions(observed: &Observed) -> Shown {
    Shown { metrics: None, ..observed.shown() }
}

/// Claims the queue of a namespace without partitions.
async fn claim_namespace(config: &Config, observed: &Observed) -> Result<Owner, Error> {
    let claim = Claim::new(broker_settings(config))?;
    let mut watcher = JoinSet::new(); // dropping the set ends the task
    watcher.spawn(watch_broker(claim.status(), beside_the_partitions(observed)));
    let owner = tokio::select! {
        owner = claim.acquire(config.broker.owner_wait.get()) => owner?,
        Some(Err(panicked)) = watcher.join_next() => return Err(Error::Start(panicked.into())),
    };
    if owner.has_journal() {
        let queue = config.names().journal;
        return Err(Error::HasJournal { queue });
    }
    Ok(owner)
}

/// Refuses stores of another number of partitions where the configured ones would be made beside them. That a store is of this
/// number is looked at when it is opened.
fn check_layout(config: &Config) -> Result<(), Error> {
    let is_store = |path: &Path| path.join("db").is_file();
    let (path, partitions) = (&config.store.path, config.cluster.partitions);
    let shown = || path.display().to_string();
    if config.cluster.partitions().are_several() {
        if is_store(path) {
            return Err(Error::HasNoPartitions { path: shown(), partitions: partitions.get() });
        }
    } else if !is_store(path) && is_store(&store_of_partition(path, 0)) {
        return Err(Error::HasPartitions { path: shown() });
    }
    Ok(())
}
