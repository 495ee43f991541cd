//! The history of what is stored of orders: of an order, and of the rest of a deleted one.
//!
//! | kind | version | what changed |
//! |---|---|---|
//! | order | 1 | the first |
//! | order | 2 | what confirms it, when its hold began, when it was completed, what was written off, early refunds |
//! | tombstone | 1 | the first |
//! | tombstone | 2 | the id of the order |

use super::{Error, Stored, fields_of};
use crate::command::Customer;
use crate::id::{CartId, OrderId};
use crate::money::{Adjustment, Currency, Line};
use crate::order::{ConfirmOn, Order, Status, Tombstone};
use crate::time::Timestamp;
use minicbor::Decode;
use orderly_planted::{Bug, is_planted};
use std::sync::Arc;
use std::time::Duration;

impl Stored for Order {
    const KIND: &'static str = "order";
    const VERSION: u8 = 2;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1 => fields_of::<OrderVersion1>(Self::KIND, fields).map(Self::from),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}

impl Stored for Tombstone {
    const KIND: &'static str = "tombstone";
    const VERSION: u8 = 2;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1 => fields_of::<TombstoneVersion1>(Self::KIND, fields).map(Self::from),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}

#[derive(Decode)]
struct OrderVersion1 {
    #[n(0)]
    id: OrderId,
    #[n(1)]
    customer: Customer,
    #[n(2)]
    currency: Currency,
    #[cbor(with = "crate::codec::shared")]
    #[n(3)]
    lines: Arc<[Line]>,
    #[cbor(with = "crate::codec::shared")]
    #[n(4)]
    adjustments: Arc<[Adjustment]>,
    #[n(5)]
    total: i64,
    #[n(6)]
    cart: Option<CartId>,
    #[n(7)]
    status: Status,
    #[n(8)]
    version: u64,
    #[n(9)]
    paid: i64,
    #[n(10)]
    refunded: i64,
    #[n(11)]
    auto_refunds_requested: i64,
    #[n(12)]
    disputed: bool,
    #[n(13)]
    hold_for: Duration,
    #[n(14)]
    placed_at: Timestamp,
    #[n(15)]
    updated_at: Timestamp,
}

impl From<OrderVersion1> for Order {
    fn from(old: OrderVersion1) -> Self {
        Self {
            // an order that was completed and then refunded did not keep the time
            completed_at: (old.status == Status::Completed).then_some(old.updated_at),
            id: old.id,
            customer: old.customer,
            currency: old.currency,
            lines: old.lines,
            adjustments: old.adjustments,
            total: old.total,
            cart: old.cart,
            status: old.status,
            version: old.version,
            paid: old.paid,
            refunded: old.refunded,
            auto_refunds_requested: old.auto_refunds_requested,
            disputed: old.disputed,
            hold_for: old.hold_for,
            placed_at: old.placed_at,
            updated_at: old.updated_at,
            confirm_on: ConfirmOn::Capture,
            hold_since: if is_planted(Bug::WrongUpgrade) { old.updated_at } else { old.placed_at },
            written_off: 0,
            // an order that has not been paid counts what comes back from now on
            early_refunds: 0,
            has_details: false,
        }
    }
}

#[derive(Decode)]
struct TombstoneVersion1 {
    #[n(0)]
    status: Status,
}

impl From<TombstoneVersion1> for Tombstone {
    fn from(old: TombstoneVersion1) -> Self {
        Self { status: old.status, id: None }
    }
}
