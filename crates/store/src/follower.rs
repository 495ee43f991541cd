//! A store that follows a journal which another store's owner writes.
//!
//! To follow is a replay that never ends: the units are applied as opening applies those of the journal's tail, with
//! checkpoints on the way. So a follower is, at every sequence, the same store as the one that it follows, and taking
//! over takes no longer than opening a store without a tail.

use std::sync::Arc;

use uuid::Uuid;

use crate::backup::Source;
use crate::error::Error;
use crate::journal::History;
use crate::open::{Opened, Recovery};
use crate::position::Position;
use crate::unit::{EncodedUnit, Seq};
use crate::view::{Reader, View};

/// The most journal records that one step of housekeeping removes.
const PRUNE_STEP: usize = 64;

/// The limits of a [`Follower`].
#[derive(Debug, Clone, Copy)]
pub struct FollowerLimits {
    /// A checkpoint begins when the units that none has written take so many bytes of memory. They take about twice as
    /// much at most.
    pub checkpoint_bytes: usize,
    /// Units are kept in the journal at least this long, in microseconds.
    pub history_retention: i64,
}

/// A store that applies units which were accepted elsewhere.
#[derive(Debug)]
pub struct Follower {
    opened: Opened,
    limits: FollowerLimits,
}

impl Follower {
    /// Follows with an open store.
    pub const fn new(opened: Opened, limits: FollowerLimits) -> Self {
        Self { opened, limits }
    }

    /// A reader of the store for any thread.
    pub fn reader(&self) -> Reader {
        self.opened.view.reader()
    }

    /// The applied units, which another member keeps too.
    pub const fn history(&self) -> &History {
        &self.opened.history
    }

    /// The store as of the last unit.
    pub const fn view(&self) -> &View {
        &self.opened.view
    }

    /// What opening found and did.
    pub const fn recovery(&self) -> &Recovery {
        &self.opened.recovery
    }

    /// The sequence of the unit that comes next.
    pub const fn next_seq(&self) -> Seq {
        self.opened.view.next_seq()
    }

    /// The newest position. Behind it there may be units that were committed without one.
    pub const fn position(&self) -> Option<Position> {
        self.opened.log.position()
    }

    /// Whether the newest position is not kept yet: the next checkpoint keeps it.
    pub fn has_new_position(&self) -> bool {
        self.opened.log.has_new_position()
    }

    /// Takes over the incarnation of the journal. It is durable when this returns.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] when the store has a unit.
    pub fn adopt(&mut self, incarnation: Uuid) -> Result<(), Error> {
        self.opened.adopt(incarnation)
    }

    /// Applies units that follow the last one, with the position behind them. A crash may undo it, until the next
    /// [`sync`](Self::sync) or checkpoint. Without units only the position is new; that is kept by the next checkpoint.
    ///
    /// # Errors
    /// [`Error::Gap`] when a unit does not follow the one before, or when the position is not behind the last one;
    /// [`Error::Corrupt`] when the store does not have a table that a unit names. Nothing is changed then.
    pub fn apply(&mut self, units: &[EncodedUnit], position: Position) -> Result<(), Error> {
        let Opened { view, log, .. } = &mut self.opened;
        for encoded in units {
            log.check_tables(&encoded.unit)?;
        }
        log.append(units, Some(position))?;
        log.reveal();
        for encoded in units {
            view.seal(Arc::clone(&encoded.unit));
        }
        self.bound_memory()
    }

    /// Makes everything that was applied durable.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.opened.log.sync().map(drop)
    }

    /// Begins a copy of the store, of what was applied. The source is read on another thread, while this follower goes on.
    pub fn backup(&mut self) -> Result<Source, Error> {
        self.opened.log.backup()
    }

    /// Notes that every event below `cursor` was published by the owner.
    pub fn set_cursor(&mut self, cursor: Seq) {
        self.opened.log.set_cursor(cursor.min(self.next_seq()));
    }

    /// Takes a step of a checkpoint, and begins one if none is under way and there is anything to write. Returns whether
    /// there is more to write. (Applying units takes such steps too, when memory asks for it.)
    pub fn checkpoint_step(&mut self) -> Result<bool, Error> {
        let Opened { view, log, .. } = &mut self.opened;
        if !log.is_checkpointing() && log.dirty_bytes() == 0 && !log.has_new_position() {
            return Ok(false);
        }
        let report = log.checkpoint_step()?;
        if let Some(report) = &report {
            view.checkpointed(report);
        }
        Ok(report.is_none())
    }

    /// Takes a step of housekeeping: drops what is past its retention at the time of the last unit, and merges segments.
    /// Returns whether there may be more to do. While a checkpoint is under way it takes a step of that.
    pub fn keep_house(&mut self) -> Result<bool, Error> {
        if self.opened.log.is_checkpointing() {
            return self.checkpoint_step().map(|_| true);
        }
        let Opened { view, log, .. } = &mut self.opened;
        log.expire_identities(view.clock())?;
        let oldest = view.clock().saturating_sub(self.limits.history_retention);
        let pruned = log.prune(oldest, PRUNE_STEP)?;
        let to_forget = view.trim();
        Ok(log.compact()? || pruned.more || to_forget)
    }

    /// Ends following: the store goes on by its own units. The cursor of its recovery is that of its last opening.
    pub fn into_opened(self) -> Opened {
        let mut opened = self.opened;
        opened.view.replayed();
        opened.recovery.position = opened.log.position();
        opened
    }

    /// Takes checkpoint steps, so that the units that no checkpoint has written take a bounded amount of memory.
    fn bound_memory(&mut self) -> Result<(), Error> {
        let begins = self.limits.checkpoint_bytes;
        if !self.opened.log.is_checkpointing() && self.opened.log.dirty_bytes() < begins {
            return Ok(());
        }
        while self.checkpoint_step()? {
            if self.opened.view.dirty_bytes() < begins.saturating_mul(2) {
                break;
            }
        }
        Ok(())
    }
}
