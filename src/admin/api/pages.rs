//! Pages of what a table holds, in the order in which it came.

use super::Error;
use super::backend::Json;
use crate::admin::listing::{Limit, Page, Window};
use crate::admin::problem::Problem;
use orderly_store::{Entity, Ordinal, Parts, Reader, Table};
use serde::Serialize;

/// Entities that one request examines, and those of the page of the store that it is in by then. A filter that lets few pass gives short pages, or empty ones, with a
/// `next`: no request reads a whole table.
const EXAMINED: u64 = 2_000;

/// What is listed: a table through a filter.
pub(super) trait List {
    /// An item of the list.
    type Item;
    /// The table that is gone through.
    const TABLE: Table;
    /// The parts that are read of each entity.
    const PARTS: Parts;

    /// The items that an entity gives, each with the `after` of a page that begins behind it.
    fn items(&self, entity: &Entity) -> Result<Vec<(String, Self::Item)>, Error>;

    /// The `after` of a page that begins behind all items of an entity.
    fn behind(ordinal: Ordinal) -> String;
}

/// One page of a list: from the entity at `from` on, whose items it may begin in the middle of.
pub(super) fn page<L: List>(
    list: &L,
    reader: &Reader,
    from: Ordinal,
    limit: Limit,
) -> Result<Page<L::Item>, Error> {
    // one more than asked for, which tells that there is more
    let wanted = limit.get() + 1;
    let until = from.0.saturating_add(EXAMINED);
    let (mut found, mut next) = (Vec::new(), Some(from));
    while let Some(at) = next.filter(|_| found.len() < wanted) {
        if at.0 >= until {
            let next = Some(L::behind(Ordinal(at.0 - 1)));
            return Ok(Page { items: items(found), next });
        }
        let (entities, behind) = reader.page(L::TABLE, at, wanted - found.len(), L::PARTS)?;
        for entity in &entities {
            found.extend(list.items(entity)?);
        }
        next = behind;
    }
    let Page { items: found, next } = Page::cut(found, limit, |(position, _)| position.clone());
    Ok(Page { items: items(found), next })
}

fn items<T>(found: Vec<(String, T)>) -> Vec<T> {
    found.into_iter().map(|(_, item)| item).collect()
}

/// A page of a list as JSON, each item as `show` makes it.
pub(super) fn json<'a, T, V: Serialize>(
    page: &'a Page<T>,
    show: impl Fn(&'a T) -> V,
) -> Result<Json, Error> {
    let items: Vec<V> = page.items.iter().map(show).collect();
    Json::new(&Page { items, next: page.next.clone() })
}

/// The first ordinal of a page whose `after` is the ordinal of the entity before.
pub(super) fn first(window: &Window) -> Result<Ordinal, Problem> {
    first_behind(window, |after| after.parse().ok().map(Ordinal))
}

/// The first ordinal of a page whose `after` names the entity before in its own way.
pub(super) fn first_behind(
    window: &Window,
    ordinal: impl FnOnce(&str) -> Option<Ordinal>,
) -> Result<Ordinal, Problem> {
    let Some(after) = &window.after else { return Ok(Ordinal(0)) };
    let next = ordinal(after).and_then(|last| last.0.checked_add(1));
    Ok(next.map(Ordinal).ok_or(Error::After)?)
}

/// The value of a filter, by its name in the query.
pub(super) fn named<T>(
    what: &str,
    name: Option<String>,
    of_name: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(name) = name else { return Ok(None) };
    let value = of_name(&name);
    value.map(Some).ok_or_else(|| Problem::unprocessable(format!("there is no {what} {name:?}")))
}
