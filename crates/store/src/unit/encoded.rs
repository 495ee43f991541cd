//! A unit together with its bytes.

use std::borrow::Borrow;
use std::sync::Arc;

use bytes::Bytes;

use super::content::Unit;
use crate::codec::Reader;
use crate::error::Error;
use crate::format::Kind;

/// A unit and its bytes, as stores exchange them. They may be of an older build: the store keeps them as they are, so
/// that a hash over them stays the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedUnit {
    /// The unit.
    pub unit: Arc<Unit>,
    /// Its bytes, which begin with their version.
    pub bytes: Bytes,
}

impl Borrow<Unit> for EncodedUnit {
    fn borrow(&self) -> &Unit {
        &self.unit
    }
}

impl EncodedUnit {
    /// A unit with its bytes as this build writes them.
    pub fn new(unit: Arc<Unit>) -> Self {
        let mut bytes = Vec::new();
        unit.encode(&mut bytes);
        Self { unit, bytes: bytes.into() }
    }

    /// Reads the bytes of a unit of this build or an older one. The unit shares their memory.
    pub fn read(bytes: Bytes) -> Result<Self, Error> {
        Self::read_at(b"", bytes)
    }

    /// Reads the bytes of a unit that the record under `key` has.
    pub(crate) fn read_at(key: &[u8], bytes: Bytes) -> Result<Self, Error> {
        let corrupt = || Error::undecodable(Kind::Unit.name(), key);
        let mut reader = Reader::new(Kind::Unit.open(key, bytes.clone())?);
        let unit = Unit::decode(&mut reader).map_err(corrupt())?;
        reader.end().map_err(corrupt())?;
        Ok(Self { unit: Arc::new(unit), bytes })
    }
}
