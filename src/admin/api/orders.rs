//! `GET /api/orders`, `GET /api/orders/{id}`.

use super::{Core, Error, json};
use crate::admin::listing::{Page, Window};
use crate::admin::problem::Problem;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get};
use orderly_actors::names;
use orderly_actors::states;
use orderly_actors::states::part;
use orderly_actors::tables;
use orderly_domain::event::face::{CustomerData, LineData, Units};
use orderly_domain::inventory::{HoldState, Reservation};
use orderly_domain::order::{Order, Status, Tombstone};
use orderly_domain::payment::{Attempt, CaptureIdentity, Dispute, Payments, Refund};
use orderly_domain::time::Timestamp;
use orderly_store::{Entity, Ordinal, View};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};

/// Everything about one order.
pub(super) struct Found {
    order: Order,
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
            reservation: part(entity)?,
            payments: part(entity)?.unwrap_or_default(),
        }))
    }

    fn data(&self) -> OrderView<'_> {
        let order = &self.order;
        OrderView {
            order_id: order.id.as_str(),
            status: order.status,
            disputed: order.disputed,
            customer: (&order.customer).into(),
            currency: order.currency.code(),
            lines: order.lines.iter().map(LineData::from).collect(),
            adjustments: &order.adjustments,
            total: order.total,
            paid: order.paid,
            refunded: order.refunded(),
            reservation: self.reservation.as_ref().map(ReservationView::from),
            attempts: self.payments.attempts.iter().map(attempt).collect(),
            refunds: self.payments.refunds.iter().map(refund).collect(),
            disputes: self.payments.disputes.iter().map(dispute).collect(),
            version: order.version,
            placed_at: order.placed_at,
            updated_at: order.updated_at,
        }
    }
}

#[derive(Serialize)]
struct OrderView<'a> {
    order_id: &'a str,
    status: Status,
    disputed: bool,
    customer: CustomerData<'a>,
    currency: &'static str,
    lines: Vec<LineData<'a>>,
    adjustments: &'a [orderly_domain::money::Adjustment],
    total: i64,
    paid: i64,
    refunded: i64,
    reservation: Option<ReservationView<'a>>,
    attempts: Vec<Value>,
    refunds: Vec<Value>,
    disputes: Vec<Value>,
    version: u64,
    placed_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Serialize)]
struct ReservationView<'a> {
    state: &'static str,
    /// Of a frozen one: the cap, at which it ends all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// Whether its time stands still, since an attempt is open.
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
        let units = reservation.items.iter();
        let (expires_at, frozen) = match reservation.state {
            HoldState::Held { until, frozen, .. } => (Some(until), frozen.is_some()),
            HoldState::Committed | HoldState::Released | HoldState::Expired => (None, false),
        };
        Self {
            state: reservation.state.as_str(),
            expires_at,
            frozen,
            lines: units
                .map(|item| Reserved {
                    units: Units { sku: item.sku.as_str(), quantity: item.quantity },
                    returned: item.returned,
                })
                .collect(),
        }
    }
}

fn attempt(attempt: &Attempt) -> Value {
    let captures = attempt.captures.iter().map(|capture| {
        let mut shown = value!({
            "capture_id": null, "amount": capture.amount, "currency": capture.currency,
            "at": capture.at,
        });
        match &capture.identity {
            CaptureIdentity::Capture(id) => shown["capture_id"] = value!(id),
            CaptureIdentity::Event(id) => shown["event_id"] = value!(id),
        }
        shown
    });
    value!({
        "provider": attempt.provider, "attempt_id": attempt.id, "state": attempt.state,
        "authorized": attempt.authorized, "currency": attempt.currency,
        "final": attempt.closed, "void_requested": attempt.void_requested,
        "captures": captures.collect::<Vec<_>>(),
    })
}

fn refund(refund: &Refund) -> Value {
    value!({
        "refund_id": refund.id, "attempt_id": refund.attempt, "amount": refund.amount,
        "currency": refund.currency, "state": refund.state,
        "restocked": refund.restocked,
    })
}

fn dispute(dispute: &Dispute) -> Value {
    value!({ "dispute_id": dispute.id, "state": dispute.state })
}

/// Where an order is in the store; one that was swept is nowhere.
pub(super) fn place(view: &View, id: &str) -> Result<Ordinal, Error> {
    let found = names::find(view, tables::ORDERS, id)?;
    let ordinal = found.ok_or(Error::NotFound("order"))?;
    match states::read::<Tombstone>(view, ordinal)? {
        Some(swept) => Err(Error::Swept(swept.status)),
        None => Ok(ordinal),
    }
}

fn read(view: &View, ordinal: Ordinal) -> Result<Option<Found>, Error> {
    let entity = view.scan(tables::ORDERS, ordinal, 1)?;
    match entity.first() {
        Some(entity) if entity.ordinal == ordinal => Found::of(entity),
        Some(_) | None => Ok(None),
    }
}

#[get("/orders/{id}")]
pub(super) async fn one(core: Data<Core>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let found = core
        .look(move |core| {
            let ordinal = place(core.view, &id)?;
            match read(core.view, ordinal)? {
                Some(found) => Ok(found),
                // the place is there because callbacks came first
                None => match states::read::<Payments>(core.view, ordinal)? {
                    Some(known) if !known.waiting.is_empty() => {
                        Err(Error::Awaited(known.waiting.len()))
                    }
                    Some(_) | None => Err(Error::NotFound("order")),
                },
            }
        })
        .await?;
    Ok(json(&found.data()))
}

#[derive(Deserialize)]
pub(super) struct Filter {
    status: Option<String>,
    #[serde(flatten)]
    window: Window,
}

/// Entities that one look reads at most, so that a rare status cannot hold the shop up.
const SCAN: usize = 2_000;

#[get("/orders")]
pub(super) async fn list(core: Data<Core>, filter: Query<Filter>) -> Result<HttpResponse, Problem> {
    let Filter { status, window } = filter.into_inner();
    let status = status
        .map(|name| {
            Status::from_name(&name)
                .ok_or_else(|| Problem::unprocessable(format!("there is no status {name:?}")))
        })
        .transpose()?;
    let mut from = super::after(&window)?;
    let mut found: Vec<(Ordinal, Found)> = Vec::new();
    let wanted = window.limit.get() + 1;
    while found.len() < wanted {
        let scanned = core.look(move |core| scan(core.view, from, status)).await?;
        found.extend(scanned.found);
        match scanned.next {
            Some(next) => from = next,
            None => break,
        }
    }
    found.truncate(wanted);
    let page = Page::cut(found, window.limit, |(ordinal, _)| ordinal.0.to_string());
    let items: Vec<_> = page.items.iter().map(|(_, found)| found.data()).collect();
    Ok(json(&Page { items, next: page.next }))
}

struct Scanned {
    found: Vec<(Ordinal, Found)>,
    next: Option<Ordinal>,
}

fn scan(view: &View, from: Ordinal, status: Option<Status>) -> Result<Scanned, Error> {
    let entities = view.scan(tables::ORDERS, from, SCAN)?;
    let next =
        entities.last().filter(|_| entities.len() == SCAN).map(|last| Ordinal(last.ordinal.0 + 1));
    let mut found = Vec::new();
    for entity in &entities {
        if let Some(order) = Found::of(entity)?
            && status.is_none_or(|status| order.order.status == status)
        {
            found.push((entity.ordinal, order));
        }
    }
    Ok(Scanned { found, next })
}

#[cfg(test)]
mod tests;
