//! How stored fields are written where `minicbor` knows no form of its own for their types.
//!
//! Stored records are CBOR: a struct is an array of its fields by their numbers (`#[n(..)]`), an
//! enum with data an array of the variant's number and its fields. Readers pass over fields that
//! they do not know, and an optional field that is not there is `None`.

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

/// An optional enum with data. Derived code reads a variant that it does not know as `None`; here
/// that is an error, so that nothing is lost in silence.
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

    /// What a field that is not there is read as.
    #[allow(clippy::unnecessary_wraps, reason = "the signature is minicbor's")]
    pub(crate) fn nil<T>() -> Option<Option<T>> {
        Some(None)
    }

    /// Whether the field may be left out.
    pub(crate) fn is_nil<T>(value: &Option<T>) -> bool {
        value.is_none()
    }
}

/// Stores a newtype over `CompactString` as a text. What is read is checked as it was at the door.
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

/// Stores a newtype over a number as that number. What is read is checked as it was at the door.
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
