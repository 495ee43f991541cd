//! Decodes values within a command's data where derived code would accept too much, or too little: objects from JSON objects
//! only (derived code also accepts a list of the fields), words from texts only, and `null` as an absent field everywhere.

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// An object.
pub(super) fn object<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(Object(PhantomData))
}

/// An object that may be absent. `null` counts as absent.
pub(super) fn optional_object<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let strict = Option::<Strict<T>>::deserialize(deserializer)?;
    Ok(strict.map(|strict| strict.0))
}

/// A list of objects that may be absent. `null` counts as absent, and absent as empty.
pub(super) fn optional_objects<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let strict = Option::<Vec<Strict<T>>>::deserialize(deserializer)?;
    Ok(strict.into_iter().flatten().map(|strict| strict.0).collect())
}

/// A list of objects that may be absent, where an empty list means something else. `null` counts as absent.
pub(super) fn given_objects<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let strict = Option::<Vec<Strict<T>>>::deserialize(deserializer)?;
    Ok(strict.map(|strict| strict.into_iter().map(|strict| strict.0).collect()))
}

/// A value that may be absent. `null` counts as absent, and absent as the default.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A word of an enum without data. Derived code would also accept an object with the word as its only member.
pub(super) fn word<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let word = Cow::<'_, str>::deserialize(deserializer)?;
    T::deserialize(StrDeserializer::new(&word))
}

/// A list of objects.
pub(super) fn objects<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let strict = Vec::<Strict<T>>::deserialize(deserializer)?;
    Ok(strict.into_iter().map(|strict| strict.0).collect())
}

struct Strict<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Strict<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
