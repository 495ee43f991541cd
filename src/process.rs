//! The process: what `serve` and `demo` put together, watch, and take apart in good order.

use crate::admin::{self, Condition as Unready, Core, Readiness};
use crate::config::{Config, Topology};
use crate::metrics::Metrics;
use crate::pipeline::{self, Condition, Handle, Pipeline};
use orderly_broker::{Link, Names, Phase, Settings, Status, TopologyMode, memory, rabbit};
use orderly_store::{self as store, Disk, Opened, SledDisk};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Why the process could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system gives no runtime or no signals.
    #[error("cannot start")]
    Start(#[source] std::io::Error),
    /// The admin server cannot start.
    #[error("cannot start the admin server")]
    Admin(#[from] admin::Error),
    /// The namespace cannot be had.
    #[error("cannot have the namespace")]
    Broker(#[from] rabbit::Error),
    /// The store cannot be opened.
    #[error("cannot open the store at {path}")]
    Open {
        /// Where it is.
        path: String,
        /// Why not.
        source: store::Error,
    },
    /// The pipeline ended by itself.
    #[error("processing ended")]
    Pipeline(#[from] pipeline::Error),
    /// A second signal came while the work in hand was being finished.
    #[error("ended at once by a second signal")]
    Impatient,
}

/// What can be watched of a process, before its parts are there.
pub struct Observed {
    /// What is counted.
    pub metrics: Metrics,
    /// Whether it should be given work.
    pub readiness: Readiness,
    /// The operators' server.
    pub server: admin::Server,
    core: Core,
}

impl Observed {
    /// Starts counting and the admin server, so that a start can be watched.
    pub fn start(config: &Config) -> Result<Self, Error> {
        let (metrics, exporter) = Metrics::new();
        let readiness = Readiness::starting();
        let core = Core::default();
        let options = admin::Options {
            bind: config.admin.bind,
            token: config.admin.token.clone(),
            max_body: config.intake.max_command_size.as_usize(),
            grace: Duration::from_secs(5),
        };
        let routes = admin::routes(core.clone());
        let server = admin::Server::start(options, readiness.clone(), exporter, routes)?;
        Ok(Self { metrics, readiness, server, core })
    }
}

/// Bytes of pages that sled may cache. Small: what is read often is cached above it, decoded.
const SLED_CACHE: u64 = 16 << 20;

/// Opens the configured store, or makes one.
pub fn open_store(config: &Config, path: &Path) -> Result<Opened, Error> {
    let failed = |source| Error::Open { path: path.display().to_string(), source };
    let disk = SledDisk::open(path, SLED_CACHE).map_err(|error| failed(error.into()))?;
    let disk: Arc<dyn Disk> = Arc::new(disk);
    store::open(&disk, &store_options(config)).map_err(failed)
}

/// Opens a store whatever namespace it belongs to, for offline work.
pub fn open_any_store(config: &Config, path: &Path) -> Result<Opened, Error> {
    let failed = |source| Error::Open { path: path.display().to_string(), source };
    let disk = SledDisk::open(path, SLED_CACHE).map_err(|error| failed(error.into()))?;
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let options = store::Options { namespace: None, ..store_options(config) };
    store::open(&disk, &options).map_err(failed)
}

fn store_options(config: &Config) -> store::Options {
    store::Options {
        namespace: Some(config.broker.namespace.clone()),
        cache: config.store.cache.as_usize(),
        identity_retention: config.store.idempotency_retention.get(),
        ..store::Options::new(orderly_actors::tables::SCHEMA)
    }
}

/// The broker side's part of the configuration.
pub fn broker_settings(config: &Config) -> Settings {
    let broker = &config.broker;
    Settings {
        url: broker.url.expose().to_owned(),
        ca_file: broker.ca_file().map(Path::to_path_buf),
        names: Names::new(&broker.namespace),
        prefetch: broker.prefetch.get(),
        retry_delays: broker.retry_delays.iter().map(|delay| delay.get()).collect(),
        delivery_limit: broker.delivery_limit.get(),
        topology: match broker.topology {
            Topology::Declare => TopologyMode::Declare,
            Topology::Verify => TopologyMode::Verify,
        },
    }
}

/// An in-process broker as configured.
pub fn memory_broker(config: &Config) -> memory::Memory {
    let settings = broker_settings(config);
    memory::Memory::new(settings.names, &settings.retry_delays, settings.delivery_limit)
}

/// A processor at work.
pub struct Processor {
    /// Asks its core.
    pub handle: Handle,
    pipeline: Pipeline,
    watchers: Vec<tokio::task::JoinHandle<()>>,
}

impl Processor {
    /// Puts the pipeline between a store and a broker, and lets operators ask it.
    pub fn start(
        opened: Opened,
        link: Link,
        config: &Config,
        observed: &Observed,
    ) -> Result<Self, Error> {
        let status = link.status.clone();
        let pipeline = Pipeline::start(opened, link, config, &observed.metrics)?;
        observed.core.open(pipeline.handle.clone());
        let (readiness, metrics) = (observed.readiness.clone(), observed.metrics.clone());
        let condition = pipeline.condition.clone();
        let watchers = vec![
            tokio::spawn(watch_broker(status, readiness.clone(), metrics)),
            tokio::spawn(watch_pipeline(condition, readiness)),
        ];
        Ok(Self { handle: pipeline.handle.clone(), pipeline, watchers })
    }

    /// Waits until it ends: because it was stopped, or because it cannot go on.
    pub async fn ended(&mut self) -> Result<(), Error> {
        let result = self.pipeline.ended().await;
        for watcher in self.watchers.drain(..) {
            watcher.abort();
        }
        Ok(result?)
    }
}

/// Shows how the broker's driver is doing.
async fn watch_broker(mut status: watch::Receiver<Status>, readiness: Readiness, metrics: Metrics) {
    let mut reconnects = 0;
    loop {
        let now = status.borrow_and_update().clone();
        for _ in reconnects..now.reconnects {
            metrics.broker_reconnect();
        }
        reconnects = now.reconnects;
        if now.connected() {
            metrics.broker_connected();
        } else {
            metrics.broker_disconnected();
        }
        match &now.phase {
            Phase::Up => {
                readiness.clear(Unready::Starting);
                readiness.clear(Unready::Broker);
                readiness.clear(Unready::Topology);
            }
            Phase::Missing(missing) => {
                readiness.clear(Unready::Starting);
                readiness.clear(Unready::Broker);
                readiness.raise(Unready::Topology, format!("missing: {}", missing.join(", ")));
            }
            // before the first connection it is starting, and after the last one draining
            Phase::Connecting if now.generation == 0 && now.last_error.is_none() => {}
            Phase::Closed => {}
            Phase::Connecting | Phase::NotOwner => {
                let detail = now
                    .last_error
                    .map_or_else(|| "there is no connection".to_owned(), |failure| failure.detail);
                readiness.raise(Unready::Broker, detail);
            }
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// Shows how the pipeline is doing.
async fn watch_pipeline(mut condition: watch::Receiver<Condition>, readiness: Readiness) {
    loop {
        let now = *condition.borrow_and_update();
        let show = |holds, condition, detail: &str| {
            if holds {
                readiness.raise(condition, detail);
            } else {
                readiness.clear(condition);
            }
        };
        show(now.draining, Unready::Draining, "it was told to stop");
        show(now.clock_is_off, Unready::Clock, "the wall clock stepped: timers are paused");
        show(now.stalled, Unready::Stalled, "messages are in hand and none gets finished");
        if condition.changed().await.is_err() {
            return;
        }
    }
}

/// The signals that end the process.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on; they no longer end the process by themselves.
    pub fn listen() -> Result<Self, Error> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(Error::Start)?,
            interrupt: signal(SignalKind::interrupt()).map_err(Error::Start)?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Lets a processor work until a signal comes or it cannot go on; ends it in good order.
pub async fn run_until_signalled(
    processor: &mut Processor,
    signals: &mut Signals,
    grace: Duration,
) -> Result<(), Error> {
    tokio::select! {
        result = processor.ended() => return result,
        () = signals.next() => {}
    }
    let stop = async {
        processor.handle.clone().stop(grace).await;
        processor.ended().await
    };
    tokio::select! {
        result = stop => result,
        () = signals.next() => Err(Error::Impatient),
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
