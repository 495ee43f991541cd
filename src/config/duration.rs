//! Durations as people write them: an amount and its unit.
//!
//! The grammar is that of durations in commands ([`orderly_domain::duration`]). A printed duration can be read back and is the
//! same.

use std::fmt;
use std::str::FromStr;
use std::time;

use jiff::{Span, SpanRound, Unit};
use orderly_domain::duration;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use orderly_domain::duration::Error as DurationError;

/// A length of time of at most a hundred years, such as `"500ms"`, `"15m"` or `"1h 30m"`.
///
/// A day has 24 hours here, a week 7 days; months and years have no fixed length and are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(time::Duration);

impl Duration {
    /// A number of milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(time::Duration::from_millis(millis))
    }

    /// A number of seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(time::Duration::from_secs(secs))
    }

    /// A number of minutes.
    pub const fn from_mins(mins: u64) -> Self {
        Self::from_secs(mins * 60)
    }

    /// A number of hours.
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_mins(hours * 60)
    }

    /// A number of days of 24 hours.
    pub const fn from_days(days: u64) -> Self {
        Self::from_hours(days * 24)
    }

    /// The same duration as a type of the standard library.
    pub const fn get(self) -> time::Duration {
        self.0
    }

    /// Whether the duration is 0.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<Duration> for time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        duration::parse(text).map(Self)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_days = SpanRound::new().largest(Unit::Day).days_are_24_hours();
        let span =
            Span::try_from(self.0).and_then(|span| span.round(in_days)).map_err(|_| fmt::Error)?;
        write!(f, "{span:#}")
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        duration::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duration_is_an_amount_and_a_unit() {
        let cases = [
            ("500ms", Duration::from_millis(500)),
            ("1s", Duration::from_secs(1)),
            ("15m", Duration::from_mins(15)),
            ("2h", Duration::from_hours(2)),
            ("30d", Duration::from_days(30)),
            ("2w", Duration::from_days(14)),
            ("1h 30m", Duration::from_mins(90)),
            ("1h30m", Duration::from_mins(90)),
            ("90 minutes", Duration::from_mins(90)),
        ];
        for (text, wanted) in cases {
            assert_eq!(text.parse::<Duration>().ok(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_refused_even_in_quotes() {
        for text in ["30", "0", " 7 ", "1.5", "-3"] {
            let error = text.parse::<Duration>().expect_err(text);
            assert!(matches!(error, DurationError::NoUnit(_)), "{text}: {error:?}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_duration_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<Duration>().expect_err(text);
        assert!(matches!(refused("1y"), DurationError::Calendar(_)));
        assert!(matches!(refused("1mo"), DurationError::Calendar(_)));
        assert!(matches!(refused("-15m"), DurationError::Negative(_)));
        assert!(matches!(refused("15m ago"), DurationError::Negative(_)));
        assert!(matches!(refused("36501d"), DurationError::TooLong(_)));
        for text in ["", "soon", "15 parsecs", "m"] {
            let error = refused(text);
            assert!(matches!(error, DurationError::Malformed(_)), "{text}: {error:?}");
        }
    }

    #[test]
    fn the_largest_units_that_fit_are_printed() {
        let printed = |duration: Duration| duration.to_string();
        assert_eq!(printed(Duration::from_secs(900)), "15m");
        assert_eq!(printed(Duration::from_days(90)), "90d");
        assert_eq!(printed(Duration::from_mins(90)), "1h 30m");
        assert_eq!(printed(Duration::from_millis(500)), "500ms");
        assert_eq!(printed(Duration::from_secs(0)), "0s");
    }

    proptest! {
        #[test]
        fn a_printed_duration_reads_back(millis in 0_u64..36_500 * 86_400_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(duration.to_string().parse::<Duration>().ok(), Some(duration));
        }
    }
}
