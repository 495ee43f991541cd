//! Faults of processes, brokers, networks and clocks, on a real `RabbitMQ`, under load.
//!
//! Without arguments a short form of a minute runs, which is a test. `scripts/faults` runs the long form:
//!
//! | word | means |
//! |---|---|
//! | lost | commands that the broker had confirmed, and that have no effect or no event |
//! | recovered | rounds after which the processor was ready again |
//! | duplicated | effects that happened twice: two ids of one event or notification, money or stock that counts twice |
//! | unexpected | everything else that must not be: an end of the process that nobody asked for, a limit of time, a wrong audit |
//!
//! Each kind of fault has a namespace, a store and a load of its own. The oracle counts what the producer was promised, and
//! reads the events, the notifications and the audit of the store.
//!
//! | module | has |
//! |---|---|
//! | `kinds` | the faults |
//! | `load` | a producer that publishes orders and captures until it is told to stop |
//! | `outcome` | what became of the load, as a row of the table |
//! | `site` | a processor and its load |
//! | `tcp` | a proxy that delays, cuts, swallows and reorders connections |

mod kinds;
mod load;
mod outcome;
#[path = "../support/preload.rs"]
mod preload;
#[path = "../support/processor.rs"]
mod processor;
#[path = "../support/producer.rs"]
mod producer;
#[path = "../support/rabbit.rs"]
mod rabbit;
mod site;
mod tcp;

use clap::Parser;
use kinds::{KINDS, Kind};
use outcome::{Row, heading, line};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::time::Instant;

/// Faults on a real RabbitMQ.
#[derive(Parser)]
struct Args {
    /// How many rounds of each kind; by default as many as its row says
    #[arg(long)]
    rounds: Option<u32>,
    /// The faults follow from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the figures as JSON to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Every kind in its long form, where none is named
    #[arg(long)]
    all: bool,
    /// The kinds of faults
    kinds: Vec<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let known: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    if let Some(unknown) = args.kinds.iter().find(|name| !known.contains(&name.as_str())) {
        eprintln!("there is no kind {unknown:?}; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    let is_short = !args.all && args.kinds.is_empty();
    let wanted = |kind: &&Kind| {
        if is_short {
            kind.short > 0
        } else {
            args.kinds.is_empty() || args.kinds.iter().any(|name| name == kind.name)
        }
    };
    println!("{}", heading());
    let mut rows = Vec::new();
    for kind in KINDS.iter().filter(wanted) {
        let rounds = args.rounds.unwrap_or(if is_short { kind.short } else { kind.long });
        let began = Instant::now();
        let mut row = kind.run(rounds, args.seed);
        row.seconds = began.elapsed().as_secs_f64();
        println!("{}", line(&row));
        for what in &row.unexpected {
            println!("  unexpected: {what}");
        }
        rows.push(row);
    }
    if let Some(path) = args.json {
        let json = serde_json::to_vec_pretty(&rows).expect("numbers and texts are JSON");
        std::fs::write(path, json).expect("the file of the figures can be written");
    }
    ExitCode::from(u8::from(!rows.iter().all(Row::is_good)))
}
