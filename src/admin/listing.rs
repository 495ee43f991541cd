//! Lists over HTTP: the caller asks for a window and gets a page.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// The part of a list that a caller asks for, with the query parameters `limit` and `after`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Window {
    /// The largest number of items.
    #[serde(default)]
    pub limit: Limit,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// The largest number of items on a page: 1 to 500, and 50 where the caller names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    const MAX: u16 = 500;

    /// The number.
    pub fn get(self) -> usize {
        self.0.into()
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Reads a text, since serde gives the values of a flattened query string as texts.
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Limit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "limit to be a number from 1 to {}", Limit::MAX)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Limit, E> {
                match text.parse() {
                    Ok(limit @ 1..=Limit::MAX) => Ok(Limit(limit)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// A part of a list, and where the next part begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// The `after` of the next page; `null` at the end of the list.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of `found`, which holds one item more than the limit when the list goes on. `position` gives the `after`
    /// of a page that begins behind an item.
    pub fn cut(mut found: Vec<T>, limit: Limit, position: impl FnOnce(&T) -> String) -> Self {
        let more = found.len() > limit.get();
        found.truncate(limit.get());
        let next = if more { found.last().map(position) } else { None };
        Self { items: found, next }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::web::Query;
    use rstest::rstest;

    use super::*;

    /// The query of a resource that has parameters of its own beside the window.
    #[derive(Debug, Deserialize)]
    struct Orders {
        status: Option<String>,
        #[serde(flatten)]
        window: Window,
    }

    #[rstest]
    #[case("", 50)]
    #[case("limit=1", 1)]
    #[case("limit=500&status=paid", 500)]
    fn a_limit_is_1_to_500(#[case] query: &str, #[case] wanted: usize) {
        let alone = Query::<Window>::from_query(query).expect("a window");
        assert_eq!(alone.limit.get(), wanted);
        let flattened = Query::<Orders>::from_query(query).expect("a window beside others");
        assert_eq!(flattened.window.limit.get(), wanted);
    }

    #[rstest]
    #[case("limit=0")]
    #[case("limit=501")]
    #[case("limit=-1")]
    #[case("limit=ten")]
    #[case("limit=")]
    #[case("limit=70000")]
    fn another_limit_is_refused(#[case] query: &str) {
        let error = Query::<Window>::from_query(query).expect_err("no window");
        assert!(error.to_string().contains("from 1 to 500"), "{error}");
        Query::<Orders>::from_query(query).expect_err("no window beside others");
    }

    #[test]
    fn the_position_is_decoded_and_not_interpreted() {
        let query = Query::<Orders>::from_query("after=o%2F7&status=paid").expect("a window");
        assert_eq!(query.window.after.as_deref(), Some("o/7"));
        assert_eq!(query.status.as_deref(), Some("paid"));
    }

    #[test]
    fn a_page_says_where_the_next_begins_only_if_there_is_one() {
        let limit = Limit(2);
        let page = Page::cut(vec![1, 2, 3], limit, ToString::to_string);
        assert_eq!(page, Page { items: vec![1, 2], next: Some("2".to_owned()) });
        let last = Page::cut(vec![3, 4], limit, ToString::to_string);
        assert_eq!(serde_json::to_string(&last).expect("JSON"), r#"{"items":[3,4],"next":null}"#);
    }
}
