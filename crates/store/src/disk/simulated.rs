//! A simulated disk for tests. It is held in memory, and a seed decides what a crash leaves.
//!
//! The simulated disk gives no guarantee beyond the interface: a crash keeps a random subset of the batches that were
//! not synced. A test can make it crash or fail at the n-th write or sync.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::iter;
use std::mem;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::interface::{Batch, Disk, Error, Pair, Tree};

/// The records of each tree.
type Content = [Records; Tree::ALL.len()];
/// The changes of one write.
type Changes = Vec<(Bytes, Option<Bytes>)>;

/// The records of a tree. Copies share what was synced, so that a copy and a crash cost as much as was written since the last sync,
/// and not as much as the disk has.
#[derive(Debug, Clone, Default)]
struct Records {
    synced: Arc<BTreeMap<Bytes, Bytes>>,
    /// What was written since. `None`: the record was removed.
    newer: BTreeMap<Bytes, Option<Bytes>>,
}

impl Records {
    fn get(&self, key: &[u8]) -> Option<&Bytes> {
        match self.newer.get(key) {
            Some(newer) => newer.as_ref(),
            None => self.synced.get(key),
        }
    }

    fn write(&mut self, changes: &Changes) {
        self.newer.extend(changes.iter().cloned());
    }

    fn sync(&mut self) {
        if self.newer.is_empty() {
            return;
        }
        let synced = Arc::make_mut(&mut self.synced);
        for (key, value) in mem::take(&mut self.newer) {
            match value {
                Some(value) => synced.insert(key, value),
                None => synced.remove(&key),
            };
        }
    }

    /// What was synced, without what was written since.
    fn synced_alone(&self) -> Self {
        Self { synced: Arc::clone(&self.synced), newer: BTreeMap::new() }
    }

    /// The records from a key on, in order.
    fn from<'a>(&'a self, from: &[u8]) -> impl Iterator<Item = (&'a Bytes, &'a Bytes)> {
        let from = (Bound::Included(from), Bound::Unbounded);
        let mut synced = self.synced.range::<[u8], _>(from).peekable();
        let mut newer = self.newer.range::<[u8], _>(from).peekable();
        iter::from_fn(move || {
            loop {
                let until = newer.peek().map(|(key, _)| *key);
                if let Some(pair) = synced.next_if(|(key, _)| until.is_none_or(|end| *key < end)) {
                    return Some(pair);
                }
                let (key, value) = newer.next()?;
                synced.next_if(|(replaced, _)| *replaced == key);
                if let Some(value) = value {
                    return Some((key, value));
                }
            }
        })
    }

    /// The last record, or the last one below a key.
    fn last(&self, below: Option<&[u8]>) -> Option<(&Bytes, &Bytes)> {
        let until = (Bound::Unbounded, below.map_or(Bound::Unbounded, Bound::Excluded));
        let mut synced = self.synced.range::<[u8], _>(until).rev().peekable();
        let mut newer = self.newer.range::<[u8], _>(until).rev();
        loop {
            let Some((key, value)) = newer.next() else {
                return synced.next();
            };
            if let Some(pair) = synced.next_if(|(other, _)| *other > key) {
                return Some(pair);
            }
            synced.next_if(|(replaced, _)| *replaced == key);
            if let Some(value) = value {
                return Some((key, value));
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.from(&[])
    }
}

/// A fault of a simulated disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power fails, before or after the operation takes effect.
    Crash,
    /// The disk is full.
    Full,
    /// The disk cannot be written.
    Broken,
}

/// A small random number generator that gives the same numbers on every machine: xorshift64*.
#[derive(Debug, Clone)]
pub struct SimRng(u64);

impl SimRng {
    /// A generator with this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `sides`.
    pub const fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % sides
    }
}

/// A write that was not synced.
#[derive(Debug, Clone)]
struct Unsynced {
    tree: Tree,
    changes: Changes,
    /// Whether it has survived a crash: it is on the disk for good.
    is_settled: bool,
}

#[derive(Debug)]
struct State {
    rng: SimRng,
    /// The content that readers see.
    content: Content,
    /// What was written since the last sync, in that order.
    unsynced: Vec<Unsynced>,
    /// Writes and syncs so far.
    operations: u64,
    reads: u64,
    /// The bytes of all values that were put so far, for each tree.
    put: [u64; Tree::ALL.len()],
    armed: Option<(u64, Fault)>,
    failed: Option<Error>,
}

impl State {
    fn synced(&self) -> Content {
        self.content.each_ref().map(Records::synced_alone)
    }

    /// Counts an operation. Returns an error if this operation or an earlier one was to fail; the flag in the error
    /// says whether this operation takes effect all the same.
    fn operate(&mut self) -> Result<(), (Error, bool)> {
        if let Some(error) = &self.failed {
            return Err((error.clone(), false));
        }
        self.operations += 1;
        let Some((_, fault)) = self.armed.filter(|&(at, _)| at == self.operations) else {
            return Ok(());
        };
        let source = match fault {
            Fault::Crash => io::Error::other("the power went"),
            Fault::Full => io::Error::from(io::ErrorKind::StorageFull),
            Fault::Broken => io::Error::other("input/output error"),
        };
        let error = Error::failed("write to the simulated disk", source);
        self.failed = Some(error.clone());
        Err((error, self.rng.below(2) == 0))
    }
}

fn pair((key, value): (&Bytes, &Bytes)) -> Pair {
    (key.clone(), value.clone())
}

/// A simulated disk.
pub struct SimDisk(Mutex<State>);

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDisk").field("operations", &self.operations()).finish_non_exhaustive()
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> Self {
        Self::with(SimRng::new(seed), Content::default(), Vec::new())
    }

    /// A disk with what `synced` has, and these writes.
    fn with(rng: SimRng, synced: Content, settled: Vec<Unsynced>) -> Self {
        let mut content = synced;
        for write in &settled {
            content[write.tree as usize].write(&write.changes);
        }
        Self(Mutex::new(State {
            rng,
            content,
            unsynced: settled
                .into_iter()
                .map(|write| Unsynced { is_settled: true, ..write })
                .collect(),
            operations: 0,
            reads: 0,
            put: [0; Tree::ALL.len()],
            armed: None,
            failed: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of writes and syncs so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The number of single records that were read so far.
    pub fn reads(&self) -> u64 {
        self.state().reads
    }

    /// Makes the write or sync with this number (counted from 1) fail, and every later one.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.state().armed = Some((operation, fault));
    }

    /// Crashes the disk. Returns the disk that the next start finds: all that was synced, and a random subset of the
    /// batches that were not.
    #[must_use]
    pub fn crash(&self) -> Self {
        let mut state = self.state();
        let mut settled = mem::take(&mut state.unsynced);
        settled.retain(|write| write.is_settled || state.rng.below(2) == 0);
        let next = state.rng.below(u64::MAX);
        let synced = state.synced();
        state.failed =
            Some(Error::failed("use the simulated disk", io::Error::other("it was taken away")));
        Self::with(SimRng::new(next), synced, settled)
    }

    /// A copy of the content that readers see.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut state = self.state();
        let next = state.rng.below(u64::MAX);
        Self::with(SimRng::new(next), state.synced(), state.unsynced.clone())
    }

    /// The number of records of a tree.
    pub fn records(&self, tree: Tree) -> usize {
        self.state().content[tree as usize].all().count()
    }

    /// The bytes of all values that were put into a tree, replaced ones included.
    pub fn bytes_put(&self, tree: Tree) -> u64 {
        self.state().put[tree as usize]
    }

    /// The length of the longest value that was written, in bytes.
    pub fn longest(&self) -> usize {
        let state = self.state();
        state.content.iter().flat_map(Records::all).map(|(_, value)| value.len()).max().unwrap_or(0)
    }
}

impl Disk for SimDisk {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let mut state = self.state();
        state.reads += 1;
        Ok(state.content[tree as usize].get(key).cloned())
    }

    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, Error> {
        let state = self.state();
        let found = state.content[tree as usize].from(from).take(limit);
        Ok(found.map(pair).collect())
    }

    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, Error> {
        let state = self.state();
        Ok(state.content[tree as usize].last(below).map(pair))
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        let mut state = self.state();
        let effect = state.operate();
        if matches!(effect, Ok(()) | Err((_, true))) {
            let values = batch.changes.iter().filter_map(|(_, value)| value.as_ref());
            state.put[batch.tree as usize] += values.map(|value| value.len() as u64).sum::<u64>();
            let changes = batch.changes.into_iter();
            let changes: Changes =
                changes.map(|(key, value)| (key.into(), value.map(Bytes::from))).collect();
            state.content[batch.tree as usize].write(&changes);
            state.unsynced.push(Unsynced { tree: batch.tree, changes, is_settled: false });
        }
        effect.map_err(|(error, _)| error)
    }

    fn sync(&self) -> Result<(), Error> {
        let mut state = self.state();
        let effect = state.operate();
        if matches!(effect, Ok(()) | Err((_, true))) {
            state.unsynced.clear();
            state.content.iter_mut().for_each(Records::sync);
        }
        effect.map_err(|(error, _)| error)
    }

    fn bytes(&self) -> Result<u64, Error> {
        let state = self.state();
        let records = state.content.iter().flat_map(Records::all);
        Ok(records.map(|(key, value)| (key.len() + value.len()) as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Map = BTreeMap<(Tree, Vec<u8>), Vec<u8>>;

    /// The same disk with both of its contents written out.
    #[derive(Clone)]
    struct Plain {
        rng: SimRng,
        synced: Map,
        seen: Map,
        unsynced: Vec<Batch>,
    }

    fn put_into(map: &mut Map, batch: &Batch) {
        for (key, value) in &batch.changes {
            let key = (batch.tree, key.clone());
            match value {
                Some(value) => map.insert(key, value.clone()),
                None => map.remove(&key),
            };
        }
    }

    impl Plain {
        fn with(seed: u64, content: Map) -> Self {
            let (synced, seen) = (content.clone(), content);
            Self { rng: SimRng::new(seed), synced, seen, unsynced: Vec::new() }
        }

        fn write(&mut self, batch: Batch) {
            put_into(&mut self.seen, &batch);
            self.unsynced.push(batch);
        }

        fn sync(&mut self) {
            self.unsynced.clear();
            self.synced = self.seen.clone();
        }

        fn crash(&mut self) -> Self {
            let mut content = self.synced.clone();
            for batch in &self.unsynced {
                if self.rng.below(2) == 0 {
                    put_into(&mut content, batch);
                }
            }
            Self::with(self.rng.below(u64::MAX), content)
        }

        fn copy(&mut self) -> Self {
            Self::with(self.rng.below(u64::MAX), self.seen.clone())
        }

        fn of_tree(&self, tree: Tree) -> Vec<Pair> {
            let found = self.seen.iter().filter(|((of, _), _)| *of == tree);
            found.map(|((_, key), value)| (key.clone().into(), value.clone().into())).collect()
        }
    }

    const TREES: [Tree; 2] = [Tree::Pages, Tree::Index];

    fn key(random: &mut SimRng) -> Vec<u8> {
        let length = usize::try_from(random.below(3)).expect("it is small");
        (0..length).map(|_| random.below(4).to_le_bytes()[0]).collect()
    }

    fn batch(random: &mut SimRng) -> Batch {
        let mut batch = Batch::new(TREES[usize::from(random.below(2) == 0)]);
        for _ in 0..random.below(4) {
            match random.below(3) {
                0 => batch.remove(key(random)),
                number => batch.put(key(random), vec![number.to_le_bytes()[0]; 3]),
            }
        }
        batch
    }

    fn compare(disk: &SimDisk, plain: &Plain, random: &mut SimRng) {
        for tree in TREES {
            let all = plain.of_tree(tree);
            assert_eq!(disk.records(tree), all.len());
            let (from, limit) = (key(random), usize::try_from(random.below(6)).expect("is small"));
            let expected = all.iter().filter(|(key, _)| key[..] >= from[..]).take(limit);
            let found = disk.scan(tree, &from, limit).expect("no fault is armed");
            assert_eq!(found, expected.cloned().collect::<Vec<_>>(), "from {from:?}");
            let expected = all.iter().rev().find(|(key, _)| key[..] < from[..]).cloned();
            assert_eq!(disk.last(tree, Some(&from)).expect("reads"), expected, "below {from:?}");
            assert_eq!(disk.last(tree, None).expect("reads"), all.last().cloned());
            let expected = all.iter().find(|(key, _)| key[..] == from[..]);
            let found = disk.get(tree, &from).expect("no fault is armed");
            assert_eq!(found.as_ref(), expected.map(|(_, value)| value), "{from:?}");
        }
    }

    #[test]
    fn what_it_shares_with_copies_and_crashed_disks_changes_nothing() {
        for seed in 0..40 {
            let mut random = SimRng::new(seed);
            let mut disks = vec![(SimDisk::new(seed), Plain::with(seed, Map::new()))];
            for _ in 0..150 {
                let last = disks.len() - 1;
                let at = usize::try_from(random.below(disks.len() as u64)).expect("it is small");
                let choice = random.below(12);
                let (disk, plain) = &mut disks[if choice == 0 { at } else { last }];
                let other = match choice {
                    0 => Some((disk.copy(), plain.copy())),
                    1 => Some((disk.crash(), plain.crash())),
                    2..=4 => {
                        disk.sync().expect("no fault is armed");
                        plain.sync();
                        None
                    }
                    _ => {
                        let batch = batch(&mut random);
                        disk.write(batch.clone()).expect("no fault is armed");
                        plain.write(batch);
                        None
                    }
                };
                if choice == 1 {
                    disks.pop(); // it was taken away
                }
                disks.extend(other);
                for (disk, plain) in &disks {
                    compare(disk, plain, &mut random);
                }
            }
        }
    }
}
