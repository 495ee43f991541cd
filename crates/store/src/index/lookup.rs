//! Looking up names and identities for the core, in the segments of a catalog.
//!
//! Most of these look-ups find nothing: a command, an order, a payment is looked up because it may be there already. What is not
//! there costs a look at the head of one run of each segment, and at its directory. So the view keeps heads and directories by
//! their place, apart from the cache of records: there is no key to hash, and no entry to find. A look-up that finds something
//! reads one block more, through the cache.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::catalog::Catalog;
use super::segment::{self, INDEXES, POSTINGS, Part, Record, Records, Segment};
use crate::disk::{Cache, Disk, Tree};
use crate::error::Error;

/// The catalog, and the heads of the runs of its segments that are in memory.
///
/// Invariant: the heads that are kept take no more than `limit` bytes, since a segment may only keep heads if all heads of it and
/// of all smaller segments together fit. The smallest segments come first: they are the most, and the newest.
#[derive(Debug)]
pub(crate) struct Lookup {
    catalog: Arc<Catalog>,
    limit: usize,
    heads: RefCell<[Vec<Heads>; INDEXES]>,
}

/// What a segment keeps in memory.
#[derive(Debug, Default)]
enum Heads {
    /// Nothing: there is no room for all of its heads.
    #[default]
    Uncached,
    /// The directory, and the head of each run, as far as they were needed.
    Kept { directory: Option<Box<[u8]>>, runs: Vec<Option<Box<[u8]>>> },
}

impl Heads {
    fn place(&mut self, part: Part) -> Option<&mut Option<Box<[u8]>>> {
        match (self, part) {
            (Self::Kept { directory, .. }, Part::Directory) => Some(directory),
            (Self::Kept { runs, .. }, Part::Head(run)) => runs.get_mut(run as usize),
            (Self::Kept { .. }, Part::Block(..)) | (Self::Uncached, _) => None,
        }
    }
}

impl Lookup {
    /// Looks in the segments of `catalog`, and keeps at most `limit` bytes of heads.
    pub(crate) fn new(catalog: Arc<Catalog>, limit: usize) -> Self {
        let mut lookup = Self { catalog: Arc::default(), limit, heads: RefCell::default() };
        lookup.renew(catalog);
        lookup
    }

    /// Looks in the segments of another catalog from now on. The heads of segments that are in both stay.
    pub(crate) fn renew(&mut self, catalog: Arc<Catalog>) {
        let heads = self.heads.get_mut();
        let mut known = BTreeMap::new();
        for (list, heads) in self.catalog.lists.iter().zip(heads.iter_mut()) {
            known.extend(list.iter().map(|segment| segment.id).zip(mem::take(heads)));
        }
        // segments of postings have no runs
        let mut smallest_first: Vec<&Segment> =
            (0..POSTINGS).flat_map(|at| catalog.of(at)).collect();
        smallest_first.sort_unstable_by_key(|segment| (segment.entries, segment.id));
        let mut used = 0_usize;
        let mut fitting: BTreeMap<u64, Heads> = smallest_first
            .into_iter()
            .take_while(|segment| {
                used = used.saturating_add(segment.bytes_of_heads());
                used <= self.limit
            })
            .map(|segment| {
                let kept = match known.remove(&segment.id) {
                    Some(kept @ Heads::Kept { .. }) => kept,
                    Some(Heads::Uncached) | None => {
                        Heads::Kept { directory: None, runs: vec![None; segment.runs as usize] }
                    }
                };
                (segment.id, kept)
            })
            .collect();
        for (list, heads) in catalog.lists.iter().zip(heads.iter_mut()) {
            let of = |segment: &Arc<Segment>| fitting.remove(&segment.id).unwrap_or_default();
            *heads = list.iter().map(of).collect();
        }
        self.catalog = catalog;
    }

    /// Finds the newest entry of a hash.
    pub(crate) fn find(
        &self,
        (disk, cache): (&dyn Disk, &Cache),
        index: usize,
        hash: &[u8; 16],
    ) -> Result<Option<[u64; 2]>, Error> {
        let mut heads = self.heads.borrow_mut();
        for (segment, heads) in self.catalog.lists[index].iter().zip(&mut heads[index]) {
            let records = Known { disk, cache, id: segment.id, heads };
            if let Some(words) = segment::find_in(segment, records, hash)? {
                return Ok(Some(words));
            }
        }
        Ok(None)
    }
}

/// The records of a segment, in memory or on disk.
struct Known<'a> {
    disk: &'a dyn Disk,
    cache: &'a Cache,
    id: u64,
    heads: &'a mut Heads,
}

impl Records for Known<'_> {
    fn load(&mut self, part: Part) -> Result<Record<'_>, Error> {
        let key = || part.key(self.id);
        match self.heads.place(part) {
            Some(Some(content)) => Ok(Record::Kept(content)),
            Some(place) => {
                let content = part.open(&key(), self.disk.get(Tree::Index, &key())?)?;
                Ok(Record::Kept(place.insert(Box::from(&*content))))
            }
            None => {
                let record = self.cache.get(self.disk, Tree::Index, &key())?;
                part.open(&key(), record).map(Record::Read)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Batch;
    use crate::disk::simulated::SimDisk;
    use crate::index::{Entry, IDENTITIES, Writer};
    use crate::unit::Seq;

    /// More entries than a run has.
    const MANY: u64 = 20_000;

    fn hash(number: u64) -> [u8; 16] {
        let spread = u128::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        spread.to_be_bytes()
    }

    /// A segment of identities with the numbers of a range; the value of a number is `value`.
    fn segment(disk: &SimDisk, id: u64, numbers: std::ops::Range<u64>, value: u64) -> Arc<Segment> {
        let mut hashes: Vec<_> = numbers.map(hash).collect();
        hashes.sort_unstable();
        let mut batch = Batch::new(Tree::Index);
        let mut writer = Writer::new(id, IDENTITIES, 0, Seq(id));
        for hash in hashes {
            writer.push(Entry { hash, words: [value, id] }, &mut batch);
        }
        let segment = writer.finish(&mut batch);
        disk.write(batch).expect("no fault is armed");
        Arc::new(segment)
    }

    fn catalog(newest_first: &[&Arc<Segment>]) -> Arc<Catalog> {
        let mut catalog = Catalog::default();
        catalog.lists[IDENTITIES] = newest_first.iter().map(|one| Arc::clone(one)).collect();
        Arc::new(catalog)
    }

    /// The bytes of heads and directories in memory.
    fn kept(lookup: &Lookup) -> usize {
        let heads = lookup.heads.borrow();
        let bytes = heads.iter().flatten().map(|heads| match heads {
            Heads::Uncached => 0,
            Heads::Kept { directory, runs } => {
                runs.iter().chain([directory]).flatten().map(|record| record.len()).sum()
            }
        });
        bytes.sum()
    }

    #[test]
    fn it_finds_the_newest_entry_and_no_absent_one_whatever_it_may_keep() {
        let disk = SimDisk::new(1);
        let small = segment(&disk, 3, 0..100, 3);
        let middle = segment(&disk, 2, 50..9_000, 2);
        let large = segment(&disk, 1, 0..MANY, 1);
        assert!(large.runs > 1 && middle.runs > 1 && small.runs == 1);
        let all = middle.bytes_of_heads() + small.bytes_of_heads() + large.bytes_of_heads();
        for limit in [0, small.bytes_of_heads(), all - 1, all] {
            let cache = Cache::new(1 << 20);
            let lookup = Lookup::new(catalog(&[&small, &middle, &large]), limit);
            let find = |number| lookup.find((&disk, &cache), IDENTITIES, &hash(number));
            for number in 0..MANY {
                let newest = match number {
                    0..100 => 3,
                    100..9_000 => 2,
                    _ => 1,
                };
                assert_eq!(find(number).expect("is read"), Some([newest, newest]), "{number}");
            }
            for number in MANY..2 * MANY {
                assert_eq!(find(number).expect("is read"), None, "{number}");
            }
            assert!(kept(&lookup) <= limit, "{} bytes of {limit}", kept(&lookup));
            assert_eq!(kept(&lookup) > 0, limit > 0);
        }
    }

    #[test]
    fn what_is_kept_is_read_once_also_when_the_catalog_changes() {
        let disk = SimDisk::new(1);
        let (new, old) = (segment(&disk, 2, 0..100, 2), segment(&disk, 1, 100..MANY, 1));
        let cache = Cache::new(1 << 20);
        let mut lookup = Lookup::new(catalog(&[&old]), 1 << 20);
        let reads_for_all = |lookup: &Lookup| {
            let before = disk.reads();
            for number in MANY..2 * MANY {
                lookup.find((&disk, &cache), IDENTITIES, &hash(number)).expect("is read");
            }
            disk.reads() - before
        };
        assert!(reads_for_all(&lookup) > u64::from(old.runs));
        let before = kept(&lookup);
        lookup.renew(catalog(&[&new, &old]));
        assert_eq!(kept(&lookup), before);
        // the head of the new segment, and a block of it when the filter lets an absent hash pass
        assert!((1..=2).contains(&reads_for_all(&lookup)));
        assert!(kept(&lookup) > before, "the new segment is kept, too");
        assert_eq!(reads_for_all(&lookup), 0);
        // a segment that is gone takes no memory
        lookup.renew(catalog(&[&new]));
        assert!(kept(&lookup) < before);
    }

    #[test]
    fn a_head_that_is_missing_is_told() {
        let disk = SimDisk::new(1);
        let one = segment(&disk, 1, 0..10, 1);
        segment::remove(&disk, 1, 10).expect("no fault is armed");
        for limit in [0, 1 << 20] {
            let lookup = Lookup::new(catalog(&[&one]), limit);
            let found = lookup.find((&disk, &Cache::new(1 << 20)), IDENTITIES, &hash(1));
            assert!(matches!(found, Err(Error::Corrupt { .. })), "{found:?}");
        }
    }
}
