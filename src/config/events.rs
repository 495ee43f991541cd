//! The events that are published.

use orderly_domain::event::Type;
use serde::{Deserialize, Serialize};

use super::report::Report;
use super::topic::TopicPattern;

/// Section `events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// An event is published when its type matches one of these.
    pub publish: Vec<TopicPattern>,
}

impl Default for Events {
    /// The types that are [published by default](Type::published_by_default): one pattern for a subject all of whose types
    /// are, such as `order.*`, and one pattern a type otherwise.
    fn default() -> Self {
        let mut publish = Vec::new();
        for (subject, kinds) in by_subject() {
            let published: Vec<Type> =
                kinds.iter().copied().filter(|kind| kind.published_by_default()).collect();
            if kinds.len() > 1 && published.len() == kinds.len() {
                publish.push(format!("{subject}.*"));
            } else {
                publish.extend(published.iter().map(|kind| kind.as_str().to_owned()));
            }
        }
        let pattern = |text: &String| text.parse().expect("a test parses it");
        Self { publish: publish.iter().map(pattern).collect() }
    }
}

/// All types of events by the first word of their names.
fn by_subject() -> Vec<(&'static str, Vec<Type>)> {
    let mut subjects: Vec<(&str, Vec<Type>)> = Vec::new();
    for kind in Type::ALL {
        let subject = kind.as_str().split('.').next().unwrap_or_default();
        match subjects.iter_mut().find(|(name, _)| *name == subject) {
            Some((_, kinds)) => kinds.push(*kind),
            None => subjects.push((subject, vec![*kind])),
        }
    }
    subjects
}

/// The most letters that a misspelt pattern has wrong.
const WRONG_LETTERS: usize = 3;

/// What a pattern that matches nothing was most likely meant to be.
fn nearest(pattern: &TopicPattern) -> String {
    let subjects: Vec<_> = by_subject().into_iter().map(|(subject, _)| subject).collect();
    let kinds = Type::ALL.iter().map(|kind| kind.as_str().to_owned());
    let known = kinds.chain(subjects.iter().map(|subject| format!("{subject}.*")));
    let near = known.map(|known| (strsim::damerau_levenshtein(&known, pattern.as_str()), known));
    match near.filter(|(distance, _)| *distance <= WRONG_LETTERS).min() {
        Some((_, known)) => format!("did you mean {known:?}?"),
        None => format!("events are about {}", subjects.join(", ")),
    }
}

impl Events {
    /// Whether events of this type are published.
    pub fn publishes(&self, kind: &str) -> bool {
        self.publish.iter().any(|pattern| pattern.matches(kind))
    }

    pub(super) fn check(&self, report: &mut Report) {
        report.doubt_unless(
            !self.publish.is_empty(),
            "events.publish",
            "empty: no event is published at all",
        );
        for pattern in &self.publish {
            report.require(
                Type::ALL.iter().any(|kind| pattern.matches(kind.as_str())),
                "events.publish",
                format!("{:?} matches no type of event; {}", pattern.as_str(), nearest(pattern)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_publishes_exactly_the_types_that_the_domain_publishes_by_default() {
        let events = Events::default();
        for kind in Type::ALL {
            assert_eq!(events.publishes(kind.as_str()), kind.published_by_default(), "{kind:?}");
        }
        assert!(events.publishes("order.paid") && !events.publishes("stock.held"));
    }

    #[test]
    fn the_default_has_one_pattern_for_a_subject_that_is_published_whole() {
        let patterns: Vec<String> =
            Events::default().publish.iter().map(ToString::to_string).collect();
        assert!(patterns.contains(&"order.*".to_owned()), "{patterns:?}");
        assert!(!patterns.iter().any(|pattern| pattern.starts_with("order.p")), "{patterns:?}");
        assert!(patterns.contains(&"command.parked".to_owned()), "{patterns:?}");
    }
}
