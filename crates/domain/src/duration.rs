//! Durations as people write them, in commands and in the configuration: amounts with their units
//! (`15m`, `1h 30m`, `2 days`), or ISO 8601 (`PT15M`).
//!
//! A number without a unit is refused: a writer of "365" may mean days where a reader expects seconds.

use jiff::{SignedDuration, Span, SpanRelativeTo};
use std::time::Duration;

/// The longest duration: a hundred years of 365 days. A longer one can only be a mistake, and sums
/// of times could overflow.
pub const MOST: Duration = Duration::from_secs(36_500 * 86_400);

/// Why a text is not a duration.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The text is a number without a unit.
    #[error("a duration needs its unit, such as \"15m\", \"2h\" or \"30d\"")]
    NoUnit,
    /// Months and years differ in length.
    #[error("months and years have no fixed length: write days, such as \"365d\"")]
    Calendar,
    /// The duration is negative.
    #[error("a duration cannot be negative")]
    Negative,
    /// The duration is longer than [`MOST`].
    #[error("a duration cannot be longer than a hundred years")]
    TooLong,
    /// The text is not a duration for another reason.
    #[error("not a duration such as \"500ms\", \"15m\" or \"30d\": {0}")]
    Malformed(jiff::Error),
}

/// Reads a duration. A day has 24 hours, a week 7 days; months and years have no fixed length and
/// are refused.
pub fn parse(text: &str) -> Result<Duration, Error> {
    if text.trim().parse::<f64>().is_ok() {
        return Err(Error::NoUnit);
    }
    let span: Span = text.parse().map_err(Error::Malformed)?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(Error::Calendar);
    }
    let signed: SignedDuration =
        span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(Error::Malformed)?;
    let length = Duration::try_from(signed).map_err(|_| Error::Negative)?;
    if length > MOST { Err(Error::TooLong) } else { Ok(length) }
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
            ("2w", minutes(14 * 24 * 60)),
            ("PT15M", minutes(15)),
            ("P1DT12H", minutes(36 * 60)),
            ("pt0.5s", Duration::from_millis(500)),
            ("P2W", minutes(14 * 24 * 60)),
            ("36500d", MOST),
            ("0s", Duration::ZERO),
        ] {
            assert_eq!(parse(text).ok(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused_with_its_reason() {
        let refused = |text: &str| parse(text).expect_err(text);
        for text in ["30", " 7 ", "1.5", "-3"] {
            assert!(matches!(refused(text), Error::NoUnit), "{text}");
        }
        for text in ["1y", "1mo", "1 month", "P1M", "P1Y2D"] {
            assert!(matches!(refused(text), Error::Calendar), "{text}");
        }
        for text in ["-15m", "15m ago", "-PT15M"] {
            assert!(matches!(refused(text), Error::Negative), "{text}");
        }
        assert!(matches!(refused("36501d"), Error::TooLong));
        for text in ["", "soon", "15 parsecs", "m", "P", "PT"] {
            assert!(matches!(refused(text), Error::Malformed(_)), "{text}");
        }
    }
}
