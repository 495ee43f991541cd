//! How close `orderly serve` comes to a relay that decides nothing and keeps nothing.
//!
//! `scripts/bench-relay [ORDERS] [ROUNDS]` runs it beside a private RabbitMQ. A round gives the same
//! preloaded queue to each contestant, a process of its own: the clock runs from its first delivery
//! until one event an order lies in the out queue. The ratio of a round is taken within the round,
//! since a machine's speed changes from one minute to the next. A run whose events are not exactly
//! one for each order, or that leaves a command behind, is an error and no figure.
//!
//! Without `--bench`, as under `cargo test`, the harness tries itself on a few orders.

mod broker;
mod content;
mod contestant;
mod raw;
mod report;
mod round;

use std::env;

use anyhow::{Context, Result, bail};

use contestant::Contestant;

/// How the raw relay is started: this program once more, with these words.
const RAW_RELAY: &str = "raw-relay";

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let [first, namespace] = arguments.as_slice()
        && first == RAW_RELAY
    {
        return runtime.block_on(raw::run(&url()?, namespace));
    }

    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let mut numbers = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .map(|argument| argument.parse::<u64>());
    if is_bench {
        let orders = numbers.next().transpose()?.unwrap_or(10_000);
        let rounds = numbers.next().transpose()?.unwrap_or(3);
        let contestants = [Contestant::RawRelay, Contestant::Orderly];
        runtime.block_on(compare(&contestants, orders, rounds))
    } else if env::var_os("ORDERLY_TEST_AMQP").is_some() {
        runtime.block_on(compare(&[Contestant::RawRelay], 200, 1))
    } else {
        println!("no broker (ORDERLY_TEST_AMQP): nothing tried");
        Ok(())
    }
}

async fn compare(contestants: &[Contestant], orders: u64, rounds: u64) -> Result<()> {
    if orders == 0 || rounds == 0 {
        bail!("at least one order and one round");
    }
    let url = url()?;
    // A broker that has just started is slow at first; whoever comes first must not pay for that.
    round::run(&url, Contestant::RawRelay, orders, 0)
        .await
        .context("while the broker warmed up")?;
    println!("{}", report::header(orders));
    let mut finished = Vec::new();
    for number in 1..=rounds {
        let mut round = Vec::new();
        for contestant in contestants {
            let run = round::run(&url, *contestant, orders, number)
                .await
                .with_context(|| format!("{contestant} in round {number}"))?;
            println!("{}", report::line(number, *contestant, orders, &run));
            round.push(run);
        }
        finished.push(round);
    }
    println!("{}", report::summary(contestants, orders, &finished));
    Ok(())
}

fn url() -> Result<String> {
    env::var("ORDERLY_TEST_AMQP").context("ORDERLY_TEST_AMQP names no broker")
}
