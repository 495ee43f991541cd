//! What is found, and what an id names by itself.

use super::super::lists::After;
use super::super::parked::naming;
use super::super::{Error, local_id};
use crate::admin::listing::Limit;
use crate::admin::operation::View;
use orderly_actors::notification::order_of;
use orderly_actors::states::{State, part};
use orderly_actors::{names, tables};
use orderly_domain::cart::Cart;
use orderly_domain::inventory::Stock;
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, Tombstone};
use orderly_domain::parked::{Parked, ParkedOfOrder};
use orderly_domain::payment::Payments;
use orderly_domain::text::shown;
use orderly_domain::verdict::Detail;
use orderly_store::{Entity, Ordinal, Parts, Reader, Table};
use schemars::JsonSchema;
use serde::Serialize;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FoundKind")]
pub(in crate::admin::api) enum Kind {
    /// An order, a deleted one too, or one that only messages know of.
    Order,
    /// A cart.
    Cart,
    /// A sku.
    Sku,
    /// An order of the customer with that id.
    Customer,
    /// An order of the customer with that e-mail address.
    Email,
    /// An attempt to pay.
    Attempt,
    /// Captured money.
    Capture,
    /// A refund.
    Refund,
    /// A dispute.
    Dispute,
    /// A message that was processed. It is known as long as identities are kept.
    Command,
    /// An event of a provider that a callback told. It is known as long as identities are kept.
    Event,
    /// A notification.
    Notification,
    /// A parked message.
    Parked,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Found")]
pub(in crate::admin::api) struct Item {
    pub(super) kind: Kind,
    /// Its own id. Of a parked message that of `/api/parked`.
    pub(super) id: String,
    /// The order that it belongs to, or names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) order_id: Option<String>,
    /// What it is, in a few words.
    pub(super) summary: String,
}

impl View for Item {
    type Kind = Self;
}

/// What the id names by itself.
pub(super) fn named(partition: Option<u16>, reader: &Reader, id: &str) -> Result<Vec<Item>, Error> {
    let parked = local_id(partition, id).map(|id| parked_by_id(reader, id)).transpose()?;
    let found = [
        order(reader, id)?,
        cart(reader, id)?,
        sku(reader, id)?,
        notification(reader, id)?,
        parked.flatten(),
    ];
    Ok(found.into_iter().flatten().collect())
}

/// The entity with that id. `None`: the store does not know the id.
fn entity(reader: &Reader, table: Table, id: &str, parts: Parts) -> Result<Option<Entity>, Error> {
    match reader.find(table, &names::name(id))? {
        Some(ordinal) => Ok(Some(reader.entity(table, ordinal, parts)?)),
        None => Ok(None),
    }
}

fn order(reader: &Reader, id: &str) -> Result<Option<Item>, Error> {
    let parts = [Order::PART, Payments::PART, Tombstone::PART, ParkedOfOrder::PART];
    let parts = Parts::of(&parts);
    let Some(entity) = entity(reader, tables::ORDERS, id, parts)? else {
        return Ok(None);
    };
    let summary = if let Some(order) = part::<Order>(&entity)? {
        in_words(&order)
    } else if let Some(tombstone) = part::<Tombstone>(&entity)? {
        format!("deleted; it was {}", tombstone.status)
    } else {
        let waiting = part::<Payments>(&entity)?.map_or(0, |payments| payments.waiting.len());
        let parked = part::<ParkedOfOrder>(&entity)?.map_or(0, |list| list.count);
        if waiting == 0 && parked == 0 {
            return Ok(None);
        }
        let callbacks = format!("payment callbacks that wait for it: {waiting}");
        format!("not placed yet; {callbacks}; parked messages that name it: {parked}")
    };
    Ok(Some(Item { kind: Kind::Order, id: id.to_owned(), order_id: Some(id.to_owned()), summary }))
}

/// An order in a few words.
pub(super) fn in_words(order: &Order) -> String {
    let (status, placed_at) = (order.status, order.placed_at);
    let total = order.currency.show(order.total);
    format!("{status}, {total}, customer {}, placed at {placed_at}", order.customer.id)
}

fn cart(reader: &Reader, id: &str) -> Result<Option<Item>, Error> {
    let entity = entity(reader, tables::CARTS, id, Parts::of(&[Cart::PART]))?;
    let cart = entity.as_ref().map(part::<Cart>).transpose()?.flatten();
    Ok(cart.map(|cart| {
        let lines = cart.lines.len();
        Item {
            kind: Kind::Cart,
            id: id.to_owned(),
            order_id: cart.order.as_ref().map(ToString::to_string),
            summary: format!("{}, lines: {lines}, changed at {}", cart.status, cart.updated_at),
        }
    }))
}

fn sku(reader: &Reader, id: &str) -> Result<Option<Item>, Error> {
    let entity = entity(reader, tables::SKUS, id, Parts::of(&[Stock::PART]))?;
    let stock = entity.as_ref().map(part::<Stock>).transpose()?.flatten();
    Ok(stock.map(|stock| Item {
        kind: Kind::Sku,
        id: id.to_owned(),
        order_id: None,
        summary: format!("{} on hand, {} held", stock.on_hand, stock.held),
    }))
}

fn notification(reader: &Reader, id: &str) -> Result<Option<Item>, Error> {
    let Some(ordinal) = order_of(id).filter(|of| *of < reader.next_ordinal(tables::ORDERS)) else {
        return Ok(None);
    };
    let parts = Parts::of(&[Order::PART, Notices::PART]);
    let entity = reader.entity(tables::ORDERS, ordinal, parts)?;
    let (order, notices) = (part::<Order>(&entity)?, part::<Notices>(&entity)?.unwrap_or_default());
    let notice = notices.all.iter().find(|notice| notice.id == id);
    Ok(notice.map(|notice| Item {
        kind: Kind::Notification,
        id: id.to_owned(),
        order_id: order.map(|order| order.id.to_string()),
        summary: format!("{}, {}", notice.kind, notice.standing().as_str()),
    }))
}

fn parked_by_id(reader: &Reader, id: &str) -> Result<Option<Item>, Error> {
    let used = reader.next_ordinal(tables::PARKED);
    match orderly_actors::parked::ordinal(id).filter(|ordinal| *ordinal < used) {
        Some(ordinal) => Ok(about(reader, ordinal)?.map(|about| of_parked(ordinal, &about))),
        None => Ok(None),
    }
}

/// The parked message with that ordinal, if it has this id or names it.
pub(super) fn parked(reader: &Reader, id: &str, ordinal: Ordinal) -> Result<Vec<Item>, Error> {
    let names_it = |about: &Parked| {
        about.command_id.as_deref() == Some(id)
            || about.event_id.as_ref().is_some_and(|event| event.as_str() == id)
    };
    let about = about(reader, ordinal)?.filter(names_it);
    Ok(about.iter().map(|about| of_parked(ordinal, about)).collect())
}

/// The parked messages that name the order, from the place of a page on.
pub(super) fn parked_of_order(
    reader: &Reader,
    order: &str,
    limit: Limit,
    after: Option<After>,
) -> Result<(Vec<Item>, Option<After>), Error> {
    let from = after.map_or(Ordinal(0), After::ordinal);
    let (messages, next) = naming(reader, order, from, limit)?;
    let items = messages.iter().map(|(ordinal, about)| of_parked(*ordinal, about)).collect();
    Ok((items, next.map(After::at)))
}

fn about(reader: &Reader, ordinal: Ordinal) -> Result<Option<Parked>, Error> {
    let part = reader.read(tables::PARKED, ordinal, orderly_actors::parked::ABOUT)?;
    Ok(part.map(|bytes| orderly_actors::parked::decode(ordinal, &bytes)).transpose()?)
}

fn of_parked(ordinal: Ordinal, about: &Parked) -> Item {
    let reason = about.reason;
    let what = about.r#type.as_deref().unwrap_or("a message");
    let detail = match &about.detail {
        Some(Detail::Text(text)) => format!(": {}", shown(text)),
        Some(Detail::Shortages(_)) | None => String::new(),
    };
    Item {
        kind: Kind::Parked,
        id: orderly_actors::parked::id(ordinal),
        order_id: about.order_id.clone(),
        summary: format!("{}, parked as {reason}{detail}", shown(what)),
    }
}
