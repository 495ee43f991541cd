//! One contestant on one preloaded queue.

use std::{collections::HashSet, path::Path};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::time::{Duration, Instant, sleep};

use super::{
    broker::{Broker, Names},
    content,
    contestant::{Contestant, Running, broker_cpu, machine_cpu, own_cpu},
};

/// The broker writes what it was given to disk for a while; that is not the contestant's work.
const SETTLE: Duration = Duration::from_millis(2_500);

/// A contestant that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a contestant needed for all orders.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) seconds: f64,
    /// CPU seconds while the clock ran.
    pub(crate) processor: f64,
    /// CPU seconds while the clock ran, where the broker is ours to look at.
    pub(crate) broker: Option<f64>,
    /// CPU seconds that went to neither, nor to the bench: large, and the run was disturbed.
    pub(crate) others: Option<f64>,
    /// MiB at most.
    pub(crate) memory: f64,
}

/// CPU seconds so far, of everybody.
struct Cpu {
    processor: f64,
    broker: Option<f64>,
    bench: f64,
    machine: f64,
}

impl Cpu {
    fn now(running: &Running) -> Result<Self> {
        Ok(Self {
            processor: running.cpu()?,
            broker: broker_cpu()?,
            bench: own_cpu()?,
            machine: machine_cpu()?,
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            processor: self.processor - before.processor,
            broker: self.broker.zip(before.broker).map(|(now, then)| now - then),
            bench: self.bench - before.bench,
            machine: self.machine - before.machine,
        }
    }
}

/// The part of an event that says whose it is.
#[derive(Deserialize)]
struct Event<'a> {
    r#type: &'a str,
    subject: &'a str,
}

pub(crate) async fn run(url: &str, contestant: Contestant, orders: u64, round: u64) -> Result<Run> {
    // Beside the binaries and not in the temporary folder, which may lie in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let store = folder.path().join("store");
    let names =
        Names { namespace: format!("bench-{}-{round}", contestant.to_string().replace(' ', "-")) };
    let namespace = names.namespace.clone();
    let broker = Broker::connect(url, names).await?;
    prepare(&broker, contestant, url, &namespace, &store).await?;

    broker.declare_out().await?;
    broker.publish(content::commands(orders)).await?;
    let loaded = broker.commands_ready().await?;
    ensure!(loaded == content::count(orders), "{loaded} commands are in the queue");
    sleep(SETTLE).await;

    let mut running = contestant.start(url, &namespace, &store)?;
    until(&mut running, Duration::from_millis(5), async || {
        Ok(broker.commands_ready().await? < loaded)
    })
    .await
    .context("before its first delivery")?;
    let (began, before) = (Instant::now(), Cpu::now(&running)?);
    until(&mut running, Duration::from_millis(10), async || {
        Ok(broker.events_ready().await? >= orders)
    })
    .await
    .context("before the last event")?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = Cpu::now(&running)?.since(&before);
    let run = Run {
        seconds,
        processor: cpu.processor,
        broker: cpu.broker,
        others: cpu
            .broker
            .map(|broker| (cpu.machine - cpu.processor - broker - cpu.bench).max(0.0)),
        memory: running.peak_memory()?,
    };

    // Time for the last acks, and for anything that is published too often.
    sleep(Duration::from_millis(1_500)).await;
    running.stop().await?;
    // What was not acknowledged comes back a moment after its connection has gone.
    sleep(Duration::from_millis(500)).await;
    let left = broker.commands_ready().await?;
    ensure!(left == 0, "{left} commands were not acknowledged");
    one_event_an_order(&broker.take_events().await?, orders)?;
    contestant.verify(&store)?;
    broker.clean_up().await?;
    Ok(run)
}

/// A queue for the commands, and stock where it is kept.
async fn prepare(
    broker: &Broker,
    contestant: Contestant,
    url: &str,
    namespace: &str,
    store: &Path,
) -> Result<()> {
    broker.declare_commands().await?;
    if contestant.keeps_stock() {
        broker.publish(content::stock()).await?;
        let mut running = contestant.start(url, namespace, store)?;
        until(&mut running, Duration::from_millis(50), async || {
            Ok(broker.commands_ready().await? == 0)
        })
        .await
        .context("while it took in the stock")?;
        running.stop().await?;
        let back = broker.commands_ready().await?;
        ensure!(back == 0, "{back} commands about stock came back");
    }
    Ok(())
}

async fn until(
    running: &mut Running,
    every: Duration,
    is_so: impl AsyncFn() -> Result<bool>,
) -> Result<()> {
    let patience = Instant::now() + PATIENCE;
    while !is_so().await? {
        running.is_alive()?;
        ensure!(Instant::now() < patience, "nothing within {} s", PATIENCE.as_secs());
        sleep(every).await;
    }
    Ok(())
}

fn one_event_an_order(bodies: &[Vec<u8>], orders: u64) -> Result<()> {
    let mut subjects = HashSet::new();
    for body in bodies {
        let event: Event<'_> = serde_json::from_slice(body)?;
        ensure!(event.r#type == "order.paid", "an event of type {}", event.r#type);
        ensure!(subjects.insert(event.subject), "{} was paid twice", event.subject);
    }
    let missing = (0..orders).find(|order| !subjects.contains(content::order_id(*order).as_str()));
    ensure!(missing.is_none(), "order {missing:?} was not paid");
    ensure!(subjects.len() as u64 == orders, "{} orders were paid", subjects.len());
    Ok(())
}
