//! An optional duration within a command's data.

use crate::duration::{Error, parse};
use crate::text::shown;
use serde::{Deserialize, Deserializer, Serializer, de};
use std::borrow::Cow;
use std::time::Duration;

/// The longest duration: ten years of 365 days.
const MOST: Duration = Duration::from_secs(3650 * 86_400);

/// Reads a duration that is longer than 0 and at most ten years.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let Some(text) = Option::<Cow<'_, str>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let problem = match parse(&text) {
        Ok(span) if span.is_zero() => "must be longer than nothing".to_owned(),
        Ok(span) if span <= MOST => return Ok(Some(span)),
        Ok(_) | Err(Error::TooLong) => "must be at most 3650days".to_owned(),
        Err(Error::Calendar) => {
            let shown = shown(&text);
            format!("must be in days or shorter units such as \"30d\", not {shown:?}")
        }
        Err(Error::NoUnit | Error::Negative | Error::Malformed(_)) => {
            format!("must be a duration with a unit such as \"15m\", not {:?}", shown(&text))
        }
    };
    Err(de::Error::custom(problem))
}

/// Writes a duration as a text. Equal durations always give the same text.
#[allow(clippy::ref_option, reason = "the signature is serde's")]
pub(super) fn serialize<S: Serializer>(
    span: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match span.map(|span| (span.as_secs(), span.subsec_nanos())) {
        None => serializer.serialize_none(),
        Some((secs, 0)) => serializer.serialize_some(&format_args!("{secs}s")),
        Some((secs, nanos)) => serializer.serialize_some(&format_args!("{secs}s {nanos}ns")),
    }
}

pub(super) fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": ["string", "null"], "description": "a duration with a unit, such as \"15m\", at most 3650 days"
    })
}
