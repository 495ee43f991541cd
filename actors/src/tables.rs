//! The tables of the store that hold the shop's entities. A number stays with its table for ever.

use orderly_store::{Schema, Table, TableSpec};

/// Orders, each with its reservation, its payments and its notifications.
pub const ORDERS: Table = Table::new(0);
/// Carts.
pub const CARTS: Table = Table::new(1);
/// Stock keeping units.
pub const SKUS: Table = Table::new(2);
/// Parked messages.
pub const PARKED: Table = Table::new(3);

/// Older attempts, refunds and disputes of orders that have many, one a record.
pub const FOLDED: Table = Table::new(4);

/// Every table, by its number.
pub const ALL: [Table; 5] = [ORDERS, CARTS, SKUS, PARKED, FOLDED];

/// What the store has to know of the tables. Pages are sized so that typical ones have 10 to 40 KB: an order has about
/// 1.2 KB.
pub const SCHEMA: Schema = Schema {
    tables: &[
        TableSpec { table: ORDERS, name: "orders", per_page: 32 },
        TableSpec { table: CARTS, name: "carts", per_page: 64 },
        TableSpec { table: SKUS, name: "skus", per_page: 128 },
        TableSpec { table: PARKED, name: "parked", per_page: 8 },
        TableSpec { table: FOLDED, name: "folded", per_page: 128 },
    ],
    contents: orderly_domain::stored::FORMAT,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_keep_their_numbers() {
        let numbers = SCHEMA.tables.iter().map(|spec| (spec.name, spec.table.number()));
        let expected = [("orders", 0), ("carts", 1), ("skus", 2), ("parked", 3), ("folded", 4)];
        assert_eq!(numbers.collect::<Vec<_>>(), expected);
        assert_eq!(ALL.map(Table::number), [0, 1, 2, 3, 4]);
    }
}
