//! A store that follows the journal, until its member owns.
//!
//! When the member owns and the journal has all units of the store, the store goes on by its own units: nothing has to be
//! read for that.

use orderly_journal::record::Error as RecordError;
use orderly_journal::{Charter, Position, Refusal, Unit};
use orderly_store::{self as store, EncodedUnit, Follower, Opened, Seq};
use uuid::Uuid;

use crate::place::{to_place, units_between};

/// Why a store cannot follow.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The journal has something that this build cannot apply. Nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What the journal said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// To follow further.
    Follow,
    /// The journal lacks these units, and must get them before the member may go on by itself.
    Restore(Vec<Unit>),
    /// The member owns, and the journal has all units of the store.
    Own,
}

/// The ownership that was told last.
#[derive(Debug, Clone, Copy)]
struct Owned {
    epoch: u64,
    cursor: u64,
    /// The journal has all units of the store when it has those before this.
    complete_at: u64,
}

/// A store that follows. See the module.
#[derive(Debug)]
pub struct Following {
    follower: Follower,
    owned: Option<Owned>,
}

impl Following {
    /// Follows with a store.
    pub const fn new(follower: Follower) -> Self {
        Self { follower, owned: None }
    }

    /// The store.
    pub const fn store(&self) -> &Follower {
        &self.follower
    }

    /// The store, for its upkeep.
    pub const fn store_mut(&mut self) -> &mut Follower {
        &mut self.follower
    }

    /// The new and empty store takes over the incarnation of the journal.
    pub fn adopt(&mut self, charter: &Charter) -> Result<(), Error> {
        Ok(self.follower.adopt(Uuid::from_bytes(charter.incarnation))?)
    }

    /// The journal has accepted these units; the position is behind them.
    pub fn apply(&mut self, units: Vec<Unit>, position: Position) -> Result<(), Error> {
        let units = units.into_iter().map(|unit| EncodedUnit::read(unit.bytes));
        let units = units.collect::<Result<Vec<_>, _>>().map_err(|error| match error {
            // a newer build made the unit: to guess would make another store of this one
            store::Error::Version { found, known, .. } if found > known => {
                Refusal::Unreadable(RecordError::Newer { found }).into()
            }
            error => Error::Store(error),
        })?;
        Ok(self.follower.apply(&units, to_place(position))?)
    }

    /// This member owns, in this epoch. Every event below `cursor` was published. The journal lost the units from the first
    /// sequence of `lost` up to the second one.
    pub fn own(
        &mut self,
        epoch: u64,
        cursor: u64,
        lost: Option<(u64, u64)>,
    ) -> Result<Next, Error> {
        self.owned = Some(Owned { epoch, cursor, complete_at: lost.map_or(0, |(_, to)| to) });
        let Some((from, to)) = lost else { return Ok(Next::Own) };
        Ok(Next::Restore(units_between(self.follower.history(), Seq(from), Seq(to))?))
    }

    /// The journal has all own units before `next`.
    pub fn durable(&self, next: u64) -> Next {
        match self.owned {
            Some(owned) if next >= owned.complete_at => Next::Own,
            _ => Next::Follow,
        }
    }

    /// Ends following with a store that goes on by its own units, when the answer was [`Next::Own`]. With `sync` what was applied
    /// is synced first: it counts as durable from now on.
    pub fn into_owning(self, sync: bool) -> Result<Option<Owning>, store::Error> {
        let Self { mut follower, owned } = self;
        let Some(Owned { epoch, cursor, .. }) = owned else { return Ok(None) };
        let cursor = Seq(cursor).clamp(Seq::FIRST, follower.next_seq());
        follower.set_cursor(cursor);
        if sync {
            follower.sync()?;
        }
        Ok(Some(Owning { follower, epoch, cursor }))
    }
}

/// A store whose member owns. It has everything that is in the journal.
#[derive(Debug)]
pub struct Owning {
    follower: Follower,
    /// The number of the epoch.
    pub epoch: u64,
    /// Every event below this was published.
    pub cursor: Seq,
}

impl Owning {
    /// The store, which goes on by its own units.
    pub fn into_opened(self) -> Opened {
        let mut opened = self.follower.into_opened();
        opened.recovery.cursor = self.cursor;
        opened
    }
}
