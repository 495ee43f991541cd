//! The values of query parameters that are words of the shop: ids, times, and the like.

use orderly_actors::counters::ParkedReason;
use orderly_domain::id::{CustomerId, Sku};
use orderly_domain::notification::NoticeStatus;
use orderly_domain::order::Status;
use orderly_domain::time::Timestamp;
use schemars::{Schema, SchemaGenerator, json_schema};

use super::query::{Expected, Field, Value};

macro_rules! names {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn parse(text: &str) -> Result<Self, Expected> {
                Self::from_name(text).ok_or_else(|| {
                    Expected::OneOf(Self::ALL.iter().map(|one| one.as_str()).collect())
                })
            }

            fn schema(generator: &mut SchemaGenerator) -> Schema {
                generator.subschema_for::<Self>()
            }
        }
    )+};
}
names!(Status, NoticeStatus, ParkedReason);

macro_rules! ids {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn parse(text: &str) -> Result<Self, Expected> {
                Self::new(text).map_err(|_| {
                    Expected::Other("1 to 128 printable ASCII characters without spaces".to_owned())
                })
            }

            fn schema(generator: &mut SchemaGenerator) -> Schema {
                generator.subschema_for::<Self>()
            }
        }
    )+};
}
ids!(CustomerId, Sku);

impl Value for bool {
    fn parse(text: &str) -> Result<Self, Expected> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Expected::OneOf(vec!["true", "false"])),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

/// The number of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartitionNumber(pub(super) u16);

impl PartitionNumber {
    const MOST: u64 = 255;
}

impl Value for PartitionNumber {
    fn parse(text: &str) -> Result<Self, Expected> {
        let number = number(text, Self::MOST)?;
        Ok(Self(u16::try_from(number).unwrap_or(u16::MAX)))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": Self::MOST })
    }
}

/// A whole number from 0 to `most`, in digits alone.
pub(super) fn number(text: &str, most: u64) -> Result<u64, Expected> {
    let number = text.parse().ok().filter(|number| *number <= most);
    let number = number.filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.ok_or_else(|| Expected::Other(format!("a number from 0 to {most}")))
}

/// What a time must be.
const A_TIME: &str = "a time such as 2026-01-31T12:00:00Z";

fn time(text: &str) -> Option<Timestamp> {
    // in a query a plus sign stands for a space, and is often written all the same: as that of an offset
    let repaired =
        text.get(..10).zip(text.get(10..)).map(|(date, rest)| match rest.split_at_checked(1) {
            Some((first, rest)) => format!("{date}{first}{}", rest.replace(' ', "+")),
            None => text.to_owned(),
        });
    Timestamp::parse(repaired.as_deref().unwrap_or(text)).ok()
}

impl Value for Timestamp {
    fn parse(text: &str) -> Result<Self, Expected> {
        time(text).ok_or_else(|| Expected::Other(A_TIME.to_owned()))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// A moment in the history of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Right after the event or the command with this sequence.
    Sequence(u64),
    /// After all that happened until this time, included.
    Time(Timestamp),
}

impl Value for Moment {
    fn parse(text: &str) -> Result<Self, Expected> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let moment = if is_number {
            text.parse().ok().filter(|number| *number > 0).map(Self::Sequence)
        } else {
            time(text).map(Self::Time)
        };
        moment.ok_or_else(|| Expected::Other(format!("a sequence from 1 on, or {A_TIME}")))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "pattern": "^0{0,19}[1-9][0-9]{0,18}$" },
                { "type": "string", "format": "date-time" },
            ],
        })
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

impl Field for Sort {
    fn read(text: Option<&str>) -> Result<Self, Expected> {
        match text {
            None | Some("newest") => Ok(Self::Newest),
            Some("oldest") => Ok(Self::Oldest),
            Some(_) => Err(Expected::OneOf(vec!["newest", "oldest"])),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["newest", "oldest"], "default": "newest" })
    }
}

/// The state of an order's refunds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefundFilter {
    /// A refund waits for its provider.
    Pending,
}

impl Value for RefundFilter {
    fn parse(text: &str) -> Result<Self, Expected> {
        match text {
            "pending" => Ok(Self::Pending),
            _ => Err(Expected::OneOf(vec!["pending"])),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["pending"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("is a time")
    }

    #[test]
    fn a_moment_is_a_sequence_or_a_time() {
        let noon = Moment::Time(at("2026-01-31T12:00:00Z"));
        for (text, moment) in [
            ("1", Moment::Sequence(1)),
            ("00000000000000000042", Moment::Sequence(42)),
            ("2026-01-31T12:00:00Z", noon),
            ("2026-01-31 12:00:00Z", noon),
            ("2026-01-31T14:00:00+02:00", noon),
            // as `+` is decoded that was not encoded
            ("2026-01-31T14:00:00 02:00", noon),
        ] {
            assert_eq!(Moment::parse(text), Ok(moment), "{text}");
        }
        for text in ["", "0", "-1", "1.5", "yesterday", "2026-01-31", "18446744073709551616"] {
            let expected = "a sequence from 1 on, or a time such as 2026-01-31T12:00:00Z";
            assert_eq!(Moment::parse(text), Err(Expected::Other(expected.to_owned())), "{text}");
        }
    }

    #[test]
    fn ids_and_words_are_taken_as_they_are() {
        assert!(CustomerId::parse("u-1").is_ok() && CustomerId::parse("u 1").is_err());
        assert!(Sku::parse("tea").is_ok() && Sku::parse("").is_err());
        assert_eq!(bool::parse("true"), Ok(true));
        assert!(bool::parse("1").is_err() && bool::parse("True").is_err());
        assert_eq!(Sort::read(None), Ok(Sort::Newest));
        assert_eq!(Sort::read(Some("oldest")), Ok(Sort::Oldest));
        assert!(Sort::read(Some("old")).is_err());
        assert!(RefundFilter::parse("succeeded").is_err());
    }
}
