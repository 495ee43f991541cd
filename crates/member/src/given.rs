//! The units that an owner gave to the journal and that were not accepted yet. They are kept, so that what comes back need
//! not be decoded.

use std::collections::VecDeque;
use std::sync::Arc;

use orderly_store::{self as store, EncodedUnit, Seq, Unit};

/// The units that were given, in their order.
#[derive(Debug, Default)]
pub struct Given(VecDeque<Arc<Unit>>);

impl Given {
    /// Adds units that were given.
    pub fn add(&mut self, units: &[Arc<Unit>]) {
        self.0.extend(units.iter().cloned());
    }

    /// Whether everything that was given was accepted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the unit at `seq`, if it is an own one, and drops those before.
    pub fn take(&mut self, seq: Seq) -> Option<Arc<Unit>> {
        while self.0.front().is_some_and(|unit| unit.seq < seq) {
            self.0.pop_front();
        }
        if self.0.front().is_some_and(|unit| unit.seq == seq) { self.0.pop_front() } else { None }
    }
}

/// The accepted units that end before `next`: the own ones as `take` gives them, others decoded.
pub fn accepted(
    units: Vec<orderly_journal::Unit>,
    next: Seq,
    mut take: impl FnMut(Seq) -> Option<Arc<Unit>>,
) -> Result<Vec<EncodedUnit>, store::Error> {
    let length: u64 = units.iter().map(|unit| u64::from(unit.span)).sum();
    let mut seq = Seq(next.0.saturating_sub(length));
    let mut encoded = Vec::with_capacity(units.len());
    for orderly_journal::Unit { span, bytes } in units {
        encoded.push(match take(seq) {
            Some(unit) => EncodedUnit { unit, bytes },
            None => EncodedUnit::read(bytes)?,
        });
        seq = seq.plus(u64::from(span));
    }
    Ok(encoded)
}
