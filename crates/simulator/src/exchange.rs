//! The simulated exchange for events: two channels for publishing, each in order, that may break at any time; confirms that come
//! late or never; and the events that subscribers received.

use orderly_demo::Random;
use std::collections::{BTreeMap, VecDeque};

const CHANNELS: usize = 2;

/// An event on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) sequence: u64,
    pub(crate) subject: String,
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
}

/// The channels of one publisher to NS.events.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    channels: [VecDeque<Event>; CHANNELS],
    /// Confirms on their way to the publisher.
    confirms: VecDeque<u64>,
    /// A channel broke, and the publisher has not seen that yet.
    broken: bool,
}

/// What the subscribers of NS.events received.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    /// The first delivery of each event, by sequence.
    seen: BTreeMap<u64, Event>,
    /// By subject, the sequences in the order of their first delivery.
    firsts: BTreeMap<String, Vec<u64>>,
    /// The number of repeated deliveries.
    pub(crate) repeated: u64,
}

impl Exchange {
    /// Publishes an event on the channel of its subject.
    pub(crate) fn publish(&mut self, event: Event) {
        let sum: usize = event.subject.bytes().map(usize::from).sum();
        self.channels[sum % CHANNELS].push_back(event);
    }

    /// Delivers the next event of a channel, and returns it. With `breaks` the channel breaks and loses its events: the first may be
    /// delivered, but without a confirm.
    pub(crate) fn take(
        &mut self,
        random: &mut Random,
        breaks: bool,
        subscribers: &mut Subscribers,
    ) -> Option<Event> {
        let first = random.index(CHANNELS);
        let mut channels = (0..CHANNELS).map(|n| (first + n) % CHANNELS);
        let channel = channels.find(|channel| !self.channels[*channel].is_empty())?;
        let event = self.channels[channel].pop_front()?;
        if breaks {
            self.channels[channel].clear();
            self.broken = true;
            if random.one_in(2) {
                return None;
            }
        } else {
            self.confirms.push_back(event.sequence);
        }
        subscribers.arrive(&event);
        Some(event)
    }

    /// The publisher died, or its connection did. Some of the events on the channels are delivered all the same; returns
    /// those.
    pub(crate) fn cut_off(
        &mut self,
        random: &mut Random,
        subscribers: &mut Subscribers,
    ) -> Vec<Event> {
        let mut arrived = Vec::new();
        for channel in &mut self.channels {
            let sent = std::mem::take(channel);
            let count = random.index(sent.len() + 1);
            arrived.extend(sent.into_iter().take(count));
        }
        for event in &arrived {
            subscribers.arrive(event);
        }
        self.confirms.clear();
        self.broken = false;
        arrived
    }

    /// The next confirm that reaches the publisher.
    pub(crate) fn confirm(&mut self) -> Option<u64> {
        self.confirms.pop_front()
    }

    /// Reports a broken channel once, when the other events and confirms have arrived.
    pub(crate) fn break_off(&mut self) -> bool {
        let idle = self.channels.iter().all(VecDeque::is_empty) && self.confirms.is_empty();
        idle && std::mem::take(&mut self.broken)
    }

    /// Whether a channel broke, so that the publisher may not publish for now.
    pub(crate) const fn is_broken(&self) -> bool {
        self.broken
    }
}

impl Subscribers {
    fn arrive(&mut self, event: &Event) {
        if let Some(before) = self.seen.get(&event.sequence) {
            assert_eq!(*before, *event, "an event was published again with other content");
            self.repeated += 1;
            return;
        }
        self.seen.insert(event.sequence, event.clone());
        let firsts = self.firsts.entry(event.subject.clone()).or_default();
        firsts.push(event.sequence);
    }

    /// The events that subscribers received, by sequence.
    pub(crate) const fn seen(&self) -> &BTreeMap<u64, Event> {
        &self.seen
    }

    /// The sequences of a subject in the order of their first delivery.
    pub(crate) fn firsts(&self, subject: &str) -> &[u64] {
        self.firsts.get(subject).map_or(&[], Vec::as_slice)
    }
}
