//! `GET /api/search`: what has an id, whatever it is: an order, a cart, a sku, a customer, an e-mail address, an id that a
//! provider gave, a message, a notification, a parked message.
//!
//! An id is compared as a whole; an e-mail address in lower case. What is found comes in this order: what the id names by
//! itself, then the places of the lists that have it, list by list. So a page goes on within a list.

mod found;
mod orders;
mod units;

use self::found::Item;
use super::lists::{self, After, Question};
use super::merged::{self, Combined};
use super::pages::next_of_a_page;
use super::{Backend, Error, shown_id};
use crate::admin::listing::{Limit, Page, Window};
use crate::admin::operation::Json;
use crate::admin::problem::Problem;
use crate::admin::query::{Expected, Field, Query, Value, parameters};
use crate::admin::values::Sort;
use actix_web::web::Data;
use orderly_domain::id::CustomerId;
use orderly_domain::lists::List;
use orderly_store::{Place, Reader, Seq};
use schemars::{Schema, SchemaGenerator, json_schema};

/// The text that is searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(String);

impl Text {
    /// The most characters, spaces around it included. No id and no e-mail address is longer.
    const MOST: usize = 1_024;
}

impl Field for Text {
    const IS_REQUIRED: bool = true;

    fn read(text: Option<&str>) -> Result<Self, Expected> {
        let given = text.unwrap_or_default();
        let text = given.trim();
        if text.is_empty() || given.chars().nth(Self::MOST).is_some() {
            return Err(Expected::Other(format!("a text of 1 to {} characters", Self::MOST)));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        let most = Self::MOST;
        json_schema!({ "type": "string", "minLength": 1, "maxLength": most, "pattern": r"\S" })
    }
}

/// A part of the search. The number is in the `after` of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// What the id names by itself.
    Named,
    /// Orders of a customer.
    Customer,
    /// Orders of an e-mail address.
    Email,
    /// Attempts, captures, refunds and disputes.
    Reference,
    /// The same, of those that have records of their own.
    FoldedReference,
    /// Messages.
    Message,
    /// Events of providers.
    Event,
    /// Parked messages with that id.
    ParkedCommand,
    /// Parked messages about that order.
    ParkedOrder,
    /// Parked messages about that event.
    ParkedEvent,
}

impl Stage {
    const ALL: [Self; 10] = [
        Self::Named,
        Self::Customer,
        Self::Email,
        Self::Reference,
        Self::FoldedReference,
        Self::Message,
        Self::Event,
        Self::ParkedCommand,
        Self::ParkedOrder,
        Self::ParkedEvent,
    ];

    /// The list of what the stage finds. `None`: no list has such a text.
    fn list(self, text: &str, customer: Option<&CustomerId>) -> Option<lists::Number> {
        let list = match self {
            Self::Named | Self::ParkedOrder => return None,
            Self::Customer => List::Customer(customer?),
            Self::Email => List::Email(text),
            Self::Reference => List::Reference(text),
            Self::FoldedReference => List::FoldedReference(text),
            Self::Message => List::Message(text),
            Self::Event => List::Event(text),
            Self::ParkedCommand => List::ParkedCommand(text),
            Self::ParkedEvent => List::ParkedEvent(text),
        };
        Some(lists::number(list))
    }

    /// What a place of the list of the stage gives.
    fn items(self, reader: &Reader, text: &str, place: Place) -> Result<Vec<Item>, Error> {
        let (ordinal, seq) = (place.ordinal, Seq(place.ordinal.0));
        match self {
            Self::Named | Self::ParkedOrder => Ok(Vec::new()),
            Self::Customer => orders::of_customer(reader, text, ordinal),
            Self::Email => orders::of_email(reader, text, ordinal),
            Self::Reference => orders::of_reference(reader, text, ordinal),
            Self::FoldedReference => orders::of_folded_reference(reader, text, ordinal),
            Self::Message => units::of_message(reader, text, seq),
            Self::Event => units::of_event(reader, text, seq),
            Self::ParkedCommand | Self::ParkedEvent => found::parked(reader, text, ordinal),
        }
    }
}

/// Where a page begins: the stage of the search, and the place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    stage: usize,
    /// `None`: its beginning.
    after: Option<After>,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.stage)?;
        self.after.map_or(Ok(()), |after| write!(f, ".{after}"))
    }
}

impl Value for Position {
    fn parse(text: &str) -> Result<Self, Expected> {
        let (stage, after) = text.split_once('.').map_or((text, None), |(a, b)| (a, Some(b)));
        let stage = (0..Stage::ALL.len()).find(|known| known.to_string() == stage);
        let stage = stage.ok_or_else(next_of_a_page)?;
        Ok(Self { stage, after: after.map(After::parse).transpose()? })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let after = After::schema(generator);
        let after = after.get("pattern").and_then(|pattern| pattern.as_str()).unwrap_or_default();
        let after = after.trim_start_matches('^').trim_end_matches('$');
        let last = Stage::ALL.len() - 1;
        json_schema!({ "type": "string", "pattern": format!(r"^[0-{last}](\.{after})?$") })
    }
}

parameters! {
    /// What is searched for.
    pub(super) struct Search {
        /// The id or the e-mail address, whole.
        q: Text,
        ..window: Window<Combined<Position>>
    }
}

pub(super) async fn find(
    backend: Data<Backend>,
    search: Query<Search>,
) -> Result<Json<Page<Item>>, Problem> {
    let Search { q: Text(text), window } = search.0;
    let page = move |partition: Option<u16>, reader: &Reader, window: &Window<Position>| {
        let mut page = page(partition, reader, &text, window)?;
        for item in &mut page.items {
            if item.kind == found::Kind::Parked {
                item.id = shown_id(partition, std::mem::take(&mut item.id));
            }
        }
        Ok(page)
    };
    let page = merged::page(&backend, window, merged::Order::by_partition(), page).await?;
    Ok(Json::new(&page)?)
}

fn page(
    partition: Option<u16>,
    reader: &Reader,
    text: &str,
    window: &Window<Position>,
) -> Result<Page<Item>, Error> {
    let postings = lists::snapshot(reader)?;
    let customer = CustomerId::new(text).ok();
    let first = window.after.map_or(0, |position| position.stage);
    let mut items: Vec<Item> = Vec::new();
    for (number, stage) in Stage::ALL.into_iter().enumerate().skip(first) {
        let position = window.after.filter(|position| position.stage == number);
        let after = position.and_then(|position| position.after);
        let Some(left) = window.limit.less(items.len()) else {
            let next = Position { stage: number, after: None };
            return Ok(Page { items, next: Some(next.to_string()) });
        };
        let (found, next) = match stage.list(text, customer.as_ref()) {
            Some(list) => {
                let question = Question::of_number(list, Sort::Newest);
                let items = |place| stage.items(reader, text, place);
                lists::found(&postings, question, left, after, items)?
            }
            None if stage == Stage::Named => named(partition, reader, text, left, after)?,
            None if stage == Stage::ParkedOrder => {
                found::parked_of_order(reader, text, left, after)?
            }
            None => continue,
        };
        items.extend(found);
        if let Some(after) = next {
            let next = Position { stage: number, after: Some(after) };
            return Ok(Page { items, next: Some(next.to_string()) });
        }
    }
    Ok(Page { items, next: None })
}

/// What the id names by itself, from the place of a page on.
fn named(
    partition: Option<u16>,
    reader: &Reader,
    text: &str,
    limit: Limit,
    after: Option<After>,
) -> Result<(Vec<Item>, Option<After>), Error> {
    let shown = after.map_or(0, After::items);
    let mut items: Vec<_> =
        found::named(partition, reader, text)?.into_iter().skip(shown).collect();
    let has_more = items.len() > limit.get();
    items.truncate(limit.get());
    Ok((items, has_more.then(|| After::item(shown + limit.get()))))
}

#[cfg(test)]
mod tests;
