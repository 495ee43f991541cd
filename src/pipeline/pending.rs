//! The notifications that were requested and are neither delivered nor given up, as far as the notifier has met them.
//!
//! Each one is met when it is requested, when its timer fires, and at a start. So a process that began anew knows all of them
//! after the longest pause between two attempts. Memory is bounded: while a channel has more than [`MOST`], further ones are
//! not counted.

use orderly_domain::time::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// The most notifications of one channel that are counted.
const MOST: usize = 50_000;

/// How late a notification may be given up: its last check is at most a pause of the channel later.
const SLACK: Duration = Duration::from_secs(3600);

/// The pending notifications of one channel.
#[derive(Debug)]
pub(super) struct Pending {
    /// When each began.
    known: HashMap<String, Timestamp>,
    /// The age after which none is pending: one that became so old was dropped with others of its order.
    longest: Duration,
}

impl Pending {
    /// None yet. `give_up_after` is the time after which a notification gets no further attempt.
    pub(super) fn new(give_up_after: Duration) -> Self {
        Self { known: HashMap::new(), longest: give_up_after.saturating_add(SLACK) }
    }

    /// A notification is pending since `began`.
    pub(super) fn met(&mut self, id: &str, began: Timestamp) {
        if let Some(known) = self.known.get_mut(id) {
            *known = began;
        } else if self.known.len() < MOST {
            self.known.insert(id.to_owned(), began);
        }
    }

    /// A notification was delivered or given up.
    pub(super) fn over(&mut self, id: &str) {
        self.known.remove(id);
    }

    /// How many there are, and the age of the oldest.
    pub(super) fn count(&mut self, now: Timestamp) -> (usize, Duration) {
        self.known.retain(|_, began| now.since(*began) <= self.longest);
        let oldest = self.known.values().min().map(|began| now.since(*began));
        (self.known.len(), oldest.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    #[test]
    fn the_oldest_that_is_still_pending_counts() {
        let mut pending = Pending::new(Duration::from_secs(100));
        assert_eq!(pending.count(at(50)), (0, Duration::ZERO));
        pending.met("a", at(10));
        pending.met("b", at(20));
        pending.met("a", at(10));
        assert_eq!(pending.count(at(50)), (2, Duration::from_secs(40)));
        pending.over("a");
        pending.over("unknown");
        assert_eq!(pending.count(at(50)), (1, Duration::from_secs(30)));
        // a person has it sent again
        pending.met("b", at(45));
        assert_eq!(pending.count(at(50)), (1, Duration::from_secs(5)));
        // nobody tells when the oldest of an order with very many are dropped
        assert_eq!(pending.count(at(45 + 100 + 3600)), (1, Duration::from_secs(3700)));
        assert_eq!(pending.count(at(46 + 100 + 3600)), (0, Duration::ZERO));
    }

    #[test]
    fn memory_is_bounded_and_places_become_free() {
        let mut pending = Pending::new(Duration::from_secs(100));
        for number in 0..MOST + 10 {
            pending.met(&number.to_string(), at(0));
        }
        assert_eq!(pending.count(at(0)).0, MOST);
        pending.over("0");
        pending.met("one more", at(0));
        pending.met("too many", at(0));
        assert_eq!(pending.count(at(0)).0, MOST);
    }
}
