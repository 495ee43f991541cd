//! The namespace that the store belongs to, which part of it, and the store's own id. All are written once, when the store is
//! created.

use std::fmt;

use uuid::Uuid;

use crate::codec::{Reader, Undecodable};
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::Kind;

pub(crate) const STORE_ID: &[u8] = b"store";

/// Which part of its namespace a store has: one partition of several, or all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// The number of the partition, from 0 on.
    pub number: u16,
    /// How many partitions the namespace has; 1: it has none, and the store has all of it.
    pub of: u16,
}

impl Partition {
    /// All of the namespace.
    pub const WHOLE: Self = Self { number: 0, of: 1 };
}

impl Default for Partition {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            1 => f.write_str("the whole of a namespace without partitions"),
            of => write!(f, "partition {} of {of}", self.number),
        }
    }
}

/// The namespace, the partition and the id of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreId {
    pub(crate) namespace: String,
    pub(crate) partition: Partition,
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
        let partition = Partition { number: u16_of(&mut reader)?, of: u16_of(&mut reader)? };
        if partition.number >= partition.of {
            return Err(Undecodable);
        }
        let namespace = String::from_utf8(reader.rest().to_vec()).map_err(|_| Undecodable)?;
        Ok(Self { namespace, partition, incarnation })
    }

    pub(crate) fn put(&self, batch: &mut Batch) {
        let mut record = vec![Kind::StoreId.version()];
        record.extend_from_slice(self.incarnation.as_bytes());
        record.extend_from_slice(&self.partition.number.to_le_bytes());
        record.extend_from_slice(&self.partition.of.to_le_bytes());
        record.extend_from_slice(self.namespace.as_bytes());
        batch.put(STORE_ID, record);
    }

    /// The first byte of the record. In a store without a stamp it is the format of the build that created the store.
    pub(crate) fn version_without_stamp(disk: &dyn Disk) -> Result<u32, Error> {
        let record = disk.get(Tree::Meta, STORE_ID)?;
        Ok(record.and_then(|record| record.first().copied()).map_or(0, u32::from))
    }
}

fn u16_of(reader: &mut Reader) -> Result<u16, Undecodable> {
    Ok(u16::from_le_bytes([reader.u8()?, reader.u8()?]))
}
