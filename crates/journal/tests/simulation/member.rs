//! A member: its process (the protocol, and a core that owns or not), and its disk.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use orderly_journal::{Chain, Node, Now, Output, Unit};

use super::disk::Disk;
use super::oracle::{Accepted, Promises, command_of, unit};

/// The core of an owner: what it has sealed, what is durable, what it has published.
#[derive(Debug)]
pub(crate) struct Core {
    /// The state behind everything that is sealed.
    state: Chain,
    next: u64,
    /// Commands that were done, by their sequence.
    done: BTreeMap<u64, u64>,
    /// Units that are sealed and not durable.
    sealed: VecDeque<(u64, Unit)>,
    durable: u64,
    /// Commands in hand that wait until their unit is durable.
    to_ack: Vec<(u64, u64)>,
    /// Every event below this was confirmed.
    pub(crate) cursor: u64,
    /// Every event below this was published.
    published: u64,
}

impl Core {
    /// A core that begins with the units before `next`. Those from `durable` on must reach the journal again.
    fn new(disk: &Disk, next: u64, durable: u64, cursor: u64) -> Self {
        let end = disk.progress().expect("an owner has read its opening record");
        assert_eq!(end.next, next, "the owner goes on where its store ends");
        let done = disk.units.iter().map(|(&seq, unit)| (command_of(unit), seq)).collect();
        Self {
            state: end.chain,
            next,
            done,
            sealed: VecDeque::new(),
            durable,
            to_ack: Vec::new(),
            cursor,
            published: cursor,
        }
    }

    /// Takes a command. Returns the unit that it makes; none if it was done before.
    pub(crate) fn take(&mut self, command: u64, span: u32, padding: usize) -> Option<Unit> {
        if let Some(&seq) = self.done.get(&command) {
            self.to_ack.push((command, seq));
            return None;
        }
        let unit = unit(command, self.state, span, padding);
        self.done.insert(command, self.next);
        self.to_ack.push((command, self.next));
        self.sealed.push_back((self.next, unit.clone()));
        self.state = self.state.then(&unit);
        self.next += u64::from(span);
        Some(unit)
    }

    fn durable(&mut self, next: u64, promises: &mut Promises, accepted: &Accepted) -> Vec<u64> {
        self.durable = self.durable.max(next);
        while let Some((seq, unit)) = self.sealed.front().filter(|(seq, _)| *seq < next) {
            promises.durable(*seq, unit, accepted);
            self.sealed.pop_front();
        }
        self.acks(promises, accepted)
    }

    /// The commands whose units are durable.
    pub(crate) fn acks(&mut self, promises: &mut Promises, accepted: &Accepted) -> Vec<u64> {
        let (ready, waiting) =
            self.to_ack.drain(..).partition::<Vec<_>, _>(|(_, seq)| *seq < self.durable);
        self.to_ack = waiting;
        for (command, seq) in &ready {
            promises.acked(*command, *seq, accepted);
        }
        ready.into_iter().map(|(command, _)| command).collect()
    }

    /// Publishes the events of some units, and hears of what was published before.
    pub(crate) fn relay(&mut self, disk: &Disk, promises: &mut Promises, accepted: &Accepted) {
        self.cursor = self.published;
        // what the journal lost was published before, and is not durable now
        let first = self.published.min(self.durable);
        for (&seq, unit) in disk.units.range(first..self.durable).take(5) {
            promises.published(seq, accepted);
            self.published = self.published.max(seq + u64::from(unit.span));
        }
    }
}

/// A running process.
pub(crate) struct Process {
    pub(crate) node: Node,
    pub(crate) core: Option<Core>,
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
    /// What its clock shows at time 0, and how fast it goes, in per mille.
    pub(crate) clock: (Duration, u32),
}

/// Why a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Fenced,
    Left,
    /// It needs a copy of another store.
    Passed,
}

impl Process {
    pub(crate) fn now(&self, time: Duration) -> Now {
        let (origin, rate) = self.clock;
        let monotonic = origin + time * rate / 1_000;
        Now { monotonic, wall: i64::try_from(monotonic.as_micros()).expect("a short run") }
    }

    pub(crate) fn is_frozen(&self, time: Duration) -> bool {
        time < self.frozen_until
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        self.cut_off_until.is_some()
    }
}

/// What outputs of a process act on.
pub(crate) struct Outside<'a> {
    pub(crate) disk: &'a mut Disk,
    pub(crate) promises: &'a mut Promises,
    pub(crate) accepted: &'a Accepted,
    pub(crate) sync: bool,
    pub(crate) time: Duration,
    pub(crate) acked: Vec<u64>,
    pub(crate) notes: Vec<String>,
}

impl Process {
    /// Does what the protocol asks for, until there is nothing more.
    pub(crate) fn act(&mut self, outside: &mut Outside<'_>) -> Option<End> {
        while let Some(output) = self.node.output() {
            match output {
                Output::Attach(from) => {
                    self.reads_from = match from {
                        orderly_journal::seek::From::Offset(offset) => offset,
                        orderly_journal::seek::From::First => 0,
                    };
                }
                Output::Append { id, body } => {
                    if !self.is_cut_off() {
                        self.outbox.push_back((id, body));
                    }
                }
                Output::PassOn => self.passes_on = true,
                Output::Adopt(charter) => outside.disk.adopt(charter),
                Output::Apply { units, position } => {
                    outside.disk.apply(units, position, outside.accepted);
                    if outside.sync && self.core.is_some() {
                        outside.disk.sync();
                    }
                }
                Output::Durable { next } => {
                    if let Some(core) = &mut self.core {
                        outside.acked.extend(core.durable(
                            next,
                            outside.promises,
                            outside.accepted,
                        ));
                    }
                }
                Output::Own { epoch, next, cursor, lost } => {
                    outside.notes.push(format!("owns {} at {next}, lost {lost:?}", epoch.number));
                    outside.promises.owns(epoch);
                    if outside.sync {
                        outside.disk.sync();
                    }
                    let durable = lost.map_or(next, |(first, _)| first);
                    let new = || Core::new(outside.disk, next, durable, cursor);
                    let core = self.core.get_or_insert_with(new);
                    assert_eq!(core.next, next, "the owner goes on behind what it has sealed");
                    if let Some((first, end)) = lost {
                        let units = outside.disk.units.range(first..end);
                        let units = units.map(|(_, unit)| unit.clone()).collect();
                        let now = self.now(outside.time);
                        self.node.restore(units, now);
                    }
                }
                Output::Fenced { .. } => return Some(End::Fenced),
                Output::Left => return Some(End::Left),
                Output::Refused(orderly_journal::Refusal::Passed { .. }) => {
                    return Some(End::Passed);
                }
                Output::Refused(refusal) => panic!("a member refused: {refusal}"),
            }
        }
        None
    }
}
