//! The store of a member: a list of units, and the places in the journal behind them. A crash loses what was not synced.

use std::collections::BTreeMap;

use fastrand::Rng;
use orderly_journal::seek::Past;
use orderly_journal::{Chain, Charter, Position, Progress, Unit};

use super::oracle::Accepted;

/// The incarnation that every new store of a member has before it takes that of the journal.
fn own_charter(member: usize) -> Charter {
    let number = u8::try_from(member + 1).expect("there are few members");
    Charter { incarnation: [number; 16], partition: 0, partitions: 1 }
}

#[derive(Debug, Clone)]
pub(crate) struct Disk {
    pub(crate) charter: Charter,
    /// The units by their sequence.
    pub(crate) units: BTreeMap<u64, Unit>,
    end: Option<Progress>,
    /// The places by the sequence that comes next.
    places: BTreeMap<u64, Position>,
    last: Option<Position>,
    /// Everything before this was synced.
    synced: u64,
    /// The last place that was synced.
    safe: Option<Position>,
}

impl Disk {
    pub(crate) fn new(member: usize) -> Self {
        Self {
            charter: own_charter(member),
            units: BTreeMap::new(),
            end: None,
            places: BTreeMap::new(),
            last: None,
            synced: 1,
            safe: None,
        }
    }

    pub(crate) const fn progress(&self) -> Option<Progress> {
        self.end
    }

    pub(crate) fn next(&self) -> u64 {
        self.end.map_or(1, |end| end.next)
    }

    pub(crate) const fn last(&self) -> Option<Position> {
        self.last
    }

    /// The last place that no crash takes from it.
    pub(crate) const fn safe(&self) -> Option<Position> {
        self.safe
    }

    pub(crate) fn adopt(&mut self, charter: Charter) {
        assert!(self.end.is_none(), "only an empty store takes another charter");
        self.charter = charter;
        self.begin();
    }

    /// The chain of an empty store.
    fn begin(&mut self) -> Progress {
        let chain = Chain::start(&self.charter.incarnation, 1, &[]);
        *self.end.get_or_insert(Progress { next: 1, chain })
    }

    pub(crate) fn apply(&mut self, units: Vec<Unit>, position: Position, accepted: &Accepted) {
        let mut end = self.begin();
        // a place without units is only the last one
        if !units.is_empty() {
            self.places.insert(position.next, position);
        }
        for unit in units {
            let found = accepted.units.get(&end.next).map(|(_, unit)| unit);
            assert_eq!(found, Some(&unit), "applied at {}, and not accepted there", end.next);
            let seq = end.next;
            end = Progress { next: seq + u64::from(unit.span), chain: end.chain.then(&unit) };
            self.units.insert(seq, unit);
        }
        assert_eq!(end, Progress { next: position.next, chain: position.chain }, "the position");
        self.end = Some(end);
        self.last = Some(position);
    }

    pub(crate) fn sync(&mut self) {
        (self.synced, self.safe) = (self.next(), self.last);
    }

    /// Loses some of what was not synced.
    pub(crate) fn crash(&mut self, random: &mut Rng) {
        let Some(mut end) = self.end else { return };
        let kept = random.u64(self.synced..=end.next);
        self.units.split_off(&kept);
        if let Some((&seq, unit)) = self.units.last_key_value() {
            end.next = seq + u64::from(unit.span);
        } else {
            end.next = 1;
        }
        let start = Chain::start(&self.charter.incarnation, 1, &[]);
        end.chain = start.over(self.units.values());
        self.places.split_off(&(end.next + 1));
        self.last = self.places.last_key_value().map(|(_, place)| *place);
        if let Some(safe) = self.safe.filter(|safe| safe.next == end.next) {
            self.last = Some(safe);
        }
        self.end = Some(end);
        (self.synced, self.safe) = (end.next, self.last);
    }
}

impl Past for Disk {
    fn at(&self, next: u64) -> Option<Position> {
        self.places.get(&next).copied()
    }
}
