//! Whether records are missing in front of one that was delivered.
//!
//! A stream gives every record an offset, one after the other, and takes single offsets for records of its own. It deletes its
//! oldest records, whole segments at once, whoever still reads them. A reader that stood still in front of a deleted segment is
//! delivered the first record behind it, and is told nothing. So a gap between two offsets is either the stream's own, or has lost
//! records, and how wide it is does not tell which.
//!
//! At every gap the reader drops the new record and attaches again, inclusively, at the last one that it read. A stream
//! deletes only from its front. So if the last record is still there, nothing behind it was deleted, and the same gap is the
//! stream's own. If it is not there, records may be missing, and the place of the store must be sought anew.

use orderly_planted::{Bug, is_planted};

/// What to do with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Read it: nothing is missing in front of it.
    Next,
    /// Drop it: it was read before.
    Known,
    /// Drop it, and attach again at this offset, inclusively.
    LookAgain(u64),
    /// Drop it: records in front of it may be missing.
    Missing,
}

/// The offsets that a reader was delivered, from its place in the journal on.
#[derive(Debug, Clone, Copy)]
pub struct Gaps {
    /// The offset of the last record that was read, or of the place.
    reached: u64,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Nothing is known of what comes next.
    Reading,
    /// The record at this offset came behind a gap. The reader has attached again at the last one, which has not come yet.
    Looking(u64),
    /// The last record came again: nothing was between it and the record at this offset.
    Looked(u64),
}

impl Gaps {
    /// A reader that was delivered the record at this offset.
    pub const fn behind(offset: u64) -> Self {
        Self { reached: offset, state: State::Reading }
    }

    /// Whether the reader has attached again at the last record, and it has not come yet.
    pub const fn is_looking(&self) -> bool {
        matches!(self.state, State::Looking(_))
    }

    /// The record at `offset` was delivered.
    pub fn see(&mut self, offset: u64) -> Found {
        let Self { reached, state } = *self;
        match state {
            // a stream may begin a little in front of where a reader attaches
            State::Looking(_) if offset < reached => Found::Known,
            State::Looking(behind) if offset == reached => {
                self.state = State::Looked(behind);
                Found::Known
            }
            State::Looking(_) => Found::Missing,
            // offsets go back only where the stream has lost its end
            State::Reading | State::Looked(_) if offset <= reached => Found::Missing,
            State::Looked(behind) if offset == behind => self.read(offset),
            _ if offset == reached + 1 || is_planted(Bug::GapIgnored) => self.read(offset),
            State::Reading | State::Looked(_) => {
                self.state = State::Looking(offset);
                Found::LookAgain(reached)
            }
        }
    }

    const fn read(&mut self, offset: u64) -> Found {
        *self = Self::behind(offset);
        Found::Next
    }
}

#[cfg(test)]
mod tests;
