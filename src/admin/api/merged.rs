//! A page of a list over all partitions: the pages of the partitions, merged by what the list is sorted by.
//!
//! Such a page ends at a place in each partition, and its `next` has them all. Where a partition cannot say within the work for a
//! page what comes next in it, the page ends there: it may be short, or empty, and have a `next` all the same.

use super::{Backend, Error};
use crate::admin::listing::{Limit, Page, Window};
use crate::admin::problem::Problem;
use crate::admin::query::{Expected, Value};
use crate::admin::values::Sort;
use futures_util::future::try_join_all;
use orderly_domain::partition::Partitions;
use orderly_store::Reader;
use schemars::{Schema, SchemaGenerator};
use std::cmp::Ordering;

/// Where a page begins: a place in the list, or with several partitions one in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Combined<A> {
    One(A),
    Several(Vec<Place<A>>),
}

/// Where a page begins in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place<A> {
    Beginning,
    After {
        after: A,
        /// As it was given, with what `escaped` does to it.
        text: String,
    },
    /// Everything in the partition is on earlier pages.
    End,
}

/// Begins the text of several places, and stands between them.
const MARK: char = '~';
/// The text of the end.
const END: &str = "end";

impl<A: Value> Value for Combined<A> {
    fn parse(text: &str) -> Result<Self, Expected> {
        let Some(places) = text.strip_prefix(MARK) else {
            return A::parse(text).map(Self::One);
        };
        let place = |text: &str| match text {
            "" => Ok(Place::Beginning),
            END => Ok(Place::End),
            text => A::parse(&unescaped(text))
                .map(|after| Place::After { after, text: text.to_owned() }),
        };
        places.split(MARK).map(place).collect::<Result<_, _>>().map(Self::Several)
    }

    /// Of one place. The document of a process with several partitions has [`pattern`] in its stead.
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        A::schema(generator)
    }
}

/// The pattern of a text with a place in each of several partitions.
pub(in crate::admin) fn pattern(partitions: Partitions) -> String {
    format!("^({MARK}[^{MARK}]*){{{}}}$", partitions.0)
}

/// A place among others has no mark in its text.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace(MARK, "%7E")
}

fn unescaped(text: &str) -> String {
    text.replace("%7E", "~").replace("%25", "%")
}

impl<A> Place<A> {
    /// As it stands among others.
    fn into_text(self) -> String {
        match self {
            Self::Beginning => String::new(),
            Self::After { text, .. } => text,
            Self::End => END.to_owned(),
        }
    }
}

/// Several places as a text; `None` when all of them are at the end.
fn text_of(places: &[String]) -> Option<String> {
    if places.iter().all(|place| place == END) {
        return None;
    }
    let mut text = String::new();
    for place in places {
        text.push(MARK);
        text.push_str(place);
    }
    Some(text)
}

/// By what the items of a list are sorted. Items with the same key are in the order of their partitions.
pub(super) struct Order<F> {
    pub(super) key: F,
    pub(super) sort: Sort,
}

impl Order<()> {
    /// The smallest key first.
    pub(super) fn ascending<T, F: Fn(&T) -> i64>(key: F) -> Order<F> {
        Order { key, sort: Sort::Oldest }
    }

    /// Partitions have nothing in common that the list is sorted by: one partition comes after the other.
    pub(super) fn by_partition<T>() -> Order<impl Fn(&T) -> i64> {
        Order { key: |_: &T| 0, sort: Sort::Oldest }
    }
}

impl<F> Order<F> {
    fn of<T>(&self, one: &T, other: &T) -> Ordering
    where
        F: Fn(&T) -> i64,
    {
        let order = (self.key)(one).cmp(&(self.key)(other));
        match self.sort {
            Sort::Oldest => order,
            Sort::Newest => order.reverse(),
        }
    }

    /// How many items of each page come first, at most `limit` together.
    fn shares<T>(&self, pages: &[Page<T>], limit: usize) -> Vec<usize>
    where
        F: Fn(&T) -> i64,
    {
        let mut taken = vec![0; pages.len()];
        for _ in 0..limit {
            // what comes next there is not known
            let is_unknown = |(page, taken): (&Page<T>, &usize)| {
                page.next.is_some() && page.items.len() == *taken
            };
            if pages.iter().zip(&taken).any(is_unknown) {
                break;
            }
            let heads = pages.iter().zip(&taken).enumerate();
            let heads = heads.filter_map(|(at, (page, taken))| Some((at, page.items.get(*taken)?)));
            let Some((first, _)) = heads.min_by(|(_, one), (_, other)| self.of(*one, *other))
            else {
                break;
            };
            taken[first] += 1;
        }
        taken
    }

    /// All items of the pages, in order.
    fn merge<T>(&self, pages: Vec<Vec<T>>) -> Vec<T>
    where
        F: Fn(&T) -> i64,
    {
        let mut items: Vec<T> = pages.into_iter().flatten().collect();
        items.sort_by(|one, other| self.of(one, other)); // keeps the order of items with the same key
        items
    }
}

/// The part of a list that is in one partition: that of an order, for instance.
pub(super) fn of_one<A>(window: Window<Combined<A>>) -> Result<Window<A>, Problem> {
    let after = match window.after {
        None => None,
        Some(Combined::One(after)) => Some(after),
        Some(Combined::Several(_)) => return Err(no_next()),
    };
    Ok(Window { limit: window.limit, after })
}

fn no_next() -> Problem {
    Problem::unprocessable("after: must be the `next` of an earlier page of the same list")
}

/// A page over all partitions. `page` reads one of a partition, whose number it is given where there are several, with the items in
/// the order of the list.
pub(super) async fn page<A, T>(
    backend: &Backend,
    window: Window<Combined<A>>,
    order: Order<impl Fn(&T) -> i64>,
    page: impl Fn(Option<u16>, &Reader, &Window<A>) -> Result<Page<T>, Error> + Clone + Send + 'static,
) -> Result<Page<T>, Problem>
where
    A: Clone + Send + 'static,
    T: Send + 'static,
{
    if !backend.partitions().are_several() {
        let window = of_one(window)?;
        return backend.query(move |reader| page(None, reader, &window)).await;
    }
    let Window { limit, after } = window;
    let all: Vec<_> = backend.all().collect();
    let places = match after {
        None => vec![Place::Beginning; all.len()],
        Some(Combined::Several(places)) if places.len() == all.len() => places,
        Some(_) => return Err(no_next()),
    };
    let read = async |of: &Backend, place: &Place<A>, limit: Limit| -> Result<Page<T>, Problem> {
        let after = match place {
            Place::Beginning => None,
            Place::After { after, .. } => Some(after.clone()),
            Place::End => return Ok(Page { items: Vec::new(), next: None }),
        };
        let (page, number) = (page.clone(), of.partition());
        of.query(move |reader| page(number, reader, &Window { limit, after })).await
    };
    let whole = all.iter().zip(&places).map(|(of, place)| read(of, place, limit));
    let pages = try_join_all(whole).await?;
    let shares = order.shares(&pages, limit.get());
    let cut = all.iter().zip(&places).zip(pages.into_iter().zip(shares));
    let cut = cut.map(async |((of, place), (page, share))| {
        if share == page.items.len() {
            return Ok(Some(page));
        }
        match limit.at_most(share) {
            // what there is of the page comes later: the next one begins where this one did
            None => Ok(None),
            // once more, so that the page says where it ends
            Some(share) => read(of, place, share).await.map(Some),
        }
    });
    let pages = try_join_all(cut).await?;
    let mut items = Vec::new();
    let mut next = Vec::new();
    for (page, place) in pages.into_iter().zip(places) {
        next.push(match page {
            None => place.into_text(),
            Some(page) => {
                items.push(page.items);
                page.next.map_or_else(|| END.to_owned(), |next| escaped(&next))
            }
        });
    }
    Ok(Page { items: order.merge(items), next: text_of(&next) })
}

#[cfg(test)]
mod tests {
    use super::super::pages::next_of_a_page;
    use super::*;
    use orderly_store::Ordinal;

    fn page(items: &[i64], next: Option<&str>) -> Page<i64> {
        Page { items: items.to_vec(), next: next.map(str::to_owned) }
    }

    #[test]
    fn the_first_items_of_all_partitions_are_taken() {
        let pages = [page(&[1, 4, 9], Some("x")), page(&[2, 3], None), page(&[], None)];
        let ascending = Order::ascending(|item: &i64| *item);
        assert_eq!(ascending.shares(&pages, 4), [2, 2, 0]);
        // 9 is the last that is known of the first partition: what comes behind it is not
        assert_eq!(ascending.shares(&pages, 100), [3, 2, 0]);
        let newest = Order { key: |item: &i64| *item, sort: Sort::Newest };
        let pages = [page(&[9, 4], None), page(&[7, 5], None)];
        assert_eq!(newest.shares(&pages, 3), [1, 2]);
        assert_eq!(newest.merge(vec![vec![9], vec![7, 5]]), [9, 7, 5]);
    }

    #[test]
    fn nothing_is_shown_before_what_a_partition_could_not_say() {
        let pages = [page(&[], Some("x")), page(&[1, 2], None)];
        let ascending = Order::ascending(|item: &i64| *item);
        assert_eq!(ascending.shares(&pages, 10), [0, 0]);
        let pages = [page(&[1], Some("x")), page(&[1, 2], None)];
        assert_eq!(ascending.shares(&pages, 10), [1, 0]);
    }

    #[test]
    fn one_partition_comes_after_the_other_where_nothing_sorts_them() {
        let order = Order::by_partition();
        assert_eq!(order.shares(&[page(&[5, 1], None), page(&[3], None)], 2), [2, 0]);
        assert_eq!(order.merge(vec![vec![5, 1], vec![3]]), [5, 1, 3]);
    }

    #[test]
    fn several_places_are_read_as_they_were_written() {
        assert_eq!(escaped("a~%b"), "a%7E%25b");
        assert_eq!(unescaped(&escaped("a~%7E%25")), "a~%7E%25");
        let text = text_of(&[String::new(), "17".to_owned(), END.to_owned()]).expect("it goes on");
        assert_eq!(text, "~~17~end");
        let Ok(Combined::Several(places)) = Combined::<Ordinal>::parse(&text) else {
            panic!("it is one");
        };
        let after = Place::After { after: Ordinal(17), text: "17".to_owned() };
        assert_eq!(places, [Place::Beginning, after, Place::End]);
        let texts: Vec<_> = places.into_iter().map(Place::into_text).collect();
        assert_eq!(text_of(&texts), Some(text));
        assert_eq!(text_of(&[END.to_owned(), END.to_owned()]), None);
        assert_eq!(pattern(Partitions(3.try_into().expect("not zero"))), "^(~[^~]*){3}$");
        assert_eq!(Combined::parse("17"), Ok(Combined::One(Ordinal(17))));
        for wrong in ["~x", "~17~x", "x"] {
            assert_eq!(Combined::<Ordinal>::parse(wrong), Err(next_of_a_page()), "{wrong}");
        }
    }
}
