//! Runs many inputs in every target, and says what they did.
//!
//! The inputs run in processes of their own: an abort, a stack that ran over and an input without an end are found too. Ends
//! with 1 when there was a fault.

use clap::Parser;
use orderly_fuzz::trial::{self, Trial};
use orderly_fuzz::{Inputs, Target, targets};
use peak_alloc::PeakAlloc;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{env, fs, process, thread};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The longest that an input may take, as time of the processor.
const LIMIT: Duration = Duration::from_secs(1);
/// The inputs of one process.
const PIECE: u64 = 100_000;
/// What a process ends with whose input took too long.
const TOO_LONG: u8 = 3;
/// The input that is being run.
static CURRENT: AtomicU64 = AtomicU64::new(0);

/// Runs damaged and hostile inputs in every decoder.
#[derive(Parser)]
struct Args {
    /// How many inputs, over all targets
    #[arg(long, default_value_t = 10_000_000)]
    inputs: u64,
    /// The inputs follow from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only targets whose names begin with this
    #[arg(long, default_value = "")]
    only: String,
    /// Writes the figures as JSON to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Writes the input with this number to standard output, and runs nothing; with `--only` and the whole name of a target
    #[arg(long)]
    print: Option<u64>,
    /// Runs the inputs from this number on of one target, for the process that started this one
    #[arg(long, hide = true, requires = "until")]
    from: Option<u64>,
    /// Ends before this number
    #[arg(long, hide = true)]
    until: Option<u64>,
    /// Tells each number before its input is run
    #[arg(long, hide = true)]
    tell: bool,
}

/// What the inputs of a target did.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Outcome {
    target: String,
    inputs: u64,
    seconds: f64,
    slowest_ms: f64,
    slowest_input: u64,
    most_memory: usize,
    most_memory_input: u64,
    faults: Vec<Fault>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Fault {
    input: u64,
    what: String,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let targets: Vec<_> =
        targets::all().into_iter().filter(|target| target.name.starts_with(&args.only)).collect();
    if let (Some(from), Some(until)) = (args.from, args.until) {
        let target = targets.iter().find(|target| target.name == args.only).expect("a target");
        return work(target, args.seed, from..until, args.tell);
    }
    if let Some(number) = args.print {
        let target = targets.iter().find(|target| target.name == args.only).expect("a target");
        let input = Inputs::new(target, args.seed).input(number);
        return ExitCode::from(u8::from(std::io::stdout().write_all(&input).is_err()));
    }
    let weights: u64 = targets.iter().map(|target| target.weight).sum();
    println!(
        "{:<28} {:>10} {:>8} {:>11} {:>12}",
        "target", "inputs", "s", "slowest ms", "memory KiB"
    );
    let mut outcomes = Vec::new();
    for target in &targets {
        let inputs = (args.inputs * target.weight).div_ceil(weights.max(1));
        let outcome = supervise(&target.name, args.seed, inputs);
        let Outcome { seconds, slowest_ms, most_memory, faults, .. } = &outcome;
        let memory = most_memory >> 10;
        println!("{:<28} {inputs:>10} {seconds:>8.1} {slowest_ms:>11.1} {memory:>12}", target.name);
        for Fault { input, what } in faults {
            println!("  FAULT in input {input}: {what}");
        }
        outcomes.push(outcome);
    }
    let inputs: u64 = outcomes.iter().map(|outcome| outcome.inputs).sum();
    let faults: usize = outcomes.iter().map(|outcome| outcome.faults.len()).sum();
    let seconds: f64 = outcomes.iter().map(|outcome| outcome.seconds).sum();
    println!(
        "seed {}: {inputs} inputs in {} targets, {seconds:.0} s, {faults} faults",
        args.seed,
        targets.len()
    );
    if let Some(path) = args.json {
        let json = serde_json::to_vec_pretty(&outcomes).expect("numbers and texts are JSON");
        fs::write(path, json).expect("the file of the figures can be written");
    }
    ExitCode::from(u8::from(faults > 0))
}

/// Runs the inputs of a target in processes, and goes on behind an input that ended one.
fn supervise(target: &str, seed: u64, inputs: u64) -> Outcome {
    /// A target with more faults is broken altogether.
    const MOST_FAULTS: usize = 5;
    let mut total = Outcome { target: target.to_owned(), ..Outcome::default() };
    let mut from = 0;
    while from < inputs && total.faults.len() < MOST_FAULTS {
        let until = (from + PIECE).min(inputs);
        match child(target, seed, from..until, false) {
            Ok(outcome) => {
                add(&mut total, outcome);
                from = until;
            }
            Err(_) => {
                // once more, to know which one it was
                let fault = match child(target, seed, from..until, true) {
                    Err(fault) => fault,
                    Ok(_) => {
                        Fault { input: from, what: "the process ended, but not again".to_owned() }
                    }
                };
                total.inputs += fault.input + 1 - from;
                from = fault.input + 1;
                total.faults.push(fault);
            }
        }
    }
    total
}

fn add(total: &mut Outcome, outcome: Outcome) {
    total.inputs += outcome.inputs;
    total.seconds += outcome.seconds;
    if outcome.slowest_ms > total.slowest_ms {
        (total.slowest_ms, total.slowest_input) = (outcome.slowest_ms, outcome.slowest_input);
    }
    if outcome.most_memory > total.most_memory {
        (total.most_memory, total.most_memory_input) =
            (outcome.most_memory, outcome.most_memory_input);
    }
    total.faults.extend(outcome.faults);
}

/// The outcome of a process, or the input that ended it.
fn child(
    target: &str,
    seed: u64,
    numbers: std::ops::Range<u64>,
    tell: bool,
) -> Result<Outcome, Fault> {
    let mut command = Command::new(env::current_exe().expect("the path of this program"));
    command.args(["--only", target, "--seed", &seed.to_string()]);
    command.args(["--from", &numbers.start.to_string(), "--until", &numbers.end.to_string()]);
    if tell {
        command.arg("--tell");
    }
    let output = command.stdin(Stdio::null()).output().expect("a process can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().next_back().unwrap_or("");
    if output.status.success() {
        return Ok(serde_json::from_str(last).expect("the outcome of a process"));
    }
    let input = last.parse().unwrap_or(numbers.start);
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("");
    let what = if output.status.code() == Some(TOO_LONG.into()) {
        format!("it took longer than {LIMIT:?}")
    } else {
        format!("{}: {said}", output.status)
    };
    Err(Fault { input, what })
}

/// Runs inputs in this process.
fn work(target: &Target, seed: u64, numbers: std::ops::Range<u64>, tell: bool) -> ExitCode {
    std::panic::set_hook(Box::new(|_| ()));
    let mut outcome = Outcome { target: target.name.clone(), ..Outcome::default() };
    let inputs = Inputs::new(target, seed);
    let began = trial::now();
    CURRENT.store(numbers.start, Ordering::Relaxed);
    thread::spawn(watch);
    for number in numbers {
        CURRENT.store(number, Ordering::Relaxed);
        if tell {
            println!("{number}");
        }
        let input = inputs.input(number);
        let Trial { fault, took, memory } = trial::run(target, &input);
        let took = took.as_secs_f64() * 1000.0;
        outcome.inputs += 1;
        if took > outcome.slowest_ms {
            (outcome.slowest_ms, outcome.slowest_input) = (took, number);
        }
        if memory > outcome.most_memory {
            (outcome.most_memory, outcome.most_memory_input) = (memory, number);
        }
        if let Some(what) = fault
            && outcome.faults.len() < 3
        {
            outcome.faults.push(Fault { input: number, what });
        }
    }
    outcome.seconds = began.elapsed().as_secs_f64();
    println!("{}", serde_json::to_string(&outcome).expect("numbers and texts are JSON"));
    ExitCode::SUCCESS
}

/// Ends the process when an input takes too long.
fn watch() {
    let mut seen = (u64::MAX, Duration::ZERO);
    loop {
        thread::sleep(Duration::from_millis(50));
        let (number, spent) = (CURRENT.load(Ordering::Relaxed), spent());
        if number != seen.0 {
            seen = (number, spent);
        } else if spent.saturating_sub(seen.1) > LIMIT {
            process::exit(TOO_LONG.into());
        }
    }
}

/// The time of the processor that this process has spent: a machine that is busy with other things counts for nothing.
fn spent() -> Duration {
    /// Linux counts in hundredths of a second.
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // behind the name of the program, which may have spaces: the 12th and 13th are of the user and of the system
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u32>().ok());
    TICK * ticks.sum()
}
