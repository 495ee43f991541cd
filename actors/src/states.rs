//! The states of one owner: a bounded cache of stored states, and the changes of the command in hand.
//!
//! Invariants: the command that changes a state sees the change at once, and later commands see it when
//! the unit is sealed. Every cached state is in the store too, so dropping the cache loses nothing.
//!
//! Each owner says in its own folder (`stored.rs`) where its states are in the store.

use actix::Message;
use orderly_domain::lists::Listed;
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

    /// Whether the state says in which lists its entity is. Then its owner must [get](StateCache::get) or
    /// [touch](StateCache::touch) it before it changes it, unless it is new.
    const IN_LISTS: bool = false;

    /// About how many bytes the state takes in memory.
    fn weight(&self) -> usize;

    /// The places of the entity in lists, by this state.
    fn places(&self) -> Vec<Listed> {
        Vec::new()
    }
}

/// A state that the command in hand changes.
#[derive(Debug)]
pub struct Staged<S> {
    /// The entity.
    pub ordinal: Ordinal,
    /// The state before the command. `None`: there was none, or nobody asks since it is in no lists.
    pub before: Option<Arc<S>>,
    /// The new state.
    pub after: Arc<S>,
}

impl<S> Clone for Staged<S> {
    fn clone(&self) -> Self {
        let (before, after) = (self.before.clone(), Arc::clone(&self.after));
        Self { ordinal: self.ordinal, before, after }
    }
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
    /// The states that a command changed whose unit was not sealed yet, by their ordinals.
    staged: Vec<Change<S>>,
    /// The unit that the staged states belong to.
    staging_unit: Seq,
    /// What was read for the command in hand, by the ordinals: the cache may have dropped it. Only of states in lists.
    seen: Vec<(Ordinal, Option<Arc<S>>)>,
    /// The unit that the command in hand makes, if it makes one.
    seen_for: Seq,
}

/// The change of one state.
struct Change<S> {
    ordinal: Ordinal,
    before: Option<Arc<S>>,
    /// `None`: the command deleted the state.
    after: Option<Arc<S>>,
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
            seen: Vec::new(),
            seen_for: Seq::FIRST,
        }
    }

    /// The state as the command in hand sees it.
    pub fn get(&mut self, ordinal: Ordinal) -> Result<Option<Arc<S>>, Error> {
        self.keep_sealed();
        match self.staged_at(ordinal) {
            Ok(place) => Ok(self.staged[place].after.clone()),
            Err(_) => {
                let state = self.sealed(ordinal)?;
                if S::IN_LISTS {
                    self.note(ordinal, state.as_ref());
                }
                Ok(state)
            }
        }
    }

    /// Reads the state, so that it can be changed by a command that does not look at it. Nothing is read of an entity that
    /// is new to the store.
    pub fn touch(&mut self, ordinal: Ordinal) -> Result<(), Error> {
        let used = self.view.borrow().next_ordinal(S::TABLE);
        if ordinal < used {
            self.get(ordinal)?;
        }
        Ok(())
    }

    /// Notes what was read for the command in hand.
    fn note(&mut self, ordinal: Ordinal, state: Option<&Arc<S>>) {
        let unit = self.view.borrow().next_seq();
        if self.seen_for != unit {
            self.seen_for = unit;
            self.seen.clear();
        }
        if let Err(place) = self.seen.binary_search_by_key(&ordinal, |(seen, _)| *seen) {
            self.seen.insert(place, (ordinal, state.cloned()));
        }
    }

    /// The state before the command in hand, which does not change it yet.
    fn before(&self, ordinal: Ordinal) -> Option<Arc<S>> {
        if !S::IN_LISTS {
            return None;
        }
        if self.seen_for == self.view.borrow().next_seq()
            && let Ok(place) = self.seen.binary_search_by_key(&ordinal, |(seen, _)| *seen)
        {
            return self.seen[place].1.clone();
        }
        let is_new = || {
            self.view.borrow().read(S::TABLE, ordinal, S::PART).is_ok_and(|state| state.is_none())
        };
        debug_assert!(is_new(), "a {} was changed, and not read before", S::KIND);
        None
    }

    /// The place of a staged state, or the place where it belongs.
    fn staged_at(&self, ordinal: Ordinal) -> Result<usize, usize> {
        self.staged.binary_search_by_key(&ordinal, |change| change.ordinal)
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
    pub fn stage(&mut self, ordinal: Ordinal, state: S) -> Staged<S> {
        let after = Arc::new(state);
        let before = self.restage(ordinal, Some(Arc::clone(&after)));
        Staged { ordinal, before, after }
    }

    /// The command in hand deletes the state. Returns the state before the command, if the state is in lists.
    pub fn stage_deleted(&mut self, ordinal: Ordinal) -> Option<Arc<S>> {
        self.restage(ordinal, None)
    }

    /// Returns the state before the command.
    fn restage(&mut self, ordinal: Ordinal, after: Option<Arc<S>>) -> Option<Arc<S>> {
        self.keep_sealed();
        let before = match self.staged_at(ordinal) {
            Ok(place) => {
                let change = &mut self.staged[place];
                change.after = after;
                change.before.clone()
            }
            Err(place) => {
                let before = self.before(ordinal);
                self.staged.insert(place, Change { ordinal, before: before.clone(), after });
                before
            }
        };
        self.staging_unit = self.view.borrow().next_seq();
        before
    }

    /// Caches what an earlier command staged, when its unit is sealed. A command without a unit ends
    /// in [`roll_back`](Self::roll_back) before the next one begins.
    fn keep_sealed(&mut self) {
        if self.staged.is_empty() || self.staging_unit == self.view.borrow().next_seq() {
            return;
        }
        for Change { ordinal, after, .. } in self.staged.drain(..) {
            match after {
                Some(state) => self.cache.insert(ordinal.0, state),
                None => drop(self.cache.remove(&ordinal.0)),
            }
        }
    }

    /// Drops the staged states, or all states. Later commands read them from the store again. (The
    /// staged states may belong to an earlier command, whose unit is sealed.)
    pub fn roll_back(&mut self, rollback: Rollback) {
        self.seen.clear();
        match rollback {
            Rollback::Staged => {
                for Change { ordinal, .. } in self.staged.drain(..) {
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
