//! The comparison of all states by the units with those that the store reads.

use super::Mirror;
use crate::earlier;
use bytes::Bytes;
use orderly_actors::{parked, tables};
use orderly_demo::Random;
use orderly_domain::cart::CartStatus;
use orderly_domain::inventory::HoldState;
use orderly_model::Settings;
use orderly_store::{IdentityHash, NameHash, Ordinal, Table, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The parts of entities.
type Entities = BTreeMap<u64, Arc<BTreeMap<u8, Bytes>>>;

/// Entities and names that a comparison of a part looks at.
const WINDOW: usize = 8;
/// Identities that it looks at: each of them is searched in many segments.
const IDENTITIES: usize = 2;

impl Mirror {
    /// Compares some entities and names of one table, and some identities, with those of the store, chosen at random. Identities that
    /// were used before `oldest` may be forgotten.
    pub(crate) fn compare_some(&self, view: &View, random: &mut Random, oldest: i64) {
        self.compare_head(view);
        let table = random.pick(&tables::ALL);
        let last = self.parts.range(..=(table, u64::MAX)).next_back();
        let last = last.filter(|((of, _), _)| *of == table).map_or(0, |((_, last), _)| *last);
        self.compare_entities(view, table, random.below(last + 1), WINDOW);
        let from = (table, NameHash(bytes(random)));
        let names = self.names.range(from..).take_while(|((of, _), _)| *of == table);
        names.take(WINDOW).for_each(|(name, ordinal)| compare_name(view, name, *ordinal));
        let identities = self.identities.range(IdentityHash(bytes(random))..).take(IDENTITIES);
        identities.for_each(|(hash, _)| self.compare_identity(view, hash, oldest));
    }

    /// Compares every entity, name and identity with that of the store. Identities that were used before `oldest` may be forgotten.
    pub(crate) fn compare_all(&self, view: &View, oldest: i64) {
        self.compare_head(view);
        for table in tables::ALL {
            self.compare_entities(view, table, 0, usize::MAX);
        }
        self.names.iter().for_each(|(name, ordinal)| compare_name(view, name, *ordinal));
        self.identities.keys().for_each(|hash| self.compare_identity(view, hash, oldest));
    }

    fn compare_head(&self, view: &View) {
        assert_eq!(view.next_seq(), self.next, "the store's next sequence");
        assert_eq!(view.clock(), self.clock, "the store's time");
        assert_eq!(view.counters(), &self.counters, "the store's counters");
    }

    /// Compares up to `limit` entities from that ordinal on: as the store scans them, and each part as the store reads it alone.
    fn compare_entities(&self, view: &View, table: Table, from: u64, limit: usize) {
        let found = view.scan(table, Ordinal(from), limit).expect("the store is readable");
        let found: Entities = found
            .into_iter()
            .map(|entity| (entity.ordinal.0, Arc::new(entity.parts.into_iter().collect())))
            .collect();
        let expected: Entities = self
            .parts
            .range((table, from)..=(table, u64::MAX))
            .filter(|(_, parts)| !parts.is_empty())
            .take(limit)
            .map(|((_, ordinal), parts)| (*ordinal, Arc::clone(parts)))
            .collect();
        let places = |entities: &Entities| {
            let places =
                entities.iter().flat_map(|(of, parts)| parts.keys().map(|part| (*of, *part)));
            places.collect::<Vec<_>>()
        };
        assert_eq!(places(&found), places(&expected), "{table:?}: the states that the store has");
        for (ordinal, parts) in &expected {
            for (part, value) in &**parts {
                let alone = view.read(table, Ordinal(*ordinal), *part);
                let alone = alone.expect("the store is readable");
                let scanned = &found[ordinal][part];
                assert_eq!(alone.as_ref(), Some(scanned), "part {part} of {table:?} {ordinal}");
                let is_same = is_form_of(table, *part, scanned, value);
                assert!(is_same, "part {part} of {table:?} {ordinal} is not what its unit put");
            }
            if let Some(seq) = self.histories.get(&(table, Ordinal(*ordinal))) {
                let last = view.last_in_history(table, Ordinal(*ordinal));
                let last = last.expect("the store is readable");
                assert_eq!(last, Some(*seq), "the history of {table:?} {ordinal}");
            }
        }
    }

    fn compare_identity(&self, view: &View, hash: &IdentityHash, oldest: i64) {
        let used = self.identities[hash];
        let seen = view.identity(hash).expect("the store is readable");
        let seen = seen.map(|seen| (seen.data, seen.seq));
        if used.at >= oldest || seen.is_some() {
            assert_eq!(seen, Some((used.data, used.seq)), "an identity");
        }
    }

    /// Nothing is held, nothing waits and no cart is open whose time has passed: invariant 6, when every timer was fired that is
    /// due at `now`.
    pub(crate) fn check_expired(&self, settings: &Settings, now: i64) {
        for cart in self.carts.values().filter(|cart| cart.status == CartStatus::Open) {
            let latest = cart.updated_at.micros()
                + settings.cart_expires_after
                + settings.cart_expires_within;
            assert!(latest > now, "cart {} was left alone, and is open", cart.id);
        }
        for (ordinal, payments) in &self.payments {
            for waiting in &payments.waiting {
                let waits_long = waiting.since.micros() + settings.waiting_retention <= now;
                assert!(!waits_long, "a callback waits too long: {waiting:?}");
                let has_order = self.orders.contains_key(ordinal);
                assert!(!has_order, "a callback waits for an order that is there: {waiting:?}");
            }
        }
        for (ordinal, reservation) in &self.reservations {
            if let HoldState::Held { until: Some(until), .. } = reservation.state {
                let late = until.micros() <= now;
                assert!(!late, "the hold of order {ordinal:?} ran out and was not released");
            }
        }
    }

    /// Every parked message can be read.
    pub(crate) fn check_parked(&self, view: &View) {
        for (table, ordinal) in self.parts.keys() {
            if *table == tables::PARKED {
                let about = parked::read(view, Ordinal(*ordinal)).expect("it is readable");
                let about = about.expect("it is there");
                let body = parked::body(view, Ordinal(*ordinal)).expect("it is readable");
                let kept = body.map_or(0, |body| body.len() as u64);
                assert_eq!(kept, about.size, "a parked message is kept whole");
            }
        }
    }
}

/// Whether the bytes that the store reads are those that the unit put. What the core has in memory may be in the newest form where the
/// unit has that of an earlier build.
fn is_form_of(table: Table, part: u8, read: &Bytes, put: &Bytes) -> bool {
    read == put || earlier::form_of(table, part, read).is_some_and(|earlier| earlier == *put)
}

fn compare_name(view: &View, (table, hash): &(Table, NameHash), ordinal: Ordinal) {
    let found = view.find(*table, hash).expect("the store is readable");
    assert_eq!(found, Some(ordinal), "an id of {table:?}");
}

fn bytes(random: &mut Random) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&random.number().to_be_bytes());
    bytes
}
