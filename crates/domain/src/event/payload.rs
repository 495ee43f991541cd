//! The data of events as subscribers read them: an event joined with the states of its unit.

use super::{Event, OrderChange, ReleaseReason, ReviewReason, SkuUnits};
use crate::address::Address;
use crate::cart::{Cart, CartLine, CartStatus};
use crate::command::{CallbackKind, Customer, DisputeOutcome};
use crate::id::{CartId, OrderId};
use crate::inventory::{HoldState, Reservation};
use crate::metadata::Metadata;
use crate::money::{Currency, Line, Quantity, UnitPrice, total};
use crate::notification::{Channel, NotificationKind};
use crate::order::{Order, OrderDetails, OrderSnapshot, Status};
use crate::payment::Refund;
use crate::time::Timestamp;
use crate::verdict::{Detail, Reason, Verdict};
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// The states of a unit that its events are about.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventContext<'a> {
    /// The order that the unit changed.
    pub order: Option<&'a Order>,
    /// Addresses and metadata of the order, when the unit set them.
    pub details: Option<&'a OrderDetails>,
    /// The carts that the unit changed, at most two.
    pub carts: &'a [Arc<Cart>],
    /// The reservation that the unit changed.
    pub reservation: Option<&'a Reservation>,
    /// The id of the order that the unit was about, also when the unit did not change the order.
    pub order_id: Option<&'a OrderId>,
}

impl<'a> EventContext<'a> {
    fn cart(self, id: &CartId) -> Option<&'a Cart> {
        self.carts.iter().find(|cart| cart.id == *id).map(AsRef::as_ref)
    }
}

/// The data of an event, which serialize to JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum EventPayload<'a> {
    /// `order.*`
    Order(OrderData<'a>),
    /// `payment.*`
    Payment(PaymentData<'a>),
    /// `stock.low`, `stock.changed`
    Sku(SkuData<'a>),
    /// `stock.held`, `stock.committed`, `stock.released`, `stock.returned`
    Reservation(ReservationData<'a>),
    /// `cart.*`
    Cart(CartData<'a>),
    /// `notification.*`
    Notification(NotificationData<'a>),
    /// `command.parked`
    Parked(ParkedData<'a>),
}

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

#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct PaymentData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<&'a OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispute_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CallbackKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DisputeOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct SkuData<'a> {
    pub sku: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_hand: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<u64>,
    pub available: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct ReservationData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<&'a OrderId>,
    pub lines: Vec<Units<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReleaseReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<&'a str>,
}

/// Units of one sku.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct Units<'a> {
    pub sku: &'a str,
    pub quantity: u64,
}

/// A cart, as events and the admin API show it.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct CartData<'a> {
    pub cart_id: &'a str,
    pub status: CartStatus,
    pub version: u64,
    pub currency: Currency,
    pub lines: Vec<LineData<'a>>,
    pub total: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<&'a OrderId>,
    pub updated_at: Timestamp,
}

/// A line of an order or a cart.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct LineData<'a> {
    pub sku: &'a str,
    pub quantity: Quantity,
    pub unit_price: UnitPrice,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct NotificationData<'a> {
    pub notification_id: &'a str,
    pub kind: NotificationKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<&'a OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A notification as a channel sends it.
#[derive(Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct NotificationMessage<'a> {
    pub notification_id: &'a str,
    pub kind: NotificationKind,
    pub order_id: &'a OrderId,
    pub customer: CustomerData<'a>,
    pub data: OrderData<'a>,
    pub attempt: u32,
}

/// The data of a customer. They have no `Debug`, so that the address and the telephone number are not logged.
#[derive(Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct CustomerData<'a> {
    pub id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<&'a str>,
}

impl<'a> From<&'a Customer> for CustomerData<'a> {
    fn from(customer: &'a Customer) -> Self {
        Self {
            id: customer.id.as_str(),
            email: customer.email.as_ref().map(crate::text::Text::as_str),
            phone: customer.phone.as_ref().map(crate::text::ShortText::as_str),
        }
    }
}

#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct ParkedData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parked_id: Option<&'a str>,
    pub reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a Detail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_id: Option<&'a str>,
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

    fn of(order: &'a Order, snapshot: OrderSnapshot, change: &'a OrderChange) -> Self {
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
            | OrderChange::Amended => data,
        }
    }
}

impl<'a> CartData<'a> {
    /// The current cart.
    pub fn new(cart: &'a Cart) -> Self {
        let Cart { id, status, version, currency, lines, order, updated_at } = cart;
        Self {
            cart_id: id.as_str(),
            status: *status,
            version: *version,
            currency: *currency,
            lines: lines.iter().map(LineData::from).collect(),
            // a sum that does not fit into 64 bits is refused at checkout; here it is only displayed
            total: total(lines.iter().map(|line| (line.quantity, line.unit_price)), [])
                .unwrap_or(i64::MAX),
            order_id: order.as_ref(),
            updated_at: *updated_at,
        }
    }
}

fn lines<S: Serializer>(lines: &[Line], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lines.iter().map(LineData::from))
}

impl<'a> From<&'a Line> for LineData<'a> {
    fn from(line: &'a Line) -> Self {
        let Line { sku, quantity, unit_price, name } = line;
        Self {
            sku: sku.as_str(),
            quantity: *quantity,
            unit_price: *unit_price,
            name: name.as_ref().map(crate::text::Text::as_str),
        }
    }
}

impl<'a> From<&'a CartLine> for LineData<'a> {
    fn from(line: &'a CartLine) -> Self {
        let CartLine { sku, quantity, unit_price, name } = line;
        Self {
            sku: sku.as_str(),
            quantity: *quantity,
            unit_price: *unit_price,
            name: name.as_ref().map(crate::text::Text::as_str),
        }
    }
}

impl<'a> EventPayload<'a> {
    /// The data of `event` in the `context` of its unit. `None`: the context lacks a state that the event
    /// needs. Units that this program sealed always have it.
    pub fn new(event: &'a Event, context: EventContext<'a>) -> Option<Self> {
        Some(match event {
            Event::Order { change, snapshot } => {
                let data = OrderData::of(context.order?, *snapshot, change);
                Self::Order(match change {
                    OrderChange::Placed | OrderChange::Amended => {
                        data.with_details(context.details)
                    }
                    _ => data,
                })
            }
            Event::PaymentRecorded { .. }
            | Event::RefundRequested { .. }
            | Event::VoidRequested { .. } => Self::Payment(payment(event, context)?),
            Event::StockLow { sku, available, version } => Self::Sku(SkuData {
                sku: sku.as_str(),
                on_hand: None,
                held: None,
                available: *available,
                version: *version,
            }),
            Event::StockChanged { sku, on_hand, held, version } => Self::Sku(SkuData {
                sku: sku.as_str(),
                on_hand: Some(*on_hand),
                held: Some(*held),
                available: on_hand - held,
                version: *version,
            }),
            Event::StockHeld { units } => {
                Self::Reservation(reservation(context, units.as_deref(), None)?)
            }
            Event::StockCommitted => Self::Reservation(reservation(context, None, None)?),
            Event::StockReleased { reason, units } => {
                Self::Reservation(reservation(context, units.as_deref(), Some(*reason))?)
            }
            Event::CartCheckedOut { cart_id }
            | Event::CartReopened { cart_id }
            | Event::CartChanged { cart_id }
            | Event::CartExpired { cart_id } => Self::Cart(CartData::new(context.cart(cart_id)?)),
            Event::StockReturned { refund_id, items } => Self::Reservation(ReservationData {
                order_id: context.order_id,
                lines: units_of(items),
                expires_at: None,
                reason: None,
                refund_id: refund_id.as_ref().map(crate::id::RefundId::as_str),
            }),
            Event::NotificationRequested { notification_id, kind } => {
                Self::Notification(NotificationData {
                    notification_id,
                    kind: *kind,
                    order_id: context.order_id,
                    attempts: None,
                    channel: None,
                    reason: None,
                })
            }
            Event::NotificationDelivered { notification_id, kind, attempts, channel } => {
                Self::Notification(NotificationData {
                    notification_id,
                    kind: *kind,
                    order_id: context.order_id,
                    attempts: Some(*attempts),
                    channel: Some(*channel),
                    reason: None,
                })
            }
            Event::NotificationFailed { notification_id, kind, attempts, channel, problem } => {
                Self::Notification(NotificationData {
                    notification_id,
                    kind: *kind,
                    order_id: context.order_id,
                    attempts: Some(*attempts),
                    channel: Some(*channel),
                    reason: problem.map(|problem| problem.to_string()),
                })
            }
            Event::CommandParked { parked_id, reason, detail, r#type, source, command_id } => {
                Self::Parked(ParkedData {
                    parked_id: parked_id.as_deref(),
                    reason: *reason,
                    detail: detail.as_ref(),
                    r#type: r#type.as_deref(),
                    source: source.as_ref().map(crate::id::Source::as_str),
                    command_id: command_id.as_ref().map(crate::id::CommandId::as_str),
                })
            }
        })
    }
}

fn payment<'a>(event: &'a Event, context: EventContext<'a>) -> Option<PaymentData<'a>> {
    let empty = PaymentData {
        order_id: context.order_id,
        provider: None,
        refund_id: None,
        dispute_id: None,
        attempt_id: None,
        kind: None,
        verdict: None,
        outcome: None,
        amount: None,
        currency: None,
    };
    match event {
        Event::PaymentRecorded {
            provider,
            attempt_id,
            kind,
            verdict,
            amount,
            currency,
            refund_id,
            dispute_id,
            outcome,
        } => Some(PaymentData {
            provider: Some(provider.as_str()),
            attempt_id: Some(attempt_id.as_str()),
            kind: Some(*kind),
            verdict: Some(*verdict),
            outcome: *outcome,
            amount: *amount,
            currency: *currency,
            refund_id: refund_id.as_ref().map(crate::id::RefundId::as_str),
            dispute_id: dispute_id.as_ref().map(crate::id::DisputeId::as_str),
            ..empty
        }),
        Event::RefundRequested { refund_id, attempt_id, amount, currency } => Some(PaymentData {
            refund_id: Some(refund_id.as_str()),
            attempt_id: attempt_id.as_ref().map(crate::id::AttemptId::as_str),
            amount: Some(*amount),
            currency: Some(*currency),
            ..empty
        }),
        Event::VoidRequested { attempt_id } => {
            Some(PaymentData { attempt_id: Some(attempt_id.as_str()), ..empty })
        }
        _ => None,
    }
}

/// The data of an event about held stock: about these units, or about the whole reservation.
fn reservation<'a>(
    context: EventContext<'a>,
    units: Option<&'a [SkuUnits]>,
    reason: Option<ReleaseReason>,
) -> Option<ReservationData<'a>> {
    let reservation = context.reservation?;
    let all = || {
        let items = reservation.items.iter();
        items.map(|item| Units { sku: item.sku.as_str(), quantity: item.quantity }).collect()
    };
    Some(ReservationData {
        order_id: context.order_id,
        lines: units.map_or_else(all, units_of),
        expires_at: match reservation.state {
            HoldState::Held { until, .. } if reason.is_none() => Some(until),
            // what was released of a hold does not expire any more
            HoldState::Held { .. }
            | HoldState::Committed
            | HoldState::Released
            | HoldState::Expired => None,
        },
        reason,
        refund_id: None,
    })
}

fn units_of(units: &[SkuUnits]) -> Vec<Units<'_>> {
    units.iter().map(|one| Units { sku: one.sku.as_str(), quantity: one.quantity }).collect()
}
