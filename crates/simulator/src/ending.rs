//! The end of a run: the process becomes idle, and then everything that had to happen must have happened.

use crate::case::Fault;
use crate::steps::WINDING_DOWN;
use crate::summary::Summary;
use crate::world::World;
use orderly_actors::clock::Clock;
use orderly_actors::simulation::SimulatedClock;
use orderly_store::sim::SimDisk;
use orderly_store::{self as store, Disk, Opened, Timer, Unit};
use std::sync::Arc;
use std::time::Duration;

/// The largest number of rounds until the process is idle.
const ROUNDS: u32 = 20_000;
/// Longer than any hold.
const LONG: Duration = Duration::from_secs(3 * 3600);

impl World {
    /// Runs until the process is idle, lets every hold expire, and audits the store.
    pub(crate) async fn end(&mut self) {
        self.trace.note(format_args!("no more input"));
        self.plan.calm();
        self.begin_step();
        if self.random.one_in(2) && self.has(Fault::Crashes) {
            self.crash("for the last time").await;
        }
        self.come_to_rest().await;
        // twice, since a fault of the disk may be left, and what a crash interrupts is looked at again only later
        for _ in 0..2 {
            self.clock.advance(LONG);
            self.come_to_rest().await;
        }
        let Self { process, sealed, durable, observations, subscribers, .. } = self;
        let durable = durable.expected();
        assert!(
            (&sealed.model, &sealed.aged) == (&durable.model, &durable.aged),
            "the model of what is sealed, and of what is durable"
        );
        sealed.compare_all();
        sealed.mirror.check_kept_sums();
        let now = process.sequencer.now().micros();
        sealed.mirror.check_expired(&sealed.model.settings, now);
        observations.check_paid_up(subscribers);
        let view = process.sequencer.view().borrow();
        sealed.mirror.compare_all(&view, sealed.oldest());
        observations.check_acked(&sealed.mirror, &self.queue, sealed.oldest());
        sealed.mirror.check_parked(&view);
        let audit = orderly_actors::audit::verify(&view).expect("every state can be read");
        assert!(audit.balanced, "{:?}", audit.violations);
        drop(view);
        self.replay();
    }

    async fn come_to_rest(&mut self) {
        for _ in 0..ROUNDS {
            for step in WINDING_DOWN {
                self.wind_down(*step).await;
            }
            if self.unsent.is_empty() && self.queue.is_empty() && self.process.is_idle() {
                let now = self.process.sequencer.now().micros();
                let due = self.process.sequencer.view().borrow().due(now, 1);
                let due = due.expect("the store is readable");
                if due.is_empty() {
                    return;
                }
                self.process.firing.extend(due);
            }
            self.clock.advance(Duration::from_millis(500));
        }
        panic!("it does not come to rest: the queue has {:?}", self.queue.counts());
    }

    /// Invariant 8: the units alone give the whole store again, from nothing and from an older copy.
    fn replay(&mut self) {
        let oldest = self.oldest();
        let expected = timers(&self.open(&Arc::new(self.disk.copy())));
        let copies = [Some(SimDisk::new(self.random.number())), self.older.take()];
        for disk in copies.into_iter().flatten() {
            let disk = Arc::new(disk);
            let mut opened = self.open(&disk);
            let from = opened.view.next_seq();
            let units = self.observations.units.iter().filter(|unit| unit.seq >= from);
            let units: Vec<_> = units.cloned().collect();
            self.feed(&mut opened, &units);
            self.durable.expected().mirror.compare_all(&opened.view, oldest);
            drop(opened);
            let opened = self.open(&disk);
            self.durable.expected().mirror.compare_all(&opened.view, oldest);
            let lists =
                orderly_actors::lists::check(&opened.view).expect("every state can be read");
            assert!(lists.is_empty(), "{lists:?}");
            assert_eq!(timers(&opened), expected, "the timers of the replayed store");
        }
    }

    fn open(&self, disk: &Arc<SimDisk>) -> Opened {
        let disk = Arc::clone(disk) as Arc<dyn Disk>;
        store::open(&disk, &self.plan.options).expect("it can be opened")
    }

    fn feed(&mut self, opened: &mut Opened, units: &[Arc<Unit>]) {
        let mut left = units;
        while !left.is_empty() {
            let (group, rest) = left.split_at(self.random.index(left.len()) + 1);
            left = rest;
            for unit in group {
                opened.view.seal(Arc::clone(unit));
            }
            opened.log.commit(group).expect("the disk works");
            if self.random.one_in(2) {
                let report = opened.log.checkpoint().expect("the disk works");
                opened.view.checkpointed(&report);
            }
        }
    }

    /// What the run came to.
    pub(crate) fn summary(&self) -> Summary {
        let observations = &self.observations;
        Summary {
            hash: self.trace.hash(),
            commands: u64::from(self.made),
            published: self.published,
            redelivered: self.queue.redelivered,
            units: observations.units.len() as u64,
            verdicts: observations.verdicts.clone(),
            applied: observations.applied.clone(),
            events: self.subscribers.seen().len() as u64,
            repeated_events: self.subscribers.repeated,
            notifications: observations.notified_count() as u64,
            acks: observations.acks,
            crashes: self.crashes,
            panics: self.panics + self.process.faulty_disk.panics(),
            audits: self.audits,
            checkpoints: self.checkpoints,
            aged: self.sealed.aged.clone(),
            ..Summary::default()
        }
    }
}

/// The timers that have not fired.
fn timers(opened: &Opened) -> Vec<Timer> {
    let far = SimulatedClock::at(orderly_domain::time::Timestamp::from_micros(opened.view.clock()));
    far.advance(30 * LONG);
    let mut timers = opened.view.due(far.now().micros(), usize::MAX).expect("they can be read");
    timers.sort_unstable();
    timers
}
