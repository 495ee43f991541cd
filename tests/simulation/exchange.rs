//! The broker's side of events: two publishing lanes, each in order, that may break at any time; confirms
//! that come late or never; and what subscribers saw.

use orderly_demo::Random;
use std::collections::{BTreeMap, VecDeque};

const LANES: usize = 2;

/// An event on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) sequence: u64,
    pub(crate) subject: String,
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
}

/// NS.events, and the channels to it.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    lanes: [VecDeque<Event>; LANES],
    /// Confirms on their way to the publisher.
    confirms: VecDeque<u64>,
    /// A lane broke, and the publisher does not know yet.
    broken: bool,
    /// By sequence, what subscribers saw first.
    seen: BTreeMap<u64, Event>,
    /// By subject, the sequences in the order of their first delivery.
    firsts: BTreeMap<String, Vec<u64>>,
    /// Deliveries of what had been seen before.
    pub(crate) repeated: u64,
}

impl Exchange {
    /// Puts an event into the lane of its subject.
    pub(crate) fn publish(&mut self, event: Event) {
        let sum: usize = event.subject.bytes().map(usize::from).sum();
        self.lanes[sum % LANES].push_back(event);
    }

    /// The broker takes the next event of some lane. With `breaks`, the lane is lost with all that is in it: the first
    /// may have arrived, but nobody hears that. Gives what arrived.
    pub(crate) fn take(&mut self, random: &mut Random, breaks: bool) -> Option<Event> {
        let first = random.index(LANES);
        let lane =
            (0..LANES).map(|n| (first + n) % LANES).find(|lane| !self.lanes[*lane].is_empty())?;
        let event = self.lanes[lane].pop_front()?;
        if breaks {
            self.lanes[lane].clear();
            self.broken = true;
            if random.one_in(2) {
                return None;
            }
        } else {
            self.confirms.push_back(event.sequence);
        }
        self.arrive(&event);
        Some(event)
    }

    /// The publisher died: of what it had sent, some arrives still.
    pub(crate) fn cut_off(&mut self, random: &mut Random) -> Vec<Event> {
        let mut arrived = Vec::new();
        for lane in 0..LANES {
            let sent = std::mem::take(&mut self.lanes[lane]);
            let count = random.index(sent.len() + 1);
            arrived.extend(sent.into_iter().take(count));
        }
        for event in &arrived {
            self.arrive(event);
        }
        self.confirms.clear();
        self.broken = false;
        arrived
    }

    fn arrive(&mut self, event: &Event) {
        if let Some(before) = self.seen.get(&event.sequence) {
            assert_eq!(*before, *event, "an event was published again, but not as it was");
            self.repeated += 1;
            return;
        }
        self.seen.insert(event.sequence, event.clone());
        let firsts = self.firsts.entry(event.subject.clone()).or_default();
        firsts.push(event.sequence);
    }

    /// The next confirm that reaches the publisher.
    pub(crate) fn confirm(&mut self) -> Option<u64> {
        self.confirms.pop_front()
    }

    /// Whether a lane broke; told when nothing else is outstanding.
    pub(crate) fn break_off(&mut self) -> bool {
        let idle = self.lanes.iter().all(VecDeque::is_empty) && self.confirms.is_empty();
        idle && std::mem::take(&mut self.broken)
    }

    /// Whether a lane broke, and the publisher may send nothing for now.
    pub(crate) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// What subscribers saw, by sequence.
    pub(crate) const fn seen(&self) -> &BTreeMap<u64, Event> {
        &self.seen
    }

    /// The order of first deliveries of a subject.
    pub(crate) fn firsts(&self, subject: &str) -> &[u64] {
        self.firsts.get(subject).map_or(&[], Vec::as_slice)
    }
}
