//! Parked messages: `GET /api/parked`, without their bytes; `GET /api/parked/{id}`, with them.
//!
//! | module | has |
//! |---|---|
//! | `filter` | which messages a caller means, and how many that must be |
//! | `of_order` | the messages that name one order, found from the order |
//! | `replay` | processes messages again |
//! | `dismiss` | dismisses messages |

mod dismiss;
mod filter;
mod of_order;
mod replay;

pub(super) use self::dismiss::{many as dismiss_many, one as dismiss};
pub(super) use self::replay::{many as replay_many, one as replay};

use self::filter::Filter;
use super::merged::{self, Combined};
use super::pages::{self, List};
use super::{Backend, Error, shown_id};
use crate::admin::listing::{Limit, Page, Window};
use crate::admin::operation::{Json, views};
use crate::admin::problem::Problem;
use crate::admin::query::{Expected, Query, Value};
use crate::decode;
use actix_web::web::{Data, Path};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orderly_actors::counters::ParkedReason;
use orderly_actors::parked::{self, MAX_WHOLE_BODY};
use orderly_actors::tables;
use orderly_domain::id::{CartId, EventId, Provider, Sku};
use orderly_domain::parked::Parked;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Detail, Reason};
use orderly_store::{Entity, Ordinal, Parts, Reader, Table};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

/// A parked message as the API shows it, without its bytes. What it names is read as far as possible also of a message that is no
/// command.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ParkedMessage")]
pub(super) struct ParkedView<'a> {
    id: String,
    #[schemars(with = "ParkedReason")]
    reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cart_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
    /// How the bytes are encoded, such as `gzip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_encoding: Option<&'a str>,
    /// The trace that the message named, or that began with it: 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    received_at: Timestamp,
    attempts: u32,
    detail: Option<&'a Detail>,
    size: u64,
    truncated: bool,
}

/// A parked message as the API shows it, with its bytes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WholeParkedMessage")]
pub(super) struct WholeView<'a> {
    #[serde(flatten)]
    about: ParkedView<'a>,
    /// The bytes in Base64. Of a message that was truncated: the first ones.
    raw: String,
    /// The bytes as a text, decompressed, when that is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

views!(ParkedView, WholeView);

/// A parked message, without its bytes.
struct Found {
    /// Where there are several.
    partition: Option<u16>,
    ordinal: Ordinal,
    about: Parked,
}

impl Found {
    fn of(entity: &Entity) -> Result<Option<Self>, Error> {
        let Some((_, about)) = entity.parts.iter().find(|(part, _)| *part == parked::ABOUT) else {
            return Ok(None);
        };
        let about = parked::decode(entity.ordinal, about)?;
        Ok(Some(Self { partition: None, ordinal: entity.ordinal, about }))
    }

    fn view(&self) -> ParkedView<'_> {
        let Parked {
            reason,
            command_id,
            source,
            r#type,
            order_id,
            content_type: _,
            content_encoding,
            received_at,
            attempts,
            detail,
            size,
            truncated,
            provider,
            event_id,
            cart_id,
            sku,
            link: _, // the list of an order shows it
            trace,
        } = &self.about;
        ParkedView {
            id: shown_id(self.partition, parked::id(self.ordinal)),
            reason: *reason,
            command_id: command_id.as_deref(),
            source: source.as_deref(),
            r#type: r#type.as_deref(),
            order_id: order_id.as_deref(),
            provider: provider.as_ref().map(Provider::as_str),
            event_id: event_id.as_ref().map(EventId::as_str),
            cart_id: cart_id.as_ref().map(CartId::as_str),
            sku: sku.as_ref().map(Sku::as_str),
            content_encoding: content_encoding.as_deref(),
            trace_id: trace.map(TraceParent::trace_id_text),
            received_at: *received_at,
            attempts: *attempts,
            detail: detail.as_ref(),
            size: *size,
            truncated: *truncated,
        }
    }
}

pub(super) async fn one(
    backend: Data<Backend>,
    id: Path<String>,
) -> Result<Json<WholeView<'static>>, Problem> {
    let (backend, id) = backend.of_local_id(&id).ok_or_else(|| filter::not_parked(None))?;
    let (partition, id) = (backend.partition(), id.to_owned());
    backend.query(move |reader| read(partition, reader, &id)).await
}

fn read(
    partition: Option<u16>,
    reader: &Reader,
    id: &str,
) -> Result<Json<WholeView<'static>>, Error> {
    const MISSING: Error = Error::NotFound("parked message");
    let ordinal = parked::ordinal(id).ok_or(MISSING)?;
    let parts = Parts::of(&[parked::ABOUT, parked::BODY, parked::RESOLUTION]);
    let entity = reader.entity(tables::PARKED, ordinal, parts)?;
    let part = |wanted| entity.parts.iter().find(|(part, _)| *part == wanted).map(|(_, of)| of);
    let Some(found) = Found::of(&entity)? else {
        let resolution = part(parked::RESOLUTION);
        let resolution = resolution.map(|bytes| parked::decode_resolution(ordinal, bytes));
        return Err(resolution.transpose()?.map_or(MISSING, Error::Resolved));
    };
    let found = Found { partition, ..found };
    let body = part(parked::BODY).map_or(&[][..], |body| body);
    Ok(Json::new(&WholeView {
        about: found.view(),
        raw: STANDARD.encode(body),
        text: decode::text_of(body, found.about.content_encoding.as_deref(), MAX_WHOLE_BODY),
    })?)
}

/// The last message of the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct After(Ordinal);

impl Value for After {
    fn parse(text: &str) -> Result<Self, Expected> {
        let number = text.strip_prefix("p-").and_then(pages::number);
        number.map(Ordinal).map(Self).ok_or_else(pages::next_of_a_page)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        pages::schema("p-", "$")
    }
}

/// A parked message with its number.
pub(super) type Numbered = (Ordinal, Parked);

/// A page of the parked messages that name an order, from the one at `from` on, and where the next page begins.
pub(super) fn naming(
    reader: &Reader,
    order: &str,
    from: Ordinal,
    limit: Limit,
) -> Result<(Vec<Numbered>, Option<Ordinal>), Error> {
    let messages = ParkedMessages(Filter::naming(order));
    let Page { items, next } = of_order::page(&messages, reader, order, from, limit)?;
    let next = next.and_then(|last| parked::ordinal(&last));
    let items = items.into_iter().map(|found| (found.ordinal, found.about)).collect();
    Ok((items, next.map(|last| pages::first(Some(last)))))
}

/// What the API shows of a parked message, without its bytes.
pub(super) fn shown(entity: &Entity) -> Result<Option<serde_json::Value>, Error> {
    let found = Found::of(entity)?;
    Ok(found.map(|found| serde_json::to_value(found.view())).transpose()?)
}

/// Parked messages through a filter, without their bytes.
struct ParkedMessages(Filter);

impl List for ParkedMessages {
    type Item = Found;
    const TABLE: Table = tables::PARKED;
    const PARTS: Parts = Parts::of(&[parked::ABOUT]);

    fn items(&self, entity: &Entity) -> Result<Vec<(String, Found)>, Error> {
        let found = Found::of(entity)?.filter(|found| self.0.matches(&found.about));
        Ok(found.into_iter().map(|found| (Self::behind(entity.ordinal), found)).collect())
    }

    fn behind(ordinal: Ordinal) -> String {
        parked::id(ordinal)
    }
}

pub(super) async fn list(
    backend: Data<Backend>,
    query: Query<(Filter, Window<Combined<After>>)>,
) -> Result<Json<Page<ParkedView<'static>>>, Problem> {
    let (filter, window) = query.0;
    let order = filter.order_id().map(str::to_owned);
    let read = move |partition: Option<u16>, reader: &Reader, window: &Window<After>| {
        let messages = ParkedMessages(filter.clone());
        let from = pages::first(window.after.as_ref().map(|after| after.0));
        let mut page = match messages.0.order_id() {
            Some(order) => of_order::page(&messages, reader, order, from, window.limit)?,
            None => pages::page(&messages, reader, from, window.limit)?,
        };
        page.items.iter_mut().for_each(|found| found.partition = partition);
        Ok::<_, Error>(page)
    };
    let page = if let Some(order) = order {
        // a message that names an order is in the partition of that order
        let (backend, window) = (backend.of_id(&order), merged::of_one(window)?);
        let partition = backend.partition();
        backend.query(move |reader| read(partition, reader, &window)).await?
    } else {
        let by_time = merged::Order::ascending(|found: &Found| found.about.received_at.micros());
        merged::page(&backend, window, by_time, read).await?
    };
    Ok(pages::json(&page, Found::view)?)
}
