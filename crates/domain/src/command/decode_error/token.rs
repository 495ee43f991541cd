//! The value at a path in a JSON document, as it was written.

use crate::text::shown;
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};
use std::borrow::Cow;
use std::collections::HashMap;

/// A value in a JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Object,
    List,
    /// The text in its quotes, as it was written.
    Text(&'a str),
    /// The number as it was written.
    Number(&'a str),
    True,
    False,
    Null,
}

impl<'a> Token<'a> {
    /// The document itself. `None`: it is empty.
    pub(super) fn whole(document: &'a [u8]) -> Option<Self> {
        std::str::from_utf8(document).ok().and_then(Self::of)
    }

    /// The value at `path`. `None`: nothing is there.
    pub(super) fn at(document: &'a [u8], path: &Path) -> Option<Self> {
        let mut text = std::str::from_utf8(document).ok()?;
        for segment in path {
            let value: &RawValue = match segment {
                Segment::Map { key } => {
                    let members: HashMap<Cow<'a, str>, &RawValue> =
                        serde_json::from_str(text).ok()?;
                    members.get(key.as_str())?
                }
                Segment::Seq { index } => {
                    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                    items.get(*index)?
                }
                Segment::Enum { .. } | Segment::Unknown => break,
            };
            text = value.get();
        }
        Self::of(text)
    }

    fn of(text: &'a str) -> Option<Self> {
        let text = text.trim_ascii();
        Some(match text.as_bytes().first()? {
            b'{' => Self::Object,
            b'[' => Self::List,
            b'"' => Self::Text(text),
            b't' => Self::True,
            b'f' => Self::False,
            b'n' => Self::Null,
            _ => Self::Number(text),
        })
    }

    /// What kind of value this is.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::List => "a list",
            Self::Text(_) => "a string",
            Self::Number(_) => "a number",
            Self::True | Self::False => "true or false",
            Self::Null => "null",
        }
    }

    /// The value for an error. Numbers are shown, also in a text. Other texts are not, since a text may be a personal address.
    pub(super) fn finding(self) -> String {
        match self {
            Self::Number(number) => shown(number),
            Self::True => "true".to_owned(),
            Self::False => "false".to_owned(),
            Self::Text(text) if text.trim_matches('"').parse::<f64>().is_ok() => {
                format!("the text {}", shown(text))
            }
            Self::Object | Self::List | Self::Text(_) | Self::Null => self.kind().to_owned(),
        }
    }
}
