//! Topic patterns of AMQP 0-9-1: words between dots, `*` for one word, `#` for any number of words or none.

use std::fmt;
use std::str::FromStr;

use orderly_broker::topic;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::parsed_text::parsed_text;

/// The longest pattern in bytes: as long as a routing key may be.
const MAX_BYTES: usize = 255;

/// A pattern over dotted names such as `order.paid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPattern(String);

/// Why a text is not a [`TopicPattern`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The text is empty or longer than a routing key can be.
    #[error("a topic pattern has 1 to {MAX_BYTES} bytes")]
    Length,
    /// A word is empty, or mixes letters and wildcards: the pattern would never match.
    #[error("a word of a topic pattern is `*`, `#`, or letters, digits, `_` and `-`")]
    Word,
}

impl TopicPattern {
    /// Whether the pattern matches `kind`, a dotted name.
    pub fn matches(&self, kind: &str) -> bool {
        topic::matches(&self.0, kind)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
        parsed_text(deserializer, "a topic pattern in quotes, such as \"order.*\" or \"#\"")
    }
}

#[cfg(test)]
mod tests {
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
    fn a_pattern_matches_its_topics_and_no_others(
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
    fn a_pattern_that_could_never_match_is_refused(
        #[case] text: &str,
        #[case] wanted: PatternError,
    ) {
        assert_eq!(text.parse::<TopicPattern>(), Err(wanted));
    }
}
