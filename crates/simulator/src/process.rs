//! The simulated process around the core, driven one step at a time. It holds the memory that a crash loses.

use crate::earlier;
use crate::fault_injection::{self, FaultyDisk};
use crate::message::Message;
use crate::notifier::Notifier;
use crate::queue::Delivery;
use crate::relay::Relay;
use futures_util::FutureExt;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::notification::DueDelivery;
use orderly_actors::sequencer::{self, FollowUp, Sealed, Sequencer, Settings, Step};
use orderly_actors::simulation::{Core, SimulatedClock};
use orderly_actors::supervisor::RestartBudgetExceeded;
use orderly_broker::ledger::Ledger;
use orderly_domain::notification::Sent;
use orderly_domain::record::Origin;
use orderly_domain::verdict::Reason;
use orderly_store::sim::SimDisk;
use orderly_store::{
    self as store, Disk, History, Log, Opened, Ordinal, Recovery, Report, Timer, Unit,
};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use tokio::sync::mpsc;

/// The largest number of callbacks that run behind one order: more than may wait for an order.
const MOST_BEHIND: usize = 100;

/// About one of so many units is stored in the newest forms, if others are in earlier ones.
const NEWEST: u64 = 3;

/// The cause of a unit. The model gets the same cause.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    Message(Message),
    /// A message that failed after every retry.
    Failed(Message),
    HoldTimer,
    Waited,
    /// A callback waited too long.
    NeverCame,
    /// Old data expires or is deleted, or its timer fires again later.
    Retention,
    Notified,
}

/// A sealed unit that is not durable.
#[derive(Debug, Clone)]
pub(crate) struct InHand {
    pub(crate) unit: Arc<Unit>,
    pub(crate) entry: Arc<JournalEntry>,
    pub(crate) input: Input,
    /// Generation and tag of the delivery that may be acked once the unit is durable.
    pub(crate) settles: Option<(u64, u64)>,
    pub(crate) notify: Vec<Ordinal>,
}

/// Why the process ended.
#[derive(Debug)]
pub(crate) enum Down {
    Disk(store::Error),
    Core(sequencer::Error),
    /// The thread of the core panicked outside of any actor.
    Panicked,
}

impl From<store::Error> for Down {
    fn from(error: store::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<sequencer::Error> for Down {
    fn from(error: sequencer::Error) -> Self {
        Self::Core(error)
    }
}

/// The outcome of a delivery in the sequencer.
pub(crate) enum Sequenced {
    Sealed(Vec<InHand>),
    /// To be tried again later.
    Failed(Delivery),
}

pub(crate) struct Process {
    pub(crate) sequencer: Sequencer,
    pub(crate) log: Log,
    pub(crate) faulty_disk: Arc<FaultyDisk>,
    pub(crate) history: History,
    pub(crate) ledger: Ledger,
    pub(crate) relay: Relay,
    pub(crate) notifier: Notifier,
    /// Delivered, not sequenced.
    pub(crate) inbox: VecDeque<Delivery>,
    /// Sealed, not durable.
    pub(crate) sealed: VecDeque<InHand>,
    /// To be put into a wait queue before they are acked.
    pub(crate) retries: VecDeque<Delivery>,
    /// Due, not fired. The view is asked for more when these are done.
    pub(crate) firing: VecDeque<Timer>,
    /// Complete checkpoints of which the core does not know yet.
    pub(crate) reports: VecDeque<Report>,
    /// An actor's restart budget is spent: nothing here may do that.
    pub(crate) spent: mpsc::UnboundedReceiver<RestartBudgetExceeded>,
    /// Whether some states are stored as an earlier build stored them.
    has_earlier_forms: bool,
}

impl Process {
    pub(crate) fn start(
        disk: Arc<SimDisk>,
        options: &store::Options,
        settings: Settings,
        has_earlier_forms: bool,
        clock: SimulatedClock,
    ) -> Result<(Self, Recovery), store::Error> {
        let faulty_disk = Arc::new(FaultyDisk::new(disk));
        let shared = Arc::clone(&faulty_disk) as Arc<dyn Disk>;
        let opened = store::open(&shared, options)?;
        Ok(Self::of(opened, faulty_disk, settings, has_earlier_forms, clock))
    }

    /// The process around an open store.
    pub(crate) fn of(
        opened: Opened,
        faulty_disk: Arc<FaultyDisk>,
        settings: Settings,
        has_earlier_forms: bool,
        clock: SimulatedClock,
    ) -> (Self, Recovery) {
        let core = Core::of(opened, settings, clock);
        let process = Self {
            sequencer: core.sequencer,
            log: core.log,
            relay: Relay::new(core.history.clone(), &core.recovery),
            history: core.history,
            faulty_disk,
            ledger: Ledger::default(),
            notifier: Notifier::default(),
            inbox: VecDeque::new(),
            sealed: VecDeque::new(),
            retries: VecDeque::new(),
            firing: VecDeque::new(),
            reports: VecDeque::new(),
            spent: core.failures,
            has_earlier_forms,
        };
        (process, core.recovery)
    }

    /// Runs a delivery through the core, with the callbacks that follow it.
    pub(crate) async fn sequence(
        &mut self,
        delivery: Delivery,
        most_attempts: u32,
    ) -> Result<Sequenced, Down> {
        let settles = Some((delivery.generation, delivery.tag));
        let inbound = delivery.message.inbound();
        let step = caught(self.sequencer.run(&inbound)).await?;
        if let Step::Failed { problem } = &step {
            assert!(problem.contains("panicked"), "the owners disagree: {problem}");
        }
        let (sealed, input) = match step {
            Step::Sealed(sealed) => (*sealed, Input::Message(delivery.message)),
            Step::Failed { problem } if inbound.attempts + 1 >= most_attempts => {
                let sealed = caught(self.sequencer.park_failed(&inbound, problem)).await?;
                (sealed, Input::Failed(delivery.message))
            }
            Step::Failed { .. } => return Ok(Sequenced::Failed(delivery)),
            Step::DeadLetter(letter) => panic!("there is room for all that is parked: {letter:?}"),
        };
        self.take_up(sealed, input, settles).await.map(Sequenced::Sealed)
    }

    /// Parks a delivery that failed outside of the core in its last attempt.
    pub(crate) async fn park(&mut self, delivery: Delivery) -> Result<Vec<InHand>, Down> {
        let settles = Some((delivery.generation, delivery.tag));
        let inbound = delivery.message.inbound();
        let parked = self.sequencer.park_failed(&inbound, "it failed".to_owned());
        let sealed = caught(parked).await?;
        self.take_up(sealed, Input::Failed(delivery.message), settles).await
    }

    /// Fires the next timer that is due. A timer that fails fires again later.
    pub(crate) async fn fire(&mut self, timer: Timer) -> Result<Vec<InHand>, Down> {
        if timer.kind == orderly_actors::changeset::TimerKind::Notify as u8 {
            let after = self.sequencer.view().borrow().next_seq();
            self.notifier.look_at(timer.ordinal, after);
            return Ok(Vec::new());
        }
        match caught(self.sequencer.fire(timer)).await? {
            Some(Step::Sealed(sealed)) => {
                let record = &sealed.entry.record;
                let input = match record.origin {
                    Origin::HoldTimer => Input::HoldTimer,
                    Origin::Retention => Input::Retention,
                    _ if record.reason == Some(Reason::OrderNeverCame) => Input::NeverCame,
                    _ => Input::Waited,
                };
                self.take_up(*sealed, input, None).await
            }
            Some(Step::Failed { .. } | Step::DeadLetter(_)) => {
                self.firing.push_back(timer);
                Ok(Vec::new())
            }
            None => Ok(Vec::new()),
        }
    }

    /// The due notifications of an order.
    pub(crate) async fn pending(&mut self, order: Ordinal) -> Result<Vec<DueDelivery>, Down> {
        caught(self.sequencer.pending_notifications(order)).await.map(Option::unwrap_or_default)
    }

    /// Records the outcome of a notification. `false` when that failed and has to be tried again.
    pub(crate) async fn notified(
        &mut self,
        delivery: &DueDelivery,
        sent: Sent,
    ) -> Result<Option<Vec<InHand>>, Down> {
        match caught(self.sequencer.notified(delivery, sent)).await? {
            Some(Step::Sealed(sealed)) => {
                self.take_up(*sealed, Input::Notified, None).await.map(Some)
            }
            Some(Step::Failed { .. } | Step::DeadLetter(_)) => Ok(None),
            None => Ok(Some(Vec::new())),
        }
    }

    /// Takes a sealed unit, and runs the callbacks that waited for its order.
    async fn take_up(
        &mut self,
        sealed: Sealed,
        input: Input,
        settles: Option<(u64, u64)>,
    ) -> Result<Vec<InHand>, Down> {
        let mut taken = Vec::new();
        let mut next = Some((sealed, input, settles));
        while let Some((sealed, input, settles)) = next.take() {
            assert!(taken.len() <= MOST_BEHIND, "callbacks that waited go on for ever");
            assert!(!sealed.dead_letter, "there is room for all that is parked");
            let mut notify = Vec::new();
            let mut waiting = None;
            for follow_up in sealed.follow_ups {
                match follow_up {
                    FollowUp::RunWaiting(order) => waiting = Some(order),
                    FollowUp::Notify(order) => notify.push(order),
                }
            }
            let unit = if self.has_earlier_forms && !sealed.unit.seq.0.is_multiple_of(NEWEST) {
                Arc::new(earlier::unit(&sealed.unit))
            } else {
                sealed.unit
            };
            let in_hand = InHand { unit, entry: sealed.entry, input, settles, notify };
            self.sealed.push_back(in_hand.clone());
            taken.push(in_hand);
            if let Some(order) = waiting
                && let Some(Step::Sealed(sealed)) =
                    caught(self.sequencer.run_waiting(order)).await?
            {
                next = Some((*sealed, Input::Waited, None));
            }
        }
        Ok(taken)
    }

    /// Makes the first `count` sealed units durable, as one group.
    pub(crate) fn commit(&mut self, count: usize) -> Result<Vec<InHand>, Down> {
        let count = count.min(self.sealed.len());
        let units: Vec<_> =
            self.sealed.range(..count).map(|in_hand| Arc::clone(&in_hand.unit)).collect();
        let committed = self.log.commit(&units)?;
        if let Some(last) = units.last() {
            assert_eq!(committed.through, last.next, "all of the group is durable");
        }
        Ok(self.are_durable(count))
    }

    /// The first `count` sealed units are durable.
    pub(crate) fn are_durable(&mut self, count: usize) -> Vec<InHand> {
        let durable: Vec<_> = self.sealed.drain(..count).collect();
        for in_hand in &durable {
            self.relay.durable(Arc::clone(&in_hand.entry));
            for order in &in_hand.notify {
                self.notifier.look_at(*order, in_hand.unit.next);
            }
        }
        durable
    }

    /// Whether the process only waits for messages and timers.
    pub(crate) fn is_idle(&self) -> bool {
        self.inbox.is_empty()
            && self.sealed.is_empty()
            && self.retries.is_empty()
            && self.firing.is_empty()
            && self.relay.is_idle()
            && self.notifier.is_idle()
    }
}

/// Awaits a step of the core. A planned panic in the thread of the core ends the process.
async fn caught<T>(step: impl Future<Output = Result<T, sequencer::Error>>) -> Result<T, Down> {
    match AssertUnwindSafe(step).catch_unwind().await {
        Ok(done) => Ok(done?),
        Err(panic) if fault_injection::is_planned(&*panic) => Err(Down::Panicked),
        Err(panic) => resume_unwind(panic),
    }
}
