//! What a shop attaches to an order for itself: any JSON object. It is kept and shown, and nothing depends on it.
//!
//! Names and values stay as they are. Numbers keep every digit, also those that do not fit into 64 bits. The order of the
//! members is not kept: they are sorted by name.

mod json;

use crate::canonical::{Canonical, Form, Member};
use json::Json;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// A JSON object of at most [`MOST_BYTES`](Self::MOST_BYTES) as compact JSON. It may hold personal data: `Debug` shows none
/// of it.
#[derive(Clone)]
pub struct Metadata(Arc<RawValue>);

impl Metadata {
    /// The most bytes as compact JSON in UTF-8.
    pub const MOST_BYTES: usize = 4096;

    /// The object that `text` is.
    ///
    /// # Errors
    ///
    /// It is not a JSON object, too large or nested too deep, or it has a name twice or a number that no double can hold.
    pub fn new(text: &str) -> Result<Self, Error> {
        let json = Json::parse(text)?;
        let Json::Object(_) = json else {
            return Err(Error::NoObject(json.kind()));
        };
        let compact = json.to_string();
        if compact.len() > Self::MOST_BYTES {
            return Err(Error::TooLarge(compact.len()));
        }
        let raw = RawValue::from_string(compact).map_err(|_| Error::Malformed)?;
        Ok(Self(raw.into()))
    }

    /// The object as compact JSON, its members sorted by name.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

/// Why a text is no metadata. No variant holds a part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not JSON.
    #[error("must be JSON")]
    Malformed,
    /// The JSON value is of another type.
    #[error("must be an object, not {0}")]
    NoObject(&'static str),
    /// The object has more than [`Metadata::MOST_BYTES`].
    #[error("must have at most 4096 bytes as compact JSON, not {0}")]
    TooLarge(usize),
    /// Objects and lists are nested deeper than [`json::MOST_DEPTH`].
    #[error("must not be nested deeper than 64 levels")]
    TooDeep,
    /// An object has two members with the same name.
    #[error("must not have a name twice")]
    Duplicate,
    /// A number is beyond what a double can hold, such as `1e999`: hardly a subscriber could read it.
    #[error("must not have a number beyond 1.8e308")]
    OutOfRange,
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Metadata {}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata").finish_non_exhaustive()
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::new(raw.get()).map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Metadata {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Metadata".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "additionalProperties": true,
            "description": "any JSON object of at most 4096 bytes as compact JSON in UTF-8, nested at most 64 levels deep"
        })
    }
}

impl Canonical for Metadata {
    fn write(&self, form: &mut Form) -> Member {
        match Json::parse(self.as_str()) {
            Ok(json) => json.write(form),
            Err(_) => form.text(self.as_str()), // not reached: this text was made from a value
        }
    }
}

impl<C> Encode<C> for Metadata {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.str(self.as_str())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Metadata {
    fn decode(
        decoder: &mut minicbor::Decoder<'b>,
        _: &mut C,
    ) -> Result<Self, minicbor::decode::Error> {
        let at = decoder.position();
        Self::new(decoder.str()?).map_err(|error| minicbor::decode::Error::message(error).at(at))
    }
}

#[cfg(test)]
mod tests;
