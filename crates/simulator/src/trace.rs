//! The trace of a run: its last lines for people, and a hash of all lines to compare two runs.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

/// The trace of a run. It can be read after the run has panicked.
#[derive(Debug, Clone)]
pub(crate) struct Trace(Rc<RefCell<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    hash: u64,
    lines: u64,
    /// The lines to keep. 0: the trace is off.
    kept: usize,
    last: VecDeque<String>,
    made: u32,
}

impl Trace {
    /// A trace that shows its last `kept` lines.
    pub(crate) fn new(kept: usize) -> Self {
        Self(Rc::new(RefCell::new(Inner { kept, ..Inner::default() })))
    }

    /// A trace that keeps nothing: a run is a third faster without one.
    pub(crate) fn off() -> Self {
        Self::new(0)
    }

    /// Whether lines are kept.
    pub(crate) fn is_on(&self) -> bool {
        self.0.borrow().kept > 0
    }

    /// Adds a line. A line may not hold values that differ between two runs, such as the id of the store.
    pub(crate) fn note(&self, line: fmt::Arguments<'_>) {
        let inner = &mut *self.0.borrow_mut();
        if inner.kept == 0 {
            return;
        }
        let line = format!("{:>6} {line}", inner.lines);
        inner.lines += 1;
        // FNV-1a
        for byte in line.bytes() {
            inner.hash = (inner.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if inner.last.len() == inner.kept {
            inner.last.pop_front();
        }
        inner.last.push_back(line);
    }

    /// A producer made a command.
    pub(crate) fn made_command(&self) {
        self.0.borrow_mut().made += 1;
    }

    /// How many commands producers have made.
    pub(crate) fn made(&self) -> u32 {
        self.0.borrow().made
    }

    pub(crate) fn hash(&self) -> u64 {
        self.0.borrow().hash
    }

    /// The last lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.borrow().last.iter().cloned().collect()
    }
}
