//! Pages of the lists that the store keeps: orders by their status, customer, and so on.
//!
//! A page is read from a snapshot of the lists. Each entity that it names is read then, and shown only if it is what was
//! asked for: it may have changed since, and two lists may have one number (see `orderly_domain::lists`). The work for a page
//! is bounded. So a page may be short, or empty, and have a `next` all the same.

use super::Error;
use super::pages::next_of_a_page;
use crate::admin::listing::{Limit, Page, Window};
use crate::admin::query::{Expected, Value};
use crate::admin::values::Sort;
use orderly_actors::counters;
use orderly_domain::lists::List;
use orderly_store::{
    self as store, Direction, Entity, Ordinal, Parts, Place, Postings, Query, Reader, Table,
};
use schemars::{Schema, SchemaGenerator, json_schema};

/// The most entities that are read for a page.
const EXAMINED: usize = 2_000;
/// The most work for a page in the lists themselves: some tens of milliseconds.
const EFFORT: usize = 50_000;

/// A place in a list: of an entity, and of one of the items that it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct After {
    place: Place,
    /// How many items of the entity are on the pages before.
    items: usize,
}

impl After {
    const fn entity(place: Place) -> Self {
        Self { place, items: 0 }
    }

    /// A place among items that are in no list.
    pub(super) const fn item(items: usize) -> Self {
        Self { place: Place { rank: 0, ordinal: Ordinal(0) }, items }
    }

    /// The place of an entity that is in no list.
    pub(super) const fn at(ordinal: Ordinal) -> Self {
        Self::entity(Place { rank: 0, ordinal })
    }

    /// The entity.
    pub(super) const fn ordinal(self) -> Ordinal {
        self.place.ordinal
    }

    /// How many items of the entity are on the pages before.
    pub(super) const fn items(self) -> usize {
        self.items
    }
}

/// As a text: rank, ordinal and number of items, the last one only where there are some.
impl std::fmt::Display for After {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { place: Place { rank, ordinal }, items } = self;
        write!(f, "{rank}.{}", ordinal.0)?;
        if *items > 0 {
            write!(f, ".{items}")?;
        }
        Ok(())
    }
}

impl Value for After {
    fn parse(text: &str) -> Result<Self, Expected> {
        let parse = || {
            let mut parts = text.split('.');
            let rank = parts.next()?.parse().ok()?;
            let ordinal = Ordinal(parts.next()?.parse().ok()?);
            let items = parts.next().map_or(Some(0), |items| items.parse().ok())?;
            let after = Self { place: Place { rank, ordinal }, items };
            // as it would be written: nothing else is a `next`
            (parts.next().is_none() && after.to_string() == text).then_some(after)
        };
        parse().ok_or_else(next_of_a_page)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        // numbers of 18 digits always fit
        json_schema!({
            "type": "string",
            "pattern": r"^(0|-?[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})(\.[1-9][0-9]{0,17})?$",
        })
    }
}

/// Which entities are asked for.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// Of each group an entity is in at least one list.
    pub(super) all_of: Vec<Vec<store::List>>,
    /// And in none of these.
    pub(super) none_of: Vec<store::List>,
    /// The lowest and the highest rank.
    pub(super) ranks: (i64, i64),
    pub(super) sort: Sort,
}

impl Question {
    /// The entities of one list, the lowest rank first.
    pub(super) fn of(list: List) -> Self {
        Self::of_number(number(list), Sort::Oldest)
    }

    /// The entities of any of some lists with the same ranks, the lowest rank first.
    pub(super) fn of_any(lists: &[List]) -> Self {
        let lists = lists.iter().map(|list| number(*list)).collect();
        let all_of = vec![lists];
        Self { all_of, none_of: Vec::new(), ranks: (i64::MIN, i64::MAX), sort: Sort::Oldest }
    }

    /// The entities of one list.
    pub(super) fn of_number(list: Number, sort: Sort) -> Self {
        let all_of = vec![vec![list]];
        Self { all_of, none_of: Vec::new(), ranks: (i64::MIN, i64::MAX), sort }
    }
}

/// A list as the store knows it.
pub(super) type Number = store::List;

/// The list as the store knows it.
pub(super) fn number(list: List) -> Number {
    store::List(list.number())
}

/// What is read of each entity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of {
    pub(super) table: Table,
    pub(super) parts: Parts,
}

/// A snapshot of the lists. An error while they are built from the states of an earlier build.
pub(super) fn snapshot(reader: &Reader) -> Result<Postings, Error> {
    let is_built = reader.counter(counters::LISTS_BUILT) > 0;
    if is_built || reader.next_ordinal(orderly_actors::tables::ORDERS) == Ordinal(0) {
        Ok(reader.postings())
    } else {
        Err(Error::ListsNotBuilt)
    }
}

/// One page of the entities that are asked for. `items` gives what is shown of one: nothing, if it is not what was asked
/// for.
pub(super) fn page<T>(
    reader: &Reader,
    question: Question,
    window: &Window<After>,
    of: Of,
    items: impl Fn(&Entity, Place) -> Result<Vec<T>, Error>,
) -> Result<Page<T>, Error> {
    let postings = snapshot(reader)?;
    let found = found(&postings, question, window.limit, window.after, |place| {
        let entity = reader.entity(of.table, place.ordinal, of.parts)?;
        items(&entity, place)
    });
    found.map(|(items, next)| Page { items, next: next.map(|next| next.to_string()) })
}

/// What the places give that are asked for, at most `limit` of it, and where it goes on.
pub(super) fn found<T>(
    postings: &Postings,
    question: Question,
    limit: Limit,
    after: Option<After>,
    items: impl Fn(Place) -> Result<Vec<T>, Error>,
) -> Result<(Vec<T>, Option<After>), Error> {
    let Question { all_of, none_of, ranks, sort } = question;
    let direction = match sort {
        Sort::Newest => Direction::Descending,
        Sort::Oldest => Direction::Ascending,
    };
    let mut query =
        Query { all_of, none_of, ranks, direction, from: None, limit: limit.get(), effort: EFFORT };
    let (mut found, mut next) = (Vec::new(), after);
    let mut examined = 0;
    loop {
        query.from = next.map(|after| after.place);
        let selected = postings.select(&query)?;
        examined += selected.places.len();
        let is_spent = selected.places.len() < query.limit;
        for place in selected.places {
            if found.len() == limit.get() {
                return Ok((found, Some(After::entity(place))));
            }
            let shown = next.filter(|after| after.place == place).map_or(0, |after| after.items);
            for (number, item) in items(place)?.into_iter().enumerate().skip(shown) {
                if found.len() == limit.get() {
                    return Ok((found, Some(After { place, items: number })));
                }
                found.push(item);
            }
        }
        next = selected.next.map(After::entity);
        let is_full = found.len() == limit.get();
        if next.is_none() || is_full || is_spent || examined >= EXAMINED {
            return Ok((found, next));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_after_is_read_as_it_was_written_and_nothing_else_is_one() {
        for (rank, ordinal, items, text) in [
            (0, 0, 0, "0.0"),
            (-5, 7, 0, "-5.7"),
            (1_700_000_000_000_000, 12, 3, "1700000000000000.12.3"),
            (i64::MIN, u64::MAX, 1, "-9223372036854775808.18446744073709551615.1"),
        ] {
            let after = After { place: Place { rank, ordinal: Ordinal(ordinal) }, items };
            assert_eq!(after.to_string(), text);
            assert_eq!(After::parse(text), Ok(after));
        }
        for text in
            ["", "1", "1.", ".1", "1.2.", "1.2.0", "01.2", "+1.2", "1.2.3.4", "1.-2", "a.b", " 1.2"]
        {
            assert_eq!(After::parse(text), Err(next_of_a_page()), "{text}");
        }
    }
}
