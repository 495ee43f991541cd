//! A member of the cluster, without its inputs and outputs: the caller carries records to and from the broker, and units
//! to and from the store.
//!
//! | module | has |
//! |---|---|
//! | `reading` | finding the place, reading records, applying what is accepted |
//! | `leading` | claims, owning, leaving |
//! | `status` | what the member shows of itself |
//!
//! Every input takes the time, and may leave outputs, which [`Node::output`] gives one by one, in order. The caller
//! must also call [`Node::elapse`] at least every 100 ms.
//!
//! After [`Output::Fenced`], [`Output::Left`] or [`Output::Refused`] the member has ended: it takes no input any more, and
//! the process ends. There is no way back but a new start.

mod leading;
mod reading;
mod status;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use orderly_planted::{Bug, is_planted};

use crate::applied::Applied;
use crate::claim::{Claim, Patience, Trigger};
use crate::follower::{Follower, Intake};
use crate::gaps::Gaps;
use crate::id::{Charter, Epoch, Name, Nonce, Position, Progress};
use crate::members::Members;
use crate::owner::{Limits, Owner};
use crate::reader::{Reader, Refusal};
use crate::record::{Probe, Record, Unit};
use crate::seek::{From, Seek};

pub use self::status::{Role, Status};

/// The time, by the member's own clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// A clock that never goes back, from any origin. Everything is decided by it.
    pub monotonic: Duration,
    /// The wall clock, in microseconds since the epoch. For display only.
    pub wall: i64,
}

/// The settings of a member.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What it is called, and where it answers.
    pub node: Name,
    /// Names this run of its process.
    pub nonce: Nonce,
    /// The journal that it takes part in. A new and empty store takes the incarnation of the journal that it finds.
    pub charter: Charter,
    /// After this silence of the owner a standby claims, and an owner that does not read its own records doubts.
    pub takeover_after: Duration,
    /// The owner appends something at least this often.
    pub tick_every: Duration,
    /// A standby says this often how far it has come.
    pub announce_every: Duration,
    /// While the owner has nothing to append, the last place in the journal is renewed by its ticks, at most this often.
    pub renew_every: Duration,
    /// If nothing comes for so long where it attached, a reader looks from the first record on.
    pub found_within: Duration,
    /// How long a claim waits for what.
    pub patience: Patience,
    /// The owner's limits.
    pub limits: Limits,
}

/// What a member does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Attach the reader there, and detach the one before.
    Attach(From),
    /// Append the record. It may be lost: what must arrive is appended again.
    Append {
        /// Counts the appends of this run.
        id: u64,
        /// The record.
        body: Bytes,
    },
    /// The store takes over the incarnation of the journal. Only of a new and empty store.
    Adopt(Charter),
    /// The store takes these units, which follow those that it has, and then its position is this. Without units only
    /// the position is new.
    Apply {
        /// The units.
        units: Vec<Unit>,
        /// The position behind them.
        position: Position,
    },
    /// All own units before this sequence are in the journal. Acks, replies and events may go out once the store has
    /// them.
    Durable {
        /// The sequence.
        next: u64,
    },
    /// This member owns. All units before are applied. If acks promise a disk, then the store is synced before anything
    /// that it has counts as durable.
    Own {
        /// The epoch.
        epoch: Epoch,
        /// The sequence of the next new unit.
        next: u64,
        /// Every event below this was published.
        cursor: u64,
        /// The journal lost the units from the first sequence up to the second one: give them with [`Node::restore`].
        /// They are durable again when [`Output::Durable`] says so; until then nothing of theirs goes out.
        lost: Option<(u64, u64)>,
    },
    /// The owner lives and does not get the commands: let the broker give them to another member, and say with
    /// [`Node::set_active`] when they come here again.
    PassOn,
    /// Another member owns. What was not durable must leave no trace. The end.
    Fenced {
        /// Its epoch.
        by: Epoch,
        /// Its name.
        node: String,
    },
    /// The owner has left in good order. The end.
    Left,
    /// The member cannot go on, and has changed nothing. The end.
    Refused(Refusal),
}

/// A member leaves the commands to others at most once in this time. It is longer than all members need to do so, and shorter than
/// anybody wants to wait for a member that can consume.
const PASS_ON_EVERY: Duration = Duration::from_secs(10);

/// When the owner has left in good order, a member that defers waits so long for another one to own. Long enough for that one to
/// read this and to claim, and no longer, since nothing is processed meanwhile.
const DEFER_FOR: Duration = Duration::from_secs(1);

/// How this member lets another one own first when the owner leaves in good order.
#[derive(Debug, Default)]
struct Deferral {
    is_wanted: bool,
    /// When it was read that the owner has left, while this was wanted, and nobody has opened an epoch since.
    left: Option<Duration>,
}

/// Whether the owner leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    /// It was asked to, and waits until everything is durable.
    Asked,
    /// It has appended that it leaves, last at this time.
    Said(Duration),
}

/// A member. See the module.
#[derive(Debug)]
pub struct Node {
    settings: Settings,
    applied: Applied,
    /// The last known place in the journal, and when it became known.
    last: Option<Position>,
    renewed: Duration,
    seek: Option<Seek>,
    reader: Option<Reader>,
    /// The offsets that the reader was delivered. `None`: it has not found its place.
    gaps: Option<Gaps>,
    /// When the reader attached again at a gap.
    looked: Duration,
    /// The highest epoch whose opening record was looked for, on this connection.
    sought: u64,
    follower: Follower,
    members: Members,
    serial: u64,
    /// The probe that must come back, and when it was appended last.
    awaited: Option<(u64, Duration)>,
    announced: Duration,
    /// The intake of this member. Only an owner's can be paused.
    intake: Intake,
    /// Whether a tick must say that this has changed.
    tells_intake: bool,
    /// When this member left the commands to others last.
    passed_on: Option<Duration>,
    deferral: Deferral,
    claim: Option<Claim>,
    owner: Option<Owner>,
    /// Since when the store is ahead of the journal, and where the journal ended.
    ahead: Option<(u64, Duration)>,
    /// The cursor of this member's own publishing.
    cursor: u64,
    /// When the owner appended last.
    appended: Duration,
    leaving: Leaving,
    appends: u64,
    ended: bool,
    out: VecDeque<Output>,
}

impl Node {
    /// A member whose store has come to `stored` (`None`: it is new and empty), and was last in the journal at `last`
    /// (`None`: it was in no journal). It begins to look for its place.
    pub fn start(
        settings: Settings,
        stored: Option<Progress>,
        last: Option<Position>,
        now: Now,
    ) -> Self {
        let mut node = Self {
            settings,
            applied: stored.map_or_else(Applied::nothing, Applied::through),
            last,
            renewed: now.monotonic,
            seek: None,
            reader: None,
            gaps: None,
            looked: now.monotonic,
            sought: 0,
            follower: Follower::default(),
            members: Members::default(),
            serial: 0,
            awaited: None,
            announced: now.monotonic,
            intake: Intake::default(),
            tells_intake: false,
            passed_on: None,
            deferral: Deferral::default(),
            claim: None,
            owner: None,
            ahead: None,
            cursor: 0,
            appended: now.monotonic,
            leaving: Leaving::No,
            appends: 0,
            ended: false,
            out: VecDeque::new(),
        };
        node.attach(Seek::new(last, now.monotonic), now);
        node
    }

    /// The next output.
    pub fn output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// The reader's connection was lost: it attaches again at the last place.
    pub fn reader_lost(&mut self, now: Now) {
        if !self.ended {
            self.sought = 0;
            self.attach(Seek::new(self.last, now.monotonic), now);
        }
    }

    /// The connection of the appends was lost: those under way may arrive or not.
    pub fn writer_lost(&mut self, now: Now) {
        if self.ended {
            return;
        }
        if let Some(owner) = &mut self.owner {
            owner.append_again(now.monotonic);
        }
        self.lead(now);
    }

    /// The broker delivers the commands to this member, or no longer.
    pub fn set_active(&mut self, active: bool, now: Now) {
        self.set_intake(Intake { active, ..self.intake }, now);
    }

    /// A person has paused the intake of this member, which owns, or no longer: the others leave the commands alone. They know of
    /// it when this member has read back that it is so ([`Node::owner_is_paused`]).
    pub fn set_paused(&mut self, paused: bool, now: Now) {
        self.set_intake(Intake { paused, ..self.intake }, now);
    }

    fn set_intake(&mut self, intake: Intake, now: Now) {
        self.tells_intake |= self.intake != intake;
        self.intake = intake;
        self.elapse(now);
    }

    /// Whether another member is to own when the owner leaves in good order: this one lets it go first for a moment, and leaves
    /// the commands to it.
    pub const fn set_deferring(&mut self, defers: bool) {
        self.deferral.is_wanted = defers;
    }

    /// Claims, because somebody asked for it.
    pub fn claim(&mut self, now: Now) {
        if self.may_claim() && !self.owns() {
            self.begin_claim(Trigger::Asked, now);
        }
    }

    /// The broker has confirmed the append with this id. That says nothing about durability.
    pub fn confirmed(&mut self, id: u64) {
        let _ = id;
        if is_planted(Bug::DurableAtConfirm)
            && let Some(owner) = &self.owner
        {
            self.out.push_back(Output::Durable { next: owner.given() });
        }
    }

    /// Takes new units of the owner, which follow those before.
    pub fn give(&mut self, units: Vec<Unit>, now: Now) {
        if self.ended {
            return;
        }
        if let Some(owner) = &mut self.owner {
            owner.give(units);
        }
        self.lead(now);
    }

    /// Gives the units that the journal lost, as [`Output::Own`] asked for.
    pub fn restore(&mut self, units: Vec<Unit>, now: Now) {
        if let Some(owner) = &mut self.owner {
            owner.restore(units);
        }
        self.lead(now);
    }

    /// Every event below `cursor` was published.
    pub fn published(&mut self, cursor: u64) {
        self.cursor = self.cursor.max(cursor);
    }

    /// Leaves in good order: a standby at once, an owner when all units that were given are durable. [`Output::Left`]
    /// says when it is done.
    pub fn leave(&mut self, now: Now) {
        if self.ended {
            return;
        }
        if self.owner.is_none() {
            return self.end(Output::Left);
        }
        if self.leaving == Leaving::No {
            self.leaving = Leaving::Asked;
        }
        self.lead(now);
    }

    /// The time has come to `now.monotonic`.
    pub fn elapse(&mut self, now: Now) {
        if self.ended {
            return;
        }
        self.wait_for_place(now);
        self.wait_for_probe(now);
        self.announce(now);
        self.watch(now);
        self.lead(now);
    }

    fn append(&mut self, record: &Record) -> u64 {
        self.append_body(record.encode())
    }

    fn append_body(&mut self, body: Bytes) -> u64 {
        self.appends += 1;
        self.out.push_back(Output::Append { id: self.appends, body });
        self.appends
    }

    /// Appends a probe that must come back, and returns its serial.
    fn probe(&mut self, now: Now) -> u64 {
        self.serial += 1;
        self.awaited = Some((self.serial, now.monotonic));
        self.append_probe(now);
        self.serial
    }

    fn append_probe(&mut self, now: Now) {
        let stored = self.follower.is_at_end().then(|| self.applied.progress()).flatten();
        self.announced = now.monotonic;
        self.append(&Record::Probe(Probe {
            nonce: self.settings.nonce,
            node: self.settings.node.clone(),
            serial: self.serial,
            stored,
        }));
    }

    fn end(&mut self, output: Output) {
        self.ended = true;
        self.claim = None;
        self.owner = None;
        self.out.push_back(output);
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.end(Output::Refused(refusal));
    }
}

#[cfg(test)]
mod tests;
