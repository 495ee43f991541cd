//! Segments of postings of many blocks, and what reading them costs.

use std::sync::{Arc, Mutex};

use super::block::{self, BLOCK};
use super::{Direction, Merge, Place, Postings, Query, Writer};
use crate::disk::simulated::{SimDisk, SimRng};
use crate::disk::{Batch, Disk, Tree};
use crate::index::{Catalog, POSTINGS, Segment};
use crate::unit::{List, Ordinal, Posting, PostingChange, Seq};

const MANY: u64 = 60_000;

fn posting(list: u64, rank: u64) -> Posting {
    let rank_number = i64::try_from(rank).expect("a small number");
    Posting { list: List(list), rank: rank_number, ordinal: Ordinal(rank) }
}

/// Writes a segment with these changes, which are in ascending order.
fn segment(
    disk: &SimDisk,
    id: u64,
    changes: impl Iterator<Item = (Posting, PostingChange)>,
) -> Segment {
    let mut batch = Batch::new(Tree::Index);
    let mut writer = Writer::new(id, Seq(id));
    changes.for_each(|(posting, change)| writer.push(posting, change, &mut batch));
    let segment = writer.finish(&mut batch);
    disk.write(batch).expect("no fault is armed");
    segment
}

/// A snapshot of segments, given newest first.
fn snapshot(disk: &Arc<SimDisk>, segments: Vec<Segment>) -> Postings {
    let mut catalog = Catalog::default();
    catalog.lists[POSTINGS] = segments.into_iter().map(Arc::new).collect();
    let disk: Arc<dyn Disk> = Arc::<SimDisk>::clone(disk);
    Postings::new(disk, Arc::default(), Arc::new(catalog))
}

fn query(all_of: &[&[u64]], direction: Direction, limit: usize) -> Query {
    let all_of = all_of.iter().map(|lists| lists.iter().copied().map(List).collect()).collect();
    let ranks = (i64::MIN, i64::MAX);
    let none_of = Vec::new();
    Query { all_of, none_of, ranks, direction, from: None, limit, effort: usize::MAX }
}

fn ranks(places: &[Place]) -> Vec<i64> {
    places.iter().map(|place| place.rank).collect()
}

#[test]
fn a_list_of_many_blocks_is_read_from_any_place_in_both_directions() {
    let disk = Arc::new(SimDisk::new(1));
    let even = (0..MANY).map(|rank| (posting(3, 2 * rank), PostingChange::Added));
    let all = segment(&disk, 1, even);
    assert_eq!((all.entries, all.runs), (MANY, 0));
    assert!(disk.records(Tree::Index) > 5 && disk.longest() < BLOCK + 64);
    let postings = snapshot(&disk, vec![all]);
    let mut rng = SimRng::new(1);
    for _ in 0..500 {
        let from = rng.below(2 * MANY + 2);
        let place = Place { rank: i64::try_from(from).expect("small"), ordinal: Ordinal(from) };
        for direction in [Direction::Ascending, Direction::Descending] {
            let query = Query { from: Some(place), ..query(&[&[3]], direction, 3) };
            let found = postings.select(&query).expect("a read");
            let wanted: Vec<i64> = match direction {
                Direction::Ascending => {
                    (place.rank..2 * 60_000).filter(|rank| rank % 2 == 0).take(3).collect()
                }
                Direction::Descending => (0..=place.rank.min(2 * 60_000 - 2))
                    .rev()
                    .filter(|rank| rank % 2 == 0)
                    .take(3)
                    .collect(),
            };
            assert_eq!(ranks(&found.places), wanted, "{from} {direction:?}");
        }
    }
    // a list before, between and after those that there are is empty
    for list in [0, 2, 4, u64::MAX] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let found = postings.select(&query(&[&[list]], direction, 3)).expect("a read");
            assert!(found.places.is_empty() && found.next.is_none(), "{list} {direction:?}");
        }
    }
}

#[test]
fn merged_segments_have_what_the_newest_change_of_each_posting_says() {
    // Given segments with random changes of few postings, newest first
    for seed in 0..60 {
        let mut rng = SimRng::new(seed);
        let disk = Arc::new(SimDisk::new(seed));
        let mut segments = Vec::new();
        for id in 1..=5 {
            let mut changes = std::collections::BTreeMap::new();
            for _ in 0..rng.below(3_000) {
                let removed = rng.below(3) == 0;
                let change = if removed { PostingChange::Removed } else { PostingChange::Added };
                changes.insert(posting(rng.below(4), rng.below(1_000)), change);
            }
            segments.insert(0, segment(&disk, id, changes.into_iter()));
        }
        let before = snapshot(&disk, segments.clone());
        let wanted = before.scan(block::FIRST, usize::MAX).expect("a read");
        // When some of them are merged
        let first = usize::try_from(rng.below(4)).expect("small");
        let has_oldest = rng.below(2) == 0;
        let until = if has_oldest { 5 } else { 4.max(first + 1) };
        let mut merge = Merge::new(6, &segments[first..until], has_oldest, i64::MAX);
        let mut batch = Batch::new(Tree::Index);
        while !merge.step(&*disk, 100, &mut batch).expect("no fault is armed") {}
        let merged = merge.finish(&mut batch);
        disk.write(batch).expect("no fault is armed");
        segments.splice(first..until, [merged.clone()]);
        // Then the same postings are found, and no removal is left where nothing is older
        let after = snapshot(&disk, segments);
        assert_eq!(after.scan(block::FIRST, usize::MAX).expect("a read"), wanted, "{seed}");
        if has_oldest {
            let alone = snapshot(&disk, vec![merged.clone()]);
            let kept = alone.scan(block::FIRST, usize::MAX).expect("a read").len();
            assert_eq!(kept as u64, merged.entries);
        }
    }
}

#[test]
fn a_posting_that_was_new_is_gone_with_its_removal_whatever_is_older() {
    let disk = Arc::new(SimDisk::new(1));
    let of = |change| (0..100).map(move |rank| (posting(1, rank), change));
    let newer = segment(&disk, 2, of(PostingChange::Removed));
    let older = segment(&disk, 1, of(PostingChange::New));
    let mut batch = Batch::new(Tree::Index);
    let mut merge = Merge::new(3, &[newer, older], false, i64::MAX);
    while !merge.step(&*disk, 10, &mut batch).expect("no fault is armed") {}
    assert_eq!(merge.finish(&mut batch).entries, 0);
    assert!(batch.changes.is_empty());
}

#[test]
fn a_merge_drops_what_is_old_of_lists_that_expire_and_nothing_of_others() {
    let disk = Arc::new(SimDisk::new(1));
    let expiring = List::EXPIRES | 1;
    let of = |list| (0..100).map(move |rank| (posting(list, rank), PostingChange::New));
    let segments = [2, 1].map(|id| segment(&disk, id, of(1).chain(of(expiring))));
    let mut batch = Batch::new(Tree::Index);
    let mut merge = Merge::new(3, &segments, true, 40);
    while !merge.step(&*disk, 10, &mut batch).expect("no fault is armed") {}
    let merged = merge.finish(&mut batch);
    disk.write(batch).expect("no fault is armed");
    let left = snapshot(&disk, vec![merged]).scan(block::FIRST, usize::MAX).expect("a read");
    let kept = (0..100).map(|rank| posting(1, rank));
    let young = (40..100).map(|rank| posting(expiring, rank));
    assert_eq!(left, kept.chain(young).collect::<Vec<_>>());
}

/// A disk that counts how many records are read.
#[derive(Debug)]
struct Counting(SimDisk, Mutex<usize>);

impl Counting {
    fn count(&self, read: usize) {
        *self.1.lock().expect("no panic") += read;
    }
}

impl Disk for Counting {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<bytes::Bytes>, crate::disk::Error> {
        self.count(1);
        self.0.get(tree, key)
    }

    fn scan(
        &self,
        tree: Tree,
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<crate::disk::Pair>, crate::disk::Error> {
        self.count(1);
        self.0.scan(tree, from, limit)
    }

    fn last(
        &self,
        tree: Tree,
        below: Option<&[u8]>,
    ) -> Result<Option<crate::disk::Pair>, crate::disk::Error> {
        self.count(1);
        self.0.last(tree, below)
    }

    fn write(&self, batch: Batch) -> Result<(), crate::disk::Error> {
        self.0.write(batch)
    }

    fn sync(&self) -> Result<(), crate::disk::Error> {
        self.0.sync()
    }

    fn bytes(&self) -> Result<u64, crate::disk::Error> {
        self.0.bytes()
    }
}

#[test]
fn entities_in_a_long_and_a_short_list_cost_as_much_as_the_short_one() {
    // Given 200,000 entities in one list, and 20 of them in another
    let disk = SimDisk::new(1);
    let long = (0..200_000).map(|rank| (posting(1, rank), PostingChange::Added));
    let short = (0..20).map(|number| (posting(2, number * 9_999), PostingChange::Added));
    let all = segment(&disk, 1, long.chain(short));
    let counting = Arc::new(Counting(disk, Mutex::new(0)));
    let mut catalog = Catalog::default();
    catalog.lists[POSTINGS] = vec![Arc::new(all)];
    let shared: Arc<dyn Disk> = Arc::<Counting>::clone(&counting);
    for lists in [[1, 2], [2, 1]] {
        let postings =
            Postings::new(Arc::clone(&shared), Arc::default(), Arc::new(catalog.clone()));
        let all_of: [&[u64]; 2] = [&lists[..1], &lists[1..]];
        *counting.1.lock().expect("no panic") = 0;
        // When those in both are asked for
        let found = postings.select(&query(&all_of, Direction::Descending, 50)).expect("a read");
        // Then all are found, with a few look-ups for each
        let wanted: Vec<i64> = (0..20).rev().map(|number| number * 9_999).collect();
        assert_eq!((ranks(&found.places), found.next), (wanted, None));
        let looked_up = *counting.1.lock().expect("no panic");
        assert!(looked_up <= 20 * 4 + 10, "{looked_up} look-ups");
    }
}

#[test]
fn a_page_among_removed_postings_ends_early_and_goes_on_from_there() {
    // Given a list of which nearly everything was removed, in a newer segment
    let disk = Arc::new(SimDisk::new(1));
    let older = segment(&disk, 1, (0..MANY).map(|rank| (posting(1, rank), PostingChange::Added)));
    let gone = (1..MANY - 1).map(|rank| (posting(1, rank), PostingChange::Removed));
    let newer = segment(&disk, 2, gone);
    let postings = snapshot(&disk, vec![newer, older]);
    for direction in [Direction::Ascending, Direction::Descending] {
        // When it is read with little effort
        let mut query = Query { effort: 1_000, ..query(&[&[1]], direction, 5) };
        let (mut found, mut pages) = (Vec::new(), 0);
        loop {
            let page = postings.select(&query).expect("a read");
            pages += 1;
            found.extend(page.places);
            let Some(next) = page.next else { break };
            query.from = Some(next);
        }
        // Then it takes some pages, and what is left is found
        assert!((30..90).contains(&pages), "{pages} pages");
        let last = i64::try_from(MANY - 1).expect("small");
        let wanted = if direction == Direction::Ascending { vec![0, last] } else { vec![last, 0] };
        assert_eq!(ranks(&found), wanted);
    }
}

#[test]
fn a_block_whose_postings_do_not_ascend_is_refused() {
    let first = posting(1, 5);
    let key = super::key(1, first);
    let record = |postings: &[Posting]| {
        let mut block = block::Builder::new(postings[0]);
        for posting in postings {
            block.push(*posting, PostingChange::Added);
        }
        block.record
    };
    let decode = |record: Vec<u8>| block::Block::decode(first, &key, record.into());
    assert_eq!(decode(record(&[first, posting(1, 6)])).expect("a block").entries.len(), 2);
    assert!(decode(record(&[first, posting(1, 4)])).is_err());
    assert!(decode(record(&[first, first])).is_err());
    assert!(decode(record(&[posting(1, 6)])).is_err(), "the key names another posting");
    let whole = record(&[first]);
    assert!(decode(whole[..whole.len() - 1].to_vec()).is_err());
    assert!(decode([&whole[..], &[3]].concat()).is_err(), "a change that there is not");
    assert!(decode([&whole[..], &[32]].concat()).is_err(), "a flag that there is not");
    assert!(decode(vec![whole[0]]).is_err(), "nothing in it");
}

#[test]
fn entities_of_an_unwanted_list_are_passed_with_bounded_effort() {
    // Given a long list, all of it but a few in another one, where one was removed
    let disk = Arc::new(SimDisk::new(1));
    let is_wanted = |rank: &u64| rank % 9_000 == 7;
    let all = (0..MANY).map(|rank| (posting(1, rank), PostingChange::Added));
    let unwanted = (0..MANY).filter(|rank| !is_wanted(rank));
    let unwanted = unwanted.map(|rank| (posting(2, rank), PostingChange::Added));
    let older = segment(&disk, 1, all.chain(unwanted));
    let removed = [(posting(2, 30_000), PostingChange::Removed)];
    let newer = segment(&disk, 2, removed.into_iter());
    let postings = snapshot(&disk, vec![newer, older]);
    let mut wanted: Vec<_> = (0..MANY).filter(|rank| is_wanted(rank) || *rank == 30_000).collect();
    for direction in [Direction::Ascending, Direction::Descending] {
        // When the others are asked for, page after page
        let mut query = Query {
            none_of: vec![List(2), List(3)],
            effort: 4_000,
            ..query(&[&[1]], direction, 3)
        };
        let (mut found, mut pages) = (Vec::new(), 0);
        loop {
            let page = postings.select(&query).expect("a read");
            assert!(page.places.len() <= 3);
            found.extend(page.places.iter().map(|place| place.ordinal.0));
            pages += 1;
            let Some(next) = page.next else { break };
            query.from = Some(next);
        }
        // Then they are found, and no answer took more than its effort
        assert_eq!(found, wanted, "{direction:?}");
        assert!((16..40).contains(&pages), "{pages}");
        wanted.reverse();
    }
}
