//! Where the payments of an order are in the store.

use crate::states::State;
use crate::tables;
use orderly_domain::payment::Payments;
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
