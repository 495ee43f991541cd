//! Which deliveries may be acknowledged, and with how few acks.
//!
//! Pure: no I/O, no clock; times are readings of a monotonic clock that the caller passes in.
//!
//! Invariants, per channel generation:
//!
//! 1. No ack covers a tag that is not settled. *Settled* means that its unit is durable, or that
//!    its retry is confirmed and was not returned.
//! 2. Every settled tag is acknowledged exactly once: together with all before it as soon as
//!    those are settled too, or alone once it has waited [`SINGLE_ACK_DELAY`] behind one that is not.
//! 3. An `UpTo` names a tag that is itself not acknowledged yet. (`RabbitMQ` closes the channel
//!    when the named tag is unknown, although lower ones are not.)
//!
//! Each call costs O(1) amortised over the tags: in order, a tag costs one counter.

use std::{collections::VecDeque, time::Duration};

use orderly_planted::{Bug, is_planted};

use super::{Ack, Reach};

/// How long a settled tag waits for those before it, until it is acknowledged alone. Acks in bulk
/// are far cheaper for the broker, but one slow command must not hold back the acks of thousands
/// behind it for long.
pub const SINGLE_ACK_DELAY: Duration = Duration::from_secs(1);

/// The acknowledgements owed on one channel.
#[derive(Debug, Default)]
pub struct Ledger {
    generation: u64,
    /// The first tag that is not settled: all before it are, and `owed` says what to ack of them.
    frontier: u64,
    /// State of the tags from `frontier` on.
    open: VecDeque<State>,
    /// Settled tags before `frontier` that no ack has covered yet.
    owed: Option<Owed>,
    /// Tags settled behind a gap, oldest first; those the frontier has passed are skipped.
    waiting: VecDeque<(Duration, u64)>,
    /// How many of `open` are not settled.
    unsettled: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Delivered,
    Settled,
    /// Settled, and acknowledged alone.
    Acked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owed {
    highest: u64,
    reach: Reach,
}

impl Ledger {
    /// Starts again on a new channel: deliveries of the last one can no longer be acknowledged.
    pub fn open(&mut self, generation: u64) {
        *self = Self { generation, frontier: 1, ..Self::default() };
    }

    /// Notes the deliveries up to the tag `last`. A channel numbers them from 1, without holes.
    pub fn delivered(&mut self, generation: u64, last: u64) {
        if generation != self.generation {
            return;
        }
        let known = self.frontier + self.open.len() as u64;
        for _ in known..=last {
            self.open.push_back(State::Delivered);
            self.unsettled += 1;
        }
    }

    /// Settles the delivery `tag`. One that is stale, unknown or settled already changes nothing.
    /// `now` never runs backwards from one call to the next.
    pub fn settled(&mut self, generation: u64, tag: u64, now: Duration) {
        if generation != self.generation {
            return;
        }
        let Some(state) = tag
            .checked_sub(self.frontier)
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| self.open.get_mut(index))
            .filter(|state| **state == State::Delivered)
        else {
            return;
        };
        *state = State::Settled;
        self.unsettled -= 1;
        if tag == self.frontier {
            self.advance();
        } else {
            self.waiting.push_back((now, tag));
        }
    }

    /// The acks to send now: one for all that is settled without a gap, and one for each tag that
    /// has waited [`SINGLE_ACK_DELAY`] behind a gap.
    pub fn next_acks(&mut self, now: Duration) -> Vec<Ack> {
        let mut acks = Vec::new();
        if let Some(Owed { highest, reach }) = self.owed.take() {
            acks.push(self.ack(highest, reach));
        }
        while let Some((since, tag)) = self.waiting.front().copied() {
            let passed = tag < self.frontier;
            if !passed && since + SINGLE_ACK_DELAY > now {
                break;
            }
            self.waiting.pop_front();
            if !passed {
                let index = usize::try_from(tag - self.frontier).unwrap_or(usize::MAX);
                if let Some(state) = self.open.get_mut(index) {
                    *state = State::Acked;
                }
                let reach = if is_planted(Bug::AckBeforeCommit) { Reach::UpTo } else { Reach::One };
                acks.push(self.ack(tag, reach));
            }
        }
        acks
    }

    /// Deliveries in hand that are not settled.
    pub fn unsettled(&self) -> usize {
        self.unsettled
    }

    fn ack(&self, tag: u64, reach: Reach) -> Ack {
        Ack { generation: self.generation, tag, reach }
    }

    /// Moves the frontier over everything settled, and notes the ack that is owed for what none has
    /// covered.
    fn advance(&mut self) {
        while let Some(state) = self.open.front().copied() {
            match state {
                State::Delivered => break,
                State::Acked => {}
                State::Settled => {
                    let reach = self.owed.map_or(Reach::One, |_| Reach::UpTo);
                    self.owed = Some(Owed { highest: self.frontier, reach });
                }
            }
            self.open.pop_front();
            self.frontier += 1;
        }
        while self.waiting.front().is_some_and(|(_, tag)| *tag < self.frontier) {
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    const GENERATION: u64 = 7;

    fn opened(deliveries: u64) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.open(GENERATION);
        ledger.delivered(GENERATION, deliveries);
        ledger
    }

    fn one(tag: u64) -> Ack {
        Ack { generation: GENERATION, tag, reach: Reach::One }
    }

    fn up_to(tag: u64) -> Ack {
        Ack { reach: Reach::UpTo, ..one(tag) }
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn settled_in_order_costs_one_ack() {
        let mut ledger = opened(5);
        for tag in 1..=4 {
            ledger.settled(GENERATION, tag, ms(0));
        }
        assert_eq!(ledger.next_acks(ms(0)), [up_to(4)]);
        assert_eq!(ledger.next_acks(ms(5000)), []);
        assert_eq!(ledger.unsettled(), 1);
    }

    #[test]
    fn a_gap_holds_back_those_behind_it_for_a_second_only() {
        let mut ledger = opened(4);
        ledger.settled(GENERATION, 2, ms(0));
        ledger.settled(GENERATION, 3, ms(400));
        assert_eq!(ledger.next_acks(ms(999)), []);
        assert_eq!(ledger.next_acks(ms(1000)), [one(2)]);
        assert_eq!(ledger.next_acks(ms(1400)), [one(3)]);
    }

    #[test]
    fn an_ack_never_names_a_tag_that_was_acked_alone() {
        let mut ledger = opened(3);
        ledger.settled(GENERATION, 3, ms(0));
        assert_eq!(ledger.next_acks(ms(1000)), [one(3)]);
        ledger.settled(GENERATION, 1, ms(1000));
        ledger.settled(GENERATION, 2, ms(1000));
        assert_eq!(ledger.next_acks(ms(1000)), [up_to(2)]);
    }

    #[test]
    fn a_stale_generation_changes_nothing() {
        let mut ledger = opened(2);
        ledger.settled(GENERATION, 1, ms(0));
        ledger.open(GENERATION + 1);
        ledger.delivered(GENERATION + 1, 2);
        ledger.settled(GENERATION, 1, ms(0));
        ledger.delivered(GENERATION, 9);
        assert_eq!(ledger.next_acks(ms(9000)), []);
        assert_eq!(ledger.unsettled(), 2);
    }

    #[test]
    fn unknown_and_repeated_tags_change_nothing() {
        let mut ledger = opened(2);
        for tag in [0, 3, u64::MAX, 2, 2] {
            ledger.settled(GENERATION, tag, ms(0));
        }
        assert_eq!(ledger.next_acks(ms(1000)), [one(2)]);
        assert_eq!(ledger.unsettled(), 1);
    }

    /// A channel of the broker, as strict as `RabbitMQ`: an ack of an unknown tag is an error.
    #[derive(Default)]
    struct Channel {
        unacked: BTreeSet<u64>,
    }

    impl Channel {
        fn take(&mut self, ack: Ack) -> Vec<u64> {
            assert!(self.unacked.contains(&ack.tag), "unknown delivery tag");
            let taken: Vec<u64> = match ack.reach {
                Reach::One => vec![ack.tag],
                Reach::UpTo => self.unacked.range(..=ack.tag).copied().collect(),
            };
            self.unacked.retain(|tag| !taken.contains(tag));
            taken
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Deliver(u64),
        Settle(u64),
        Pass(u64),
        Ack,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            1 => (1..6_u64).prop_map(Step::Deliver),
            4 => (1..60_u64).prop_map(Step::Settle),
            1 => (1..700_u64).prop_map(Step::Pass),
            2 => Just(Step::Ack),
        ];
        prop::collection::vec(step, 1..150)
    }

    proptest! {
        /// Against the naive model: a map of when each tag was settled, searched whole each time.
        #[test]
        fn pays_what_a_naive_ledger_owes(steps in steps()) {
            let mut ledger = opened(0);
            let mut channel = Channel::default();
            let mut settled_at: BTreeMap<u64, Duration> = BTreeMap::new();
            let (mut last, mut now) = (0, ms(0));
            for step in steps {
                match step {
                    Step::Deliver(count) => {
                        channel.unacked.extend(last + 1..=last + count);
                        last += count;
                        ledger.delivered(GENERATION, last);
                    }
                    Step::Settle(tag) => {
                        ledger.settled(GENERATION, tag, now);
                        if tag <= last {
                            settled_at.entry(tag).or_insert(now);
                        }
                    }
                    Step::Pass(millis) => now += ms(millis),
                    Step::Ack => {
                        let acks = ledger.next_acks(now);
                        let bulk = acks.iter().filter(|ack| ack.reach == Reach::UpTo).count();
                        prop_assert!(bulk <= 1);
                        for ack in acks {
                            for tag in channel.take(ack) {
                                prop_assert!(settled_at.contains_key(&tag), "acked unsettled {tag}");
                            }
                        }
                        let gap = (1..=last + 1).find(|tag| !settled_at.contains_key(tag));
                        for tag in &channel.unacked {
                            if let Some(since) = settled_at.get(tag) {
                                prop_assert!(Some(*tag) > gap, "{tag} has no gap before it");
                                prop_assert!(*since + SINGLE_ACK_DELAY > now, "{tag} waited too long");
                            }
                        }
                    }
                }
                prop_assert_eq!(ledger.unsettled() as u64, last - settled_at.len() as u64);
            }
        }
    }
}
