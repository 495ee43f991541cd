//! Why the pipeline ended.

use orderly_actors::supervisor::RestartBudgetExceeded;
use orderly_broker::Status;
use orderly_member::following;
use orderly_store as store;
use tokio::sync::watch;

/// Why the pipeline ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// The core cannot go on.
    #[error("the core cannot go on")]
    Core(#[from] orderly_actors::sequencer::Error),
    /// The relay cannot read the journal.
    #[error("the relay cannot read the journal")]
    Relay,
    /// An actor spent its restart budget.
    #[error(transparent)]
    Actor(#[from] RestartBudgetExceeded),
    /// The webhook cannot be used.
    #[error(transparent)]
    Webhook(#[from] crate::notify::webhook::Error),
    /// The endpoint for traces cannot be used.
    #[error(transparent)]
    Traces(#[from] crate::spans::Error),
    /// The file that exists while a message runs alone cannot be created or removed.
    #[error("cannot note beside the store that a message runs alone")]
    Alone(#[source] std::io::Error),
    /// The disk did not answer for as long as `intake.stall_after`.
    #[error("the disk does not answer")]
    DiskStalled,
    /// Another member owns the journal. What was not durable has left no trace.
    #[error("fenced: {by} owns the journal (epoch {epoch})")]
    Fenced {
        /// The epoch of the other member.
        epoch: u64,
        /// The name of the other member.
        by: String,
    },
    /// The journal and the store do not go together. Nothing was changed.
    #[error("cannot go on in the journal")]
    Refused(#[source] orderly_journal::Refusal),
    /// The task of the journal failed.
    #[error("the journal failed: {0}")]
    Journal(String),
    /// The journal accepted nothing for as long as `intake.stall_after`, and the core had to wait for it.
    #[error("the journal accepts nothing")]
    JournalStalled,
    /// No message was finished for as long as `intake.stall_after`.
    #[error("nothing moved for too long")]
    Stalled,
    /// The driver of the broker ended by itself.
    #[error("the driver of the broker ended: {0}")]
    Driver(String),
    /// A worker panicked.
    #[error("the worker {worker} panicked: {problem}")]
    Worker {
        /// The name of the worker.
        worker: &'static str,
        /// The message of the panic.
        problem: String,
    },
    /// A thread could not be started, or ended by itself.
    #[error("a thread of the pipeline ended: {0}")]
    Thread(String),
}

impl From<following::Error> for Error {
    fn from(error: following::Error) -> Self {
        match error {
            following::Error::Store(error) => error.into(),
            following::Error::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

impl Error {
    /// The error that explains why a driver of the broker delivers nothing any more.
    pub(super) fn of_driver(status: &watch::Receiver<Status>) -> Self {
        let failure = status.borrow().last_error.clone();
        Self::Driver(failure.map_or_else(|| "it was closed".to_owned(), |failure| failure.detail))
    }

    /// Whether the store is the cause, which has an exit code of its own.
    pub fn is_storage(&self) -> bool {
        use orderly_actors::sequencer::Error as Core;
        match self {
            Self::Store(_) | Self::Relay | Self::Alone(_) | Self::DiskStalled => true,
            Self::Core(error) => match error {
                Core::State(_) => true,
                Core::Encode(_) | Core::TooLong(_) => false,
            },
            Self::Worker { worker, .. } => *worker == "store",
            Self::Actor(_)
            | Self::Webhook(_)
            | Self::Traces(_)
            | Self::Fenced { .. }
            | Self::Refused(_)
            | Self::Journal(_)
            | Self::JournalStalled
            | Self::Stalled
            | Self::Driver(_)
            | Self::Thread(_) => false,
        }
    }

    /// Whether the disk failed, which no message can cause. A damaged store and a panic of the store thread do not
    /// count: the message in hand may have caused them.
    pub(super) fn is_disk_fault(&self) -> bool {
        use orderly_actors::sequencer::Error as Core;
        use orderly_actors::states::Error as State;
        match self {
            Self::Store(error) | Self::Core(Core::State(State::Store(error))) => {
                matches!(error, store::Error::Disk(_))
            }
            Self::Relay | Self::Alone(_) | Self::DiskStalled => true,
            Self::Core(Core::State(State::Corrupt { .. }) | Core::Encode(_) | Core::TooLong(_))
            | Self::Actor(_)
            | Self::Webhook(_)
            | Self::Traces(_)
            | Self::Fenced { .. }
            | Self::Refused(_)
            | Self::Journal(_)
            | Self::JournalStalled
            | Self::Stalled
            | Self::Driver(_)
            | Self::Worker { .. }
            | Self::Thread(_) => false,
        }
    }
}
