//! A contestant with its queues and its store, from the first declaration to the last check.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::time::{Duration, Instant, sleep};

use super::{
    Bench,
    broker::Broker,
    check::Tally,
    content::{self, Basket},
    process::{self, MachineCpu},
    processor::{Processor, Serving, Setting, publishing},
    raw::Outputs,
};

/// Who takes the commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    RawRelay,
    Orderly,
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` and not `write_str`: the report lines its columns up.
        f.pad(match self {
            Self::RawRelay => "raw relay",
            Self::Orderly => "orderly",
        })
    }
}

/// What a contestant needed for the orders of a preloaded queue.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Drained {
    pub(crate) orders: u64,
    /// From the first delivery until all events and notifications lay in their queues.
    pub(crate) seconds: f64,
    /// Until all events lay in their queue.
    pub(crate) events_seconds: f64,
    /// CPU seconds while the clock ran.
    pub(crate) processor: f64,
    /// CPU seconds while the clock ran, where the broker is ours to look at.
    pub(crate) broker: Option<f64>,
    /// CPU seconds that went to neither, nor to the bench: large, and the run was disturbed.
    pub(crate) others: Option<f64>,
    /// MiB at most.
    pub(crate) memory: f64,
    /// Bytes written to the disk while the clock ran.
    pub(crate) written: u64,
}

impl Drained {
    /// Orders a second.
    pub(crate) fn rate(&self) -> f64 {
        self.orders as f64 / self.seconds
    }

    /// Microseconds of CPU an order.
    pub(crate) fn cpu(&self) -> f64 {
        self.processor * 1e6 / self.orders as f64
    }
}

/// CPU seconds so far, of everybody.
struct Cpu {
    processor: f64,
    broker: Option<f64>,
    bench: f64,
    machine: MachineCpu,
}

impl Cpu {
    fn now(serving: &Serving) -> Result<Self> {
        Ok(Self {
            processor: serving.running.cpu()?,
            broker: process::broker_cpu()?,
            bench: process::own_cpu()?,
            machine: process::machine_cpu()?,
        })
    }

    fn others_since(&self, before: &Self) -> Option<f64> {
        let broker = self.broker.zip(before.broker).map(|(now, then)| now - then)?;
        let ours = self.processor - before.processor + broker + self.bench - before.bench;
        Some((self.machine.busy - before.machine.busy - ours).max(0.0))
    }
}

/// The queues and the store of a contestant.
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) broker: Broker,
    pub(crate) outputs: Outputs,
    contestant: Contestant,
    processor: Processor,
    /// Follows the contestant while that works.
    standby: Option<Processor>,
    settle: Duration,
    /// Removed with the site. Beside the binaries and not in the temporary folder, which may lie in memory.
    folder: TempDir,
}

impl Site {
    /// Declares the queues, and has the stock taken in.
    pub(crate) async fn open(
        bench: &Bench,
        contestant: Contestant,
        outputs: Outputs,
        settings: &[Setting],
    ) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("bench-{}-{count}", std::process::id());
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let store: PathBuf = folder.path().join("store");
        let mut all = publishing(outputs);
        all.extend_from_slice(settings);
        let processor = Processor::new(&bench.url, &namespace, &store, &all);
        let broker = Broker::connect(&bench.url, &namespace).await?;
        broker.declare_commands().await?;
        let settle = bench.settle();
        let url = bench.url.clone();
        let standby = None;
        let site = Self { url, broker, outputs, contestant, processor, standby, settle, folder };
        if contestant == Contestant::Orderly {
            site.take_in_stock().await.context("while it took in the stock")?;
        }
        let all = if outputs == Outputs::Paid { "order.paid" } else { "#" };
        site.broker.declare_out(all).await?;
        if outputs == Outputs::All {
            site.broker.declare_notified().await?;
        }
        Ok(site)
    }

    /// Has a standby follow the contestant, with a store of its own on the same disk.
    pub(crate) fn with_standby(mut self) -> Self {
        self.standby = Some(self.processor.beside(&self.folder.path().join("standby")));
        self
    }

    async fn take_in_stock(&self) -> Result<()> {
        self.broker.publish(content::stock()).await?;
        let mut serving = self.start()?;
        let admin = serving.admin()?.clone();
        let patience = Duration::from_secs(3 * 60);
        // the owner of a cluster leaves what it has not begun to the next one
        until(&mut serving, patience, Duration::from_millis(50), async || {
            let done = admin.metric("orderly_commands_total", "stock.set");
            Ok(done.is_ok_and(|done| done > content::SKUS as f64 - 0.5))
        })
        .await?;
        self.stop(serving).await
    }

    pub(crate) fn processor(&self) -> &Processor {
        &self.processor
    }

    pub(crate) fn store(&self) -> &Path {
        self.processor.store()
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.broker.names().namespace
    }

    /// Starts the contestant, without waiting until it is ready.
    pub(crate) fn start(&self) -> Result<Serving> {
        match self.contestant {
            Contestant::RawRelay => Serving::relay(&self.url, self.namespace(), self.outputs),
            Contestant::Orderly => self.processor.start(),
        }
    }

    /// Preloads orders, starts the contestant, and waits until it has published all of its outputs.
    pub(crate) async fn drain(
        &self,
        orders: Range<u64>,
        basket: Basket,
    ) -> Result<(Drained, Serving)> {
        self.broker.publish(content::commands(orders.clone(), basket)).await?;
        self.drain_loaded(orders.end - orders.start, content::count(&orders)).await
    }

    /// The same when the queue has `commands` already, of so many orders.
    pub(crate) async fn drain_loaded(
        &self,
        orders: u64,
        commands: u64,
    ) -> Result<(Drained, Serving)> {
        let loaded = self.broker.commands_ready().await?;
        ensure!(loaded == commands, "{loaded} commands are in the queue, not {commands}");
        // The broker writes what it was given to disk for a while; that is not the contestant's work.
        sleep(self.settle).await;

        let mut serving = self.start()?;
        let patience = Duration::from_secs(180 + orders / 200);
        until(&mut serving, patience, Duration::from_millis(5), async || {
            Ok(self.broker.commands_ready().await? < loaded)
        })
        .await
        .context("before its first delivery")?;
        if self.processor.is_member() {
            // it gets commands before it owns: it listens to other members for two seconds first
            let admin = serving.admin()?.clone();
            until(&mut serving, patience, Duration::from_millis(5), async || {
                Ok(admin.get("/owner").is_ok())
            })
            .await
            .context("before it owns")?;
        }
        // the contestant gets the commands: what starts now follows it
        let standby = self.standby.as_ref().map(Processor::start).transpose()?;
        let (began, before) = (Instant::now(), Cpu::now(&serving)?);
        let written = serving.running.written()?;
        let events = orders * self.outputs.events().len() as u64;
        until(&mut serving, patience, Duration::from_millis(10), async || {
            Ok(self.broker.events_ready().await? >= events)
        })
        .await
        .context("before the last event")?;
        let events_seconds = began.elapsed().as_secs_f64();
        if self.outputs == Outputs::All {
            until(&mut serving, patience, Duration::from_millis(10), async || {
                Ok(self.broker.notifications_ready().await? >= orders)
            })
            .await
            .context("before the last notification")?;
        }
        let seconds = began.elapsed().as_secs_f64();
        let after = Cpu::now(&serving)?;
        let drained = Drained {
            orders,
            seconds,
            events_seconds,
            processor: after.processor - before.processor,
            broker: after.broker.zip(before.broker).map(|(now, then)| now - then),
            others: after.others_since(&before),
            memory: serving.running.peak_memory()?,
            written: serving.running.written()? - written,
        };
        if let Some(standby) = standby {
            standby.running.stop().await?;
        }
        Ok((drained, serving))
    }

    /// Waits until nothing waits in the queue of commands.
    pub(crate) async fn is_idle(&self, serving: &mut Serving) -> Result<()> {
        let patience = Duration::from_secs(3 * 60);
        until(serving, patience, Duration::from_millis(50), async || {
            Ok(self.broker.commands_ready().await? == 0)
        })
        .await
    }

    /// Stops it, when it has had time for its last acks and for anything that it would publish too often. Nothing may be
    /// left in the queue of commands.
    pub(crate) async fn stop(&self, serving: Serving) -> Result<()> {
        sleep(self.settle / 2).await;
        serving.running.stop().await?;
        // What was not acknowledged comes back a moment after its connection has gone.
        sleep(Duration::from_millis(500)).await;
        let left = self.broker.commands_ready().await?;
        ensure!(left == 0, "{left} commands were not acknowledged");
        Ok(())
    }

    /// Takes all events and notifications, which must be exactly those of these orders.
    pub(crate) async fn check_outputs(&self, orders: Range<u64>) -> Result<()> {
        let names = self.broker.names();
        let mut events = Tally::new(orders.clone(), self.outputs.events());
        self.broker.take(&names.out(), |body| events.event(body).map(drop)).await?;
        events.complete()?;
        if self.outputs == Outputs::All {
            let mut notified = Tally::new(orders, self.outputs.notifications());
            let queue = names.notified();
            self.broker.take(&queue, |body| notified.notification(body).map(drop)).await?;
            notified.complete()?;
        }
        Ok(())
    }

    /// Has a stopped processor's store checked, and removes everything.
    pub(crate) async fn close(self) -> Result<()> {
        let more = self.broker.events_ready().await?;
        ensure!(more == 0, "there are {more} events more than there must be");
        if self.contestant == Contestant::Orderly {
            self.processor.verify()?;
        }
        if let Some(standby) = &self.standby {
            standby.verify()?;
        }
        self.broker.clean_up().await
    }
}

/// Asks again and again until something is so; fails when the contestant ends, or after `patience`.
pub(crate) async fn until(
    serving: &mut Serving,
    patience: Duration,
    every: Duration,
    is_so: impl AsyncFn() -> Result<bool>,
) -> Result<()> {
    let end = Instant::now() + patience;
    while !is_so().await? {
        serving.running.is_alive()?;
        ensure!(Instant::now() < end, "nothing within {} s", patience.as_secs());
        sleep(every).await;
    }
    Ok(())
}
