//! Starting a processor on the configured store and broker.
//!
//! The order: the store is opened for reading and answers queries as soon as no other process has the store open, with or
//! without a broker. Meanwhile the namespace is claimed. Nothing is written and nothing is processed before the namespace
//! is ours.

use super::store::{open_after, read_ahead};
use super::watch::watch_broker;
use super::{Error, Observed, Processor, broker_settings, memory_broker};
use crate::config::Config;
use orderly_broker::rabbit::{Claim, Owner};
use orderly_store::{Opened, ReadOnly};
use std::pin::pin;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

impl Processor {
    /// Starts on the configured store and broker. Waits for a broker for as long as it takes, and for another processor
    /// of the namespace to go for `broker.owner_wait`.
    pub async fn start_configured(config: &Config, observed: &Observed) -> Result<Self, Error> {
        if config.broker.url.is_memory() {
            let opened = open(None, config).await?;
            let link = memory_broker(config).link(config.broker.prefetch.get());
            return Self::start(opened, link, config, observed);
        }
        // boxed: the store's parts make it large
        let (owner, read) = Box::pin(claim(config, observed)).await?;
        let opened = open(read, config).await?;
        Self::start(opened, owner.link(), config, observed)
    }
}

async fn open(read: Option<ReadOnly>, config: &Config) -> Result<Opened, Error> {
    let config = config.clone();
    let opened = tokio::task::spawn_blocking(move || open_after(read, &config)).await;
    let opened = opened.map_err(|panicked| Error::Start(panicked.into()))??;
    let recovery = &opened.recovery;
    tracing::info!(
        incarnation = %recovery.incarnation, created = recovery.created,
        replayed = recovery.replayed, cut = recovery.cut, "store opened"
    );
    Ok(opened)
}

/// Claims the namespace. Meanwhile reads the store, which answers queries from then on.
async fn claim(config: &Config, observed: &Observed) -> Result<(Owner, Option<ReadOnly>), Error> {
    let claim = Claim::new(broker_settings(config))?;
    let mut watcher = JoinSet::new(); // dropping the set ends the task
    let (readiness, metrics) = (observed.readiness.clone(), observed.metrics.clone());
    watcher.spawn(watch_broker(claim.status(), readiness, metrics));

    let (want, wanted) = oneshot::channel();
    let mut reading = pin!(read_ahead(config.clone(), wanted));
    let mut acquiring = pin!(claim.acquire(config.broker.owner_wait.get()));
    let mut read = None;
    let owner = loop {
        tokio::select! {
            found = &mut reading, if read.is_none() => {
                let found = found?;
                if let Some(reader) = found.as_ref().and_then(ReadOnly::reader) {
                    observed.backend.read_from(reader);
                    tracing::info!("the store answers reads; nothing is written until this process owns the namespace");
                }
                read = Some(found);
            }
            owner = &mut acquiring => break owner?,
            // without its watcher readiness would show an old state for as long as there is no broker
            Some(Err(panicked)) = watcher.join_next() => return Err(Error::Start(panicked.into())),
        }
    };
    drop(want);
    let read = match read {
        Some(read) => read,
        // an attempt to read the store may be under way, and has the store open
        None => reading.await?,
    };
    Ok((owner, read))
}
