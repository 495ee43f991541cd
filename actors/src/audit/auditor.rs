//! An audit that runs while commands change the states that it reads.
//!
//! The auditor reads the tables a page at a time. Invariant: its totals are those of the current
//! values of the states that were read. To keep the invariant the auditor must see every unit. It
//! excludes the old value of each state that the unit changes, and includes the new value.

use super::report::Audit;
use super::totals::Totals;
use crate::states;
use crate::tables;
use orderly_store::{Ordinal, Table, Unit, View};

/// The tables, in the order in which they are read.
const TABLES: [Table; 5] =
    [tables::ORDERS, tables::FOLDED, tables::SKUS, tables::CARTS, tables::PARKED];

/// An audit that runs.
#[derive(Debug, Default)]
pub struct Auditor {
    totals: Totals,
    /// The index in [`TABLES`] of the table that is being read.
    table: usize,
    /// Every entity of that table below this ordinal was read.
    next: Ordinal,
}

impl Auditor {
    /// Reads the states of one more page. After the last page returns the result of the audit, which
    /// describes the current states.
    pub fn step(&mut self, view: &View) -> Result<Option<Audit>, states::Error> {
        let Some(&table) = TABLES.get(self.table) else {
            return Ok(Some(std::mem::take(self).totals.close(view)?));
        };
        let (entities, next) = view.page(table, self.next)?;
        for entity in &entities {
            self.totals.include(table, entity)?;
        }
        match next {
            Some(next) => self.next = next,
            None => {
                self.table += 1;
                self.next = Ordinal(0);
            }
        }
        Ok(None)
    }

    /// Excludes the states that `unit` changes. To be called before the unit is sealed.
    pub(crate) fn before(&mut self, view: &View, unit: &Unit) -> Result<(), states::Error> {
        for (table, ordinal) in self.changed(unit) {
            self.totals.exclude(table, &view.entity(table, ordinal)?)?;
        }
        Ok(())
    }

    /// Includes the states that `unit` changed. To be called after the unit was sealed.
    pub(crate) fn after(&mut self, view: &View, unit: &Unit) -> Result<(), states::Error> {
        for (table, ordinal) in self.changed(unit) {
            self.totals.include(table, &view.entity(table, ordinal)?)?;
        }
        Ok(())
    }

    /// The entities that `unit` changes and that were read before, each once.
    fn changed(&self, unit: &Unit) -> Vec<(Table, Ordinal)> {
        let places = unit.puts.iter().map(|put| (put.table, put.ordinal));
        let mut changed: Vec<_> = places.filter(|place| self.was_read(*place)).collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    fn was_read(&self, (table, ordinal): (Table, Ordinal)) -> bool {
        let at = TABLES.iter().position(|one| *one == table).unwrap_or(TABLES.len());
        at < self.table || (at == self.table && ordinal < self.next)
    }
}

/// Audits a store that nobody writes, in one call.
pub fn audit(view: &View) -> Result<Audit, states::Error> {
    let mut auditor = Auditor::default();
    loop {
        if let Some(audit) = auditor.step(view)? {
            return Ok(audit);
        }
    }
}
