//! A postal address.

use crate::canonical::canonical;
use crate::text::Text;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;

/// The most lines of an address.
pub const MOST_LINES: usize = 10;

/// A postal address, as the shop knows it. Nothing here is checked beyond the lengths: countries differ in what an address
/// has. An address is personal data: `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Encode, Decode)]
pub struct Address {
    /// The name of the recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[n(0)]
    pub name: Option<Text>,
    /// The company.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[n(1)]
    pub company: Option<Text>,
    /// Street, house number and the like, as they stand on a letter: at most 10 lines. The list may be empty.
    #[serde(deserialize_with = "lines")]
    #[n(2)]
    pub lines: Vec<Text>,
    /// The city.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[n(3)]
    pub city: Option<Text>,
    /// The state, province or county.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[n(4)]
    pub region: Option<Text>,
    /// The postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[n(5)]
    pub postal_code: Option<Text>,
    /// The country: best its two letters by ISO 3166-1, such as `DE`. Any text is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[n(6)]
    pub country: Option<Text>,
}

canonical!(Address {
    city = "city",
    company = "company",
    country = "country",
    lines = "lines",
    name = "name",
    postal_code = "postal_code",
    region = "region",
});

fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Text>, D::Error> {
    let lines = Vec::deserialize(deserializer)?;
    match lines.len() {
        0..=MOST_LINES => Ok(lines),
        many => Err(de::Error::custom(format_args!("must be at most {MOST_LINES}, not {many}"))),
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}
