//! `growth`: what changes with the number of orders that the store has: throughput, CPU, latency, memory, the time of a start
//! after a kill, bytes on disk and bytes written; and how the disk shrinks with retention.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant, sleep};

use crate::{
    Bench,
    check::Tally,
    content::{self, Basket},
    histogram::Percentiles,
    machine::Machine,
    paced,
    process::disk_of,
    processor::Serving,
    raw::Outputs,
    results::whole,
    site::{Contestant, Drained, Site, until},
    thread::take,
};

/// Orders published at a time while the store is filled: all are placed, then all are paid.
const CHUNK: u64 = 20_000;

/// The next chunk is published when fewer commands than this wait.
const AHEAD: u64 = 60_000;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Growth {
    pub(crate) machine: Machine,
    /// Orders of each drain.
    pub(crate) measured: u64,
    /// Of each run at half the drain rate.
    pub(crate) seconds: f64,
    pub(crate) points: Vec<Point>,
    pub(crate) shrinking: Option<Shrinking>,
}

/// The figures of one size.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Point {
    /// Orders in the store before the drain.
    pub(crate) orders: u64,
    pub(crate) drain: Drained,
    /// At half of this point's drain rate.
    pub(crate) rate: f64,
    pub(crate) latency: Percentiles,
    /// Seconds from the start of the process to `/readyz`, after SIGKILL under load.
    pub(crate) start: f64,
    /// Seconds of an audit of everything, without other work.
    pub(crate) audit: f64,
    /// MiB resident at the end of the run at half rate, and at most, the audit included.
    pub(crate) memory: f64,
    pub(crate) memory_peak: f64,
    /// Bytes of the store.
    pub(crate) disk: u64,
    /// Orders, and what filling took since the point before; 0 orders at the first point.
    pub(crate) filled: u64,
    pub(crate) fill_seconds: f64,
    pub(crate) fill_written: u64,
}

/// A store whose orders are completed and old.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Shrinking {
    pub(crate) orders: u64,
    /// Seconds that orders, journal and identities were kept.
    pub(crate) retention: u64,
    /// Bytes of the store, each second after the last order was completed.
    pub(crate) disk: Vec<u64>,
    /// Orders that were left in the store.
    pub(crate) left: u64,
}

/// How much is measured.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Orders in the store, ascending.
    pub(crate) sizes: Vec<u64>,
    /// Orders of each drain.
    pub(crate) measured: u64,
    /// Of each run at half the drain rate.
    pub(crate) seconds: f64,
    /// Orders of the part about retention; 0 leaves it out.
    pub(crate) shrinking: u64,
    /// Seconds.
    pub(crate) retention: u64,
}

pub(crate) async fn run(bench: &Bench, plan: &Plan) -> Result<Growth> {
    ensure!(plan.sizes.is_sorted() && plan.measured > 0, "sizes must ascend");
    let machine = Machine::look(&bench.url)?;
    let site = Site::open(bench, Contestant::Orderly, Outputs::Paid, &[]).await?;
    let (mut points, mut there) = (Vec::new(), 0);
    for size in &plan.sizes {
        let filling = there..(*size).max(there);
        let measured = measure(&site, filling, plan).await;
        let (point, after) = measured.with_context(|| format!("at {size} orders"))?;
        println!("{}", line(&point));
        there = after;
        points.push(point);
    }
    site.close().await?;
    let shrinking = if plan.shrinking > 0 {
        let shrinking = shrink(bench, plan.shrinking, plan.retention).await?;
        println!("{}", shrunk(&shrinking));
        Some(shrinking)
    } else {
        None
    };
    Ok(Growth { machine, measured: plan.measured, seconds: plan.seconds, points, shrinking })
}

fn line(point: &Point) -> String {
    let size = point.orders.max(1) as f64;
    format!(
        "{:>9} orders: {:.0} orders/s, {:.0} us CPU an order; P99 at half rate {:.1} ms; start after a kill {:.2} s; audit {:.2} s; {:.0} MiB, at most {:.0}; {:.0} bytes on disk an order, {:.0} written",
        point.orders,
        point.drain.rate(),
        point.drain.cpu(),
        point.latency.p99,
        point.start,
        point.audit,
        point.memory,
        point.memory_peak,
        point.disk as f64 / size,
        point.fill_written as f64 / point.filled.max(1) as f64,
    )
}

fn shrunk(shrinking: &Shrinking) -> String {
    let mib = |bytes: Option<&u64>| bytes.copied().unwrap_or_default() as f64 / 1_048_576.0;
    format!(
        "retention of {} s: {} completed orders, {:.0} MiB at most, {:.0} MiB after {} s, {} orders left",
        shrinking.retention,
        shrinking.orders,
        mib(shrinking.disk.iter().max()),
        mib(shrinking.disk.last()),
        shrinking.disk.len(),
        shrinking.left
    )
}

/// Fills the store with these orders, and measures. Returns how many orders there are then, too.
async fn measure(site: &Site, filling: Range<u64>, plan: &Plan) -> Result<(Point, u64)> {
    let size = filling.end;
    let filled = fill(site, filling).await?;
    let disk = disk_of(site.store())?;

    let drained = size..size + plan.measured;
    let (drain, mut serving) = site.drain(drained.clone(), Basket::Spread).await?;
    site.is_idle(&mut serving).await?;
    site.check_outputs(drained.clone()).await?;
    let rate = drain.rate() / 2.0;
    let at_half = (drained.end, rate, plan.seconds);
    let (paced, ()) = paced::run(site, &mut serving, at_half, |_| ()).await?;
    let memory = serving.running.memory()?;
    let admin = serving.admin()?.clone();
    let audit = admin.audit()?;
    let memory_peak = serving.running.peak_memory()?;

    // Killed in the middle of further orders.
    let killed = paced.orders.end..paced.orders.end + plan.measured;
    site.broker.publish(content::commands(killed.clone(), Basket::Spread)).await?;
    sleep(Duration::from_millis(100)).await;
    serving.running.kill()?;
    let (mut serving, start) = site.processor().start_ready().await?;
    until_paid(site, &mut serving, killed.end).await?;
    site.stop(serving).await?;
    // An event may be published again after a kill, so these are not counted one by one.
    site.broker.drop_events().await?;
    let point = Point {
        orders: size,
        drain,
        rate,
        latency: paced.latencies().percentiles(),
        start,
        audit,
        memory,
        memory_peak,
        disk,
        filled: filled.orders,
        fill_seconds: filled.seconds,
        fill_written: filled.written,
    };
    Ok((point, killed.end))
}

/// Waits until so many orders were ever paid.
async fn until_paid(site: &Site, serving: &mut Serving, orders: u64) -> Result<()> {
    let admin = serving.admin()?.clone();
    let patience = Duration::from_secs(10 * 60);
    until(serving, patience, Duration::from_millis(200), async || {
        let of = |status: &str| admin.metric("orderly_orders", &format!("status=\"{status}\""));
        // Orders at a constant rate are completed now and then.
        let paid = of("paid")? + of("completed")?;
        ensure!(paid <= orders as f64, "{paid} orders are paid, of {orders}");
        Ok(paid >= orders as f64 && site.broker.commands_ready().await? == 0)
    })
    .await
}

/// What filling took.
struct Filled {
    orders: u64,
    seconds: f64,
    written: u64,
}

/// Gives the store these orders while it processes them.
async fn fill(site: &Site, orders: Range<u64>) -> Result<Filled> {
    if orders.is_empty() {
        return Ok(Filled { orders: 0, seconds: 0.0, written: 0 });
    }
    let (mut serving, _) = site.processor().start_ready().await?;
    let (began, before) = (Instant::now(), serving.running.written()?);
    let tally = Tally::new(orders.clone(), site.outputs.events());
    let queue = site.broker.names().out();
    let taker = take(&site.url, site.namespace(), queue, tally, |tally, _, body| {
        tally.event(body)?;
        Ok(tally.is_complete())
    });
    let patience = Duration::from_secs(10 * 60);
    for start in orders.clone().step_by(usize::try_from(CHUNK)?) {
        until(&mut serving, patience, Duration::from_millis(20), async || {
            Ok(site.broker.commands_ready().await? < AHEAD)
        })
        .await?;
        if taker.has_ended() {
            break; // it failed: nothing is complete yet
        }
        let chunk = start..(start + CHUNK).min(orders.end);
        site.broker.publish(content::commands(chunk, Basket::Spread)).await?;
    }
    until(&mut serving, patience, Duration::from_millis(50), async || Ok(taker.has_ended()))
        .await?;
    let seconds = began.elapsed().as_secs_f64();
    taker.join()?.complete()?;
    site.is_idle(&mut serving).await?;
    let written = serving.running.written()? - before;
    site.stop(serving).await?;
    Ok(Filled { orders: orders.end - orders.start, seconds, written })
}

/// Completes orders that are kept for a short time only, and looks at the disk until it is small.
async fn shrink(bench: &Bench, orders: u64, retention: u64) -> Result<Shrinking> {
    let keep = format!("{retention}s");
    let short = [
        ("ORDERLY_STORE__IDEMPOTENCY_RETENTION", keep.clone()),
        ("ORDERLY_STORE__HISTORY_RETENTION", keep),
    ];
    let site = Site::open(bench, Contestant::Orderly, Outputs::Paid, &short).await?;
    let (_, mut serving) = site.drain(0..orders, Basket::Spread).await?;
    let admin = serving.admin()?.clone();
    site.broker.publish((0..orders).map(content::complete)).await?;
    site.is_idle(&mut serving).await?;
    let mut disk = Vec::new();
    let (began, mut left) = (Instant::now(), orders);
    // A disk that is smallest now may still shrink: it is over when nothing was won for a while.
    let rest = 20 + usize::try_from(retention)?;
    let is_over = |disk: &[u64], left: u64| {
        let earlier = disk.len().checked_sub(rest).and_then(|at| disk[..=at].iter().min());
        left == 0
            && earlier.is_some_and(|least| disk[disk.len() - rest..].iter().min() >= Some(least))
    };
    while !is_over(&disk, left) {
        ensure!(
            began.elapsed() < Duration::from_secs(600 + 6 * retention),
            "{left} orders are left"
        );
        serving.running.is_alive()?;
        disk.push(disk_of(site.store())?);
        left = whole(admin.metric("orderly_orders", "")?);
        sleep(Duration::from_secs(1)).await;
    }
    site.stop(serving).await?;
    site.check_outputs(0..orders).await?;
    site.close().await?;
    Ok(Shrinking { orders, retention, disk, left })
}
