//! Texts that must not be seen: not in a log, not in an error, not in what `check` prints.
//!
//! The crate `secrecy` holds the text: it shows none in `Debug` and overwrites the memory of a text that is dropped. What is
//! here lets a secret be a value of the configuration: read, compared, and printed as a mask.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Printed in place of every secret.
pub const MASK: &str = "***";

/// A secret text. An empty one means that no secret is set. Only [`Secret::expose`] shows the text.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// Makes a secret of `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The text itself, for the one place that has to use it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether no secret is set.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// The mask, or nothing for an empty secret: a reader sees whether a secret is set.
    fn masked(&self) -> &'static str {
        if self.is_empty() { "" } else { MASK }
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text))
    }
}

/// Not in constant time: only whole configurations are compared so.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.masked())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.masked())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.masked())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        secret_text(deserializer).map(Self::new)
    }
}

/// Reads a text that may hold a secret. Of a value that is no text the error names the type only, where serde would repeat
/// the value.
pub(super) fn secret_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Visitor;

    impl Visitor {
        fn refuse<T, E: de::Error>(&self, found: &str) -> Result<T, E> {
            Err(E::invalid_type(de::Unexpected::Other(found), self))
        }
    }

    impl de::Visitor<'_> for Visitor {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text in quotes")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_bool<E: de::Error>(self, _: bool) -> Result<String, E> {
            self.refuse("a boolean")
        }

        fn visit_i64<E: de::Error>(self, _: i64) -> Result<String, E> {
            self.refuse("a number")
        }

        fn visit_u64<E: de::Error>(self, _: u64) -> Result<String, E> {
            self.refuse("a number")
        }

        fn visit_f64<E: de::Error>(self, _: f64) -> Result<String, E> {
            self.refuse("a number")
        }
    }

    // Not `deserialize_str`: with that the deserializer makes the error itself, and repeats the value.
    deserializer.deserialize_any(Visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_wherever_it_is_printed() {
        let secret = Secret::new("open sesame");
        let json = serde_json::to_string(&secret).expect("a text is JSON");
        for printed in [format!("{secret}"), format!("{secret:?}"), json] {
            assert!(printed.contains(MASK), "{printed}");
            assert!(!printed.contains("sesame"), "{printed}");
        }
        assert_eq!(secret.expose(), "open sesame");
    }

    #[test]
    fn a_secret_that_is_not_set_is_printed_as_nothing() {
        assert_eq!(Secret::default().to_string(), "");
    }

    #[test]
    fn an_error_names_the_type_of_a_wrong_value_and_never_repeats_it() {
        for (json, found) in [
            ("4711", "a number"),
            ("-4711", "a number"),
            ("47.11", "a number"),
            ("true", "a boolean"),
            ("[4711]", "sequence"),
            ("{\"4711\": 4711}", "map"),
        ] {
            let error = serde_json::from_str::<Secret>(json).expect_err("no text").to_string();
            assert!(error.contains(found) && error.contains("a text in quotes"), "{json}: {error}");
            assert!(!error.contains("47") && !error.contains("true"), "{json}: {error}");
        }
    }
}
