//! The canonical form of a command's data: the bytes that tell the same data from other data.
//!
//! The form is made of the wire names of the decoded data. So it stays what it is when a struct gets
//! another field, an enum another variant, or the code another order; when fields arrive in another
//! order, when unknown fields come along, and when an optional field is `null` instead of absent.
//! Hashes of the form are stored for as long as identities are: the form never changes. A change is
//! a further form, with a number of its own (see [`crate::identity`]).
//!
//! **Form 1**, in ASCII apart from the texts themselves:
//!
//! | what | written as |
//! |---|---|
//! | the whole | the command's type as a text, then its data as an object |
//! | a text | `s`, its number of bytes in decimal, `:`, its bytes in UTF-8 |
//! | an integer | `i`, its decimal digits, with `-` before them when it is negative, `;` |
//! | another number | `d`, the 16 hexadecimal digits of its 64 bits (IEEE 754), `;` |
//! | true, false, null | `t`, `f`, `n` |
//! | a list | `[`, its items, `]` |
//! | an object | `{`, its members, each the name as a text and the value, sorted by the bytes of the names, `}` |
//! | an enum | its wire name, as a text |
//!
//! A member of an object is left out when it is what an absent field is decoded as: `null`, or of a
//! field that is not optional `false`, an empty list or an empty object. Therefore a new field must
//! have one of these as its default. An optional field that is given is always written, an empty
//! list too: it may mean something else than none.
//!
//! A number without a fraction is an integer, however it was written. Times are texts in RFC 3339 in UTC
//! with six digits of a second, durations texts such as `900s` or `1s 500000000ns`.
//!
//! No two different values have the same form: each begins with what it is, and says where it ends.

use serde::ser::{self, Impossible, Serialize, Serializer};
use std::fmt::{self, Write as _};
use std::ops::Range;

/// The form of `data` of the command type `name`.
pub fn form1(
    name: &str,
    data: impl FnOnce(&mut Form) -> Result<Member, Error>,
) -> Result<Vec<u8>, Error> {
    let mut form = Form {
        out: Vec::with_capacity(512),
        members: Vec::with_capacity(32),
        sorted: Vec::new(),
        shown: String::new(),
    };
    form.text(name);
    data(&mut form)?;
    Ok(form.out)
}

/// Why data has no canonical form: never, of the commands there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Data of a shape that JSON does not have, or no command uses.
    #[error("no canonical form of {0}")]
    Shape(&'static str),
    /// No form has that number.
    #[error("no canonical form {0}")]
    Form(u8),
    /// The data does not let itself be written.
    #[error("{0}")]
    Data(String),
}

impl ser::Error for Error {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::Data(problem.to_string())
    }
}

/// Whether a value is written when it is a member of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// It is what an absent field is decoded as.
    LeftOut,
    /// It is something else.
    Written,
}

/// A canonical form that is being written.
pub struct Form {
    out: Vec<u8>,
    /// Where the members of the objects that are open lie in `out`.
    members: Vec<Place>,
    /// Members on their way to their sorted places.
    sorted: Vec<u8>,
    /// A text that is being made.
    shown: String,
}

/// Where a member of an object lies in the form.
struct Place {
    /// The first eight bytes of the name: enough to tell most names apart.
    prefix: u64,
    name: Range<usize>,
    all: Range<usize>,
}

fn prefix(name: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = name.len().min(8);
    bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}

impl Form {
    #[inline]
    fn text(&mut self, text: &str) {
        self.out.reserve(text.len() + 8);
        match u8::try_from(text.len()) {
            Ok(length @ 0..=9) => self.out.extend_from_slice(&[b's', b'0' + length, b':']),
            Ok(length @ 10..=99) => {
                let digits = [b'0' + length / 10, b'0' + length % 10];
                self.out.extend_from_slice(&[b's', digits[0], digits[1], b':']);
            }
            Ok(_) | Err(_) => {
                self.out.push(b's');
                self.out.extend_from_slice(itoa::Buffer::new().format(text.len()).as_bytes());
                self.out.push(b':');
            }
        }
        self.out.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn integer(&mut self, number: impl itoa::Integer) -> Member {
        self.out.push(b'i');
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self.out.push(b';');
        Member::Written
    }

    /// Writes a member, unless it is to be left out.
    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        let start = self.out.len();
        self.text(name);
        let end = self.out.len();
        match value.serialize(&mut *self)? {
            Member::LeftOut => self.out.truncate(start),
            Member::Written => self.members.push(Place {
                prefix: prefix(name),
                name: end - name.len()..end,
                all: start..self.out.len(),
            }),
        }
        Ok(())
    }

    /// Sorts the members of the object that ends, which are those behind the first `outer`.
    fn sort(&mut self, outer: usize) {
        let Self { out, members, sorted, .. } = self;
        let members = &mut members[outer..];
        let Some(start) = members.first().map(|first| first.all.start) else { return };
        let order = |a: &Place, b: &Place| {
            let names = || out[a.name.clone()].cmp(&out[b.name.clone()]);
            a.prefix.cmp(&b.prefix).then_with(names)
        };
        if members.is_sorted_by(|a, b| order(a, b).is_lt()) {
            return;
        }
        members.sort_unstable_by(order);
        sorted.clear();
        for member in members {
            sorted.extend_from_slice(&out[member.all.clone()]);
        }
        out.truncate(start);
        out.extend_from_slice(sorted);
    }
}

/// A list that is being written.
pub struct List<'a> {
    form: &'a mut Form,
    member: Member,
}

/// An object that is being written.
pub struct Object<'a> {
    form: &'a mut Form,
    /// How many members of outer objects there are.
    outer: usize,
    /// Of a map: the name of the member whose value comes next.
    name: String,
}

impl Object<'_> {
    fn end(self) -> Member {
        self.form.sort(self.outer);
        let is_empty = self.form.members.len() == self.outer;
        self.form.members.truncate(self.outer);
        self.form.out.push(b'}');
        if is_empty { Member::LeftOut } else { Member::Written }
    }
}

impl<'a> Serializer for &'a mut Form {
    type Ok = Member;
    type Error = Error;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = Impossible<Member, Error>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Impossible<Member, Error>;

    fn serialize_bool(self, value: bool) -> Result<Member, Error> {
        self.out.push(if value { b't' } else { b'f' });
        Ok(if value { Member::Written } else { Member::LeftOut })
    }

    fn serialize_i8(self, value: i8) -> Result<Member, Error> {
        Ok(self.integer(value))
    }

    fn serialize_i16(self, value: i16) -> Result<Member, Error> {
        Ok(self.integer(value))
    }

    fn serialize_i32(self, value: i32) -> Result<Member, Error> {
        Ok(self.integer(value))
    }

    fn serialize_i64(self, value: i64) -> Result<Member, Error> {
        Ok(self.integer(value))
    }

    fn serialize_i128(self, value: i128) -> Result<Member, Error> {
        Ok(self.integer(value))
    }

    fn serialize_u8(self, value: u8) -> Result<Member, Error> {
        Ok(self.integer(value))
    }

    fn serialize_u16(self, value: u16) -> Result<Member, Error> {
        Ok(self.integer(value))
    }

    fn serialize_u32(self, value: u32) -> Result<Member, Error> {
        Ok(self.integer(value))
    }

    fn serialize_u64(self, value: u64) -> Result<Member, Error> {
        Ok(self.integer(value))
    }

    fn serialize_u128(self, value: u128) -> Result<Member, Error> {
        Ok(self.integer(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Member, Error> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Member, Error> {
        // beyond 2^53 a fraction cannot be told any more, and such a number stays what it is
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0 && value.abs() <= EXACT {
            #[allow(clippy::cast_possible_truncation, reason = "it is a whole number below 2^53")]
            return Ok(self.integer(value as i64));
        }
        self.out.push(b'd');
        let mut digits = String::with_capacity(16);
        let _ = write!(digits, "{:016x}", value.to_bits()); // writing to a string cannot fail
        self.out.extend_from_slice(digits.as_bytes());
        self.out.push(b';');
        Ok(Member::Written)
    }

    fn serialize_char(self, value: char) -> Result<Member, Error> {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(Member::Written)
    }

    fn serialize_str(self, value: &str) -> Result<Member, Error> {
        self.text(value);
        Ok(Member::Written)
    }

    /// As [`serialize_str`](Self::serialize_str), without a text of its own.
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<Member, Error> {
        let mut text = std::mem::take(&mut self.shown);
        text.clear();
        let _ = write!(text, "{value}"); // writing to a string cannot fail
        self.text(&text);
        self.shown = text;
        Ok(Member::Written)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Member, Error> {
        Err(Error::Shape("bytes"))
    }

    fn serialize_none(self) -> Result<Member, Error> {
        self.out.push(b'n');
        Ok(Member::LeftOut)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Member, Error> {
        value.serialize(self).map(|_| Member::Written)
    }

    fn serialize_unit(self) -> Result<Member, Error> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Member, Error> {
        self.serialize_none()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Member, Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Member, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Member, Error> {
        Err(Error::Shape("an enum with data"))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List<'a>, Error> {
        self.out.push(b'[');
        let member = if length == Some(0) { Member::LeftOut } else { Member::Written };
        Ok(List { form: self, member })
    }

    fn serialize_tuple(self, length: usize) -> Result<List<'a>, Error> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<List<'a>, Error> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(Error::Shape("an enum with data"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, Error> {
        self.out.push(b'{');
        let outer = self.members.len();
        Ok(Object { form: self, outer, name: String::new() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a>, Error> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(Error::Shape("an enum with data"))
    }
}

impl ser::SerializeSeq for List<'_> {
    type Ok = Member;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.member = Member::Written;
        item.serialize(&mut *self.form).map(|_| ())
    }

    fn end(self) -> Result<Member, Error> {
        self.form.out.push(b']');
        Ok(self.member)
    }
}

impl ser::SerializeTuple for List<'_> {
    type Ok = Member;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        ser::SerializeSeq::serialize_element(self, item)
    }

    fn end(self) -> Result<Member, Error> {
        ser::SerializeSeq::end(self)
    }
}

impl ser::SerializeTupleStruct for List<'_> {
    type Ok = Member;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        ser::SerializeSeq::serialize_element(self, item)
    }

    fn end(self) -> Result<Member, Error> {
        ser::SerializeSeq::end(self)
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = Member;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.form.member(name, value)
    }

    fn end(self) -> Result<Member, Error> {
        Ok(Object::end(self))
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = Member;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Error> {
        // as its own form, of which the text itself is the name
        let start = self.form.out.len();
        name.serialize(&mut *self.form)?;
        let written = &self.form.out[start..];
        let is_text = written.first() == Some(&b's');
        let colon = written.iter().position(|byte| *byte == b':').filter(|_| is_text);
        let name = colon.and_then(|colon| std::str::from_utf8(&written[colon + 1..]).ok());
        self.name = name.ok_or(Error::Shape("a name that is no text"))?.to_owned();
        self.form.out.truncate(start);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let name = std::mem::take(&mut self.name);
        self.form.member(&name, value)
    }

    fn end(self) -> Result<Member, Error> {
        Ok(Object::end(self))
    }
}
