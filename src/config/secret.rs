//! Texts that must not be seen: not in a log, not in an error, not in what `check` prints.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What stands in place of a secret wherever one is printed.
pub const MASK: &str = "***";

/// A secret, or none when it is empty. Only [`Secret::expose`] shows it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text that is not to be shown from here on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that has to use it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing stays nothing, so that one sees whether a secret is set.
    fn masked(&self) -> &'static str {
        if self.is_empty() { "" } else { MASK }
    }
}

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
        unseen_text(deserializer).map(Self)
    }
}

/// Reads a text without ever repeating it in an error, as serde does with a number.
pub(super) fn unseen_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text in quotes")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_bool<E: de::Error>(self, _: bool) -> Result<String, E> {
            Err(E::custom(Self::NOT_TEXT))
        }

        fn visit_i64<E: de::Error>(self, _: i64) -> Result<String, E> {
            Err(E::custom(Self::NOT_TEXT))
        }

        fn visit_u64<E: de::Error>(self, _: u64) -> Result<String, E> {
            Err(E::custom(Self::NOT_TEXT))
        }

        fn visit_f64<E: de::Error>(self, _: f64) -> Result<String, E> {
            Err(E::custom(Self::NOT_TEXT))
        }
    }
    impl Visitor {
        const NOT_TEXT: &str = "expected a text in quotes";
    }
    // "Any", since a deserializer that is told to expect a text makes the error by itself.
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
    fn no_secret_shows_as_nothing() {
        assert_eq!(Secret::default().to_string(), "");
    }

    #[test]
    fn an_error_does_not_repeat_a_secret_of_the_wrong_type() {
        for json in ["4711", "-4711", "47.11"] {
            let error = serde_json::from_str::<Secret>(json).expect_err("no text");
            assert!(!error.to_string().contains("47"), "{error}");
        }
    }
}
