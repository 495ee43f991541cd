//! `GET /api/parked`, `GET /api/parked/{id}`.

use super::{Core, Error, json};
use crate::admin::listing::{Page, Window};
use crate::admin::problem::Problem;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use orderly_actors::counters::PARKED_REASONS;
use orderly_actors::parked;
use orderly_actors::tables;
use orderly_domain::parked::Parked;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Reason};
use orderly_store::{Ordinal, View};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct ParkedView {
    id: String,
    reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    received_at: Timestamp,
    attempts: u32,
    detail: Option<Detail>,
    raw: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    size: u64,
    truncated: bool,
}

impl ParkedView {
    fn new((ordinal, about, body): (Ordinal, Parked, Bytes)) -> Self {
        Self {
            id: parked::id(ordinal),
            reason: about.reason,
            command_id: about.command_id,
            source: about.source,
            r#type: about.r#type,
            order_id: about.order_id,
            received_at: about.received_at,
            attempts: about.attempts,
            detail: about.detail,
            raw: STANDARD.encode(&body),
            text: std::str::from_utf8(&body).ok().map(str::to_owned),
            size: about.size,
            truncated: about.truncated,
        }
    }
}

fn read(view: &View, ordinal: Ordinal) -> Result<Option<(Ordinal, Parked, Bytes)>, Error> {
    let Some(about) = parked::read(view, ordinal)? else {
        return Ok(None);
    };
    let body = parked::body(view, ordinal)?.unwrap_or_default();
    Ok(Some((ordinal, about, body)))
}

#[get("/parked/{id}")]
pub(super) async fn one(core: Data<Core>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let found = core
        .look(move |core| {
            let ordinal = parked::ordinal(&id).ok_or(Error::NotFound("parked message"))?;
            read(core.view, ordinal)?.ok_or(Error::NotFound("parked message"))
        })
        .await?;
    Ok(json(&ParkedView::new(found)))
}

#[derive(Deserialize)]
pub(super) struct Filter {
    reason: Option<String>,
    #[serde(flatten)]
    window: Window,
}

/// Entities that one look reads at most.
const SCAN: usize = 256;

#[get("/parked")]
pub(super) async fn list(core: Data<Core>, filter: Query<Filter>) -> Result<HttpResponse, Problem> {
    let Filter { reason, window } = filter.into_inner();
    let reason = reason
        .map(|name| {
            Reason::from_name(&name)
                .filter(|reason| PARKED_REASONS.contains(reason))
                .ok_or_else(|| Problem::unprocessable(format!("there is no reason {name:?}")))
        })
        .transpose()?;
    let mut from = match &window.after {
        None => Ordinal(0),
        Some(after) => match parked::ordinal(after) {
            Some(last) => Ordinal(last.0.saturating_add(1)),
            None => {
                return Err(Problem::unprocessable("after must be the next of an earlier page"));
            }
        },
    };
    let wanted = window.limit.get() + 1;
    let mut found = Vec::new();
    while found.len() < wanted {
        let (some, next) = core.look(move |core| scan(core.view, from, reason)).await?;
        found.extend(some);
        match next {
            Some(next) => from = next,
            None => break,
        }
    }
    found.truncate(wanted);
    let page = Page::cut(found, window.limit, |(ordinal, ..)| parked::id(*ordinal));
    let items: Vec<_> = page.items.into_iter().map(ParkedView::new).collect();
    Ok(json(&Page { items, next: page.next }))
}

type Items = Vec<(Ordinal, Parked, Bytes)>;

fn scan(
    view: &View,
    from: Ordinal,
    reason: Option<Reason>,
) -> Result<(Items, Option<Ordinal>), Error> {
    let entities = view.scan(tables::PARKED, from, SCAN)?;
    let next =
        entities.last().filter(|_| entities.len() == SCAN).map(|last| Ordinal(last.ordinal.0 + 1));
    let mut found = Vec::new();
    for entity in &entities {
        if let Some(item) = read(view, entity.ordinal)?
            && reason.is_none_or(|reason| item.1.reason == reason)
        {
            found.push(item);
        }
    }
    Ok((found, next))
}
