//! Durations as people write them, in commands and in the configuration alike: amounts with their units (`15m`, `1h 30m`,
//! `2 days`), or ISO 8601 (`PT15M`, `P2W`).
//!
//! A number without a unit is refused: a writer of "365" may mean days where a reader expects seconds.

use crate::text::shown;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserializer, de};
use std::fmt;
use std::time::Duration;

/// The longest duration: a hundred years of 365 days. A longer one can only be a mistake, and sums
/// of times could overflow.
pub const MOST: Duration = Duration::from_secs(36_500 * 86_400);

/// Why a text is not a duration. The variants hold the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is a number without a unit.
    #[error("must be a duration with its unit, such as \"15m\", \"2h\" or \"30d\", not {:?}", shown(.0))]
    NoUnit(String),
    /// Months and years differ in length.
    #[error("must be in weeks or shorter units such as \"30d\", not {:?}: months and years have no fixed length", shown(.0))]
    Calendar(String),
    /// The duration is negative.
    #[error("must not be negative, as {:?} is", shown(.0))]
    Negative(String),
    /// The duration is longer than [`MOST`].
    #[error("must be at most \"36500d\", not {:?}", shown(.0))]
    TooLong(String),
    /// The text is not a duration for another reason.
    #[error("must be a duration such as \"500ms\", \"15m\", \"1h 30m\", \"30d\" or \"PT15M\", not {:?}", shown(.0))]
    Malformed(String),
}

/// Reads a duration. A day has 24 hours, a week 7 days; months and years have no fixed length and
/// are refused.
pub fn parse(text: &str) -> Result<Duration, Error> {
    let trimmed = text.trim();
    if trimmed.parse::<f64>().is_ok() {
        return Err(Error::NoUnit(text.to_owned()));
    }
    let Ok(span) = trimmed.parse::<Span>() else {
        return Err(if is_too_large(trimmed) { Error::TooLong } else { Error::Malformed }(
            text.to_owned(),
        ));
    };
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(Error::Calendar(text.to_owned()));
    }
    // Fails only for calendar units, which are refused above.
    let signed: SignedDuration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| Error::Malformed(text.to_owned()))?;
    let length = Duration::try_from(signed).map_err(|_| Error::Negative(text.to_owned()))?;
    if length > MOST { Err(Error::TooLong(text.to_owned())) } else { Ok(length) }
}

/// Whether `text`, which jiff cannot read, is a duration that is beyond the limits of jiff: with smaller numbers it is one.
fn is_too_large(text: &str) -> bool {
    let mut smaller = String::with_capacity(text.len());
    let mut in_number = false;
    for character in text.chars() {
        if !character.is_ascii_digit() {
            smaller.push(character);
        } else if !in_number {
            smaller.push('1');
        }
        in_number = character.is_ascii_digit();
    }
    smaller.parse::<Span>().is_ok()
}

/// Reads a duration from a text in JSON or TOML.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct Text;
    impl de::Visitor<'_> for Text {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration with its unit in quotes, such as \"15m\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            parse(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_duration_are_read() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        for (text, wanted) in [
            ("500ms", Duration::from_millis(500)),
            ("15m", minutes(15)),
            ("1h 30m", minutes(90)),
            ("1h30m", minutes(90)),
            ("90 minutes", minutes(90)),
            ("1.5h", minutes(90)),
            (" 15m\n", minutes(15)),
            ("2w", minutes(14 * 24 * 60)),
            ("2 weeks, 1 day", minutes(15 * 24 * 60)),
            ("PT15M", minutes(15)),
            ("P1DT12H", minutes(36 * 60)),
            ("pt0.5s", Duration::from_millis(500)),
            ("P2W", minutes(14 * 24 * 60)),
            ("P2W1DT1H", minutes((15 * 24 + 1) * 60)),
            ("36500d", MOST),
            ("0s", Duration::ZERO),
        ] {
            assert_eq!(parse(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused_with_its_reason() {
        let told = |text: &str| parse(text).expect_err(text).to_string();
        for text in ["30", " 7 ", "1.5", "-3", "1e3"] {
            let wanted = "must be a duration with its unit, such as \"15m\", \"2h\" or \"30d\"";
            assert_eq!(told(text), format!("{wanted}, not {text:?}"));
        }
        for text in ["1y", "1mo", "1 month", "P1M", "P1Y2D"] {
            let why = "months and years have no fixed length";
            let wanted = "must be in weeks or shorter units such as \"30d\"";
            assert_eq!(told(text), format!("{wanted}, not {text:?}: {why}"));
        }
        for text in ["-15m", "15m ago", "-PT15M"] {
            assert_eq!(told(text), format!("must not be negative, as {text:?} is"));
        }
        for text in ["36501d", "36500d 1ns", "99999999999999999999d", "P99999999W"] {
            assert_eq!(told(text), format!("must be at most \"36500d\", not {text:?}"));
        }
        for text in ["", " ", "soon", "15 parsecs", "m", "P", "PT", "15m soon", "٣m"] {
            let wanted =
                "must be a duration such as \"500ms\", \"15m\", \"1h 30m\", \"30d\" or \"PT15M\"";
            assert_eq!(told(text), format!("{wanted}, not {text:?}"));
        }
    }
}
