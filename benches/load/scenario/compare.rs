//! `relay` and `defaults`: how close `orderly serve` comes to a relay that publishes as many messages, but decides nothing and
//! keeps nothing.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    Bench,
    content::{self, Basket},
    machine::Machine,
    raw::Outputs,
    results::median,
    site::{Contestant, Drained, Site},
};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Compared {
    pub(crate) machine: Machine,
    pub(crate) orders: u64,
    pub(crate) rounds: Vec<Round>,
}

/// A machine's speed changes from one minute to the next, so ratios are taken within a round.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) relay: Drained,
    pub(crate) orderly: Drained,
}

impl Round {
    pub(crate) fn ratio(&self) -> f64 {
        self.relay.seconds / self.orderly.seconds
    }
}

impl Compared {
    pub(crate) fn ratio(&self) -> f64 {
        median(self.rounds.iter().map(Round::ratio))
    }
}

pub(crate) async fn run(
    bench: &Bench,
    outputs: Outputs,
    orders: u64,
    rounds: u64,
) -> Result<Compared> {
    let machine = Machine::look(&bench.url)?;
    println!(
        "{orders} orders, {} commands; CPU in microseconds an order\n\
         round  contestant  orders/s  seconds  processor  broker  others  peak MiB",
        content::count(&(0..orders))
    );
    // A broker that has just started is slow at first; whoever comes first must not pay for that.
    measure(bench, Contestant::RawRelay, outputs, orders)
        .await
        .context("while the broker warmed up")?;
    let mut finished = Vec::new();
    for round in 1..=rounds {
        let relay = measure(bench, Contestant::RawRelay, outputs, orders).await;
        let relay = relay.with_context(|| format!("raw relay in round {round}"))?;
        println!("{}", line(round, Contestant::RawRelay, &relay));
        let orderly = measure(bench, Contestant::Orderly, outputs, orders).await;
        let orderly = orderly.with_context(|| format!("orderly in round {round}"))?;
        println!("{}", line(round, Contestant::Orderly, &orderly));
        finished.push(Round { relay, orderly });
    }
    let compared = Compared { machine, orders, rounds: finished };
    println!("{}", summary(&compared));
    Ok(compared)
}

async fn measure(
    bench: &Bench,
    contestant: Contestant,
    outputs: Outputs,
    orders: u64,
) -> Result<Drained> {
    let site = Site::open(bench, contestant, outputs, &[]).await?;
    let (drained, serving) = site.drain(0..orders, Basket::Spread).await?;
    site.stop(serving).await?;
    site.check_outputs(0..orders).await?;
    site.close().await?;
    Ok(drained)
}

fn line(round: u64, contestant: Contestant, run: &Drained) -> String {
    let an_order = |seconds: f64| format!("{:.0}", seconds * 1e6 / run.orders as f64);
    let known = |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), an_order);
    format!(
        "{round:>5}  {contestant:<10}  {:>8.0}  {:>7.3}  {:>9.0}  {:>6}  {:>6}  {:>8.0}",
        run.rate(),
        run.seconds,
        run.cpu(),
        known(run.broker),
        known(run.others),
        run.memory,
    )
}

/// Medians, and the share of the relay's rate.
pub(crate) fn summary(compared: &Compared) -> String {
    let rounds = &compared.rounds;
    let ratios: Vec<String> = rounds.iter().map(|round| format!("{:.2}", round.ratio())).collect();
    format!(
        "orderly     median {:.0} orders/s, {:.2} of the raw relay (rounds: {})",
        median(rounds.iter().map(|round| round.orderly.rate())),
        compared.ratio(),
        ratios.join(" ")
    )
}
