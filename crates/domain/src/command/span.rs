//! An optional duration within a command's data. Its grammar and its limit are those of the configuration
//! ([`crate::duration`]).

use crate::duration;
use serde::{Deserialize, Deserializer, Serializer, de};
use std::time::Duration;

/// Reads a duration that is longer than 0. `null` counts as absent.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    struct Span(#[serde(deserialize_with = "duration::deserialize")] Duration);
    match Option::deserialize(deserializer)? {
        Some(Span(span)) if span.is_zero() => Err(de::Error::custom("must be longer than 0s")),
        span => Ok(span.map(|Span(span)| span)),
    }
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
        "type": ["string", "null"],
        "description": "a duration with its unit, such as \"15m\" or \"PT15M\", longer than 0 and at most \"36500d\""
    })
}
