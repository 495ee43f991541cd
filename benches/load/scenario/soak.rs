//! `soak`: everything that orders do, for a long time at a constant rate, with a retention of minutes. Memory, disk and latency
//! must not grow.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant};

use crate::{
    Bench,
    histogram::{Histogram, Percentiles},
    life::{Ledger, Life},
    machine::Machine,
    paced,
    process::disk_of,
    processor::{Admin, sum_of},
    raw::Outputs,
    results::whole,
    site::{Contestant, Site},
    thread::{sample, take},
};

/// An order that nobody pays expires after this time.
const HOLD: &str = "30s";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Soak {
    pub(crate) machine: Machine,
    /// Orders a second.
    pub(crate) rate: f64,
    pub(crate) minutes: f64,
    /// Seconds that orders, journal and identities were kept.
    pub(crate) retention: u64,
    pub(crate) orders: u64,
    pub(crate) events: u64,
    pub(crate) notifications: u64,
    /// All events whose command had a due time: no expiries.
    pub(crate) latency: Percentiles,
    /// Each second.
    pub(crate) samples: Vec<Second>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Second {
    /// Seconds since the start.
    pub(crate) at: f64,
    /// MiB resident.
    pub(crate) memory: f64,
    /// MiB of the store.
    pub(crate) disk: f64,
    /// Orders in the store.
    pub(crate) orders: u64,
    /// Durable events that the broker has not confirmed.
    pub(crate) outbox: u64,
    /// Notifications that are not delivered.
    pub(crate) notifications: u64,
    /// Of the events that arrived in this second.
    pub(crate) latency: Percentiles,
}

impl Soak {
    /// The means of a figure over the second quarter and the last quarter of the time.
    pub(crate) fn quarters(&self, figure: impl Fn(&Second) -> f64) -> (f64, f64) {
        let (count, figure) = (self.samples.len(), &figure);
        let mean =
            |part: &[Second]| part.iter().map(figure).sum::<f64>() / part.len().max(1) as f64;
        (mean(&self.samples[count / 4..count / 2]), mean(&self.samples[count * 3 / 4..]))
    }
}

pub(crate) async fn run(bench: &Bench, minutes: f64, rate: f64, retention: u64) -> Result<Soak> {
    let machine = Machine::look(&bench.url)?;
    let keep = format!("{retention}s");
    let settings = [
        ("ORDERLY_STORE__IDEMPOTENCY_RETENTION", keep.clone()),
        ("ORDERLY_STORE__HISTORY_RETENTION", keep),
        ("ORDERLY_ORDERS__HOLD_FOR", HOLD.to_owned()),
    ];
    let site = Site::open(bench, Contestant::Orderly, Outputs::All, &settings).await?;
    let (mut serving, _) = site.processor().start_ready().await?;
    let life = Life::new(rate, minutes * 60.0);
    let began = Instant::now() + Duration::from_millis(500);

    let second = Arc::new(Mutex::new(Histogram::default()));
    let (filled, times) = (Arc::clone(&second), life.clone());
    let names = site.broker.names();
    let start = (Ledger::of_events(life.orders()), Histogram::default());
    let events = take(&site.url, site.namespace(), names.out(), start, move |state, now, body| {
        let (kind, order) = state.0.event(body)?;
        if let Some(due) = times.due(kind, order) {
            let latency = now.saturating_duration_since(began).saturating_sub(due);
            let latency = paced::micros(latency);
            state.1.record(latency);
            filled.lock().unwrap_or_else(PoisonError::into_inner).record(latency);
        }
        Ok(state.0.is_complete())
    });
    let ledger = Ledger::of_notifications(life.orders());
    let notified =
        take(&site.url, site.namespace(), names.notified(), ledger, |ledger, _, body| {
            ledger.notification(body)?;
            Ok(ledger.is_complete())
        });
    let producer = paced::produce(&site.url, site.namespace(), began, life.commands());
    let (admin, pid) = (serving.admin()?.clone(), serving.running.pid());
    let store = site.store().to_owned();
    let samples = sample(Duration::from_secs(1), move || {
        let latency = std::mem::take(&mut *second.lock().unwrap_or_else(PoisonError::into_inner));
        look(&admin, pid, &store, began, &latency)
    });

    // After the last command, the last holds run out.
    let patience = Instant::now() + Duration::from_secs_f64(minutes * 90.0 + 180.0);
    while !(events.has_ended() && notified.has_ended() && producer.has_ended()) {
        let early = (events.has_ended() || notified.has_ended()) && !producer.has_ended();
        if early || samples.has_ended() || Instant::now() > patience {
            break; // one of them says why
        }
        serving.running.is_alive()?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut samples = samples.stop()?;
    // Behind the last order there is nothing to see.
    samples.retain(|second| second.at <= minutes * 60.0);
    let (ledger, latencies) = events.stop()?;
    let notified = notified.stop()?;
    ledger.complete()?;
    notified.complete()?;
    producer.join()?;
    let parked = serving.admin()?.metric("orderly_parked", "")?;
    ensure!(parked < 0.5, "{parked} commands are parked");
    site.stop(serving).await?;
    site.close().await?;
    let soak = Soak {
        machine,
        rate,
        minutes,
        retention,
        orders: life.orders(),
        events: ledger.count(),
        notifications: notified.count(),
        latency: latencies.percentiles(),
        samples,
    };
    let ((memory, memory_last), (disk, disk_last)) =
        (soak.quarters(|second| second.memory), soak.quarters(|second| second.disk));
    println!(
        "soak: {} orders in {minutes} min; second and last quarter: {memory:.0} and {memory_last:.0} MiB, {disk:.0} and {disk_last:.0} MiB on disk; P99 {:.1} ms, max {:.1} ms",
        soak.orders, soak.latency.p99, soak.latency.max
    );
    Ok(soak)
}

fn look(
    admin: &Admin,
    pid: u32,
    store: &std::path::Path,
    began: Instant,
    latency: &Histogram,
) -> Result<Second> {
    let metrics = admin.get("/metrics")?;
    let sum = |name: &str| sum_of(&metrics, name, "");
    Ok(Second {
        at: Instant::now().saturating_duration_since(began).as_secs_f64(),
        memory: crate::process::memory_of(pid, "VmRSS:")?,
        disk: disk_of(store)? as f64 / 1_048_576.0,
        orders: whole(sum("orderly_orders")),
        outbox: whole(sum("orderly_outbox_pending")),
        notifications: whole(sum("orderly_notifications_pending")),
        latency: latency.percentiles(),
    })
}
