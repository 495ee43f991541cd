//! From layers to a configuration: known keys, types, secret files, rules; in this order.
//!
//! One run reports every problem that can be found. Rules are checked only when all types are right: otherwise a default
//! value in place of a wrong one could break a rule that the user's value keeps.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use figment::Figment;
use figment::error::Kind;
use figment::util::nest;
use figment::value::{Dict, Value};

use super::Config;
use super::broker::Broker;
use super::broker_url::{BrokerUrl, UrlError};
use super::error::{Error, Problem};
use super::layer::{Keys, Layer, text_of};
use super::report::Report;
use super::secret::Secret;
use super::wrong_value;

impl Config {
    /// Reads the file, where one is named, and over it the variables of `environment` that set a key.
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
        let layers = variables.into_iter().fold(layers, Figment::merge);
        let loading = Loading { layers, keys };

        loading.unknown_keys("", loading.set(), &mut problems);
        let wrong_types = loading.wrong_types();
        if !wrong_types.is_empty() {
            problems.extend(wrong_types);
            return Err(Error::Invalid(problems));
        }
        let mut config = loading.extract().map_err(|problem| Error::Invalid(vec![problem]))?;
        problems.extend(loading.read_secrets(&mut config));
        let mut report = Report::default();
        config.check(&mut report);
        problems.extend(
            report.problems.into_iter().map(|(key, what)| loading.problem(key.to_owned(), what)),
        );
        if problems.is_empty() { Ok(config) } else { Err(Error::Invalid(problems)) }
    }
}

/// Every key: what the default configuration consists of.
fn keys() -> Keys {
    fn collect(name: String, value: Value, keys: &mut Keys) {
        match value {
            Value::Dict(_, section) => {
                for (key, value) in section {
                    collect(joined(&name, &key), value, keys);
                }
            }
            value => drop(keys.insert(name, value)),
        }
    }
    let defaults = Value::serialize(Config::default()).expect("a test serializes the defaults");
    let mut keys = Keys::new();
    collect(String::new(), defaults, &mut keys);
    keys
}

/// The whole name of `key` in `section`; the top of the file is the section without a name.
fn joined(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// What a file with the URL of the broker has: one URL, or those of several nodes, with white space in between.
#[derive(PartialEq)]
struct Addresses(Vec<BrokerUrl>);

impl Addresses {
    fn set(self, broker: &mut Broker) {
        match <[BrokerUrl; 1]>::try_from(self.0) {
            Ok([url]) => broker.url = url,
            Err(urls) => broker.urls = urls,
        }
    }
}

impl FromStr for Addresses {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        text.split_whitespace().map(BrokerUrl::from_str).collect::<Result<_, _>>().map(Self)
    }
}

struct Loading {
    layers: Figment,
    keys: Keys,
}

impl Loading {
    fn problem(&self, key: String, what: impl Into<String>) -> Problem {
        let source = match self.layers.find_metadata(&key) {
            Some(metadata) => metadata.name.to_string(),
            None => "default".to_owned(),
        };
        Problem { key, source, what: what.into() }
    }

    /// All values of all layers, whether their keys are known or not.
    fn set(&self) -> Dict {
        self.layers.extract().unwrap_or_default()
    }

    /// Reports every unknown key in `values`, which are those of `section`.
    fn unknown_keys(&self, section: &str, values: Dict, problems: &mut Vec<Problem>) {
        for (key, value) in values {
            let path = joined(section, &key);
            if self.keys.contains_key(&path) {
                continue;
            }
            match value {
                _ if !self.is_section(&path) => {
                    problems.push(self.problem(path, self.unknown_in(section)));
                }
                Value::Dict(_, inner) => self.unknown_keys(&path, inner, problems),
                _ => problems.push(self.problem(path, "is a section, not a key")),
            }
        }
    }

    fn is_section(&self, path: &str) -> bool {
        let prefix = format!("{path}.");
        self.keys.keys().any(|key| key.starts_with(&prefix))
    }

    /// What the error says of an unknown key in `section`.
    fn unknown_in(&self, section: &str) -> String {
        if section.is_empty() {
            let sections = self.keys.keys().filter_map(|key| Some(key.split_once('.')?.0));
            return format!("unknown; the sections are {}", listed(sections));
        }
        let prefix = format!("{section}.");
        let keys = self.keys.keys().filter_map(|key| key.strip_prefix(&prefix));
        format!("unknown key; the section has {}", listed(keys.filter(|key| !key.contains('.'))))
    }

    /// The known keys that were set, each with its value.
    fn known(&self) -> impl Iterator<Item = (&String, Value)> {
        self.keys.keys().filter_map(|key| Some((key, self.layers.find_value(key).ok()?)))
    }

    /// Tries every value on its own over the defaults: a deserializer stops at its first error.
    fn wrong_types(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (key, value) in self.known() {
            let depth = key.split('.').count();
            if let Err(errors) = nest(key, value).deserialize::<Config>() {
                problems.extend(errors.into_iter().map(|error| {
                    self.problem(key.clone(), in_element(&error.path, depth, &error.kind))
                }));
            }
        }
        problems
    }

    fn extract(&self) -> Result<Config, Problem> {
        self.known()
            .fold(Figment::new(), Figment::merge)
            .extract()
            .map_err(|error| self.problem(error.path.join("."), wrong_value::told(&error.kind)))
    }

    /// Reads the secrets that are in files of their own.
    fn read_secrets(&self, config: &mut Config) -> Vec<Problem> {
        let Config { broker, admin, notifications, .. } = config;
        let webhook = &mut notifications.webhook;
        let mut addresses = Addresses(broker.addresses().to_vec());
        let default = Addresses(Broker::default().addresses().to_vec());
        let none = Secret::default();
        let read = [
            self.read_secret("broker.url", &broker.url_file, &mut addresses, &default),
            self.read_secret("admin.token", &admin.token_file, &mut admin.token, &none),
            self.read_secret(
                "admin.read_token",
                &admin.read_token_file,
                &mut admin.read_token,
                &none,
            ),
            self.read_secret(
                "notifications.webhook.secret",
                &webhook.secret_file,
                &mut webhook.secret,
                &none,
            ),
        ];
        if read[0].is_ok() && !broker.url_file.as_os_str().is_empty() {
            addresses.set(broker);
        }
        read.into_iter().filter_map(Result::err).collect()
    }

    /// Sets `value`, that of `key`, to the content of `file` where such a file is named. A key with its default value is not
    /// meant: a file that lists every key has it, too.
    fn read_secret<T>(
        &self,
        key: &str,
        file: &Path,
        value: &mut T,
        default: &T,
    ) -> Result<(), Problem>
    where
        T: FromStr<Err: fmt::Display> + PartialEq,
    {
        if file.as_os_str().is_empty() {
            return Ok(());
        }
        let problem = |what: String| self.problem(format!("{key}_file"), what);
        if value != default {
            return Err(problem(format!("{key} is set as well: keep one of them")));
        }
        let text = text_of(file)
            .map_err(|error| problem(format!("cannot read {}: {error}", file.display())))?;
        // some editors put a byte order mark in front, which is no part of the secret
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(problem(format!("{} is empty", file.display())));
        }
        *value = text.parse().map_err(|error: T::Err| problem(error.to_string()))?;
        Ok(())
    }
}

/// The error in plain words. Where `path` goes on behind the `depth` names of the key, it names the element of a list.
fn in_element(path: &[String], depth: usize, kind: &Kind) -> String {
    let text = wrong_value::told(kind);
    match path.get(depth) {
        Some(index) => format!("element {index}: {text}"),
        None => text,
    }
}

/// Each of `names` once.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
