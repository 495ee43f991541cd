//! Reading the journal from any thread: for the relay's outbox, timelines and export.
//!
//! Invariant: only durable units are visible. So the relay never publishes an event that a crash could still undo.

use std::borrow::Borrow;
use std::sync::Arc;

use super::chunk::Chunk;
use super::reader::Journal;
use crate::error::Error;
use crate::position::Position;
use crate::unit::{EncodedUnit, Seq, Unit};

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

    /// The position behind the units before `next`, if units that end there were appended with one and are not pruned.
    pub fn position_at(&self, next: Seq) -> Result<Option<Position>, Error> {
        if next > self.durable() || next <= Seq::FIRST {
            return Ok(None);
        }
        let chunk = self.journal.find(Seq(next.0 - 1))?;
        Ok(chunk.and_then(|chunk| chunk.position).filter(|position| position.next == next))
    }

    /// The last durable unit with its bytes. `None`: there is none, or it was pruned.
    pub fn last_unit(&self) -> Result<Option<EncodedUnit>, Error> {
        let durable = self.durable();
        let mut last = None;
        if durable > Seq::FIRST
            && let Some(mut chunk) = self.journal.find(Seq(durable.0 - 1))?
        {
            while let Some(encoded) = chunk.next_encoded()? {
                last = Some(encoded);
            }
        }
        Ok(last.filter(|last| last.unit.next == durable))
    }

    /// As [`units`](Self::units), each with its bytes as they were appended.
    pub fn encoded_units(&self, from: Seq) -> EncodedUnits {
        EncodedUnits(self.units(from))
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

    /// The next unit, as `read` reads it of a chunk.
    fn advance<U: Borrow<Unit>>(
        &mut self,
        read: impl Fn(&mut Chunk) -> Result<Option<U>, Error>,
    ) -> Result<Option<U>, Error> {
        while self.next < self.history.durable() {
            if self.chunk.is_none() {
                self.chunk = self.history.journal.find(self.next)?;
            }
            let Some(chunk) = &mut self.chunk else {
                return Ok(None);
            };
            match read(chunk)? {
                Some(unit) if unit.borrow().seq < self.next => {}
                Some(unit) => {
                    self.next = unit.borrow().next;
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

    fn next_as<U: Borrow<Unit>>(
        &mut self,
        read: impl Fn(&mut Chunk) -> Result<Option<U>, Error>,
    ) -> Option<Result<U, Error>> {
        let advanced = self.advance(read);
        if advanced.is_err() {
            // end here: the next call would read the same damaged record again
            self.next = Seq(u64::MAX);
        }
        advanced.transpose()
    }
}

impl Iterator for Units {
    type Item = Result<Unit, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_as(Chunk::next)
    }
}

/// An iterator over the durable units with their bytes. It ends after an error.
#[derive(Debug, Clone)]
pub struct EncodedUnits(Units);

impl Iterator for EncodedUnits {
    type Item = Result<EncodedUnit, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_as(Chunk::next_encoded)
    }
}
