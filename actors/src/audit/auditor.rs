//! An audit that is under way while the shop is at work.
//!
//! It goes through the tables a page at a time. Invariant: its books hold what the states it passed say *now*. For that
//! it must be told of every unit: what the unit changes of these states is taken out as it was, and put in as it is.

use super::books::Books;
use super::report::Audit;
use crate::states;
use crate::tables;
use orderly_store::{Ordinal, Table, Unit, View};

/// The tables, in the order in which they are gone through.
const TABLES: [Table; 4] = [tables::ORDERS, tables::SKUS, tables::CARTS, tables::PARKED];

/// An audit that is under way.
#[derive(Debug, Default)]
pub struct Auditor {
    books: Books,
    /// Which of [`TABLES`] it is at.
    table: usize,
    /// What of that table it passed: all below this.
    passed: Ordinal,
}

impl Auditor {
    /// Reads the states of one more page. The audit, once it has read all: it is as of now.
    pub fn step(&mut self, view: &View) -> Result<Option<Audit>, states::Error> {
        let Some(&table) = TABLES.get(self.table) else {
            return Ok(Some(std::mem::take(self).books.close(view)?));
        };
        let (entities, next) = view.page(table, self.passed)?;
        for entity in &entities {
            self.books.put_in(table, entity)?;
        }
        match next {
            Some(next) => self.passed = next,
            None => {
                self.table += 1;
                self.passed = Ordinal(0);
            }
        }
        Ok(None)
    }

    /// `unit` is about to be sealed: what it changes is taken out.
    pub(crate) fn before(&mut self, view: &View, unit: &Unit) -> Result<(), states::Error> {
        for (table, ordinal) in self.changed(unit) {
            self.books.take_out(table, &view.entity(table, ordinal)?)?;
        }
        Ok(())
    }

    /// `unit` was sealed: what it changed is put in.
    pub(crate) fn after(&mut self, view: &View, unit: &Unit) -> Result<(), states::Error> {
        for (table, ordinal) in self.changed(unit) {
            self.books.put_in(table, &view.entity(table, ordinal)?)?;
        }
        Ok(())
    }

    /// What `unit` changes of what was passed, each once.
    fn changed(&self, unit: &Unit) -> Vec<(Table, Ordinal)> {
        let places = unit.puts.iter().map(|put| (put.table, put.ordinal));
        let mut changed: Vec<_> = places.filter(|place| self.has_passed(*place)).collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    fn has_passed(&self, (table, ordinal): (Table, Ordinal)) -> bool {
        let at = TABLES.iter().position(|one| *one == table).unwrap_or(TABLES.len());
        at < self.table || (at == self.table && ordinal < self.passed)
    }
}

/// Reads everything, and checks it.
pub fn audit(view: &View) -> Result<Audit, states::Error> {
    let mut auditor = Auditor::default();
    loop {
        if let Some(audit) = auditor.step(view)? {
            return Ok(audit);
        }
    }
}
