//! The mark on the broker: which store was the last to publish events of the namespace, and how far it may have come.
//!
//! Subscribers know events by their ids: an incarnation of the store, and a sequence. A copy of a store that is put back
//! would use ids a second time. A new, empty store would forget what was processed. So the broker keeps the newest mark
//! in the queue NS.mark, and a start compares the store with it.
//!
//! Invariant: an event is published only after a mark that covers it was confirmed.

use crate::config::{Config, Create};
use orderly_broker::{Durability, Message, Properties};
use orderly_domain::time::Timestamp;
use orderly_store::{Incarnations, Seq};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many earlier stores of a namespace a mark remembers.
const EARLIER: usize = 16;

/// What the broker has seen of the stores of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The store that published last.
    #[serde(flatten)]
    pub seen: Seen,
    /// The directory of that store, as configured.
    pub path: String,
    /// The host that it ran on.
    pub host: String,
    /// When the mark was written.
    pub at: Timestamp,
    /// Other stores that published before, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Seen>,
}

/// How far the events of one incarnation may have been published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The incarnation.
    pub incarnation: Uuid,
    /// No event of it with a higher sequence was published.
    pub sequence: u64,
}

impl Mark {
    /// The mark that follows: the same store or another one has come to `seen`.
    #[must_use]
    pub fn then(self, seen: Seen) -> Self {
        let mut earlier = self.earlier;
        if self.seen.incarnation != seen.incarnation {
            earlier.insert(0, self.seen);
        }
        earlier.retain(|earlier| earlier.incarnation != seen.incarnation);
        earlier.truncate(EARLIER);
        Self { seen, earlier, ..self }
    }

    fn all(&self) -> impl Iterator<Item = &Seen> {
        std::iter::once(&self.seen).chain(&self.earlier)
    }
}

/// What a look at the mark tells about a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The store has every event that was published.
    Current,
    /// Another store published last; what this one published is all in it.
    AnotherWasLast(Seen),
    /// Events after the end of the store may have been published: the store is an older copy, or lost its end.
    Behind {
        /// The highest sequence that may have been published.
        through: Seq,
        /// Whether the current incarnation has published them. Otherwise a new one was begun already.
        same_incarnation: bool,
    },
}

impl Mark {
    /// Compares a store with the mark. The next unit of the store will have the sequence `next`.
    pub fn compare(&self, incarnations: &Incarnations, next: Seq) -> Finding {
        let own = |seen: &&Seen| incarnations.contains(seen.incarnation);
        let Some(through) = self.all().filter(own).map(|seen| seen.sequence).max() else {
            return Finding::AnotherWasLast(self.seen);
        };
        if through >= next.0 {
            // A copy that went on elsewhere may have come further. Sequences grow, whatever the incarnation is.
            let furthest = self.all().map(|seen| seen.sequence).max().unwrap_or(through);
            let current = incarnations.current();
            let same_incarnation =
                self.all().any(|seen| seen.incarnation == current && seen.sequence >= next.0);
            return Finding::Behind { through: Seq(furthest), same_incarnation };
        }
        if incarnations.contains(self.seen.incarnation) {
            Finding::Current
        } else {
            Finding::AnotherWasLast(self.seen)
        }
    }
}

/// Why a start makes no store.
#[derive(Debug, thiserror::Error)]
pub enum NoStore {
    /// The namespace was used with another store.
    #[error(
        "there is no store at {path}, but the namespace was used with a store: incarnation {}, last at {} on {} in {}, events up \
         to sequence {}. Mount the directory of that store. To begin with an empty store, and forget what was processed, start \
         once with `orderly serve --new-store`",
        .mark.seen.incarnation, .mark.at, .mark.host, .mark.path, .mark.seen.sequence
    )]
    Used {
        /// Where a store was looked for.
        path: String,
        /// The mark of the store that is missing.
        mark: Box<Mark>,
    },
    /// The configuration forbids to make a store.
    #[error("there is no store at {path}, and store.create is \"never\"")]
    Forbidden {
        /// Where a store was looked for.
        path: String,
    },
}

/// Checks that a store may be made where there is none.
pub fn may_create(config: &Config, mark: Option<&Mark>) -> Result<(), NoStore> {
    let path = || config.store.path.display().to_string();
    match (config.store.create, mark) {
        (Create::Never, _) => Err(NoStore::Forbidden { path: path() }),
        (Create::New, Some(mark)) => {
            Err(NoStore::Used { path: path(), mark: Box::new(mark.clone()) })
        }
        (Create::New, None) | (Create::Always, _) => Ok(()),
    }
}

/// Makes the marks of a running process.
#[derive(Debug)]
pub struct MarkWriter {
    queue: String,
    incarnations: Incarnations,
    path: String,
    host: String,
    last: Option<Mark>,
}

impl MarkWriter {
    /// A writer for a store with these incarnations. `last` is the mark that the broker has.
    pub fn new(config: &Config, incarnations: &Incarnations, last: Option<Mark>) -> Self {
        let path = std::path::absolute(&config.store.path);
        let path = path.as_ref().unwrap_or(&config.store.path).display().to_string();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            queue: config.names().mark,
            incarnations: incarnations.clone(),
            path,
            host: host.trim().to_owned(),
            last,
        }
    }

    /// The message that says that no event after `through` was published before it.
    pub fn message(&mut self, through: Seq, at: Timestamp) -> Message {
        let seen = Seen { incarnation: self.incarnations.current(), sequence: through.0 };
        let earlier = self.last.take().map_or_else(Vec::new, |last| last.then(seen).earlier);
        let (path, host) = (self.path.clone(), self.host.clone());
        let mark = self.last.insert(Mark { seen, path, host, at, earlier });
        Message {
            exchange: String::new(), // the default exchange routes by the name of the queue
            routing_key: self.queue.clone(),
            properties: Properties {
                content_type: Some("application/json".to_owned()),
                durability: Durability::Persistent,
                ..Properties::default()
            },
            body: serde_json::to_vec(mark).unwrap_or_default().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const fn id(byte: u8) -> Uuid {
        Uuid::from_bytes([byte; 16])
    }

    const fn seen(incarnation: u8, sequence: u64) -> Seen {
        Seen { incarnation: id(incarnation), sequence }
    }

    fn mark(newest: Seen, earlier: &[Seen]) -> Mark {
        Mark {
            seen: newest,
            path: "data".to_owned(),
            host: "shop-1".to_owned(),
            at: Timestamp::from_seconds(1),
            earlier: earlier.to_vec(),
        }
    }

    const fn behind(through: u64, same_incarnation: bool) -> Finding {
        Finding::Behind { through: Seq(through), same_incarnation }
    }

    #[rstest]
    #[case::as_far(seen(1, 99), &[], Finding::Current)]
    #[case::further(seen(1, 50), &[], Finding::Current)]
    #[case::behind_by_one(seen(1, 100), &[], behind(100, true))]
    #[case::of_another_store(seen(7, 5), &[], Finding::AnotherWasLast(seen(7, 5)))]
    #[case::back_after_another_store(seen(7, 5), &[seen(1, 99)], Finding::AnotherWasLast(seen(7, 5)))]
    #[case::an_older_copy_after_another_store(seen(7, 5), &[seen(1, 120)], behind(120, true))]
    #[case::an_older_copy_of_a_renewed_store(seen(7, 300), &[seen(1, 120)], behind(300, true))]
    fn a_store_of_one_incarnation_is_compared_with_the_mark(
        #[case] newest: Seen,
        #[case] earlier: &[Seen],
        #[case] finding: Finding,
    ) {
        assert_eq!(mark(newest, earlier).compare(&Incarnations::new(id(1)), Seq(100)), finding);
    }

    #[test]
    fn a_mark_remembers_the_stores_that_came_before() {
        let mark = mark(seen(1, 10), &[]).then(seen(1, 20)).then(seen(2, 5)).then(seen(1, 30));
        assert_eq!(mark.seen, seen(1, 30));
        assert_eq!(mark.earlier, [seen(2, 5)]);
        let many = (3..60).fold(mark, |mark, byte| mark.then(seen(byte, 1)));
        assert_eq!(many.earlier.len(), EARLIER);
        assert_eq!(many.earlier[0], seen(58, 1));
    }

    #[test]
    fn a_mark_reads_as_it_was_written() {
        let mark = mark(seen(1, 10), &[seen(2, 5)]);
        let json = serde_json::to_string(&mark).expect("is JSON");
        assert_eq!(serde_json::from_str::<Mark>(&json).expect("a mark"), mark);
        let newer = json.replacen('{', "{\"of_a_newer_build\":true,", 1);
        assert_eq!(serde_json::from_str::<Mark>(&newer).expect("a mark"), mark);
    }
}
