//! Where the payments of an order are in the store, and those of its items that have records of their own.

use crate::states::State;
use crate::tables;
use orderly_domain::payment::{FoldedItem, Payments};
use orderly_store::Table;

impl State for Payments {
    const TABLE: Table = tables::ORDERS;
    const PART: u8 = 2;

    fn weight(&self) -> usize {
        size_of::<Self>()
            + (self.attempts.len() + self.refunds.len() + self.disputes.len()) * 256
            + self.waiting.len() * 512
    }
}

impl State for FoldedItem {
    const TABLE: Table = tables::FOLDED;
    const PART: u8 = 0;

    fn weight(&self) -> usize {
        size_of::<Self>() + 256
    }
}
