//! An audit that is under way while the shop is at work.
//!
//! The auditor reads the tables a page at a time. Invariant: its books hold what the states that it
//! has read say *now*. For that the auditor must be told of every unit: each state that the unit
//! changes is taken out of the books as it was, and put in as it is.

use super::books::Books;
use super::report::Audit;
use crate::states;
use crate::tables;
use orderly_store::{Ordinal, Table, Unit, View};

/// The tables, in the order in which they are read.
const TABLES: [Table; 4] = [tables::ORDERS, tables::SKUS, tables::CARTS, tables::PARKED];

/// An audit that is under way.
#[derive(Debug, Default)]
pub struct Auditor {
    books: Books,
    /// Which of [`TABLES`] is being read.
    table: usize,
    /// Everything below this was read of that table.
    passed: Ordinal,
}

impl Auditor {
    /// Reads the states of one more page. After the last page, what the audit found: that is as of now.
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

    /// `unit` is about to be sealed: takes out what the unit changes.
    pub(crate) fn before(&mut self, view: &View, unit: &Unit) -> Result<(), states::Error> {
        for (table, ordinal) in self.changed(unit) {
            self.books.take_out(table, &view.entity(table, ordinal)?)?;
        }
        Ok(())
    }

    /// `unit` was sealed: puts in what the unit changed.
    pub(crate) fn after(&mut self, view: &View, unit: &Unit) -> Result<(), states::Error> {
        for (table, ordinal) in self.changed(unit) {
            self.books.put_in(table, &view.entity(table, ordinal)?)?;
        }
        Ok(())
    }

    /// What `unit` changes of what was read, each once.
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
