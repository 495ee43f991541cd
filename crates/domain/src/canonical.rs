//! The canonical form of a command's data: two commands have the same data exactly when they have the
//! same canonical form.
//!
//! The form is built from the decoded data, with the names that fields and enums have on the wire. So
//! it does not depend on the order of fields in a message, on unknown fields, or on whether an optional
//! field is absent or `null`. It also stays the same when the code adds a field or a variant, or
//! changes their order. Hashes of the form are stored as long as identities are kept, so a form must
//! never change. Another way to write the data is a new form with a number of its own (see
//! [`crate::identity`]).
//!
//! **Form 1**, in ASCII apart from the texts themselves:
//!
//! | what | written as |
//! |---|---|
//! | the whole | the command's type as a text, then its data as an object |
//! | a text | `s`, its number of bytes in decimal, `:`, its bytes in UTF-8 |
//! | an integer | `i`, its decimal digits, with `-` before them when it is negative, `;` |
//! | true, false, null | `t`, `f`, `n` |
//! | a list | `[`, its items, `]` |
//! | an object | `{`, its members, each the name as a text and the value, sorted by the bytes of the names, `}` |
//! | an enum | its wire name, as a text |
//! | a number in metadata | `d`, its digits with `-` before them when it is negative, `e`, its exponent, `;` |
//!
//! A member of an object is left out when an absent field would be decoded to the same value: `null`
//! for an optional field, `false` or an empty list for others. Therefore a new field must have one of
//! these as its default. An optional field with a value is always written, also an empty list: an
//! empty list may mean something else than an absent one.
//!
//! Metadata are any JSON object, so nothing in them has a default: all members are written, also `null` and empty ones. Their
//! numbers are the same when their values are: the digits begin and end with no 0, and the exponent counts from the last digit
//! (`1.50` and `15e-1` are `d15e-1;`, 1200 is `d12e2;`, 0 is `de0;`).
//!
//! Times are texts in RFC 3339 in UTC with six digits of a second, durations texts such as `900s` or
//! `1s 500000000ns`.
//!
//! Two different values never have the same form: the form of a value begins with its type, and its
//! end can be told from its beginning.
//!
//! The core thread builds the form of every command, so it must be fast. A trait of our own writes the
//! fields in sorted order at once. A `Serializer` for serde's derived code would get the fields in the
//! order of the source and have to sort them, which took a tenth of the core's time.

use std::fmt::{self, Write as _};
use std::time::Duration;

/// Data that has a canonical form.
pub trait Canonical {
    /// Appends the form of the value. Returns whether the value is written as a member of an object.
    fn write(&self, form: &mut Form) -> Member;
}

/// Form 1 of `data`, the data of a command of type `name`.
pub fn form1(name: &str, data: &impl Canonical) -> Vec<u8> {
    let mut form = Form { out: Vec::with_capacity(1024) };
    form.text(name);
    data.write(&mut form);
    form.out
}

/// Whether a value is written when it is a member of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// The value is left out: an absent field is decoded to the same value.
    LeftOut,
    /// The value is written.
    Written,
}

/// A canonical form that is being written.
#[derive(Debug)]
pub struct Form {
    out: Vec<u8>,
}

impl Form {
    /// Appends a text.
    #[inline]
    pub fn text(&mut self, text: &str) -> Member {
        self.out.reserve(text.len() + 8);
        match u8::try_from(text.len()) {
            Ok(length @ 0..=9) => self.out.extend_from_slice(&[b's', b'0' + length, b':']),
            Ok(length @ 10..=99) => {
                let [tens, ones] = [b'0' + length / 10, b'0' + length % 10];
                self.out.extend_from_slice(&[b's', tens, ones, b':']);
            }
            Ok(_) | Err(_) => {
                self.out.push(b's');
                self.out.extend_from_slice(itoa::Buffer::new().format(text.len()).as_bytes());
                self.out.push(b':');
            }
        }
        self.out.extend_from_slice(text.as_bytes());
        Member::Written
    }

    /// Appends the text that `shown` formats.
    pub fn shown(&mut self, shown: fmt::Arguments<'_>) -> Member {
        let mut text = String::with_capacity(40);
        let _ = text.write_fmt(shown); // writing to a string cannot fail
        self.text(&text)
    }

    /// Appends an integer.
    #[inline]
    pub fn integer(&mut self, number: impl itoa::Integer) -> Member {
        self.out.push(b'i');
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self.out.push(b';');
        Member::Written
    }

    /// Appends a number of metadata, in its one form.
    pub fn decimal(&mut self, sign: &str, digits: &str, exponent: i64) {
        for part in ["d", sign, digits, "e", itoa::Buffer::new().format(exponent), ";"] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    /// Appends `null`.
    pub fn null(&mut self) {
        self.out.push(b'n');
    }

    /// Begins a list. Its items must follow, then its [`end_list`](Self::end_list).
    pub fn begin_list(&mut self) {
        self.out.push(b'[');
    }

    /// Ends a list.
    pub fn end_list(&mut self) {
        self.out.push(b']');
    }

    /// Begins an object. Its members must follow, sorted by name, then its [`end`](Self::end).
    #[inline]
    pub fn begin(&mut self) {
        self.out.push(b'{');
    }

    /// Appends a member of an object, unless its value is left out.
    #[inline]
    pub fn member(&mut self, name: &str, value: &impl Canonical) {
        let start = self.out.len();
        self.text(name);
        if value.write(self) == Member::LeftOut {
            self.out.truncate(start);
        }
    }

    /// Ends an object.
    #[inline]
    pub fn end(&mut self) -> Member {
        self.out.push(b'}');
        Member::Written
    }
}

impl Canonical for bool {
    #[inline]
    fn write(&self, form: &mut Form) -> Member {
        form.out.push(if *self { b't' } else { b'f' });
        if *self { Member::Written } else { Member::LeftOut }
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Canonical for $type {
            #[inline]
            fn write(&self, form: &mut Form) -> Member {
                form.integer(*self)
            }
        }
    )*};
}

integers!(i64, u64);

impl Canonical for Duration {
    fn write(&self, form: &mut Form) -> Member {
        match (self.as_secs(), self.subsec_nanos()) {
            (secs, 0) => form.shown(format_args!("{secs}s")),
            (secs, nanos) => form.shown(format_args!("{secs}s {nanos}ns")),
        }
    }
}

impl<T: Canonical> Canonical for Option<T> {
    #[inline]
    fn write(&self, form: &mut Form) -> Member {
        match self {
            None => {
                form.null();
                Member::LeftOut
            }
            Some(value) => {
                value.write(form);
                Member::Written
            }
        }
    }
}

impl<T: Canonical> Canonical for Box<T> {
    fn write(&self, form: &mut Form) -> Member {
        (**self).write(form)
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn write(&self, form: &mut Form) -> Member {
        form.begin_list();
        for item in self {
            item.write(form);
        }
        form.end_list();
        if self.is_empty() { Member::LeftOut } else { Member::Written }
    }
}

/// Gives a struct its form: an object of all of its fields, which are listed in the order of their
/// wire names. A field that is missing, or out of order, does not compile.
macro_rules! canonical {
    ($type:ident { $($field:ident = $name:literal),* $(,)? }) => {
        impl $crate::canonical::Canonical for $type {
            fn write(&self, form: &mut $crate::canonical::Form) -> $crate::canonical::Member {
                let Self { $($field),* } = self;
                form.begin();
                $(form.member($name, $field);)*
                form.end()
            }
        }

        const _: () = assert!($crate::canonical::is_sorted(&[$($name),*]), "sort the names");
    };
}
pub(crate) use canonical;

/// Whether each name comes before the next by its bytes.
pub(crate) const fn is_sorted(names: &[&str]) -> bool {
    let mut next = 1;
    while next < names.len() {
        if !is_before(names[next - 1].as_bytes(), names[next].as_bytes()) {
            return false;
        }
        next += 1;
    }
    true
}

const fn is_before(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return a[at] < b[at];
        }
        at += 1;
    }
    a.len() < b.len()
}
