//! Free text from outside, bounded.

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $most:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Default)]
        pub struct $name(CompactString);

        impl $name {
            /// Most bytes.
            pub const MOST: usize = $most;

            /// `text`, unless it is too long.
            pub fn new(text: impl AsRef<str>) -> Option<Self> {
                let text = text.as_ref();
                (text.len() <= Self::MOST).then(|| Self(CompactString::new(text)))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = CompactString::deserialize(deserializer)?;
                if text.len() > Self::MOST {
                    return Err(serde::de::Error::custom(format_args!(
                        "must have at most {} bytes, not {}", Self::MOST, text.len()
                    )));
                }
                Ok(Self(text))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "maxLength": Self::MOST })
            }
        }
    )*};
}

texts! {
    /// A name, a kind, a phone number: at most 128 bytes.
    ShortText: 128;
    /// A reason or an address: at most 512 bytes.
    Text: 512;
}
