//! What an order carries for the shop alone: addresses and metadata.

use crate::address::Address;
use crate::metadata::Metadata;
use minicbor::{Decode, Encode};

/// Addresses and metadata of an order. No rule depends on them, and few commands change them, so they are stored apart from
/// the order: an order without them has no details.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct OrderDetails {
    /// Where the goods are sent.
    #[n(0)]
    pub shipping_address: Option<Box<Address>>,
    /// The address for the invoice.
    #[n(1)]
    pub billing_address: Option<Box<Address>>,
    /// What the shop attached for itself.
    #[n(2)]
    pub metadata: Option<Metadata>,
}

impl OrderDetails {
    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        let Self { shipping_address, billing_address, metadata } = self;
        shipping_address.is_none() && billing_address.is_none() && metadata.is_none()
    }
}
