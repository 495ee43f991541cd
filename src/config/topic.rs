//! Topic patterns as AMQP 0-9-1 has them: words between dots, `*` for one word, `#` for any
//! number of words, none included.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest pattern: that of an AMQP routing key.
const MAX_BYTES: usize = 255;

/// A pattern over dotted names such as `order.paid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPattern(String);

/// Why a text is no [`TopicPattern`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Longer than a routing key can be.
    #[error("a topic pattern has 1 to {MAX_BYTES} bytes")]
    Length,
    /// A word of nothing, or one that mixes letters and wildcards: it would never match.
    #[error("a word of a topic pattern is `*`, `#`, or letters, digits, `_` and `-`")]
    Word,
}

impl TopicPattern {
    /// Whether `topic` is meant by this pattern.
    pub fn matches(&self, topic: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('.').collect();
        let topic: Vec<&str> = topic.split('.').collect();
        matches(&pattern, &topic)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Greedy with one step back: only the last `#` ever needs to take more, so the time is at most
/// the product of both lengths, whatever the pattern.
fn matches(pattern: &[&str], topic: &[&str]) -> bool {
    let (mut at_pattern, mut at_topic) = (0, 0);
    let mut last_hash: Option<(usize, usize)> = None;
    while at_topic < topic.len() {
        match pattern.get(at_pattern) {
            Some(&"#") => {
                last_hash = Some((at_pattern, at_topic));
                at_pattern += 1;
            }
            Some(&word) if word == "*" || word == topic[at_topic] => {
                at_pattern += 1;
                at_topic += 1;
            }
            _ => match last_hash {
                Some((hash, taken)) => {
                    last_hash = Some((hash, taken + 1));
                    at_pattern = hash + 1;
                    at_topic = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|word| *word == "#")
}

impl FromStr for TopicPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(PatternError::Length);
        }
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let word = |word: &str| {
            word == "*" || word == "#" || (!word.is_empty() && word.bytes().all(letter))
        };
        if !text.split('.').all(word) {
            return Err(PatternError::Word);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for TopicPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TopicPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = TopicPattern;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a topic pattern in quotes, such as \"order.*\" or \"#\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TopicPattern, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("order.paid", "order.paid", true)]
    #[case("order.paid", "order.placed", false)]
    #[case("order.*", "order.paid", true)]
    #[case("order.*", "order", false)]
    #[case("order.*", "order.paid.late", false)]
    #[case("*.paid", "order.paid", true)]
    #[case("*", "order", true)]
    #[case("*", "order.paid", false)]
    #[case("#", "order.paid", true)]
    #[case("#", "order", true)]
    #[case("order.#", "order", true)]
    #[case("order.#", "order.paid.late", true)]
    #[case("order.#", "orders.paid", false)]
    #[case("#.late", "order.paid.late", true)]
    #[case("#.late", "late", true)]
    #[case("#.paid.#", "order.paid.late", true)]
    #[case("#.paid.#", "order.placed", false)]
    #[case("#.a.*.b.#", "a.a.x.b", true)]
    #[case("*.#.*", "order", false)]
    fn a_pattern_means_its_topics(
        #[case] pattern: TopicPattern,
        #[case] topic: &str,
        #[case] wanted: bool,
    ) {
        assert_eq!(pattern.matches(topic), wanted, "{pattern} against {topic}");
    }

    #[rstest]
    #[case("", PatternError::Length)]
    #[case(&"a".repeat(256), PatternError::Length)]
    #[case("order.", PatternError::Word)]
    #[case("order..paid", PatternError::Word)]
    #[case("order*", PatternError::Word)]
    #[case("order paid", PatternError::Word)]
    fn what_could_never_match_is_refused(#[case] text: &str, #[case] wanted: PatternError) {
        assert_eq!(text.parse::<TopicPattern>(), Err(wanted));
    }

    /// The definition, word by word; exponential, so only for small cases.
    fn defined(pattern: &[&str], topic: &[&str]) -> bool {
        match (pattern.split_first(), topic.split_first()) {
            (None, None) => true,
            (Some((&"#", rest)), None) => defined(rest, topic),
            (Some((&"#", rest)), Some((_, later))) => {
                defined(rest, topic) || defined(pattern, later)
            }
            (None, Some(_)) | (Some(_), None) => false,
            (Some((word, rest)), Some((first, later))) => {
                (*word == "*" || word == first) && defined(rest, later)
            }
        }
    }

    proptest! {
        #[test]
        fn matching_is_as_defined(
            pattern in prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "#"]), 1..6),
            topic in prop::collection::vec(prop::sample::select(vec!["a", "b"]), 1..7),
        ) {
            prop_assert_eq!(matches(&pattern, &topic), defined(&pattern, &topic));
        }
    }
}
