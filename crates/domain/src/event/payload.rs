//! The data of events as subscribers read them: an event joined with the states of its unit.
//!
//! | module | has |
//! |---|---|
//! | `order` | the data of `order.*` events |
//! | `payment` | the data of `payment.*` events |

mod order;
mod payment;

pub use order::{OrderData, OrderReason};
pub use payment::PaymentData;

use super::{Event, OrderChange, ReleaseReason, SkuUnits};
use crate::cart::{Cart, CartLine, CartStatus};
use crate::command::Customer;
use crate::id::{CartId, OrderId};
use crate::inventory::{HoldState, Reservation};
use crate::money::{Currency, Line, Quantity, UnitPrice, total};
use crate::notification::{Channel, NotificationKind};
use crate::order::{Order, OrderDetails};
use crate::time::Timestamp;
use crate::verdict::{Detail, Reason};
use serde::Serialize;
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
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct Units<'a> {
    pub sku: &'a str,
    pub quantity: u64,
}

/// A cart, as events and the admin API show it.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Cart")]
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
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Line")]
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
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Customer")]
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
            | Event::CaptureRequested { .. }
            | Event::VoidRequested { .. } => Self::Payment(PaymentData::of(event, context)?),
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
            HoldState::Held { until, .. } if reason.is_none() => until,
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
