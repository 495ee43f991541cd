//! `GET /api/orders`, `GET /api/orders/{id}`.

mod at;
mod view;

use self::view::OrderView;
use super::lists::{self, After, Of, Question};
use super::merged::{self, Combined};
use super::{Backend, Error, find, pages};
use crate::admin::listing::{Page, Window};
use crate::admin::operation::Json;
use crate::admin::problem::Problem;
use crate::admin::query::{Query, parameters};
use crate::admin::values::{Moment, RefundFilter, Sort};
use actix_web::web::{Data, Path};
use orderly_actors::states::State;
use orderly_actors::states::part;
use orderly_actors::tables;
use orderly_domain::id::{CustomerId, Sku};
use orderly_domain::inventory::Reservation;
use orderly_domain::lists::{List, has_pending_refund};
use orderly_domain::order::{Order, OrderDetails, Status, Tombstone};
use orderly_domain::parked::ParkedOfOrder;
use orderly_domain::payment::Payments;
use orderly_domain::time::Timestamp;
use orderly_store::{Entity, Ordinal, Parts, Reader};
use serde_json::{Value, json};

/// Everything about one order.
struct Found {
    order: Order,
    details: OrderDetails,
    reservation: Option<Reservation>,
    payments: Payments,
    /// How many parked messages name it.
    parked: u64,
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
            parked: parked(entity)?,
        }))
    }
}

/// How many parked messages name the order, or the id for which there is no order yet.
fn parked(entity: &Entity) -> Result<u64, Error> {
    Ok(part::<ParkedOfOrder>(entity)?.map_or(0, |list| list.count))
}

/// The parts that make up an order.
const PARTS: Parts = Parts::of(&[
    Order::PART,
    OrderDetails::PART,
    Reservation::PART,
    Payments::PART,
    ParkedOfOrder::PART,
]);
/// The same, and the tombstone of an order that was deleted.
const PARTS_OR_TOMBSTONE: Parts = Parts::of(&[
    Order::PART,
    OrderDetails::PART,
    Reservation::PART,
    Payments::PART,
    ParkedOfOrder::PART,
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

parameters! {
    /// How an order is asked for.
    pub(super) struct When {
        /// The order as it was then: right after the command or the event with that sequence, or at the end of that time.
        at: Option<Moment>,
    }
}

pub(super) async fn one(
    backend: Data<Backend>,
    id: Path<String>,
    when: Query<When>,
) -> Result<Json<OrderView<'static>>, Problem> {
    let When { at } = when.0;
    let of = id.clone();
    let query = move |reader: &Reader| match at {
        None => read(reader, &id),
        Some(moment) => Ok(Json::new(&at::found(reader, &id, moment)?.view())?),
    };
    backend.of_id(&of).query(query).await
}

fn read(reader: &Reader, id: &str) -> Result<Json<OrderView<'static>>, Error> {
    Ok(Json::new(&find_one(reader, id)?.view())?)
}

/// What the API shows of the order with this id.
pub(super) fn of_id(reader: &Reader, id: &str) -> Result<Value, Error> {
    Ok(serde_json::to_value(find_one(reader, id)?.view())?)
}

fn find_one(reader: &Reader, id: &str) -> Result<Found, Error> {
    let ordinal = find(reader, tables::ORDERS, "order", id)?;
    let entity = reader.entity(tables::ORDERS, ordinal, PARTS_OR_TOMBSTONE)?;
    match Found::of(&entity)? {
        Some(found) => Ok(found),
        None => Err(missing(&entity)?),
    }
}

/// Why there is no order.
fn missing(entity: &Entity) -> Result<Error, Error> {
    not_deleted(entity)?;
    // Without an order the id has an ordinal only since messages named it before.
    let waiting = part::<Payments>(entity)?.map_or(0, |payments| payments.waiting.len() as u64);
    Ok(match parked(entity)? {
        0 if waiting == 0 => Error::NotFound("order"),
        parked => Error::Awaited { waiting, parked },
    })
}

/// What the API shows of an order, or of one that was deleted.
pub(super) fn shown(entity: &Entity) -> Result<Option<Value>, Error> {
    if let Some(found) = Found::of(entity)? {
        return Ok(Some(serde_json::to_value(found.view())?));
    }
    let tombstone = part::<Tombstone>(entity)?;
    Ok(tombstone.map(|tombstone| json!({ "deleted": true, "status": tombstone.status })))
}

parameters! {
    /// The orders that a caller asks for. All filters must hold.
    pub(super) struct Filter {
        /// Only orders of this status.
        status: Option<Status>,
        /// Only orders of the customer with this id.
        customer: Option<CustomerId>,
        /// Only orders with a line of this sku.
        sku: Option<Sku>,
        /// Only orders that were placed after this time.
        placed_after: Option<Timestamp>,
        /// Only orders that were placed before this time.
        placed_before: Option<Timestamp>,
        /// `pending`: only orders with a refund that waits for its provider.
        refund: Option<RefundFilter>,
        /// Only orders with a dispute that is open or lost; `false`: only others.
        disputed: Option<bool>,
        /// The order of the list, by the time of placing.
        sort: Sort,
        ..window: Window<Combined<After>>
    }
}

impl Filter {
    /// The lists whose orders pass the filter, apart from what no list says.
    fn question(&self) -> Question {
        let mut lists = Vec::new();
        lists.extend(self.status.map(List::Status));
        lists.extend(self.customer.as_ref().map(List::Customer));
        lists.extend(self.sku.as_ref().map(List::Sku));
        lists.extend(self.refund.map(|RefundFilter::Pending| List::RefundPending));
        lists.extend(self.disputed.filter(|disputed| *disputed).map(|_| List::Disputed));
        let mut all_of: Vec<_> = lists.into_iter().map(|list| vec![lists::number(list)]).collect();
        if all_of.is_empty() {
            // every order has one status
            let every = Status::ALL.iter().map(|status| lists::number(List::Status(*status)));
            all_of.push(every.collect());
        }
        let undisputed = self.disputed == Some(false);
        let none_of = undisputed.then(|| lists::number(List::Disputed)).into_iter().collect();
        // both times are excluded
        let after = self.placed_after.map_or(i64::MIN, |after| after.micros().saturating_add(1));
        let before =
            self.placed_before.map_or(i64::MAX, |before| before.micros().saturating_sub(1));
        Question { all_of, none_of, ranks: (after, before), sort: self.sort }
    }

    /// Whether an order passes the filter as it is now.
    fn passes(&self, Found { order, payments, .. }: &Found) -> bool {
        let Self {
            status,
            customer,
            sku,
            placed_after,
            placed_before,
            refund,
            disputed,
            sort: _,
            window: _,
        } = self;
        status.is_none_or(|status| order.status == status)
            && customer.as_ref().is_none_or(|customer| order.customer.id == *customer)
            && sku.as_ref().is_none_or(|sku| order.lines.iter().any(|line| line.sku == *sku))
            && placed_after.is_none_or(|after| order.placed_at > after)
            && placed_before.is_none_or(|before| order.placed_at < before)
            && refund.is_none_or(|RefundFilter::Pending| has_pending_refund(payments))
            && disputed.is_none_or(|disputed| order.disputed == disputed)
    }
}

pub(super) async fn list(
    backend: Data<Backend>,
    filter: Query<Filter>,
) -> Result<Json<Page<OrderView<'static>>>, Problem> {
    let filter = filter.0;
    let window = filter.window.clone();
    let order =
        merged::Order { key: |found: &Found| found.order.placed_at.micros(), sort: filter.sort };
    let page = move |_: Option<u16>, reader: &Reader, window: &Window<After>| {
        let of = Of { table: tables::ORDERS, parts: PARTS };
        lists::page(reader, filter.question(), window, of, |entity, _| {
            let found = Found::of(entity)?.filter(|found| filter.passes(found));
            Ok(found.into_iter().collect())
        })
    };
    let page = merged::page(&backend, window, order, page).await?;
    Ok(pages::json(&page, Found::view)?)
}

#[cfg(test)]
pub(super) mod tests;
