//! `orderly simulate`: the core against random failures, checked after every step.

use super::exit::Exit;
use super::progress::Progress;
use super::{output, values};
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_simulator::{Case, Fault, Summary, Sweep, Violation, shrink, sweep};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

/// Runs of the search for a smaller case.
const TRIES: u32 = 400;

/// Arguments of `orderly simulate`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// The first seed: all chance of a run comes from it
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = values::count::<u64>)]
    seed: u64,
    /// How many seeds to run, one after the other from the first on
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = values::count::<u64>)]
    seeds: u64,
    /// Commands of each seed, without their copies
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = values::count::<u32>)]
    commands: u32,
    /// So many processes share a journal, and one at a time owns it; 0: one process has the store for itself
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=9))]
    members: u8,
    /// Threads; each runs one seed at a time [default: one for each processor]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Faults that do not happen, separated by commas
    #[arg(long, value_name = "FAULTS", value_delimiter = ',', value_parser = fault)]
    without: Vec<Fault>,
    /// Publish only the commands with these numbers, separated by commas; for repeating a case that was made smaller
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', value_parser = values::count::<u32>)]
    only: Option<Vec<u32>>,
    /// Report a violation as it was found, without looking for a smaller case
    #[arg(long)]
    no_shrink: bool,
    /// The most steps before a violation to show
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = values::count::<usize>)]
    steps: usize,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
The simulation runs the rules, the owners, the sequencer and the store of the processor on one thread, around them a simulated \
clock, broker and disk. Producers send random commands for a small shop with scarce stock, several times and out of order. \
The process is killed, the disk fails at any write or sync and loses what was not synced, owners panic, connections break, the \
clock steps. After every step the invariants are checked, and every result is compared with a second implementation of the \
rules, the reference model. Nothing outside of the program is read, used or changed: no configuration, no RabbitMQ, no files.

The same seed and options of the same build always give the same run. When a check fails, the command looks for a smaller case \
that fails at the same check: fewer kinds of faults and fewer commands. It prints that case, its last steps, and the command \
lines that repeat the smaller and the original case.

Faults for --without:
  crashes      the process is killed, or the power fails, between two steps
  disk         a write or sync fails: with the power, for a full disk, or for good
  failures     a command fails outside of the core and is retried
  panics       an owner panics in the middle of a command
  connections  a connection breaks: acknowledgements and confirms are lost
  copies       producers send a command several times
  order        commands overtake each other
  clock        the wall clock steps, forwards and backwards
  upgrades     states are stored in the form of an earlier build; not with --members
And with --members:
  freezes      a process stands still, and goes on later with its memory
  claims       a member claims for no reason, or leaves; the broker gives the commands to another one
  records      records of the journal are lost, arrive late or twice
  retention    the journal loses its oldest records
  power        the journal loses its newest records, down to what some disk has synced

Exit codes: 0 when no check failed, 70 when one did, 2 when the command line is wrong.

Examples:
  orderly simulate                              one seed
  orderly simulate --seeds 100                  100 seeds, on all processors
  orderly simulate --seeds 10000 --jobs 8       ten million commands
  orderly simulate --members 3 --commands 100   three members of a cluster";

/// Why the simulation could not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// The summary cannot be written as JSON.
    #[error("cannot write the summary as JSON")]
    Json(#[from] serde_json::Error),
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

/// Reads the name of a kind of faults.
fn fault(text: &str) -> Result<Fault, String> {
    let names = Fault::ALL.iter().map(Fault::to_string).collect::<Vec<_>>().join(", ");
    text.parse().map_err(|_| format!("must be some of {names}"))
}

/// Runs the seeds, and prints what they came to. The exit is [`Exit::Violation`] when a check failed.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let case = Case {
        seed: args.seed,
        members: args.members.into(),
        commands: Some(args.commands),
        only: args.only.as_ref().map(|only| only.iter().copied().collect()),
        without: args.without.iter().copied().collect::<BTreeSet<_>>(),
    };
    let jobs = args.jobs.or_else(|| available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN);
    let clock = SystemClock::default();
    let began = clock.monotonic();
    let progress = Progress::counted(args.seeds, "seeds");
    let done = |_: &Summary| progress.add(1);
    let swept = sweep(&case, args.seeds, jobs, done).map_err(Error::Thread)?;
    drop(progress);
    let took = clock.monotonic().saturating_sub(began);
    let found = swept.violation.as_deref().map(|violation| Found {
        smallest: smallest(args, violation),
        original: violation.case.clone(),
    });
    let text =
        if args.json { to_json(&swept, found.as_ref(), took)? } else { summary(&swept, took) };
    output::print(&text).map_err(Error::Output)?;
    let Some(found) = found else {
        return Ok(Exit::Success);
    };
    if !args.json {
        output::print(&found.report()).map_err(Error::Output)?;
    }
    Ok(Exit::Violation)
}

/// The smallest case that fails like the one that was found, with its steps.
fn smallest(args: &Args, violation: &Violation) -> Box<Violation> {
    let _progress = Progress::spinner("looking for the smallest case that fails");
    let tries = if args.no_shrink { 0 } else { TRIES };
    shrink(violation, tries, args.steps.max(1), |_| {})
}

/// A violation, as it is reported.
struct Found {
    smallest: Box<Violation>,
    original: Case,
}

impl Found {
    fn report(&self) -> String {
        let mut text = format!("\nA check failed. {}", self.smallest);
        let _ = writeln!(text, "\nrepeat it:\n  {}", line(&self.smallest.case));
        if self.original != self.smallest.case {
            let _ = writeln!(text, "as it was found:\n  {} --no-shrink", line(&self.original));
        }
        text
    }
}

/// The command line that repeats a case.
fn line(case: &Case) -> String {
    format!("orderly simulate {}", case.arguments())
}

fn to_json(swept: &Sweep, found: Option<&Found>, took: Duration) -> serde_json::Result<String> {
    let violation = found.map(|Found { smallest, original }| {
        json!({
            "seed": original.seed,
            "what": smallest.what,
            "check": smallest.place,
            "steps": smallest.steps,
            "repeat": line(&smallest.case),
            "repeat_original": line(original) + " --no-shrink",
        })
    });
    let answer = json!({
        "clean_seeds": swept.clean,
        "seconds": (took.as_secs_f64() * 1000.0).round() / 1000.0,
        "summary": swept.summary,
        "violation": violation,
    });
    serde_json::to_string_pretty(&answer).map(|text| text + "\n")
}

fn summary(swept: &Sweep, took: Duration) -> String {
    let Summary { aged, .. } = &swept.summary;
    let all = &swept.summary;
    let rate = all.commands as f64 / took.as_secs_f64().max(0.001);
    let rows = [
        ("clean seeds", swept.clean),
        ("commands", all.commands),
        ("messages published", all.published),
        ("redelivered", all.redelivered),
        ("acknowledged", all.acks),
        ("durable units", all.units),
        ("events received", all.events),
        ("events received again", all.repeated_events),
        ("notifications", all.notifications),
        ("crashes", all.crashes),
        ("panics of owners", all.panics),
        ("checkpoints", all.checkpoints),
        ("audits", all.audits),
        ("take-overs", all.take_overs),
        ("stores copied", all.copies),
        ("journals cut short", all.lost_ends),
        ("carts expired", aged.expired_carts),
        ("carts deleted", aged.deleted_carts),
        ("orders deleted", aged.deleted_orders),
        ("callbacks without order", aged.expired_callbacks),
    ];
    let mut text = String::new();
    for (name, count) in rows {
        let _ = writeln!(text, "{name:<24}{count:>14}");
    }
    counts(&mut text, "units by verdict", &all.verdicts);
    counts(&mut text, "applied, by type", &all.applied);
    let _ = writeln!(text, "\n{:.1} s, {rate:.0} commands/s", took.as_secs_f64());
    text
}

fn counts(text: &mut String, title: &str, counts: &BTreeMap<&'static str, u64>) {
    let _ = writeln!(text, "\n{title}:");
    for (name, count) in counts {
        let _ = writeln!(text, "  {name:<22}{count:>14}");
    }
}
