//! What `orderly store` says of a store that may be damaged, compared with what it said before.

use crate::processor::Processor;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// Longer than any look takes that ends: a minute. It is counted in pauses, so that a machine that stands still costs nothing.
const PAUSES: u32 = 12_000;
const PAUSE: Duration = Duration::from_millis(5);

/// What became of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finding {
    /// An error was told, and the exit code is one of a store that failed.
    Told,
    /// The audit found that the books are wrong, and said so.
    Unbalanced,
    /// Everything is there as it was.
    Harmless,
    /// The store is as it was at an earlier unit: the mark on the broker tells a person.
    Older,
}

/// The units and states of a sound store.
pub(crate) struct Sound {
    lines: BTreeSet<String>,
    next: u64,
}

impl Sound {
    pub(crate) fn of(processor: &Processor, store: &Path) -> Self {
        let (status, export, errors) = run(processor, &["store", "export"], store);
        assert!(status.is_some_and(|status| status.success()), "{errors}");
        let (next, lines) = read(&export);
        Self { lines, next }
    }

    pub(crate) fn units(&self) -> u64 {
        self.next
    }

    /// Looks at a store that may be damaged. An error says what must not be.
    pub(crate) fn compare(&self, processor: &Processor, store: &Path) -> Result<Finding, String> {
        let (status, audit, errors) = run(processor, &["store", "verify"], store);
        let status = status.ok_or("it hangs")?;
        if errors.contains("panicked") {
            return Err(format!("it panics: {errors}"));
        }
        match status.code() {
            Some(0) => {}
            Some(74 | 78) if errors.contains("orderly: ") => return Ok(Finding::Told),
            Some(1) if audit.contains("violations") => return Ok(Finding::Unbalanced),
            _ => return Err(format!("{status}: {audit}{errors}")),
        }
        let (status, export, errors) = run(processor, &["store", "export"], store);
        let status = status.ok_or("its export hangs")?;
        if errors.contains("panicked") {
            return Err(format!("its export panics: {errors}"));
        }
        match status.code() {
            Some(0) => {}
            Some(74 | 78) if errors.contains("orderly: ") => return Ok(Finding::Told),
            _ => return Err(format!("its export: {status}: {errors}")),
        }
        let (next, lines) = read(&export);
        if next == self.next {
            return match lines.symmetric_difference(&self.lines).next() {
                None => Ok(Finding::Harmless),
                Some(line) => Err(format!("other contents, and nothing is told: {line}")),
            };
        }
        // what it has of units, it has as they were
        let foreign = lines
            .iter()
            .find(|line| line.contains(r#""of":"unit""#) && !self.lines.contains(*line));
        match foreign {
            None if next < self.next => Ok(Finding::Older),
            None => Err(format!("it has units up to {next}, there were {}", self.next)),
            Some(line) => Err(format!("a unit that never was: {line}")),
        }
    }
}

/// The next sequence, and the lines of what the store has; without what differs from one export to another.
fn read(export: &str) -> (u64, BTreeSet<String>) {
    let mut lines = export.lines();
    let first: Value =
        lines.next().and_then(|line| serde_json::from_str(line).ok()).expect("a line");
    let next = first["stored"]["next_sequence"].as_u64().expect("a number");
    let lines = lines.filter(|line| !line.contains(r#""of":"end""#)).map(str::to_owned);
    (next, lines.collect())
}

/// Runs `orderly` on a store: how it ended (`None`: it did not), what it printed, and what it said.
fn run(
    processor: &Processor,
    arguments: &[&str],
    store: &Path,
) -> (Option<ExitStatus>, String, String) {
    let mut command = processor.command(arguments);
    command.arg("--store").arg(store).env("RUST_LOG", "error");
    ended(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
}

fn ended(command: &mut Command) -> (Option<ExitStatus>, String, String) {
    let mut child = command.spawn().expect("orderly starts");
    let (mut out, mut err) =
        (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let printed = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = out.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let said = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = err.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut pauses = 0;
    let status = loop {
        match child.try_wait().expect("its state") {
            Some(status) => break Some(status),
            None if pauses == PAUSES => {
                drop(child.kill());
                drop(child.wait());
                break None;
            }
            None => {
                pauses += 1;
                std::thread::sleep(PAUSE);
            }
        }
    };
    (status, printed.join().expect("no panic"), said.join().expect("no panic"))
}
