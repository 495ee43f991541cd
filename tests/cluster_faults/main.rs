//! Faults of the members of a cluster, of the broker's nodes and of the network between them, on a real `RabbitMQ`, under load.
//!
//! Without arguments a short form on one node runs, which is a test. `scripts/cluster-faults` runs the long form on three nodes.
//! The words of the table are those of `tests/faults`; "recovered" means that one member owns, that it has processed every order that
//! was published before the end of the fault, and that all members are ready. "owned" is the time from the fault until another member
//! owns: the median and the longest one.
//!
//! | module | has |
//! |---|---|
//! | `kinds` | the faults |
//! | `site` | three members, their load, and what became of both |
//! | `member` | a member: a process with a store of its own, behind a proxy for each node of the broker |

mod kinds;
#[path = "../faults/load.rs"]
mod load;
mod member;
#[path = "../support/broker_nodes.rs"]
mod nodes;
#[path = "../faults/outcome.rs"]
mod outcome;
#[path = "../support/processor.rs"]
mod processor;
#[path = "../support/producer.rs"]
mod producer;
#[path = "../support/rabbit.rs"]
mod rabbit;
mod site;
#[path = "../faults/tcp.rs"]
mod tcp;

use clap::Parser;
use kinds::{KINDS, Kind};
use nodes::BrokerNodes;
use outcome::Row;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::time::Instant;

/// Faults of a cluster on a real RabbitMQ.
#[derive(Parser)]
struct Args {
    /// How many rounds of each kind; by default as many as its row says
    #[arg(long)]
    rounds: Option<u32>,
    /// The faults follow from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the figures as JSON to this file; those of other kinds stay in it
    #[arg(long)]
    json: Option<PathBuf>,
    /// Every kind in its long form, where none is named
    #[arg(long)]
    all: bool,
    /// The kinds of faults
    kinds: Vec<String>,
}

/// What became of a kind.
#[derive(Debug, Default, Serialize)]
struct ClusterRow {
    #[serde(flatten)]
    row: Row,
    /// The times until another member owned, in seconds.
    owned: Vec<f64>,
    /// Ends of members that were superseded, which a service manager starts again.
    superseded: u32,
}

impl ClusterRow {
    /// The median and the longest time until another member owned.
    fn owned(&self) -> Option<(f64, f64)> {
        let mut owned = self.owned.clone();
        owned.sort_by(f64::total_cmp);
        Some((*owned.get(owned.len() / 2)?, *owned.last()?))
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let known: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    if let Some(unknown) = args.kinds.iter().find(|name| !known.contains(&name.as_str())) {
        eprintln!("there is no kind {unknown:?}; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    let nodes = BrokerNodes::of_environment();
    let is_short = !args.all && args.kinds.is_empty();
    let wanted = |kind: &&Kind| {
        if !args.kinds.is_empty() {
            return args.kinds.iter().any(|name| name == kind.name);
        }
        if is_short { kind.short > 0 } else { nodes.is_some() || !kind.needs_nodes() }
    };
    println!("{} {:>14} {:>5}", outcome::heading(), "owned s", "ended");
    let mut rows = Vec::new();
    for kind in KINDS.iter().filter(wanted) {
        let rounds = args.rounds.unwrap_or(if is_short { kind.short } else { kind.long });
        let began = Instant::now();
        let mut row = kind.run(rounds, args.seed, nodes.as_ref());
        row.row.seconds = began.elapsed().as_secs_f64();
        let owned = row
            .owned()
            .map_or("-".to_owned(), |(median, longest)| format!("{median:.2} / {longest:.2}"));
        println!("{} {owned:>14} {:>5}", outcome::line(&row.row), row.superseded);
        for what in &row.row.unexpected {
            println!("  unexpected: {what}");
        }
        rows.push(row);
    }
    if let Some(path) = args.json {
        write(&path, &rows);
    }
    ExitCode::from(u8::from(!rows.iter().all(|row| row.row.is_good())))
}

/// Writes rows into a file, in place of earlier ones of the same kinds.
fn write(path: &Path, rows: &[ClusterRow]) {
    let earlier = std::fs::read(path).unwrap_or_else(|_| b"[]".to_vec());
    let mut all: Vec<Value> = serde_json::from_slice(&earlier).expect("the file has rows");
    let is_new = |row: &Value| rows.iter().any(|new| row["kind"] == *new.row.kind);
    all.retain(|row| !is_new(row));
    all.extend(rows.iter().map(|row| serde_json::to_value(row).expect("it is JSON")));
    let json = serde_json::to_vec_pretty(&all).expect("it is JSON");
    std::fs::write(path, json).expect("the file of the figures can be written");
}
