//! A run: the process, its disk, the broker, the producers, and the observers. A crash ends the process and loses the unsynced
//! writes of the disk.

use crate::case::{Case, Fault, Purpose};
use crate::consistency::Expected;
use crate::durable::Durable;
use crate::exchange::{Exchange, Subscribers};
use crate::message::Message;
use crate::observations::Observations;
use crate::plan::Plan;
use crate::process::{Down, InHand, Process};
use crate::queue::Queue;
use crate::relay;
use crate::shop::Shop;
use crate::trace::Trace;
use orderly_actors::clock::Clock;
use orderly_actors::simulation::SimulatedClock;
use orderly_demo::Random;
use orderly_domain::time::Timestamp;
use orderly_store::sim::{self, SimDisk};
use std::collections::VecDeque;
use std::sync::Arc;

/// The time at the beginning of every run.
const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
/// The largest number of interrupted openings of the store in a row.
const CUT_SHORT: u32 = 3;
/// After one crash in this many every name and identity is checked.
const DEEPLY: u64 = 4;
/// Turns of the runtime in which dropped tasks of a crash end.
const TURNS: usize = 8;

pub(crate) struct World {
    pub(crate) case: Case,
    /// The random numbers of the step in hand.
    pub(crate) random: Random,
    /// Steps so far.
    pub(crate) steps: u64,
    pub(crate) plan: Plan,
    pub(crate) trace: Trace,
    pub(crate) clock: SimulatedClock,
    pub(crate) disk: Arc<SimDisk>,
    pub(crate) process: Process,
    pub(crate) incarnation: String,
    pub(crate) queue: Queue,
    pub(crate) exchange: Exchange,
    pub(crate) subscribers: Subscribers,
    pub(crate) shop: Shop,
    /// Messages that producers have made and not yet published.
    pub(crate) unsent: VecDeque<Message>,
    pub(crate) made: u32,
    /// As of the newest sealed unit.
    pub(crate) sealed: Expected,
    /// As of the newest durable unit, which no crash can lose.
    pub(crate) durable: Durable,
    pub(crate) observations: Observations,
    /// A copy of the store from earlier in the run.
    pub(crate) older: Option<SimDisk>,
    pub(crate) crashes: u64,
    /// Planned panics of owners, in processes that ended.
    pub(crate) panics: u64,
    /// Audits that came to their end.
    pub(crate) audits: u64,
    pub(crate) checkpoints: u64,
    pub(crate) published: u64,
}

impl World {
    pub(crate) fn new(case: Case, trace: Trace) -> Self {
        let mut random = case.random(Purpose::Plan, 0);
        let plan = Plan::new(&mut random, &case);
        let clock = SimulatedClock::at(START);
        let disk = Arc::new(SimDisk::new(random.number()));
        let opened = Process::start(
            Arc::clone(&disk),
            &plan.options,
            plan.settings.clone(),
            plan.has_earlier_forms,
            clock.clone(),
        );
        let (mut process, recovery) = opened.expect("an empty disk can be opened");
        let mut queue = Queue::new(plan.prefetch);
        process.ledger.open(queue.open(&mut random));
        let expected = Expected::new(plan.of_model());
        let shop = Shop::new(case.clone(), plan.has_large_bodies);
        let mut world = Self {
            incarnation: recovery.incarnations.current().to_string(),
            plan,
            trace,
            clock,
            disk,
            process,
            queue,
            exchange: Exchange::default(),
            subscribers: Subscribers::default(),
            shop,
            unsent: VecDeque::new(),
            made: 0,
            sealed: expected.clone(),
            durable: Durable::new(expected),
            observations: Observations::default(),
            older: None,
            crashes: 0,
            panics: 0,
            audits: 0,
            checkpoints: 0,
            published: 0,
            random,
            steps: 0,
            case,
        };
        world.arm_disk();
        world
    }

    /// The oldest identities that must still be known.
    pub(crate) fn oldest(&self) -> i64 {
        self.sealed.oldest()
    }

    /// Checks units that were sealed just now.
    pub(crate) fn watch(&mut self, sealed: &[InHand]) {
        for in_hand in sealed {
            if self.trace.is_on() {
                let record = &in_hand.entry.record;
                self.trace.note(format_args!(
                    "sealed {} {:?} {:?} {} {:?}",
                    in_hand.unit.seq,
                    record.verdict,
                    record.reason,
                    record.order.as_ref().map_or("-", |order| order.as_str()),
                    record.types(),
                ));
            }
            self.sealed.apply(&in_hand.unit, &in_hand.entry, &in_hand.input);
        }
    }

    /// Takes a unit that became durable.
    pub(crate) fn adopt(&mut self, in_hand: &InHand) {
        self.durable.take(in_hand);
        self.observations.durable(in_hand, &self.incarnation);
    }

    /// The process ended, for whatever reason. Another one starts on the disk.
    pub(crate) async fn crash(&mut self, why: &str) {
        self.crashes += 1;
        self.trace.note(format_args!("crash: {why}"));
        for event in self.exchange.cut_off(&mut self.random, &mut self.subscribers) {
            self.observations.arrived(&event, &self.subscribers);
        }
        let (process, recovery) = self.reopen();
        let lost = std::mem::replace(&mut self.process, process);
        self.panics += lost.faulty_disk.panics();
        let in_hand = lost.sealed;
        let (log, sequencer) = (lost.log, lost.sequencer);
        drop((log, sequencer));
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        assert_eq!(recovery, self.incarnation, "the store is the same one");
        self.recover(in_hand);
        let generation = self.queue.open(&mut self.random);
        self.process.ledger.open(generation);
        let oldest = self.oldest();
        let view = self.process.sequencer.view().borrow();
        // To check everything each time would take most of the time of the run.
        if self.random.one_in(DEEPLY * self.plan.scale) {
            self.sealed.mirror.compare_all(&view, oldest);
            self.observations.check_acked(&self.sealed.mirror, &self.queue, oldest);
        } else {
            self.sealed.mirror.compare_some(&view, &mut self.random, oldest);
            self.observations.check_acked_last(&view, &self.queue, oldest);
        }
        drop(view);
        self.arm_disk();
    }

    /// The disk may fail at one of its next writes or syncs.
    fn arm_disk(&mut self) {
        if self.random.one_in(self.plan.disk_fault) {
            let operation = self.disk.operations() + self.random.between(1, 150 * self.plan.scale);
            let fault = self.random.pick(&[
                sim::Fault::Crash,
                sim::Fault::Crash,
                sim::Fault::Full,
                sim::Fault::Broken,
            ]);
            self.disk.fail_at(operation, fault);
        }
    }

    /// Opens the store after a crash. Some openings are interrupted by another crash.
    fn reopen(&mut self) -> (Process, String) {
        let mut left = CUT_SHORT;
        loop {
            self.disk = Arc::new(self.disk.crash());
            if left > 0 && self.random.one_in(self.plan.disk_fault * 2) {
                left -= 1;
                self.disk.fail_at(self.random.between(1, 8), sim::Fault::Crash);
            }
            let opened = Process::start(
                Arc::clone(&self.disk),
                &self.plan.options,
                self.plan.settings.clone(),
                self.plan.has_earlier_forms,
                self.clock.clone(),
            );
            match opened {
                Ok((process, recovery)) => {
                    self.trace.note(format_args!(
                        "opened: {} replayed, {} cut, cursor {}",
                        recovery.replayed, recovery.cut, recovery.cursor
                    ));
                    return (process, recovery.incarnations.current().to_string());
                }
                Err(error) => {
                    self.crashes += 1;
                    self.trace.note(format_args!("opening cut short: {error}"));
                }
            }
        }
    }

    /// Checks that the store has all durable units, and beyond them only units that were being written.
    fn recover(&mut self, in_hand: VecDeque<InHand>) {
        let from = self.durable.next();
        let found: Result<Vec<_>, _> = self.process.history.units(from).collect();
        let found = found.expect("the journal is readable");
        assert!(found.len() <= in_hand.len(), "the store has units that nobody sealed");
        for (unit, in_hand) in found.iter().zip(in_hand) {
            assert_eq!(*unit, *in_hand.unit, "a unit came back other than it was sealed");
            let entry = Arc::new(relay::read(unit));
            self.adopt(&InHand { entry, ..in_hand });
        }
        let next = self.durable.next();
        assert_eq!(self.process.history.durable(), next, "what was durable is there");
        if self.sealed.mirror.next != next {
            self.sealed = self.durable.expected().clone();
        }
    }

    /// Runs a step. If the process ends in it, another one starts.
    pub(crate) async fn survive(&mut self, step: Result<(), Down>) {
        if let Err(down) = step {
            let why = match &down {
                Down::Disk(error) => error.to_string(),
                Down::Core(error) => error.to_string(),
                Down::Panicked => "the core's thread panicked".to_owned(),
            };
            self.crash(&why).await;
        }
        for (owner, vitals) in self.process.sequencer.owners().stats() {
            // A planned panic has no message.
            let failure = vitals.last_failure().filter(|text| !text.contains("has no message"));
            assert!(failure.is_none(), "the {owner} actor panicked: {failure:?}");
        }
        let spent = self.process.spent.try_recv();
        assert!(spent.is_err(), "an actor spent its restart budget: {spent:?}");
    }

    /// Whether producers have published all their messages, and the process has handled them.
    pub(crate) fn is_out_of_input(&self) -> bool {
        self.made == self.plan.messages && self.unsent.is_empty() && self.queue.is_empty()
    }

    /// Whether faults of that kind may happen.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.case.has(fault)
    }

    /// The next step begins, with random numbers of its own.
    pub(crate) fn begin_step(&mut self) {
        self.steps += 1;
        self.random = self.case.random(Purpose::Step, self.steps);
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().micros()
    }
}
