//! What all five owners share: their names, the end of a turn, and how a message can fail.

use crate::changeset::Changeset;
use crate::states;
use actix::prelude::*;
use orderly_domain::command::Invalid;
use orderly_domain::id::OrderId;
use orderly_domain::verdict::{Detail, Reason, Refusal, Verdict};
use orderly_store::Ordinal;

/// The five owners of the shop's state.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Owner {
    /// Carts.
    Cart,
    /// Orders; it runs the flows.
    Order,
    /// Stock and reservations.
    Inventory,
    /// Attempts, refunds, disputes, waiting callbacks.
    Payment,
    /// What customers are told.
    Notification,
}

impl Owner {
    /// Every one, in order.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in metrics, in logs and in the admin API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

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

/// Asks `owner`, whose name is given for the error: a message that its actor panicked on is
/// lost to the actor, not to us.
pub async fn ask<A, M, T>(owner: &Addr<A>, name: Owner, message: M) -> Result<T, Fault>
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message<Result = T> + Send + 'static,
    T: Send + 'static,
{
    owner.send(message).await.map_err(|_| Fault::Panicked(name))
}
