//! `GET /api/holds`: orders whose stock is held for a time, the hold that ends next first.

use super::lists::{self, After, Of, Question};
use super::merged::{self, Combined};
use super::{Backend, pages};
use crate::admin::listing::{Page, Window};
use crate::admin::operation::{Json, views};
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use actix_web::web::Data;
use orderly_actors::states::{State, part};
use orderly_actors::tables;
use orderly_domain::event::payload::Units;
use orderly_domain::inventory::{HoldState, Item, Reservation};
use orderly_domain::lists::List;
use orderly_domain::money::Currency;
use orderly_domain::order::{Order, Status};
use orderly_domain::time::Timestamp;
use orderly_store::{Parts, Reader};
use schemars::JsonSchema;
use serde::Serialize;

/// A hold of stock that ends at a time.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Hold")]
pub(super) struct HoldView<'a> {
    order_id: &'a str,
    status: Status,
    customer_id: &'a str,
    /// Minor units of `currency`.
    total: i64,
    currency: Currency,
    placed_at: Timestamp,
    /// When the hold ends. A frozen hold ends at the cap. A hold whose end has passed is about to be released.
    expires_at: Timestamp,
    /// Whether the hold does not end before the cap, since a payment attempt is open.
    frozen: bool,
    lines: Vec<Units<'a>>,
}

views!(HoldView);

fn units(Item { sku, quantity, .. }: &Item) -> Units<'_> {
    Units { sku: sku.as_str(), quantity: *quantity }
}

/// An order with a hold.
struct Found {
    order: Order,
    reservation: Reservation,
    until: Timestamp,
    is_frozen: bool,
}

impl Found {
    fn view(&self) -> HoldView<'_> {
        let Self { order, reservation, until, is_frozen } = self;
        HoldView {
            order_id: order.id.as_str(),
            status: order.status,
            customer_id: order.customer.id.as_str(),
            total: order.total,
            currency: order.currency,
            placed_at: order.placed_at,
            expires_at: *until,
            frozen: *is_frozen,
            lines: reservation.items.iter().map(units).collect(),
        }
    }
}

pub(super) async fn list(
    backend: Data<Backend>,
    window: Query<Window<Combined<After>>>,
) -> Result<Json<Page<HoldView<'static>>>, Problem> {
    let page = |_: Option<u16>, reader: &Reader, window: &Window<After>| {
        let of = Of { table: tables::ORDERS, parts: Parts::of(&[Order::PART, Reservation::PART]) };
        let question = Question::of(List::Hold);
        lists::page(reader, question, window, of, |entity, place| {
            let (order, reservation) = (part::<Order>(entity)?, part::<Reservation>(entity)?);
            let (Some(order), Some(reservation)) = (order, reservation) else {
                return Ok(Vec::new());
            };
            Ok(match reservation.state {
                HoldState::Held { until: Some(until), frozen, .. }
                    if until.micros() == place.rank =>
                {
                    vec![Found { order, reservation, until, is_frozen: frozen.is_some() }]
                }
                HoldState::Held { .. }
                | HoldState::Committed
                | HoldState::Released
                | HoldState::Expired => Vec::new(),
            })
        })
    };
    let order = merged::Order::ascending(|found: &Found| found.until.micros());
    let page = merged::page(&backend, window.0, order, page).await?;
    Ok(pages::json(&page, Found::view)?)
}
