//! The stored form of types that `minicbor` cannot encode by itself.
//!
//! Stored records are CBOR. A struct is an array of its fields, at the places of their numbers
//! (`#[n(..)]`). An enum with data is an array of the variant's number and its fields. Readers skip
//! unknown fields, and read an absent optional field as `None`.

/// `Arc<[T]>`, as a list.
pub(crate) mod shared {
    use minicbor::decode::{Decode, Decoder, Error};
    use minicbor::encode::{self, Encode, Encoder, Write};
    use std::sync::Arc;

    /// Writes the list.
    pub(crate) fn encode<C, T: Encode<C>, W: Write>(
        items: &Arc<[T]>,
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        items.as_ref().encode(encoder, context)
    }

    /// Reads the list.
    pub(crate) fn decode<'b, C, T: Decode<'b, C>>(
        decoder: &mut Decoder<'b>,
        context: &mut C,
    ) -> Result<Arc<[T]>, Error> {
        Vec::decode(decoder, context).map(Arc::from)
    }
}

/// `Vec<CompactString>`, as a list of texts.
pub(crate) mod texts {
    use compact_str::CompactString;
    use minicbor::decode::{Decoder, Error};
    use minicbor::encode::{self, Encoder, Write};

    /// Writes the texts.
    pub(crate) fn encode<C, W: Write>(
        texts: &[CompactString],
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        encoder.array(texts.len() as u64)?;
        for text in texts {
            encoder.str(text)?;
        }
        Ok(())
    }

    /// Reads the texts.
    pub(crate) fn decode<C>(
        decoder: &mut Decoder<'_>,
        _: &mut C,
    ) -> Result<Vec<CompactString>, Error> {
        decoder.array_iter::<&str>()?.map(|text| text.map(CompactString::new)).collect()
    }
}

/// An optional enum with data. Derived code would read an unknown variant as `None`. Here that is an
/// error, so that no stored value is lost in silence.
#[allow(clippy::option_option, clippy::ref_option, reason = "the signatures are minicbor's")]
pub(crate) mod strict {
    use minicbor::decode::{Decode, Decoder, Error};
    use minicbor::encode::{self, Encode, Encoder, Write};

    /// Writes the value, or null.
    pub(crate) fn encode<C, T: Encode<C>, W: Write>(
        value: &Option<T>,
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        value.encode(encoder, context)
    }

    /// Reads the value, or null.
    pub(crate) fn decode<'b, C, T: Decode<'b, C>>(
        decoder: &mut Decoder<'b>,
        context: &mut C,
    ) -> Result<Option<T>, Error> {
        let at = decoder.position();
        Option::decode(decoder, context).map_err(|error| {
            if error.is_unknown_variant() {
                Error::message("unknown number of a variant").at(at)
            } else {
                error
            }
        })
    }

    /// The value of an absent field.
    #[allow(clippy::unnecessary_wraps, reason = "the signature is minicbor's")]
    pub(crate) fn nil<T>() -> Option<Option<T>> {
        Some(None)
    }

    /// Whether the field may be left out.
    pub(crate) fn is_nil<T>(value: &Option<T>) -> bool {
        value.is_none()
    }
}

/// Stores a newtype over `CompactString` as a text. A text that is read is validated again, as it was
/// when the command was decoded.
macro_rules! stored_text {
    ($name:ident) => {
        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.str(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                decoder: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                let at = decoder.position();
                let text = CompactString::new(decoder.str()?);
                Self::try_from(text).map_err(|error| minicbor::decode::Error::message(error).at(at))
            }
        }
    };
}
pub(crate) use stored_text;

/// Stores a newtype over a number as that number. A number that is read is validated again, as it was
/// when the command was decoded.
macro_rules! stored_number {
    ($name:ident: |$this:ident| $out:expr, |$number:ident: $kind:ty| $in:expr) => {
        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                context: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                let $this = self;
                let number: $kind = $out;
                number.encode(encoder, context)
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                decoder: &mut minicbor::Decoder<'b>,
                context: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                let at = decoder.position();
                let $number = <$kind>::decode(decoder, context)?;
                $in.ok_or_else(|| {
                    let problem = concat!("a ", stringify!($name), " out of its bounds");
                    minicbor::decode::Error::message(problem).at(at)
                })
            }
        }
    };
}
pub(crate) use stored_number;
