//! The acks, events and notifications that producers and subscribers have received. Each is checked when it arrives: its unit must
//! be durable by then, so that no crash can take it back.

use crate::durable::Answers;
use crate::exchange::{Event, Subscribers};
use crate::message::{Key, Known};
use crate::mirror::Mirror;
use crate::process::InHand;
use crate::queue::{Delivery, Queue};
use crate::relay;
use orderly_actors::notification::DueDelivery;
use orderly_actors::tables;
use orderly_domain::record::Origin;
use orderly_domain::verdict::Verdict;
use orderly_store::{Seq, Unit, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The reason why a delivery may be acknowledged.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answered {
    /// By the unit that ends before this.
    Sealed(Seq),
    /// A wait queue has confirmed the message.
    Retried,
}

/// Acked commands that are checked after every crash: as many as can be in hand.
const LAST: usize = 64;

struct Acked {
    key: Key,
    known: Known,
    /// When its identity was used up, or else when its producer sent it.
    since: i64,
}

#[derive(Default)]
pub(crate) struct Observations {
    /// Every durable unit.
    pub(crate) units: Vec<Arc<Unit>>,
    answers: Answers,
    /// The commands that were applied, by type.
    pub(crate) applied: BTreeMap<&'static str, u64>,
    /// Units by verdict.
    pub(crate) verdicts: BTreeMap<&'static str, u64>,
    /// The events of every durable unit that have to be published.
    owed: BTreeMap<u64, Event>,
    /// Their order by subject.
    order: BTreeMap<String, Vec<u64>>,
    /// By generation and tag.
    answered: BTreeMap<(u64, u64), Answered>,
    acked: Vec<Acked>,
    /// Notifications that arrived.
    notified: BTreeSet<String>,
    pub(crate) acks: u64,
}

impl Observations {
    /// Takes a durable unit: from now on its events may arrive, and must arrive by the end.
    pub(crate) fn durable(&mut self, in_hand: &InHand, incarnation: &str) {
        self.units.push(Arc::clone(&in_hand.unit));
        self.answers.take(&in_hand.unit);
        let record = &in_hand.entry.record;
        if let (Verdict::Applied, Origin::Message { kind, .. }) = (record.verdict, &record.origin)
            && let Some(kind) = kind.kind()
        {
            *self.applied.entry(kind.as_str()).or_default() += 1;
        }
        *self.verdicts.entry(record.verdict.as_str()).or_default() += 1;
        for (sequence, event) in
            (in_hand.unit.seq.0 + 1..).zip(relay::events(&in_hand.entry, incarnation))
        {
            assert_eq!(
                event.sequence, sequence,
                "the events of a unit have its sequences, in order"
            );
            self.order.entry(event.subject.clone()).or_default().push(event.sequence);
            self.owed.insert(event.sequence, event);
        }
    }

    /// The units from `seq` on, on which nobody acted, are gone for good.
    pub(crate) fn forget_from(&mut self, seq: Seq) {
        self.units.retain(|unit| unit.seq < seq);
        self.answers = Answers::of(self.units.iter().map(|unit| &**unit));
        self.owed.split_off(&seq.0);
        for owed in self.order.values_mut() {
            owed.retain(|sequence| *sequence < seq.0);
        }
    }

    pub(crate) fn answered(&mut self, tag: (u64, u64), answered: Answered) {
        self.answered.insert(tag, answered);
    }

    /// Checks an ack: the verdict is durable, or a wait queue has the message.
    pub(crate) fn acked(&mut self, delivery: Delivery, queue: &Queue) {
        let Delivery { generation, tag, message } = delivery;
        match self.answered.remove(&(generation, tag)) {
            None => panic!("acked and never answered: {message:?}"),
            Some(Answered::Sealed(next)) => {
                assert!(next <= self.answers.next, "acked before its unit is durable: {message:?}");
            }
            Some(Answered::Retried) => {}
        }
        let (key, known) = (message.key(), message.known());
        let used = known.identity.and_then(|identity| self.answers.used(identity));
        let has_verdict = used.is_some() || self.answers.is_parked(known.parked);
        assert!(has_verdict || queue.holds(&key), "acked without a verdict: {message:?}");
        self.acks += 1;
        let since = used.unwrap_or(message.time.micros());
        self.acked.push(Acked { key, known, since });
    }

    /// After a crash: no acked command is without its verdict, by a mirror that was compared with the store just now. Identities of
    /// before `oldest` may be forgotten.
    pub(crate) fn check_acked(&self, mirror: &Mirror, queue: &Queue, oldest: i64) {
        let has_verdict = |known: &Known| {
            known.identity.is_some_and(|identity| mirror.has_used(&identity))
                || mirror.is_parked(known.parked)
        };
        check_acked(&self.acked, has_verdict, queue, oldest);
    }

    /// The same for the commands that were acked last, by the store itself.
    pub(crate) fn check_acked_last(&self, view: &View, queue: &Queue, oldest: i64) {
        let has_verdict = |known: &Known| {
            let identity = known.identity.map(|identity| view.identity(&identity));
            let parked =
                || view.find(tables::PARKED, &known.parked).expect("the store is readable");
            identity.is_some_and(|found| found.expect("the store is readable").is_some())
                || parked().is_some()
        };
        let from = self.acked.len().saturating_sub(LAST);
        check_acked(&self.acked[from..], has_verdict, queue, oldest);
    }

    /// The number of notifications that arrived.
    pub(crate) fn notified_count(&self) -> usize {
        self.notified.len()
    }

    /// Checks an event that arrived: it belongs to a durable unit, has the content of that unit, and first deliveries are in order.
    pub(crate) fn arrived(&self, event: &Event, subscribers: &Subscribers) {
        let owed = self.owed.get(&event.sequence);
        assert_eq!(owed, Some(event), "an event that no durable unit told, or not so");
        // The others were checked when they came. One that came lately is near the end.
        let firsts = subscribers.firsts(&event.subject);
        let place = firsts.iter().rposition(|sequence| *sequence == event.sequence);
        let expected = place.and_then(|place| self.order[&event.subject].get(place));
        assert!(
            expected == Some(&event.sequence),
            "first deliveries of {} are out of order: {firsts:?}",
            event.subject
        );
    }

    /// A notification arrived.
    pub(crate) fn notified(&mut self, delivery: &DueDelivery) {
        assert!(
            self.answers.has_requested(delivery.order, &delivery.id),
            "a notification that no durable unit requested: {delivery:?}"
        );
        self.notified.insert(delivery.id.clone());
    }

    /// Checks at the end that everything that had to arrive has arrived.
    pub(crate) fn check_paid_up(&self, subscribers: &Subscribers) {
        for (sequence, event) in &self.owed {
            assert!(
                subscribers.seen().contains_key(sequence),
                "never published: {} of {}",
                String::from_utf8_lossy(&event.body),
                event.subject
            );
        }
        for id in self.answers.requested() {
            assert!(self.notified.contains(id), "never notified: {id}");
        }
    }
}

fn check_acked(acked: &[Acked], has_verdict: impl Fn(&Known) -> bool, queue: &Queue, oldest: i64) {
    for acked in acked.iter().filter(|acked| acked.since >= oldest) {
        assert!(
            has_verdict(&acked.known) || queue.holds(&acked.key),
            "acked, and now without a verdict: {:?}",
            acked.key
        );
    }
}
