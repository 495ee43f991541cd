//! The data of `order.*` events and of notifications.

use super::super::{OrderChange, ReviewReason};
use super::LineData;
use crate::address::Address;
use crate::command::DisputeOutcome;
use crate::id::OrderId;
use crate::metadata::Metadata;
use crate::money::{Currency, Line};
use crate::order::{Order, OrderDetails, OrderSnapshot, Status};
use crate::payment::Refund;
use crate::verdict::{Detail, Reason};
use serde::{Serialize, Serializer};

/// The data of every `order.*` event.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct OrderData<'a> {
    pub order_id: &'a OrderId,
    pub status: Status,
    pub version: u64,
    pub total: i64,
    pub paid: i64,
    pub refunded: i64,
    pub currency: Currency,
    #[serde(serialize_with = "lines")]
    pub lines: &'a [Line],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<OrderReason<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a Detail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<&'a str>,
    /// The currency of `total`, `paid` and `refunded`, when `currency` is that of a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_currency: Option<Currency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispute_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DisputeOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<&'a Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<&'a Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<&'a Metadata>,
}

/// Why an order was rejected, cancelled or put under review.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "named after the events that give them")]
pub enum OrderReason<'a> {
    Rejected(Reason),
    Review(ReviewReason),
    Cancelled(&'a str),
}

impl<'a> OrderData<'a> {
    /// The order as it was in `snapshot`.
    pub fn new(order: &'a Order, snapshot: OrderSnapshot) -> Self {
        let OrderSnapshot { status, version, paid, refunded } = snapshot;
        Self {
            order_id: &order.id,
            status,
            version,
            total: order.total,
            paid,
            refunded,
            currency: order.currency,
            lines: &order.lines,
            late: None,
            amount: None,
            reason: None,
            detail: None,
            refund_id: None,
            order_currency: None,
            provider: None,
            dispute_id: None,
            outcome: None,
            shipping_address: None,
            billing_address: None,
            metadata: None,
        }
    }

    /// With the addresses and the metadata of the order, if it has any.
    #[must_use]
    pub fn with_details(self, details: Option<&'a OrderDetails>) -> Self {
        let Some(OrderDetails { shipping_address, billing_address, metadata }) = details else {
            return self;
        };
        Self {
            shipping_address: shipping_address.as_deref(),
            billing_address: billing_address.as_deref(),
            metadata: metadata.as_ref(),
            ..self
        }
    }

    /// The current order and one of its refunds: `amount` and `currency` are those of the refund.
    pub fn of_refund(order: &'a Order, refund: &'a Refund) -> Self {
        Self {
            refund_id: Some(refund.id.as_str()),
            amount: Some(refund.amount),
            currency: refund.currency,
            order_currency: Some(order.currency),
            ..Self::new(order, order.into())
        }
    }

    pub(super) fn of(order: &'a Order, snapshot: OrderSnapshot, change: &'a OrderChange) -> Self {
        let data = Self::new(order, snapshot);
        match change {
            OrderChange::Rejected { reason, detail } => Self {
                reason: Some(OrderReason::Rejected(*reason)),
                detail: detail.as_ref(),
                ..data
            },
            OrderChange::Paid { late } => Self { late: Some(*late), ..data },
            OrderChange::UnderReview { reason } => {
                Self { reason: Some(OrderReason::Review(*reason)), ..data }
            }
            OrderChange::Cancelled { reason: Some(reason) } => {
                Self { reason: Some(OrderReason::Cancelled(reason.as_str())), ..data }
            }
            OrderChange::RefundDue { amount } => Self { amount: Some(*amount), ..data },
            OrderChange::Disputed { provider, dispute_id } => Self {
                provider: Some(provider.as_str()),
                dispute_id: Some(dispute_id.as_str()),
                ..data
            },
            OrderChange::DisputeClosed { provider, dispute_id, outcome } => Self {
                provider: Some(provider.as_str()),
                dispute_id: Some(dispute_id.as_str()),
                outcome: Some(*outcome),
                ..data
            },
            OrderChange::Placed
            | OrderChange::PartiallyPaid
            | OrderChange::Expired
            | OrderChange::Cancelled { reason: None }
            | OrderChange::Refunded
            | OrderChange::PartiallyRefunded
            | OrderChange::Completed
            | OrderChange::Authorized
            | OrderChange::AuthorizationLost
            | OrderChange::Amended => data,
        }
    }
}

fn lines<S: Serializer>(lines: &[Line], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lines.iter().map(LineData::from))
}
