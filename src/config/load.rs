//! From layers to a configuration: known keys, types, secret files, rules; in this order.
//!
//! One run names every problem of a kind. Rules are looked at only when all types are right,
//! since a default in place of a wrong value would cause complaints of its own.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use figment::Figment;
use figment::error::Kind;
use figment::value::{Dict, Value};

use super::Config;
use super::broker_url::UrlError;
use super::error::{Error, Problem};
use super::layer::{Keys, Layer, insert, origin};
use super::report::Report;
use super::secret::Secret;

impl Config {
    /// Reads the file, where one is named, and over it the variables of `environment` that begin
    /// with `ORDERLY_`.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Error> {
        let keys = keys();
        let (variables, mut problems) = Layer::environment(environment, &keys);
        let mut layers = Figment::new();
        if let Some(path) = file {
            layers = layers.merge(Layer::file(path)?);
        }
        let loading = Loading { layers: layers.merge(variables), keys };

        problems.extend(loading.unknown_keys());
        let wrong_types = loading.wrong_types();
        if !wrong_types.is_empty() {
            problems.extend(wrong_types);
            return Err(Error::Invalid(problems));
        }
        let mut config = loading.extract().map_err(|problem| Error::Invalid(vec![problem]))?;
        problems.extend(loading.read_secrets(&mut config).err());
        let mut report = Report::default();
        config.check(&mut report);
        problems.extend(
            report.problems.into_iter().map(|(key, what)| loading.problem(key.to_owned(), what)),
        );
        if problems.is_empty() { Ok(config) } else { Err(Error::Invalid(problems)) }
    }
}

/// Every key there is: what the defaults consist of.
pub(super) fn keys() -> Keys {
    fn collect(name: &str, section: Dict, keys: &mut Keys) {
        let mut own = Dict::new();
        for (key, value) in section {
            match value {
                Value::Dict(_, inner) => collect(&format!("{name}.{key}"), inner, keys),
                value => drop(own.insert(key, value)),
            }
        }
        keys.insert(name.to_owned(), own);
    }
    let defaults = Value::serialize(Config::default()).ok().and_then(Value::into_dict);
    let mut keys = Keys::new();
    for (name, section) in defaults.into_iter().flatten() {
        collect(&name, section.into_dict().unwrap_or_default(), &mut keys);
    }
    keys
}

struct Loading {
    layers: Figment,
    keys: Keys,
}

impl Loading {
    fn problem(&self, key: String, what: impl Into<String>) -> Problem {
        let source = origin(self.layers.find_metadata(&key), &key);
        Problem { key, source, what: what.into() }
    }

    /// What was set, by section, whether it is known or not.
    fn set(&self) -> Dict {
        self.layers.extract().unwrap_or_default()
    }

    fn unknown_keys(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (section, value) in self.set() {
            if self.keys.contains_key(&section) {
                self.unknown_in(&section, value, &mut problems);
            } else {
                let sections = listed(self.keys.keys().filter(|name| !name.contains('.')));
                problems.push(self.problem(section, format!("unknown; there are {sections}")));
            }
        }
        problems
    }

    fn unknown_in(&self, section: &str, value: Value, problems: &mut Vec<Problem>) {
        let (Value::Dict(_, set), Some(known)) = (value, self.keys.get(section)) else {
            problems.push(self.problem(section.to_owned(), "is a section, not a key"));
            return;
        };
        for (key, value) in set {
            let path = format!("{section}.{key}");
            if self.keys.contains_key(&path) {
                self.unknown_in(&path, value, problems);
            } else if !known.contains_key(&key) {
                let what = format!("unknown key; the section has {}", listed(known.keys()));
                problems.push(self.problem(path, what));
            }
        }
    }

    /// The known keys that were set, each with its value.
    fn known(&self) -> impl Iterator<Item = (String, String, Value)> {
        self.keys.iter().flat_map(move |(section, keys)| {
            keys.keys().filter_map(move |key| {
                let value = self.layers.find_value(&format!("{section}.{key}")).ok()?;
                Some((section.clone(), key.clone(), value))
            })
        })
    }

    /// Tries every value on its own over the defaults: a deserializer stops at its first error.
    fn wrong_types(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (section, key, value) in self.known() {
            let path = format!("{section}.{key}");
            let depth = path.split('.').count();
            let mut alone = Dict::new();
            insert(&mut alone, &section, key, value);
            if let Err(errors) = Value::from(alone).deserialize::<Config>() {
                problems.extend(errors.into_iter().map(|error| {
                    self.problem(path.clone(), in_element(&error.path, depth, &error.kind))
                }));
            }
        }
        problems
    }

    fn extract(&self) -> Result<Config, Problem> {
        let mut document = Dict::new();
        for (section, key, value) in self.known() {
            insert(&mut document, &section, key, value);
        }
        Value::from(document)
            .deserialize()
            .map_err(|error| self.problem(error.path.join("."), error.kind.to_string()))
    }

    /// Puts in the secrets that are in files of their own.
    fn read_secrets(&self, config: &mut Config) -> Result<(), Problem> {
        if let Some(text) = self.secret("broker.url", &config.broker.url_file)? {
            config.broker.url = text.parse().map_err(|error: UrlError| {
                self.problem("broker.url_file".to_owned(), error.to_string())
            })?;
        }
        if let Some(text) = self.secret("admin.token", &config.admin.token_file)? {
            config.admin.token = Secret::new(text);
        }
        let webhook = &mut config.notifications.webhook;
        if let Some(text) = self.secret("notifications.webhook.secret", &webhook.secret_file)? {
            webhook.secret = Secret::new(text);
        }
        Ok(())
    }

    /// What the file that stands for `key` holds, where one is named.
    fn secret(&self, key: &str, file: &Path) -> Result<Option<String>, Problem> {
        if file.as_os_str().is_empty() {
            return Ok(None);
        }
        let refused = |what: String| Err(self.problem(format!("{key}_file"), what));
        if self.layers.contains(key) {
            return refused(format!("{key} is set as well: keep one of them"));
        }
        match fs::read_to_string(file) {
            Ok(text) if text.trim().is_empty() => refused(format!("{} is empty", file.display())),
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) => refused(format!("cannot read {}: {error}", file.display())),
        }
    }
}

/// The error in plain words, and which element of a list it is about.
fn in_element(path: &[String], depth: usize, kind: &Kind) -> String {
    let told = match kind {
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("expected {expected}, found {found}")
        }
        Kind::UnknownVariant(found, expected) => {
            format!("expected one of {}, found {found}", expected.join(", "))
        }
        other => other.to_string(),
    };
    match path.get(depth) {
        Some(index) => format!("element {index}: {told}"),
        None => told,
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
