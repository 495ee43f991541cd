//! The parked messages that name one order, found from the order: they are a list, in the order of their numbers.

use super::{Found, List as _, ParkedMessages};
use crate::admin::api::{Error, pages};
use crate::admin::listing::{Limit, Page};
use orderly_actors::states::{State as _, part};
use orderly_actors::{names, tables};
use orderly_domain::parked::{Link, ParkedOfOrder};
use orderly_store::{Ordinal, Parts, Reader};

/// The number of messages after which a request stops. With a further filter that few messages pass, a page may be short or
/// empty and have a `next` all the same.
const EXAMINED: usize = 2_000;

/// One page of the messages that name the order, from the one at `from` on.
pub(super) fn page(
    messages: &ParkedMessages,
    reader: &Reader,
    order: &str,
    from: Ordinal,
    limit: Limit,
) -> Result<Page<Found>, Error> {
    let wanted = limit.get() + 1;
    let mut found = Vec::new();
    let none = Page { items: Vec::new(), next: None };
    let Some(order) = reader.find(tables::ORDERS, &names::name(order))? else { return Ok(none) };
    let (mut next, mut last) = (first(reader, order, from)?, from);
    for _ in 0..EXAMINED {
        let Some(at) = next.filter(|_| found.len() < wanted) else {
            return Ok(Page::cut(found, limit, |found: &Found| id(found.ordinal)));
        };
        let message = read(reader, at)?;
        let Some((message, link)) = message.and_then(|message| in_list(order, message)) else {
            // it is not in the list, or not any more: the next of the list is found among all messages
            return rest(messages, reader, found, at, limit);
        };
        (next, last) = (link.next.map(Ordinal), at);
        if messages.0.matches(&message.about) {
            found.push(message);
        }
    }
    if found.len() < wanted && next.is_some() {
        return Ok(Page { items: found, next: Some(id(last)) });
    }
    Ok(Page::cut(found, limit, |found: &Found| id(found.ordinal)))
}

/// The message at which to begin: the first of the list, or the one behind the page before.
fn first(reader: &Reader, order: Ordinal, from: Ordinal) -> Result<Option<Ordinal>, Error> {
    let list = reader.entity(tables::ORDERS, order, Parts::of(&[ParkedOfOrder::PART]))?;
    let Some(list) = part::<ParkedOfOrder>(&list)? else { return Ok(None) };
    if from.0 <= list.first {
        return Ok(Some(Ordinal(list.first)));
    }
    if from.0 > list.last {
        return Ok(None);
    }
    let before = read(reader, Ordinal(from.0 - 1))?;
    match before.and_then(|before| in_list(order, before)) {
        Some((_, link)) => Ok(link.next.map(Ordinal)),
        None => Ok(Some(from)),
    }
}

/// The message with its place, if it is in the list of the order.
fn in_list(order: Ordinal, message: Found) -> Option<(Found, Link)> {
    let link = message.about.link.filter(|link| link.order == order.0)?;
    Some((message, link))
}

/// The rest of a page, from the message at `at` on, through all parked messages.
fn rest(
    messages: &ParkedMessages,
    reader: &Reader,
    mut found: Vec<Found>,
    at: Ordinal,
    limit: Limit,
) -> Result<Page<Found>, Error> {
    let Page { items, next } = pages::page(messages, reader, at, limit)?;
    found.extend(items);
    if found.len() > limit.get() {
        return Ok(Page::cut(found, limit, |found: &Found| id(found.ordinal)));
    }
    Ok(Page { items: found, next })
}

fn read(reader: &Reader, ordinal: Ordinal) -> Result<Option<Found>, Error> {
    Found::of(&reader.entity(tables::PARKED, ordinal, ParkedMessages::PARTS)?)
}

fn id(ordinal: Ordinal) -> String {
    ParkedMessages::behind(ordinal)
}
