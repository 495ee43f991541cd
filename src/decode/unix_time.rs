//! Times in headers: RFC 3339, an AMQP timestamp, or a whole number of seconds or milliseconds since 1970.

use orderly_broker::HeaderValue;
use orderly_domain::text::shown;
use orderly_domain::time::Timestamp;

/// The value of a header is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an RFC 3339 time such as 2026-01-31T12:00:00Z, an AMQP timestamp, or a whole number of seconds or milliseconds \
     since 1970, not {0}"
)]
pub(super) struct NoTime(String);

/// The time that a header holds. A text of digits is a number, too.
pub(super) fn of_header(value: &HeaderValue) -> Result<Timestamp, NoTime> {
    let number = match value {
        HeaderValue::Text(text) if is_number(text) => text.parse().ok(),
        HeaderValue::Text(text) => {
            return Timestamp::parse(text).map_err(|_| NoTime(found(value)));
        }
        HeaderValue::Timestamp(number) => Some(*number),
        HeaderValue::Integer(number) => u64::try_from(*number).ok(),
        HeaderValue::Other(_) => None,
    };
    number.and_then(Timestamp::from_unix).ok_or_else(|| NoTime(found(value)))
}

/// The time that the AMQP property `timestamp` holds.
pub(super) fn of_property(timestamp: u64) -> Result<Timestamp, NoProperty> {
    Timestamp::from_unix(timestamp).ok_or(NoProperty(timestamp))
}

/// The number is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be seconds or milliseconds since 1970, not {0}")]
pub(super) struct NoProperty(u64);

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a header has, for an error.
pub(super) fn found(value: &HeaderValue) -> String {
    match value {
        HeaderValue::Text(text) => format!("{:?}", shown(text)),
        HeaderValue::Timestamp(number) => format!("the AMQP timestamp {number}"),
        HeaderValue::Integer(number) => number.to_string(),
        HeaderValue::Other(name) => (*name).to_owned(),
    }
}
