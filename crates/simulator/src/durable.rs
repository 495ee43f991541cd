//! What is durable: no crash can take it back.

use crate::consistency::Expected;
use crate::mirror::decoded;
use crate::process::InHand;
use orderly_actors::states::State;
use orderly_actors::tables;
use orderly_domain::notification::Notices;
use orderly_store::{IdentityHash, NameHash, Ordinal, Seq, Unit};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The expected states after the newest durable unit. They are made only when a crash loses sealed units, or at the end: until
/// then the durable units are kept.
pub(crate) struct Durable {
    /// As of some durable unit.
    expected: Expected,
    /// The durable units behind that one.
    units: Vec<InHand>,
}

impl Durable {
    pub(crate) fn new(expected: Expected) -> Self {
        Self { expected, units: Vec::new() }
    }

    /// The sequence behind the newest durable unit.
    pub(crate) fn next(&self) -> Seq {
        self.units.last().map_or(self.expected.mirror.next, |newest| newest.unit.next)
    }

    /// The time of the newest durable unit.
    pub(crate) fn clock(&self) -> i64 {
        self.units.last().map_or(self.expected.mirror.clock, |newest| newest.unit.at)
    }

    /// Takes a unit that became durable.
    pub(crate) fn take(&mut self, in_hand: &InHand) {
        self.units.push(in_hand.clone());
    }

    /// Takes the states after the newest sealed unit if that one is durable, and if to copy them costs less than to make them again.
    pub(crate) fn copy(&mut self, sealed: &Expected) {
        if self.next() == sealed.mirror.next && self.units.len() * 2 > sealed.mirror.entities() {
            self.expected = sealed.clone();
            self.units.clear();
        }
    }

    /// The expected states.
    pub(crate) fn expected(&mut self) -> &Expected {
        for InHand { unit, entry, input, .. } in self.units.drain(..) {
            self.expected.follow(&unit, &entry, &input);
        }
        &self.expected
    }
}

/// What durable units say of acks and notifications.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// The sequence behind the newest unit.
    pub(crate) next: Seq,
    /// When each identity was used.
    used: HashMap<IdentityHash, i64>,
    parked: HashSet<NameHash>,
    notices: BTreeMap<Ordinal, Notices>,
}

impl Answers {
    pub(crate) fn of<'a>(units: impl Iterator<Item = &'a Unit>) -> Self {
        let mut answers = Self::default();
        units.for_each(|unit| answers.take(unit));
        answers
    }

    /// Takes the next unit.
    pub(crate) fn take(&mut self, unit: &Unit) {
        self.next = unit.next;
        self.used.extend(unit.identity.map(|identity| (identity.hash, unit.at)));
        let parked = unit.names.iter().filter(|name| name.table == tables::PARKED);
        self.parked.extend(parked.map(|name| name.hash));
        for put in &unit.puts {
            if let Some((order, notices)) = decoded::<Notices>(put) {
                self.notices.insert(order, notices);
            } else if (put.table, put.part) == (Notices::TABLE, Notices::PART) {
                self.notices.remove(&put.ordinal);
            }
        }
    }

    /// When the identity was used.
    pub(crate) fn used(&self, identity: IdentityHash) -> Option<i64> {
        self.used.get(&identity).copied()
    }

    pub(crate) fn is_parked(&self, name: NameHash) -> bool {
        self.parked.contains(&name)
    }

    /// The ids of all notifications that were requested, but for those of deleted orders.
    pub(crate) fn requested(&self) -> impl Iterator<Item = &str> {
        self.notices.values().flat_map(|notices| &notices.all).map(|notice| notice.id.as_str())
    }

    /// Whether a notification of that id was requested for the order.
    pub(crate) fn has_requested(&self, order: Ordinal, id: &str) -> bool {
        let notices = self.notices.get(&order);
        notices.is_some_and(|notices| notices.all.iter().any(|notice| notice.id == id))
    }
}
