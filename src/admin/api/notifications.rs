//! `GET /api/notifications`, `POST /api/notifications/{id}/resend`.

use super::{Core, Error, json, orders};
use crate::admin::listing::{Page, Window};
use crate::admin::problem::Problem;
use crate::pipeline::Resend;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post};
use orderly_actors::notification::order_of;
use orderly_actors::states;
use orderly_actors::states::part;
use orderly_actors::tables;
use orderly_domain::notification::{
    Channel, Delivery, Notice, Notices, NotificationKind, Progress, Standing,
};
use orderly_domain::order::Order;
use orderly_domain::time::Timestamp;
use orderly_store::{Ordinal, View};
use serde::{Deserialize, Serialize};

/// A notification with the order that it is about.
struct Found {
    ordinal: Ordinal,
    order_id: String,
    notice: Notice,
}

#[derive(Serialize)]
struct NotificationView<'a> {
    notification_id: &'a str,
    kind: NotificationKind,
    order_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reference: &'a str,
    status: Standing,
    requested_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    deliveries: Vec<DeliveryView>,
}

#[derive(Serialize)]
struct DeliveryView {
    channel: Channel,
    status: Standing,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// What went wrong last, unless it was delivered after all.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        let (status, not_before, at) = match delivery.progress {
            Progress::Pending { not_before } => (Standing::Pending, Some(not_before), None),
            Progress::Delivered { at } => (Standing::Delivered, None, Some(at)),
            Progress::Exhausted { at } => (Standing::Exhausted, None, Some(at)),
        };
        Self {
            channel: delivery.channel,
            status,
            attempts: delivery.attempts,
            not_before,
            at,
            reason: delivery.problem.map(|problem| problem.to_string()),
        }
    }
}

impl Found {
    fn view(&self) -> NotificationView<'_> {
        let Notice { id, kind, reference, requested_at, trace, deliveries } = &self.notice;
        NotificationView {
            notification_id: id,
            kind: *kind,
            order_id: &self.order_id,
            reference,
            status: self.notice.standing(),
            requested_at: *requested_at,
            traceparent: trace.map(|trace| trace.to_string()),
            deliveries: deliveries.iter().map(DeliveryView::from).collect(),
        }
    }

    /// Behind which notification the next page begins.
    fn position(&self) -> String {
        self.notice.id.clone()
    }
}

#[derive(Deserialize)]
pub(super) struct Filter {
    order_id: Option<String>,
    status: Option<String>,
    #[serde(flatten)]
    window: Window,
}

/// Orders that one look reads at most, so that a rare status cannot hold the shop up.
const SCAN: usize = 2_000;

#[get("/notifications")]
pub(super) async fn list(core: Data<Core>, filter: Query<Filter>) -> Result<HttpResponse, Problem> {
    let Filter { order_id, status, window } = filter.into_inner();
    let status = status
        .map(|name| {
            Standing::from_name(&name)
                .ok_or_else(|| Problem::unprocessable(format!("there is no status {name:?}")))
        })
        .transpose()?;
    let after = match &window.after {
        None => None,
        Some(after) => Some((
            order_of(after).ok_or_else(|| {
                Problem::unprocessable("after must be the next of an earlier page")
            })?,
            after.clone(),
        )),
    };
    let wanted = window.limit.get() + 1;
    let mut found: Vec<Found> = Vec::new();
    let only = match order_id {
        None => None,
        Some(id) => Some(core.look(move |core| orders::place(core.view, &id)).await?),
    };
    let mut from = only.or(after.as_ref().map(|(order, _)| *order)).unwrap_or(Ordinal(0));
    while found.len() < wanted {
        let limit = if only.is_some() { 1 } else { SCAN };
        let behind = after.clone();
        let (some, next) =
            core.look(move |core| scan(core.view, from, limit, behind.as_ref())).await?;
        found.extend(some.into_iter().filter(|one| {
            only.is_none_or(|only| only == one.ordinal)
                && status.is_none_or(|status| status == one.notice.standing())
        }));
        match next {
            Some(next) if only.is_none() => from = next,
            Some(_) | None => break,
        }
    }
    found.truncate(wanted);
    let page = Page::cut(found, window.limit, Found::position);
    let items: Vec<_> = page.items.iter().map(Found::view).collect();
    Ok(json(&Page { items, next: page.next }))
}

/// The notifications of up to `limit` orders behind the one given, and where the next begin.
fn scan(
    view: &View,
    from: Ordinal,
    limit: usize,
    behind: Option<&(Ordinal, String)>,
) -> Result<(Vec<Found>, Option<Ordinal>), Error> {
    let entities = view.scan(tables::ORDERS, from, limit)?;
    let more = entities.last().filter(|_| entities.len() == limit);
    let next = more.map(|last| Ordinal(last.ordinal.0 + 1));
    let mut found = Vec::new();
    for entity in &entities {
        let Some(notices) = part::<Notices>(entity)? else { continue };
        let Some(order) = part::<Order>(entity)? else { continue };
        let first = behind.filter(|(order, _)| *order == entity.ordinal).map_or(0, |(_, id)| {
            notices.all.iter().position(|notice| notice.id == *id).map_or(0, |at| at + 1)
        });
        found.extend(notices.all.into_iter().skip(first).map(|notice| Found {
            ordinal: entity.ordinal,
            order_id: order.id.to_string(),
            notice,
        }));
    }
    Ok((found, next))
}

#[post("/notifications/{id}/resend")]
pub(super) async fn resend(core: Data<Core>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = id.into_inner();
    match core.resend(id.clone()).await? {
        Resend::Again => {}
        Resend::Unknown => {
            return Err(Problem::not_found("there is no notification of that id"));
        }
        Resend::NotExhausted => {
            return Err(Problem::new(StatusCode::CONFLICT)
                .detail("no channel has given up on it: there is nothing to send again"));
        }
        Resend::Failed => return Err(Problem::unavailable("it could not be recorded")),
    }
    let found =
        core.look(move |core| one(core.view, &id)?.ok_or(Error::NotFound("notification"))).await?;
    Ok(json(&found.view()))
}

fn one(view: &View, id: &str) -> Result<Option<Found>, Error> {
    let Some(ordinal) = order_of(id) else { return Ok(None) };
    let Some(notices) = states::read::<Notices>(view, ordinal)? else { return Ok(None) };
    let Some(order) = states::read::<Order>(view, ordinal)? else { return Ok(None) };
    let notice = notices.all.into_iter().find(|notice| notice.id == id);
    Ok(notice.map(|notice| Found { ordinal, order_id: order.id.to_string(), notice }))
}
