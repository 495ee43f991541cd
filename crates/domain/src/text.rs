//! Free text from producers: it has a maximum length where it is stored, and is truncated where it is displayed.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The text has too many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at most {most} bytes, not {found}")]
pub struct TooLong {
    /// The limit.
    pub most: usize,
    /// The number of bytes of the text.
    pub found: usize,
}

/// Implements what every newtype over `CompactString` does alike: show its text, print it in quotes, be
/// stored, and be written in canonical form.
macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        $crate::codec::stored_text!($name);

        impl $crate::canonical::Canonical for $name {
            #[inline]
            fn write(&self, form: &mut $crate::canonical::Form) -> $crate::canonical::Member {
                form.text(&self.0)
            }
        }
    };
}
pub(crate) use text_newtype;

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $most:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(try_from = "CompactString")]
        pub struct $name(CompactString);

        impl $name {
            /// The most bytes.
            pub const MOST: usize = $most;

            /// `text`. `None`: it is too long.
            pub fn new(text: impl AsRef<str>) -> Option<Self> {
                let text = text.as_ref();
                (text.len() <= Self::MOST).then(|| Self(CompactString::new(text)))
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

        text_newtype!($name);

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
    /// A short text such as a name or a telephone number: at most 128 bytes.
    ShortText: 128;
    /// A text such as a reason or an address: at most 512 bytes.
    Text: 512;
}

/// The most characters of a producer's text that an error shows.
const SHOWN: usize = 40;

/// The beginning of a producer's text, for an error.
pub fn shown(text: &str) -> String {
    truncated(text, SHOWN).into_owned()
}

/// The text, cut after `most` characters. One that was cut ends with `…`.
pub fn truncated(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
