//! Where values come from: the file, and over it the environment.
//!
//! A layer holds values as they were written, with their origin. Types and rules are checked later, in `load`. The providers
//! of figment itself are not used, since they lose what an error has to say: its `Env` names no variable, drops a name that
//! is not a key in silence and reads a token of digits as a number; its `Toml` repeats the line of a mistake, which may hold
//! a secret, and needs a second version of the `toml` crate.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::{fs, io};

use figment::util::nest;
use figment::value::{Dict, Map, Value};
use figment::{Error as FigmentError, Metadata, Profile, Provider};

use super::error::{Error, Problem};
use super::variable::Purpose;
use super::wrong_value::told_of_text;

/// Every key with its default value. A key is written with its sections, as in `notifications.retry.cap`.
pub(super) type Keys = BTreeMap<String, Value>;

/// The values of one origin: a file, or one environment variable.
pub(super) struct Layer {
    /// The origin as an error names it.
    origin: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, FigmentError> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

impl Layer {
    /// Reads a TOML file.
    pub(super) fn file(path: &Path) -> Result<Self, Error> {
        let text =
            text_of(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        let values = toml::from_str(&text).map_err(|error| Error::Malformed {
            path: path.to_owned(),
            line: line_of(&text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        Ok(Self { origin: path.display().to_string(), values })
    }

    /// Makes a layer of each of the `variables` that sets a key, or a problem where one was meant to.
    pub(super) fn environment(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        keys: &Keys,
    ) -> (Vec<Self>, Vec<Problem>) {
        let mut layers = Vec::new();
        let mut problems = Vec::new();
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            let origin = format!("environment variable {name}");
            let (key, read) = match Purpose::of(name, keys) {
                Purpose::Other => continue,
                Purpose::Misspelt { key, what } => (key, Err(what)),
                Purpose::Sets(key) => {
                    let read = read_variable(&value, keys.get(&key));
                    (key, read)
                }
            };
            match read {
                Ok(value) => {
                    let values = nest(&key, value).into_dict().unwrap_or_default();
                    layers.push(Self { origin, values });
                }
                Err(what) => problems.push(Problem { key, source: origin, what }),
            }
        }
        (layers, problems)
    }
}

/// The value that `text` stands for where the key's default value is `default`, or what is wrong with it.
fn read_variable(text: &OsStr, default: Option<&Value>) -> Result<Value, String> {
    let text = text.to_str().ok_or("the value is not UTF-8")?;
    match default {
        // Taken literally: a token of digits stays a text.
        Some(Value::String(..)) => Ok(Value::from(text)),
        _ => toml_value(text).ok_or_else(|| told_of_text(text, default)),
    }
}

fn toml_value(text: &str) -> Option<Value> {
    let mut document: Dict = toml::from_str(&format!("value = {text}")).ok()?;
    let value = document.remove("value")?;
    document.is_empty().then_some(value)
}

/// The text of a file.
pub(super) fn text_of(path: &Path) -> io::Result<String> {
    String::from_utf8(fs::read(path)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8"))
}

/// The line, counted from 1, that holds the byte at `offset`.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}
