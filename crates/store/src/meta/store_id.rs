//! The namespace that the store belongs to, and the store's own id. Both are written once, when the store is created.

use uuid::Uuid;

use crate::codec::{Reader, Undecodable};
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::Kind;

pub(crate) const STORE_ID: &[u8] = b"store";

/// The namespace and the id of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreId {
    pub(crate) namespace: String,
    pub(crate) incarnation: Uuid,
}

impl StoreId {
    pub(crate) fn read(disk: &dyn Disk) -> Result<Self, Error> {
        let found = disk.get(Tree::Meta, STORE_ID)?;
        let record = found.ok_or_else(|| Error::corrupt(Kind::StoreId.name(), STORE_ID))?;
        Self::decode(Reader::new(Kind::StoreId.open(STORE_ID, record)?))
            .map_err(Error::undecodable(Kind::StoreId.name(), STORE_ID))
    }

    fn decode(mut reader: Reader) -> Result<Self, Undecodable> {
        let incarnation = Uuid::from_bytes(reader.hash()?);
        let namespace = String::from_utf8(reader.rest().to_vec()).map_err(|_| Undecodable)?;
        Ok(Self { namespace, incarnation })
    }

    pub(crate) fn put(&self, batch: &mut Batch) {
        let mut record = vec![Kind::StoreId.version()];
        record.extend_from_slice(self.incarnation.as_bytes());
        record.extend_from_slice(self.namespace.as_bytes());
        batch.put(STORE_ID, record);
    }

    /// The first byte of the record. In a store without a stamp it is the format of the build that created the store.
    pub(crate) fn version_without_stamp(disk: &dyn Disk) -> Result<u32, Error> {
        let record = disk.get(Tree::Meta, STORE_ID)?;
        Ok(record.and_then(|record| record.first().copied()).map_or(0, u32::from))
    }
}
