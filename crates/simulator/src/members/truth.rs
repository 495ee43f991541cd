//! What the shop is by the units of the journal, and the checks of all that members tell the outside.
//!
//! The units come from the oracle. When the journal loses its end, what it had counts on, until something else takes its place:
//! that must be nothing on which anybody acted.

use super::oracle::Accepted;
use super::stream::Stream;
use crate::consistency::Expected;
use crate::exchange::{Event, Exchange, Subscribers};
use crate::observations::Observations;
use crate::process::InHand;
use crate::queue::{Delivery, Queue};
use bytes::Bytes;
use orderly_actors::notification::DueDelivery;
use orderly_actors::tables;
use orderly_demo::Random;
use orderly_model::Settings;
use orderly_store::{COUNTERS, EncodedUnit, Ordinal, Seq, View};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use uuid::Uuid;

/// One of so many stores is compared as a whole.
const WHOLLY: u64 = 24;

/// A unit of the journal.
struct Known {
    bytes: Bytes,
    in_hand: InHand,
}

pub(crate) struct Truth {
    settings: Settings,
    pub(crate) accepted: Accepted,
    /// What members sealed, by the bytes of the units.
    causes: HashMap<Bytes, InHand>,
    /// The units of the journal, and those that it had and lost while nothing else took their place.
    known: Vec<Known>,
    /// The time and the counters behind each of them.
    heads: BTreeMap<u64, (i64, [i64; COUNTERS])>,
    /// Hashes of whole stores that have come so far.
    digests: BTreeMap<u64, u64>,
    pub(crate) expected: Expected,
    pub(crate) observations: Observations,
    pub(crate) subscribers: Subscribers,
    /// Somebody acted on every unit before this.
    pub(crate) promised: Seq,
}

impl Truth {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            expected: Expected::new(settings),
            settings,
            accepted: Accepted::default(),
            causes: HashMap::new(),
            known: Vec::new(),
            heads: BTreeMap::new(),
            digests: BTreeMap::new(),
            observations: Observations::default(),
            subscribers: Subscribers::default(),
            promised: Seq::FIRST,
        }
    }

    /// Takes note of what a member sealed, and why.
    pub(crate) fn sealed(&mut self, sealed: &[InHand]) {
        for in_hand in sealed {
            let bytes = EncodedUnit::new(Arc::clone(&in_hand.unit)).bytes;
            self.causes.insert(bytes, in_hand.clone());
        }
    }

    /// The incarnation of the journal, in the ids of its events.
    fn incarnation(&self) -> String {
        let charter = self.accepted.charter.expect("an epoch is in force");
        Uuid::from_bytes(charter.incarnation).to_string()
    }

    /// Reads what was appended to the stream.
    pub(crate) fn read(&mut self, stream: &Stream) {
        for (seq, bytes) in self.accepted.read(stream) {
            let at = self.known.partition_point(|known| known.in_hand.unit.seq.0 < seq);
            if self.known.get(at).is_some_and(|known| known.bytes == bytes) {
                continue;
            }
            self.forget_from(Seq(seq));
            let in_hand = self.causes.get(&bytes).cloned();
            let in_hand = in_hand.unwrap_or_else(|| panic!("nobody sealed the unit at {seq}"));
            self.expected.apply(&in_hand.unit, &in_hand.entry, &in_hand.input);
            self.observations.durable(&in_hand, &self.incarnation());
            let mirror = &self.expected.mirror;
            self.heads.insert(mirror.next.0, (mirror.clock, mirror.counters));
            self.known.push(Known { bytes, in_hand });
        }
    }

    /// The units from `seq` on are gone for good.
    pub(crate) fn forget_from(&mut self, seq: Seq) {
        let at = self.known.partition_point(|known| known.in_hand.unit.seq < seq);
        if at == self.known.len() {
            return;
        }
        assert!(
            seq >= self.promised,
            "the journal has another unit at {seq}, and everything before {} was durable",
            self.promised
        );
        self.known.truncate(at);
        self.expected = Expected::new(self.settings);
        for Known { in_hand, .. } in &self.known {
            self.expected.follow(&in_hand.unit, &in_hand.entry, &in_hand.input);
        }
        self.observations.forget_from(seq);
        self.heads.split_off(&(seq.0 + 1));
        self.digests.split_off(&(seq.0 + 1));
    }

    /// The stream lost its end.
    pub(crate) fn lose_end(&mut self, stream: &Stream) {
        self.accepted = Accepted::default();
        self.read(stream);
    }

    /// Whether the journal has everything that somebody acted on.
    pub(crate) fn is_kept(&self) -> bool {
        self.accepted.next >= self.promised.0
    }

    /// A member acts on these units as durable.
    pub(crate) fn durable(&mut self, durable: &[InHand]) {
        for InHand { unit, .. } in durable {
            let at = self.known.partition_point(|known| known.in_hand.unit.seq < unit.seq);
            let found = self.known.get(at).map(|known| &known.in_hand.unit);
            assert!(
                found == Some(unit),
                "the unit at {} is durable for a member, and the journal has {}",
                unit.seq,
                if found.is_some() { "another" } else { "none" }
            );
            self.promised = self.promised.max(unit.next);
        }
    }

    pub(crate) fn acked(&mut self, delivery: Delivery, queue: &Queue) {
        self.observations.acked(delivery, queue);
    }

    pub(crate) fn notified(&mut self, delivery: &DueDelivery) {
        self.observations.notified(delivery);
    }

    /// The next event on the channels of a member arrives, or its channel breaks.
    pub(crate) fn take_event(
        &mut self,
        exchange: &mut Exchange,
        breaks: bool,
        random: &mut Random,
    ) {
        if let Some(event) = exchange.take(random, breaks, &mut self.subscribers) {
            self.arrived(&event);
        }
    }

    /// The channels of a member are gone, with some of the events on them.
    pub(crate) fn cut_off(&mut self, exchange: &mut Exchange, random: &mut Random) {
        for event in exchange.cut_off(random, &mut self.subscribers) {
            self.arrived(&event);
        }
    }

    fn arrived(&self, event: &Event) {
        self.observations.arrived(event, &self.subscribers);
    }

    /// Compares the store of a member with the journal, and with the stores that have come as far before.
    pub(crate) fn compare(&mut self, member: usize, view: &View, random: &mut Random) {
        let next = view.next_seq();
        let head = (view.clock(), *view.counters());
        let is_empty = next == Seq::FIRST;
        assert!(
            is_empty || self.heads.get(&next.0) == Some(&head),
            "the store of m{member} at {next} is not what the journal says: {head:?}, {:?}",
            self.heads.get(&next.0)
        );
        if next == self.expected.mirror.next {
            let oldest = self.expected.oldest();
            if random.one_in(WHOLLY) {
                self.expected.mirror.compare_all(view, oldest);
            } else {
                self.expected.mirror.compare_some(view, random, oldest);
            }
        }
        if random.one_in(WHOLLY) {
            let own = digest(view);
            let known = *self.digests.entry(next.0).or_insert(own);
            assert_eq!(own, known, "two stores that have come to {next} differ, m{member}'s");
        }
    }
}

/// A hash over all entities of a store.
fn digest(view: &View) -> u64 {
    let mut hash = DefaultHasher::new();
    for table in tables::ALL {
        for entity in view.scan(table, Ordinal(0), usize::MAX).expect("the store is readable") {
            (table.number(), entity.ordinal.0).hash(&mut hash);
            for (part, value) in entity.parts {
                (part, &value[..]).hash(&mut hash);
            }
        }
    }
    hash.finish()
}
