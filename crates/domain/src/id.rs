//! Ids. Each is a type that holds valid ids only: the text is checked when a message is decoded.
//!
//! An id is 1 to 128 printable ASCII characters without spaces. The `source` and the `id` of a message
//! are 1 to 255 printable ASCII characters, and may contain spaces. So may an operator, with 1 to 128 of them.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is empty.
    #[error("must not be empty")]
    Empty,
    /// The text has too many bytes.
    #[error("must have at most {most} characters, not {found}")]
    TooLong {
        /// The limit.
        most: usize,
        /// The number of bytes of the text.
        found: usize,
    },
    /// The text has a character outside the allowed set.
    #[error("must be printable ASCII{}, not {found:?}", if *.spaces { "" } else { " without spaces" })]
    Character {
        /// Whether spaces are allowed.
        spaces: bool,
        /// The first such character.
        found: char,
    },
}

/// The most bytes of an id in a command's data.
pub const MAX_ID: usize = 128;
/// The most bytes of a message's `source` and `id`.
pub const MAX_NAME: usize = 255;

fn check(text: &str, most: usize, first: u8) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::Empty);
    }
    if text.len() > most {
        return Err(Error::TooLong { most, found: text.len() });
    }
    if text.bytes().all(|byte| (first..=b'~').contains(&byte)) {
        return Ok(());
    }
    let allowed = char::from(first)..='~';
    let found = text.chars().find(|character| !allowed.contains(character)).unwrap_or_default();
    Err(Error::Character { spaces: first == b' ', found })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $most:expr, $first:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "CompactString")]
        pub struct $name(CompactString);

        impl $name {
            /// Checks `text`. An error says what is wrong with the text.
            pub fn new(text: impl AsRef<str>) -> Result<Self, Error> {
                let text = text.as_ref();
                check(text, $most, $first)?;
                Ok(Self(CompactString::new(text)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl TryFrom<CompactString> for $name {
            type Error = Error;
            fn try_from(text: CompactString) -> Result<Self, Error> {
                check(&text, $most, $first)?;
                Ok(Self(text))
            }
        }

        $crate::text::text_newtype!($name);

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "minLength": 1,
                    "maxLength": $most,
                    "pattern": if $first == b' ' { "^[ -~]+$" } else { "^[!-~]+$" },
                })
            }
        }
    )*};
}

ids! {
    /// A sellable article (stock keeping unit).
    Sku: MAX_ID, b'!';
    /// A cart.
    CartId: MAX_ID, b'!';
    /// An order. Its id stays taken for ever, also when the order is deleted.
    OrderId: MAX_ID, b'!';
    /// A customer: the id that the shop gave.
    CustomerId: MAX_ID, b'!';
    /// A payment provider.
    Provider: MAX_ID, b'!';
    /// An event of a payment provider; with the provider it is the identity of a callback.
    EventId: MAX_ID, b'!';
    /// One attempt of a customer to pay.
    AttemptId: MAX_ID, b'!';
    /// One capture of an attempt.
    CaptureId: MAX_ID, b'!';
    /// A refund.
    RefundId: MAX_ID, b'!';
    /// A dispute (chargeback) at the provider.
    DisputeId: MAX_ID, b'!';
    /// The producer of a command; with its id, the identity of the command.
    Source: MAX_NAME, b' ';
    /// A command's id, unique within its source.
    CommandId: MAX_NAME, b' ';
    /// Who acts through the admin API, as the caller says.
    Operator: MAX_ID, b' ';
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_printable_ascii_without_spaces() {
        assert!(OrderId::new("o-1").is_ok());
        assert!(OrderId::new("~".repeat(128)).is_ok());
        assert_eq!(OrderId::new(""), Err(Error::Empty));
        assert_eq!(OrderId::new("x".repeat(129)), Err(Error::TooLong { most: 128, found: 129 }));
        for (bad, found) in [("a b", ' '), ("a\tb", '\t'), ("é", 'é'), ("a\u{7f}", '\u{7f}')] {
            assert_eq!(
                OrderId::new(bad),
                Err(Error::Character { spaces: false, found }),
                "{bad:?}"
            );
        }
        assert!(Source::new("web shop").is_ok());
        assert_eq!(Source::new("x".repeat(256)), Err(Error::TooLong { most: 255, found: 256 }));
    }
}
