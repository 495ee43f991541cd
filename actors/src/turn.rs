//! One command's turn through the owners: what an owner replies, how a command can fail, how it
//! ends, and how an owner's memory is rolled back.

use crate::changeset::Changeset;
use crate::owner::Owner;
use crate::states;
use crate::supervisor::Monitored;
use actix::prelude::*;
use orderly_domain::command::Invalid;
use orderly_domain::id::OrderId;
use orderly_domain::verdict::{Detail, Reason, Refusal, Verdict};
use orderly_store::Ordinal;

/// The turn of a command is over, and came to nothing: what it staged is dropped, or all memory with it.
///
/// Sent to every owner before the next command starts. When a turn comes to something nobody needs to be told:
/// owners see that its unit is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum Rollback {
    /// The command was refused.
    Staged,
    /// An owner panicked: no memory of this turn, or before, is trusted.
    All,
}

/// A settled order is to be forgotten, for good: each owner gives up its part.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Reply<DeleteReply>")]
pub struct DeleteOrderData {
    /// The order.
    pub order: Ordinal,
}

/// What an owner says of its part of an order that is to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteReply {
    /// It is gone, if there was any.
    Deleted,
    /// Something is under way: the order must stay.
    InUse,
}

/// Why a command came to no end. (A business refusal is an end: see [`Outcome`].)
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// A state could not be read: final for this process.
    #[error(transparent)]
    State(#[from] states::Error),
    /// An owner panicked on it.
    #[error("the {0} actor panicked")]
    Panicked(Owner),
    /// The data, together with the state, says something impossible.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Two owners disagree: a bug, which must not spread.
    #[error("{0}")]
    Inconsistent(&'static str),
}

impl From<orderly_store::Error> for Fault {
    fn from(error: orderly_store::Error) -> Self {
        Self::State(error.into())
    }
}

/// What an owner answers: its part of the command, or why the command stops here.
pub type Reply<T> = Result<(T, Changeset), CommandError>;

/// Why a flow does not go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError {
    /// A business rule said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It came to no end.
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

/// How a command ended.
#[derive(Debug)]
pub struct Outcome {
    /// What became of it.
    pub verdict: Verdict,
    /// Why, where there is a why.
    pub reason: Option<Reason>,
    /// More about the reason.
    pub detail: Option<Detail>,
    /// The order that it was about; with its place in the store where it has one.
    pub order: Option<(OrderId, Option<Ordinal>)>,
    /// What it changed and told.
    pub changeset: Changeset,
}

impl Outcome {
    /// An end without a why.
    pub fn new(verdict: Verdict, changeset: Changeset) -> Self {
        Self { verdict, reason: None, detail: None, order: None, changeset }
    }

    /// A refusal: nothing happened.
    pub fn refused(refusal: Refusal) -> Self {
        Self {
            reason: Some(refusal.reason),
            detail: refusal.detail,
            ..Self::new(Verdict::Rejected, Changeset::default())
        }
    }

    /// The same, about this order.
    #[must_use]
    pub fn about(self, id: OrderId, ordinal: Option<Ordinal>) -> Self {
        Self { order: Some((id, ordinal)), ..self }
    }

    /// A reply of one owner as the end of a command, refusals included.
    pub fn from_answer(reply: Reply<()>) -> Result<Self, Fault> {
        match reply {
            Ok(((), changeset)) => Ok(Self::new(Verdict::Applied, changeset)),
            Err(CommandError::Refused(refusal)) => Ok(Self::refused(refusal)),
            Err(CommandError::Fault(fault)) => Err(fault),
        }
    }
}

/// Asks an owner. An owner that panics loses the message; its sender still has it, and is told.
pub async fn ask<A, M>(owner: &Addr<A>, message: M) -> Result<M::Result, Fault>
where
    A: Monitored + Actor<Context = Context<A>> + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    owner.send(message).await.map_err(|_| Fault::Panicked(A::OWNER))
}
