//! Entities that are in several lists at once, in the order of their ranks.
//!
//! All lists of a query are ordered alike, so the query goes through them together: from each place it seeks in the next
//! list, and goes on from where that list goes on. So its time depends on the shortest list, and it needs no memory. Lists whose
//! entities are not wanted are gone through beside them.

use std::cell::Cell;

use super::cursor::Cursor;
use super::snapshot::Postings;
use crate::error::Error;
use crate::unit::{List, Ordinal, Posting};

/// What a block counts that is read from disk: see [`Query::effort`].
pub const BLOCK_EFFORT: usize = 50;

/// The work that may still be done for an answer.
#[derive(Debug, Default)]
pub(super) struct Effort(Cell<usize>);

impl Effort {
    fn set(&self, effort: usize) {
        self.0.set(effort);
    }

    pub(super) fn spend(&self, effort: usize) {
        self.0.set(self.0.get().saturating_sub(effort));
    }

    fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// A direction in which lists are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the lowest rank to the highest.
    Ascending,
    /// From the highest rank to the lowest.
    Descending,
}

impl Direction {
    /// Whether `a` comes before `b`.
    pub(super) fn is_before<T: Ord + Copy>(self, a: T, b: T) -> bool {
        match self {
            Self::Ascending => a < b,
            Self::Descending => a > b,
        }
    }
}

/// The place of an entity in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The rank.
    pub rank: i64,
    /// The entity.
    pub ordinal: Ordinal,
}

impl From<Posting> for Place {
    fn from(Posting { list: _, rank, ordinal }: Posting) -> Self {
        Self { rank, ordinal }
    }
}

/// A question: which entities are in some lists, at the same rank in all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Of each group an entity must be in at least one list. Without any group no entity is found.
    pub all_of: Vec<Vec<List>>,
    /// An entity that is in any of these lists at that rank is not wanted.
    pub none_of: Vec<List>,
    /// The lowest and the highest rank, both included.
    pub ranks: (i64, i64),
    /// The order of the answer.
    pub direction: Direction,
    /// Where to begin, included: [`Selected::next`] of the answer before.
    pub from: Option<Place>,
    /// The most entities to find.
    pub limit: usize,
    /// After how much work the answer ends early. A posting that is looked at counts 1, a block that is read from disk
    /// [`BLOCK_EFFORT`]. An answer always comes further than the one before.
    pub effort: usize,
}

/// The answer to a [`Query`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// The places of the entities, in order.
    pub places: Vec<Place>,
    /// Where to go on. `None`: there are no more. There may be none from there on either.
    pub next: Option<Place>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// An entity that is there.
    Entity(Place),
    /// The effort is spent, and everything before this place was looked at.
    Spent(Place),
    /// There is nothing more.
    End,
}

impl Postings {
    /// Answers a question.
    pub fn select(&self, query: &Query) -> Result<Selected, Error> {
        let mut selected = Selected::default();
        let Some(range) = range(query) else {
            return Ok(selected);
        };
        let groups = query.all_of.iter().map(|lists| Group::new(self, lists, range, query));
        let mut groups = groups.collect::<Result<Vec<_>, Error>>()?;
        let mut unwanted = Group::new(self, &query.none_of, range, query)?;
        let mut has_passed_unwanted = false;
        // only now: an answer must come further than the one before, whatever it takes to begin
        self.effort().set(query.effort);
        loop {
            match common(&mut groups, query.direction)? {
                Next::Entity(place) if has_passed_unwanted && self.effort().is_spent() => {
                    selected.next = Some(place);
                    return Ok(selected);
                }
                Next::Entity(place) if selected.places.len() < query.limit => {
                    if unwanted.has(place)? {
                        self.effort().spend(1);
                        has_passed_unwanted = true;
                    } else {
                        selected.places.push(place);
                    }
                    for group in &mut groups {
                        group.pass(place)?;
                    }
                }
                Next::Entity(next) | Next::Spent(next) => {
                    selected.next = Some(next);
                    return Ok(selected);
                }
                Next::End => return Ok(selected),
            }
        }
    }
}

/// The first and the last place of a query. `None`: there is none.
fn range(query: &Query) -> Option<(Place, Place)> {
    let (lowest, highest) = query.ranks;
    let mut first = Place { rank: lowest, ordinal: Ordinal(0) };
    let mut last = Place { rank: highest, ordinal: Ordinal(u64::MAX) };
    match (query.direction, query.from) {
        (Direction::Ascending, Some(from)) => first = first.max(from),
        (Direction::Descending, Some(from)) => last = last.min(from),
        (_, None) => {}
    }
    (first <= last).then_some((first, last))
}

/// The next place that every group has.
fn common(groups: &mut [Group], direction: Direction) -> Result<Next, Error> {
    let Some(first) = groups.first_mut() else {
        return Ok(Next::End);
    };
    let mut place = match first.next()? {
        Next::Entity(place) => place,
        end => return Ok(end),
    };
    let (mut agreeing, mut at) = (1, 0);
    while agreeing < groups.len() {
        at = (at + 1) % groups.len();
        let group = &mut groups[at];
        group.seek(place)?;
        match group.next()? {
            Next::Entity(found) if found == place => agreeing += 1,
            Next::Entity(further) => {
                (place, agreeing) = (further, 1);
                if group.postings.effort().is_spent() {
                    return Ok(Next::Spent(place));
                }
            }
            Next::Spent(reached) => {
                debug_assert!(!direction.is_before(reached, place), "a group went back");
                return Ok(Next::Spent(reached));
            }
            Next::End => return Ok(Next::End),
        }
    }
    Ok(Next::Entity(place))
}

/// Lists of which an entity must be in one.
struct Group<'a> {
    postings: &'a Postings,
    lists: Vec<(List, Cursor<'a>)>,
    direction: Direction,
}

impl<'a> Group<'a> {
    fn new(
        postings: &'a Postings,
        lists: &[List],
        (first, last): (Place, Place),
        query: &Query,
    ) -> Result<Self, Error> {
        let cursor = |&list: &List| {
            let range = (posting(list, first), posting(list, last));
            Ok((list, postings.cursor(range, query.direction)?))
        };
        let lists = lists.iter().map(cursor).collect::<Result<_, Error>>()?;
        Ok(Self { postings, lists, direction: query.direction })
    }

    /// The next entity in any of the lists. Removed postings are passed in all lists together, place by place. So when the
    /// effort is spent, each list is at the same place or further on.
    fn next(&mut self) -> Result<Next, Error> {
        let mut has_passed = false;
        loop {
            match self.nearest() {
                None => return Ok(Next::End),
                Some((place, true)) => return Ok(Next::Entity(place)),
                Some((place, false)) if has_passed && self.postings.effort().is_spent() => {
                    return Ok(Next::Spent(place));
                }
                Some((place, false)) => {
                    self.pass(place)?;
                    self.postings.effort().spend(1);
                    has_passed = true;
                }
            }
        }
    }

    /// The nearest place in any of the lists, and whether an entity is there in one of them.
    fn nearest(&self) -> Option<(Place, bool)> {
        let mut nearest: Option<(Place, bool)> = None;
        for (posting, is_there) in self.lists.iter().filter_map(|(_, cursor)| cursor.head()) {
            let place = Place::from(posting);
            nearest = match nearest {
                Some((best, _)) if self.direction.is_before(best, place) => nearest,
                Some((best, also_there)) if best == place => Some((best, is_there || also_there)),
                Some(_) | None => Some((place, is_there)),
            };
        }
        nearest
    }

    /// Whether an entity is at a place in any of the lists. Places must be asked for in the direction.
    fn has(&mut self, place: Place) -> Result<bool, Error> {
        self.seek(place)?;
        Ok(self.nearest() == Some((place, true)))
    }

    fn seek(&mut self, to: Place) -> Result<(), Error> {
        for (list, cursor) in &mut self.lists {
            cursor.seek(posting(*list, to))?;
        }
        Ok(())
    }

    /// Goes behind a place, in every list that has it.
    fn pass(&mut self, place: Place) -> Result<(), Error> {
        for (_, cursor) in &mut self.lists {
            if cursor.head().is_some_and(|(posting, _)| Place::from(posting) == place) {
                cursor.pass()?;
            }
        }
        Ok(())
    }
}

const fn posting(list: List, place: Place) -> Posting {
    Posting { list, rank: place.rank, ordinal: place.ordinal }
}
