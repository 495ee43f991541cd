//! `standby`: what it costs that each command is in a stream of the broker before it is acknowledged. The same queue is drained by a
//! process alone, by the owner of a cluster, and by an owner with a standby beside it on the same machine.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    Bench,
    content::{self, Basket},
    machine::Machine,
    processor::{CLUSTER_MODE, Setting},
    raw::Outputs,
    results::median,
    site::{Contestant, Drained, Site},
};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Standby {
    pub(crate) machine: Machine,
    pub(crate) orders: u64,
    pub(crate) rounds: Vec<Round>,
}

/// A machine's speed changes from one minute to the next, so ratios are taken within a round.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) single: Drained,
    pub(crate) owner: Drained,
    /// The owner, while a standby follows.
    pub(crate) followed: Drained,
}

impl Standby {
    /// The owner's rate as a share of that of a process alone: without a standby, and with one.
    pub(crate) fn ratios(&self) -> (f64, f64) {
        let to_single = |of: fn(&Round) -> &Drained| {
            median(self.rounds.iter().map(|round| of(round).rate() / round.single.rate()))
        };
        (to_single(|round| &round.owner), to_single(|round| &round.followed))
    }
}

pub(crate) async fn run(bench: &Bench, orders: u64, rounds: u64) -> Result<Standby> {
    let machine = Machine::look(&bench.url)?;
    println!(
        "{orders} orders, {} commands\nround  mode                orders/s  us of CPU an order",
        content::count(&(0..orders))
    );
    measure(bench, &[], false, orders).await.context("while the broker warmed up")?;
    let mode = [(CLUSTER_MODE, "standby".to_owned())];
    let mut finished = Vec::new();
    for number in 1..=rounds {
        let show = |mode: &str, run: &Drained| {
            println!("{number:>5}  {mode:<18}  {:>8.0}  {:>18.0}", run.rate(), run.cpu());
        };
        let single = measure(bench, &[], false, orders).await.context("a process alone")?;
        show("single", &single);
        let owner = measure(bench, &mode, false, orders).await.context("an owner")?;
        show("standby, alone", &owner);
        let followed = measure(bench, &mode, true, orders).await.context("an owner followed")?;
        show("standby, followed", &followed);
        finished.push(Round { single, owner, followed });
    }
    let standby = Standby { machine, orders, rounds: finished };
    let (owner, followed) = standby.ratios();
    println!(
        "an owner has {owner:.2} of the rate of a process alone, and {followed:.2} with a standby beside it"
    );
    Ok(standby)
}

async fn measure(
    bench: &Bench,
    settings: &[Setting],
    followed: bool,
    orders: u64,
) -> Result<Drained> {
    let site = Site::open(bench, Contestant::Orderly, Outputs::Paid, settings).await?;
    let site = if followed { site.with_standby() } else { site };
    let (drained, serving) = site.drain(0..orders, Basket::Spread).await?;
    site.stop(serving).await?;
    site.check_outputs(0..orders).await?;
    site.close().await?;
    Ok(drained)
}
