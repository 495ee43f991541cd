//! Decodes a command's data and finds the fields that are not known.
//!
//! Derived code skips a field that it does not know with [`Deserializer::deserialize_ignored_any`], and calls that for
//! nothing else. So [`Watched`] keeps the place in the data where the decoding is, and names it at that call. Names borrow
//! from the data, so what is known costs hardly anything.

use crate::ignored::Ignored;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::{self, Write as _};

/// Decodes `data`, which is JSON, and names the fields that are not known.
pub(super) fn decode<'de, T: Deserialize<'de>>(
    data: &'de [u8],
) -> Result<(T, Ignored), serde_json::Error> {
    let place = RefCell::new(Place::default());
    let mut json = serde_json::Deserializer::from_slice(data);
    let value = T::deserialize(Watched { inner: &mut json, place: &place })?;
    json.end()?;
    Ok((value, place.into_inner().ignored))
}

/// Where in the data the decoding is, and the fields that were skipped so far.
#[derive(Default)]
struct Place<'de> {
    /// The objects and lists around it, the outermost first.
    within: Vec<Step<'de>>,
    ignored: Ignored,
}

enum Step<'de> {
    /// The member of an object with this name.
    Member(Cow<'de, str>),
    /// An element of a list: so many were begun.
    Element(usize),
}

impl<'de> Place<'de> {
    fn at_member(&mut self, name: Cow<'de, str>) {
        if let Some(step) = self.within.last_mut() {
            *step = Step::Member(name);
        }
    }

    fn at_next_element(&mut self) {
        if let Some(Step::Element(begun)) = self.within.last_mut() {
            *begun += 1;
        }
    }

    /// Names this place as errors do, such as `lines[0].color`.
    fn ignore(&mut self) {
        if let [Step::Member(name)] = &*self.within {
            return self.ignored.add(name);
        }
        let mut path = String::new();
        for step in &self.within {
            match step {
                Step::Member(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                // writing to a string cannot fail
                Step::Element(begun) => {
                    let _ = write!(path, "[{}]", begun.saturating_sub(1));
                }
            }
        }
        self.ignored.add(&path);
    }
}

/// A deserializer, a visitor, a seed, or the access to a list or an object, that keeps the place in the data.
struct Watched<'a, 'de, T> {
    inner: T,
    place: &'a RefCell<Place<'de>>,
}

impl<'a, 'de, T> Watched<'a, 'de, T> {
    fn also<U>(&self, inner: U) -> Watched<'a, 'de, U> {
        Watched { inner, place: self.place }
    }
}

/// Decodes the elements of a list or the members of an object. `first`: the step that leads to them.
fn within<'de, R>(place: &RefCell<Place<'de>>, first: Step<'de>, decode: impl FnOnce() -> R) -> R {
    place.borrow_mut().within.push(first);
    let decoded = decode();
    place.borrow_mut().within.pop();
    decoded
}

/// Values that have no fields: they are passed on as they are.
macro_rules! without_fields {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Watched<'_, 'de, D> {
    type Error = D::Error;

    without_fields! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_identifier
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.place.borrow_mut().ignore();
        self.inner.deserialize_ignored_any(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.also(visitor);
        self.inner.deserialize_option(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.also(visitor);
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.also(visitor);
        self.inner.deserialize_seq(visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.also(visitor);
        self.inner.deserialize_map(visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.also(visitor);
        self.inner.deserialize_struct(name, fields, visitor)
    }

    // commands have no tuples, and their enums have no fields

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_tuple_struct(name, len, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_enum(name, variants, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watched<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    #[inline]
    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    #[inline]
    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let deserializer = self.also(deserializer);
        self.inner.visit_some(deserializer)
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<V::Value, D::Error> {
        let deserializer = self.also(deserializer);
        self.inner.visit_newtype_struct(deserializer)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        let items = self.also(items);
        within(self.place, Step::Element(0), || self.inner.visit_seq(items))
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        let members = self.also(members);
        within(self.place, Step::Member(Cow::Borrowed("")), || self.inner.visit_map(members))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Watched<'_, 'de, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.place.borrow_mut().at_next_element();
        let seed = self.also(seed);
        self.inner.next_element_seed(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Watched<'_, 'de, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let seed = Name(self.also(seed));
        self.inner.next_key_seed(seed)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.also(seed);
        self.inner.next_value_seed(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Watched<'_, 'de, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = self.also(deserializer);
        self.inner.deserialize(deserializer)
    }
}

/// The same of the name of a member: a deserializer, a visitor or a seed that takes note of it.
struct Name<'a, 'de, T>(Watched<'a, 'de, T>);

impl<'a, 'de, T> Name<'a, 'de, T> {
    fn also<U>(&self, inner: U) -> Name<'a, 'de, U> {
        Name(self.0.also(inner))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<'_, 'de, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = self.also(deserializer);
        self.0.inner.deserialize(deserializer)
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Name<'_, 'de, D> {
    type Error = D::Error;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.also(visitor);
        self.0.inner.deserialize_any(visitor)
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.also(visitor);
        self.0.inner.deserialize_identifier(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Name<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.inner.expecting(f)
    }

    #[inline]
    fn visit_borrowed_str<E: serde::de::Error>(self, name: &'de str) -> Result<V::Value, E> {
        self.0.place.borrow_mut().at_member(Cow::Borrowed(name));
        self.0.inner.visit_borrowed_str(name)
    }

    /// A name with escapes is no part of the data as it is.
    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<V::Value, E> {
        self.0.place.borrow_mut().at_member(Cow::Owned(name.to_owned()));
        self.0.inner.visit_str(name)
    }
}
