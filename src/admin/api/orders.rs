//! `GET /api/orders`, `GET /api/orders/{id}`.
//!
//! Each view names every field of the state that it shows: a new field does not compile until it is shown or left out.

use super::backend::Json;
use super::pages::{self, List};
use super::{Backend, Error, find};
use crate::admin::listing::Window;
use crate::admin::problem::Problem;
use crate::admin::query::{Query, parameters};
use actix_web::web::{Data, Path};
use orderly_actors::states::State;
use orderly_actors::states::part;
use orderly_actors::tables;
use orderly_domain::address::Address;
use orderly_domain::event::payload::{CustomerData, LineData, Units};
use orderly_domain::inventory::{HoldState, Item, Reservation};
use orderly_domain::metadata::Metadata;
use orderly_domain::order::{ConfirmOn, Order, OrderDetails, Status, Tombstone};
use orderly_domain::payment::rules::summary;
use orderly_domain::payment::{
    Accepted, Attempt, Capture, CaptureIdentity, Dispute, EndedAttempts, Payments, Refund,
    RefundPart,
};
use orderly_domain::time::Timestamp;
use orderly_store::{Entity, Ordinal, Parts, Reader, Table};
use serde::Serialize;
use serde_json::{Value, json as value};

/// Everything about one order.
struct Found {
    order: Order,
    details: OrderDetails,
    reservation: Option<Reservation>,
    payments: Payments,
}

impl Found {
    fn of(entity: &Entity) -> Result<Option<Self>, Error> {
        let Some(order) = part(entity)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            order,
            details: part(entity)?.unwrap_or_default(),
            reservation: part(entity)?,
            payments: part(entity)?.unwrap_or_default(),
        }))
    }

    fn view(&self) -> OrderView<'_> {
        let Self { order, details, reservation, payments } = self;
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
        } = payments;
        OrderView {
            order_id: id.as_str(),
            status: *status,
            disputed: *disputed,
            customer: customer.into(),
            shipping_address: shipping_address.as_deref(),
            billing_address: billing_address.as_deref(),
            metadata: metadata.as_ref(),
            currency: currency.code(),
            lines: lines.iter().map(LineData::from).collect(),
            adjustments,
            total: *total,
            paid: *paid,
            refunded: *refunded,
            authorized: summary(payments, *currency).authorized,
            written_off: *written_off,
            confirm_on: *confirm_on,
            reservation: reservation.as_ref().map(ReservationView::from),
            attempts: attempts.iter().map(attempt).collect(),
            ended_attempts: (!ended.is_none()).then_some(*ended),
            refunds: refunds.iter().map(refund).collect(),
            disputes: disputes.iter().map(dispute).collect(),
            accepted: accepted.iter().map(acceptance).collect(),
            version: *version,
            placed_at: *placed_at,
            updated_at: *updated_at,
            completed_at: *completed_at,
        }
    }
}

#[derive(Serialize)]
struct OrderView<'a> {
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
    currency: &'static str,
    lines: Vec<LineData<'a>>,
    adjustments: &'a [orderly_domain::money::Adjustment],
    total: i64,
    paid: i64,
    refunded: i64,
    authorized: i64,
    #[serde(skip_serializing_if = "is_zero")]
    written_off: i64,
    confirm_on: ConfirmOn,
    reservation: Option<ReservationView<'a>>,
    attempts: Vec<Value>,
    /// Attempts that ended without money and are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_attempts: Option<EndedAttempts>,
    refunds: Vec<Value>,
    disputes: Vec<Value>,
    /// Money that does not fit the order, as a person accepted it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<Value>,
    version: u64,
    placed_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

#[derive(Serialize)]
struct ReservationView<'a> {
    state: &'static str,
    /// The end of a hold. A frozen hold ends at the cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// Whether the hold does not expire before the cap, since a payment attempt is open.
    frozen: bool,
    lines: Vec<Reserved<'a>>,
}

#[derive(Serialize)]
struct Reserved<'a> {
    #[serde(flatten)]
    units: Units<'a>,
    /// Units that came back after they were sold.
    returned: u64,
}

impl<'a> From<&'a Reservation> for ReservationView<'a> {
    fn from(reservation: &'a Reservation) -> Self {
        let Reservation { items, state } = reservation;
        let (expires_at, frozen) = match state {
            HoldState::Held { until, frozen, extended: _ } => (*until, frozen.is_some()),
            HoldState::Committed | HoldState::Released | HoldState::Expired => (None, false),
        };
        let reserved = |Item { sku, number: _, quantity, returned }: &'a Item| Reserved {
            units: Units { sku: sku.as_str(), quantity: *quantity },
            returned: *returned,
        };
        Self {
            state: state.as_str(),
            expires_at,
            frozen,
            lines: items.iter().map(reserved).collect(),
        }
    }
}

fn attempt(attempt: &Attempt) -> Value {
    let Attempt {
        provider,
        id,
        state,
        authorized,
        captures,
        currency,
        closed,
        void_requested,
        authorized_at: _, // only tells which authorizations are known
        capture_requested,
        capture_requests: _,
    } = attempt;
    let captures = captures.iter().map(|Capture { identity, amount, currency, at }| {
        let mut shown = value!({
            "capture_id": null, "amount": amount, "currency": currency, "at": at,
        });
        match identity {
            CaptureIdentity::Capture(id) => shown["capture_id"] = value!(id),
            CaptureIdentity::Event(id) => shown["event_id"] = value!(id),
        }
        shown
    });
    value!({
        "provider": provider, "attempt_id": id, "state": state,
        "authorized": authorized, "currency": currency,
        "final": closed, "void_requested": void_requested,
        "capture_requested": capture_requested,
        "captures": captures.collect::<Vec<_>>(),
    })
}

fn refund(refund: &Refund) -> Value {
    let Refund {
        id,
        provider,
        attempt,
        amount,
        currency,
        state,
        restocked,
        request,
        succeeded_at: _, // the timeline shows it
        early: _,
    } = refund;
    let mut shown = value!({
        "refund_id": id, "provider": provider, "attempt_id": attempt, "amount": amount,
        "currency": currency, "state": state, "restocked": restocked,
    });
    if let Some(RefundPart { part, parts, tries }) = request {
        shown["part"] = value!(part);
        shown["parts"] = value!(parts);
        shown["try"] = value!(tries);
    }
    shown
}

fn dispute(dispute: &Dispute) -> Value {
    let Dispute { id, state, provider } = dispute;
    value!({ "dispute_id": id, "provider": provider, "state": state })
}

fn acceptance(accepted: &Accepted) -> Value {
    let Accepted { currency, captured, excess } = accepted;
    value!({ "currency": currency, "captured": captured, "excess": excess })
}

/// The parts that make up an order.
const PARTS: Parts =
    Parts::of(&[Order::PART, OrderDetails::PART, Reservation::PART, Payments::PART]);
/// The same, and the tombstone of an order that was deleted.
const PARTS_OR_TOMBSTONE: Parts = Parts::of(&[
    Order::PART,
    OrderDetails::PART,
    Reservation::PART,
    Payments::PART,
    Tombstone::PART,
]);

/// The ordinal of an order, unless the order was deleted.
pub(super) fn number(reader: &Reader, id: &str) -> Result<Ordinal, Error> {
    let ordinal = find(reader, tables::ORDERS, "order", id)?;
    let entity = reader.entity(tables::ORDERS, ordinal, Parts::of(&[Tombstone::PART]))?;
    not_deleted(&entity)?;
    Ok(ordinal)
}

fn not_deleted(entity: &Entity) -> Result<(), Error> {
    match part::<Tombstone>(entity)? {
        Some(tombstone) => Err(Error::Deleted(tombstone.status)),
        None => Ok(()),
    }
}

pub(super) async fn one(backend: Data<Backend>, id: Path<String>) -> Result<Json, Problem> {
    backend.query(move |reader| read(reader, &id)).await
}

fn read(reader: &Reader, id: &str) -> Result<Json, Error> {
    let ordinal = find(reader, tables::ORDERS, "order", id)?;
    let entity = reader.entity(tables::ORDERS, ordinal, PARTS_OR_TOMBSTONE)?;
    not_deleted(&entity)?;
    if let Some(found) = Found::of(&entity)? {
        return Json::new(&found.view());
    }
    // Without an order the id has an ordinal only since callbacks came before their order.
    match part::<Payments>(&entity)? {
        Some(known) if !known.waiting.is_empty() => Err(Error::Awaited(known.waiting.len())),
        Some(_) | None => Err(Error::NotFound("order")),
    }
}

parameters! {
    /// The orders that a caller asks for.
    pub(super) struct Filter {
        /// Only orders of this status.
        status: Option<Status>,
        ..window: Window
    }
}

/// Orders, of one status or of all.
struct Orders {
    status: Option<Status>,
}

impl List for Orders {
    type Item = Found;
    const TABLE: Table = tables::ORDERS;
    const PARTS: Parts = PARTS;

    fn items(&self, entity: &Entity) -> Result<Vec<(String, Found)>, Error> {
        let found = Found::of(entity)?;
        let is_wanted =
            |found: &Found| self.status.is_none_or(|status| found.order.status == status);
        let wanted = found.filter(is_wanted);
        Ok(wanted.into_iter().map(|found| (Self::behind(entity.ordinal), found)).collect())
    }

    fn behind(ordinal: Ordinal) -> String {
        ordinal.0.to_string()
    }
}

pub(super) async fn list(backend: Data<Backend>, filter: Query<Filter>) -> Result<Json, Problem> {
    let Filter { status, window } = filter.0;
    let orders = Orders { status };
    let (from, limit) = (pages::first(&window)?, window.limit);
    let query = move |reader: &Reader| {
        pages::json(&pages::page(&orders, reader, from, limit)?, Found::view)
    };
    backend.query(query).await
}

#[cfg(test)]
pub(super) mod tests;
