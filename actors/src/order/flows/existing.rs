//! What is said of an id that is taken: the status of its order, and the command that made the order.

use super::context::Flows;
use crate::journal_entry;
use crate::outcome::{Fault, Outcome};
use crate::tables;
use orderly_domain::event::{Event, OrderChange};
use orderly_domain::id::OrderId;
use orderly_domain::record::{Origin, UnitRecord};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::{Ordinal, Seq, Unit};
use std::sync::Arc;

/// The units of an order's history that are read to find the command that made it. Few orders have as many.
const MOST_READ: usize = 100;

impl Flows {
    /// Refuses to make an order of an id that is taken. `None`: the id is free.
    pub(super) fn refuse_taken(&self, id: &OrderId) -> Result<Option<Outcome>, Fault> {
        match self.ordinal_of(id)? {
            Some(ordinal) => self.refuse_taken_at(id, ordinal),
            None => Ok(None),
        }
    }

    /// The same, of an id that has an ordinal. Callbacks may have come for it, and no order yet.
    pub(super) fn refuse_taken_at(
        &self,
        id: &OrderId,
        ordinal: Ordinal,
    ) -> Result<Option<Outcome>, Fault> {
        let status = match (self.load(ordinal)?, self.tombstone_at(ordinal)?) {
            (Some(order), _) => order.status.to_string(),
            (None, Some(tombstone)) => format!("{}, and deleted since", tombstone.status),
            (None, None) => return Ok(None),
        };
        let maker = self.maker_of(ordinal)?;
        let detail = match &maker {
            Some(unit) => format!("{status}; made by {}", command_of(unit)?),
            None => format!("{status}; which command made it is not known any more"),
        };
        let refused = Outcome::refused(Refusal::with(Reason::OrderExists, detail));
        let original = maker.map(|unit| unit.seq);
        Ok(Some(Outcome { original, ..refused.about(id.clone(), Some(ordinal)) }))
    }

    /// The unit that made the order. `None`: the journal has it no more, or its history is long.
    fn maker_of(&self, ordinal: Ordinal) -> Result<Option<Arc<Unit>>, Fault> {
        let view = self.view.borrow();
        let mut next = view.last_in_history(tables::ORDERS, ordinal)?;
        for _ in 0..MOST_READ {
            let Some(seq) = next else { break };
            let Some(unit) = view.unit(seq)? else { break };
            let record = journal_entry::record(&unit)?;
            if makes_an_order(&record) {
                return Ok(Some(unit));
            }
            next = match record.original.filter(|_| record.reason == Some(Reason::OrderExists)) {
                // an earlier command of the same kind has found it
                Some(maker) => Some(Seq(maker)),
                None => unit.history.as_ref().and_then(|link| link.previous),
            };
        }
        Ok(None)
    }
}

fn makes_an_order(record: &UnitRecord) -> bool {
    record.events.iter().any(|event| match event {
        Event::Order { change, .. } => {
            matches!(change, OrderChange::Placed | OrderChange::Rejected { .. })
        }
        _ => false,
    })
}

/// Names the command of a unit, such as `order.place "m-1" of "shop" at 2026-01-01T00:00:00Z`.
fn command_of(unit: &Unit) -> Result<String, Fault> {
    let at = Timestamp::from_micros(unit.at);
    Ok(match journal_entry::record(unit)?.origin {
        Origin::Message { source: Some(source), id: Some(id), kind } => {
            format!("{} {:?} of {:?} at {at}", kind.as_str(), id.as_str(), source.as_str())
        }
        _ => format!("a command at {at}"),
    })
}
