//! Where orders, their details, and what stays of deleted ones, are in the store.

use crate::states::State;
use crate::tables;
use orderly_domain::lists::{self, Listed};
use orderly_domain::order::{Order, OrderDetails, Tombstone};
use orderly_store::Table;

impl State for Order {
    const TABLE: Table = tables::ORDERS;
    const PART: u8 = 0;
    const IN_LISTS: bool = true;

    fn places(&self) -> Vec<Listed> {
        lists::of_order(self)
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + (self.lines.len() + self.adjustments.len()) * 96 + 64
    }
}

impl State for Tombstone {
    const TABLE: Table = tables::ORDERS;
    const PART: u8 = 4;

    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl State for OrderDetails {
    const TABLE: Table = tables::ORDERS;
    const PART: u8 = 5;

    fn weight(&self) -> usize {
        let metadata = self.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len());
        size_of::<Self>() + 1024 + metadata
    }
}
