//! Enums whose variants have a name on the wire and a number in the store.
//!
//! Invariant: a stored number always means the same variant. The numbers are in the source beside the
//! variants, and `tests/numbers.rs` fails when a number changes or is used again.

/// Defines an enum without data. Its variants have a name (`snake_case`, in JSON, metrics and logs) and
/// a number (in stored records). `as` gives it another name in JSON Schemas.
macro_rules! names {
    (@schema $type:ident) => { stringify!($type) };
    (@schema $type:ident $schema:literal) => { $schema };
    ($(#[doc = $about:literal])+ $type:ident $(as $schema:literal)? { $($(#[$doc:meta])* $name:ident = $number:literal,)* }) => {
        $(#[doc = $about])+
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize,
            strum::Display, strum::EnumString, strum::FromRepr, strum::IntoStaticStr, strum::VariantArray,
            strum::VariantNames,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        #[repr(u8)]
        pub enum $type {
            $($(#[$doc])* $name = $number,)*
        }

        impl $type {
            /// Every variant, in the order of the numbers.
            pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

            /// The name on the wire, in metrics and in logs.
            pub fn as_str(self) -> &'static str {
                self.into()
            }

            /// The variant with that name. `None`: no variant has it.
            pub fn from_name(name: &str) -> Option<Self> {
                name.parse().ok()
            }
        }

        // Derived code would also accept an object whose only member has the name of a variant.
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Name;
                impl serde::de::Visitor<'_> for Name {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        let names = <$type as strum::VariantNames>::VARIANTS;
                        write!(f, "one of {}", names.join(", "))
                    }

                    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<$type, E> {
                        let names = <$type as strum::VariantNames>::VARIANTS;
                        $type::from_name(name).ok_or_else(|| E::unknown_variant(name, names))
                    }
                }
                deserializer.deserialize_str(Name)
            }
        }

        // Derived code would make a list of schemas of it, one for each name.
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $crate::names::names!(@schema $type $($schema)?).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "enum": <$type as strum::VariantNames>::VARIANTS,
                    "description": concat!($($about),+).trim_ascii(),
                })
            }
        }

        $crate::names::stored_by_number!($type);

        impl $crate::canonical::Canonical for $type {
            #[inline]
            fn write(&self, form: &mut $crate::canonical::Form) -> $crate::canonical::Member {
                form.text(self.as_str())
            }
        }
    };
}
pub(crate) use names;

/// Stores an enum without data (`repr(u8)`, `strum::FromRepr`) by the number of its variant.
///
/// Derived code would not serve: it reads an unknown number in an optional field as `None`, so that a
/// stored reason would be lost in silence.
macro_rules! stored_by_number {
    ($type:ident) => {
        impl<C> minicbor::Encode<C> for $type {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.u8(*self as u8)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $type {
            fn decode(
                decoder: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                let at = decoder.position();
                Self::from_repr(decoder.u8()?).ok_or_else(|| {
                    let problem = concat!("unknown number of a ", stringify!($type));
                    minicbor::decode::Error::message(problem).at(at)
                })
            }
        }
    };
}
pub(crate) use stored_by_number;
