//! Free text from outside: bounded where it is kept, and cut where it is shown.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A text has too many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at most {most} bytes, not {found}")]
pub struct TooLong {
    /// The limit.
    pub most: usize,
    /// How many it has.
    pub found: usize,
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $most:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(try_from = "CompactString")]
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

        impl TryFrom<CompactString> for $name {
            type Error = TooLong;
            fn try_from(text: CompactString) -> Result<Self, TooLong> {
                if text.len() > Self::MOST {
                    return Err(TooLong { most: Self::MOST, found: text.len() });
                }
                Ok(Self(text))
            }
        }

        $crate::codec::stored_text!($name);

        impl $crate::canonical::Canonical for $name {
            #[inline]
            fn write(&self, form: &mut $crate::canonical::Form) -> $crate::canonical::Member {
                form.text(&self.0)
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

/// Characters of a text from outside that an error shows at most.
const SHOWN: usize = 40;

/// The beginning of a text from outside, for an error.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
