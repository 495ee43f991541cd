//! `GET /api/attention`: orders that a person must look at, the oldest first.

use super::lists::{self, After, Of, Question};
use super::merged::{self, Combined};
use super::{Backend, pages};
use crate::admin::listing::{Page, Window};
use crate::admin::operation::{Json, views};
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use actix_web::web::Data;
use orderly_actors::audit;
use orderly_actors::states::{State, part};
use orderly_actors::tables;
use orderly_domain::lists::List;
use orderly_domain::money::Currency;
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::Payments;
use orderly_domain::time::Timestamp;
use orderly_store::{Parts, Reader};
use schemars::JsonSchema;
use serde::Serialize;

/// An order that a person must look at.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UnderAttention")]
pub(super) struct AttentionView<'a> {
    order_id: &'a str,
    status: Status,
    customer_id: &'a str,
    /// Minor units of `currency`.
    total: i64,
    /// What was captured in `currency`, in its minor units.
    paid: i64,
    /// What was sent back in `currency`, in its minor units.
    refunded: i64,
    currency: Currency,
    placed_at: Timestamp,
    updated_at: Timestamp,
    /// Why, a text each. `order.resolve` or a refund ends it.
    attention: &'a [String],
}

views!(AttentionView);

/// An order, and why a person must look at it.
struct Found {
    order: Order,
    attention: Vec<String>,
}

impl Found {
    fn view(&self) -> AttentionView<'_> {
        let Self { order, attention } = self;
        AttentionView {
            order_id: order.id.as_str(),
            status: order.status,
            customer_id: order.customer.id.as_str(),
            total: order.total,
            paid: order.paid,
            refunded: order.refunded,
            currency: order.currency,
            placed_at: order.placed_at,
            updated_at: order.updated_at,
            attention,
        }
    }
}

pub(super) async fn list(
    backend: Data<Backend>,
    window: Query<Window<Combined<After>>>,
) -> Result<Json<Page<AttentionView<'static>>>, Problem> {
    let page = |_: Option<u16>, reader: &Reader, window: &Window<After>| {
        let of = Of { table: tables::ORDERS, parts: Parts::of(&[Order::PART, Payments::PART]) };
        let either = [List::Status(Status::UnderReview), List::Attention];
        let question = Question::of_any(&either);
        lists::page(reader, question, window, of, |entity, _| {
            let Some(order) = part::<Order>(entity)? else { return Ok(Vec::new()) };
            let payments = part::<Payments>(entity)?.unwrap_or_default();
            let attention = audit::attention(&order, &payments);
            let is_wanted = !attention.is_empty();
            Ok(is_wanted.then_some(Found { order, attention }).into_iter().collect())
        })
    };
    let order = merged::Order::ascending(|found: &Found| found.order.placed_at.micros());
    let page = merged::page(&backend, window.0, order, page).await?;
    Ok(pages::json(&page, Found::view)?)
}
