//! How the process of a member starts, with a copy of another store if it needs one.

use super::member::{Member, Run, Stage, now};
use super::world::{Outside, START, World};
use orderly_actors::simulation::SimulatedClock;
use orderly_journal::{Charter, Node};
use orderly_member::Place;
use orderly_store as store;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

impl World {
    pub(super) async fn start(&mut self, member: usize) {
        let started = self.begin(member);
        if let Err(error) = started {
            self.outside.trace.note(format_args!("m{member} cannot start: {error}"));
            let Member { disk, .. } = &mut self.members[member];
            *disk = Arc::new(disk.crash());
            tokio::task::yield_now().await;
        }
    }

    fn begin(&mut self, member: usize) -> Result<(), store::Error> {
        if self.members[member].needs_copy && !self.copy(member)? {
            return Ok(());
        }
        let Outside { random, faults, plan, trace, time, .. } = &mut self.outside;
        let owned = &mut self.members[member];
        if random.one_in(faults.disk) {
            let operation = owned.disk.operations() + random.between(20, 2_000);
            let fault = random.pick(&[
                store::sim::Fault::Crash,
                store::sim::Fault::Full,
                store::sim::Fault::Broken,
            ]);
            owned.disk.fail_at(operation, fault);
        }
        let (following, faulty) = owned.open(&plan.options)?;
        let place = Place::of(following.store())?;
        self.nonces += 1;
        let incarnation = following.store().recovery().incarnations.current();
        let charter = Charter { incarnation: *incarnation.as_bytes(), partition: 0, partitions: 1 };
        let settings = faults.settings(member, self.nonces, charter);
        // clocks differ by some seconds
        let clock = SimulatedClock::at(START.plus(*time));
        let apart = random.below(6_000);
        clock.advance(Duration::from_millis(apart));
        let rate = u32::try_from(random.between(950, 1_050)).expect("it is small");
        let next = following.store().next_seq();
        trace.note(format_args!("m{member} starts at {next}, run {}", self.nonces));
        let node = Node::start(settings, place.stored, place.last, now(&clock));
        let mut run = Run {
            node,
            past: place.past,
            faulty,
            stage: Stage::Following(Box::new(following)),
            told: VecDeque::new(),
            reads_from: 0,
            outbox: VecDeque::new(),
            frozen_until: Duration::ZERO,
            cut_off_until: None,
            active: false,
            passes_on: false,
            generation: 0,
            delivered: Vec::new(),
            clock,
            rate,
        };
        run.act();
        owned.run = Some(run);
        Ok(())
    }

    /// Copies the store of a running member that has at least as much.
    fn copy(&mut self, member: usize) -> Result<bool, store::Error> {
        let options = &self.outside.plan.options;
        let own = self.members[member].open(options)?.0.store().next_seq();
        let mut source = None;
        for other in self.members.iter().filter(|other| other.run.is_some()) {
            let disk = Arc::new(other.disk.copy());
            let copy = Member { disk, ..Member::new(0) };
            let place = copy.open(options)?.0.store().position();
            let next = place.map_or(store::Seq::FIRST, |place| place.next);
            let offset = place.map_or(0, |place| place.offset);
            if next >= own && source.as_ref().is_none_or(|(most, _)| offset > *most) {
                source = Some((offset, other.disk.copy()));
            }
        }
        let Some((offset, disk)) = source else { return Ok(false) };
        let owned = &mut self.members[member];
        owned.disk = Arc::new(disk);
        (owned.needs_copy, owned.safe) = (false, Some(offset));
        self.copies += 1;
        self.outside.trace.note(format_args!("m{member} copied a store"));
        Ok(true)
    }
}
