//! The tables that the caller defines. The store never decodes their entities.

use std::fmt;

use crate::codec::Undecodable;

/// The numbers of tables are below this. It is a part of the format: some records store a table in four bits.
pub const MAX_TABLES: usize = 16;

/// A table: a kind of entity, by its number in the store. Each table has ordinals of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(u8);

impl Table {
    /// The table with this number. A number that a released build used must never be given to another table.
    ///
    /// # Panics
    /// If `number` is not below [`MAX_TABLES`].
    pub const fn new(number: u8) -> Self {
        assert!((number as usize) < MAX_TABLES, "a table's number is too large");
        Self(number)
    }

    /// The number in the store.
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

/// The definition of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSpec {
    /// The table.
    pub table: Table,
    /// The name. A store records it: the same number under another name is refused.
    pub name: &'static str,
    /// The number of entities on a page, at least 1. Pages work best with 10 to 40 KB. The store keeps the number that
    /// it had when the table was created.
    pub per_page: u16,
}

/// The tables of the caller, and the format of their contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Every table, once.
    pub tables: &'static [TableSpec],
    /// The format of the entities and bodies that the caller stores. The caller must raise the number with every new
    /// form and every new table. A build that knows only a lower number refuses the store.
    pub contents: u32,
}

/// The number of entities on a page, by the table's index. 0: the store does not have the table.
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

    /// The number of entities on a page of a table.
    ///
    /// # Panics
    /// If the store does not have the table: the caller used a table that is not in its schema.
    pub(crate) fn of_table(&self, table: Table) -> usize {
        assert!(self.has(table), "{table:?} is not in the store's schema");
        usize::from(self.0[table.index()])
    }
}
