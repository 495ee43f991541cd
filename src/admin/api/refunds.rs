//! `GET /api/refunds`: refunds that wait for their provider, those of the oldest order first.

use super::lists::{self, After, Of, Question};
use super::merged::{self, Combined, Order};
use super::{Backend, Error, pages};
use crate::admin::listing::{Page, Window};
use crate::admin::operation::{Json, views};
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use actix_web::web::Data;
use orderly_actors::states::{State, part};
use orderly_actors::tables;
use orderly_domain::id::{AttemptId, Provider};
use orderly_domain::lists::List;
use orderly_domain::money::Currency;
use orderly_domain::order::{Order as Placed, Status};
use orderly_domain::payment::{
    FoldedContent, FoldedItem, Payments, Refund, RefundPart, RefundState,
};
use orderly_domain::time::Timestamp;
use orderly_store::{Ordinal, Parts, Reader};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// The most records of one order that are looked at for older refunds.
const FOLDED: usize = 2_000;

/// A refund, or a part of one, that waits for its provider.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PendingRefund")]
pub(super) struct PendingView<'a> {
    order_id: &'a str,
    /// The status of the order.
    status: Status,
    /// When the order was placed.
    placed_at: Timestamp,
    refund_id: &'a str,
    provider: Option<&'a str>,
    attempt_id: Option<&'a str>,
    /// Minor units of `currency`.
    amount: i64,
    currency: Currency,
    #[serde(flatten)]
    part: PartView,
}

views!(PendingView);

/// Which part of a refund the provider was asked for. Empty when the provider was not asked.
#[derive(Serialize, JsonSchema)]
pub(super) struct PartView {
    /// Which part of the refund this is, from 1. Absent when the provider was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<u32>,
    /// How many parts the refund has.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
    /// How often the part was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#try: Option<u32>,
}

impl From<Option<RefundPart>> for PartView {
    fn from(request: Option<RefundPart>) -> Self {
        let (part, parts, r#try) = match request {
            Some(RefundPart { part, parts, tries }) => (Some(part), Some(parts), Some(tries)),
            None => (None, None, None),
        };
        Self { part, parts, r#try }
    }
}

/// A refund with its order.
struct Found {
    order: Arc<Placed>,
    refund: Refund,
}

impl Found {
    fn view(&self) -> PendingView<'_> {
        let Self { order, refund } = self;
        PendingView {
            order_id: order.id.as_str(),
            status: order.status,
            placed_at: order.placed_at,
            refund_id: refund.id.as_str(),
            provider: refund.provider.as_ref().map(Provider::as_str),
            attempt_id: refund.attempt.as_ref().map(AttemptId::as_str),
            amount: refund.amount,
            currency: refund.currency,
            part: refund.request.into(),
        }
    }
}

/// The refunds of an order that have records of their own: the older ones of an order with many. Of a very great number the
/// oldest are left out.
fn folded(reader: &Reader, payments: &Payments) -> Result<Vec<Refund>, Error> {
    let mut refunds = Vec::new();
    let Some(folded) = &payments.folded else {
        return Ok(refunds);
    };
    if folded.sums.money.iter().all(|money| money.requested.0 == 0) {
        return Ok(refunds);
    }
    let mut next = folded.newest;
    for _ in 0..FOLDED {
        let Some(ordinal) = next.map(Ordinal) else { break };
        let record = Parts::of(&[FoldedItem::PART]);
        let item = part::<FoldedItem>(&reader.entity(tables::FOLDED, ordinal, record)?)?;
        // the order may be deleted meanwhile
        let Some(item) = item else { break };
        next = item.before;
        if let FoldedContent::Refund(refund) = item.content {
            refunds.push(refund);
        }
    }
    refunds.reverse();
    Ok(refunds)
}

pub(super) async fn list(
    backend: Data<Backend>,
    window: Query<Window<Combined<After>>>,
) -> Result<Json<Page<PendingView<'static>>>, Problem> {
    let page = |_: Option<u16>, reader: &Reader, window: &Window<After>| {
        let of = Of { table: tables::ORDERS, parts: Parts::of(&[Placed::PART, Payments::PART]) };
        let question = Question::of(List::RefundPending);
        lists::page(reader, question, window, of, |entity, _| {
            let (order, payments) = (part::<Placed>(entity)?, part::<Payments>(entity)?);
            let (Some(order), Some(payments)) = (order, payments) else {
                return Ok(Vec::new());
            };
            let order = Arc::new(order);
            let folded = folded(reader, &payments)?;
            let pending = folded.into_iter().chain(payments.refunds);
            let pending = pending.filter(|refund| refund.state == RefundState::Requested);
            let found = pending.map(|refund| Found { order: Arc::clone(&order), refund });
            Ok(found.collect())
        })
    };
    let order = Order::ascending(|found: &Found| found.order.placed_at.micros());
    let page = merged::page(&backend, window.0, order, page).await?;
    Ok(pages::json(&page, Found::view)?)
}
