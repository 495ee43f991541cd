//! Where values come from: the file, and over it the environment.
//!
//! A layer holds values as they were written, with their origin; types and rules come later.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use figment::value::{Dict, Map, Value};
use figment::{Error as FigmentError, Metadata, Profile, Provider};

use super::error::{Error, Problem};

/// The prefix of every variable that is ours.
const PREFIX: &str = "ORDERLY_";

/// Settings of the test suite, which starts this program with its own environment.
const TEST_PREFIX: &str = "ORDERLY_TEST_";

/// The name of the environment's layer.
const ENVIRONMENT: &str = "environment variable";

/// Every key there is, by section, with its default value. A section within another one is named
/// with both, as in `notifications.retry`.
pub(super) type Keys = BTreeMap<String, Dict>;

/// Values of one origin.
pub(super) struct Layer {
    metadata: Metadata,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, FigmentError> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

impl Layer {
    /// Reads a TOML file.
    pub(super) fn file(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path)
            .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        let values = toml::from_str(&text).map_err(|error| Error::Malformed {
            path: path.to_owned(),
            line: line_of(&text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        Ok(Self { metadata: Metadata::named(path.display().to_string()), values })
    }

    /// Takes the variables that are ours out of `variables`; those that cannot be used are
    /// reported.
    pub(super) fn environment(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        keys: &Keys,
    ) -> (Self, Vec<Problem>) {
        let mut values = Dict::new();
        let mut problems = Vec::new();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else {
                continue;
            };
            match setting(name, &value, keys) {
                Ok((section, key, value)) => insert(&mut values, &section, key, value),
                Err((key, what)) => {
                    problems.push(Problem { key, source: format!("{ENVIRONMENT} {name}"), what });
                }
            }
        }
        let metadata = Metadata::named(ENVIRONMENT)
            .interpolater(|_: &Profile, path: &[&str]| variable(&path.join(".")));
        (Self { metadata, values }, problems)
    }
}

/// Puts a value into a section, which may be within another one.
pub(super) fn insert(values: &mut Dict, section: &str, key: String, value: Value) {
    let (outer, inner) = match section.split_once('.') {
        Some((outer, inner)) => (outer, Some(inner)),
        None => (section, None),
    };
    let outer = values.entry(outer.to_owned()).or_insert_with(|| Dict::new().into());
    if let Value::Dict(_, outer) = outer {
        match inner {
            Some(inner) => insert(outer, inner, key, value),
            None => {
                outer.insert(key, value);
            }
        }
    }
}

/// Where a value came from, in words.
pub(super) fn origin(metadata: Option<&Metadata>, key: &str) -> String {
    match metadata {
        None => "default".to_owned(),
        Some(metadata) if metadata.name == ENVIRONMENT => {
            format!("{ENVIRONMENT} {}", variable(key))
        }
        Some(metadata) => metadata.name.to_string(),
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX)
}

/// The variable that sets `key`.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

/// Section, key and value that a variable means, or its key and what is wrong with it.
fn setting(
    name: &str,
    value: &OsStr,
    keys: &Keys,
) -> Result<(String, String, Value), (String, String)> {
    let path = name[PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
    let known = path
        .rsplit_once('.')
        .and_then(|(section, key)| Some((section, key, keys.get(section)?.get(key)?)));
    let Some((section, key, default)) = known else {
        return Err((path, format!("unknown key; variables are named {PREFIX}SECTION__KEY")));
    };
    let Some(text) = value.to_str() else {
        return Err((path, "the value is not UTF-8".to_owned()));
    };
    let value = match default {
        // Taken literally, so that a token of digits stays a text.
        Value::String(..) => Value::from(text),
        _ => toml_value(text).ok_or_else(|| {
            (path.clone(), "the value is not TOML, such as 10 or [\"a\", \"b\"]".to_owned())
        })?,
    };
    Ok((section.to_owned(), key.to_owned(), value))
}

fn toml_value(text: &str) -> Option<Value> {
    let mut document: Dict = toml::from_str(&format!("value = {text}")).ok()?;
    let value = document.remove("value")?;
    document.is_empty().then_some(value)
}

/// The line, counted from 1, that holds the byte at `offset`.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}
