//! The trace of a run: its last lines for people, and a hash of all lines to compare two runs.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

/// The trace of a run. It can be read after the run has panicked.
#[derive(Debug, Clone)]
pub(crate) struct Trace(Rc<RefCell<Inner>>);

#[derive(Debug)]
struct Inner {
    hash: u64,
    lines: u64,
    kept: usize,
    last: VecDeque<String>,
}

impl Trace {
    /// A trace that shows its last `kept` lines.
    pub(crate) fn new(kept: usize) -> Self {
        let last = VecDeque::new();
        Self(Rc::new(RefCell::new(Inner { hash: 0, lines: 0, kept, last })))
    }

    /// Adds a line. A line may not hold values that differ between two runs, such as the id of the store.
    pub(crate) fn note(&self, line: fmt::Arguments<'_>) {
        let inner = &mut *self.0.borrow_mut();
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

    pub(crate) fn hash(&self) -> u64 {
        self.0.borrow().hash
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.0.borrow().last {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
