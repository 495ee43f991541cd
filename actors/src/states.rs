//! The states of one owner: a bounded cache of stored states, and the changes of the command in hand.
//!
//! Invariants: the command that changes a state sees the change at once, and later commands see it when
//! the unit is sealed. Every cached state is in the store too, so dropping the cache loses nothing.
//!
//! Each owner says in its own folder (`stored.rs`) where its states are in the store.

use actix::Message;
use orderly_domain::stored::{self, Stored};
use orderly_store::{self as store, Entity, Ordinal, Seq, Table, View};
use quick_cache::Weighter;
use quick_cache::unsync::Cache;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// The store's read path, shared by the actors of one thread. The sequencer alone writes it.
pub type SharedView = Rc<RefCell<View>>;

/// Why a state could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed: final for this process.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A stored record cannot be read.
    #[error("{error} (number {number})")]
    Corrupt {
        /// The ordinal of the entity, or the sequence of the unit.
        number: u64,
        /// What is wrong with the bytes.
        error: stored::Error,
    },
}

impl Error {
    /// The record of that number cannot be read.
    pub const fn corrupt(number: u64, error: stored::Error) -> Self {
        Self::Corrupt { number, error }
    }
}

/// A stored state: one part of one entity.
pub trait State: Stored + 'static {
    /// The table of its entity.
    const TABLE: Table;
    /// Which part of the entity.
    const PART: u8;

    /// About how many bytes the state takes in memory.
    fn weight(&self) -> usize;
}

/// Reads the stored form of a state.
pub fn decode<S: State>(ordinal: Ordinal, bytes: &[u8]) -> Result<S, Error> {
    S::read(bytes).map_err(|error| Error::corrupt(ordinal.0, error))
}

/// Reads a state as the last unit that changed it left it.
pub fn read<S: State>(view: &View, ordinal: Ordinal) -> Result<Option<S>, Error> {
    match view.read(S::TABLE, ordinal, S::PART)? {
        Some(bytes) => decode(ordinal, &bytes).map(Some),
        None => Ok(None),
    }
}

/// The state of one kind that an entity has.
pub fn part<S: State>(entity: &Entity) -> Result<Option<S>, Error> {
    let part = entity.parts.iter().find(|(part, _)| *part == S::PART);
    part.map(|(_, bytes)| decode(entity.ordinal, bytes)).transpose()
}

#[derive(Clone)]
struct Weight;

impl<S: State> Weighter<u64, Arc<S>> for Weight {
    fn weight(&self, _: &u64, state: &Arc<S>) -> u64 {
        state.weight() as u64
    }
}

/// Asks an owner to drop states that it has in memory, because a command changed nothing.
///
/// The sequencer sends this to every owner before the next command starts. After a command that
/// changed something the sequencer sends nothing: the owners see in the view that the unit is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum Rollback {
    /// The states that the command staged: the command was refused.
    Staged,
    /// All states: an owner panicked, and no state in memory can be trusted.
    All,
}

/// The states of one kind that an owner has in memory.
pub struct StateCache<S: State> {
    view: SharedView,
    cache: Cache<u64, Arc<S>, Weight>,
    capacity: u64,
    /// The states that a command changed whose unit was not sealed yet, by their ordinals; `None`: the command deleted the
    /// state.
    staged: Vec<(Ordinal, Option<Arc<S>>)>,
    /// The unit that the staged states belong to.
    staging_unit: Seq,
}

impl<S: State> StateCache<S> {
    /// A cache of about `capacity` bytes over the states that `view` reads.
    pub fn new(view: SharedView, capacity: u64) -> Self {
        Self {
            view,
            cache: cache(capacity),
            capacity,
            staged: Vec::new(),
            staging_unit: Seq::FIRST,
        }
    }

    /// The state as the command in hand sees it.
    pub fn get(&mut self, ordinal: Ordinal) -> Result<Option<Arc<S>>, Error> {
        self.keep_sealed();
        match self.staged_at(ordinal) {
            Ok(place) => Ok(self.staged[place].1.clone()),
            Err(_) => self.sealed(ordinal),
        }
    }

    /// The place of a staged state, or the place where it belongs.
    fn staged_at(&self, ordinal: Ordinal) -> Result<usize, usize> {
        self.staged.binary_search_by_key(&ordinal, |(staged, _)| *staged)
    }

    /// The state as it was before the command in hand, when that command has changed the state already.
    pub fn before_command(&mut self, ordinal: Ordinal) -> Result<Option<Arc<S>>, Error> {
        self.keep_sealed();
        if self.staged_at(ordinal).is_ok() { self.sealed(ordinal) } else { Ok(None) }
    }

    fn sealed(&mut self, ordinal: Ordinal) -> Result<Option<Arc<S>>, Error> {
        if let Some(state) = self.cache.get(&ordinal.0) {
            return Ok(Some(Arc::clone(state)));
        }
        let Some(state) = read::<S>(&self.view.borrow(), ordinal)? else {
            return Ok(None);
        };
        let state = Arc::new(state);
        self.cache.insert(ordinal.0, Arc::clone(&state));
        Ok(Some(state))
    }

    /// The command in hand changes the state. Later commands see the new one once the unit is
    /// sealed.
    pub fn stage(&mut self, ordinal: Ordinal, state: S) -> Arc<S> {
        let state = Arc::new(state);
        self.restage(ordinal, Some(Arc::clone(&state)));
        state
    }

    /// The command in hand deletes the state. Returns the part and the entity that hold the state.
    pub fn stage_deleted(&mut self, ordinal: Ordinal) -> (Table, Ordinal, u8) {
        self.restage(ordinal, None);
        (S::TABLE, ordinal, S::PART)
    }

    fn restage(&mut self, ordinal: Ordinal, state: Option<Arc<S>>) {
        self.keep_sealed();
        match self.staged_at(ordinal) {
            Ok(place) => self.staged[place].1 = state,
            Err(place) => self.staged.insert(place, (ordinal, state)),
        }
        self.staging_unit = self.view.borrow().next_seq();
    }

    /// Caches what an earlier command staged, when its unit is sealed. A command without a unit ends
    /// in [`roll_back`](Self::roll_back) before the next one begins.
    fn keep_sealed(&mut self) {
        if self.staged.is_empty() || self.staging_unit == self.view.borrow().next_seq() {
            return;
        }
        for (ordinal, state) in self.staged.drain(..) {
            match state {
                Some(state) => self.cache.insert(ordinal.0, state),
                None => drop(self.cache.remove(&ordinal.0)),
            }
        }
    }

    /// Drops the staged states, or all states. Later commands read them from the store again. (The
    /// staged states may belong to an earlier command, whose unit is sealed.)
    pub fn roll_back(&mut self, rollback: Rollback) {
        match rollback {
            Rollback::Staged => {
                for (ordinal, _) in self.staged.drain(..) {
                    self.cache.remove(&ordinal.0);
                }
            }
            Rollback::All => {
                self.staged.clear();
                self.cache = cache(self.capacity);
            }
        }
    }
}

fn cache<S: State>(capacity: u64) -> Cache<u64, Arc<S>, Weight> {
    // an estimate of entries, from a typical weight; the bound is the capacity
    let entries = usize::try_from(capacity / 512).unwrap_or(usize::MAX).max(16);
    Cache::with_weighter(entries, capacity, Weight)
}
