//! `latency`: from the moment at which a command is due until its event arrives, at a constant rate, while a backup, audits,
//! checkpoints, merges and sweeps happen; and what the worst moments coincide with.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{
    Bench,
    coincidence::{Coincidence, Watch, Worst},
    content::Basket,
    histogram::Percentiles,
    machine::Machine,
    paced,
    raw::Outputs,
    site::{Contestant, Site},
};

/// The shares of the drain rate, in per cent.
const LOADS: [u64; 3] = [10, 50, 80];

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) machine: Machine,
    /// Orders of the run that measured the drain rates.
    pub(crate) orders: u64,
    /// Orders a second from a preloaded queue.
    pub(crate) drain_rate: f64,
    pub(crate) relay_drain_rate: f64,
    /// Of each run at a constant rate.
    pub(crate) seconds: f64,
    pub(crate) loads: Vec<Load>,
}

/// A run at a share of orderly's drain rate.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) percent: u64,
    /// Orders a second.
    pub(crate) rate: f64,
    pub(crate) orderly: Percentiles,
    /// The raw relay at the same rate: what the broker and the bench take of it.
    pub(crate) relay: Percentiles,
    /// How late the producer itself was, beside orderly.
    pub(crate) late: Percentiles,
    pub(crate) coincidences: Vec<Coincidence>,
    pub(crate) worst: Vec<Worst>,
}

pub(crate) async fn run(bench: &Bench, orders: u64, seconds: f64) -> Result<Latency> {
    let machine = Machine::look(&bench.url)?;
    let relay_drain_rate = drain_rate(bench, Contestant::RawRelay, orders).await?;
    let drain_rate = drain_rate(bench, Contestant::Orderly, orders).await?;
    println!("drain rate {drain_rate:.0} orders/s; raw relay {relay_drain_rate:.0}");
    let mut loads = Vec::new();
    for percent in LOADS {
        let rate = drain_rate * percent as f64 / 100.0;
        let relay = at_rate_relay(bench, rate, seconds).await?;
        let load = at_rate(bench, percent, rate, seconds, relay).await?;
        println!(
            "{percent:>3} % ({rate:.0} orders/s): P50 {:.1} ms, P99 {:.1}, P99.9 {:.1}, max {:.1}; raw relay {:.1}, {:.1}, {:.1}, {:.1}",
            load.orderly.p50,
            load.orderly.p99,
            load.orderly.p999,
            load.orderly.max,
            load.relay.p50,
            load.relay.p99,
            load.relay.p999,
            load.relay.max
        );
        loads.push(load);
    }
    Ok(Latency { machine, orders, drain_rate, relay_drain_rate, seconds, loads })
}

async fn drain_rate(bench: &Bench, contestant: Contestant, orders: u64) -> Result<f64> {
    let site = Site::open(bench, contestant, Outputs::Events, &[]).await?;
    let (drained, serving) = site.drain(0..orders, Basket::Spread).await?;
    site.stop(serving).await?;
    site.check_outputs(0..orders).await?;
    site.close().await?;
    Ok(drained.rate())
}

async fn at_rate_relay(bench: &Bench, rate: f64, seconds: f64) -> Result<Percentiles> {
    let site = Site::open(bench, Contestant::RawRelay, Outputs::Events, &[]).await?;
    let mut serving = site.start()?;
    let (paced, ()) = paced::run(&site, &mut serving, (0, rate, seconds), |_| ()).await?;
    site.stop(serving).await?;
    site.close().await?;
    Ok(paced.latencies().percentiles())
}

async fn at_rate(
    bench: &Bench,
    percent: u64,
    rate: f64,
    seconds: f64,
    relay: Percentiles,
) -> Result<Load> {
    // So short that identities expire, records of the journal are dropped, and orders are deleted in the run.
    let keep = format!("{}s", (seconds / 3.0).ceil().max(1.0));
    let short = [
        ("ORDERLY_STORE__IDEMPOTENCY_RETENTION", keep.clone()),
        ("ORDERLY_STORE__HISTORY_RETENTION", keep),
    ];
    let site = Site::open(bench, Contestant::Orderly, Outputs::Events, &short).await?;
    let (mut serving, _) = site.processor().start_ready().await?;
    let (admin, pid) = (serving.admin()?.clone(), serving.running.pid());
    let watching = |began| Watch::start(&admin, pid, began, seconds);
    let (paced, watch) = paced::run(&site, &mut serving, (0, rate, seconds), watching).await?;
    let seen = watch.stop()?;
    site.stop(serving).await?;
    site.close().await?;
    Ok(Load {
        percent,
        rate,
        orderly: paced.latencies().percentiles(),
        relay,
        late: paced.late.percentiles(),
        coincidences: seen.coincidences(&paced.arrivals),
        worst: seen.worst(&paced.arrivals),
    })
}
