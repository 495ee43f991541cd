//! `GET /api/orders/{id}/timeline`: every command and callback that touched an order, whatever its verdict, and every event
//! of the order, the oldest first.
//!
//! Each unit of an order links to the unit of that order before. A query follows the links back from the newest unit to the
//! end of the page before, and keeps only the sequences of the units that the page may need. So a query takes time in
//! proportion to the units from there on, and memory in proportion to its answer. Only a page that begins with failed attempts
//! to deliver a notification needs a unit before the page, see `attempts`.

mod attempts;
mod summary;

use self::attempts::Attempts;
use super::{Backend, Error, orders, pages, shown_id};
use crate::admin::listing::{Limit, Page};
use crate::admin::operation::{Json, views};
use crate::admin::problem::Problem;
use crate::admin::query::{Expected, Query, Value, parameters};
use actix_web::web::{Data, Path};
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::{parked, tables};
use orderly_domain::event::payload::EventPayload;
use orderly_domain::id::{CommandId, Operator, Source};
use orderly_domain::ignored::Ignored;
use orderly_domain::notification::Delivery;
use orderly_domain::record::Origin;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::{Ordinal, Reader, Seq, Unit};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use std::collections::VecDeque;

/// The largest number of items of an answer without pages: the oldest ones.
const MOST: usize = 1_000;

/// One item of a timeline.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TimelineItem")]
pub(super) struct Item<'a> {
    at: Timestamp,
    /// Of an event: its sequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    /// The type of the command, the callback or the event, or what else it was.
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<&'a str>,
    /// Who acted through the admin API, as the caller said.
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<&'a str>,
    /// The parked message that was replayed or dismissed.
    #[serde(skip_serializing_if = "Option::is_none")]
    parked_id: Option<String>,
    /// The trace that the message named, or that began with it: 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    /// The fields of the command that are not known, by their paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<&'a Ignored>,
    /// What happened, in a sentence.
    summary: String,
    /// The data of an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    data: Option<EventPayload<'a>>,
}

impl Item<'_> {
    /// The same with ids as the API shows them.
    fn of_partition(self, partition: Option<u16>) -> Self {
        let parked_id = self.parked_id.map(|id| shown_id(partition, id));
        Self { parked_id, ..self }
    }
}

/// A timeline: with `limit` or `after` a page of it, otherwise its first 1,000 items.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum Timeline<'a> {
    /// A page.
    Page(Page<&'a Item<'a>>),
    /// The first items.
    First(Vec<Item<'a>>),
}

views!(Timeline);

/// The last item of the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct After(Seq);

impl Value for After {
    fn parse(text: &str) -> Result<Self, Expected> {
        pages::number(text).map(Seq).map(Self).ok_or_else(pages::next_of_a_page)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        pages::schema("", "$")
    }
}

parameters! {
    /// The part of a timeline that a caller asks for. Without either parameter that is the whole timeline, up to [`MOST`]
    /// items.
    pub(super) struct Part {
        /// The largest number of items. Without this and `after` the answer is a bare array of the first 1,000 items.
        limit: Option<Limit>,
        /// `next` of the page before.
        after: Option<After>,
    }
}

pub(super) async fn of_order(
    backend: Data<Backend>,
    id: Path<String>,
    part: Query<Part>,
) -> Result<Json<Timeline<'static>>, Problem> {
    let Part { limit, after } = part.0;
    let is_page = limit.is_some() || after.is_some();
    let after = after.map_or(Seq(0), |After(after)| after);
    let limit = limit.unwrap_or_default();
    let backend = backend.of_id(&id);
    let partition = backend.partition();
    let query = move |reader: &Reader| {
        let most = if is_page { limit.get() + 1 } else { MOST };
        let entries = entries(reader, &id, after, most)?;
        let items = entries.iter().flat_map(items).filter(|(place, _)| *place > after).take(most);
        let items = items.map(|(place, item)| (place, item.of_partition(partition)));
        if is_page {
            let page = Page::cut(items.collect(), limit, |(place, _)| place.0.to_string());
            let items: Vec<_> = page.items.iter().map(|(_, item)| item).collect();
            Ok(Json::new(&Timeline::Page(Page { items, next: page.next }))?)
        } else {
            Ok(Json::new(&Timeline::First(items.map(|(_, item)| item).collect()))?)
        }
    };
    backend.query(query).await
}

/// A unit of a timeline.
struct Entry {
    entry: JournalEntry,
    /// Of a failed attempt to deliver a notification that is tried again: the delivery after the attempt.
    retried: Option<Delivery>,
}

/// The oldest `most` units of an order that have items behind `after`, the oldest first. Each unit has at least one item, so
/// they are enough for `most` items.
fn entries(reader: &Reader, order: &str, after: Seq, most: usize) -> Result<Vec<Entry>, Error> {
    let mut sequences = VecDeque::new();
    let mut units = reader.history(tables::ORDERS, orders::number(reader, order)?)?.peekable();
    let first = after.0.saturating_add(1);
    while let Some(unit) =
        units.next_if(|unit| unit.as_ref().map_or(true, |unit| unit.next.0 > first))
    {
        sequences.push_front(unit?.seq);
        sequences.truncate(most);
    }
    let mut attempts = Attempts::new(units);
    let mut entries = Vec::with_capacity(sequences.len());
    for seq in sequences {
        // a unit that is missing was pruned in the meantime
        if let Some(unit) = reader.unit(seq)? {
            let entry = JournalEntry::read(&unit)?;
            let retried = attempts.retried(&unit, &entry.record)?;
            entries.push(Entry { entry, retried });
        }
    }
    Ok(entries)
}

/// All items of the timeline of an order.
pub(super) fn whole(reader: &Reader, order: &str) -> Result<Vec<serde_json::Value>, Error> {
    let entries = entries(reader, order, Seq(0), usize::MAX)?;
    let items = entries.iter().flat_map(items);
    Ok(items.map(|(_, item)| serde_json::to_value(item)).collect::<Result<_, _>>()?)
}

/// The items of a unit.
pub(super) fn shown(unit: &Unit) -> Result<serde_json::Value, Error> {
    let entry = Entry { entry: JournalEntry::read(unit)?, retried: None };
    let items: Vec<_> = items(&entry).into_iter().map(|(_, item)| item).collect();
    Ok(serde_json::to_value(items)?)
}

/// The items of a unit, each with its place in the journal: one for the origin of the unit and one for each event.
fn items(Entry { entry, retried }: &Entry) -> Vec<(Seq, Item<'_>)> {
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
        Origin::Quarantine => ("isolation", None, None),
        Origin::Operator => ("operator", None, None),
        Origin::Retention => ("retention", None, None),
        Origin::Reminder => ("reminder", None, None),
        Origin::Upgrade => ("upgrade", None, None),
        Origin::Restored => ("restored", None, None),
        Origin::Dismissed => ("parked.dismissed", None, None),
    };
    let cause = Item {
        at: entry.at,
        sequence: None,
        kind,
        verdict: Some(record.verdict),
        reason: record.reason,
        source,
        command_id,
        operator: record.operator.as_ref().map(Operator::as_str),
        parked_id: record.parked.map(|ordinal| parked::id(Ordinal(ordinal))),
        trace_id: record.trace.map(TraceParent::trace_id_text),
        ignored: record.ignored.as_ref(),
        summary: summary::of_unit(record, retried.as_ref()),
        data: None,
    };
    let events = entry.events().map(|(seq, event)| {
        let item = Item {
            at: entry.at,
            sequence: Some(seq.0),
            kind: event.kind().as_str(),
            verdict: None,
            reason: None,
            source: None,
            command_id: None,
            operator: None,
            parked_id: None,
            trace_id: None,
            ignored: None,
            summary: summary::of_event(event, entry.context()),
            data: EventPayload::new(event, entry.context()),
        };
        (seq, item)
    });
    std::iter::once((entry.seq, cause)).chain(events).collect()
}
