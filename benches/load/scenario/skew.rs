//! `skew`: work that is not spread evenly. One sku for all orders, orders of 500 lines, carts that are touched once, an order
//! with ten thousand callbacks.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Duration, Instant};

use crate::{
    Bench,
    check::Tally,
    content::{self, Basket, Command},
    machine::Machine,
    process::disk_of,
    raw::Outputs,
    results::median,
    site::{Contestant, Drained, Site, until},
};

/// The largest basket that the contract allows.
const LINES: u64 = 500;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Skew {
    pub(crate) machine: Machine,
    pub(crate) rounds: Vec<Round>,
    /// Orders of 500 lines each.
    pub(crate) baskets: Drained,
    pub(crate) carts: Carts,
    pub(crate) callbacks: Vec<Callbacks>,
}

/// Orders of one line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    /// Of a thousand skus.
    pub(crate) spread: Drained,
    /// All of one sku.
    pub(crate) one_sku: Drained,
}

/// Carts that get one line and are never seen again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Carts {
    pub(crate) count: u64,
    pub(crate) seconds: f64,
    /// CPU seconds.
    pub(crate) processor: f64,
    /// MiB at most.
    pub(crate) memory: f64,
    /// Bytes of the store at the end.
    pub(crate) disk: u64,
}

/// One order that so many captures pay.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Callbacks {
    pub(crate) count: u64,
    pub(crate) seconds: f64,
    /// CPU seconds.
    pub(crate) processor: f64,
}

impl Skew {
    /// The drain rate of one sku, of that of many.
    pub(crate) fn ratio(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.spread.seconds / round.one_sku.seconds))
    }
}

/// How much of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) orders: u64,
    pub(crate) rounds: u64,
    pub(crate) baskets: u64,
    pub(crate) carts: u64,
    pub(crate) callbacks: u64,
}

pub(crate) async fn run(bench: &Bench, sizes: Sizes) -> Result<Skew> {
    let machine = Machine::look(&bench.url)?;
    let mut rounds = Vec::new();
    for _ in 0..sizes.rounds {
        let spread = drain(bench, sizes.orders, Basket::Single(content::SKUS)).await?;
        let one_sku = drain(bench, sizes.orders, Basket::Single(1)).await?;
        rounds.push(Round { spread, one_sku });
    }
    let baskets = drain(bench, sizes.baskets, Basket::Large(LINES)).await?;
    let carts = carts(bench, sizes.carts).await?;
    let mut of_one_order = Vec::new();
    for callbacks in [sizes.callbacks / 10, sizes.callbacks] {
        of_one_order.push(captures(bench, callbacks.max(1)).await?);
    }
    let skew = Skew { machine, rounds, baskets, carts, callbacks: of_one_order };
    println!(
        "one sku: {:.2} of the spread rate; baskets of {LINES} lines: {:.0} lines/s; carts: {:.0}/s, {:.0} MiB; callbacks of one order: {}",
        skew.ratio(),
        skew.baskets.rate() * LINES as f64,
        skew.carts.count as f64 / skew.carts.seconds,
        skew.carts.memory,
        skew.callbacks
            .iter()
            .map(|of| format!("{} at {:.0}/s", of.count, of.count as f64 / of.seconds))
            .collect::<Vec<_>>()
            .join(", ")
    );
    Ok(skew)
}

async fn drain(bench: &Bench, orders: u64, basket: Basket) -> Result<Drained> {
    let site = Site::open(bench, Contestant::Orderly, Outputs::Paid, &[]).await?;
    let measured = site.drain(0..orders, basket).await;
    let (drained, serving) = measured.with_context(|| format!("{orders} orders of {basket:?}"))?;
    site.stop(serving).await?;
    site.check_outputs(0..orders).await?;
    site.close().await?;
    Ok(drained)
}

async fn carts(bench: &Bench, carts: u64) -> Result<Carts> {
    let site = Site::open(bench, Contestant::Orderly, Outputs::Paid, &[]).await?;
    let touch = |cart: u64| {
        let data = json!({
            "cart_id": format!("cart-{cart:08}"),
            "sku": content::sku_name(cart % content::SKUS),
            "quantity": 1,
            "unit_price": 1_295,
            "currency": "EUR",
            "name": "Regency teacup and saucer",
        });
        Command::new("cart.put", format!("touch-{cart:08}"), &data)
    };
    site.broker.publish((0..carts).map(touch)).await?;
    let mut serving = site.start()?;
    let patience = Duration::from_secs(180 + carts / 200);
    let loaded = site.broker.commands_ready().await?;
    ensure!(loaded == carts, "{loaded} commands are in the queue");
    until(&mut serving, patience, Duration::from_millis(5), async || {
        Ok(site.broker.commands_ready().await? < loaded)
    })
    .await?;
    let (began, before) = (Instant::now(), serving.running.cpu()?);
    let admin = serving.admin()?.clone();
    // An acknowledged command has its verdict counted.
    until(&mut serving, patience, Duration::from_millis(50), async || {
        let labels = "type=\"cart.put\",verdict=\"applied\"";
        Ok(site.broker.commands_ready().await? == 0
            && admin.metric("orderly_commands_total", labels)? >= carts as f64)
    })
    .await?;
    let seconds = began.elapsed().as_secs_f64();
    let processor = serving.running.cpu()? - before;
    let memory = serving.running.peak_memory()?;
    site.stop(serving).await?;
    let disk = disk_of(site.store())?;
    site.close().await?;
    Ok(Carts { count: carts, seconds, processor, memory, disk })
}

async fn captures(bench: &Bench, callbacks: u64) -> Result<Callbacks> {
    let site = Site::open(bench, Contestant::Orderly, Outputs::Paid, &[]).await?;
    let order = content::order_id(0);
    let placing = json!({
        "order_id": order,
        "customer": { "id": "customer-0" },
        "currency": "EUR",
        "lines": [{ "sku": content::sku_name(0), "quantity": callbacks, "unit_price": 1 }],
    });
    let capture = |number: u64| {
        let data = json!({
            "provider": "acme-pay",
            "event_id": format!("evt-{number:08}"),
            "order_id": order,
            "attempt_id": "attempt-0",
            "capture_id": format!("capture-{number:08}"),
            "kind": "captured",
            "amount": 1,
            "currency": "EUR",
            "occurred_at": "2026-01-01T00:00:05Z",
        });
        Command::new("payment.callback", format!("hook-{number:08}"), &data)
    };
    let place = Command::new("order.place", "place-0".to_owned(), &placing);
    site.broker.publish(std::iter::once(place).chain((0..callbacks).map(capture))).await?;
    let (drained, serving) = site.drain_loaded(1, callbacks + 1).await?;
    site.stop(serving).await?;
    let mut tally = Tally::new(0..1, Outputs::Paid.events());
    site.broker.take(&site.broker.names().out(), |body| tally.event(body).map(drop)).await?;
    tally.complete()?;
    site.close().await?;
    let Drained { seconds, processor, .. } = drained;
    Ok(Callbacks { count: callbacks, seconds, processor })
}
