//! JSON values whose numbers keep every digit: `serde_json` would round what does not fit into 64 bits.

use super::Error;
use crate::canonical::{Canonical, Form, Member};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// How deep objects and lists may be nested.
pub(super) const MOST_DEPTH: usize = 64;

/// A JSON value.
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

/// A number as it was written, which is valid JSON.
pub(super) struct Number(String);

impl Json {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_within(text, MOST_DEPTH)
    }

    /// Parses a value in which objects and lists may be nested `depth` levels deep.
    fn parse_within(text: &str, depth: usize) -> Result<Self, Error> {
        fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
            serde_json::from_str(text).map_err(|_| Error::Malformed)
        }
        let text = text.trim_ascii();
        let deeper = || depth.checked_sub(1).ok_or(Error::TooDeep);
        match text.as_bytes().first() {
            Some(b'{') => {
                let depth = deeper()?;
                let mut members = BTreeMap::new();
                for (name, value) in read::<Members<'_>>(text)?.0 {
                    let value = Self::parse_within(value.get(), depth)?;
                    if members.insert(name, value).is_some() {
                        return Err(Error::Duplicate);
                    }
                }
                Ok(Self::Object(members))
            }
            Some(b'[') => {
                let depth = deeper()?;
                let items: Vec<&RawValue> = read(text)?;
                let items = items.into_iter().map(|item| Self::parse_within(item.get(), depth));
                Ok(Self::List(items.collect::<Result<_, _>>()?))
            }
            Some(b'"') => read(text).map(Self::Text),
            Some(b't' | b'f') => read(text).map(Self::Bool),
            Some(b'n') => read::<()>(text).map(|()| Self::Null),
            Some(_) => Number::parse(read::<&RawValue>(text)?.get()).map(Self::Number),
            None => Err(Error::Malformed),
        }
    }

    /// What the value is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// The members of an object, in the order of the text, also those whose name is there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl Number {
    fn parse(text: &str) -> Result<Self, Error> {
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self(text.to_owned())),
            Ok(_) => Err(Error::OutOfRange),
            Err(_) => Err(Error::Malformed),
        }
    }

    /// Sign, digits and exponent: the same for `1.50`, `15e-1` and `0.15E1`. The digits neither begin nor end with 0. They
    /// are empty for 0, which has no sign.
    fn parts(&self) -> (&'static str, String, i64) {
        let (sign, text) = match self.0.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", &*self.0),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let ended = digits.trim_end_matches('0');
        let zeros = digits.len() - ended.len();
        let digits = ended.trim_start_matches('0');
        if digits.is_empty() {
            return ("", String::new(), 0);
        }
        // the exponent of a number so small that it does not fit is as good as the smallest
        let exponent: i64 = exponent.parse().unwrap_or(i64::MIN);
        let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let exponent =
            exponent.saturating_sub(length(fraction.len())).saturating_add(length(zeros));
        (sign, digits.to_owned(), exponent)
    }
}

/// As compact JSON, the members of objects sorted by name.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| serde_json::to_string(text).map_err(|_| fmt::Error);
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(Number(text)) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)?),
            Self::List(items) => {
                f.write_str("[")?;
                for (place, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if place == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (place, (name, value)) in members.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{value}", quoted(name)?)?;
                }
                f.write_str("}")
            }
        }
    }
}

/// The form of a JSON value: every member is written, also those that are `null`.
impl Canonical for Json {
    fn write(&self, form: &mut Form) -> Member {
        match self {
            Self::Null => form.null(),
            Self::Bool(value) => drop(value.write(form)),
            Self::Number(number) => {
                let (sign, digits, exponent) = number.parts();
                form.decimal(sign, &digits, exponent);
            }
            Self::Text(text) => drop(form.text(text)),
            Self::List(items) => {
                form.begin_list();
                for item in items {
                    item.write(form);
                }
                form.end_list();
            }
            Self::Object(members) => {
                form.begin();
                for (name, value) in members {
                    form.member(name, value);
                }
                form.end();
            }
        }
        Member::Written
    }
}
