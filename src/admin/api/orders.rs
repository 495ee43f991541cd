//! `GET /api/orders`, `GET /api/orders/{id}`.

mod view;

use self::view::OrderView;
use super::pages::{self, List};
use super::{Backend, Error, find};
use crate::admin::listing::{Page, Window};
use crate::admin::operation::Json;
use crate::admin::problem::Problem;
use crate::admin::query::{Query, parameters};
use actix_web::web::{Data, Path};
use orderly_actors::states::State;
use orderly_actors::states::part;
use orderly_actors::tables;
use orderly_domain::inventory::Reservation;
use orderly_domain::order::{Order, OrderDetails, Status, Tombstone};
use orderly_domain::parked::ParkedOfOrder;
use orderly_domain::payment::Payments;
use orderly_store::{Entity, Ordinal, Parts, Reader, Table};

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

pub(super) async fn one(
    backend: Data<Backend>,
    id: Path<String>,
) -> Result<Json<OrderView<'static>>, Problem> {
    backend.query(move |reader| read(reader, &id)).await
}

fn read(reader: &Reader, id: &str) -> Result<Json<OrderView<'static>>, Error> {
    let ordinal = find(reader, tables::ORDERS, "order", id)?;
    let entity = reader.entity(tables::ORDERS, ordinal, PARTS_OR_TOMBSTONE)?;
    not_deleted(&entity)?;
    if let Some(found) = Found::of(&entity)? {
        return Ok(Json::new(&found.view())?);
    }
    // Without an order the id has an ordinal only since messages named it before.
    let waiting = part::<Payments>(&entity)?.map_or(0, |payments| payments.waiting.len());
    match parked(&entity)? {
        0 if waiting == 0 => Err(Error::NotFound("order")),
        parked => Err(Error::Awaited { waiting, parked }),
    }
}

parameters! {
    /// The orders that a caller asks for.
    pub(super) struct Filter {
        /// Only orders of this status.
        status: Option<Status>,
        ..window: Window<Ordinal>
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

pub(super) async fn list(
    backend: Data<Backend>,
    filter: Query<Filter>,
) -> Result<Json<Page<OrderView<'static>>>, Problem> {
    let Filter { status, window } = filter.0;
    let orders = Orders { status };
    let (from, limit) = (pages::first(window.after), window.limit);
    let query = move |reader: &Reader| {
        pages::json(&pages::page(&orders, reader, from, limit)?, Found::view)
    };
    backend.query(query).await
}

#[cfg(test)]
pub(super) mod tests;
