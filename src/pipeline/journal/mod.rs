//! Where the core's units go to become durable: to the store alone, or first to a journal that several members share.
//!
//! The core does not know which. It hands units over, and learns from the reports of the store thread that they are
//! durable.
//!
//! | file | has |
//! |---|---|
//! | `single` | the store alone |
//! | `standby` | the shared journal: the store gets what the journal has accepted |

mod single;
mod standby;

use self::single::Single;
use self::standby::Standby;
use super::storage::{Report, Work};
use super::workers::Workers;
use super::{Durability, OwnedJournal};
use orderly_store::{History, Unit, backup};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Makes units durable, in order, without waiting. The store thread reports what is durable.
pub(super) trait Journal: Send {
    /// Makes these units durable. They follow the units that were given before. `more` says what is known of those that come.
    fn commit(&mut self, units: Vec<Arc<Unit>>, more: More);

    /// Begins a backup. It has at least the units that are durable.
    fn back_up(&mut self, answer: oneshot::Sender<backup::Source>);

    /// A person has paused the intake, or no longer. The receiver gets its message when every other member that reads the journal to its
    /// end knows that; an error when none will know any more.
    fn set_paused(&mut self, paused: bool) -> oneshot::Receiver<()>;

    /// Ends in good order: all units are durable, and none follows. The last report of the store thread says when it is
    /// done.
    fn close(&mut self);

    /// Whether other members follow, one of which takes over when this one ends.
    fn is_shared(&self) -> bool;

    /// What does not answer, when a unit that is not durable has waited for `limit`. `None`: something has answered since.
    fn stands_still(&self, limit: Duration) -> Option<WaitsFor>;
}

/// What follows a group of units, as far as the core knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum More {
    /// Nothing: somebody may wait for these units, and no others come at once.
    #[default]
    Nothing,
    /// The units of further deliveries, which are in the core's hand already. A group may wait for them: the core is busy anyway.
    InHand,
}

/// What units that are not durable wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitsFor {
    /// For the disk.
    Disk,
    /// For the shared journal.
    Journal,
}

/// Connects the core with what makes its units durable. `work` leads to the store thread, `report` to the core.
pub(super) fn start(
    durability: Durability,
    workers: &Workers,
    work: Sender<Work>,
    report: mpsc::UnboundedSender<Report>,
    history: &History,
) -> Box<dyn Journal> {
    match durability {
        Durability::Store => Box::new(Single(work)),
        Durability::Journal(OwnedJournal { inputs, told, .. }) => {
            let (standby, carrier) = Standby::new(inputs, told, work, report, history.clone());
            workers.spawn("journal", carrier.run());
            Box::new(standby)
        }
    }
}

#[cfg(test)]
mod tests;
