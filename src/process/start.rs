//! Starting a processor on the configured store and broker.
//!
//! The order: the store is opened for reading and answers queries as soon as no other process has the store open, with or
//! without a broker. Meanwhile the namespace is claimed. Nothing is written and nothing is processed before the namespace
//! is ours.

use super::store::{failed, on_store, open_after, read_ahead};
use super::watch::watch_broker;
use super::{Error, Observed, Processor, Shows, broker_settings, memory_broker};
use crate::config::Config;
use crate::mark::{Finding, Mark, MarkWriter};
use bytes::Bytes;
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_actors::restored;
use orderly_broker::rabbit::{Claim, Owner};
use orderly_store::{Opened, ReadOnly};
use std::pin::pin;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

impl Processor {
    /// Starts on the configured store and broker. Waits for a broker for as long as it takes, and for another processor
    /// of the namespace to go for `broker.owner_wait`.
    pub async fn start_configured(config: &Config, observed: &Observed) -> Result<Self, Error> {
        if config.cluster.is_standby() {
            return Box::pin(Self::start_member(config, observed)).await;
        }
        if config.broker.is_memory() {
            let opened = open(None, config, None).await?;
            let link = memory_broker(config).link(config.broker.prefetch.get());
            return Self::start(opened, link, None, config, observed);
        }
        // boxed: the store's parts make it large
        let claimed = Box::pin(claim(config, observed)).await?;
        Box::pin(Self::start_claimed(claimed, None, config, observed)).await
    }

    /// Starts on a store and a broker whose queues are ours. `before` is the mark that the broker has of the namespace before it had
    /// partitions: where there is one, no store is made.
    pub(super) async fn start_claimed(
        (owner, read): (Owner, Option<ReadOnly>),
        before: Option<Mark>,
        config: &Config,
        shows: &Shows,
    ) -> Result<Self, Error> {
        refuse_beside_journal(&owner, config)?;
        let mark = read_mark(owner.mark(), config)?;
        let mut opened = open(read, config, mark.clone().or(before)).await?;
        if let (Some(mark), false) = (&mark, opened.recovery.created) {
            continue_from(&mut opened, mark, config)?;
        }
        let marks = MarkWriter::new(config, &opened.recovery.incarnations, mark);
        Self::start(opened, owner.link(), Some(marks), config, shows)
    }
}

/// Refuses to be the only process of a namespace that has a journal of several members.
pub(super) fn refuse_beside_journal(owner: &Owner, config: &Config) -> Result<(), Error> {
    let names = config.names();
    let queue = match (owner.has_journal(), owner.partitions_have_journals()) {
        (true, _) => names.journal,
        (false, true) => names.journal_of_partition(0),
        (false, false) => return Ok(()),
    };
    Err(Error::HasJournal { queue })
}

/// Opens the store that was read, or another one that is there by now, or makes one if the mark allows that.
async fn open(
    read: Option<ReadOnly>,
    config: &Config,
    mark: Option<Mark>,
) -> Result<Opened, Error> {
    let path = config.store.path.clone();
    let config = config.clone();
    let opening = move || {
        let mut opened = open_after(read, &config, mark.as_ref())?;
        if opened.leave_journal().map_err(failed(&config.store.path))? {
            tracing::info!("the store was in a journal of several members, and goes on alone");
        }
        Ok(opened)
    };
    let opened: Opened = on_store(&path, opening).await?;
    let recovery = &opened.recovery;
    tracing::info!(
        incarnation = %recovery.incarnations.current(), created = recovery.created,
        replayed = recovery.replayed, cut = recovery.cut, "store opened"
    );
    Ok(opened)
}

/// The mark that the broker has.
pub(super) fn read_mark(body: Option<&Bytes>, config: &Config) -> Result<Option<Mark>, Error> {
    let read = body.map(|body| serde_json::from_slice(body)).transpose();
    let queue = || config.names().mark;
    read.map_err(|source| Error::Mark { queue: queue(), source })
}

/// Compares the store with the mark, and tells a person what is not as it should be.
fn continue_from(opened: &mut Opened, mark: &Mark, config: &Config) -> Result<(), Error> {
    let next = opened.view.next_seq();
    match mark.compare(&opened.recovery.incarnations, next) {
        Finding::Current => {}
        Finding::AnotherWasLast(seen) => tracing::warn!(
            incarnation = %seen.incarnation, sequence = seen.sequence, path = mark.path, host = mark.host, at = %mark.at,
            "another store was the last to publish events of this namespace; this store does not know what that one did"
        ),
        Finding::Behind { through, same_incarnation } => {
            let now = SystemClock::default().now();
            restored::continue_behind(opened, through, same_incarnation, now).map_err(
                |source| Error::Continue { path: config.store.path.display().to_string(), source },
            )?;
            tracing::error!(
                next = next.0, published_through = through.0,
                incarnation = %opened.recovery.incarnations.current(),
                "the store is older than what was published: it was put back from a copy, or lost its end. What was processed \
                 after the copy is forgotten. New events have a new incarnation in their ids, so that no id is used twice"
            );
        }
    }
    Ok(())
}

/// Claims the namespace. Meanwhile reads the store, which answers queries from then on.
pub(super) async fn claim(
    config: &Config,
    observed: &Shows,
) -> Result<(Owner, Option<ReadOnly>), Error> {
    let claim = Claim::new(broker_settings(config))?;
    let mut watcher = JoinSet::new(); // dropping the set ends the task
    watcher.spawn(watch_broker(claim.status(), observed.shown()));

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
