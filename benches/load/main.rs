//! Measures `orderly serve` from outside, as its users see it: on a `RabbitMQ`, with its store on a disk.
//!
//! `scripts/bench` runs everything beside a private broker, writes the figures as JSON, and their tables and plots into
//! docs/performance.md. Each scenario checks that every order has exactly the events that it must have, that no command is left
//! in the queue, and that `orderly store verify` finds no violation; otherwise it fails and there is no figure.
//!
//! Without `--bench`, as under `cargo test`, a small form of the scenarios runs: it shows that they work, and the ratio to the
//! raw relay of a build that is not optimised.

mod broker;
mod check;
mod coincidence;
mod content;
mod histogram;
mod life;
mod machine;
mod paced;
mod plot;
mod process;
mod processor;
mod raw;
mod report;
mod results;
mod scenario;
mod site;
mod thread;

use std::{env, path::PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tokio::time::Duration;

use raw::Outputs;
use results::Results;
use scenario::{compare, growth, latency, skew, soak, standby, unbound};

/// Measures orderly on a broker.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// The broker.
    #[arg(long, global = true, env = "ORDERLY_TEST_AMQP")]
    url: Option<String>,
    /// The file of all figures. A scenario replaces its own.
    #[arg(long, global = true, default_value = "target/bench/results.json")]
    results: PathBuf,
    /// Shorter pauses between the steps: to try a scenario, not to measure.
    #[arg(long, global = true)]
    short: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Only order.paid is published: the ratio to a raw relay.
    Relay {
        #[arg(default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
        orders: u64,
        #[arg(default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
        rounds: u64,
    },
    /// The default configuration, with notifications: the ratio to a raw relay that publishes as many messages.
    Defaults {
        #[arg(default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
        orders: u64,
        #[arg(default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
        rounds: u64,
    },
    /// Notifications without a queue.
    Unbound {
        #[arg(default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
        orders: u64,
        #[arg(default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
        rounds: u64,
    },
    /// From the moment at which a command is due to its event, at 10, 50 and 80 % of the drain rate.
    Latency {
        /// Orders that are drained to find the rate.
        #[arg(long, default_value_t = 100_000)]
        orders: u64,
        /// Of each run.
        #[arg(long, default_value_t = 60.0)]
        seconds: f64,
    },
    /// Every figure against the number of orders in the store.
    Growth {
        /// Orders in the store, ascending.
        #[arg(default_values_t = [0, 1_000_000])]
        sizes: Vec<u64>,
        /// Orders that are drained at each size.
        #[arg(long, default_value_t = 100_000)]
        measured: u64,
        /// Of each run at half the drain rate.
        #[arg(long, default_value_t = 30.0)]
        seconds: f64,
        /// Orders of the part about retention; 0 leaves it out.
        #[arg(long, default_value_t = 200_000)]
        shrinking: u64,
        /// Seconds that this part keeps its orders.
        #[arg(long, default_value_t = 60)]
        retention: u64,
    },
    /// One sku, large baskets, many carts, many callbacks.
    Skew {
        #[arg(long, default_value_t = 100_000)]
        orders: u64,
        #[arg(long, default_value_t = 3)]
        rounds: u64,
        #[arg(long, default_value_t = 2_000)]
        baskets: u64,
        #[arg(long, default_value_t = 1_000_000)]
        carts: u64,
        #[arg(long, default_value_t = 10_000)]
        callbacks: u64,
    },
    /// Expiries, refunds, notifications and retention for a long time.
    Soak {
        #[arg(long, default_value_t = 60.0)]
        minutes: f64,
        /// Orders a second.
        #[arg(long, default_value_t = 1_000.0)]
        rate: f64,
        /// Seconds that orders, journal and identities are kept.
        #[arg(long, default_value_t = 300)]
        retention: u64,
    },
    /// A cluster on one machine: the owner's rate beside that of a process alone.
    Standby {
        #[arg(default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
        orders: u64,
        #[arg(default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
        rounds: u64,
    },
    /// Writes tables and plots of the figures into the documents.
    Report {
        /// The folder of performance.md and of its images.
        #[arg(default_value = "docs")]
        docs: PathBuf,
    },
    /// The raw relay itself.
    #[command(hide = true)]
    RawRelay { namespace: String, outputs: Outputs },
}

/// What every scenario needs.
pub(crate) struct Bench {
    pub(crate) url: String,
    is_short: bool,
}

impl Bench {
    /// How long the broker rests after its queue was filled.
    fn settle(&self) -> Duration {
        Duration::from_millis(if self.is_short { 600 } else { 2_500 })
    }
}

fn main() -> Result<()> {
    let is_bench = env::args().any(|argument| argument == "--bench");
    let is_relay = env::args().any(|argument| argument == "raw-relay");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if is_bench || is_relay {
        // `cargo bench` adds the flag.
        let arguments = env::args().filter(|argument| argument != "--bench");
        return runtime.block_on(run(Arguments::parse_from(arguments)));
    }
    histogram::check();
    plot::check()?;
    match env::var("ORDERLY_TEST_AMQP") {
        Ok(url) if !url.is_empty() => runtime.block_on(small(&Bench { url, is_short: true })),
        _ => {
            println!("no broker (ORDERLY_TEST_AMQP): nothing tried");
            Ok(())
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { url, results: path, short, what } = arguments;
    if let What::Report { docs } = &what {
        return report::write(&Results::load(&path)?, docs);
    }
    let url = url.context("neither --url nor ORDERLY_TEST_AMQP names a broker")?;
    if let What::RawRelay { namespace, outputs } = &what {
        return raw::run(&url, namespace, *outputs).await;
    }
    let mut results = Results::load(&path)?;
    measure(&Bench { url, is_short: short }, what, &mut results).await?;
    results.save(&path)
}

async fn measure(bench: &Bench, what: What, results: &mut Results) -> Result<()> {
    match what {
        What::Relay { orders, rounds } => {
            results.relay = Some(compare::run(bench, Outputs::Paid, orders, rounds).await?);
        }
        What::Defaults { orders, rounds } => {
            results.defaults = Some(compare::run(bench, Outputs::All, orders, rounds).await?);
        }
        What::Unbound { orders, rounds } => {
            results.unbound = Some(unbound::run(bench, orders, rounds).await?);
        }
        What::Latency { orders, seconds } => {
            results.latency = Some(latency::run(bench, orders, seconds).await?);
        }
        What::Growth { sizes, measured, seconds, shrinking, retention } => {
            let plan = growth::Plan { sizes, measured, seconds, shrinking, retention };
            results.growth = Some(growth::run(bench, &plan).await?);
        }
        What::Skew { orders, rounds, baskets, carts, callbacks } => {
            let sizes = skew::Sizes { orders, rounds, baskets, carts, callbacks };
            results.skew = Some(skew::run(bench, sizes).await?);
        }
        What::Soak { minutes, rate, retention } => {
            results.soak = Some(soak::run(bench, minutes, rate, retention).await?);
        }
        What::Standby { orders, rounds } => {
            results.standby = Some(standby::run(bench, orders, rounds).await?);
        }
        What::Report { .. } | What::RawRelay { .. } => {}
    }
    Ok(())
}

/// What CI runs; its figure is one line that begins with "bench:".
async fn small(bench: &Bench) -> Result<()> {
    let orders = 3_000;
    let compared = compare::run(bench, Outputs::Paid, orders, 1).await?;
    println!(
        "bench: {:.2} of the raw relay, {:.0} us of CPU an order ({orders} orders, unoptimised build)",
        compared.ratio(),
        compared.rounds[0].orderly.cpu()
    );
    Ok(())
}
