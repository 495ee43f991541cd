//! Where the payments of an order are in the store, and those of its items that have records of their own.

use crate::states::State;
use crate::tables;
use orderly_domain::lists::{self, Listed};
use orderly_domain::payment::{FoldedItem, Payments};
use orderly_store::Table;

impl State for Payments {
    const TABLE: Table = tables::ORDERS;
    const PART: u8 = 2;
    const IN_LISTS: bool = true;

    fn places(&self) -> Vec<Listed> {
        lists::of_payments(self)
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
            + (self.attempts.len() + self.refunds.len() + self.disputes.len()) * 256
            + self.waiting.len() * 512
    }
}

impl State for FoldedItem {
    const TABLE: Table = tables::FOLDED;
    const PART: u8 = 0;
    const IN_LISTS: bool = true;

    fn places(&self) -> Vec<Listed> {
        lists::of_folded_item(self)
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + 256
    }
}
