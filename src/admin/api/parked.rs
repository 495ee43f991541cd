//! `GET /api/parked`, without the bytes of the messages; `GET /api/parked/{id}`, with them.

mod of_order;

use super::pages::{self, List};
use super::{Backend, Error};
use crate::admin::listing::{Page, Window};
use crate::admin::operation::{Json, views};
use crate::admin::problem::Problem;
use crate::admin::query::{Expected, Query, Value, parameters};
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
    ordinal: Ordinal,
    about: Parked,
}

impl Found {
    fn of(entity: &Entity) -> Result<Option<Self>, Error> {
        let Some((_, about)) = entity.parts.iter().find(|(part, _)| *part == parked::ABOUT) else {
            return Ok(None);
        };
        let about = parked::decode(entity.ordinal, about)?;
        Ok(Some(Self { ordinal: entity.ordinal, about }))
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
        } = &self.about;
        ParkedView {
            id: parked::id(self.ordinal),
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
    backend.query(move |reader| read(reader, &id)).await
}

fn read(reader: &Reader, id: &str) -> Result<Json<WholeView<'static>>, Error> {
    const MISSING: Error = Error::NotFound("parked message");
    let ordinal = parked::ordinal(id).ok_or(MISSING)?;
    let parts = Parts::of(&[parked::ABOUT, parked::BODY]);
    let entity = reader.entity(tables::PARKED, ordinal, parts)?;
    let found = Found::of(&entity)?.ok_or(MISSING)?;
    let body = entity.parts.iter().find(|(part, _)| *part == parked::BODY);
    let body = body.map_or(&[][..], |(_, body)| body);
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

parameters! {
    /// The parked messages that a caller asks for.
    pub(super) struct Filter {
        /// Only messages that name this order, which need not be there.
        order_id: Option<String>,
        /// Only messages of this source.
        source: Option<String>,
        /// Only messages of this type, which need not be known.
        r#type: Option<String>,
        /// Only messages that were parked for this reason.
        reason: Option<ParkedReason>,
        ..window: Window<After>
    }
}

/// Parked messages through a filter, without their bytes.
struct ParkedMessages {
    order_id: Option<String>,
    source: Option<String>,
    r#type: Option<String>,
    reason: Option<ParkedReason>,
}

impl ParkedMessages {
    fn wants(&self, Found { about, .. }: &Found) -> bool {
        let is = |wanted: &Option<String>, found: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| Some(wanted) == found.as_ref())
        };
        is(&self.order_id, &about.order_id)
            && is(&self.source, &about.source)
            && is(&self.r#type, &about.r#type)
            && self.reason.is_none_or(|reason| ParkedReason::from(about.reason) == reason)
    }
}

impl List for ParkedMessages {
    type Item = Found;
    const TABLE: Table = tables::PARKED;
    const PARTS: Parts = Parts::of(&[parked::ABOUT]);

    fn items(&self, entity: &Entity) -> Result<Vec<(String, Found)>, Error> {
        let wanted = Found::of(entity)?.filter(|found| self.wants(found));
        Ok(wanted.into_iter().map(|found| (Self::behind(entity.ordinal), found)).collect())
    }

    fn behind(ordinal: Ordinal) -> String {
        parked::id(ordinal)
    }
}

pub(super) async fn list(
    backend: Data<Backend>,
    filter: Query<Filter>,
) -> Result<Json<Page<ParkedView<'static>>>, Problem> {
    let Filter { order_id, source, r#type, reason, window } = filter.0;
    let messages = ParkedMessages { order_id, source, r#type, reason };
    let (from, limit) = (pages::first(window.after.map(|after| after.0)), window.limit);
    let query = move |reader: &Reader| {
        let page = match &messages.order_id {
            Some(order) => of_order::page(&messages, reader, order, from, limit)?,
            None => pages::page(&messages, reader, from, limit)?,
        };
        pages::json(&page, Found::view)
    };
    backend.query(query).await
}
