//! `unbound`: notifications that nobody has bound a queue for must not slow the orders down.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::time::Duration;

use crate::{
    Bench,
    content::Basket,
    machine::Machine,
    processor::Setting,
    raw::Outputs,
    results::median,
    site::{Contestant, Drained, Site, until},
};

/// What `/readyz` says then.
const WARNING: &str = "notifications_unroutable";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Unbound {
    pub(crate) machine: Machine,
    pub(crate) orders: u64,
    pub(crate) rounds: Vec<Round>,
    /// The reasons in `/readyz` after the last order.
    pub(crate) degraded: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    /// With `notifications.channels = []`.
    pub(crate) without: Drained,
    /// With the channel `amqp`, and no queue bound to its exchange.
    pub(crate) unbound: Drained,
}

impl Unbound {
    /// The drain rate with the channel, of that without.
    pub(crate) fn ratio(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.without.seconds / round.unbound.seconds))
    }
}

pub(crate) async fn run(bench: &Bench, orders: u64, rounds: u64) -> Result<Unbound> {
    let machine = Machine::look(&bench.url)?;
    let channel = [("ORDERLY_NOTIFICATIONS__CHANNELS", r#"["amqp"]"#.to_owned())];
    let (mut finished, mut degraded) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (without, reasons) = measure(bench, orders, &[]).await?;
        ensure!(reasons.is_empty(), "without a channel it is degraded: {reasons:?}");
        let unbound;
        (unbound, degraded) = measure(bench, orders, &channel).await?;
        finished.push(Round { without, unbound });
    }
    let result = Unbound { machine, orders, rounds: finished, degraded };
    println!(
        "no queue for notifications: {:.2} of the drain rate without a channel; /readyz warns: {}",
        result.ratio(),
        result.degraded.join(", ")
    );
    Ok(result)
}

/// Drains the orders. The reasons are those of `/readyz` at the end.
async fn measure(
    bench: &Bench,
    orders: u64,
    settings: &[Setting],
) -> Result<(Drained, Vec<String>)> {
    let site = Site::open(bench, Contestant::Orderly, Outputs::Paid, settings).await?;
    let (drained, mut serving) = site.drain(0..orders, Basket::Spread).await?;
    let admin = serving.admin()?.clone();
    if !settings.is_empty() {
        until(&mut serving, Duration::from_secs(30), Duration::from_millis(100), async || {
            Ok(admin.degraded()?.iter().any(|reason| reason == WARNING))
        })
        .await?;
    }
    let degraded = admin.degraded()?;
    site.stop(serving).await?;
    site.check_outputs(0..orders).await?;
    site.close().await?;
    Ok((drained, degraded))
}
