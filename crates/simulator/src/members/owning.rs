//! The core of a member that owns, a step at a time: what it seals goes to the journal, and counts when that says so.

use super::world::Outside;
use crate::exchange::Exchange;
use crate::observations::Answered;
use crate::process::{Down, InHand, Process, Sequenced};
use crate::queue::Delivery;
use orderly_actors::clock::Clock as _;
use orderly_actors::simulation::SimulatedClock;
use orderly_journal::{Position, Unit};
use orderly_member::given::{Given, accepted};
use orderly_member::place::{encode, to_place};
use orderly_store::Seq;
use std::sync::Arc;
use std::time::Duration;

/// Attempts of a message that fails, before it is parked.
const MOST_ATTEMPTS: u32 = 3;
/// Units are kept in the journal of the store for at least this long, in microseconds: what the stream may lose must be there.
pub(crate) const KEEPS: i64 = 3_600_000_000;

/// A step of a member that owns.
#[derive(Debug, Clone, Copy)]
enum Step {
    Sequence,
    Retry,
    Give,
    Ack,
    Fire,
    Relay,
    Take,
    Confirm,
    Look,
    Send,
    Outcome,
    Checkpoint,
    HearOfCheckpoint,
    Tidy,
    Prune,
    Sweep,
}

/// The weight of each step.
const CHANCES: &[(u64, Step)] = &[
    (20, Step::Sequence),
    (3, Step::Retry),
    (14, Step::Give),
    (8, Step::Ack),
    (6, Step::Fire),
    (14, Step::Relay),
    (20, Step::Take),
    (20, Step::Confirm),
    (4, Step::Look),
    (4, Step::Send),
    (4, Step::Outcome),
    (8, Step::Checkpoint),
    (3, Step::HearOfCheckpoint),
    (3, Step::Tidy),
    (2, Step::Prune),
    (1, Step::Sweep),
];

pub(crate) struct Owning {
    pub(crate) process: Process,
    pub(crate) exchange: Exchange,
    given: Given,
    /// How many of the sealed units were given to the journal.
    handed: usize,
    clock: SimulatedClock,
}

impl Owning {
    pub(crate) fn new(process: Process, clock: SimulatedClock) -> Self {
        let (exchange, given) = (Exchange::default(), Given::default());
        Self { process, exchange, given, handed: 0, clock }
    }

    /// Opens the channel of the consumer, with what was delivered on it.
    pub(crate) fn open(&mut self, generation: u64, delivered: impl IntoIterator<Item = Delivery>) {
        self.process.ledger.open(generation);
        self.process.inbox.clear();
        self.deliver(delivered);
    }

    pub(crate) fn deliver(&mut self, delivered: impl IntoIterator<Item = Delivery>) {
        for delivery in delivered {
            self.process.ledger.delivered(delivery.generation, delivery.tag);
            self.process.inbox.push_back(delivery);
        }
    }

    /// The journal has accepted these units.
    pub(crate) fn apply(
        &mut self,
        units: Vec<Unit>,
        position: Position,
        sync: bool,
    ) -> Result<(), Down> {
        let position = to_place(position);
        let units = accepted(units, position.next, |seq| self.given.take(seq))?;
        self.process.log.append(&units, Some(position))?;
        if sync {
            self.process.log.sync()?;
        } else {
            self.process.log.reveal();
        }
        Ok(())
    }

    /// The journal has everything before `next`.
    pub(crate) fn durable(&mut self, next: u64, outside: &mut Outside) {
        let sealed = self.process.sealed.iter();
        let count = sealed.take_while(|in_hand| in_hand.unit.next <= Seq(next)).count();
        let durable = self.process.are_durable(count);
        self.handed = self.handed.saturating_sub(count);
        outside.truth.durable(&durable);
        let now = self.clock.monotonic();
        for (generation, tag) in durable.iter().filter_map(|in_hand| in_hand.settles) {
            self.process.ledger.settled(generation, tag, now);
        }
    }

    /// Every event below this was published.
    pub(crate) fn cursor(&mut self) -> Seq {
        let cursor = self.process.relay.cursor();
        self.process.log.set_cursor(cursor);
        cursor
    }

    /// The broker is out of reach.
    pub(crate) fn cut_off(&mut self, outside: &mut Outside) {
        outside.truth.cut_off(&mut self.exchange, &mut outside.random);
        self.process.relay.resume();
    }

    /// Takes a step. What it gives to the journal is returned.
    pub(crate) async fn step(
        &mut self,
        is_cut_off: bool,
        outside: &mut Outside,
    ) -> Result<Vec<Unit>, Down> {
        let step = outside.random.weighted(CHANCES);
        match step {
            Step::Sequence => self.sequence(outside).await?,
            Step::Give => return Ok(self.give(outside)),
            Step::Fire => self.fire(outside).await?,
            Step::Look | Step::Outcome => self.notify(step, outside).await?,
            Step::Checkpoint => {
                let report = self.process.log.checkpoint_step()?;
                outside.checkpoints += u64::from(report.is_some());
                self.process.reports.extend(report);
            }
            Step::HearOfCheckpoint => {
                if let Some(report) = self.process.reports.pop_front() {
                    self.process.sequencer.view().borrow_mut().checkpointed(&report);
                }
            }
            Step::Tidy => {
                self.process.log.compact()?;
            }
            Step::Prune => {
                let oldest = self.process.sequencer.view().borrow().clock() - KEEPS;
                self.process.log.prune(oldest, 8)?;
            }
            Step::Sweep => {
                let now = self.process.sequencer.view().borrow().clock();
                self.process.log.expire_identities(now)?;
            }
            // all others need the broker
            _ if is_cut_off => {}
            Step::Retry => self.retry(outside),
            Step::Ack => self.ack(outside),
            Step::Relay => {
                self.process.relay.publish(&mut self.exchange);
            }
            Step::Take => {
                let breaks = outside.random.one_in(outside.plan.lost_confirm);
                outside.truth.take_event(&mut self.exchange, breaks, &mut outside.random);
            }
            Step::Confirm => {
                if let Some(sequence) = self.exchange.confirm() {
                    self.process.relay.confirmed(sequence);
                } else if self.exchange.break_off() {
                    self.process.relay.resume();
                }
            }
            Step::Send => {
                let durable = self.process.history.durable();
                let losing = outside.plan.lost_confirm;
                let sent = self.process.notifier.send(durable, &mut outside.random, losing);
                if let Some((delivery, true)) = sent {
                    outside.truth.notified(&delivery);
                }
            }
        }
        Ok(Vec::new())
    }

    fn watch(sealed: &[InHand], outside: &mut Outside) {
        for in_hand in sealed {
            let record = &in_hand.entry.record;
            outside.trace.note(format_args!(
                "sealed {} {:?} {} {:?}",
                in_hand.unit.seq,
                record.verdict,
                record.order.as_ref().map_or("-", |order| order.as_str()),
                record.types(),
            ));
        }
        outside.truth.sealed(sealed);
    }

    async fn sequence(&mut self, outside: &mut Outside) -> Result<(), Down> {
        let Some(delivery) = self.process.inbox.pop_front() else { return Ok(()) };
        let tag = (delivery.generation, delivery.tag);
        if outside.random.one_in(outside.plan.failure) {
            if delivery.message.attempts + 1 < MOST_ATTEMPTS {
                self.process.retries.push_back(delivery);
                return Ok(());
            }
            let sealed = self.process.park(delivery).await?;
            self.sequenced(tag, Sequenced::Sealed(sealed), outside);
            return Ok(());
        }
        self.plan_panic(outside);
        let sequenced = self.process.sequence(delivery, MOST_ATTEMPTS).await?;
        self.sequenced(tag, sequenced, outside);
        Ok(())
    }

    fn sequenced(&mut self, tag: (u64, u64), sequenced: Sequenced, outside: &mut Outside) {
        match sequenced {
            Sequenced::Sealed(sealed) => {
                if let Some(first) = sealed.first() {
                    let answered = Answered::Sealed(first.unit.next);
                    outside.truth.observations.answered(tag, answered);
                }
                Self::watch(&sealed, outside);
            }
            Sequenced::Failed(delivery) => self.process.retries.push_back(delivery),
        }
    }

    /// Lets an actor panic on the next message, at random.
    fn plan_panic(&self, outside: &mut Outside) {
        if outside.random.one_in(outside.plan.panic * 2) {
            let read = outside.random.between(1, 5);
            let panics = outside.random.pick(&[1, 1, 2, 4]);
            self.process.faulty_disk.plan(read, panics);
        }
    }

    /// Publishes a failed message to a wait queue. The message is settled when that is confirmed.
    fn retry(&mut self, outside: &mut Outside) {
        let Some(delivery) = self.process.retries.pop_front() else { return };
        let Delivery { generation, tag, ref message } = delivery;
        let mut again = message.clone();
        again.attempts += 1;
        let pause = outside.random.pick(&[1, 5]) * Duration::from_secs(1);
        outside.queue.wait(again, outside.time + pause);
        outside.truth.observations.answered((generation, tag), Answered::Retried);
        let now = self.clock.monotonic();
        self.process.ledger.settled(generation, tag, now);
    }

    fn give(&mut self, outside: &mut Outside) -> Vec<Unit> {
        let most = self.process.sealed.len() - self.handed;
        if most == 0 {
            return Vec::new();
        }
        let until = self.handed + outside.random.index(most) + 1;
        let units = self.process.sealed.range(self.handed..until);
        let units: Vec<_> = units.map(|in_hand| Arc::clone(&in_hand.unit)).collect();
        self.handed = until;
        self.given.add(&units);
        units.iter().map(encode).collect()
    }

    fn ack(&mut self, outside: &mut Outside) {
        for ack in self.process.ledger.next_acks(self.clock.monotonic()) {
            for delivery in outside.queue.ack(ack) {
                outside.trace.note(format_args!("acked {} {}", delivery.generation, delivery.tag));
                outside.truth.acked(delivery, &outside.queue);
            }
        }
    }

    async fn fire(&mut self, outside: &mut Outside) -> Result<(), Down> {
        // as in a process alone: what timers led to must be sealed before they count as done
        if self.process.firing.is_empty() && self.process.notifier.is_idle() {
            use orderly_actors::{sequencer, states};
            let limit = outside.random.index(8) + 1;
            let due = self.process.sequencer.due(limit).map_err(|error| match error {
                sequencer::Error::State(states::Error::Store(error)) => Down::Disk(error),
                other => Down::Core(other),
            })?;
            self.process.firing.extend(due);
        }
        if let Some(timer) = self.process.firing.pop_front() {
            self.plan_panic(outside);
            let sealed = self.process.fire(timer).await?;
            Self::watch(&sealed, outside);
        }
        Ok(())
    }

    async fn notify(&mut self, step: Step, outside: &mut Outside) -> Result<(), Down> {
        if let Step::Look = step {
            let durable = self.process.history.durable();
            if let Some(order) = self.process.notifier.look(durable) {
                let delivery = self.process.pending(order).await?;
                let next = self.process.sequencer.view().borrow().next_seq();
                self.process.notifier.found(delivery, next);
            }
        } else if let Some((delivery, sent)) = self.process.notifier.outcome() {
            self.plan_panic(outside);
            match self.process.notified(&delivery, sent).await? {
                Some(sealed) => Self::watch(&sealed, outside),
                None => self.process.notifier.again(delivery, sent),
            }
        }
        Ok(())
    }

    /// Whether everything is done and published, but for timers that are due.
    pub(crate) fn is_idle(&self) -> bool {
        self.process.is_idle() && self.given.is_empty()
    }
}
