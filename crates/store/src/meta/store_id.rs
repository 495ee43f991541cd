//! What store this is: written once, when the store is made.

use uuid::Uuid;

use super::version::VERSION;
use crate::codec::Reader;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;

const STORE: &[u8] = b"store";

/// What store this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreId {
    pub(crate) namespace: String,
    pub(crate) incarnation: Uuid,
}

impl StoreId {
    pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Self>, Error> {
        let Some(record) = disk.get(Tree::Meta, STORE)? else {
            return Ok(None);
        };
        let mut reader = Reader::new(record);
        let corrupt = || Error::undecodable("store record", STORE);
        Error::check_version("store record", reader.u8().map_err(corrupt())?, VERSION)?;
        let incarnation = Uuid::from_bytes(reader.hash().map_err(corrupt())?);
        let namespace = reader.slice(reader.remaining()).map_err(corrupt())?;
        let namespace = String::from_utf8(namespace.to_vec())
            .map_err(|_| Error::corrupt("store record", STORE))?;
        Ok(Some(Self { namespace, incarnation }))
    }

    pub(crate) fn write(&self, disk: &dyn Disk) -> Result<(), Error> {
        let mut record = vec![VERSION];
        record.extend_from_slice(self.incarnation.as_bytes());
        record.extend_from_slice(self.namespace.as_bytes());
        let mut batch = Batch::new(Tree::Meta);
        batch.put(STORE, record);
        Ok(disk.write(batch)?)
    }
}
