//! The sequencer itself: its start, and the time that its units have.

use super::owners::{Owners, Settings};
use super::retention_counts::RetentionCounts;
use crate::audit::RunningAudit;
use crate::clock::Clock;
use crate::states::SharedView;
use crate::supervisor::Failures;
use orderly_domain::time::Timestamp;
use orderly_store::View;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The sequencer, with the five owners it drives.
pub struct Sequencer {
    pub(super) view: SharedView,
    pub(super) owners: Owners,
    pub(super) settings: Settings,
    pub(super) retention: RetentionCounts,
    pub(super) audit: RunningAudit,
    clock: Box<dyn Clock>,
    /// The latest time that was given out.
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

    /// The time that the next unit will have. It never goes back: a timer that was due at a time
    /// given out before is handed out once, and must still be due when it fires, though the wall
    /// clock stepped back.
    pub fn now(&self) -> Timestamp {
        let last = Timestamp::from_micros(self.view.borrow().clock());
        let now = self.clock.now().max(last).max(self.latest.get());
        self.latest.set(now);
        now
    }
}
