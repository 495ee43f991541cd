//! Places in the journal, as the store keeps them and as the protocol has them.

use std::fmt;
use std::sync::Arc;

use orderly_journal::seek::Past;
use orderly_journal::{Chain, Epoch, Nonce, Position, Progress, Unit};
use orderly_store::{self as store, EncodedUnit, Follower, History, Seq};

/// Where a store stands when it joins the journal: what its member of the protocol is started with.
pub struct Place {
    /// How far the store has come. `None`: it is empty.
    pub stored: Option<Progress>,
    /// The last place of the store in the journal.
    pub last: Option<Position>,
    /// The places that the store knows, also those that come.
    pub past: Box<dyn Past + Send>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Place");
        shown.field("stored", &self.stored).field("last", &self.last).finish_non_exhaustive()
    }
}

impl Place {
    /// The place of a store. It reads the units that were committed without the journal.
    pub fn of(follower: &Follower) -> Result<Self, store::Error> {
        let history = follower.history();
        let incarnation = follower.recovery().incarnations.current();
        Ok(Self {
            stored: progress(incarnation.as_bytes(), history, follower.position())?,
            last: last_place(follower.position()),
            past: Box::new(Places::of(history, follower.position())),
        })
    }
}

/// A position of the protocol, as the store keeps it.
pub const fn to_place(position: Position) -> store::Position {
    store::Position {
        epoch: position.epoch.number,
        nonce: position.epoch.nonce.0,
        next: Seq(position.next),
        chain: position.chain.0,
        offset: position.offset,
    }
}

/// A position that the store kept, as the protocol has it.
pub const fn to_position(place: store::Position) -> Position {
    Position {
        epoch: Epoch { number: place.epoch, nonce: Nonce(place.nonce) },
        next: place.next.0,
        chain: Chain(place.chain),
        offset: place.offset,
    }
}

/// A unit of the store, as the protocol carries it.
pub fn to_unit(encoded: EncodedUnit) -> Unit {
    let span = encoded.unit.next.0 - encoded.unit.seq.0;
    // a unit has far fewer events: each takes bytes of a body that has 2 MiB at most
    Unit { span: u32::try_from(span).unwrap_or(u32::MAX), bytes: encoded.bytes }
}

/// The bytes of a unit, by which all members know it.
pub fn encode(unit: &Arc<store::Unit>) -> Unit {
    to_unit(EncodedUnit::new(Arc::clone(unit)))
}

/// The places that a store knows.
#[derive(Debug, Clone)]
pub struct Places {
    history: History,
    /// Places up to here do not count: the store has left the journal that they are in.
    left: Seq,
}

impl Places {
    /// The places of a store whose last one is this.
    pub fn of(history: &History, last: Option<store::Position>) -> Self {
        let left = if last.is_some() { Seq::FIRST } else { history.durable() };
        Self { history: history.clone(), left }
    }
}

impl Past for Places {
    fn at(&self, next: u64) -> Option<Position> {
        if Seq(next) <= self.left {
            return None;
        }
        match self.history.position_at(Seq(next)) {
            Ok(place) => place.map(to_position),
            Err(error) => {
                tracing::error!(%error, next, "cannot read a place in the journal: it counts as unknown");
                None
            }
        }
    }
}

/// The last place of a store in the journal.
pub fn last_place(place: Option<store::Position>) -> Option<Position> {
    place.map(to_position)
}

/// How far a store has come, of this incarnation, with its last place in the journal. `None`: it is empty. The chain goes on
/// from that place over the units behind it; in a store that was in no journal it begins with the last unit.
pub fn progress(
    incarnation: &[u8; 16],
    history: &History,
    place: Option<store::Position>,
) -> Result<Option<Progress>, store::Error> {
    let next = history.durable();
    if next <= Seq::FIRST {
        return Ok(None);
    }
    let Some(place) = place else {
        let last = history.last_unit()?.map(|last| last.bytes).unwrap_or_default();
        let chain = Chain::start(incarnation, next.0, &last);
        return Ok(Some(Progress { next: next.0, chain }));
    };
    let mut chain = Chain(place.chain);
    for encoded in history.encoded_units(place.next) {
        chain = chain.then(&to_unit(encoded?));
    }
    Ok(Some(Progress { next: next.0, chain }))
}

/// The units of a store from one sequence up to another, as the protocol carries them.
pub fn units_between(history: &History, from: Seq, to: Seq) -> Result<Vec<Unit>, store::Error> {
    let units = history.encoded_units(from);
    let wanted = units.take_while(|read| read.as_ref().map_or(true, |read| read.unit.seq < to));
    wanted.map(|read| read.map(to_unit)).collect()
}
