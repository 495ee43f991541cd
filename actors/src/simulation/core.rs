//! The core on a disk.

use crate::clock::Clock;
use crate::sequencer::{Sequencer, Settings};
use crate::supervisor::RestartBudgetExceeded;
use orderly_store::{self as store, Disk, History, Log, Options, Recovery};
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A core: its store is open, and its owners run. Without the threads that the process has around it, each step is the
/// caller's.
pub struct Core {
    /// Takes messages and timers.
    pub sequencer: Sequencer,
    /// Makes units durable.
    pub log: Log,
    /// Reads durable units.
    pub history: History,
    /// What opening the store found.
    pub recovery: Recovery,
    /// Hears of an owner that cannot be restarted.
    pub failures: UnboundedReceiver<RestartBudgetExceeded>,
}

impl Core {
    /// Opens the store on `disk` and starts the owners.
    ///
    /// # Errors
    ///
    /// The store cannot be opened.
    pub fn start(
        disk: &Arc<dyn Disk>,
        options: &Options,
        settings: Settings,
        clock: impl Clock + 'static,
    ) -> Result<Self, store::Error> {
        Ok(Self::of(store::open(disk, options)?, settings, clock))
    }

    /// The core on an open store: starts the owners.
    pub fn of(opened: store::Opened, settings: Settings, clock: impl Clock + 'static) -> Self {
        let (sender, failures) = unbounded_channel();
        let sequencer = Sequencer::start(opened.view, settings, Box::new(clock), &sender);
        let store::Opened { log, history, recovery, .. } = opened;
        Self { sequencer, log, history, recovery, failures }
    }
}
