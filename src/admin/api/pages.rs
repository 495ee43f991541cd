//! Pages of a list of entities, the oldest first.

use super::Error;
use crate::admin::listing::{Limit, Page};
use crate::admin::operation::{Json, View};
use crate::admin::query::{Expected, Value};
use orderly_store::{Entity, Ordinal, Parts, Reader, Table};
use schemars::{Schema, SchemaGenerator, json_schema};

/// The number of entities after which a request stops, at the end of a page of the store, so that no request reads a whole
/// table. With a filter that few entities pass, a page may be short or empty and have a `next` all the same.
const EXAMINED: u64 = 2_000;

/// A list: a table through a filter.
pub(super) trait List {
    /// An item of the list.
    type Item;
    /// The table of the entities.
    const TABLE: Table;
    /// The parts that are read of each entity.
    const PARTS: Parts;

    /// The items of an entity, each with the `after` of a page that begins behind the item.
    fn items(&self, entity: &Entity) -> Result<Vec<(String, Self::Item)>, Error>;

    /// The `after` of a page that begins behind all items of an entity.
    fn behind(ordinal: Ordinal) -> String;
}

/// One page of a list, from the entity at `from` on. The page may begin between two items of that entity.
pub(super) fn page<L: List>(
    list: &L,
    reader: &Reader,
    from: Ordinal,
    limit: Limit,
) -> Result<Page<L::Item>, Error> {
    // One item more than the page holds shows that the list goes on.
    let wanted = limit.get() + 1;
    let until = from.0.saturating_add(EXAMINED);
    // a caller may ask for any place, also far behind the end
    let used = reader.next_ordinal(L::TABLE);
    let (mut found, mut next) = (Vec::new(), Some(from).filter(|from| *from < used));
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

/// A page of a list as JSON, with the view of each item that `show` makes.
pub(super) fn json<'a, T, V: View>(
    page: &'a Page<T>,
    show: impl Fn(&'a T) -> V,
) -> Result<Json<Page<V::Kind>>, Error> {
    let items: Vec<V> = page.items.iter().map(show).collect();
    Ok(Json::new(&Page { items, next: page.next.clone() })?)
}

/// The most digits of a place: every number of that many fits.
const DIGITS: usize = 19;

/// What an `after` must be.
pub(super) fn next_of_a_page() -> Expected {
    Expected::Other("the `next` of an earlier page".to_owned())
}

/// The number in an `after`.
pub(super) fn number(text: &str) -> Option<u64> {
    let is_number = (1..=DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// The schema of an `after` that has a number between other texts.
pub(super) fn schema(before: &str, behind: &str) -> Schema {
    json_schema!({
        "type": "string", "pattern": format!("^{before}[0-9]{{1,{DIGITS}}}{behind}"),
    })
}

/// The `after` of a list of entities: the ordinal of the last one of the page before.
impl Value for Ordinal {
    fn parse(text: &str) -> Result<Self, Expected> {
        number(text).map(Self).ok_or_else(next_of_a_page)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        schema("", "$")
    }
}

/// The first ordinal of a page, where `after` is the ordinal of the entity before.
pub(super) fn first(after: Option<Ordinal>) -> Ordinal {
    after.map_or(Ordinal(0), |last| Ordinal(last.0.saturating_add(1)))
}
