//! Where carts are in the store.

use crate::states::State;
use crate::tables;
use orderly_domain::cart::Cart;
use orderly_store::Table;

impl State for Cart {
    const TABLE: Table = tables::CARTS;
    const PART: u8 = 0;

    fn weight(&self) -> usize {
        size_of::<Self>() + self.lines.len() * 96 + 32
    }
}
