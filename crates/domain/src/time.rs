//! Points in time. Nothing here reads a clock: rules get `now` as an argument.

use crate::canonical::{Canonical, Form, Member};
use crate::rfc3339;
use crate::text::shown;
use compact_str::CompactString;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// A point in time, in microseconds since the Unix epoch. In JSON it is RFC 3339.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize, Encode, Decode,
)]
#[serde(try_from = "CompactString")]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the Unix epoch.
    pub fn from_seconds(seconds: u64) -> Self {
        Self(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000))
    }

    /// From a whole number of seconds or of milliseconds since the Unix epoch. They are told apart by size: a number of
    /// seconds beyond the year 9999 is one of milliseconds (so milliseconds before 1978 are not recognised). `None`: the
    /// number is beyond that year in milliseconds, too.
    pub fn from_unix(number: u64) -> Option<Self> {
        let last = *rfc3339::YEARS.end();
        let micros = |unit: i64| {
            let micros = i64::try_from(number).ok()?.checked_mul(unit)?;
            (micros <= last).then_some(Self(micros))
        };
        micros(1_000_000).or_else(|| micros(1_000))
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The time later by `span`, or the latest time that can be represented.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    /// The time earlier by `span`, or the earliest time that can be represented.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }

    /// The time rounded up to a multiple of `step` since the epoch. Unchanged if `step` is shorter than a microsecond.
    #[must_use]
    pub fn rounded_up(self, step: Duration) -> Self {
        let step = micros(step).max(1);
        let past = self.0.rem_euclid(step);
        if past == 0 { self } else { Self(self.0.saturating_add(step - past)) }
    }

    /// The time that has passed since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The RFC 3339 text. `None` for years beyond 0 to 9999.
    fn rfc3339(self) -> Option<[u8; 27]> {
        rfc3339::format(self.0)
    }

    /// Parses RFC 3339, of the years 0 to 9999.
    pub fn parse(text: &str) -> Result<Self, NoTime> {
        rfc3339::parse(text).map(Self).ok_or_else(|| NoTime(text.to_owned()))
    }
}

/// The text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an RFC 3339 time such as 2026-01-31T12:00:00Z, not {:?}", shown(.0))]
pub struct NoTime(pub String);

impl TryFrom<CompactString> for Timestamp {
    type Error = NoTime;
    fn try_from(text: CompactString) -> Result<Self, NoTime> {
        Self::parse(&text)
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rfc3339() {
            Some(text) => f.write_str(std::str::from_utf8(&text).unwrap_or_default()),
            None => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Canonical for Timestamp {
    fn write(&self, form: &mut Form) -> Member {
        match self.rfc3339() {
            Some(text) => form.text(std::str::from_utf8(&text).unwrap_or_default()),
            None => form.shown(format_args!("{self}")),
        }
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// The pause after this number of failures in a row (counted from 1): `first`, doubled with each further failure, up to
/// `cap`. All growing pauses of the program use this function. It adds no jitter.
pub fn growing_pause(first: Duration, cap: Duration, failures: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    first.saturating_mul(doubled).min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_time_is_as_it_is_shown() {
        let canonical = |micros: i64| {
            let form = crate::canonical::form1("", &Timestamp::from_micros(micros));
            String::from_utf8(form).expect("is text")
        };
        let day = 86_400_000_000;
        let steps = (-800_000..3_000_000).step_by(9_973).map(|days| days * day + 86_399_123_456);
        for micros in steps.chain([0, -1, 1, 951_782_400_000_000, i64::MIN, i64::MAX]) {
            let shown = Timestamp::from_micros(micros).to_string();
            assert_eq!(canonical(micros), format!("s0:s{}:{shown}", shown.len()));
        }
    }

    /// A row: a number, and the time that it is, in microseconds.
    #[test]
    fn seconds_and_milliseconds_are_told_apart_by_size() {
        let last = 253_402_300_799_u64;
        for (number, expected) in [
            (0, Some(0)),
            (1_767_225_600, Some(1_767_225_600_000_000)),
            (1_767_225_600_123, Some(1_767_225_600_123_000)),
            (last, Some(last.cast_signed() * 1_000_000)),
            (last + 1, Some((last.cast_signed() + 1) * 1_000)),
            (last * 1_000 + 999, Some(last.cast_signed() * 1_000_000 + 999_000)),
            (last * 1_000 + 1_000, None),
            (1_767_225_600_123_456, None),
            (u64::MAX, None),
        ] {
            let time = Timestamp::from_unix(number).map(Timestamp::micros);
            assert_eq!(time, expected, "{number}");
        }
    }

    #[test]
    fn a_time_is_rounded_up_to_a_multiple() {
        let rounded =
            |at, step| Timestamp::from_micros(at).rounded_up(Duration::from_nanos(step)).micros();
        for (at, step, expected) in [
            (0, 10_000, 0),
            (1, 10_000, 10),
            (10, 10_000, 10),
            (11, 10_000, 20),
            (-11, 10_000, -10),
            (7, 0, 7),
            (7, 300, 7),
            (i64::MAX, 10_000, i64::MAX),
        ] {
            assert_eq!(rounded(at, step), expected, "{at} by {step} ns");
        }
    }
}
