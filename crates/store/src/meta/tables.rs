//! The tables of a store. The list is written when the store is created, and when a build adds a table.

use crate::codec::{Reader, Undecodable, put_varint};
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::schema::{PageSizes, Schema, Table, TableSpec};

pub(crate) const TABLES: &[u8] = b"tables";

/// A table of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    table: Table,
    per_page: u16,
    name: String,
}

impl Entry {
    fn new(spec: &TableSpec) -> Self {
        Self { table: spec.table, per_page: spec.per_page.max(1), name: spec.name.to_owned() }
    }
}

/// Every table of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tables(Vec<Entry>);

impl Tables {
    /// The tables of a new store.
    pub(crate) fn new(schema: &Schema) -> Self {
        Self(schema.tables.iter().map(Entry::new).collect())
    }

    pub(crate) fn read(disk: &dyn Disk) -> Result<Self, Error> {
        let found = disk.get(Tree::Meta, TABLES)?;
        let record = found.ok_or_else(|| Error::corrupt(Kind::Tables.name(), TABLES))?;
        Self::decode(Reader::new(Kind::Tables.open(TABLES, record)?))
            .map_err(Error::undecodable(Kind::Tables.name(), TABLES))
    }

    fn decode(mut reader: Reader) -> Result<Self, Undecodable> {
        let mut entries = Vec::with_capacity(reader.count(4)?);
        for _ in 0..entries.capacity() {
            let table = Table::from_disk(reader.u8()?)?;
            let per_page = reader.u16()?;
            let len = reader.count(1)?;
            let name = String::from_utf8(reader.slice(len)?.to_vec()).map_err(|_| Undecodable)?;
            if per_page == 0 {
                return Err(Undecodable);
            }
            entries.push(Entry { table, per_page, name });
        }
        reader.end()?;
        Ok(Self(entries))
    }

    pub(crate) fn put(&self, batch: &mut Batch) {
        let mut record = vec![Kind::Tables.version()];
        put_varint(&mut record, self.0.len() as u64);
        for entry in &self.0 {
            record.push(entry.table.number());
            record.extend_from_slice(&entry.per_page.to_le_bytes());
            put_varint(&mut record, entry.name.len() as u64);
            record.extend_from_slice(entry.name.as_bytes());
        }
        batch.put(TABLES, record);
    }

    /// Adds the tables of the schema that the store does not have. Returns whether there were any. It is an error if
    /// the schema lacks a table of the store, or has it under another name.
    pub(crate) fn extend(&mut self, schema: &Schema) -> Result<bool, Error> {
        for entry in &self.0 {
            let is_it = |spec: &&TableSpec| spec.table == entry.table && spec.name == entry.name;
            if !schema.tables.iter().any(|spec| is_it(&spec)) {
                let (number, name) = (entry.table.number(), entry.name.clone());
                return Err(Error::UnknownTable { number, name });
            }
        }
        let before = self.0.len();
        for spec in schema.tables {
            if !self.0.iter().any(|entry| entry.table == spec.table) {
                self.0.push(Entry::new(spec));
            }
        }
        Ok(self.0.len() > before)
    }

    /// The number of entities on a page of each table.
    pub(crate) fn page_sizes(&self) -> PageSizes {
        PageSizes::new(self.0.iter().map(|entry| (entry.table, entry.per_page)))
    }
}
