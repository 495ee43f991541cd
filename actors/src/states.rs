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
    /// What the command in hand has read and changed, by the ordinals. Its states enter the cache when its unit is sealed, each once.
    in_hand: Vec<InHand<S>>,
    /// The unit that the command in hand makes, if it makes one.
    unit: Seq,
}

/// A state that the command in hand has read, changed, or both.
struct InHand<S> {
    ordinal: Ordinal,
    before: Before<S>,
    /// What the command made of the state. `None`: nothing so far.
    change: Option<Changed<S>>,
}

/// A state before the command in hand.
enum Before<S> {
    /// Nobody has read it for the command.
    Unread,
    /// It was in the cache.
    Cached(Arc<S>),
    /// It was read from the store. `None`: there was none.
    Stored(Option<Arc<S>>),
}

/// What the command in hand made of a state.
enum Changed<S> {
    Put(Arc<S>),
    Deleted,
}

impl<S> Before<S> {
    fn state(&self) -> Option<Arc<S>> {
        match self {
            Self::Unread => None,
            Self::Cached(state) => Some(Arc::clone(state)),
            Self::Stored(state) => state.clone(),
        }
    }
}

impl<S: State> StateCache<S> {
    /// A cache of about `capacity` bytes over the states that `view` reads.
    pub fn new(view: SharedView, capacity: u64) -> Self {
        Self { view, cache: cache(capacity), capacity, in_hand: Vec::new(), unit: Seq::FIRST }
    }

    /// The state as the command in hand sees it.
    pub fn get(&mut self, ordinal: Ordinal) -> Result<Option<Arc<S>>, Error> {
        self.begin();
        let in_hand = self.place(ordinal).ok().map(|place| &self.in_hand[place]);
        match in_hand.map(|one| (&one.change, &one.before)) {
            Some((Some(Changed::Put(after)), _)) => Ok(Some(Arc::clone(after))),
            Some((Some(Changed::Deleted), _)) => Ok(None),
            None | Some((None, Before::Unread)) => self.load(ordinal),
            Some((None, read)) => Ok(read.state()),
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

    /// The state as it was before the command in hand, when that command has changed the state already.
    pub fn before_command(&mut self, ordinal: Ordinal) -> Result<Option<Arc<S>>, Error> {
        self.begin();
        match self.place(ordinal) {
            Ok(place) if self.in_hand[place].change.is_some() => {
                match &self.in_hand[place].before {
                    Before::Unread => self.load(ordinal),
                    read => Ok(read.state()),
                }
            }
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// The command in hand changes the state. Later commands see the new one once the unit is
    /// sealed.
    pub fn stage(&mut self, ordinal: Ordinal, state: S) -> Staged<S> {
        let after = Arc::new(state);
        let before = self.change(ordinal, Changed::Put(Arc::clone(&after)));
        Staged { ordinal, before, after }
    }

    /// The command in hand deletes the state. Returns the state before the command, if the state is in lists.
    pub fn stage_deleted(&mut self, ordinal: Ordinal) -> Option<Arc<S>> {
        self.change(ordinal, Changed::Deleted)
    }

    /// Returns the state before the command, if the state is in lists.
    fn change(&mut self, ordinal: Ordinal, change: Changed<S>) -> Option<Arc<S>> {
        self.begin();
        let place = match self.place(ordinal) {
            Ok(place) => place,
            Err(place) => {
                let new = InHand { ordinal, before: Before::Unread, change: None };
                self.in_hand.insert(place, new);
                place
            }
        };
        let before = if S::IN_LISTS {
            debug_assert!(self.is_known(place), "a {} was changed, and not read before", S::KIND);
            self.in_hand[place].before.state()
        } else {
            None
        };
        self.in_hand[place].change = Some(change);
        before
    }

    /// Whether the state before the command was read, or there was none.
    fn is_known(&self, place: usize) -> bool {
        let InHand { ordinal, before, .. } = &self.in_hand[place];
        let stored = || self.view.borrow().read(S::TABLE, *ordinal, S::PART);
        !matches!(before, Before::Unread) || stored().is_ok_and(|state| state.is_none())
    }

    /// The state before the command in hand, from memory or from the store.
    fn load(&mut self, ordinal: Ordinal) -> Result<Option<Arc<S>>, Error> {
        let before = match self.cache.get(&ordinal.0) {
            Some(state) => Before::Cached(Arc::clone(state)),
            None => Before::Stored(read::<S>(&self.view.borrow(), ordinal)?.map(Arc::new)),
        };
        let state = before.state();
        match self.place(ordinal) {
            Ok(place) => self.in_hand[place].before = before,
            Err(place) => self.in_hand.insert(place, InHand { ordinal, before, change: None }),
        }
        Ok(state)
    }

    /// The place of a state in hand, or the place where it belongs.
    fn place(&self, ordinal: Ordinal) -> Result<usize, usize> {
        self.in_hand.binary_search_by_key(&ordinal, |one| one.ordinal)
    }

    /// Caches what an earlier command read and changed, when its unit is sealed. A command without a unit ends
    /// in [`roll_back`](Self::roll_back) before the next one begins.
    fn begin(&mut self) {
        let unit = self.view.borrow().next_seq();
        if self.unit == unit {
            return;
        }
        self.unit = unit;
        for InHand { ordinal, before, change } in self.in_hand.drain(..) {
            match (change, before) {
                (Some(Changed::Put(state)), _) | (None, Before::Stored(Some(state))) => {
                    self.cache.insert(ordinal.0, state);
                }
                (Some(Changed::Deleted), _) => drop(self.cache.remove(&ordinal.0)),
                (None, Before::Cached(_) | Before::Stored(None) | Before::Unread) => {}
            }
        }
    }

    /// Drops the staged states, or all states. Later commands read them from the store again. (The
    /// staged states may belong to an earlier command, whose unit is sealed.)
    pub fn roll_back(&mut self, rollback: Rollback) {
        match rollback {
            Rollback::Staged => {
                for InHand { ordinal, change, .. } in self.in_hand.drain(..) {
                    if change.is_some() {
                        self.cache.remove(&ordinal.0);
                    }
                }
            }
            Rollback::All => {
                self.in_hand.clear();
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
