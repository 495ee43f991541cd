//! Many seeds on many threads.

use crate::{Case, Summary, Violation, run};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The stack of a thread, in bytes.
const STACK: usize = 8 << 20;

/// What many runs came to.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Of all runs that ended without a violation.
    pub summary: Summary,
    /// The number of those runs.
    pub clean: u64,
    /// The violation of the smallest seed that found one.
    pub violation: Option<Box<Violation>>,
}

/// Runs `case` with `seeds` consecutive seeds, on `jobs` threads, until a seed finds a violation. After each run it calls
/// `done` with what the run came to. Every seed below that of the violation was run.
///
/// # Errors
///
/// A thread cannot be started.
pub fn sweep(
    case: &Case,
    seeds: u64,
    jobs: NonZero<usize>,
    done: impl Fn(&Summary) + Sync,
) -> std::io::Result<Sweep> {
    let next = AtomicU64::new(0);
    let has_failed = AtomicBool::new(false);
    let found = Mutex::new(Sweep::default());
    let work = || {
        while !has_failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= seeds {
                return;
            }
            let case = Case { seed: case.seed.wrapping_add(index), ..case.clone() };
            let result = run(&case, 0);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(summary) => {
                    done(&summary);
                    found.summary.add(&summary);
                    found.clean += 1;
                }
                Err(violation) => {
                    has_failed.store(true, Ordering::Relaxed);
                    let before = found.violation.as_ref();
                    if before.is_none_or(|before| before.case.seed > violation.case.seed) {
                        found.violation = Some(violation);
                    }
                }
            }
        }
    };
    thread::scope(|scope| {
        for number in 0..jobs.get() {
            let thread = thread::Builder::new().name(format!("simulation-{number}"));
            thread.stack_size(STACK).spawn_scoped(scope, work)?;
        }
        Ok::<_, std::io::Error>(())
    })?;
    Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
}
