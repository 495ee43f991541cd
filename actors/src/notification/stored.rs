//! Where an order's notifications are in the store.

use crate::states::State;
use crate::tables;
use orderly_domain::notification::Notices;
use orderly_store::Table;

impl State for Notices {
    const TABLE: Table = tables::ORDERS;
    const PART: u8 = 3;

    fn weight(&self) -> usize {
        let deliveries: usize = self.all.iter().map(|notice| notice.deliveries.len()).sum();
        size_of::<Self>() + self.all.len() * 208 + deliveries * 64
    }
}
