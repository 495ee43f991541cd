//! Where stock and reservations are in the store.

use crate::states::State;
use crate::tables;
use orderly_domain::inventory::{Reservation, Stock};
use orderly_domain::lists::{self, Listed};
use orderly_store::Table;

impl State for Reservation {
    const TABLE: Table = tables::ORDERS;
    const PART: u8 = 1;
    const IN_LISTS: bool = true;

    fn places(&self) -> Vec<Listed> {
        lists::of_reservation(self)
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.items.len() * 48 + 32
    }
}

impl State for Stock {
    const TABLE: Table = tables::SKUS;
    const PART: u8 = 0;

    fn weight(&self) -> usize {
        size_of::<Self>() + 32
    }
}
