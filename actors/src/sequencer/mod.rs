//! Takes one command at a time through the owners to its end, and seals what it did as a unit.
//!
//! One at a time: business code never waits for a disk or a network, and the effects of
//! commands happen in the order of the commands, so the same inputs give the same outputs.
//! While a command runs, its changes are staged in the owners that it touches. When its unit is
//! sealed they become memory; when it is refused or an owner panics they are dropped
//! everywhere. The next command starts only then.
//!
//! A unit that is sealed is not durable yet: nothing of it may leave the process before
//! [`Log::commit`](orderly_store::Log::commit) has returned for it.

mod audit;
mod dead_letter;
mod inbound;
mod notify;
mod owners;
mod quarantine;
mod retention;
mod seal;

pub use inbound::{InboundMessage, Raw};
pub use notify::ResendOutcome;
pub use owners::{Capacities, Owners, Settings};
pub use quarantine::PreviousRun;
pub use retention::RetentionCounts;
use seal::Turn;

use crate::cart;
use crate::changeset::{Changeset, NewTimer, TimerKind};
use crate::clock::Clock;
use crate::inventory;
use crate::journal_entry::JournalEntry;
use crate::names;
use crate::order;
use crate::states::{self, SharedView};
use crate::supervisor::Failures;
use crate::tables;
use crate::turn::{Fault, Outcome, Rollback, ask};
use orderly_domain::canonical;
use orderly_domain::command::Command;
use orderly_domain::id::{CommandId, OrderId, Source};
use orderly_domain::identity::{self, DataHash};
use orderly_domain::record::{Named, Origin};
use orderly_domain::stored;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::{self as store, IdentityHash, Ordinal, Seq, Timer, Unit};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The sequencer, with the five owners it drives.
pub struct Sequencer {
    view: SharedView,
    owners: Owners,
    clock: Box<dyn Clock>,
    /// The latest time that was given out.
    latest: Cell<Timestamp>,
    retention: RetentionCounts,
    audits: audit::Audits,
    settings: Settings,
}

/// A unit that was sealed, and what the process needs to know of it.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// What goes to the journal.
    pub unit: Arc<Unit>,
    /// The same, readable.
    pub entry: Arc<JournalEntry>,
    /// What is to be done right behind it.
    pub follow_ups: Vec<FollowUp>,
    /// The message, whole, must also go to the broker's dead letters before it is
    /// acknowledged: it was parked, but not all of it is kept.
    pub dead_letter: bool,
}

/// What a unit leaves to be done right behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// Apply the first callback that waited for this order.
    RunWaiting(Ordinal),
    /// Send this order's notifications, once the unit is durable.
    Notify(Ordinal),
}

/// How a message left the sequencer.
#[derive(Debug)]
pub enum Step {
    /// Its unit is sealed.
    Sealed(Box<Sealed>),
    /// It came to no end, twice: it is to be tried again later, or parked.
    Failed {
        /// What went wrong.
        problem: String,
    },
}

/// The sequencer cannot go on: the process must end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed, or a state in it cannot be read.
    #[error(transparent)]
    State(#[from] states::Error),
    /// A state cannot be written.
    #[error("a state cannot be encoded: {0}")]
    Encode(#[from] stored::Error),
    /// A command's data cannot be told from other data.
    #[error("the data of a command cannot be hashed: {0}")]
    Data(#[from] canonical::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::State(error.into())
    }
}

impl Sequencer {
    /// Starts the five owners on the current thread, above the store that `view` reads.
    pub fn start(
        view: store::View,
        settings: Settings,
        clock: Box<dyn Clock>,
        failures: &Failures,
    ) -> Self {
        let view = Rc::new(RefCell::new(view));
        let owners = Owners::start(&view, &settings, failures);
        Self {
            view,
            owners,
            clock,
            latest: Cell::default(),
            retention: RetentionCounts::default(),
            audits: audit::Audits::default(),
            settings,
        }
    }

    /// The store's read path.
    pub fn view(&self) -> &SharedView {
        &self.view
    }

    /// The owners.
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// The time that the next unit will have. It never falls behind one that it gave before: timers that were due by
    /// then are handed out once, and must be due still when they are fired, though the wall clock stepped back.
    pub fn now(&self) -> Timestamp {
        let last = Timestamp::from_micros(self.view.borrow().clock());
        let now = self.clock.now().max(last).max(self.latest.get());
        self.latest.set(now);
        now
    }

    /// Takes a message to its end.
    pub async fn run(&mut self, inbound: &InboundMessage) -> Result<Step, Error> {
        let now = self.now();
        let (command, source, id) = match (&inbound.command, &inbound.source, &inbound.id) {
            (Ok(command), Some(source), Some(id)) => (command, source, id),
            (Err(invalid), _, _) => {
                let detail = Some(invalid.detail.clone().into());
                return self.park(inbound, invalid.reason, detail, now).await.map(Step::from);
            }
            (Ok(_), _, _) => {
                let detail = Some("id and source are required".into());
                return self.park(inbound, Reason::Malformed, detail, now).await.map(Step::from);
            }
        };
        let identity = Identity {
            hash: IdentityHash(identity::of(source, id, command)),
            data: DataHash::new(command)?,
        };
        if let Some(seen) = self.seen(&identity.hash)? {
            let same = identity.data.is_same(seen.data, command)?;
            return self.again(inbound, command, seen.seq, same, now).await.map(Step::from);
        }
        // behind the identity: one that was carried out in time and comes again is a duplicate
        if let Some(deadline) = inbound.deadline.filter(|deadline| *deadline < now) {
            let detail = Some(format!("its deadline was {deadline}, it came at {now}").into());
            return self.park(inbound, Reason::Deadline, detail, now).await.map(Step::from);
        }
        let oldest = now.minus(self.settings.identity_retention);
        if let Some(time) = inbound.time.filter(|time| *time < oldest) {
            let problem = format!("its time is {time}, identities are kept since {oldest} only");
            let detail = Some(problem.into());
            return self.park(inbound, Reason::ExpiredIdentity, detail, now).await.map(Step::from);
        }
        let message = Message { source, id, trace: inbound.trace };
        self.decide(inbound, command, &message, identity, now).await
    }

    fn seen(&self, hash: &IdentityHash) -> Result<Option<store::Seen>, store::Error> {
        self.view.borrow().identity(hash)
    }

    async fn decide(
        &mut self,
        inbound: &InboundMessage,
        command: &Command,
        message: &Message<'_>,
        identity: Identity,
        now: Timestamp,
    ) -> Result<Step, Error> {
        let outcome = match self.attempt_twice(command, message, now).await? {
            Attempt::Ended(outcome) => outcome,
            Attempt::Invalid(invalid) => {
                let detail = Some(invalid.detail.into());
                return self.park(inbound, invalid.reason, detail, now).await.map(Step::from);
            }
            Attempt::Failed(problem) => return Ok(Step::Failed { problem }),
        };
        if outcome.verdict == Verdict::Failed {
            let reason = outcome.reason.unwrap_or(Reason::Failed);
            return self.park(inbound, reason, outcome.detail, now).await.map(Step::from);
        }
        let origin = Origin::Message {
            source: Some(message.source.clone()),
            id: Some(message.id.clone()),
            kind: Named::from(command.kind()),
        };
        let turn = Turn { identity: Some(identity), ..Turn::new(origin, message.trace, now) };
        Ok(self.seal(turn, outcome).await?.into())
    }

    /// Tries a command; once more on reloaded states when an owner panicked on it.
    async fn attempt_twice(
        &mut self,
        command: &Command,
        message: &Message<'_>,
        now: Timestamp,
    ) -> Result<Attempt, Error> {
        let mut tried_before = false;
        loop {
            let fault = match self.dispatch(command, message, now).await {
                Ok(outcome) => return Ok(Attempt::Ended(outcome)),
                Err(fault) => fault,
            };
            match fault {
                Fault::State(error) => return Err(error.into()),
                Fault::Invalid(invalid) => {
                    self.owners.roll_back(Rollback::Staged).await;
                    return Ok(Attempt::Invalid(invalid));
                }
                Fault::Panicked(_) | Fault::Inconsistent(_) => {
                    self.owners.roll_back(Rollback::All).await;
                    if tried_before {
                        return Ok(Attempt::Failed(fault.to_string()));
                    }
                    tried_before = true;
                }
            }
        }
    }

    /// Asks the owner that a command belongs to.
    async fn dispatch(
        &self,
        command: &Command,
        message: &Message<'_>,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let Owners { cart, inventory, order, .. } = &self.owners;
        match command.clone() {
            Command::StockSet(set) => {
                let reply = ask(inventory, inventory::Set(set)).await?;
                Outcome::from_answer(reply)
            }
            Command::StockAdjust(adjust) => {
                let reply = ask(inventory, inventory::Adjust(adjust)).await?;
                Outcome::from_answer(reply)
            }
            Command::CartPut(put) => Outcome::from_answer(ask(cart, cart::Put { put, now }).await?),
            Command::CartAdd(add) => Outcome::from_answer(ask(cart, cart::Add { add, now }).await?),
            Command::CartClear(clear) => {
                Outcome::from_answer(ask(cart, cart::Clear { clear, now }).await?)
            }
            Command::CartMerge(merge) => {
                Outcome::from_answer(ask(cart, cart::Merge { merge, now }).await?)
            }
            Command::CartCheckout(checkout) => {
                ask(order, order::Checkout { checkout, now }).await?
            }
            Command::OrderPlace(place) => ask(order, order::Place { place, now }).await?,
            Command::OrderCancel(cancel) => ask(order, order::Cancel { cancel, now }).await?,
            Command::OrderComplete(complete) => {
                ask(order, order::Complete { complete, now }).await?
            }
            Command::OrderResolve(resolve) => ask(order, order::Resolve { resolve, now }).await?,
            Command::RefundRequest(request) => ask(order, order::Refund { request, now }).await?,
            Command::PaymentCallback(callback) => {
                let callback = order::Callback {
                    callback,
                    source: message.source.clone(),
                    command_id: message.id.clone(),
                    trace: message.trace,
                    now,
                };
                ask(order, callback).await?
            }
        }
    }

    /// An identity comes again: nothing happens twice. With other data it is parked.
    async fn again(
        &mut self,
        inbound: &InboundMessage,
        command: &Command,
        first: Seq,
        same: bool,
        now: Timestamp,
    ) -> Result<Sealed, Error> {
        let order = match order_of(command) {
            Some(id) => {
                let name = names::name(id.as_str());
                let ordinal = self.view.borrow().find(tables::ORDERS, &name)?;
                Some((id.clone(), ordinal))
            }
            None => None,
        };
        if same {
            let outcome =
                Outcome { order, ..Outcome::new(Verdict::Duplicate, Changeset::default()) };
            let turn =
                Turn { original: Some(first), ..Turn::new(inbound.origin(), inbound.trace, now) };
            return self.write(turn, outcome); // no owner was asked
        }
        self.park_conflict(inbound, first, order, now).await
    }

    /// Deals with a timer that is due. `None`: there was nothing to do any more.
    pub async fn fire(&mut self, timer: Timer) -> Result<Option<Step>, Error> {
        match TimerKind::from_number(timer.kind) {
            Some(TimerKind::Hold) => self.expire_hold(timer.ordinal).await,
            Some(TimerKind::Waiting) => self.run_waiting(timer.ordinal).await,
            Some(TimerKind::Cart) => self.expire_or_delete_cart(timer.ordinal).await,
            Some(TimerKind::OrphanedCallback) => self.park_orphaned_callback(timer.ordinal).await,
            Some(TimerKind::DeleteOrder) => self.delete_order(timer.ordinal).await,
            // these are the notifier's: see `pending_notifications`
            Some(TimerKind::Notify) | None => Ok(None),
        }
    }

    async fn expire_hold(&mut self, order: Ordinal) -> Result<Option<Step>, Error> {
        let now = self.now();
        for _ in 0..2 {
            let lapse = order::ExpireHold { order, now };
            match ask(&self.owners.order, lapse).await.and_then(|reply| reply) {
                Ok(Some(outcome)) => {
                    let turn = Turn::new(Origin::HoldTimer, None, now);
                    return Ok(Some(self.seal(turn, outcome).await?.into()));
                }
                Ok(None) => {
                    self.owners.roll_back(Rollback::Staged).await;
                    return Ok(None);
                }
                Err(fault) => self.recover(fault).await?,
            }
        }
        Ok(Some(Step::Failed { problem: format!("the hold of order {} cannot lapse", order.0) }))
    }

    /// Applies the first callback that waited for `order`.
    pub async fn run_waiting(&mut self, order: Ordinal) -> Result<Option<Step>, Error> {
        let now = self.now();
        for _ in 0..2 {
            let run = order::RunWaiting { order, now };
            match ask(&self.owners.order, run).await.and_then(|reply| reply) {
                Ok(Some((outcome, waited))) => {
                    let order::Waited { source, command_id: id, trace } = waited;
                    let origin = Origin::Waited { source, id };
                    let turn = Turn::new(origin, trace, now);
                    return Ok(Some(self.seal(turn, outcome).await?.into()));
                }
                Ok(None) => {
                    self.owners.roll_back(Rollback::Staged).await;
                    return Ok(None);
                }
                Err(fault) => self.recover(fault).await?,
            }
        }
        self.park_waiting(order, now).await
    }

    /// Drops what the turn staged after a fault; a store that failed ends it all.
    async fn recover(&mut self, fault: Fault) -> Result<(), Error> {
        if let Fault::State(error) = fault {
            return Err(error.into());
        }
        tracing::error!(problem = %fault, "a step of the core failed");
        self.owners.roll_back(Rollback::All).await;
        Ok(())
    }
}

impl InboundMessage {
    fn origin(&self) -> Origin {
        Origin::Message {
            source: self.source.clone(),
            id: self.id.clone(),
            kind: self.kind.clone(),
        }
    }
}

impl From<Sealed> for Step {
    fn from(sealed: Sealed) -> Self {
        Self::Sealed(Box::new(sealed))
    }
}

/// The message that carries the command in hand.
struct Message<'a> {
    source: &'a Source,
    id: &'a CommandId,
    trace: Option<TraceParent>,
}

/// The identity that the command in hand will use up.
#[derive(Clone, Copy)]
struct Identity {
    hash: IdentityHash,
    data: DataHash,
}

enum Attempt {
    Ended(Outcome),
    Invalid(orderly_domain::command::Invalid),
    Failed(String),
}

/// The order that a command names.
pub fn order_of(command: &Command) -> Option<&OrderId> {
    match command {
        Command::CartCheckout(checkout) => Some(&checkout.order_id),
        Command::OrderPlace(place) => Some(&place.order_id),
        Command::OrderCancel(cancel) => Some(&cancel.order_id),
        Command::OrderComplete(complete) => Some(&complete.order_id),
        Command::PaymentCallback(callback) => Some(&callback.order_id),
        Command::OrderResolve(resolve) => Some(&resolve.order_id),
        Command::RefundRequest(request) => Some(&request.order_id),
        Command::StockSet(_)
        | Command::StockAdjust(_)
        | Command::CartPut(_)
        | Command::CartAdd(_)
        | Command::CartClear(_)
        | Command::CartMerge(_) => None,
    }
}

impl Sequencer {
    /// Puts a timer off that could not be dealt with, so that it is not lost.
    pub async fn postpone_timer(&mut self, timer: Timer) -> Result<Sealed, Error> {
        const PAUSE: Duration = Duration::from_secs(30);
        let now = self.now();
        let mut changeset = Changeset::default();
        if let Some(kind) = TimerKind::from_number(timer.kind) {
            changeset.timers.push(NewTimer { due: now.plus(PAUSE), kind, ordinal: timer.ordinal });
        }
        let turn = Turn::new(Origin::Age, None, now);
        self.seal(turn, Outcome::new(Verdict::Applied, changeset)).await
    }
}
