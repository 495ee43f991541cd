//! Reading the journal from any thread: for the relay's outbox, timelines and export.
//!
//! Invariant: only durable units are visible. So the relay never publishes an event that a crash could still undo.

use std::sync::Arc;

use super::chunk::Chunk;
use super::reader::Journal;
use crate::error::Error;
use crate::unit::{Seq, Unit};

/// Reads units from the journal. Cheap to clone; usable from any thread.
#[derive(Debug, Clone)]
pub struct History {
    journal: Journal,
}

impl History {
    pub(crate) const fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Every unit below this sequence is durable.
    pub fn durable(&self) -> Seq {
        self.journal.durable()
    }

    /// The durable unit at `seq`. `None`: no durable unit begins there, or the unit was pruned.
    pub fn unit(&self, seq: Seq) -> Result<Option<Unit>, Error> {
        if seq >= self.durable() {
            return Ok(None);
        }
        let Some(mut chunk) = self.journal.find(seq)? else {
            return Ok(None);
        };
        while let Some(unit) = chunk.next()? {
            if unit.seq >= seq {
                return Ok(Some(unit).filter(|unit| unit.seq == seq));
            }
        }
        Ok(None)
    }

    /// All units of the chunk with the durable unit at `seq`, in order. They are decoded from at most 30 KiB, unless one
    /// unit alone is larger. Empty: the unit was pruned, or is not durable.
    pub(crate) fn around(&self, seq: Seq) -> Result<Vec<Arc<Unit>>, Error> {
        let mut units = Vec::new();
        if seq < self.durable()
            && let Some(mut chunk) = self.journal.find(seq)?
        {
            while let Some(unit) = chunk.next()? {
                units.push(Arc::new(unit));
            }
        }
        Ok(units)
    }

    /// The durable units from `from` on, in order; pruned units are left out. The iterator returns `None` after the
    /// last durable unit. When more units have become durable, the same iterator returns them.
    pub fn units(&self, from: Seq) -> Units {
        Units { history: self.clone(), next: from, chunk: None }
    }
}

/// An iterator over the durable units. It reads a chunk at a time, and ends after an error.
#[derive(Debug, Clone)]
pub struct Units {
    history: History,
    /// Units below this were returned, or are not wanted.
    next: Seq,
    chunk: Option<Chunk>,
}

impl Units {
    /// The sequence after the last unit that was returned.
    pub const fn position(&self) -> Seq {
        self.next
    }

    fn advance(&mut self) -> Result<Option<Unit>, Error> {
        while self.next < self.history.durable() {
            if self.chunk.is_none() {
                self.chunk = self.history.journal.find(self.next)?;
            }
            let Some(chunk) = &mut self.chunk else {
                return Ok(None);
            };
            match chunk.next()? {
                Some(unit) if unit.seq < self.next => {}
                Some(unit) => {
                    self.next = unit.next;
                    return Ok(Some(unit));
                }
                None => {
                    self.next = self.next.max(chunk.head.next);
                    self.chunk = self.history.journal.durable_chunk(chunk.end())?;
                }
            }
        }
        Ok(None)
    }
}

impl Iterator for Units {
    type Item = Result<Unit, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let advanced = self.advance();
        if advanced.is_err() {
            // end here: the next call would read the same damaged record again
            self.next = Seq(u64::MAX);
        }
        advanced.transpose()
    }
}
