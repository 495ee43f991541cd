//! A member: its disk, and its process while it has one. The process is the protocol, what it told and was not done yet, and
//! the store: one that follows, or one of an owner.

use super::owning::{KEEPS, Owning};
use super::world::Outside;
use crate::fault_injection::FaultyDisk;
use crate::process::{Down, Process};
use crate::queue::Delivery;
use bytes::Bytes;
use orderly_actors::clock::Clock as _;
use orderly_actors::simulation::SimulatedClock;
use orderly_journal::seek::{From, Past};
use orderly_journal::{Node, Now, Output, Refusal};
use orderly_member::following::{self, Following, Next};
use orderly_member::place::units_between;
use orderly_store::sim::SimDisk;
use orderly_store::{self as store, Disk, Follower, FollowerLimits, Seq, View};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Member {
    pub(crate) disk: Arc<SimDisk>,
    pub(crate) run: Option<Run>,
    /// When a process that ended starts again.
    pub(crate) starts_at: Duration,
    /// Whether it needs a copy of another store first.
    pub(crate) needs_copy: bool,
    /// The offset of the last place that no crash takes from its disk.
    pub(crate) safe: Option<u64>,
}

/// A running process.
pub(crate) struct Run {
    pub(crate) node: Node,
    pub(crate) past: Box<dyn Past + Send>,
    pub(crate) faulty: Arc<FaultyDisk>,
    pub(crate) stage: Stage,
    /// What the protocol told, and the store has not done yet.
    pub(crate) told: VecDeque<Output>,
    /// Where its reader is: the next message has this offset, or a later one.
    pub(crate) reads_from: u64,
    /// Appends that wait in its connection.
    pub(crate) outbox: VecDeque<(u64, Bytes)>,
    /// Until when it does nothing.
    pub(crate) frozen_until: Duration,
    /// Until when nothing reaches the broker, or comes from it.
    pub(crate) cut_off_until: Option<Duration>,
    /// Whether the broker told it that it gets the commands.
    pub(crate) active: bool,
    /// Whether it leaves the commands to others.
    pub(crate) passes_on: bool,
    /// The channel on which it consumes, and what came on it before it owned.
    pub(crate) generation: u64,
    pub(crate) delivered: Vec<Delivery>,
    pub(crate) clock: SimulatedClock,
    /// How fast its clock goes, in per mille.
    pub(crate) rate: u32,
}

/// What the store of a process does.
pub(crate) enum Stage {
    Following(Box<Following>),
    Owning(Box<Owning>),
    /// It has ended.
    Over,
}

/// Why a process ended.
#[derive(Debug)]
pub(crate) enum End {
    Fenced,
    Left,
    /// It needs a copy of another store.
    Passed,
    /// Its disk failed, or its core did.
    Down(Down),
}

impl std::convert::From<store::Error> for End {
    fn from(error: store::Error) -> Self {
        Self::Down(Down::Disk(error))
    }
}

impl std::convert::From<following::Error> for End {
    fn from(error: following::Error) -> Self {
        match error {
            following::Error::Store(error) => error.into(),
            following::Error::Refused(refusal) => panic!("a member refused: {refusal}"),
        }
    }
}

impl Member {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            disk: Arc::new(SimDisk::new(seed)),
            run: None,
            starts_at: Duration::ZERO,
            needs_copy: false,
            safe: None,
        }
    }

    /// Opens the store, to follow with it.
    pub(crate) fn open(
        &self,
        options: &store::Options,
    ) -> Result<(Following, Arc<FaultyDisk>), store::Error> {
        let faulty = Arc::new(FaultyDisk::new(Arc::clone(&self.disk)));
        let shared = Arc::clone(&faulty) as Arc<dyn Disk>;
        let opened = store::open(&shared, options)?;
        let limits = FollowerLimits {
            checkpoint_bytes: options.replay_bytes.min(64 << 10),
            history_retention: KEEPS,
        };
        Ok((Following::new(Follower::new(opened, limits)), faulty))
    }
}

impl Run {
    pub(crate) fn now(&self) -> Now {
        now(&self.clock)
    }

    pub(crate) fn is_frozen(&self, time: Duration) -> bool {
        time < self.frozen_until
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        self.cut_off_until.is_some()
    }

    /// Does at once what the protocol asks of the connections, and keeps the rest.
    pub(crate) fn act(&mut self) {
        while let Some(output) = self.node.output() {
            match output {
                Output::Attach(from) => {
                    self.reads_from = match from {
                        From::Offset(offset) => offset,
                        From::First => 0,
                    };
                }
                Output::Append { id, body } => {
                    if !self.is_cut_off() {
                        self.outbox.push_back((id, body));
                    }
                }
                Output::PassOn => self.passes_on = true,
                told => self.told.push_back(told),
            }
        }
    }

    /// Does some of what the protocol told. Returns the offset of the last place, if the store was synced there.
    pub(crate) fn listen(&mut self, outside: &mut Outside) -> Result<Option<u64>, End> {
        let mut synced = None;
        for _ in 0..outside.random.between(1, 6) {
            let Some(told) = self.told.pop_front() else { break };
            synced = self.take(told, outside)?.or(synced);
            self.act();
        }
        Ok(synced)
    }

    fn take(&mut self, told: Output, outside: &mut Outside) -> Result<Option<u64>, End> {
        let sync = outside.faults.sync;
        match told {
            Output::Fenced { .. } => return Err(End::Fenced),
            Output::Left => return Err(End::Left),
            Output::Refused(Refusal::Passed { .. }) => return Err(End::Passed),
            Output::Refused(refusal) => panic!("a member refused: {refusal}"),
            Output::Attach(_) | Output::Append { .. } | Output::PassOn => unreachable!("done"),
            told @ (Output::Adopt(_)
            | Output::Apply { .. }
            | Output::Durable { .. }
            | Output::Own { .. }) => match &mut self.stage {
                Stage::Following(following) => {
                    let next = match told {
                        Output::Adopt(charter) => {
                            following.adopt(&charter)?;
                            Next::Follow
                        }
                        Output::Apply { units, position } => {
                            following.apply(units, position)?;
                            Next::Follow
                        }
                        Output::Own { epoch, next, cursor, lost } => {
                            let number = epoch.number;
                            outside.trace.note(format_args!("owns {number} at {next}, {lost:?}"));
                            outside.take_overs += 1;
                            following.own(epoch.number, cursor, lost)?
                        }
                        Output::Durable { next } => following.durable(next),
                        _ => unreachable!("another kind"),
                    };
                    return self.go_on(next, outside);
                }
                Stage::Owning(owning) => match told {
                    Output::Apply { units, position } => {
                        let is_kept = sync && !units.is_empty();
                        owning.apply(units, position, sync).map_err(End::Down)?;
                        return Ok(is_kept.then_some(position.offset));
                    }
                    Output::Durable { next } => owning.durable(next, outside),
                    Output::Own { epoch, next, lost, .. } => {
                        let number = epoch.number;
                        outside.trace.note(format_args!("owns {number} anew at {next}, {lost:?}"));
                        if let Some((from, to)) = lost {
                            let history = &owning.process.history;
                            let units = units_between(history, Seq(from), Seq(to))?;
                            self.node.restore(units, self.now());
                        }
                    }
                    _ => panic!("an owner is asked to take another incarnation"),
                },
                Stage::Over => {}
            },
        }
        Ok(None)
    }

    /// Goes on after something was told to a store that follows.
    fn go_on(&mut self, next: Next, outside: &mut Outside) -> Result<Option<u64>, End> {
        match next {
            Next::Follow => return Ok(None),
            Next::Restore(units) => {
                let now = self.now();
                self.node.restore(units, now);
                return Ok(None);
            }
            Next::Own => {}
        }
        let Stage::Following(following) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return Ok(None);
        };
        let sync = outside.faults.sync;
        let place = synced_place(following.store());
        let Some(owning) = following.into_owning(sync)? else { return Ok(None) };
        let (faulty, settings) = (Arc::clone(&self.faulty), outside.plan.settings.clone());
        let (process, _) =
            Process::of(owning.into_opened(), faulty, settings, false, self.clock.clone());
        let mut owning = Owning::new(process, self.clock.clone());
        owning.open(self.generation, std::mem::take(&mut self.delivered));
        self.stage = Stage::Owning(Box::new(owning));
        Ok(place.filter(|_| sync))
    }

    /// The broker delivers commands.
    pub(crate) fn deliver(&mut self, delivered: Vec<Delivery>) {
        match &mut self.stage {
            Stage::Owning(owning) => owning.deliver(delivered),
            Stage::Following(_) | Stage::Over => self.delivered.extend(delivered),
        }
    }

    /// The broker gives it the commands, on a new channel.
    pub(crate) fn consume(&mut self, generation: u64) {
        self.generation = generation;
        self.delivered.clear();
        if let Stage::Owning(owning) = &mut self.stage {
            owning.open(generation, None);
        }
    }

    /// Looks at its store, if all units in it are in the journal.
    pub(crate) fn look(&self, look: impl FnOnce(&View)) {
        match &self.stage {
            Stage::Following(following) => look(following.store().view()),
            Stage::Owning(owning) if owning.process.sealed.is_empty() => {
                look(&owning.process.sequencer.view().borrow());
            }
            Stage::Owning(_) | Stage::Over => {}
        }
    }
}

/// The offset of the place behind the last units of a store, which is on its disk when these are.
pub(crate) fn synced_place(follower: &Follower) -> Option<u64> {
    let place = follower.history().position_at(follower.next_seq());
    place.expect("the store is readable").map(|place| place.offset)
}

/// The time, by a member's clock.
pub(crate) fn now(clock: &SimulatedClock) -> Now {
    Now { monotonic: clock.monotonic(), wall: clock.now().micros() }
}
