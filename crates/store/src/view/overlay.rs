//! The changes of recent units: the part of the store's content that the views on disk do not hold yet.
//!
//! Invariant: for every unit that is not covered by a checkpoint, all that it put is found here, unless a later unit
//! put something else. Units that a checkpoint covers are forgotten a few at a time, so that no command waits for it.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::entity::Parts;
use crate::schema::{MAX_TABLES, Table};
use crate::totals::Totals;
use crate::unit::{COUNTERS, IdentityHash, NameHash, Ordinal, Put, Seq, Unit};

/// How many covered units are forgotten whenever a unit is added.
const FORGET_AT_ONCE: usize = 16;

/// Hashes the keys of the overlay's maps with one multiplication. That is enough: the keys are truncated SHA-256
/// hashes, which are evenly distributed, or ordinals, which no producer can choose.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word.cast_unsigned() as u64);
    }
}

/// A map whose keys are hashed by [`KeyHasher`].
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<KeyHasher>>;

/// An entity that recent units changed: the units with its newest values. The values themselves are in those units.
#[derive(Debug)]
struct Recent {
    /// The last unit that changed the entity.
    seq: Seq,
    /// The last unit in the history of the entity.
    history: Option<Seq>,
    /// The changed parts, each with the last unit that changed the part. Few entities have more than 4.
    parts: SmallVec<[(u8, Seq); 4]>,
}

impl Recent {
    const fn new(seq: Seq) -> Self {
        Self { seq, history: None, parts: SmallVec::new_const() }
    }

    fn set(&mut self, part: u8, seq: Seq) {
        match self.parts.iter_mut().find(|(recent, _)| *recent == part) {
            Some(recent) => recent.1 = seq,
            None => self.parts.push((part, seq)),
        }
    }
}

/// What recent units made of an entity.
#[derive(Debug, Clone)]
pub(crate) struct Changes {
    /// The last unit that changed it.
    pub(crate) seq: Seq,
    /// The last unit in its history.
    pub(crate) history: Option<Seq>,
    /// Its changed parts, in any order, each with its value; `None`: the part is gone. A value shares the memory of its
    /// whole unit.
    pub(crate) parts: SmallVec<[(u8, Option<Bytes>); 4]>,
}

/// The recent units and their changes.
#[derive(Debug)]
pub(crate) struct Overlay {
    /// In the order of their sequences, which stand beside them: a search touches no unit but the one that it finds.
    units: VecDeque<(Seq, Arc<Unit>)>,
    /// The views on disk hold every unit below this.
    covered: Seq,
    /// The memory of units that are not covered, in bytes.
    dirty: usize,
    states: Map<(Table, Ordinal), Recent>,
    names: Map<(Table, NameHash), (Ordinal, Seq)>,
    identities: Map<IdentityHash, (u64, Seq)>,
    /// The first ordinal of each table that no unit has used.
    ordinals: [u64; MAX_TABLES],
    /// The sums of what all units added to the counters.
    counters: [i64; COUNTERS],
}

impl Overlay {
    /// An overlay over views that hold the units of `totals`.
    pub(crate) fn new(totals: &Totals) -> Self {
        Self {
            units: VecDeque::new(),
            covered: totals.next,
            ordinals: totals.ordinals,
            counters: totals.counters,
            dirty: 0,
            states: Map::default(),
            names: Map::default(),
            identities: Map::default(),
        }
    }

    /// Adds the newest unit, and forgets a few old ones.
    pub(crate) fn add(&mut self, unit: Arc<Unit>) {
        self.apply(&unit);
        for name in &unit.names {
            self.names.insert((name.table, name.hash), (name.ordinal, unit.seq));
        }
        if let Some(identity) = &unit.identity {
            self.identities.insert(identity.hash, (identity.data, unit.seq));
        }
        for (table, ordinal) in unit.used() {
            let next = &mut self.ordinals[table.index()];
            *next = (*next).max(ordinal.0.saturating_add(1));
        }
        for &(index, difference) in &unit.counters {
            let counter = &mut self.counters[usize::from(index)];
            *counter = counter.wrapping_add(difference);
        }
        self.dirty += unit.footprint();
        self.units.push_back((unit.seq, unit));
        self.forget_some(FORGET_AT_ONCE);
    }

    /// Notes what `unit` says of entities.
    fn apply(&mut self, unit: &Unit) {
        // most parts that a unit puts are of the entity whose history it continues: that entity is looked up once
        let linked = unit.history.as_ref().map(|link| (link.table, link.ordinal));
        if let Some(place) = linked {
            let recent = self.states.entry(place).or_insert_with(|| Recent::new(unit.seq));
            recent.seq = unit.seq;
            recent.history = Some(unit.seq);
            for put in unit.puts.iter().filter(|put| put.place() == place) {
                recent.set(put.part, unit.seq);
            }
        }
        for put in unit.puts.iter().filter(|put| Some(put.place()) != linked) {
            let recent = self.states.entry(put.place()).or_insert_with(|| Recent::new(unit.seq));
            recent.seq = unit.seq;
            recent.set(put.part, unit.seq);
        }
    }

    /// Drops what `unit` put, where no later unit put something else.
    fn forget(&mut self, unit: &Unit) {
        let linked = unit.history.as_ref().map(|link| (link.table, link.ordinal));
        let others = unit.puts.iter().map(Put::place).filter(|place| Some(*place) != linked);
        for place in linked.into_iter().chain(others) {
            let Some(recent) = self.states.get_mut(&place) else {
                continue;
            };
            if recent.seq == unit.seq {
                self.states.remove(&place);
                continue;
            }
            recent.parts.retain(|(_, seq)| *seq > unit.seq);
            recent.history = recent.history.filter(|&newest| newest > unit.seq);
        }
    }

    /// The views on disk hold every unit below `covered` from now on.
    pub(crate) fn cover(&mut self, covered: Seq) {
        let from = self.units.partition_point(|&(seq, _)| seq < self.covered);
        let until = self.units.partition_point(|&(seq, _)| seq < covered);
        let newly_covered = self.units.range(from..until.max(from));
        let bytes: usize = newly_covered.map(|(_, unit)| unit.footprint()).sum();
        self.dirty -= bytes;
        self.covered = self.covered.max(covered);
    }

    /// Forgets up to `limit` units that are covered; says whether there are more.
    pub(crate) fn forget_some(&mut self, limit: usize) -> bool {
        for _ in 0..limit {
            if self.units.front().is_none_or(|&(seq, _)| seq >= self.covered) {
                return false;
            }
            let Some((_, unit)) = self.units.pop_front() else {
                return false;
            };
            self.forget(&unit);
            for name in &unit.names {
                let place = (name.table, name.hash);
                if self.names.get(&place).is_some_and(|&(_, seq)| seq == unit.seq) {
                    self.names.remove(&place);
                }
            }
            if let Some(identity) = &unit.identity
                && self.identities.get(&identity.hash).is_some_and(|&(_, seq)| seq == unit.seq)
            {
                self.identities.remove(&identity.hash);
            }
        }
        true
    }

    /// How many bytes of memory the units take that no checkpoint holds.
    pub(crate) const fn dirty(&self) -> usize {
        self.dirty
    }

    /// The views on disk hold every unit below this.
    pub(crate) const fn covered(&self) -> Seq {
        self.covered
    }

    /// The sequence of the next unit.
    pub(crate) fn next(&self) -> Seq {
        self.units.back().map_or(self.covered, |(_, unit)| unit.next)
    }

    /// Those of the first `limit` units from `from` on that have postings, and the sequence after the last that was looked
    /// at.
    pub(crate) fn units_with_postings(&self, from: Seq, limit: usize) -> (Vec<Arc<Unit>>, Seq) {
        let first = self.units.partition_point(|&(seq, _)| seq < from);
        let looked_at = self.units.range(first..).take(limit).map(|(_, unit)| unit);
        let reached = looked_at.clone().next_back().map_or(from.max(self.next()), |unit| unit.next);
        let found = looked_at.filter(|unit| !unit.postings.is_empty()).cloned();
        (found.collect(), reached)
    }

    pub(crate) fn unit(&self, seq: Seq) -> Option<&Arc<Unit>> {
        let found = self.units.binary_search_by_key(&seq, |&(seq, _)| seq);
        found.ok().map(|place| &self.units[place].1)
    }

    /// What recent units made of the wanted parts of an entity; `None` if none touched it.
    pub(crate) fn changes(&self, place: (Table, Ordinal), wanted: Parts) -> Option<Changes> {
        let recent = self.states.get(&place)?;
        let parts = recent.parts.iter().filter(|(part, _)| wanted.has(*part));
        let parts = parts.map(|&(part, seq)| (part, self.value(seq, place, part).cloned()));
        Some(Changes { seq: recent.seq, history: recent.history, parts: parts.collect() })
    }

    /// The last recent unit that touched an entity.
    pub(crate) fn last_touch(&self, place: (Table, Ordinal)) -> Option<Seq> {
        self.states.get(&place).map(|recent| recent.seq)
    }

    /// The first ordinal of a table that no unit has used.
    pub(crate) fn next_ordinal(&self, table: Table) -> Ordinal {
        Ordinal(self.ordinals[table.index()])
    }

    /// The sum of what all units added to a counter.
    pub(crate) const fn counter(&self, index: u8) -> i64 {
        self.counters[index as usize]
    }

    /// The last recent unit in an entity's history.
    pub(crate) fn last_in_history(&self, place: (Table, Ordinal)) -> Option<Seq> {
        self.states.get(&place)?.history
    }

    /// What the unit at `seq`, which is here as long as an entity names it, put there.
    fn value(&self, seq: Seq, place: (Table, Ordinal), part: u8) -> Option<&Bytes> {
        let is_wanted = |put: &&Put| (put.place(), put.part) == (place, part);
        self.unit(seq)?.puts.iter().rfind(is_wanted)?.value.as_ref()
    }

    pub(crate) fn name(&self, table: Table, hash: &NameHash) -> Option<Ordinal> {
        self.names.get(&(table, *hash)).map(|&(ordinal, _)| ordinal)
    }

    pub(crate) fn identity(&self, hash: &IdentityHash) -> Option<(u64, Seq)> {
        self.identities.get(hash).copied()
    }

    /// The ordinals of a table that recent units touched, from `from` on, growing. Takes time in proportion to the
    /// whole overlay: for lists and audits, not for commands.
    pub(crate) fn touched(&self, table: Table, from: Ordinal) -> Vec<Ordinal> {
        let mut touched: Vec<_> = self
            .states
            .keys()
            .filter(|key| key.0 == table && key.1 >= from)
            .map(|key| key.1)
            .collect();
        touched.sort_unstable();
        touched
    }
}
