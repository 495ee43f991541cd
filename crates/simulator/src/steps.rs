//! The steps of a run, chosen at random. Each does one small thing in the process or around it.

use crate::case::Fault;
use crate::observations::Answered;
use crate::process::{Down, Sequenced};
use crate::queue::Delivery;
use crate::world::World;
use orderly_actors::audit;
use orderly_actors::clock::Clock;
use orderly_actors::states;
use orderly_demo::Random;
use orderly_domain::time::Timestamp;
use std::time::Duration;

/// Two of so many audits are compared with one that is made at once; one of these compares all lists with all states, too. Both
/// take as long as the shop is large.
const AT_ONCE: u64 = 8;
/// Producers wait while so many messages do, but for one that delivers few at once: a message that waits for hours is too old when
/// its turn comes.
const MOST_BACKLOG: usize = 100;
/// Hours pass mostly while fewer messages wait than this.
const FEW: usize = 4;
/// Attempts of a message that fails, before it is parked.
const MOST_ATTEMPTS: u32 = 3;

/// A step of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A producer makes a message, with its copies.
    Make,
    /// A copy of a message reaches the broker.
    Publish,
    Deliver,
    Sequence,
    Retry,
    GiveBack,
    Commit,
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
    Pass,
    LoseChannel,
    Compare,
    CopyStore,
    Audit,
}

use Step as S;

/// The weight of each step.
const CHANCES: &[(u64, Step)] = &[
    (10, S::Make),
    (18, S::Publish),
    (12, S::Deliver),
    (40, S::Sequence),
    (4, S::Retry),
    (3, S::GiveBack),
    (12, S::Commit),
    (8, S::Ack),
    (8, S::Fire),
    (16, S::Relay),
    (40, S::Take),
    (40, S::Confirm),
    (5, S::Look),
    (5, S::Send),
    (5, S::Outcome),
    (12, S::Checkpoint),
    (3, S::HearOfCheckpoint),
    (5, S::Tidy),
    (2, S::Prune),
    (1, S::Sweep),
    (12, S::Pass),
    (1, S::LoseChannel),
    (4, S::Compare),
    (1, S::CopyStore),
    (3, S::Audit),
];

/// The steps that are repeated at the end of a run, until the process is idle.
pub(crate) const WINDING_DOWN: &[Step] = &[
    S::Publish,
    S::Deliver,
    S::Sequence,
    S::Retry,
    S::GiveBack,
    S::Fire,
    S::Look,
    S::Commit,
    S::Ack,
    S::Relay,
    S::Take,
    S::Confirm,
    S::Send,
    S::Outcome,
    S::Checkpoint,
    S::HearOfCheckpoint,
    S::Tidy,
];

impl World {
    /// Takes a random step.
    pub(crate) async fn step(&mut self) {
        self.begin_step();
        let step = self.random.weighted(CHANCES);
        if self.random.one_in(self.plan.crash) {
            self.crash("the power went").await;
            return;
        }
        self.take(step).await;
    }

    /// Takes this step, with the random numbers of the next one.
    pub(crate) async fn wind_down(&mut self, step: Step) {
        self.begin_step();
        self.take(step).await;
    }

    async fn take(&mut self, step: Step) {
        let taken = self.attempt(step).await;
        self.process.faulty_disk.forget_plan();
        self.survive(taken).await;
    }

    async fn attempt(&mut self, step: Step) -> Result<(), Down> {
        match step {
            Step::Make => self.make(),
            Step::Publish => self.publish(),
            Step::Deliver => {
                let limit = self.random.index(8) + 1;
                let delivered = self.queue.deliver(limit);
                if let Some(last) = delivered.last() {
                    self.process.ledger.delivered(last.generation, last.tag);
                }
                self.process.inbox.extend(delivered);
            }
            Step::Sequence => self.sequence().await?,
            Step::Retry => self.retry(),
            Step::GiveBack => {
                let now = self.clock.monotonic();
                self.queue.give_back(now);
            }
            Step::Commit => self.commit()?,
            Step::Ack => self.ack(),
            Step::Fire => self.fire().await?,
            Step::Relay => {
                let published = self.process.relay.publish(&mut self.exchange);
                self.keep_cursor(published.is_some());
            }
            Step::Take => {
                let breaks = self.random.one_in(self.plan.lost_confirm);
                let Self { exchange, random, subscribers, .. } = self;
                if let Some(event) = exchange.take(random, breaks, subscribers) {
                    self.observations.arrived(&event, &self.subscribers);
                }
            }
            Step::Confirm => self.confirm(),
            Step::Look | Step::Send | Step::Outcome => self.notify(step).await?,
            Step::Checkpoint => {
                if let Some(report) = self.process.log.checkpoint_step()? {
                    self.trace.note(format_args!("checkpoint up to {}", report.covered));
                    self.checkpoints += 1;
                    self.process.reports.push_back(report);
                }
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
                let older_than = self.now() - 60_000_000;
                let pruned = self.process.log.prune(older_than, self.random.index(8) + 1)?;
                self.trace.note(format_args!("pruned {}", pruned.records));
            }
            Step::Sweep => {
                let now = self.durable.clock();
                let swept = self.process.log.expire_identities(now)?;
                self.trace.note(format_args!("swept {swept}"));
            }
            Step::Pass => self.pass(),
            Step::LoseChannel if self.has(Fault::Connections) => self.lose_channel(),
            Step::Compare if self.random.one_in(self.plan.scale) => {
                let oldest = self.oldest();
                let view = self.process.sequencer.view().borrow();
                self.sealed.mirror.compare_some(&view, &mut self.random, oldest);
            }
            Step::CopyStore if self.random.one_in(self.plan.scale) => {
                self.older = Some(self.disk.copy());
            }
            Step::Audit if self.random.one_in(self.plan.scale.div_ceil(2)) => self.audit()?,
            Step::LoseChannel | Step::Compare | Step::CopyStore | Step::Audit => {}
        }
        Ok(())
    }

    /// Reads the next few states of an audit between other steps. Its result must hold at its end.
    fn audit(&mut self) -> Result<(), Down> {
        let Some(audit) = self.process.sequencer.audit_step() else {
            return Ok(());
        };
        let audit = match audit {
            Err(states::Error::Store(error)) => return Err(error.into()),
            audit => audit.expect("every state can be read"),
        };
        assert!(audit.balanced, "{:?}", audit.violations);
        self.audits += 1;
        let view = self.process.sequencer.view().borrow();
        let at_once = match self.audits % AT_ONCE {
            1 => audit::verify(&view),
            3 => audit::audit(&view),
            _ => return Ok(()),
        };
        assert_eq!(audit, at_once.expect("reads"), "beside the work, and at once");
        Ok(())
    }

    fn make(&mut self) {
        if self.made < self.plan.messages && self.backlog() < self.most_backlog() {
            self.made += 1;
            self.trace.made_command();
            let messages = self.shop.next(&self.sealed.model, self.clock.now());
            if self.case.publishes(self.made) {
                self.unsent.extend(messages);
            }
        }
    }

    /// The backlog that producers wait for: what is handled within some minutes.
    fn most_backlog(&self) -> usize {
        MOST_BACKLOG.min(FEW + 4 * self.plan.prefetch)
    }

    /// Messages that wait to be published or to be handled.
    fn backlog(&self) -> usize {
        let (ready, unacked, waiting) = self.queue.counts();
        self.unsent.len() + ready + unacked + waiting
    }

    /// A message may be published before one that was made earlier, since there are many producers.
    fn publish(&mut self) {
        let at = self.random.index(self.unsent.len().clamp(1, 4));
        let at = if self.random.one_in(12) { self.random.index(self.unsent.len()) } else { at };
        let at = if self.has(Fault::Order) { at } else { 0 };
        if let Some(message) = self.unsent.remove(at) {
            self.published += 1;
            self.queue.publish(message);
        }
    }

    async fn sequence(&mut self) -> Result<(), Down> {
        let Some(delivery) = self.process.inbox.pop_front() else {
            return Ok(());
        };
        let tag = (delivery.generation, delivery.tag);
        if self.trace.is_on() {
            let message = &delivery.message;
            // Large messages are not in the trace.
            let body = String::from_utf8_lossy(&message.body[..message.body.len().min(300)]);
            let (id, kind, now) = (&message.id, message.kind, self.now());
            self.trace.note(format_args!("take {tag:?} {id} {kind} {body} at {now}"));
        }
        if self.random.one_in(self.plan.failure) {
            if delivery.message.attempts + 1 < MOST_ATTEMPTS {
                self.process.retries.push_back(delivery);
                return Ok(());
            }
            let sealed = self.process.park(delivery).await?;
            self.sequenced(tag, Sequenced::Sealed(sealed));
            return Ok(());
        }
        self.plan_panic();
        let sequenced = self.process.sequence(delivery, MOST_ATTEMPTS).await?;
        self.sequenced(tag, sequenced);
        Ok(())
    }

    fn sequenced(&mut self, tag: (u64, u64), sequenced: Sequenced) {
        match sequenced {
            Sequenced::Sealed(sealed) => {
                if let Some(first) = sealed.first() {
                    self.observations.answered(tag, Answered::Sealed(first.unit.next));
                }
                self.watch(&sealed);
            }
            Sequenced::Failed(delivery) => {
                self.trace.note(format_args!("failed {}", delivery.message.id));
                self.process.retries.push_back(delivery);
            }
        }
    }

    /// Lets an actor panic on the next message, at random.
    fn plan_panic(&mut self) {
        if self.random.one_in(self.plan.panic) {
            let read = self.random.between(1, 5);
            let panics = self.random.pick(&[1, 1, 2, 4]);
            self.process.faulty_disk.plan(read, panics);
        }
    }

    /// Publishes a failed message to a wait queue. The message is settled when that is confirmed.
    fn retry(&mut self) {
        let Some(delivery) = self.process.retries.pop_front() else {
            return;
        };
        let Delivery { generation, tag, ref message } = delivery;
        let is_lost = self.random.one_in(self.plan.lost_confirm);
        if !is_lost || self.random.one_in(2) {
            let mut again = message.clone();
            again.attempts += 1;
            let until =
                self.clock.monotonic() + self.random.pick(&[1, 30]) * Duration::from_secs(1);
            self.queue.wait(again, until);
        }
        if is_lost {
            self.process.retries.push_back(delivery);
        } else {
            self.observations.answered((generation, tag), Answered::Retried);
            let now = self.clock.monotonic();
            self.process.ledger.settled(generation, tag, now);
        }
    }

    fn commit(&mut self) -> Result<(), Down> {
        // Sometimes an empty group, which writes the cursor.
        let most = self.process.sealed.len();
        let count = if self.random.one_in(10) { 0 } else { self.random.index(most) + 1 };
        let durable = self.process.commit(count)?;
        let now = self.clock.monotonic();
        for in_hand in &durable {
            self.adopt(in_hand);
            if let Some((generation, tag)) = in_hand.settles {
                self.process.ledger.settled(generation, tag, now);
            }
        }
        if let Some(last) = durable.last() {
            self.trace.note(format_args!("durable up to {}", last.unit.next));
            self.durable.copy(&self.sealed);
        }
        Ok(())
    }

    fn ack(&mut self) {
        let acks = self.process.ledger.next_acks(self.clock.monotonic());
        if self.random.one_in(self.plan.lost_confirm * 8) {
            self.lose_channel(); // and the acks on it
        }
        for ack in acks {
            for delivery in self.queue.ack(ack) {
                self.trace.note(format_args!("acked {} {}", delivery.generation, delivery.tag));
                self.observations.acked(delivery, &self.queue);
            }
        }
    }

    async fn fire(&mut self) -> Result<(), Down> {
        // A timer counts as done in the units that are sealed after the next call. So the outcomes of the notifications that
        // timers led to must be sealed before that call, or a crash loses them.
        if self.process.firing.is_empty() && self.process.notifier.is_idle() {
            let limit = self.random.index(8) + 1;
            let due = self.process.sequencer.due(limit).map_err(|error| match error {
                orderly_actors::sequencer::Error::State(orderly_actors::states::Error::Store(
                    error,
                )) => Down::Disk(error),
                other => Down::Core(other),
            })?;
            self.process.firing.extend(due);
            if self.random.one_in(20) {
                self.step_clock(); // between the time that a timer is due and the time that it fires
            }
        }
        if let Some(timer) = self.process.firing.pop_front() {
            self.trace.note(format_args!("fire {timer:?}"));
            self.plan_panic();
            let sealed = self.process.fire(timer).await?;
            self.watch(&sealed);
        }
        Ok(())
    }

    fn confirm(&mut self) {
        if let Some(sequence) = self.exchange.confirm() {
            self.process.relay.confirmed(sequence);
            self.keep_cursor(true);
        } else if self.exchange.break_off() {
            let from = self.process.relay.resume();
            self.trace.note(format_args!("publishing again from {from}"));
        }
    }

    fn keep_cursor(&mut self, moved: bool) {
        if moved {
            let cursor = self.process.relay.cursor();
            self.process.log.set_cursor(cursor);
        }
    }

    async fn notify(&mut self, step: Step) -> Result<(), Down> {
        let durable = self.process.history.durable();
        match step {
            Step::Look => {
                if let Some(order) = self.process.notifier.look(durable) {
                    let delivery = self.process.pending(order).await?;
                    let next = self.process.sequencer.view().borrow().next_seq();
                    self.process.notifier.found(delivery, next);
                }
            }
            Step::Send => {
                let losing = self.plan.lost_confirm;
                let sent = self.process.notifier.send(durable, &mut self.random, losing);
                if let Some((delivery, true)) = sent {
                    self.observations.notified(&delivery);
                }
            }
            _ => {
                if let Some((delivery, sent)) = self.process.notifier.outcome() {
                    self.plan_panic();
                    match self.process.notified(&delivery, sent).await? {
                        Some(sealed) => self.watch(&sealed),
                        None => self.process.notifier.again(delivery, sent),
                    }
                }
            }
        }
        Ok(())
    }

    fn pass(&mut self) {
        match self.random.below(72) {
            0 => self.clock.advance(millis(&mut self.random, 60_000, 900_000)),
            1..=6 if self.plan.is_long && (self.backlog() < FEW || self.random.one_in(4)) => {
                self.clock.advance(millis(&mut self.random, 1_000_000, 7_000_000));
            }
            7..=15 => self.step_clock(),
            _ => self.clock.advance(millis(&mut self.random, 1, 3_000)),
        }
    }

    /// Steps the wall clock up to ten minutes forwards or backwards.
    fn step_clock(&mut self) {
        if !self.has(Fault::Clock) {
            return;
        }
        let aside = i64::try_from(self.random.below(1_200_000_000)).expect("it is small");
        let to = self.now() + aside - 600_000_000;
        self.clock.step_to(Timestamp::from_micros(to));
    }

    /// Replaces the channel of the consumer. Messages that were received stay in hand.
    pub(crate) fn lose_channel(&mut self) {
        let generation = self.queue.open(&mut self.random);
        self.trace.note(format_args!("channel {generation}"));
        self.process.ledger.open(generation);
        if self.random.one_in(2) {
            self.process.inbox.clear();
            self.process.retries.clear();
        }
    }
}

fn millis(random: &mut Random, least: u64, most: u64) -> Duration {
    Duration::from_millis(random.between(least, most))
}
