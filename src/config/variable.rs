//! The names of environment variables: which key a variable sets, and which variables are not ours.
//!
//! A name with the prefix, a section, `__` and a key sets that key. Other names with the prefix belong to others: Kubernetes
//! sets `ORDERLY_SERVICE_HOST`, `ORDERLY_PORT_8080_TCP_ADDR` and so on beside a service called `orderly`. They are
//! ignored, unless the name is nearly that of a key: then it is most likely misspelt.

use super::layer::Keys;

/// The prefix of every variable that sets a key.
const PREFIX: &str = "ORDERLY_";

/// The most letters that a misspelt name has wrong.
const WRONG_LETTERS: usize = 2;

/// What a variable with a name is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It sets this key.
    Sets(String),
    /// It was meant to set a key, and sets none.
    Misspelt {
        /// What it names in place of a key.
        key: String,
        /// What is wrong with the name.
        what: String,
    },
    /// It is not for us.
    Other,
}

impl Purpose {
    pub(super) fn of(name: &str, keys: &Keys) -> Self {
        let Some(rest) = name.strip_prefix(PREFIX) else { return Self::Other };
        let key = rest.to_ascii_lowercase().replace("__", ".");
        if keys.contains_key(&key) {
            return Self::Sets(key);
        }
        let what = if let Some(right) = nearest(&key, keys) {
            format!("unknown key; did you mean {}?", variable(right))
        } else if let Some(there_are) = in_section(&key, keys) {
            format!("unknown key; there are {there_are}")
        } else {
            return Self::Other;
        };
        Self::Misspelt { key, what }
    }
}

/// The variable that sets a key.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// The key that `wrong` is most likely meant to be, if any: underscores do not count, nor do a few wrong letters, nor a
/// section that was left out before another one.
fn nearest<'a>(wrong: &str, keys: &'a Keys) -> Option<&'a str> {
    let words = |name: &str| -> String {
        let words = name.split(['.', '_']).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("_")
    };
    let written = words(wrong);
    let distance = |key: &str| {
        let is_end = wrong.contains('.') && key.ends_with(&format!(".{wrong}"));
        if is_end { 0 } else { strsim::damerau_levenshtein(&written, &words(key)) }
    };
    let near = keys.keys().map(|key| (distance(key), key.as_str()));
    near.filter(|(distance, _)| *distance <= WRONG_LETTERS).min().map(|(_, key)| key)
}

/// The variables of the innermost section that `wrong` names, if it names one.
fn in_section(wrong: &str, keys: &Keys) -> Option<String> {
    let mut section = wrong;
    while let Some((outer, _)) = section.rsplit_once('.') {
        section = outer;
        let prefix = format!("{section}.");
        let there_are: Vec<_> =
            keys.keys().filter(|key| key.starts_with(&prefix)).map(|key| variable(key)).collect();
        if !there_are.is_empty() {
            return Some(there_are.join(", "));
        }
    }
    None
}
