//! What of the accepted units the store has, and what it lacks.
//!
//! Usually a store ends where its reader begins. It is ahead of the reader when the journal lost its end (with the power
//! of most of the broker's machines), or when the reader begins earlier. Then accepted units are compared with the
//! store's, by the chain at the store's end.

use crate::chain::Chain;
use crate::id::Progress;
use crate::reader::Refusal;
use crate::record::{Open, Unit, Units};

/// How far the store has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    next: u64,
    /// `None`: the store is new and empty. Its chain begins with the journal's incarnation.
    chain: Option<Chain>,
}

/// The first sequence of a store.
pub const FIRST: u64 = 1;

impl Applied {
    /// A new and empty store.
    pub const fn nothing() -> Self {
        Self { next: FIRST, chain: None }
    }

    /// A store that has come so far.
    pub const fn through(progress: Progress) -> Self {
        Self { next: progress.next, chain: Some(progress.chain) }
    }

    /// The sequence of the unit that comes next.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// How far it has come. `None`: it is new and empty.
    pub fn progress(&self) -> Option<Progress> {
        self.chain.map(|chain| Progress { next: self.next, chain })
    }

    /// Compares the store with an opening record that is in force.
    pub fn opened(&mut self, open: &Open) -> Result<(), Refusal> {
        let start = || Chain::start(&open.charter.incarnation, FIRST, &[]);
        let chain = *self.chain.get_or_insert_with(start);
        if open.from.next > self.next {
            return Err(Refusal::Passed { first: open.from.next });
        }
        if open.from.next == self.next && open.from.chain != chain {
            return Err(Refusal::Diverged { next: self.next });
        }
        Ok(())
    }

    /// The accepted units that the store lacks. It counts them as its own from now on.
    pub fn accept(&mut self, units: &Units) -> Result<Vec<Unit>, Refusal> {
        if units.first > self.next {
            return Err(Refusal::Passed { first: units.first });
        }
        if units.end.next < self.next {
            return Ok(Vec::new());
        }
        let diverged = Refusal::Diverged { next: self.next };
        let (mut next, mut chain, mut known) = (units.first, units.front, 0);
        while next < self.next {
            let Some(unit) = units.units.get(known) else { return Err(diverged) };
            next = next.saturating_add(u64::from(unit.span));
            chain = chain.then(unit);
            known += 1;
        }
        if next != self.next || self.chain.is_some_and(|own| own != chain) {
            return Err(diverged);
        }
        *self = Self::through(units.end);
        Ok(units.units[known..].to_vec())
    }
}

#[cfg(test)]
mod tests;
