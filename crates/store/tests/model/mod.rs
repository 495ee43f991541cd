//! The expected contents of a store after a number of units, in plain maps, and the comparison with a store.

#![allow(dead_code, reason = "every test that uses it is a crate of its own, and none uses all")]

pub(crate) mod backup;
mod made_anew;
pub(crate) mod transfer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderly_store::sim::SimRng;
use orderly_store::{
    COUNTERS, Entity, History, IdentityHash, NameHash, Ordinal, Schema, Seen, Seq, Table,
    TableSpec, Timer, Unit, View,
};

pub(crate) mod postings;

/// The tables of these tests: with small pages, usual ones and large ones.
pub(crate) const TABLES: [Table; 4] = [Table::new(0), Table::new(1), Table::new(2), Table::new(9)];
/// The table whose entities have a history.
pub(crate) const LINKED: Table = TABLES[0];

/// The tables as the store must know them.
pub(crate) const SCHEMA: Schema = Schema {
    tables: &[
        TableSpec { table: TABLES[0], name: "linked", per_page: 32 },
        TableSpec { table: TABLES[1], name: "usual", per_page: 64 },
        TableSpec { table: TABLES[2], name: "small", per_page: 128 },
        TableSpec { table: TABLES[3], name: "large", per_page: 8 },
    ],
    contents: 1,
};

/// Identities are kept this long in these tests, in microseconds.
pub(crate) const RETENTION: u64 = 8_000;

/// The units of a store, in order, from the first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) units: Vec<Arc<Unit>>,
}

/// The contents after the units.
#[derive(Debug, Default)]
struct Content {
    entities: BTreeMap<(Table, Ordinal), BTreeMap<u8, Vec<u8>>>,
    histories: BTreeMap<(Table, Ordinal), Seq>,
    names: BTreeMap<(Table, NameHash), Ordinal>,
    identities: BTreeMap<IdentityHash, (Seen, i64)>,
    ordinals: BTreeMap<Table, u64>,
}

impl Model {
    pub(crate) fn next(&self) -> Seq {
        self.units.last().map_or(Seq::FIRST, |unit| unit.next)
    }

    /// Removes the units from `next` on. A unit must begin at `next`.
    pub(crate) fn cut(&mut self, next: Seq) {
        self.units.retain(|unit| unit.seq < next);
        assert_eq!(self.next(), next, "the store ends within a unit");
    }

    fn content(&self) -> Content {
        let mut content = Content::default();
        for unit in &self.units {
            for name in &unit.names {
                content.names.insert((name.table, name.hash), name.ordinal);
            }
            if let Some(identity) = unit.identity {
                let seen = Seen { data: identity.data, seq: unit.seq };
                content.identities.insert(identity.hash, (seen, unit.at));
            }
            for put in &unit.puts {
                let entity = content.entities.entry((put.table, put.ordinal)).or_default();
                match &put.value {
                    Some(value) => drop(entity.insert(put.part, value.to_vec())),
                    None => drop(entity.remove(&put.part)),
                }
            }
            if let Some(link) = unit.history {
                content.histories.insert((link.table, link.ordinal), unit.seq);
            }
            let named = unit.names.iter().map(|name| (name.table, name.ordinal));
            for (table, ordinal) in
                named.chain(unit.puts.iter().map(|put| (put.table, put.ordinal)))
            {
                let next = content.ordinals.entry(table).or_default();
                *next = (*next).max(ordinal.0 + 1);
            }
        }
        content
    }

    /// The timers that must be handed out in the end, and those that may be. All others have fired.
    pub(crate) fn timers(&self) -> (BTreeSet<Timer>, BTreeSet<Timer>) {
        let (mut required, mut allowed) = (BTreeSet::new(), BTreeSet::new());
        for unit in &self.units {
            required.retain(|timer: &Timer| timer.due >= unit.fired);
            required.extend(unit.timers.iter().copied());
            allowed.extend(unit.timers.iter().copied());
        }
        let fired = self.units.last().map_or(0, |unit| unit.fired);
        allowed.retain(|timer| timer.due >= fired);
        (required, allowed)
    }

    /// Checks that a view has the contents of the units. Identities of units before `expired` may be deleted.
    pub(crate) fn check(&self, view: &View, expired: i64) {
        let content = self.content();
        assert_eq!(view.next_seq(), self.next());
        assert_eq!(view.clock(), self.units.last().map_or(0, |unit| unit.at));
        let mut counters = [0_i64; COUNTERS];
        for &(index, difference) in self.units.iter().flat_map(|unit| &unit.counters) {
            counters[usize::from(index)] += difference;
        }
        assert_eq!(view.counters(), &counters);
        for table in TABLES {
            let used = content.ordinals.get(&table).copied().unwrap_or(0);
            assert_eq!(view.next_ordinal(table).0, used, "{table:?}");
            content.check_entities(view, table);
        }
        for (&(table, hash), &ordinal) in &content.names {
            assert_eq!(
                view.find(table, &hash).expect("a read"),
                Some(ordinal),
                "{table:?} {hash:?}"
            );
        }
        for (hash, &(seen, at)) in &content.identities {
            let found = view.identity(hash).expect("a read");
            assert!(found == Some(seen) || (found.is_none() && at < expired), "{found:?} {seen:?}");
        }
        postings::check(&self.units, &view.reader());
        // A name that no unit gave.
        assert_eq!(view.find(LINKED, &NameHash([0xee; 16])).expect("a read"), None);
        assert_eq!(view.identity(&IdentityHash([0xee; 16])).expect("a read"), None);
    }

    /// Checks that the history has all units. Those before `pruned` may be deleted.
    pub(crate) fn check_history(&self, history: &History, pruned: Seq) {
        let mut found = history.units(Seq::FIRST).map(|unit| unit.expect("a unit")).peekable();
        for unit in &self.units {
            if unit.seq >= history.durable() {
                break;
            }
            match found.next_if(|found| found.seq == unit.seq) {
                Some(found) => {
                    assert!(found == **unit, "the unit at {} is another", unit.seq);
                    assert!(history.unit(unit.seq).expect("a read").as_ref() == Some(&**unit));
                }
                None => assert!(unit.seq < pruned, "the unit at {} is lost", unit.seq),
            }
        }
        assert_eq!(found.next(), None);
    }
}

impl Content {
    fn check_entities(&self, view: &View, table: Table) {
        // Small scans, so that they begin and end at any entity.
        let mut scanned = Vec::new();
        let mut from = Ordinal(0);
        loop {
            let mut found = view.scan(table, from, 7).expect("a scan");
            let Some(last) = found.last() else { break };
            from = Ordinal(last.ordinal.0 + 1);
            scanned.append(&mut found);
        }
        let wanted: Vec<Entity> = self
            .entities
            .iter()
            .filter(|((of, _), parts)| *of == table && !parts.is_empty())
            .map(|((_, ordinal), parts)| Entity {
                ordinal: *ordinal,
                parts: parts.iter().map(|(part, value)| (*part, value.clone().into())).collect(),
            })
            .collect();
        assert!(scanned == wanted, "{table:?}: a scan gives other entities than were put");
        for (&(of, ordinal), parts) in &self.entities {
            if of != table {
                continue;
            }
            for part in 0..4 {
                let found = view.read(table, ordinal, part).expect("a read");
                assert!(
                    found.as_deref() == parts.get(&part).map(Vec::as_slice),
                    "{table:?} {ordinal:?} {part}"
                );
            }
            let last = view.last_in_history(table, ordinal).expect("a read");
            assert_eq!(last, self.histories.get(&(table, ordinal)).copied());
        }
    }
}

fn hash(rng: &mut SimRng, of: u64) -> [u8; 16] {
    // Like a truncated SHA-256, spread over all bits. There are few different ones, so that some occur again.
    let mut mixed = SimRng::new(rng.below(of) + 1);
    let mut hash = [0; 16];
    for byte in &mut hash {
        *byte = mixed.below(256).to_le_bytes()[0];
    }
    hash
}

fn value(rng: &mut SimRng) -> Vec<u8> {
    let length = match rng.below(200) {
        0 => 100_000 + rng.below(100_000),
        1..=5 => rng.below(20_000),
        _ => rng.below(200),
    };
    let byte = rng.below(256).to_le_bytes()[0];
    vec![byte; usize::try_from(length).expect("a small number")]
}

/// Makes a random unit that follows the units of `view`.
pub(crate) fn unit(view: &View, rng: &mut SimRng, now: i64) -> Arc<Unit> {
    let mut builder = view.begin(now);
    for _ in 0..rng.below(3) {
        let table = TABLES[usize::try_from(rng.below(4)).expect("below four")];
        let name = NameHash(hash(rng, 200));
        let known = view.find(table, &name).expect("a read");
        let ordinal = known.unwrap_or_else(|| view.next_ordinal(table));
        if known.is_none() {
            builder.name(table, name, ordinal);
        }
        for part in 0..4 {
            match rng.below(6) {
                0 => builder.remove(table, ordinal, part),
                1..=3 => builder.put(table, ordinal, part, &value(rng)),
                _ => {}
            }
        }
        if table == LINKED {
            let previous = view.last_in_history(table, ordinal).expect("a read");
            builder.link_history(table, ordinal, previous);
        }
        if known.is_none() {
            // The next name of this table would get the same ordinal.
            break;
        }
    }
    if rng.below(4) > 0 {
        builder.identity(IdentityHash(hash(rng, 200)), rng.below(u64::MAX));
    }
    for _ in 0..rng.below(3) {
        let due = now + i64::try_from(rng.below(100_000_000)).expect("a small number") - 1_000_000;
        builder.timer(due, LINKED, Ordinal(rng.below(50)), 3);
    }
    postings::change(&mut builder, rng);
    builder.count(rng.below(64).to_le_bytes()[0], i64::try_from(rng.below(9)).expect("small") - 4);
    let body = value(rng);
    builder.seal(rng.below(4), &body)
}
