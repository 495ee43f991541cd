//! The fields of a command's data that are not known. They are ignored, and the verdict names them.

use crate::text::truncated;
use compact_str::CompactString;
use minicbor::{Decode, Encode};
use serde::{Serialize, Serializer};

/// The most fields that are named.
pub const MOST_NAMES: usize = 20;
/// The most characters of a name. A longer one is cut, and ends with `…`.
pub const MOST_CHARACTERS: usize = 100;

/// Fields that are not known, by their paths, such as `customer.vip` or `lines[0].color`, in the order of the message.
/// In JSON it is a list of texts; beyond [`MOST_NAMES`] its last text is `and 5 more`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Ignored {
    /// The names, at most [`MOST_NAMES`].
    #[cbor(with = "crate::codec::texts")]
    #[n(0)]
    names: Vec<CompactString>,
    /// How many further ones there are.
    #[n(1)]
    more: u32,
}

impl Ignored {
    /// Adds the field at `path`.
    pub fn add(&mut self, path: &str) {
        if self.names.len() < MOST_NAMES {
            self.names.push(truncated(path, MOST_CHARACTERS).into());
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Whether every field is known.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// How many fields are not known.
    pub fn count(&self) -> u64 {
        self.names.len() as u64 + u64::from(self.more)
    }

    /// The names, and a last text when there are more.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        let more = (self.more > 0).then(|| format!("and {} more", self.more));
        self.names.iter().map(|name| name.as_str().to_owned()).chain(more)
    }
}

impl Serialize for Ignored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.texts())
    }
}

impl schemars::JsonSchema for Ignored {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ignored".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "array",
            "items": {"type": "string"},
            "maxItems": MOST_NAMES + 1,
            "description": "fields that are not known, by their paths"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_bounded_in_number_and_length() {
        let mut ignored = Ignored::default();
        assert!(ignored.is_empty());
        for number in 0..25 {
            ignored.add(&format!("field_{number}"));
        }
        let json = serde_json::to_value(&ignored).expect("is JSON");
        assert_eq!(json.as_array().map(Vec::len), Some(21));
        assert_eq!((&json[0], &json[19]), (&"field_0".into(), &"field_19".into()));
        assert_eq!(json[20], "and 5 more");
        assert_eq!(ignored.count(), 25);

        let mut ignored = Ignored::default();
        ignored.add(&"é".repeat(101));
        let json = serde_json::to_value(&ignored).expect("is JSON");
        assert_eq!(json[0], format!("{}…", "é".repeat(100)));
    }
}
