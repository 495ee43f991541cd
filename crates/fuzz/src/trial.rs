//! One input in one target.

use crate::targets::Target;
use peak_alloc::PeakAlloc;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// The most memory that a target may take for an input, beside [`PER_BYTE`] for each of its bytes: the limit of a command and
/// its copies, decompressed.
pub const MEMORY: usize = 24 << 20;
/// The most memory that it may take for each byte of the input.
pub const PER_BYTE: usize = 128;

/// What an input did.
#[derive(Debug)]
pub struct Trial {
    /// What it panicked with, or how much memory it took, where that is a fault.
    pub fault: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// The most memory that it took, in bytes.
    pub memory: usize,
}

/// Runs an input. The memory counts where the program's allocator is a [`PeakAlloc`] and no other thread works.
pub fn run(target: &Target, input: &[u8]) -> Trial {
    PeakAlloc.reset_peak_usage();
    let before = PeakAlloc.current_usage();
    let began = now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = began.elapsed();
    let memory = PeakAlloc.peak_usage().saturating_sub(before);
    let limit = MEMORY + PER_BYTE * input.len();
    let fault = match outcome {
        Err(panic) => Some(format!("panic: {}", text_of(&*panic))),
        Ok(()) if memory > limit => {
            Some(format!("memory: {memory} bytes, of an input of {} bytes", input.len()))
        }
        Ok(()) => None,
    };
    Trial { fault, took, memory }
}

/// No decoder sees this clock.
#[allow(clippy::disallowed_methods, reason = "it measures the decoders, and nothing depends on it")]
pub fn now() -> Instant {
    Instant::now()
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text").to_owned()
}
