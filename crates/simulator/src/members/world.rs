//! A run: members, and the broker between them.

use super::member::{End, Member, Stage, now, synced_place};
use super::plan::Faults;
use super::stream::Stream;
use super::truth::Truth;
use crate::case::{Case, Fault, Purpose};
use crate::message::Message;
use crate::plan::Plan;
use crate::process::Down;
use crate::queue::Queue;
use crate::shop::Shop;
use crate::summary::Summary;
use crate::trace::Trace;
use orderly_demo::Random;
use orderly_domain::time::Timestamp;
use orderly_journal::node::Role;
use orderly_store as store;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The time at the beginning of every run.
pub(super) const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
/// A run has at least so many steps in which something may go wrong, and at most so many more for its input.
const STEPS: (u64, u64) = (1_200, 5_000);
/// Turns of the runtime in which dropped tasks of a process end.
const TURNS: usize = 8;
/// How long a standby may be behind.
pub(super) const MAX_LAG: Duration = Duration::from_secs(10);

/// What is outside of the members.
pub(crate) struct Outside {
    /// The random numbers of the step in hand.
    pub(crate) random: Random,
    pub(crate) plan: Plan,
    pub(crate) faults: Faults,
    pub(crate) trace: Trace,
    pub(crate) time: Duration,
    pub(crate) queue: Queue,
    pub(crate) truth: Truth,
    pub(crate) take_overs: u64,
    pub(crate) checkpoints: u64,
}

pub(crate) struct World {
    case: Case,
    steps: u64,
    pub(crate) outside: Outside,
    pub(crate) stream: Stream,
    pub(crate) members: Vec<Member>,
    /// The member that gets the commands.
    pub(crate) consumer: Option<usize>,
    shop: Shop,
    /// Messages that producers have made and not yet published.
    pub(crate) unsent: VecDeque<Message>,
    made: u32,
    published: u64,
    pub(super) nonces: u64,
    pub(crate) crashes: u64,
    pub(super) copies: u64,
    pub(crate) lost_ends: u64,
    panics: u64,
}

impl World {
    pub(crate) fn new(case: Case, trace: Trace) -> Self {
        let mut random = case.random(Purpose::Plan, 0);
        let mut plan = Plan::new(&mut random, &case);
        plan.has_earlier_forms = false;
        let members = (0..case.members).map(|_| Member::new(random.number())).collect();
        let outside = Outside {
            faults: Faults::new(&case),
            queue: Queue::new(plan.prefetch),
            truth: Truth::new(plan.of_model()),
            random,
            trace,
            time: Duration::ZERO,
            take_overs: 0,
            checkpoints: 0,
            plan,
        };
        Self {
            shop: Shop::new(case.clone(), outside.plan.has_large_bodies),
            case,
            steps: 0,
            outside,
            stream: Stream::default(),
            members,
            consumer: None,
            unsent: VecDeque::new(),
            made: 0,
            published: 0,
            nonces: 0,
            crashes: 0,
            copies: 0,
            lost_ends: 0,
            panics: 0,
        }
    }

    /// Whether producers have published all their messages, and something could go wrong for long enough.
    pub(crate) fn is_out_of_input(&self) -> bool {
        let done = self.made == self.outside.plan.messages
            && self.unsent.is_empty()
            && self.outside.queue.is_empty();
        self.steps >= STEPS.0 && (done || self.steps >= STEPS.1)
    }

    /// A step: something may go wrong, every member has its turn, and appends arrive.
    pub(crate) async fn step(&mut self) {
        self.steps += 1;
        self.outside.random = self.case.random(Purpose::Step, self.steps);
        let passed = Duration::from_millis(self.outside.random.between(1, 40));
        self.pass(passed);
        self.produce();
        self.go_wrong().await;
        self.choose_consumer();
        for member in 0..self.members.len() {
            self.turn(member).await;
        }
        self.arrive();
        let member = self.outside.random.index(self.members.len());
        if let Some(run) = &self.members[member].run {
            let Outside { truth, random, .. } = &mut self.outside;
            run.look(|view| truth.compare(member, view, random));
        }
    }

    pub(crate) fn pass(&mut self, span: Duration) {
        self.outside.time += span;
        for run in self.members.iter().filter_map(|member| member.run.as_ref()) {
            run.clock.advance(span * run.rate / 1_000);
        }
        self.outside.queue.give_back(self.outside.time);
    }

    /// Producers make and publish messages.
    fn produce(&mut self) {
        let Outside { random, plan, truth, queue, trace, time, .. } = &mut self.outside;
        let is_calm = queue.counts().0 + self.unsent.len() < 20;
        let all_in = (STEPS.0 / u64::from(plan.messages.max(1))).max(1);
        if self.made < plan.messages && is_calm && random.one_in(all_in) {
            self.made += 1;
            trace.made_command();
            let messages = self.shop.next(&truth.expected.model, START.plus(*time));
            if self.case.publishes(self.made) {
                self.unsent.extend(messages);
            }
        }
        if random.one_in(2) {
            let at = random.index(self.unsent.len().clamp(1, 4));
            let at = if self.case.has(Fault::Order) { at } else { 0 };
            if let Some(message) = self.unsent.remove(at) {
                self.published += 1;
                queue.publish(message);
            }
        }
    }

    /// A member's turn: it may start, read, work, and append.
    async fn turn(&mut self, member: usize) {
        let time = self.outside.time;
        let Some(run) = &mut self.members[member].run else {
            if time >= self.members[member].starts_at {
                self.start(member).await;
            }
            return;
        };
        if run.is_frozen(time) {
            return;
        }
        if let Stage::Owning(owning) = &mut run.stage {
            run.node.published(owning.cursor().0);
        }
        run.node.elapse(run.now());
        run.act();
        self.reconnect(member);
        self.read(member);
        if let Err(end) = self.work(member).await {
            self.ended(member, &end).await;
        }
    }

    fn reconnect(&mut self, member: usize) {
        let time = self.outside.time;
        let Some(run) = &mut self.members[member].run else { return };
        if run.cut_off_until.is_some_and(|until| time >= until) {
            run.cut_off_until = None;
            run.node.reader_lost(run.now());
            run.node.writer_lost(run.now());
            run.act();
        }
    }

    fn read(&mut self, member: usize) {
        let most = self.outside.faults.most_delivered;
        let Some(run) = &mut self.members[member].run else { return };
        for _ in 0..self.outside.random.index(most + 1) {
            if run.is_cut_off() {
                return;
            }
            let Some(entry) = self.stream.from(run.reads_from) else { return };
            run.reads_from = entry.offset + 1;
            run.node.delivered(entry.offset, &entry.body, &*run.past, run.now());
            run.act();
        }
    }

    /// The store does what the protocol told, and work of its own.
    async fn work(&mut self, member: usize) -> Result<(), End> {
        let Self { members, outside, consumer, .. } = self;
        let Member { run: Some(run), safe, .. } = &mut members[member] else { return Ok(()) };
        if let Some(synced) = run.listen(outside)? {
            *safe = Some(synced);
        }
        let is_cut_off = run.is_cut_off();
        if *consumer == Some(member) && run.active && !is_cut_off && outside.random.one_in(3) {
            let limit = outside.random.index(8) + 1;
            run.deliver(outside.queue.deliver(limit));
        }
        match &mut run.stage {
            Stage::Following(following) => {
                let follower = following.store_mut();
                match outside.random.below(24) {
                    0 | 1 => {
                        follower.sync()?;
                        *safe = synced_place(follower).or(*safe);
                    }
                    2..=5 => {
                        // what is covered by a checkpoint stays
                        let more = follower.checkpoint_step()?;
                        if !more && !follower.has_new_position() {
                            *safe = follower.position().map(|position| position.offset);
                        }
                    }
                    6 | 7 => {
                        let cursor = run.node.status(MAX_LAG, now(&run.clock)).cursor;
                        follower.set_cursor(store::Seq(cursor.max(1)));
                        follower.keep_house()?;
                    }
                    _ => {}
                }
            }
            Stage::Owning(owning) => {
                for _ in 0..outside.random.between(1, 6) {
                    let step = owning.step(is_cut_off, outside).await;
                    owning.process.faulty_disk.forget_plan();
                    let units = step.map_err(End::Down)?;
                    if !units.is_empty() {
                        run.node.give(units, now(&run.clock));
                    }
                }
                for (owner, vitals) in owning.process.sequencer.owners().stats() {
                    // a planned panic has no message
                    let failure =
                        vitals.last_failure().filter(|text| !text.contains("has no message"));
                    assert!(failure.is_none(), "the {owner} actor panicked: {failure:?}");
                }
            }
            Stage::Over => {}
        }
        run.act();
        Ok(())
    }

    /// The process has ended by itself.
    async fn ended(&mut self, member: usize, end: &End) {
        self.outside.trace.note(format_args!("m{member} ended: {end:?}"));
        match end {
            End::Down(Down::Disk(error)) => {
                assert!(matches!(error, store::Error::Disk(_)), "the store of m{member}: {error}");
            }
            End::Passed => self.members[member].needs_copy = true,
            End::Fenced | End::Left | End::Down(_) => {}
        }
        self.stop(member).await;
    }

    /// The process of a member ends; what it had under way may still arrive.
    pub(crate) async fn stop(&mut self, member: usize) {
        self.lose_writer(member);
        let Outside { random, truth, time, .. } = &mut self.outside;
        let Member { disk, run, starts_at, .. } = &mut self.members[member];
        *starts_at = *time + Duration::from_millis(random.between(0, 3_000));
        let Some(mut run) = run.take() else { return };
        if let Stage::Owning(owning) = &mut run.stage {
            truth.cut_off(&mut owning.exchange, random);
        }
        self.panics += run.faulty.panics();
        self.crashes += 1;
        *disk = Arc::new(disk.crash());
        drop(run);
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        if self.consumer == Some(member) {
            self.consumer = None;
        }
    }

    /// What waits in the connection of the appends arrives late, or never.
    pub(crate) fn lose_writer(&mut self, member: usize) {
        let Some(run) = &mut self.members[member].run else { return };
        for (_, body) in std::mem::take(&mut run.outbox) {
            if self.outside.random.one_in(2) {
                self.stream.late.push(body);
            }
        }
    }

    /// The broker delivers to one consumer, and to another one when that is gone.
    fn choose_consumer(&mut self) {
        let time = self.outside.time;
        if let Some(consumer) = self.consumer {
            let is_there = self.members[consumer].run.as_ref().is_some_and(|run| {
                // heartbeats are missed
                let is_dead = run.is_frozen(time.saturating_sub(Duration::from_secs(4)));
                !is_dead && !run.is_cut_off() && !run.passes_on
            });
            if !is_there {
                self.consumer = None;
            }
        }
        if self.consumer.is_none() {
            let first = self.outside.random.index(self.members.len());
            let count = self.members.len();
            self.consumer = (0..count).map(|at| (at + first) % count).find(|&member| {
                self.members[member].run.as_ref().is_some_and(|run| {
                    let role = run.node.status(MAX_LAG, run.now()).role;
                    !run.is_frozen(time) && !run.is_cut_off() && role != Role::Joining
                })
            });
            if let Some(consumer) = self.consumer
                && let Some(run) = &mut self.members[consumer].run
            {
                run.consume(self.outside.queue.open(&mut self.outside.random));
            }
        }
        for (at, member) in self.members.iter_mut().enumerate() {
            let is_consumer = self.consumer == Some(at);
            let Some(run) = member.run.as_mut().filter(|run| !run.is_frozen(time)) else {
                continue;
            };
            if run.active != is_consumer || run.passes_on {
                (run.passes_on, run.active) = (false, is_consumer);
                run.node.set_active(is_consumer, run.now());
                run.act();
            }
        }
    }

    /// Appends reach the stream, in the order of their connection, between those of others.
    fn arrive(&mut self) {
        let Self { members, outside, stream, .. } = self;
        for _ in 0..outside.random.below(8) {
            let member = outside.random.index(members.len());
            let Some(run) = &mut members[member].run else { continue };
            let Some((id, body)) = run.outbox.pop_front() else { continue };
            if outside.random.one_in(outside.faults.hole) {
                continue;
            }
            stream.append(body.clone(), &mut outside.random);
            if outside.random.one_in(outside.faults.twice) {
                if outside.random.one_in(2) {
                    stream.append(body, &mut outside.random);
                } else {
                    stream.late.push(body);
                }
            }
            outside.truth.read(stream);
            if outside.random.one_in(2) && !run.is_frozen(outside.time) {
                run.node.confirmed(id);
                run.act();
            }
        }
        if !stream.late.is_empty() && outside.random.one_in(13) {
            let at = outside.random.index(stream.late.len());
            let body = stream.late.swap_remove(at);
            if !outside.random.one_in(5) {
                stream.append(body, &mut outside.random);
                outside.truth.read(stream);
            }
        }
    }

    /// What the run came to.
    pub(crate) fn summary(&self) -> Summary {
        let Outside { truth, queue, trace, take_overs, checkpoints, .. } = &self.outside;
        let observations = &truth.observations;
        Summary {
            hash: trace.hash(),
            commands: u64::from(self.made),
            published: self.published,
            redelivered: queue.redelivered,
            units: observations.units.len() as u64,
            verdicts: observations.verdicts.clone(),
            applied: observations.applied.clone(),
            events: truth.subscribers.seen().len() as u64,
            repeated_events: truth.subscribers.repeated,
            notifications: observations.notified_count() as u64,
            acks: observations.acks,
            crashes: self.crashes,
            panics: self.panics,
            audits: 0,
            checkpoints: *checkpoints,
            take_overs: *take_overs,
            copies: self.copies,
            lost_ends: self.lost_ends,
            aged: truth.expected.aged.clone(),
        }
    }
}
