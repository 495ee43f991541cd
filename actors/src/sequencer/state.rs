//! The sequencer itself: its start, and the time that its units have.

use super::owners::{Owners, Settings};
use super::retention_counts::RetentionCounts;
use super::step::Error;
use crate::audit::RunningAudit;
use crate::changeset::TimerKind;
use crate::clock::Clock;
use crate::states::SharedView;
use crate::supervisor::Failures;
use orderly_domain::time::Timestamp;
use orderly_store::{Ordinal, Timer, View};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

/// The most orders whose interrupted notifications are looked for at a start. The set of them is in memory.
const MAX_INTERRUPTED: usize = 100_000;

/// The sequencer, with the five owners it drives.
pub struct Sequencer {
    pub(super) view: SharedView,
    pub(super) owners: Owners,
    pub(super) settings: Settings,
    pub(super) retention: RetentionCounts,
    pub(super) audit: RunningAudit,
    clock: Box<dyn Clock>,
    /// The latest time that timers were handed out for.
    latest: Cell<Timestamp>,
}

impl Sequencer {
    /// Starts the five owners on the current thread, above the store that `view` reads.
    pub fn start(
        view: View,
        settings: Settings,
        clock: Box<dyn Clock>,
        failures: &Failures,
    ) -> Self {
        let view = Rc::new(RefCell::new(view));
        let owners = Owners::start(&view, &settings, failures);
        Self {
            view,
            owners,
            settings,
            retention: RetentionCounts::default(),
            audit: RunningAudit::default(),
            clock,
            latest: Cell::default(),
        }
    }

    /// The store's read path.
    pub fn view(&self) -> &SharedView {
        &self.view
    }

    /// The owners.
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// The time that the next unit will have: of the wall clock, but never before [`stamped`](Self::stamped).
    pub fn now(&self) -> Timestamp {
        self.wall_clock().max(self.stamped())
    }

    /// The wall clock, which may step.
    pub(super) fn wall_clock(&self) -> Timestamp {
        self.clock.now()
    }

    /// The latest time that a unit was stamped with, or that timers were handed out for. While the wall clock is behind
    /// it no timer may fire: what is due by this time is not due by the wall clock.
    pub fn stamped(&self) -> Timestamp {
        Timestamp::from_micros(self.view.borrow().clock()).max(self.latest.get())
    }

    /// Hands out up to `limit` timers that are due now. A timer is handed out once and must still be due when it fires:
    /// from now on the time does not fall behind, though the wall clock may step back.
    pub fn due(&self, limit: usize) -> Result<Vec<Timer>, Error> {
        let now = self.now();
        self.latest.set(now);
        Ok(self.view.borrow().due(now.micros(), limit)?)
    }

    /// The orders that have a notification timer due within `span`, each once: what of them was on its way when the
    /// process ended may be sent at once. Orders beyond [`MAX_INTERRUPTED`] are left out: theirs are sent when the timers
    /// fire.
    pub fn orders_to_notify(&self, span: Duration) -> Result<BTreeSet<Ordinal>, Error> {
        let until = self.now().plus(span);
        let kind = TimerKind::Notify as u8;
        let timers = self.view.borrow().upcoming(kind, until.micros(), MAX_INTERRUPTED)?;
        Ok(timers.into_iter().map(|timer| timer.ordinal).collect())
    }
}
