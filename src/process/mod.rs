//! The process: `serve` and `demo` put its parts together, watch them, and stop them in good order.
//!
//! | file | has |
//! |---|---|
//! | `start` | the order in which store, namespace and pipeline start |
//! | [`Processors`] (`partitions`) | the processors of all partitions of a process |
//! | `member` | starting a member of a cluster |
//! | `members` | the partitions of a member of a cluster, each of which it follows or owns |
//! | `sharing` | how the members of a cluster share out its partitions |
//! | `headroom` | how long a member could stand still before the stream passes it |
//! | `join` | getting a store that can follow the journal from another member |
//! | [`standby`] | following the journal of a cluster, until this member owns it |
//! | `store`, `broker` | the store and the settings of the broker, as configured |
//! | `watch` | what readiness and metrics show of broker and pipeline |
//! | `signals` | stopping at a signal |

mod broker;
mod headroom;
mod join;
mod member;
mod members;
mod partitions;
mod sharing;
mod signals;
pub mod standby;
mod start;
mod store;
mod watch;

pub use self::broker::{broker_settings, journal_stream, memory_broker};
pub use self::member::charter;
pub use self::partitions::Processors;
pub use self::signals::{Signals, run_until_signalled};
pub use self::store::{any_store_options, open_store, read_any_store, read_store};

use crate::admin::{self, Backend, Readiness};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::decode::Decoder;
use crate::degraded::Degraded;
use crate::mark::{self, MarkWriter};
use crate::metrics::Metrics;
use crate::pipeline::{self, Durability, Handle, Pipeline, census};
use futures_util::FutureExt as _;
use orderly_broker::{Link, rabbit};
use orderly_store::{Opened, Reader};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Why the process could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system gives no runtime, no thread or no signals.
    #[error("cannot start")]
    Start(#[source] std::io::Error),
    /// The admin server cannot start.
    #[error("cannot start the admin server")]
    Admin(#[from] admin::Error),
    /// The namespace cannot be claimed.
    #[error("cannot claim the namespace")]
    Broker(#[from] rabbit::Error),
    /// The store cannot be opened.
    #[error("cannot open the store at {path}")]
    Open {
        /// The store's directory.
        path: String,
        /// Why the store cannot be opened.
        source: orderly_store::Error,
    },
    /// The storage engine panicked: it does where its disk fails while it opens a store.
    #[error("the store at {path} failed: {problem}")]
    Panicked {
        /// The store's directory.
        path: String,
        /// The message of the panic.
        problem: String,
    },
    /// There is no store, and none may be made.
    #[error(transparent)]
    NoStore(#[from] mark::NoStore),
    /// The message in `NS.mark` is not one of ours.
    #[error(
        "cannot read the message in queue {queue}, which says what store the namespace was used with"
    )]
    Mark {
        /// The queue.
        queue: String,
        /// What is wrong with the message.
        source: serde_json::Error,
    },
    /// The store of an earlier copy cannot be continued.
    #[error("cannot continue the store at {path}")]
    Continue {
        /// The store's directory.
        path: String,
        /// Why it cannot be written.
        source: orderly_actors::states::Error,
    },
    /// The pipeline ended by itself.
    #[error("processing ended")]
    Pipeline(#[from] pipeline::Error),
    /// The store is of a namespace with another number of partitions.
    #[error(
        "there are stores of partitions in {path}, and cluster.partitions is 1. The number of partitions is fixed when a namespace is \
         made; docs/partitions.md says how it is changed"
    )]
    HasPartitions {
        /// The configured directory of the store.
        path: String,
    },
    /// There is a store of a namespace without partitions.
    #[error(
        "the store in {path} is of a namespace without partitions, and cluster.partitions is {partitions}. The number of partitions is \
         fixed when a namespace is made; docs/partitions.md says how it is changed"
    )]
    HasNoPartitions {
        /// The configured directory of the store.
        path: String,
        /// The configured number.
        partitions: u16,
    },
    /// The namespace has a journal of several members, and this process would be the only one.
    #[error(
        "the namespace has a journal of several members (queue {queue}), and cluster.mode is \"single\": this process would go on \
         beside them. To go back to one process: stop all members, see with `orderly store verify --against-journal` that this \
         store has everything, and delete the queue"
    )]
    HasJournal {
        /// The queue.
        queue: String,
    },
    /// The namespace has a journal of members with another number of partitions.
    #[error(
        "the namespace has a journal of members with another number of partitions (queue {queue}). The number of partitions is fixed \
         when a namespace is made; docs/partitions.md says how it is changed"
    )]
    HasOtherJournal {
        /// The queue.
        queue: String,
    },
    /// The store cannot be replaced by a copy of another member's.
    #[error("cannot replace the store by a copy of another member's")]
    Replace(#[source] crate::backup::Error),
    /// The members of the cluster cannot be heard.
    #[error("cannot hear the members of the cluster: {0}")]
    Unheard(String),
    /// The owner has left the journal to another member, as it was asked to.
    #[error("stepped down: another member takes over")]
    SteppedDown,
    /// A second signal came while the work in hand was being finished.
    #[error("ended at once by a second signal")]
    Impatient,
}

/// Where a process, or one of its partitions, shows how it is.
#[derive(Clone)]
pub struct Shows {
    /// The metrics.
    pub metrics: Metrics,
    /// Whether the process should be given work.
    pub readiness: Readiness,
    /// What a person should see although the process goes on.
    pub degraded: Degraded,
    /// The members of the namespace.
    pub cluster: Cluster,
    backend: Backend,
    /// Whose turn it is to copy the store of another member, which gives one copy at a time.
    copying: Arc<Semaphore>,
}

/// The parts of a process through which it is watched. They are there before all others.
pub struct Observed {
    /// The admin server.
    pub server: admin::Server,
    process: Shows,
    /// Where each partition shows how it is; without partitions, the process.
    partitions: Vec<Shows>,
    /// Dropping the set ends its tasks.
    _watchers: JoinSet<()>,
}

/// What is shown of the whole process.
impl Deref for Observed {
    type Target = Shows;

    fn deref(&self) -> &Shows {
        &self.process
    }
}

/// The bytes that the body of a request may have beside the data of a command.
const ENVELOPE: usize = 8 << 10;

impl Observed {
    /// Starts metrics and the admin server, so that the rest of the start can be watched. Must be called on a runtime.
    pub fn start(config: &Config) -> Result<Self, Error> {
        let several = config.cluster.partitions();
        let (of_partitions, exporter) = Metrics::of_partitions(several);
        let metrics = of_partitions.first().cloned().unwrap_or_else(|| Metrics::new().0);
        let readiness = Readiness::shown_in(metrics.clone());
        let degraded = Degraded::new(metrics.clone());
        let cluster = Cluster::new(&config.cluster);
        let backend = Backend::new(
            &config.intake,
            config.store.backup_rate,
            cluster.clone(),
            several,
            config.names(),
        );
        let options = admin::Options {
            bind: config.admin.bind,
            token: config.admin.token.clone(),
            read_token: config.admin.read_token.clone(),
            partitions: several,
            max_body: config.intake.max_command_size.as_usize().saturating_add(ENVELOPE),
            grace: Duration::from_secs(5),
        };
        let routes = admin::routes(backend.clone(), Decoder::of(config));
        let health = admin::Health {
            readiness: readiness.clone(),
            degraded: degraded.clone(),
            exporter,
            namespace: config.broker.namespace.clone(),
            cluster: cluster.clone(),
        };
        let server = admin::Server::start(options, health, routes)?;
        let copying = Arc::new(Semaphore::new(1));
        let process = Shows { metrics, readiness, degraded, cluster, backend, copying };
        let partitions = several.numbers().zip(of_partitions);
        let partitions = partitions.map(|(number, metrics)| {
            if several.are_several() {
                process.of_partition(number, metrics)
            } else {
                process.clone()
            }
        });
        let partitions: Vec<_> = partitions.collect();
        let mut watchers = JoinSet::new();
        for (number, shows) in several.numbers().zip(&partitions) {
            let Shows { metrics, readiness, cluster, .. } = shows.clone();
            if config.cluster.is_standby() {
                let config = config.of_partition(number);
                watchers.spawn(headroom::watch(config, cluster.clone(), metrics.clone()));
            }
            watchers.spawn(watch::watch_cluster(cluster, readiness, metrics));
        }
        Ok(Self { server, process, partitions, _watchers: watchers })
    }
}

impl Shows {
    fn of_partition(&self, number: u16, metrics: Metrics) -> Self {
        Self {
            readiness: self.readiness.of_partition(number),
            degraded: self.degraded.of_partition(number, metrics.clone()),
            cluster: self.cluster.of_partition(number).clone(),
            backend: self.backend.of_partition(number),
            copying: Arc::clone(&self.copying),
            metrics,
        }
    }

    /// Shows no more of the time when this member owned the partition.
    fn let_go(&self) {
        self.backend.let_go();
        self.degraded.clear_all();
        self.metrics.let_go();
        for condition in watch::OF_PIPELINE {
            self.readiness.clear(condition);
        }
    }

    fn shown(&self) -> watch::Shown {
        watch::Shown {
            readiness: self.readiness.clone(),
            degraded: self.degraded.clone(),
            metrics: Some(self.metrics.clone()),
        }
    }
}

/// A processor at work.
pub struct Processor {
    /// Asks the processor's core.
    pub handle: Handle,
    /// Reads the processor's store.
    pub reader: Reader,
    pipeline: Pipeline,
    watchers: Vec<tokio::task::AbortHandle>,
}

impl Processor {
    /// Starts the pipeline between a store and a broker, and opens it to the admin API. `marks`
    /// tells a broker that outlives the process how far the events have come.
    pub fn start(
        opened: Opened,
        link: Link,
        marks: Option<MarkWriter>,
        config: &Config,
        observed: &Shows,
    ) -> Result<Self, Error> {
        Self::start_with(opened, Durability::Store, link, marks, config, observed)
    }

    /// The same, with units that become durable in this way.
    pub(crate) fn start_with(
        opened: Opened,
        durability: Durability,
        link: Link,
        marks: Option<MarkWriter>,
        config: &Config,
        observed: &Shows,
    ) -> Result<Self, Error> {
        let status = link.status.clone();
        let reader = opened.view.reader();
        observed.backend.read_from(reader.clone());
        let (degraded, metrics) = (&observed.degraded, &observed.metrics);
        let pipeline = Pipeline::start(opened, durability, link, marks, config, degraded, metrics)?;
        observed.backend.ask(pipeline.handle.clone());
        observed.backend.submit_through(pipeline.submitter.clone());
        if pipeline.condition.borrow().is_upgrading {
            // at once, so that the process is not ready for a moment when the broker is there
            observed.readiness.raise(admin::Condition::Upgrading, admin::UPGRADING);
        }
        let broker = watch::watch_broker(status, observed.shown());
        let condition = pipeline.condition.clone();
        let condition = watch::watch_pipeline(condition, observed.readiness.clone());
        let counting =
            census::run(reader.clone(), config.store.path.clone(), observed.metrics.clone());
        let watchers = vec![
            pipeline.workers.spawn("census", counting.map(Ok)),
            pipeline.workers.spawn("readiness", broker.map(Ok)),
            pipeline.workers.spawn("readiness", condition.map(Ok)),
        ];
        Ok(Self { handle: pipeline.handle.clone(), reader, pipeline, watchers })
    }

    /// Stops in good order, within `grace`.
    pub(super) async fn stop(&mut self, grace: Duration) -> Result<(), Error> {
        self.handle.stop(grace).await;
        self.ended().await
    }

    /// Ends all of its tasks where they are.
    pub(super) fn abort(&self) {
        self.pipeline.workers.abort();
    }

    /// Waits until the processor ends, since it was stopped or cannot go on.
    pub async fn ended(&mut self) -> Result<(), Error> {
        let result = self.pipeline.ended().await;
        for watcher in self.watchers.drain(..) {
            watcher.abort();
        }
        Ok(result?)
    }
}

/// The runtime that carries the broker's traffic, the relay and the notifier.
pub fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("orderly-io")
        .enable_all()
        .build()
        .map_err(Error::Start)
}
