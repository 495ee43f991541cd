//! `GET /api/notifications`, `POST /api/notifications/{id}/resend`.

use super::merged::{self, Combined};
use super::pages::{self, List};
use super::{Backend, Error, orders};
use crate::admin::listing::{Limit, Page, Window};
use crate::admin::operation::{Json, View, views};
use crate::admin::operator::NamedOperator;
use crate::admin::problem::Problem;
use crate::admin::query::{Expected, Query, Value, parameters};
use crate::pipeline::Resend;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use orderly_actors::notification::order_of;
use orderly_actors::states::State;
use orderly_actors::states::part;
use orderly_actors::tables;
use orderly_domain::id::Operator;
use orderly_domain::notification::{
    Channel, Delivery, Notice, NoticeStatus, Notices, NotificationKind, Progress,
};
use orderly_domain::order::Order;
use orderly_domain::time::Timestamp;
use orderly_store::{Entity, Ordinal, Parts, Reader, Table};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

/// A notification with the order that it is about.
struct Found {
    order_id: String,
    notice: Notice,
}

/// A notification.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Notification")]
pub(super) struct NotificationView<'a> {
    notification_id: &'a str,
    kind: NotificationKind,
    order_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reference: &'a str,
    status: NoticeStatus,
    requested_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    deliveries: Vec<DeliveryView>,
}

/// The delivery of a notification on one channel.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
struct DeliveryView {
    channel: Channel,
    status: NoticeStatus,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// The failure of the last attempt; none once the notification is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

views!(NotificationView);

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        // how often this round failed and when it began say when the next attempt is: `not_before` shows it
        let Delivery { channel, attempts, failures: _, began: _, problem, progress } = delivery;
        let (status, not_before, at) = match progress {
            Progress::Pending { not_before } => (NoticeStatus::Pending, Some(*not_before), None),
            Progress::Delivered { at } => (NoticeStatus::Delivered, None, Some(*at)),
            Progress::Exhausted { at } => (NoticeStatus::Exhausted, None, Some(*at)),
        };
        Self {
            channel: *channel,
            status,
            attempts: *attempts,
            not_before,
            at,
            reason: problem.map(|problem| problem.to_string()),
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
}

/// The last notification of the page before, or the place before the next order's notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct After {
    order: Ordinal,
    id: String,
}

impl Value for After {
    fn parse(text: &str) -> Result<Self, Expected> {
        let order = text.strip_prefix("n-").and_then(|rest| pages::number(rest.split_once('-')?.0));
        let after = |order| Self { order: Ordinal(order), id: text.to_owned() };
        order.map(after).ok_or_else(pages::next_of_a_page)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        pages::schema("n-", "-")
    }
}

/// What the API shows of the notifications about an order.
pub(super) fn shown(entity: &Entity) -> Result<serde_json::Value, Error> {
    let all = Notifications { status: None, after: None }.items(entity)?;
    let views = all.iter().map(|(_, found)| found.view()).collect::<Vec<_>>();
    Ok(serde_json::to_value(views)?)
}

parameters! {
    /// The notifications that a caller asks for.
    pub(super) struct Filter {
        /// Only notifications about this order.
        order_id: Option<String>,
        /// Only notifications of this status.
        status: Option<NoticeStatus>,
        ..window: Window<Combined<After>>
    }
}

/// The parts that the view of a notification is made of.
const PARTS: Parts = Parts::of(&[Order::PART, Notices::PART]);

/// Notifications, of one status or of all.
struct Notifications {
    status: Option<NoticeStatus>,
    /// The id of the last notification of the page before.
    after: Option<String>,
}

impl List for Notifications {
    type Item = Found;
    const TABLE: Table = tables::ORDERS;
    const PARTS: Parts = PARTS;

    fn items(&self, entity: &Entity) -> Result<Vec<(String, Found)>, Error> {
        let (Some(order), Some(notices)) = (part::<Order>(entity)?, part::<Notices>(entity)?)
        else {
            return Ok(Vec::new());
        };
        let is_last = |notice: &Notice| Some(&notice.id) == self.after.as_ref();
        let first = notices.all.iter().position(is_last).map_or(0, |last| last + 1);
        let wanted = notices
            .all
            .into_iter()
            .skip(first)
            .filter(|notice| self.status.is_none_or(|status| status == notice.standing()));
        let found = wanted.map(|notice| Found { order_id: order.id.to_string(), notice });
        Ok(found.map(|found| (found.notice.id.clone(), found)).collect())
    }

    /// The beginning of the ids that the next order's notifications have.
    fn behind(ordinal: Ordinal) -> String {
        format!("n-{}-", ordinal.0.saturating_add(1))
    }
}

pub(super) async fn list(
    backend: Data<Backend>,
    filter: Query<Filter>,
) -> Result<Json<Page<NotificationView<'static>>>, Problem> {
    let Filter { order_id, status, window } = filter.0;
    let page = if let Some(order) = order_id {
        let Window { limit, after } = merged::of_one(window)?;
        let notifications = Notifications { status, after: after.map(|after| after.id) };
        let backend = backend.of_id(&order);
        backend.query(move |reader| of_order(&notifications, reader, &order, limit)).await?
    } else {
        let page = move |_: Option<u16>, reader: &Reader, window: &Window<After>| {
            let Window { limit, after } = window.clone();
            let from = after.as_ref().map_or(Ordinal(0), |after| after.order);
            let notifications = Notifications { status, after: after.map(|after| after.id) };
            pages::page(&notifications, reader, from, limit)
        };
        let by_time = |found: &Found| found.notice.requested_at.micros();
        merged::page(&backend, window, merged::Order::ascending(by_time), page).await?
    };
    Ok(pages::json(&page, Found::view)?)
}

/// The notifications of one order.
fn of_order(
    notifications: &Notifications,
    reader: &Reader,
    order: &str,
    limit: Limit,
) -> Result<Page<Found>, Error> {
    let ordinal = orders::number(reader, order)?;
    let entity = reader.entity(tables::ORDERS, ordinal, PARTS)?;
    let found = notifications.items(&entity)?.into_iter().map(|(_, found)| found).collect();
    Ok(Page::cut(found, limit, |found: &Found| found.notice.id.clone()))
}

pub(super) async fn resend(
    backend: Data<Backend>,
    id: Path<String>,
    NamedOperator(operator): NamedOperator,
) -> Result<Json<NotificationView<'static>>, Problem> {
    let id = id.into_inner();
    // an id begins with a number that it has in its partition, and is one in one of them only
    let (mut resent, mut of) = (Vec::new(), Backend::clone(&backend));
    for backend in backend.all() {
        of = backend;
        resent = of.resend(vec![id.clone()], operator.clone()).await?;
        if resent[..] != [Resend::Unknown] {
            break;
        }
    }
    match resent[..] {
        [Resend::Again] => {}
        [Resend::Unknown] => {
            return Err(Problem::not_found("there is no notification of that id"));
        }
        [Resend::NotExhausted] => {
            return Err(Problem::new(StatusCode::CONFLICT).detail(
                "no channel has given up on this notification: there is nothing to send again",
            ));
        }
        _ => return Err(Problem::unavailable("the resend could not be recorded")),
    }
    of.query(move |reader| one(reader, &id)).await
}

/// The status of the notifications that can be sent again: there is only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exhausted;

impl Value for Exhausted {
    fn parse(text: &str) -> Result<Self, Expected> {
        let only = NoticeStatus::Exhausted.as_str();
        if text == only { Ok(Self) } else { Err(Expected::OneOf(vec![only])) }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": [NoticeStatus::Exhausted.as_str()] })
    }
}

parameters! {
    /// The notifications that are to be sent again.
    pub(super) struct ToResend {
        /// Only notifications about this order.
        order_id: Option<String>,
        /// Only notifications of this status; others cannot be sent again.
        status: Option<Exhausted>,
    }
}

/// How many notifications are sent again.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "ResentNotifications")]
pub(super) struct ResentView {
    resent: u64,
}

impl View for ResentView {
    type Kind = Self;
}

/// Notifications that are sent again at a time; commands run in between.
const AT_ONCE: usize = 64;

pub(super) async fn resend_many(
    backend: Data<Backend>,
    query: Query<ToResend>,
    NamedOperator(operator): NamedOperator,
) -> Result<Json<ResentView>, Problem> {
    let ToResend { order_id, status: _ } = query.0;
    let mut view = ResentView::default();
    let of_order = order_id.as_ref().map(|order| backend.of_id(order));
    let all = of_order.map_or_else(|| backend.all().collect(), |of_order| vec![of_order]);
    for backend in all {
        view.resent += resend_all(&backend, order_id.as_ref(), operator.as_ref()).await?;
    }
    Ok(Json::new(&view)?)
}

/// Sends those of a partition again that a channel gave up on; says how many.
async fn resend_all(
    backend: &Backend,
    order: Option<&String>,
    operator: Option<&Operator>,
) -> Result<u64, Problem> {
    let mut again = 0;
    let mut next = Some(Ordinal(0));
    while let Some(from) = next {
        let order = order.cloned();
        let find = move |reader: &Reader| exhausted(reader, order.as_deref(), from);
        let (found, behind) = backend.query(find).await?;
        next = behind;
        for some in found.chunks(AT_ONCE) {
            let resent = backend.resend(some.to_vec(), operator.cloned()).await?;
            again += resent.iter().filter(|one| **one == Resend::Again).count() as u64;
        }
    }
    Ok(again)
}

/// Pages of the store that are read for one query: other queries come in between.
const PAGES: usize = 64;

/// The ids of the notifications that a channel gave up on, of some orders from `from` on, and the order at which to go on;
/// with an order those about it.
fn exhausted(
    reader: &Reader,
    order: Option<&str>,
    from: Ordinal,
) -> Result<(Vec<String>, Option<Ordinal>), Error> {
    let notifications = Notifications { status: Some(NoticeStatus::Exhausted), after: None };
    let ids = |entity: &Entity| -> Result<Vec<String>, Error> {
        Ok(notifications.items(entity)?.into_iter().map(|(id, _)| id).collect())
    };
    if let Some(order) = order {
        let ordinal = orders::number(reader, order)?;
        return Ok((ids(&reader.entity(tables::ORDERS, ordinal, PARTS)?)?, None));
    }
    let (mut all, mut next) = (Vec::new(), Some(from));
    for _ in 0..PAGES {
        let Some(from) = next else { break };
        let (entities, behind) = reader.page(tables::ORDERS, from, usize::MAX, PARTS)?;
        for entity in &entities {
            all.extend(ids(entity)?);
        }
        next = behind;
    }
    Ok((all, next))
}

fn one(reader: &Reader, id: &str) -> Result<Json<NotificationView<'static>>, Error> {
    const MISSING: Error = Error::NotFound("notification");
    let entity = reader.entity(tables::ORDERS, order_of(id).ok_or(MISSING)?, PARTS)?;
    let all = Notifications { status: None, after: None };
    let mut found = all.items(&entity)?.into_iter();
    let (_, found) = found.find(|(of_one, _)| of_one == id).ok_or(MISSING)?;
    Ok(Json::new(&found.view())?)
}
