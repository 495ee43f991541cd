//! The tables that the caller keeps in a store. The store reads none of their entities.

use std::fmt;

use crate::codec::Undecodable;

/// Tables are numbered below this; part of the format, since some records keep a table in four bits.
pub const MAX_TABLES: usize = 16;

/// A kind of entity, by its number in the store. Each table counts its own ordinals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(u8);

impl Table {
    /// The table with this number. A number that was used once is never given to another table.
    ///
    /// # Panics
    /// If `number` is not below [`MAX_TABLES`].
    pub const fn new(number: u8) -> Self {
        assert!((number as usize) < MAX_TABLES, "a table's number is too large");
        Self(number)
    }

    /// Its number in the store.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Every number that a table may have.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0_u8..).take(MAX_TABLES).map(Self)
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn from_disk(byte: u8) -> Result<Self, Undecodable> {
        if usize::from(byte) < MAX_TABLES { Ok(Self(byte)) } else { Err(Undecodable) }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}", self.0)
    }
}

/// What the store has to know of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSpec {
    /// Its number.
    pub table: Table,
    /// Its name, for messages.
    pub name: &'static str,
    /// How many entities a page has room for, at least 1. Pages are at their best with 10 to 40 KB. The number counts
    /// when the table is made; the store keeps to it for ever.
    pub per_page: u16,
}

/// The tables that the caller keeps, and the form of what is in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Every table, once.
    pub tables: &'static [TableSpec],
    /// The number of the form that the caller gives to its entities and bodies. A new form or a new table raises it:
    /// a build that knows a lower number refuses the store.
    pub contents: u32,
}

/// How many entities a page of each table has room for, by the table's index; 0 for a table that the store has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageSizes([u16; MAX_TABLES]);

impl PageSizes {
    pub(crate) fn new(tables: impl IntoIterator<Item = (Table, u16)>) -> Self {
        let mut sizes = [0; MAX_TABLES];
        for (table, per_page) in tables {
            sizes[table.index()] = per_page;
        }
        Self(sizes)
    }

    /// Whether the store has the table.
    pub(crate) const fn has(&self, table: Table) -> bool {
        self.0[table.index()] > 0
    }

    /// The entities on one page of a table.
    ///
    /// # Panics
    /// If the store does not have the table: the caller uses one that it left out of its schema.
    pub(crate) fn of_table(&self, table: Table) -> usize {
        assert!(self.has(table), "{table:?} is not in the store's schema");
        usize::from(self.0[table.index()])
    }
}
