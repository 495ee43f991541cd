//! The outcome of a command: what an owner replies, and how a command can fail or end.

use crate::changeset::Changeset;
use crate::owner::Owner;
use crate::states;
use crate::supervisor::{Monitored, OwnerAddr};
use actix::prelude::*;
use orderly_domain::command::Invalid;
use orderly_domain::id::OrderId;
use orderly_domain::money::Currency;
use orderly_domain::verdict::{Detail, Reason, Refusal, Verdict};
use orderly_store::{Ordinal, Seq};

/// Asks an owner to delete its part of an order.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Reply<DeleteReply>")]
pub struct DeleteOrderData {
    /// The order.
    pub order: Ordinal,
    /// The order's currency.
    pub currency: Currency,
}

/// What an owner replies to [`DeleteOrderData`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteReply {
    /// The owner keeps nothing of the order any more.
    Deleted,
    /// The order must stay: the owner still expects something, such as the end of a refund.
    InUse,
}

/// Why a command could not be decided. (A refusal by a business rule is a decision: see [`Outcome`].)
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// A state could not be read: final for this process.
    #[error(transparent)]
    State(#[from] states::Error),
    /// An owner panicked.
    #[error("the {0} actor panicked")]
    Panicked(Owner),
    /// The command does not fit the state that it is about: it is invalid.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The states of two owners contradict each other: a bug. The command must change nothing.
    #[error("{0}")]
    Inconsistent(&'static str),
}

impl From<orderly_store::Error> for Fault {
    fn from(error: orderly_store::Error) -> Self {
        Self::State(error.into())
    }
}

/// The reply of an owner: a value and the changes of its states, or why the command ends.
pub type Reply<T> = Result<(T, Changeset), CommandError>;

/// Why a command ends before all of its steps are done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError {
    /// A business rule refuses the command.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The command could not be decided.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<states::Error> for CommandError {
    fn from(error: states::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<orderly_store::Error> for CommandError {
    fn from(error: orderly_store::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// What was decided about a command.
#[derive(Debug)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, where the verdict alone does not say it.
    pub reason: Option<Reason>,
    /// More about the reason.
    pub detail: Option<Detail>,
    /// The order that the command was about, with its place in the store when it has one.
    pub order: Option<(OrderId, Option<Ordinal>)>,
    /// Of a command that was refused because of an earlier one: the unit of that.
    pub original: Option<Seq>,
    /// What the command changes.
    pub changeset: Changeset,
}

impl Outcome {
    /// A verdict that needs no reason.
    pub fn new(verdict: Verdict, changeset: Changeset) -> Self {
        Self { verdict, reason: None, detail: None, order: None, original: None, changeset }
    }

    /// A refusal: nothing is changed.
    pub fn refused(refusal: Refusal) -> Self {
        Self {
            reason: Some(refusal.reason),
            detail: refusal.detail,
            ..Self::new(Verdict::Rejected, Changeset::default())
        }
    }

    /// The same outcome, about this order.
    #[must_use]
    pub fn about(self, id: OrderId, ordinal: Option<Ordinal>) -> Self {
        Self { order: Some((id, ordinal)), ..self }
    }

    /// The outcome of a command that one owner decides alone.
    pub fn of_reply(reply: Reply<()>) -> Result<Self, Fault> {
        match reply {
            Ok(((), changeset)) => Ok(Self::new(Verdict::Applied, changeset)),
            Err(CommandError::Refused(refusal)) => Ok(Self::refused(refusal)),
            Err(CommandError::Fault(fault)) => Err(fault),
        }
    }
}

/// The reply of an owner to a request that no business rule refuses, because the rules of orders decided
/// on it before. A refusal is a bug.
pub fn accepted<T>(reply: Reply<T>) -> Result<(T, Changeset), Fault> {
    match reply {
        Ok(done) => Ok(done),
        Err(CommandError::Fault(fault)) => Err(fault),
        Err(CommandError::Refused(Refusal { reason, detail })) => {
            tracing::error!(%reason, ?detail, "an owner refused what the rules of orders had decided: a bug");
            Err(Fault::Inconsistent("an owner refused what the rules of orders had decided"))
        }
    }
}

/// Asks an owner. When the owner panics the message is lost, and the error says so.
pub async fn ask<A, M>(owner: &OwnerAddr<A>, message: M) -> Result<M::Result, Fault>
where
    A: Monitored + Actor<Context = Context<A>> + Handler<M> + Unpin,
    M: Message + Send + 'static,
    M::Result: Send,
{
    owner.send(message).await.map_err(|_| Fault::Panicked(A::OWNER))
}
