//! Starting a member of a cluster: it follows the journal until it owns, and then processes commands.
//!
//! A member consumes commands as soon as it has read to the end of the journal: the broker delivers them to one member at a
//! time, and whom it chooses takes over. What it delivers before waits in the channel of the intake, unacknowledged. While a person has
//! paused the intake of the owner, no other member consumes.
//!
//! A member whose store the journal has passed gets a copy of another member's (`join`), and begins again with that.

use super::join::{self, Passed};
use super::standby::{Settings, Standby};
use super::store::{on_store, open_store};
use super::watch::{Shown, watch_broker};
use super::{Error, Processor, Shows, broker_settings, journal_stream};
use crate::config::Config;
use crate::journal::{self, Journal};
use crate::pipeline;
use orderly_broker::Control;
use orderly_broker::rabbit::{Claim, Owner};
use orderly_journal::node::{Role, Status};
use orderly_journal::{Charter, Name, Nonce, Refusal};
use orderly_member::Place;
use orderly_member::place::encode;
use orderly_store::{Follower, FollowerLimits, Partition};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, spawn_blocking};

impl Processor {
    /// Starts as a member of the cluster: returns when this member owns, or with partitions this partition. Waits for that and for a
    /// broker for as long as it takes.
    pub(super) async fn start_member(config: &Config, observed: &Shows) -> Result<Self, Error> {
        join::tidy(config)?;
        let mut replaced = None;
        loop {
            let (follower, place) = open(config).await?;
            drop(replaced.take());
            let before = Passed::of(&follower);
            // boxed: the store's parts make it large
            match Box::pin(Self::follow((follower, place), config, observed)).await {
                Err(Error::Pipeline(pipeline::Error::Refused(
                    refusal @ Refusal::Passed { .. },
                ))) => {
                    let replacing = join::replace_store(config, observed, before, refusal);
                    replaced = Some(Box::pin(replacing).await?);
                }
                started => return started,
            }
        }
    }

    /// Follows the journal with a store until this member owns.
    async fn follow(
        (follower, place): (Follower, Place),
        config: &Config,
        observed: &Shows,
    ) -> Result<Self, Error> {
        observed.backend.read_from(follower.reader());
        if config.partition().is_none() {
            wait_for_single(config, observed.shown()).await?;
        }
        let link = Claim::new(broker_settings(config))?.link_without_owner();
        link.control.pause().await;
        let mut watchers = JoinSet::new(); // dropping the set ends the tasks
        watchers.spawn(watch_broker(link.status.clone(), observed.shown()));

        let recovery = follower.recovery();
        let cursor = Arc::new(AtomicU64::new(recovery.cursor.0));
        let incarnation = *recovery.incarnations.current().as_bytes();
        let settings = settings(config, incarnation, observed.cluster.defers());
        let Place { stored, last, past } = place;
        let journal = journal::start(settings, stored, last, past, Arc::clone(&cursor), &link)?;
        let Journal { inputs, told, status } = journal;
        observed.cluster.follow(status.clone());
        let published = Arc::<AtomicU64>::default();
        watchers.spawn(consume_while_wanted(status.clone(), link.control.clone()));
        watchers.spawn(note_cursor(status, Arc::clone(&published)));
        let settings = Settings {
            sync: config.cluster.sync,
            checkpoint_every: config.store.checkpoint_every.get(),
            published,
        };
        let (copy, copies) = mpsc::unbounded_channel();
        observed.backend.copy_from(copy);
        let standby = Standby::new(follower, inputs, told, settings).copied_by(copies);
        let mut following = spawn_blocking(move || Handle::current().block_on(standby.follow()));
        let owner = tokio::select! {
            owner = &mut following => owner,
            // without them readiness would show an old state
            Some(Err(panicked)) = watchers.join_next() => return Err(Error::Start(panicked.into())),
        };
        let owner = owner.map_err(|panicked| Error::Start(panicked.into()))??;
        let (opened, durability) = owner.ok_or(Error::SteppedDown)?.into_parts(cursor);
        drop(watchers);
        link.control.resume().await;
        Self::start_with(opened, durability, link, None, config, observed)
    }
}

/// Waits for the broker, and for a processor that has the namespace for itself (`cluster.mode = "single"`) to end, for at most
/// `broker.owner_wait`: beside it nobody may take part in the journal, or in those of the partitions. Members with another number of
/// partitions are not waited for.
pub(super) async fn wait_for_single(config: &Config, shown: Shown) -> Result<(), Error> {
    let owner = acquire(config, shown).await?;
    let names = config.names();
    let has_other = if config.cluster.partitions().are_several() {
        owner.has_journal().then_some(names.journal)
    } else {
        owner.partitions_have_journals().then(|| names.journal_of_partition(0))
    };
    owner.give_up().await?;
    match has_other {
        Some(queue) => Err(Error::HasOtherJournal { queue }),
        None => Ok(()),
    }
}

/// Claims the namespace.
pub(super) async fn acquire(config: &Config, shown: Shown) -> Result<Owner, Error> {
    let claim = Claim::new(broker_settings(config))?;
    let mut watcher = JoinSet::new(); // dropping the set ends the task
    watcher.spawn(watch_broker(claim.status(), shown));
    tokio::select! {
        owner = claim.acquire(config.broker.owner_wait.get()) => Ok(owner?),
        Some(Err(panicked)) = watcher.join_next() => Err(Error::Start(panicked.into())),
    }
}

/// Opens the store, or makes one, and finds its place in the journal.
async fn open(config: &Config) -> Result<(Follower, Place), Error> {
    let path = config.store.path.clone();
    let config = config.clone();
    let opening = move || {
        let path = &config.store.path;
        let opened = open_store(&config, path)?;
        let recovery = &opened.recovery;
        tracing::info!(
            incarnation = %recovery.incarnations.current(), created = recovery.created,
            replayed = recovery.replayed, cut = recovery.cut, position = ?recovery.position,
            "store opened: it follows the journal"
        );
        let history_retention = config.store.history_retention.get().as_micros();
        let follower = Follower::new(
            opened,
            FollowerLimits {
                checkpoint_bytes: config.store.checkpoint_bytes.as_usize(),
                history_retention: i64::try_from(history_retention).unwrap_or(i64::MAX),
            },
        );
        let failed = |source| Error::Open { path: path.display().to_string(), source };
        let place = Place::of(&follower).map_err(failed)?;
        Ok((follower, place))
    };
    on_store(&path, opening).await
}

/// The settings of the journal's task.
fn settings(config: &Config, incarnation: [u8; 16], defers: Arc<AtomicBool>) -> journal::Settings {
    let cluster = &config.cluster;
    journal::Settings {
        broker: broker_settings(config),
        stream: journal_stream(config),
        protocol: orderly_journal::Settings {
            node: name(config),
            nonce: Nonce(*uuid::Uuid::now_v7().as_bytes()),
            charter: charter(config, incarnation),
            takeover_after: cluster.takeover_after.get(),
            tick_every: journal::TICK_EVERY,
            announce_every: journal::ANNOUNCE_EVERY,
            renew_every: journal::RENEW_EVERY,
            found_within: journal::FOUND_WITHIN,
            patience: journal::patience(),
            limits: journal::limits(
                cluster.record_max.as_usize(),
                usize::try_from(cluster.in_flight.get()).unwrap_or(usize::MAX),
            ),
        },
        max_lag: cluster.max_lag.get(),
        defers,
        encode,
    }
}

/// What this member is called in the journal.
pub(super) fn name(config: &Config) -> Name {
    Name { node: config.cluster.node_name(), url: config.cluster.advertise.clone() }
}

/// The charter of the journal that a store of this incarnation is in.
pub fn charter(config: &Config, incarnation: [u8; 16]) -> Charter {
    let Partition { number, of } = config.part_of_namespace();
    Charter { incarnation, partition: number, partitions: of }
}

/// Lets the broker deliver commands as soon as this member has read to the end of the journal, unless the owner's intake is paused. One
/// that is behind would keep them waiting, although another one can process them.
async fn consume_while_wanted(mut status: watch::Receiver<Status>, control: Control) {
    let mut consumes = false;
    loop {
        let (role, is_paused) = {
            let status = status.borrow_and_update();
            (status.role, status.is_paused)
        };
        // one that looks for its place again knows nothing new
        if role != Role::Joining && consumes == is_paused {
            consumes = !is_paused;
            if consumes {
                control.resume().await;
            } else {
                tracing::info!(
                    "this member consumes no commands while the intake of the owner is paused"
                );
                control.pause().await;
            }
        }
        if status.changed().await.is_err() {
            // the task of the journal has ended, and so does the process
            return std::future::pending().await;
        }
    }
}

/// Notes what the journal says was published, until its task ends.
async fn note_cursor(mut status: watch::Receiver<Status>, published: Arc<AtomicU64>) {
    loop {
        published.store(status.borrow_and_update().cursor, Ordering::Release);
        if status.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
