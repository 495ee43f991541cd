//! The postings of a store, as a set, and the comparison with a store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::RETENTION;
use orderly_store::sim::SimRng;
use orderly_store::{
    Direction, List, Ordinal, Place, Posting, PostingChange, Query, Reader, Unit, UnitBuilder,
};

/// The lists: few, so that they meet, and at both ends of the numbers of those that do not expire.
const LISTS: [List; 6] = [
    List(0),
    List(1),
    List(7 << 56),
    List(7 << 56 | 1),
    List(List::EXPIRES - 2),
    List(List::EXPIRES - 1),
];
/// A list that expires.
const EXPIRING: List = List(u64::MAX);
/// The lists whose postings are added once: a posting that was removed there never comes back.
const ADDED_ONCE: List = List(7 << 56);

fn pick<T: Copy>(rng: &mut SimRng, of: &[T]) -> T {
    of[usize::try_from(rng.below(of.len() as u64)).expect("an index")]
}

/// Adds and removes random postings.
pub(crate) fn change(builder: &mut UnitBuilder, rng: &mut SimRng) {
    let seq = builder.seq().0;
    let mut changed = BTreeSet::new();
    for _ in 0..rng.below(4) {
        let list = pick(rng, &LISTS);
        let (posting, change) = if list == ADDED_ONCE {
            // a posting has the number of the unit that adds it, so that no other unit adds it
            let at = seq - rng.below(40).min(seq - 1);
            let ordinal = Ordinal(at * 8 + rng.below(2));
            let change = if at == seq { PostingChange::New } else { PostingChange::Removed };
            (Posting { list, rank: i64::try_from(at % 5).expect("small"), ordinal }, change)
        } else {
            let rank = pick(rng, &[i64::MIN, -1, 0, 1, 1_000, i64::MAX]);
            let ordinal = Ordinal(pick(rng, &[0, 1, 2, 3, u64::MAX]));
            let change =
                if rng.below(3) == 0 { PostingChange::Removed } else { PostingChange::Added };
            (Posting { list, rank, ordinal }, change)
        };
        if changed.insert(posting) {
            builder.post(posting, change);
        }
    }
    if rng.below(4) == 0 {
        let posting = Posting { list: EXPIRING, rank: builder.at(), ordinal: Ordinal(seq) };
        builder.post(posting, PostingChange::New);
    }
}

/// The postings that the units leave.
fn of_units(units: &[Arc<Unit>]) -> BTreeSet<Posting> {
    let mut postings = BTreeSet::new();
    for (posting, change) in units.iter().flat_map(|unit| unit.postings.iter()) {
        match change {
            PostingChange::Added | PostingChange::New => drop(postings.insert(posting)),
            PostingChange::Removed => drop(postings.remove(&posting)),
        }
    }
    postings
}

/// Checks that a reader finds the postings that the units leave, and no others.
pub(crate) fn check(units: &[Arc<Unit>], reader: &Reader) {
    let wanted = of_units(units);
    let least = Posting { list: List(0), rank: i64::MIN, ordinal: Ordinal(0) };
    let mut found = reader.postings().scan(least, usize::MAX).expect("a read");
    // what is old of a list that expires may be there or not
    let now = units.last().map_or(0, |unit| unit.at);
    let oldest = now - i64::try_from(RETENTION).expect("small");
    let is_young = |posting: &Posting| !posting.list.expires() || posting.rank >= oldest;
    found.retain(|posting| is_young(posting) || !wanted.contains(posting));
    let young = wanted.iter().filter(|posting| is_young(posting));
    assert!(found.iter().eq(young), "{} postings of {}", found.len(), wanted.len());
    for seed in 0..6 {
        check_query(&wanted, reader, &mut SimRng::new(seed + units.len() as u64));
    }
}

/// Checks the answers to a random question, page after page.
fn check_query(postings: &BTreeSet<Posting>, reader: &Reader, rng: &mut SimRng) {
    let groups = 1 + rng.below(3);
    let group = |rng: &mut SimRng| (0..=rng.below(3)).map(|_| pick(rng, &LISTS)).collect();
    let bound = |rng: &mut SimRng| pick(rng, &[i64::MIN, -1, 0, 1, 3, i64::MAX]);
    let (low, high) = (bound(rng), bound(rng));
    let direction = pick(rng, &[Direction::Ascending, Direction::Descending]);
    let mut query = Query {
        all_of: (0..groups).map(|_| group(rng)).collect(),
        none_of: (0..rng.below(3)).map(|_| pick(rng, &LISTS)).collect(),
        ranks: (low.min(high), low.max(high)),
        direction,
        from: None,
        limit: 1 + usize::try_from(rng.below(5)).expect("small"),
        effort: pick(rng, &[0, 1, 5, 1_000]),
    };
    let wanted = places(postings, &query);
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let page = reader.postings().select(&query).expect("a read");
        assert!(page.places.len() <= query.limit);
        found.extend(page.places);
        let Some(next) = page.next else { break };
        // each page comes further than the one before, whatever little effort it may take
        assert_ne!(before, Some(next), "{query:?}");
        (query.from, before) = (Some(next), Some(next));
    }
    assert_eq!(found, wanted, "{query:?}");
}

/// The answer to a question, from the plain set.
fn places(postings: &BTreeSet<Posting>, query: &Query) -> Vec<Place> {
    let mut lists: BTreeMap<List, BTreeSet<Place>> = BTreeMap::new();
    for &Posting { list, rank, ordinal } in postings {
        lists.entry(list).or_default().insert(Place { rank, ordinal });
    }
    let union = |group: &Vec<List>| -> BTreeSet<Place> {
        group.iter().filter_map(|list| lists.get(list)).flatten().copied().collect()
    };
    let common = query.all_of.iter().map(union).reduce(|a, b| &a & &b).unwrap_or_default();
    let (low, high) = query.ranks;
    let unwanted = union(&query.none_of);
    let wanted = common.into_iter().filter(|place| (low..=high).contains(&place.rank));
    let wanted = wanted.filter(|place| !unwanted.contains(place));
    match query.direction {
        Direction::Ascending => wanted.collect(),
        Direction::Descending => wanted.rev().collect(),
    }
}
