//! A simulated disk for tests. It is held in memory, and a seed decides what a crash leaves.
//!
//! The simulated disk gives no guarantee beyond the interface: a crash keeps a random subset of the batches that were
//! not synced. A test can make it crash or fail at the n-th write or sync.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::interface::{Batch, Disk, Error, Pair, Tree};

/// The records of each tree.
type Content = [BTreeMap<Vec<u8>, Bytes>; Tree::ALL.len()];

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

#[derive(Debug)]
struct State {
    rng: SimRng,
    /// The content that survives every crash.
    synced: Content,
    /// The content that readers see.
    seen: Content,
    pending: Vec<Batch>,
    /// Writes and syncs so far.
    operations: u64,
    reads: u64,
    /// The bytes of all values that were put so far, for each tree.
    put: [u64; Tree::ALL.len()],
    armed: Option<(u64, Fault)>,
    failed: Option<Error>,
}

impl State {
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

fn apply(content: &mut Content, batch: &Batch) {
    let records = &mut content[batch.tree as usize];
    for (key, value) in &batch.changes {
        match value {
            Some(value) => records.insert(key.clone(), Bytes::copy_from_slice(value)),
            None => records.remove(key),
        };
    }
}

fn pair((key, value): (&Vec<u8>, &Bytes)) -> Pair {
    (Bytes::copy_from_slice(key), value.clone())
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
        Self::with(SimRng::new(seed), Content::default())
    }

    fn with(rng: SimRng, content: Content) -> Self {
        Self(Mutex::new(State {
            rng,
            synced: content.clone(),
            seen: content,
            pending: Vec::new(),
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
        let mut content = state.synced.clone();
        for batch in std::mem::take(&mut state.pending) {
            if state.rng.below(2) == 0 {
                apply(&mut content, &batch);
            }
        }
        let next = state.rng.below(u64::MAX);
        state.failed =
            Some(Error::failed("use the simulated disk", io::Error::other("it was taken away")));
        Self::with(SimRng::new(next), content)
    }

    /// A copy of the content that readers see.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut state = self.state();
        let next = state.rng.below(u64::MAX);
        Self::with(SimRng::new(next), state.seen.clone())
    }

    /// The number of records of a tree.
    pub fn records(&self, tree: Tree) -> usize {
        self.state().seen[tree as usize].len()
    }

    /// The bytes of all values that were put into a tree, replaced ones included.
    pub fn bytes_put(&self, tree: Tree) -> u64 {
        self.state().put[tree as usize]
    }

    /// The length of the longest value that was written, in bytes.
    pub fn longest(&self) -> usize {
        let state = self.state();
        state.seen.iter().flat_map(BTreeMap::values).map(Bytes::len).max().unwrap_or(0)
    }
}

impl Disk for SimDisk {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let mut state = self.state();
        state.reads += 1;
        Ok(state.seen[tree as usize].get(key).cloned())
    }

    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, Error> {
        let state = self.state();
        let from = (Bound::Included(from), Bound::Unbounded);
        let found = state.seen[tree as usize].range::<[u8], _>(from).take(limit);
        Ok(found.map(pair).collect())
    }

    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, Error> {
        let state = self.state();
        let until = (Bound::Unbounded, below.map_or(Bound::Unbounded, Bound::Excluded));
        Ok(state.seen[tree as usize].range::<[u8], _>(until).next_back().map(pair))
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        let mut state = self.state();
        let effect = state.operate();
        if matches!(effect, Ok(()) | Err((_, true))) {
            let values = batch.changes.iter().filter_map(|(_, value)| value.as_ref());
            state.put[batch.tree as usize] += values.map(|value| value.len() as u64).sum::<u64>();
            apply(&mut state.seen, &batch);
            state.pending.push(batch);
        }
        effect.map_err(|(error, _)| error)
    }

    fn sync(&self) -> Result<(), Error> {
        let mut state = self.state();
        let effect = state.operate();
        if matches!(effect, Ok(()) | Err((_, true))) {
            let State { synced, pending, .. } = &mut *state;
            for batch in pending.drain(..) {
                apply(synced, &batch);
            }
        }
        effect.map_err(|(error, _)| error)
    }

    fn bytes(&self) -> Result<u64, Error> {
        let state = self.state();
        let records = state.seen.iter().flatten();
        Ok(records.map(|(key, value)| (key.len() + value.len()) as u64).sum())
    }
}
