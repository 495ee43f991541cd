//! The processors of a process: one, or one for each partition of its namespace.
//!
//! With partitions the only process of a namespace holds `NS.owner`, too, as a process of a namespace without partitions does, and so
//! no such process can work beside it. The connection that holds it takes the commands that name no partition. The partitions of a
//! member of a cluster are in `members`.

use super::member::acquire;
use super::members::Members;
use super::start::{claim, read_mark, refuse_beside_journal};
use super::watch::{Shown, watch_broker};
use super::{Error, Observed, Processor};
use crate::config::{Config, store_of_partition};
use crate::pipeline::router::Router;
use futures_util::FutureExt as _;
use futures_util::future::{join_all, select_all, try_join, try_join_all};
use orderly_broker::rabbit::Owner;
use std::path::Path;
use std::time::Duration;

/// The processors of a process.
pub struct Processors(Kind);

enum Kind {
    /// They work until the process ends.
    Working(Vec<Processor>),
    /// Each works while this member owns its partition.
    Members(Members),
}

impl From<Processor> for Processors {
    fn from(processor: Processor) -> Self {
        Self(Kind::Working(vec![processor]))
    }
}

impl Processors {
    /// Starts on the configured stores and broker. Waits for a broker for as long as it takes, and for another processor
    /// of the namespace to go for `broker.owner_wait`. A member of a cluster waits until it owns; with partitions it follows them from
    /// then on.
    pub async fn start_configured(config: &Config, observed: &Observed) -> Result<Self, Error> {
        check_layout(config)?;
        if !config.cluster.partitions().are_several() {
            return Ok(Processor::start_configured(config, observed).await?.into());
        }
        if config.cluster.is_standby() {
            let members = Box::pin(Members::start(config, observed)).await?;
            return Ok(Self(Kind::Members(members)));
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
        Ok(Self(Kind::Working(processors)))
    }

    /// Waits until one of them ends, since it cannot go on.
    pub async fn ended(&mut self) -> Result<(), Error> {
        match &mut self.0 {
            Kind::Working(processors) if processors.is_empty() => Ok(()),
            Kind::Working(processors) => {
                let ended = processors.iter_mut().map(|processor| Box::pin(processor.ended()));
                select_all(ended).await.0
            }
            Kind::Members(members) => members.ended().await,
        }
    }

    /// Stops all of them, each within `grace`. The error is that of the first one that failed.
    pub async fn stop(&mut self, grace: Duration) -> Result<(), Error> {
        match &mut self.0 {
            Kind::Working(processors) => {
                let stopping = processors.iter_mut().map(|processor| processor.stop(grace));
                join_all(stopping).await.into_iter().collect()
            }
            Kind::Members(members) => members.stop(grace).await,
        }
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
pub(super) fn beside_the_partitions(observed: &Observed) -> Shown {
    Shown { metrics: None, ..observed.shown() }
}

/// Claims the queue of a namespace without partitions.
async fn claim_namespace(config: &Config, observed: &Observed) -> Result<Owner, Error> {
    let owner = acquire(config, beside_the_partitions(observed)).await?;
    refuse_beside_journal(&owner, config)?;
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
