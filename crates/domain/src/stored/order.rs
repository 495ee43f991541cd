//! The history of what is stored of an order.
//!
//! | version | what changed |
//! |---|---|
//! | 1 | the first |
//! | 2 | whether the order has details |

use super::{Error, Stored, fields_of};
use crate::command::Customer;
use crate::id::{CartId, OrderId};
use crate::money::{Adjustment, Currency, Line};
use crate::order::{Order, Status};
use crate::time::Timestamp;
use minicbor::Decode;
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
    refunds_succeeded: i64,
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
            refunds_succeeded: old.refunds_succeeded,
            auto_refunds_requested: old.auto_refunds_requested,
            disputed: old.disputed,
            hold_for: old.hold_for,
            placed_at: old.placed_at,
            updated_at: old.updated_at,
            has_details: false,
        }
    }
}
