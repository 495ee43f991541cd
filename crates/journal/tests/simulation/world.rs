//! A run: members, and the broker between them.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use orderly_journal::Node;

use super::disk::Disk;
use super::member::{End, Outside, Process};
use super::oracle::{Accepted, Promises};
use super::plan::Plan;
use super::stream::{Commands, Stream};

/// The steps that a failure shows.
const SHOWN: usize = 80;
/// Within this time after the last fault there is an owner, and everything is done.
pub(super) const WITHIN: Duration = Duration::from_secs(60);

pub(super) struct Member {
    pub(super) disk: Disk,
    pub(super) process: Option<Process>,
    /// When a process that ended starts again.
    pub(super) starts_at: Duration,
    /// Whether it needs a copy of another store first.
    needs_copy: bool,
}

pub(crate) struct World {
    pub(super) random: Rng,
    pub(super) plan: Plan,
    pub(super) time: Duration,
    pub(super) stream: Stream,
    pub(super) commands: Commands,
    pub(super) accepted: Accepted,
    pub(super) promises: Promises,
    pub(super) members: Vec<Member>,
    pub(super) nonces: u64,
    pub(super) copies: u64,
    pub(super) lost_ends: u64,
    pub(super) trace: VecDeque<String>,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) records: usize,
    pub(crate) units: usize,
    pub(crate) take_overs: u64,
    pub(crate) copies: u64,
    pub(crate) lost_ends: u64,
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let plan = Plan::new(&mut random);
        let member = |member| Member {
            disk: Disk::new(member),
            process: None,
            starts_at: Duration::ZERO,
            needs_copy: false,
        };
        Self {
            members: (0..plan.members).map(member).collect(),
            plan,
            random,
            time: Duration::ZERO,
            stream: Stream::default(),
            commands: Commands::default(),
            accepted: Accepted::default(),
            promises: Promises::default(),
            nonces: 0,
            copies: 0,
            lost_ends: 0,
            trace: VecDeque::new(),
        }
    }

    pub(super) fn note(&mut self, line: impl fmt::Display) {
        if self.trace.len() == SHOWN {
            self.trace.pop_front();
        }
        self.trace.push_back(format!("{:>9.3} {line}", self.time.as_secs_f64()));
    }

    pub(super) fn one_in(&mut self, cases: u64) -> bool {
        cases > 0 && self.random.u64(..cases) == 0
    }

    /// Runs the whole plan.
    pub(crate) fn run(&mut self) -> Summary {
        for _ in 0..self.plan.steps {
            self.step();
        }
        self.come_to_rest();
        Summary {
            records: self.stream.entries.len(),
            units: self.accepted.units.len(),
            take_overs: self.promises.take_overs,
            copies: self.copies,
            lost_ends: self.lost_ends,
        }
    }

    pub(super) fn step(&mut self) {
        self.time += Duration::from_millis(self.random.u64(1..=40));
        if self.commands.made() < 400 && self.random.u8(..) < 60 {
            self.commands.make();
        }
        self.go_wrong();
        self.choose_consumer();
        for member in 0..self.members.len() {
            self.turn(member);
        }
        self.arrive();
    }

    /// A member's turn: it may start, read, work, and append.
    pub(super) fn turn(&mut self, member: usize) {
        if self.members[member].process.is_none() {
            if self.time >= self.members[member].starts_at {
                self.start(member);
            }
            return;
        }
        self.with(member, |process, now, _| process.node.elapse(now));
        self.reconnect(member);
        self.read(member);
        self.work(member);
    }

    /// Does something with a process that is not frozen, then what the process asks for.
    pub(super) fn with(
        &mut self,
        member: usize,
        act: impl FnOnce(&mut Process, orderly_journal::Now, &Disk),
    ) {
        let time = self.time;
        let Member { disk, process, .. } = &mut self.members[member];
        let Some(process) = process.as_mut().filter(|process| !process.is_frozen(time)) else {
            return;
        };
        act(process, process.now(time), disk);
        let mut outside = Outside {
            disk,
            promises: &mut self.promises,
            accepted: &self.accepted,
            sync: self.plan.sync,
            time,
            acked: Vec::new(),
            notes: Vec::new(),
        };
        let end = process.act(&mut outside);
        let (acked, notes) = (outside.acked, outside.notes);
        for command in acked {
            self.commands.ack(command);
        }
        for line in notes {
            self.note(format_args!("m{member} {line}"));
        }
        if let Some(end) = end {
            self.note(format_args!("m{member} ended: {end:?}"));
            self.members[member].needs_copy |= end == End::Passed;
            self.stop(member);
        }
    }

    pub(super) fn start(&mut self, member: usize) {
        if self.members[member].needs_copy && !self.copy(member) {
            return;
        }
        self.nonces += 1;
        let disk = &self.members[member].disk;
        let settings = self.plan.settings(member, self.nonces, disk.charter);
        let clock = (Duration::from_secs(self.random.u64(..1_000)), self.random.u32(950..=1_050));
        let monotonic = clock.0 + self.time * clock.1 / 1_000;
        let wall = i64::try_from(monotonic.as_micros()).expect("a short run");
        let now = orderly_journal::Now { monotonic, wall };
        let node = Node::start(settings, disk.progress(), disk.last(), now);
        let (next, nonce) = (disk.next(), self.nonces);
        self.note(format_args!("m{member} starts at {next}, run {nonce}"));
        self.members[member].process = Some(Process {
            node,
            core: None,
            reads_from: 0,
            outbox: VecDeque::new(),
            frozen_until: Duration::ZERO,
            cut_off_until: None,
            active: false,
            passes_on: false,
            clock,
        });
        self.with(member, |_, _, _| ());
    }

    /// Copies the store of a running member that has at least as much.
    pub(super) fn copy(&mut self, member: usize) -> bool {
        let own = self.members[member].disk.next();
        let others = self.members.iter().enumerate();
        let source = others
            .filter(|(other, from)| *other != member && from.process.is_some())
            .max_by_key(|(_, from)| from.disk.next())
            .filter(|(_, from)| from.disk.next() >= own)
            .map(|(_, from)| from.disk.clone());
        let Some(mut disk) = source else { return false };
        disk.sync();
        self.members[member].disk = disk;
        self.members[member].needs_copy = false;
        self.copies += 1;
        self.note(format_args!("m{member} copied a store"));
        true
    }

    /// The process ends; what it had under way may still arrive.
    pub(super) fn stop(&mut self, member: usize) {
        self.lose_writer(member);
        self.members[member].process = None;
        self.members[member].starts_at =
            self.time + Duration::from_millis(self.random.u64(..3_000));
        if self.commands.active == Some(member) {
            self.commands.lose_consumer();
        }
    }

    /// What waits in the connection of the appends arrives late, or never.
    pub(super) fn lose_writer(&mut self, member: usize) {
        let Some(process) = &mut self.members[member].process else { return };
        for (_, body) in std::mem::take(&mut process.outbox) {
            if self.random.bool() {
                self.stream.late.push(body);
            }
        }
    }

    pub(super) fn reconnect(&mut self, member: usize) {
        let time = self.time;
        let Some(process) = &mut self.members[member].process else { return };
        let over = process.cut_off_until.is_some_and(|until| time >= until);
        if over && !process.is_frozen(time) {
            process.cut_off_until = None;
            self.with(member, |process, now, _| {
                process.node.reader_lost(now);
                process.node.writer_lost(now);
            });
        }
    }

    pub(super) fn read(&mut self, member: usize) {
        let count = self.random.usize(..=self.plan.most_delivered);
        for _ in 0..count {
            let Some(process) = &self.members[member].process else { return };
            if process.is_cut_off() {
                return;
            }
            let Some(entry) = self.stream.from(process.reads_from) else { return };
            let (offset, body) = (entry.offset, entry.body.clone());
            self.with(member, |process, now, disk| {
                process.reads_from = offset + 1;
                process.node.delivered(offset, &body, disk, now);
            });
            if self.members[member].process.as_ref().is_some_and(|it| it.is_frozen(self.time)) {
                return;
            }
        }
    }

    /// An owner takes commands and publishes; any store syncs now and then.
    pub(super) fn work(&mut self, member: usize) {
        if self.random.u8(..) < 30 {
            self.members[member].disk.sync();
        }
        let is_consumer = self.commands.active == Some(member);
        let mut units = Vec::new();
        let time = self.time;
        let Member { process, disk, .. } = &mut self.members[member];
        let Some(process) = process.as_mut().filter(|process| !process.is_frozen(time)) else {
            return;
        };
        let is_cut_off = process.is_cut_off();
        let Some(core) = &mut process.core else { return };
        if is_consumer && !is_cut_off {
            for _ in 0..self.random.usize(..4) {
                let Some(command) = self.commands.deliver() else { break };
                let span = self.random.u32(1..=3);
                units.extend(core.take(command, span, self.random.usize(..200)));
            }
            for command in core.acks(&mut self.promises, &self.accepted) {
                self.commands.ack(command);
            }
        }
        if !is_cut_off && self.random.bool() {
            core.relay(disk, &mut self.promises, &self.accepted);
        }
        let cursor = core.cursor;
        self.with(member, |process, now, _| {
            process.node.published(cursor);
            if !units.is_empty() {
                process.node.give(units, now);
            }
        });
    }

    /// The broker delivers to one consumer, and to another one when that is gone.
    pub(super) fn choose_consumer(&mut self) {
        let time = self.time;
        if let Some(active) = self.commands.active {
            let is_there = self.members[active].process.as_ref().is_some_and(|process| {
                // heartbeats are missed
                let is_dead = process.is_frozen(time.saturating_sub(Duration::from_secs(4)));
                !is_dead && !process.is_cut_off() && !process.passes_on
            });
            if !is_there {
                self.commands.lose_consumer();
            }
        }
        if self.commands.active.is_none() {
            let first = self.random.usize(..self.members.len());
            let order = (0..self.members.len()).map(|at| (at + first) % self.members.len());
            self.commands.active = order.into_iter().find(|&member| {
                let process = self.members[member].process.as_ref();
                process.is_some_and(|process| !process.is_frozen(time) && !process.is_cut_off())
            });
        }
        for member in 0..self.members.len() {
            let active = self.commands.active == Some(member);
            self.with(member, |process, now, _| {
                if process.active != active || process.passes_on {
                    process.passes_on = false;
                    process.active = active;
                    process.node.set_active(active, now);
                }
            });
        }
    }

    /// Appends reach the stream, in the order of their connection, between those of others.
    pub(super) fn arrive(&mut self) {
        for _ in 0..self.random.usize(..8) {
            let member = self.random.usize(..self.members.len());
            let Some(process) = &mut self.members[member].process else { continue };
            let Some((id, body)) = process.outbox.pop_front() else { continue };
            if self.one_in(self.plan.hole) {
                continue;
            }
            self.stream.append(body.clone(), &mut self.random);
            if self.one_in(self.plan.twice) {
                if self.random.bool() {
                    self.stream.append(body, &mut self.random);
                } else {
                    self.stream.late.push(body);
                }
            }
            self.accepted.read(&self.stream);
            if self.random.bool() {
                self.with(member, |process, _, _| process.node.confirmed(id));
            }
        }
        if !self.stream.late.is_empty() && self.random.u8(..) < 20 {
            let at = self.random.usize(..self.stream.late.len());
            let body = self.stream.late.swap_remove(at);
            if self.random.u8(..) < 200 {
                self.stream.append(body, &mut self.random);
            }
        }
        self.accepted.read(&self.stream);
    }
}
