//! From a message to the owner that decides, and to its verdict.

use super::attempt::Attempt;
use super::inbound::InboundMessage;
use super::owners::Owners;
use super::seal::{Identity, UnitContext};
use super::state::Sequencer;
use super::step::{Error, Sealed, Step};
use crate::cart;
use crate::changeset::Changeset;
use crate::inventory;
use crate::names;
use crate::order;
use crate::outcome::{Fault, Outcome, ask};
use crate::tables;
use orderly_domain::command::Command;
use orderly_domain::id::{CommandId, Source};
use orderly_domain::identity::{self, DataHash};
use orderly_domain::record::{CommandName, Origin};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::{IdentityHash, Seq};

/// The message that brought the command in hand.
struct Message<'a> {
    source: &'a Source,
    id: &'a CommandId,
    trace: Option<TraceParent>,
}

impl Sequencer {
    /// Processes a message. In the end its unit is sealed, or the message failed.
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
            data: DataHash::new(command),
        };
        let seen = self.view.borrow().identity(&identity.hash)?;
        if let Some(seen) = seen.filter(|seen| !DataHash::is_freed(seen.data)) {
            let same = identity.data.is_same(seen.data);
            return self.repeat(inbound, command, seen.seq, same, now).await.map(Step::from);
        }
        // the identity is checked first: a command that was applied in time and comes again is a duplicate
        // compare with the wall clock: the time of units may be ahead of a wall clock that stepped back
        let wall = self.wall_clock();
        if let Some(deadline) = inbound.deadline.filter(|deadline| *deadline < wall) {
            let detail = Some(format!("its deadline was {deadline}, it came at {wall}").into());
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

    async fn decide(
        &mut self,
        inbound: &InboundMessage,
        command: &Command,
        message: &Message<'_>,
        identity: Identity,
        now: Timestamp,
    ) -> Result<Step, Error> {
        let attempt = self.attempt(async |owners| dispatch(owners, command, message, now).await);
        let outcome = match attempt.await? {
            Attempt::Done(outcome) => outcome,
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
            kind: CommandName::from(command.kind()),
        };
        let context = UnitContext {
            identity: Some(identity),
            ignored: inbound.ignored.clone(),
            ..UnitContext::new(origin, message.trace, now)
        };
        self.seal_step(context, outcome).await
    }

    /// Seals the verdict on a command whose identity was seen before: a duplicate changes nothing, and a
    /// conflict (other data) is parked.
    async fn repeat(
        &mut self,
        inbound: &InboundMessage,
        command: &Command,
        first: Seq,
        same_data: bool,
        now: Timestamp,
    ) -> Result<Sealed, Error> {
        if !same_data {
            return self.park_conflict(inbound, first, now).await;
        }
        let order = match command.subject().order_id {
            Some(id) => {
                let ordinal = names::find(&self.view.borrow(), tables::ORDERS, id.as_str())?;
                Some((id, ordinal))
            }
            None => None,
        };
        let outcome = Outcome { order, ..Outcome::new(Verdict::Duplicate, Changeset::default()) };
        let context =
            UnitContext { original: Some(first), ..UnitContext::of_message(inbound, now) };
        self.write(context, outcome) // no owner was asked, so none has to roll back
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
