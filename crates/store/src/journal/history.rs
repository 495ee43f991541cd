//! The journal, read from any thread: the relay's outbox, timelines, export.
//!
//! It shows durable units only: what the relay publishes cannot be lost any more.

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

    /// The sequence behind the last durable unit.
    pub fn durable(&self) -> Seq {
        self.journal.durable()
    }

    /// The durable unit at `seq`; `None` when none begins there, or it was pruned.
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

    /// The durable units from `from` on, in order. It ends at the last one; what becomes durable later is found by
    /// going on with the same iterator. It begins behind what was pruned.
    pub fn units(&self, from: Seq) -> Units {
        Units { history: self.clone(), next: from, chunk: None }
    }
}

/// Goes through the durable units, a chunk at a time. After an error it ends.
#[derive(Debug, Clone)]
pub struct Units {
    history: History,
    /// Units below this were given, or are not wanted.
    next: Seq,
    chunk: Option<Chunk>,
}

impl Units {
    /// The sequence behind the last unit that it gave.
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
            // A damaged record would be met again for ever.
            self.next = Seq(u64::MAX);
        }
        advanced.transpose()
    }
}
