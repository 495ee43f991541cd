//! Lists over HTTP: the caller asks for a window and gets a page.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::problem::Problem;
use super::query::{Expected, Field, Given, Parameter, Parameters, Value};

/// The part of a list that a caller asks for. `A` is a place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window<A> {
    /// The largest number of items.
    pub limit: Limit,
    /// Where the page before ended; the first page is asked for without it.
    pub after: Option<A>,
}

impl<A> Default for Window<A> {
    fn default() -> Self {
        Self { limit: Limit::default(), after: None }
    }
}

impl<A: Value> Parameters for Window<A> {
    fn all() -> Vec<Parameter> {
        vec![
            Parameter {
                name: "limit",
                about: "The largest number of items.",
                schema: <Limit as Field>::schema,
                is_required: false,
                check: |text| <Limit as Field>::read(text).map(drop),
            },
            Parameter {
                name: "after",
                about: "`next` of the page before; without it the first page is given.",
                schema: A::schema,
                is_required: false,
                check: |text| <Option<A> as Field>::read(text).map(drop),
            },
        ]
    }

    fn read(given: &Given) -> Result<Self, Problem> {
        Ok(Self { limit: given.value("limit")?, after: given.value("after")? })
    }
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

    /// The limit, or a smaller number. `None`: it is 0.
    pub fn at_most(self, number: usize) -> Option<Self> {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        Some(Self(self.0.min(number))).filter(|limit| limit.0 > 0)
    }

    /// What is left of the limit. `None`: nothing is.
    pub fn less(self, found: usize) -> Option<Self> {
        let found = u16::try_from(found).unwrap_or(u16::MAX);
        self.0.checked_sub(found).filter(|left| *left > 0).map(Self)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl Value for Limit {
    fn parse(text: &str) -> Result<Self, Expected> {
        match text.parse() {
            Ok(limit @ 1..=Self::MAX) => Ok(Self(limit)),
            _ => Err(Expected::Other(format!("a number from 1 to {}", Self::MAX))),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": Self::MAX })
    }
}

impl Field for Limit {
    fn read(text: Option<&str>) -> Result<Self, Expected> {
        text.map_or(Ok(Self::default()), Self::parse)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = <Self as Value>::schema(generator);
        schema.insert("default".to_owned(), Self::default().0.into());
        schema
    }
}

/// A part of a list, and where the next part begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
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
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1", 1)]
    #[case("500", 500)]
    fn a_limit_is_1_to_500(#[case] text: &str, #[case] wanted: usize) {
        assert_eq!(Limit::parse(text).map(Limit::get), Ok(wanted));
    }

    #[rstest]
    #[case("0")]
    #[case("501")]
    #[case("-1")]
    #[case("ten")]
    #[case("")]
    #[case("70000")]
    fn another_limit_is_refused(#[case] text: &str) {
        let expected = Expected::Other("a number from 1 to 500".to_owned());
        assert_eq!(Limit::parse(text), Err(expected));
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
