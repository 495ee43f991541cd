//! `GET /api/orders/{id}/timeline`: every command and callback that touched an order, whatever its
//! verdict, and every event of it.
//!
//! The order's units are linked, newest first: each names the one before.

mod summary;

use super::{Core, json, orders};
use crate::admin::problem::Problem;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::event::face::Face;
use orderly_domain::id::{CommandId, Source};
use orderly_domain::record::Origin;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Verdict};
use serde::Serialize;

/// Units that are shown at most: the newest.
const MOST: usize = 1_000;

#[derive(Serialize)]
struct Item<'a> {
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<&'a str>,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Face<'a>>,
}

#[get("/orders/{id}/timeline")]
pub(super) async fn of_order(core: Data<Core>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let entries = core
        .look(move |core| {
            let ordinal = orders::place(core.view, &id)?;
            let mut next = core.view.last_in_history(tables::ORDERS, ordinal)?;
            let mut entries = Vec::new();
            while let Some(seq) = next.filter(|_| entries.len() < MOST) {
                // what retention has dropped is not told any more
                let Some(unit) = core.view.unit(seq)? else {
                    break;
                };
                entries.push(JournalEntry::read(&unit)?);
                next = unit.history.and_then(|link| link.previous);
            }
            Ok(entries)
        })
        .await?;
    let items: Vec<_> = entries.iter().rev().flat_map(items).collect();
    Ok(json(&items))
}

fn items(entry: &JournalEntry) -> Vec<Item<'_>> {
    let record = &entry.record;
    let (kind, source, command_id) = match &record.origin {
        Origin::Message { source, id, kind } => {
            (kind.as_str(), source.as_ref().map(Source::as_str), id.as_ref().map(CommandId::as_str))
        }
        Origin::Waited { source, id } => {
            ("payment.callback", Some(source.as_str()), Some(id.as_str()))
        }
        Origin::HoldTimer => ("hold.timer", None, None),
        Origin::Notified(_) => ("notification.outcome", None, None),
        Origin::Isolated => ("isolation", None, None),
        Origin::Operator => ("operator", None, None),
        Origin::Age => ("retention", None, None),
        Origin::Reminder => ("reminder", None, None),
    };
    let mut items = vec![Item {
        at: entry.at,
        sequence: None,
        kind,
        verdict: Some(record.verdict),
        reason: record.reason,
        source,
        command_id,
        summary: summary::of_unit(record),
        data: None,
    }];
    items.extend(entry.events().map(|(seq, event)| Item {
        at: entry.at,
        sequence: Some(seq.0),
        kind: event.kind().as_str(),
        verdict: None,
        reason: None,
        source: None,
        command_id: None,
        summary: summary::of_event(event, entry.scene()),
        data: Face::new(event, entry.scene()),
    }));
    items
}
