//! The pipeline: from deliveries to acks and events, around the sequencer.
//!
//! ```text
//!  Link.intake ─► core (one thread: decode, sequencer, owners) ─► storage (one thread: group commit)
//!       ▲              │  ▲                                          │
//!       └── acks ◄─────┘  └───────────── durable through ◄───────────┘
//!                      └─► relay (events) · notifier (notifications) · replies, once durable
//! ```
//!
//! Each stage is a thin loop around step functions that do not depend on threads. The stages are
//! connected by bounded channels and work in batches: a stage that is late takes a larger batch next.
//!
//! | module | has |
//! |---|---|
//! | `core` | the core thread: messages through the sequencer, timers, stopping |
//! | `alone` | distinguishes a message that kills the process from a disk that fails |
//! | `storage` | the store thread: group commits, checkpoints, retention |
//! | `journal` | where units go to become durable: the store alone, or a journal that several members share |
//! | `relay` | events to the broker, in order, with a durable cursor |
//! | `notifier` | queues the notifications that are due on their channels |
//! | `pending` | the notifications that wait, for the metrics |
//! | `outbound` | retries, dead letters and replies |
//! | `forward`, `router` | commands that belong to another partition, and those that name none |
//! | `parked` | what operators do with parked messages |
//! | `census` | counts what waits in the store for a person or a provider |
//! | `pace` | how fast messages go to a destination that may reject them |
//! | `pending_acks` | holds acks, replies, events and notifications back until their unit is durable |
//! | `timers` | when timers may fire |
//! | `verdict_log` | the log of verdicts and of parked messages |
//! | `submit`, `local_replies` | commands over HTTP, and their verdicts on the in-process broker |
//! | `error` | why the pipeline ended |
//! | `handle` | asking the core from other threads |
//! | `watchdog` | ends a process whose core stands still |
//! | [`workers`] | starts every thread and task, and reports one that fails |
//!
//! Invariant: nothing that a unit causes (ack, reply, event, notification) leaves the process before the
//! group commit of that unit has returned; in a shared journal, before the journal has accepted the unit.

mod alone;
pub(crate) mod census;
mod core;
mod error;
mod forward;
mod handle;
pub(crate) mod journal;
mod local_replies;
mod notifier;
mod outbound;
mod pace;
mod parked;
mod pending;
mod pending_acks;
mod relay;
pub(crate) mod router;
mod storage;
mod submit;
mod timers;
mod verdict_log;
mod watchdog;
pub mod workers;

use self::alone::AloneFile;
use self::local_replies::LocalReplies;
use self::workers::Workers;

pub use self::error::Error;
pub use self::handle::{Gone, Handle, Resend};
pub use self::parked::{Dismissed, Replay, Replayed};
pub use self::submit::{Submitted, Submitter, Tried};

use crate::config::{self, Config};
use crate::decode::Decoder;
use crate::degraded::Degraded;
use crate::encode::Encoder;
use crate::mark::MarkWriter;
use crate::metrics::Metrics;
use crate::spans::{self, Tracer};
use futures_util::FutureExt as _;
use orderly_actors::order::{LatePayment, Terms};
use orderly_actors::payment::WaitingLimits;
use orderly_actors::sequencer::{Capacities, Settings};
use orderly_actors::supervisor::Budget;
use orderly_broker::{Link, Names};
use orderly_domain::event::Type;
use orderly_domain::notification::{Channel, Policy, Retry};
use orderly_domain::order::ConfirmOn;
use orderly_store::{Opened, View};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Whether the pipeline works, for readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each condition may hold beside any other")]
pub struct Condition {
    /// The wall clock stepped, or the store is ahead of it: timers are paused.
    pub clock_is_off: bool,
    /// Messages are in hand and none was finished for too long.
    pub stalled: bool,
    /// Units have waited for the shared journal for too long.
    pub journal_stands_still: bool,
    /// The pipeline was told to stop, and takes no more messages.
    pub draining: bool,
    /// The store of an earlier build is brought up to date: no messages are taken yet.
    pub is_upgrading: bool,
}

impl Condition {
    fn at_start(view: &View) -> Self {
        Self { is_upgrading: core::upgrade::is_needed(view), ..Self::default() }
    }
}

/// A running pipeline.
pub struct Pipeline {
    /// Asks the core.
    pub handle: Handle,
    /// Publishes commands.
    pub submitter: Submitter,
    /// Whether the pipeline works.
    pub condition: watch::Receiver<Condition>,
    /// Starts further workers whose failure must end the process.
    pub workers: Workers,
    tracer: Tracer,
    ended: tokio::task::JoinHandle<Result<(), Error>>,
}

/// What makes the core's units durable.
#[derive(Debug)]
pub enum Durability {
    /// The store alone.
    Store,
    /// A journal that several members share, and the store behind it. This member owns the journal.
    Journal(OwnedJournal),
}

impl Durability {
    /// Where the relay notes what it has published.
    fn cursor(&self) -> Arc<AtomicU64> {
        match self {
            Self::Store => Arc::default(),
            Self::Journal(owned) => Arc::clone(&owned.cursor),
        }
    }

    /// When what the journal has accepted is synced.
    fn syncs(&self) -> storage::SyncPolicy {
        match self {
            Self::Journal(OwnedJournal { sync: false, .. }) => storage::SyncPolicy::Later,
            Self::Store | Self::Journal(_) => storage::SyncPolicy::AtOnce,
        }
    }
}

/// A journal that this member owns.
#[derive(Debug)]
pub struct OwnedJournal {
    /// Leads to the task of the journal.
    pub inputs: mpsc::UnboundedSender<crate::journal::Input>,
    /// What the task tells from now on.
    pub told: mpsc::Receiver<crate::journal::Told>,
    /// Every event below this was published. The relay writes it, and the task reads it.
    pub cursor: Arc<AtomicU64>,
    /// Whether a unit is on this member's disk, too, before it counts as durable.
    pub sync: bool,
}

impl Pipeline {
    /// Starts the threads. Must be called on the runtime that carries the broker's traffic.
    pub fn start(
        opened: Opened,
        durability: Durability,
        link: Link,
        marks: Option<MarkWriter>,
        config: &Config,
        degraded: &Degraded,
        metrics: &Metrics,
    ) -> Result<Self, Error> {
        let Opened { view, log, history, recovery } = opened;
        let names = config.names();
        let encoder = Encoder::new(names.clone(), &config.broker.namespace, &recovery.incarnations)
            .of_partition(config.partition());
        let cursor = durability.cursor();
        cursor.store(recovery.cursor.0, Ordering::Release);
        let clock_is_trusted = Arc::default();
        let (workers, watch) = Workers::new();
        let tracer = tracer(&workers, config, &names, metrics)?;
        let (report, reports) = mpsc::unbounded_channel();
        let work = storage::start(
            &workers,
            log,
            Arc::clone(&cursor),
            Arc::clone(&clock_is_trusted),
            storage::Policy::new(config, durability.syncs()),
            metrics.clone(),
            report.clone(),
        )?;
        let journal = journal::start(durability, &workers, work, report, &history);
        let relay = relay::start(
            &workers,
            relay::Parts {
                position: relay::Position { next: recovery.cursor, cursor },
                history: history.clone(),
                encoder: encoder.clone(),
                published: published(&config.events),
                marks,
                exchange: names.events.clone(),
                tracer: tracer.clone(),
                degraded: degraded.clone(),
                metrics: metrics.clone(),
            },
            &link.publisher,
        );
        let (notifier, outcomes) = notifier::start(
            &workers,
            &config.notifications,
            &link.publisher,
            notifier::Parts {
                encoder,
                exchange: names.notifications.clone(),
                tracer: tracer.clone(),
                degraded: degraded.clone(),
                metrics: metrics.clone(),
            },
        )?;
        let local_replies = LocalReplies::default();
        let submitter = Submitter::new(
            link.publisher.clone(),
            link.status.clone(),
            names.clone(),
            config.broker.is_memory().then(|| local_replies.clone()),
        );
        let alone = AloneFile::of_store(&config.store.path);
        let (condition_in, condition) = watch::channel(Condition::at_start(&view));
        let heartbeat = watchdog::Heartbeat::start();
        let parts = core::Parts {
            workers: workers.clone(),
            view,
            history,
            settings: settings(config),
            limits: limits(config),
            names,
            link,
            local_replies,
            journal,
            reports,
            relay,
            notifier,
            outcomes,
            condition: condition_in.clone(),
            heartbeat: heartbeat.clone(),
            alone: alone.clone(),
            clock_is_trusted,
            tracer: tracer.clone(),
            degraded: degraded.clone(),
            metrics: metrics.clone(),
        };
        let (handle, thread) = core::start(parts)?;
        let stall_after = config.intake.stall_after.get();
        let standstill = watchdog::watch(heartbeat, stall_after, condition_in);
        workers.spawn("watchdog", standstill);
        let ended = tokio::spawn(until_ended(thread, watch, workers.clone(), alone));
        Ok(Self { handle, submitter, condition, workers, tracer, ended })
    }

    /// Waits until the pipeline ends: after [`Handle::stop`], or because it cannot go on.
    pub async fn ended(&mut self) -> Result<(), Error> {
        let ended = (&mut self.ended).await;
        self.tracer.flush(FLUSH).await;
        ended.unwrap_or_else(|error| Err(Error::Thread(error.to_string())))
    }
}

/// Waits until the core thread ends or a worker fails, and makes sure that nothing leaves after that which must not.
async fn until_ended(
    thread: tokio::sync::oneshot::Receiver<Result<(), Error>>,
    mut watch: workers::Watch,
    workers: Workers,
    alone: AloneFile,
) -> Result<(), Error> {
    let core = async {
        match thread.await {
            Ok(result) => result,
            Err(_) => std::future::pending().await, // the core panicked, which the watch reports
        }
    };
    let result = tokio::select! {
        biased;
        result = core => result,
        error = watch.failed() => Err(error),
    };
    if let Err(Error::Fenced { .. } | Error::Refused(_)) = &result {
        // the relay and the notifier have queues of their own
        workers.abort();
    }
    if let Err(error) = &result
        && error.is_disk_fault()
    {
        spare_message_alone(alone).await;
    }
    result
}

/// How long the last spans may take.
const FLUSH: Duration = Duration::from_secs(2);

/// The tracer, as configured: off, or with an exporter.
fn tracer(
    workers: &Workers,
    config: &Config,
    names: &Names,
    metrics: &Metrics,
) -> Result<Tracer, Error> {
    let telemetry = &config.telemetry;
    let Some(url) = telemetry.traces_url(|name| std::env::var(name).ok()) else {
        return Ok(Tracer::off());
    };
    let of = (names.clone(), config.broker.namespace.as_str());
    let per_million = telemetry.sample_ratio.per_million();
    let (tracer, exporter) = spans::Exporter::new(&url, per_million, of, metrics.clone())?;
    workers.spawn("spans", exporter.run().map(Ok));
    Ok(tracer)
}

/// How long a failed disk may take to remove the file. The process ends in any case.
const REMOVAL: Duration = Duration::from_secs(2);

/// Removes the file of the message that runs alone, so that the next start does not count this end of the process as a
/// death of that message.
async fn spare_message_alone(alone: AloneFile) {
    // on a thread of its own: a disk that does not answer must not keep the process from ending
    let removing = tokio::task::spawn_blocking(move || alone.remove());
    let problem = match tokio::time::timeout(REMOVAL, removing).await {
        Ok(Ok(Ok(()))) => return,
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the disk does not answer".to_owned(),
    };
    tracing::warn!(problem, "the next start may count a death of the message that runs alone");
}

/// Which types of events are published, in the order of [`Type::ALL`].
fn published(events: &config::Events) -> Vec<bool> {
    Type::ALL.iter().map(|kind| events.publishes(kind.as_str())).collect()
}

/// About how many bytes a cached entity takes.
const ORDER_BYTES: u64 = 1024;
const CART_BYTES: u64 = 512;
const SKU_BYTES: u64 = 192;

fn policy(config: &config::Notifications) -> Policy {
    let channels = config.channels.iter().map(|channel| match channel {
        config::Channel::Amqp => Channel::Amqp,
        config::Channel::Webhook => Channel::Webhook,
    });
    let retry = &config.retry;
    Policy {
        channels: channels.collect(),
        retry: Retry {
            first: retry.first.get(),
            cap: retry.cap.get(),
            give_up_after: retry.give_up_after.get(),
        },
    }
}

fn limits(config: &Config) -> core::Limits {
    core::Limits {
        decoder: Decoder::of(config),
        partition: config.partition(),
        stall_after: config.intake.stall_after.get(),
        dirty_bytes: config.store.checkpoint_bytes.as_usize().saturating_mul(2),
        retry_delays: config.broker.retry_delays.iter().map(|delay| delay.get()).collect(),
    }
}

fn settings(config: &Config) -> Settings {
    let orders = u64::from(config.actors.cached_orders.get());
    let history = config.store.history_retention.get();
    Settings {
        terms: Terms {
            hold_for: config.orders.hold_for.get(),
            hold_cap: config.orders.hold_cap.get(),
            late_payment: match config.orders.late_payment {
                config::LatePayment::Rehold => LatePayment::Rehold,
                config::LatePayment::Refund => LatePayment::Refund,
            },
            confirm_on: match config.orders.confirm_on {
                config::ConfirmOn::Capture => ConfirmOn::Capture,
                config::ConfirmOn::Authorization => ConfirmOn::Authorization,
            },
            keep_for: history,
        },
        carts: orderly_domain::cart::Terms {
            expire_after: config.carts.expire_after.get(),
            keep_for: history,
        },
        waiting: WaitingLimits {
            total: u64::from(config.orders.waiting_max.get()),
            per_order: 64,
            keep_for: config.orders.waiting_callback_retention.get(),
        },
        payments_kept: orderly_domain::payment::MOST_KEPT,
        identity_retention: config.store.idempotency_retention.get(),
        notifications: policy(&config.notifications),
        parked_bytes: config.parked.max_bytes.bytes(),
        parked_count: u64::from(config.parked.max_count.get()),
        data_of: crate::decode::data_of,
        capacities: Capacities {
            carts: u64::from(config.actors.cached_carts.get()) * CART_BYTES,
            orders: orders * ORDER_BYTES,
            stock: u64::from(config.actors.cached_skus.get()) * SKU_BYTES,
            reservations: orders * ORDER_BYTES / 4,
            payments: orders * ORDER_BYTES / 2,
            notifications: orders * ORDER_BYTES / 2,
        },
        budget: Budget { longest: Duration::from_secs(5), ..Budget::default() },
    }
}
