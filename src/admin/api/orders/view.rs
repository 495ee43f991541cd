//! What the API shows of an order. Each view names every field of the state that it shows: a new field does not compile
//! until it is shown or left out.

mod payments;

use self::payments::{AcceptedView, AttemptView, DisputeView, FoldedView, RefundView};
use super::Found;
use crate::admin::operation::views;
use orderly_actors::audit;
use orderly_domain::address::Address;
use orderly_domain::event::payload::{CustomerData, LineData, Units};
use orderly_domain::inventory::{HoldState, Item, Reservation};
use orderly_domain::metadata::Metadata;
use orderly_domain::money::{Adjustment, Currency};
use orderly_domain::order::{ConfirmOn, Order, OrderDetails, Status};
use orderly_domain::payment::rules::{not_settled, summary};
use orderly_domain::payment::{EndedAttempts, Payments};
use orderly_domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// An order, with its stock and its payments. Amounts are minor units of its currency where no other one is named.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Order")]
pub(in crate::admin::api) struct OrderView<'a> {
    order_id: &'a str,
    status: Status,
    disputed: bool,
    customer: CustomerData<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<&'a Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<&'a Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    currency: Currency,
    lines: Vec<LineData<'a>>,
    adjustments: &'a [Adjustment],
    total: i64,
    paid: i64,
    refunded: i64,
    /// What is open of authorizations in the order's currency.
    authorized: i64,
    /// What a person let go of the total.
    written_off: i64,
    confirm_on: ConfirmOn,
    reservation: Option<ReservationView<'a>>,
    attempts: Vec<AttemptView<'a>>,
    /// Attempts that ended without money and are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_attempts: Option<EndedAttempts>,
    refunds: Vec<RefundView<'a>>,
    disputes: Vec<DisputeView<'a>>,
    /// Money that does not fit the order, as a person accepted it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<AcceptedView>,
    /// The sums of older attempts, refunds and disputes, which are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    folded: Option<FoldedView>,
    /// Why a person must look at the order, a text each, as in `/api/attention`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attention: Vec<String>,
    /// How many parked messages name the order: `/api/parked?order_id=` has them.
    parked: u64,
    version: u64,
    placed_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
}

views!(OrderView);

impl Found {
    pub(in crate::admin::api) fn view(&self) -> OrderView<'_> {
        let Self { order, details, reservation, payments, parked } = self;
        let Order {
            id,
            customer,
            currency,
            lines,
            adjustments,
            total,
            cart: _, // the cart names the order
            status,
            version,
            paid,
            refunded,
            auto_refunds_requested: _, // each refund that was requested is shown
            disputed,
            hold_for: _, // the reservation shows when it expires
            placed_at,
            updated_at,
            confirm_on,
            hold_since: _,    // the reservation shows when it expires
            early_refunds: _, // each refund is shown
            has_details: _,   // the details are shown
            completed_at,
            written_off,
        } = order;
        let OrderDetails { shipping_address, billing_address, metadata } = details;
        let Payments {
            attempts,
            refunds,
            disputes,
            waiting: _, // none waits for an order that is there
            ended,
            accepted,
            folded,
            made_good: _, // each refund that failed shows what of it is settled
            derived_refunds: _,
        } = payments;
        let not_settled = not_settled(payments, *currency);
        OrderView {
            order_id: id.as_str(),
            status: *status,
            disputed: *disputed,
            customer: customer.into(),
            shipping_address: shipping_address.as_deref(),
            billing_address: billing_address.as_deref(),
            metadata: metadata.as_ref(),
            currency: *currency,
            lines: lines.iter().map(LineData::from).collect(),
            adjustments,
            total: *total,
            paid: *paid,
            refunded: *refunded,
            authorized: summary(payments, *currency).authorized,
            written_off: *written_off,
            confirm_on: *confirm_on,
            reservation: reservation.as_ref().map(ReservationView::from),
            attempts: attempts.iter().map(AttemptView::from).collect(),
            ended_attempts: (!ended.is_none()).then_some(*ended),
            refunds: refunds.iter().zip(not_settled).map(RefundView::from).collect(),
            disputes: disputes.iter().map(DisputeView::from).collect(),
            accepted: accepted.iter().map(AcceptedView::from).collect(),
            folded: folded.as_ref().and_then(|folded| FoldedView::of(&folded.sums)),
            attention: audit::attention(order, payments),
            parked: *parked,
            version: *version,
            placed_at: *placed_at,
            updated_at: *updated_at,
            completed_at: *completed_at,
        }
    }
}

/// The stock of an order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reservation")]
struct ReservationView<'a> {
    state: ReservationState,
    /// The end of a hold. A frozen hold ends at the cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// Whether the hold does not expire before the cap, since a payment attempt is open.
    frozen: bool,
    lines: Vec<Reserved<'a>>,
}

/// What became of the stock of an order.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ReservationState {
    Held,
    Committed,
    Released,
    Expired,
}

/// Units of a sku that are held for an order, or were sold to it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReservedUnits")]
struct Reserved<'a> {
    #[serde(flatten)]
    units: Units<'a>,
    /// Units that came back after they were sold.
    returned: u64,
}

impl<'a> From<&'a Reservation> for ReservationView<'a> {
    fn from(reservation: &'a Reservation) -> Self {
        let Reservation { items, state } = reservation;
        let (state, expires_at, frozen) = match state {
            HoldState::Held { until, frozen, extended: _ } => {
                (ReservationState::Held, *until, frozen.is_some())
            }
            HoldState::Committed => (ReservationState::Committed, None, false),
            HoldState::Released => (ReservationState::Released, None, false),
            HoldState::Expired => (ReservationState::Expired, None, false),
        };
        let reserved = |Item { sku, number: _, quantity, returned }: &'a Item| Reserved {
            units: Units { sku: sku.as_str(), quantity: *quantity },
            returned: *returned,
        };
        Self { state, expires_at, frozen, lines: items.iter().map(reserved).collect() }
    }
}
