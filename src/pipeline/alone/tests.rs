//! A message that runs alone, on a disk that fails.

use super::*;
use crate::config::Config;
use crate::degraded::Degraded;
use crate::metrics::Metrics;
use crate::pipeline::{Durability, Pipeline};
use crate::process::memory_broker;
use bytes::Bytes;
use orderly_broker::memory::Memory;
use orderly_broker::{Confirm, Intake, Message, Phase, Properties, Status};
use orderly_store::disk::{Batch, Error as DiskError, Pair, Tree};
use orderly_store::sim::SimDisk;
use orderly_store::{Disk, Opened, Options};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Longer than anything takes that succeeds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A disk that may become full at the moment when a message runs alone: behind the marker, and ahead of whatever takes
/// the marker away.
#[derive(Debug)]
struct FillingDisk {
    disk: SimDisk,
    alone: AloneFile,
    fills: AtomicBool,
    is_full: AtomicBool,
}

impl FillingDisk {
    fn check(&self) -> Result<(), DiskError> {
        let runs_alone = matches!(self.alone.last(), Ok(LastAlone::Interrupted));
        if self.fills.load(Ordering::Relaxed) && runs_alone {
            self.is_full.store(true, Ordering::Relaxed);
        }
        if self.is_full.load(Ordering::Relaxed) {
            let full = io::Error::from(io::ErrorKind::StorageFull);
            return Err(DiskError::failed("write records", full));
        }
        Ok(())
    }
}

impl Disk for FillingDisk {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, DiskError> {
        self.disk.get(tree, key)
    }

    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, DiskError> {
        self.disk.scan(tree, from, limit)
    }

    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, DiskError> {
        self.disk.last(tree, below)
    }

    fn write(&self, batch: Batch) -> Result<(), DiskError> {
        self.check()?;
        self.disk.write(batch)
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.check()?;
        self.disk.sync()
    }

    fn bytes(&self) -> Result<u64, DiskError> {
        self.disk.bytes()
    }
}

/// A store and a broker that outlive the processes which use them.
struct World {
    directory: tempfile::TempDir,
    config: Config,
    broker: Memory,
    disk: Arc<FillingDisk>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().display().to_string();
        let environment = [("ORDERLY_BROKER__URL", "memory:"), ("ORDERLY_STORE__PATH", &*path)];
        let environment = environment.map(|(key, value)| (key.into(), value.into()));
        let config = Config::load(None, environment).expect("it is valid");
        let broker = memory_broker(&config);
        let disk = Self::filling(&directory, SimDisk::new(7));
        Self { directory, config, broker, disk }
    }

    fn filling(directory: &tempfile::TempDir, disk: SimDisk) -> Arc<FillingDisk> {
        let alone = AloneFile::of_store(directory.path());
        let (fills, is_full) = Default::default();
        Arc::new(FillingDisk { disk, alone, fills, is_full })
    }

    /// Takes the disk away from the process that has it, as the end of that process does.
    fn next_start(&mut self) {
        self.disk = Self::filling(&self.directory, self.disk.disk.crash());
    }

    fn start(&self) -> Process {
        let options = Options {
            namespace: Some("orderly".to_owned()),
            ..Options::new(orderly_actors::tables::SCHEMA)
        };
        let disk: Arc<dyn Disk> = Arc::clone(&self.disk) as _;
        let opened: Opened = orderly_store::open(&disk, &options).expect("opens");
        let link = self.broker.link(10);
        let link_status = link.status.clone();
        let metrics = Metrics::new().0;
        let degraded = Degraded::new(metrics.clone());
        let pipeline = Pipeline::start(
            opened,
            Durability::Store,
            link,
            None,
            &self.config,
            &degraded,
            &metrics,
        )
        .expect("starts");
        Process { pipeline, link_status }
    }

    /// Publishes one command, and has it delivered so often in vain that it is suspected.
    async fn publish_suspect(&self) {
        let message = Message {
            exchange: "orderly.commands".to_owned(),
            routing_key: "stock.set".to_owned(),
            properties: Properties {
                message_id: Some("s-1".to_owned()),
                app_id: Some("test".to_owned()),
                kind: Some("stock.set".to_owned()),
                ..Properties::default()
            },
            body: r#"{"sku":"tea","on_hand":10}"#.into(),
        };
        assert_eq!(self.broker.publish(message), Confirm::Acked);
        for _ in 0..crate::pipeline::outbound::SUSPICIOUS {
            let mut link = self.broker.link(10);
            loop {
                match link.intake.recv().await.expect("nobody else has the link") {
                    Intake::Batch(_) => break,
                    Intake::Up { .. } | Intake::Down { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            link.control.close().await;
        }
    }
}

/// What a process has beside its store and its broker.
struct Process {
    pipeline: Pipeline,
    link_status: watch::Receiver<Status>,
}

impl Process {
    /// Waits until the process has ended because its disk failed, and has let go of the broker.
    async fn failed(mut self) {
        let error = self.pipeline.ended().await.expect_err("the disk failed");
        assert!(error.is_storage(), "{error}");
        let closed = self.link_status.wait_for(|status| status.phase == Phase::Closed);
        closed.await.expect("the driver closes");
    }

    /// Waits until the command was applied or parked: how many skus, and how many parked messages there are then.
    async fn outcome(&self) -> (u64, u64) {
        loop {
            let audit = self.pipeline.handle.audit().await.expect("it works").expect("it reads");
            let (skus, parked) = (audit.counts.skus, audit.counts.parked);
            if skus + parked > 0 {
                return (skus, parked);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_is_no_death_of_the_message_that_runs_alone() {
    // Given a process that died, and a message that was in hand often
    let mut world = World::new();
    let process = world.start();
    process.pipeline.handle.audit().await.expect("it works").expect("it reads");
    world.next_start();
    process.pipeline.handle.stop(Duration::ZERO).await;
    timeout(PATIENCE, process.failed()).await.expect("in time");
    world.publish_suspect().await;

    // When the disk fails while the message runs alone, as often as a message may kill the process
    for fault in 1..=3 {
        world.disk.fills.store(true, Ordering::Relaxed);
        timeout(PATIENCE, world.start().failed()).await.expect("in time");
        assert!(world.disk.is_full.load(Ordering::Relaxed), "fault {fault}: the message ran alone");
        world.next_start();
    }

    // Then the message is applied once there is room, and not parked
    let process = world.start();
    let outcome = timeout(PATIENCE, process.outcome()).await.expect("in time");
    assert_eq!(outcome, (1, 0), "skus and parked messages");
}

#[test]
fn the_file_is_there_from_creation_to_removal_whoever_looks() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = AloneFile::of_store(directory.path());
    file.remove().expect("there is nothing to remove");
    assert_eq!(file.last().expect("it can be seen"), LastAlone::Finished);
    file.create().expect("it can be made");
    file.create().expect("it may be there");
    let next = AloneFile::of_store(directory.path());
    assert_eq!(next.last().expect("it can be seen"), LastAlone::Interrupted);
    next.remove().expect("it can be removed");
    assert_eq!(file.last().expect("it can be seen"), LastAlone::Finished);
}
