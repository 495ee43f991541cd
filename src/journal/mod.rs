//! The journal that the members of a cluster share: a stream of the broker, and the task that takes part in it.
//!
//! A member gives the task [`Input`]s and acts on what it is [`Told`]. Everything is told in order. What is told last says
//! how taking part ended: [`Told::Fenced`], [`Told::Left`], [`Told::Refused`] or [`Told::Failed`].
//!
//! | module | has |
//! |---|---|
//! | `member` | the task: it carries records between the protocol (`orderly_journal`) and the stream |
//! | [`compare`] | comparing a store with the journal |
//! | [`headroom`] | how long a member could stand still before the stream passes it |
//! | [`listen`] | reading the journal without taking part in it |

pub mod compare;
pub mod headroom;
pub mod listen;
mod member;

use orderly_actors::clock::SystemClock;
use orderly_broker::Link;
use orderly_broker::rabbit::{self, stream};
use orderly_journal::claim::Patience;
use orderly_journal::node::Status;
use orderly_journal::owner::Limits;
use orderly_journal::seek::Past;
use orderly_journal::{Charter, Epoch, Position, Progress, Refusal, Unit};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// The owner says that it lives when it had nothing else to say for this long.
pub const TICK_EVERY: Duration = Duration::from_millis(250);

/// A member says so often how far its store has come.
pub const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);

/// While the owner has nothing to append, a member's store notes so often how far it has read: the stream must keep what is
/// appended in this time and until the next checkpoint.
pub const RENEW_EVERY: Duration = Duration::from_secs(60);

/// What waits for who is told. A follower reads faster than its store applies: the rest stays with the broker.
const TOLD: usize = 256;

/// The settings of a member.
#[derive(Clone)]
pub struct Settings {
    /// The broker.
    pub broker: orderly_broker::Settings,
    /// The stream, for when it does not exist yet.
    pub stream: stream::Options,
    /// The settings of the protocol.
    pub protocol: orderly_journal::Settings,
    /// A standby that is further behind is not ready.
    pub max_lag: Duration,
    /// Whether another member is to own when the owner leaves in good order, as it is from time to time.
    pub defers: Arc<AtomicBool>,
    /// Makes the bytes of a unit, by which all members know it.
    pub encode: fn(&Arc<orderly_store::Unit>) -> Unit,
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Settings");
        shown.field("stream", &self.stream).field("protocol", &self.protocol);
        shown.finish_non_exhaustive()
    }
}

/// How long a claim waits for what.
pub const fn patience() -> Patience {
    Patience {
        // members announce themselves every second
        hear_for: Duration::from_secs(2),
        yield_for: Duration::from_secs(5),
        retry_after: Duration::from_millis(500),
    }
}

/// If nothing comes for so long where the reader has attached, it looks from the first record on. A member reads at least its
/// own probe, so this is only so long where the journal ends in front of the place.
pub const FOUND_WITHIN: Duration = Duration::from_secs(5);

/// The limits of an owner that puts so many bytes into a record, and has so many records under way.
pub const fn limits(record_max: usize, in_flight: usize) -> Limits {
    Limits { record_max, enough: record_max / 4, in_flight, resend_after: Duration::from_secs(1) }
}

/// Taking part in the journal. Dropping it ends the task and its connections, as a death of the process would.
#[derive(Debug)]
pub struct Journal {
    /// What the member gives.
    pub inputs: mpsc::UnboundedSender<Input>,
    /// What it is told. While it does not take that, nothing more is read of the journal.
    pub told: mpsc::Receiver<Told>,
    /// What the member shows of itself: anew at least every second, within 50 ms of a change of role or epoch, and at once when the
    /// owner says that its intake is paused, or not.
    pub status: watch::Receiver<Status>,
}

/// Starts to take part, on the current runtime. The store has come to `stored` (`None`: it is new and empty), and was last
/// in the journal at `last`; `past` knows its other places. Every event below `cursor` was published. `link` says whether
/// the broker delivers the commands to this process, and can leave them to another one.
///
/// Settings that cannot work are errors at once: [`rabbit::Error::Url`], [`rabbit::Error::CaFile`].
pub fn start(
    settings: Settings,
    stored: Option<Progress>,
    last: Option<Position>,
    past: Box<dyn Past + Send>,
    cursor: Arc<AtomicU64>,
    link: &Link,
) -> Result<Journal, rabbit::Error> {
    let stream = stream::Stream::start(&settings.broker, &settings.stream)?;
    let (inputs, given) = mpsc::unbounded_channel();
    let (tell, told) = mpsc::channel(TOLD);
    let (broker, control) = (link.status.clone(), link.control.clone());
    let ends = member::Ends { inputs: given, told: tell, cursor, broker, control };
    let (member, status) =
        member::Member::new(settings, SystemClock::default(), (stored, last, past), stream, ends);
    tokio::spawn(member.run());
    Ok(Journal { inputs, told, status })
}

/// What a member gives the task.
#[derive(Debug)]
pub enum Input {
    /// New units of the owner, which follow those before.
    Units(Vec<Arc<orderly_store::Unit>>),
    /// The units that the journal lost, as [`Told::Own`] asked for.
    Restore(Vec<Unit>),
    /// A person has paused the intake of this member, which owns, or no longer.
    Pause {
        /// Whether it is paused.
        paused: bool,
        /// Gets a message when this member has read back that it is so: whoever gets the commands from then on knows it. It is dropped
        /// when the member ends before, or is told otherwise.
        known: oneshot::Sender<()>,
    },
    /// Take over, because somebody asked for it.
    Claim,
    /// Leave in good order, when all units that were given are in the journal.
    Leave,
}

/// What the task tells.
#[derive(Debug)]
pub enum Told {
    /// The store takes over the incarnation of the journal. Only of a new and empty store.
    Adopt(Charter),
    /// The journal has accepted these units, which follow those before; the position is behind them. Without units only the
    /// position is new.
    Apply {
        /// The units.
        units: Vec<Unit>,
        /// The position behind them.
        position: Position,
    },
    /// All own units before this sequence are in the journal.
    Durable(u64),
    /// This member owns. It may come again, with another epoch, while it owns.
    Own {
        /// The epoch.
        epoch: Epoch,
        /// The sequence of the next new unit.
        next: u64,
        /// Every event below this was published.
        cursor: u64,
        /// The journal lost the units from the first sequence up to the second one: they are wanted as
        /// [`Input::Restore`].
        lost: Option<(u64, u64)>,
    },
    /// Another member owns. What is not durable must leave no trace.
    Fenced {
        /// Its epoch.
        by: Epoch,
        /// Its name.
        node: String,
    },
    /// The member has left in good order.
    Left,
    /// The member cannot go on, and has changed nothing.
    Refused(Refusal),
    /// The task cannot go on.
    Failed(String),
}
