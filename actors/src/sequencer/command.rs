//! From a message to the owner that decides, and to its verdict.

use super::attempt::Attempt;
use super::dead_letter::Unprocessable;
use super::inbound::InboundMessage;
use super::owners::Owners;
use super::seal::{Decided, Identity, UnitContext};
use super::state::Sequencer;
use super::step::{Error, Step};
use crate::cart;
use crate::changeset::Changeset;
use crate::inventory;
use crate::order;
use crate::outcome::{Fault, Outcome, ask};
use orderly_domain::command::Command;
use orderly_domain::id::{CommandId, Source};
use orderly_domain::identity::{self, DataHash};
use orderly_domain::lists;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Detail, Reason, Verdict};
use orderly_planted::{Bug, is_planted};
use orderly_store::{IdentityHash, List, Seq};

/// The message that brought the command in hand.
struct Message<'a> {
    source: &'a Source,
    id: &'a CommandId,
    trace: Option<TraceParent>,
}

/// What is to become of a message.
pub(super) enum Judgement {
    /// The owners decided its command, and have staged what it changes.
    Decided(Box<Decided>),
    /// Its command came before: no owner was asked.
    Repeated(Box<Decided>),
    /// It cannot be processed, and is to be parked. Nothing is staged but by a failure that the owners decided.
    Unprocessable(Box<Unprocessable>),
    /// Two attempts failed: what went wrong the second time.
    Failed(String),
}

/// Which identity a command uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdentityOf {
    /// That of the command.
    Command,
    /// One of its own, since the command's was used up with other data.
    ReplayedConflict,
}

impl Sequencer {
    /// Processes a message. In the end its unit is sealed, or the message failed.
    pub async fn run(&mut self, inbound: &InboundMessage) -> Result<Step, Error> {
        let now = self.now();
        match self.judge(inbound, IdentityOf::Command, now).await? {
            Judgement::Decided(decided) => self.seal_step(decided).await,
            // no owner was asked, so none has to roll back
            Judgement::Repeated(decided) => self.write(decided).map(Step::from),
            Judgement::Unprocessable(why) => self.park(inbound, *why).await.map(Step::from),
            Judgement::Failed(problem) => Ok(Step::Failed { problem }),
        }
    }

    /// Decides what is to become of a message. Nothing is sealed yet.
    pub(super) async fn judge(
        &mut self,
        inbound: &InboundMessage,
        identity_of: IdentityOf,
        now: Timestamp,
    ) -> Result<Judgement, Error> {
        let unprocessable = |reason, detail: Detail| {
            let why = Unprocessable::new(inbound, reason, Some(detail), now);
            Ok(Judgement::Unprocessable(Box::new(why)))
        };
        let (command, source, id) = match (&inbound.command, &inbound.source, &inbound.id) {
            (Ok(command), Some(source), Some(id)) => (command, source, id),
            (Err(invalid), _, _) => {
                return unprocessable(invalid.reason, invalid.detail.clone().into());
            }
            (Ok(_), _, _) => {
                return unprocessable(Reason::Malformed, "id and source are required".into());
            }
        };
        let data = DataHash::new(command);
        let hash = match (identity_of, identity::of(source, id, command)) {
            (IdentityOf::Command, hash) => hash,
            (IdentityOf::ReplayedConflict, before) => identity::of_replayed_conflict(before, data),
        };
        let identity = Identity { hash: IdentityHash(hash), data };
        let seen = self.view.borrow().identity(&identity.hash)?;
        let seen = seen.filter(|_| !is_planted(Bug::DroppedDedupe));
        if let Some(seen) = seen.filter(|seen| !DataHash::is_freed(seen.data)) {
            if !identity.data.is_same(seen.data) {
                let why = Unprocessable::conflict(inbound, seen.seq, now);
                return Ok(Judgement::Unprocessable(Box::new(why)));
            }
            return self.repeat(inbound, command, seen.seq, now);
        }
        // the identity is checked first: a command that was applied in time and comes again is a duplicate
        // compare with the wall clock: the time of units may be ahead of a wall clock that stepped back
        let wall = self.wall_clock();
        if let Some(deadline) = inbound.deadline.filter(|deadline| *deadline < wall) {
            let detail = format!("its deadline was {deadline}, it came at {wall}");
            return unprocessable(Reason::Deadline, detail.into());
        }
        let oldest = now.minus(self.settings.identity_retention);
        if let Some(time) = inbound.time.filter(|time| *time < oldest) {
            let problem = format!("its time is {time}, identities are kept since {oldest} only");
            return unprocessable(Reason::ExpiredIdentity, problem.into());
        }
        let message = Message { source, id, trace: inbound.trace };
        self.decide(inbound, command, &message, identity, now).await
    }

    async fn decide(
        &mut self,
        inbound: &InboundMessage,
        command: &Command,
        message: &Message<'_>,
        identity: Identity,
        now: Timestamp,
    ) -> Result<Judgement, Error> {
        let attempt = self.attempt(async |owners| dispatch(owners, command, message, now).await);
        let unprocessable = |reason, detail| {
            let why = Unprocessable::new(inbound, reason, detail, now);
            Ok(Judgement::Unprocessable(Box::new(why)))
        };
        let outcome = match attempt.await? {
            Attempt::Done(outcome) => outcome,
            Attempt::Invalid(invalid) => {
                return unprocessable(invalid.reason, Some(invalid.detail.into()));
            }
            Attempt::Failed(problem) => return Ok(Judgement::Failed(problem)),
        };
        if outcome.verdict == Verdict::Failed {
            return unprocessable(outcome.reason.unwrap_or(Reason::Failed), outcome.detail);
        }
        let event = match command {
            Command::PaymentCallback(callback) => {
                Some(List(lists::List::Event(callback.event_id.as_str()).number()))
            }
            _ => None,
        };
        let context = UnitContext {
            identity: Some(identity),
            event,
            ..UnitContext::of_message(inbound, now)
        };
        Ok(Judgement::Decided(Decided::new(context, outcome)))
    }

    /// The verdict on a command that came before with the same data: a duplicate changes nothing.
    fn repeat(
        &self,
        inbound: &InboundMessage,
        command: &Command,
        first: Seq,
        now: Timestamp,
    ) -> Result<Judgement, Error> {
        let order = self.placed(command.subject().order_id)?;
        let outcome = Outcome { order, ..Outcome::new(Verdict::Duplicate, Changeset::default()) };
        let context =
            UnitContext { original: Some(first), ..UnitContext::of_message(inbound, now) };
        Ok(Judgement::Repeated(Decided::new(context, outcome)))
    }
}

/// Asks the owner that decides the command.
async fn dispatch(
    owners: &Owners,
    command: &Command,
    message: &Message<'_>,
    now: Timestamp,
) -> Result<Outcome, Fault> {
    let Owners { cart, inventory, order, .. } = owners;
    match command.clone() {
        Command::StockSet(set) => Outcome::of_reply(ask(inventory, inventory::Set(set)).await?),
        Command::StockAdjust(adjust) => {
            Outcome::of_reply(ask(inventory, inventory::Adjust(adjust)).await?)
        }
        Command::CartPut(put) => Outcome::of_reply(ask(cart, cart::Put { put, now }).await?),
        Command::CartAdd(add) => Outcome::of_reply(ask(cart, cart::Add { add, now }).await?),
        Command::CartClear(clear) => {
            Outcome::of_reply(ask(cart, cart::Clear { clear, now }).await?)
        }
        Command::CartMerge(merge) => {
            Outcome::of_reply(ask(cart, cart::Merge { merge, now }).await?)
        }
        Command::CartCheckout(checkout) => ask(order, order::Checkout { checkout, now }).await?,
        Command::OrderPlace(place) => ask(order, order::Place { place, now }).await?,
        Command::OrderAmend(amend) => ask(order, order::Amend { amend, now }).await?,
        Command::OrderCancel(cancel) => ask(order, order::Cancel { cancel, now }).await?,
        Command::OrderCapture(capture) => ask(order, order::Capture { capture, now }).await?,
        Command::OrderComplete(complete) => ask(order, order::Complete { complete, now }).await?,
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
