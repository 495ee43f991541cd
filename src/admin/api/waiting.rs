//! `GET /api/waiting`: payment callbacks that wait for their order, those of the order that waits longest first.

use super::lists::{self, After, Of, Question};
use super::merged::{self, Combined, Order};
use super::{Backend, pages};
use crate::admin::listing::{Page, Window};
use crate::admin::operation::{Json, views};
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use actix_web::web::Data;
use orderly_actors::states::{State, part};
use orderly_actors::tables;
use orderly_domain::command::{CallbackKind, PaymentCallback};
use orderly_domain::lists::List;
use orderly_domain::money::{Currency, NonNegativeAmount};
use orderly_domain::payment::{Payments, Waiting};
use orderly_domain::time::Timestamp;
use orderly_store::{Parts, Reader};
use schemars::JsonSchema;
use serde::Serialize;

/// A payment callback that waits for its order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WaitingCallback")]
pub(super) struct WaitingView<'a> {
    order_id: &'a str,
    provider: &'a str,
    event_id: &'a str,
    attempt_id: &'a str,
    kind: CallbackKind,
    /// Minor units of `currency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    occurred_at: Timestamp,
    /// When the callback came.
    since: Timestamp,
    /// The source of the message that brought it.
    source: &'a str,
    /// The id of that message.
    command_id: &'a str,
}

views!(WaitingView);

fn view(waiting: &Waiting) -> WaitingView<'_> {
    let Waiting { callback, since, trace: _, source, command_id } = waiting;
    let PaymentCallback {
        provider,
        event_id,
        order_id,
        attempt_id,
        kind,
        amount,
        currency,
        occurred_at,
        ..
    } = callback;
    WaitingView {
        order_id: order_id.as_str(),
        provider: provider.as_str(),
        event_id: event_id.as_str(),
        attempt_id: attempt_id.as_str(),
        kind: *kind,
        amount: amount.map(NonNegativeAmount::get),
        currency: *currency,
        occurred_at: *occurred_at,
        since: *since,
        source: source.as_str(),
        command_id: command_id.as_str(),
    }
}

pub(super) async fn list(
    backend: Data<Backend>,
    window: Query<Window<Combined<After>>>,
) -> Result<Json<Page<WaitingView<'static>>>, Problem> {
    let page = |_: Option<u16>, reader: &Reader, window: &Window<After>| {
        let of = Of { table: tables::ORDERS, parts: Parts::of(&[Payments::PART]) };
        let question = Question::of(List::Waiting);
        lists::page(reader, question, window, of, |entity, _| {
            Ok(part::<Payments>(entity)?.map(|payments| payments.waiting).unwrap_or_default())
        })
    };
    // that of an order with several is the first of them
    let order = Order::ascending(|waiting: &Waiting| waiting.since.micros());
    let page = merged::page(&backend, window.0, order, page).await?;
    Ok(pages::json(&page, view)?)
}
