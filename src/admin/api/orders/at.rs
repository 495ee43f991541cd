//! An order as it was: the journal has every value that its states had.
//!
//! Each unit of an order links to the unit of that order before. A query follows the links back from the newest unit, so it
//! takes time in proportion to the units since then.

use super::{Error, Found, PARTS, PARTS_OR_TOMBSTONE, missing};
use crate::admin::api::find;
use crate::admin::values::Moment;
use bytes::Bytes;
use orderly_actors::states::State as _;
use orderly_actors::tables;
use orderly_domain::order::Order;
use orderly_domain::time::Timestamp;
use orderly_store::{Entity, Ordinal, Put, Reader, Seq, Unit};
use std::collections::BTreeMap;

/// The order as it was at a moment.
pub(super) fn found(reader: &Reader, id: &str, moment: Moment) -> Result<Found, Error> {
    let ordinal = find(reader, tables::ORDERS, "order", id)?;
    // first the order as it is: a unit that is sealed meanwhile is in the history, too, and is followed back
    let now = reader.entity(tables::ORDERS, ordinal, PARTS_OR_TOMBSTONE)?;
    let mut then = Then::default();
    let mut oldest: Option<(Seq, Option<Seq>)> = None;
    for unit in reader.history(tables::ORDERS, ordinal)? {
        let unit = unit?;
        then.add(&unit, ordinal, is_later(&unit, moment));
        let previous = unit.history.as_ref().and_then(|link| link.previous);
        oldest = Some((unit.seq, previous));
        if then.is_complete() {
            break;
        }
    }
    let Some((first, previous)) = oldest else {
        return Err(missing(&now)?);
    };
    let has_all = previous.is_none() || then.is_complete();
    let placed = then.placed;
    let parts = then.parts(&now, has_all).ok_or_else(|| Error::Pruned(shown(moment), first.0))?;
    let entity = Entity { ordinal, parts: parts.into_iter().collect() };
    match (Found::of(&entity)?, placed) {
        (Some(found), _) => Ok(found),
        (None, Some(placed)) => Err(Error::NotYet(shown(moment), placed)),
        (None, None) => Err(missing(&now)?),
    }
}

fn is_later(unit: &Unit, moment: Moment) -> bool {
    match moment {
        Moment::Sequence(sequence) => unit.seq.0 > sequence,
        Moment::Time(time) => unit.at > time.micros(),
    }
}

fn shown(moment: Moment) -> String {
    match moment {
        Moment::Sequence(sequence) => format!("sequence {sequence}"),
        Moment::Time(time) => time.to_string(),
    }
}

/// The parts of an order at a moment, as far as its units say.
#[derive(Default)]
struct Then {
    /// The value that a part had: the newest that a unit until then gave it. `None`: it was not there.
    known: BTreeMap<u8, Option<Bytes>>,
    /// The parts that changed after the moment.
    changed_later: Vec<u8>,
    /// When the order got its first state after the moment, if it did.
    placed: Option<Timestamp>,
}

/// The numbers of the parts of an order.
fn wanted() -> impl Iterator<Item = u8> {
    (0..16).filter(|part| PARTS.has(*part))
}

impl Then {
    /// Adds a unit. Units come the newest first.
    fn add(&mut self, unit: &Unit, ordinal: Ordinal, is_later: bool) {
        let of_order = |put: &&Put| {
            put.table == tables::ORDERS && put.ordinal == ordinal && PARTS.has(put.part)
        };
        for put in unit.puts.iter().filter(of_order) {
            if is_later {
                self.changed_later.push(put.part);
                if put.part == Order::PART && put.value.is_some() {
                    self.placed = Some(Timestamp::from_micros(unit.at));
                }
            } else {
                self.known.entry(put.part).or_insert_with(|| put.value.clone());
            }
        }
    }

    /// Whether no earlier unit can matter.
    fn is_complete(&self) -> bool {
        wanted().all(|part| self.known.contains_key(&part))
    }

    /// The parts that there were. `None`: a part had a value that the journal has no more. `has_all`: no earlier unit of
    /// the order is there, or matters.
    fn parts(mut self, now: &Entity, has_all: bool) -> Option<BTreeMap<u8, Bytes>> {
        let mut parts = BTreeMap::new();
        for part in wanted() {
            let value = match self.known.remove(&part) {
                Some(value) => value,
                // no unit until then gave it a value that the journal has
                None if has_all => None,
                None if self.changed_later.contains(&part) => return None,
                // it has the value that it has now
                None => {
                    now.parts.iter().find(|(of, _)| *of == part).map(|(_, value)| value.clone())
                }
            };
            parts.extend(value.map(|value| (part, value)));
        }
        Some(parts)
    }
}
