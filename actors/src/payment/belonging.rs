//! Which callbacks are about money, and to which order the money belongs: the one place that says so, for orders that are
//! there and for orders that were deleted.
//!
//! Invariant: money counts for one order. The index names the order of every capture that has an id, and of every attempt
//! with an authorization or money, for ever: also when the order is deleted.

use super::items;
use orderly_domain::command::{CallbackKind, PaymentCallback};
use orderly_domain::id::{AttemptId, CaptureId, OrderId, Provider};
use orderly_domain::identity::{self, NameOf};
use orderly_store::{NameHash, Ordinal};

/// What a callback reports that belongs to one order. The names are those of orders in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// Captured money: of the order that counted the capture. `None`: the capture has no id, so it is known by its event.
    Capture(Option<NameHash>),
    /// Authorized money: of the order that the attempt belongs to.
    Authorization(NameHash),
    /// The result of a refund: of the order that the attempt belongs to, or of one that has money of the attempt.
    Refund(NameHash),
    /// The same of a dispute. A dispute moves no money.
    Dispute(NameHash),
    /// How an attempt goes on. That moves no money, and belongs to no order.
    Progress,
}

/// Another order has what a callback is about. `None`: an earlier build deleted that order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// The captured money counted for the order.
    Money(Option<OrderId>),
    /// The attempt belongs to the order: the first that counted an authorization or a capture of the attempt.
    Attempt(Option<OrderId>),
}

impl Reported {
    /// What the callback reports.
    pub fn of(callback: &PaymentCallback) -> Self {
        let PaymentCallback { provider, attempt_id, capture_id, .. } = callback;
        let attempt = || name_of_attempt(provider, attempt_id);
        match callback.kind {
            CallbackKind::Captured => {
                let capture = capture_id.as_ref();
                Self::Capture(capture.map(|capture| name_of_capture(provider, attempt_id, capture)))
            }
            CallbackKind::Authorized => Self::Authorization(attempt()),
            CallbackKind::RefundSucceeded | CallbackKind::RefundFailed => Self::Refund(attempt()),
            CallbackKind::DisputeOpened | CallbackKind::DisputeClosed => Self::Dispute(attempt()),
            CallbackKind::ActionRequired
            | CallbackKind::Failed
            | CallbackKind::Voided
            | CallbackKind::Expired => Self::Progress,
        }
    }

    /// The name by which the index finds the order that has it.
    pub fn name(self) -> Option<NameHash> {
        match self {
            Self::Capture(name) => name,
            Self::Authorization(name) | Self::Refund(name) | Self::Dispute(name) => Some(name),
            Self::Progress => None,
        }
    }

    /// What is said when that order has it.
    pub fn elsewhere(self, order: Option<OrderId>) -> Elsewhere {
        match self {
            Self::Capture(_) => Elsewhere::Money(order),
            Self::Authorization(_) | Self::Refund(_) | Self::Dispute(_) | Self::Progress => {
                Elsewhere::Attempt(order)
            }
        }
    }
}

impl Elsewhere {
    /// The detail of the verdict.
    pub fn detail(&self) -> String {
        match self {
            Self::Money(Some(order)) => format!("counted for order {order}"),
            Self::Money(None) => "counted for another order, which was deleted".to_owned(),
            Self::Attempt(Some(order)) => format!("the attempt belongs to order {order}"),
            Self::Attempt(None) => {
                "the attempt belongs to another order, which was deleted".to_owned()
            }
        }
    }
}

/// The name of an attempt with an authorization or money: the index has the order that it belongs to.
pub(crate) fn name_of_attempt(provider: &Provider, attempt: &AttemptId) -> NameHash {
    NameHash(identity::of_attempt(provider, attempt))
}

/// The name of a capture: the index has the order that its money counts for.
pub(crate) fn name_of_capture(
    provider: &Provider,
    attempt: &AttemptId,
    capture: &CaptureId,
) -> NameHash {
    NameHash(identity::of_capture(provider, attempt, capture))
}

/// The name of the result of a refund that the payments of its order do not keep, or not any more. `None`: the callback
/// reports no such result.
pub(crate) fn name_of_result(order: Ordinal, callback: &PaymentCallback) -> Option<NameHash> {
    let PaymentCallback { provider, attempt_id, refund_id, occurred_at, .. } = callback;
    let what = match callback.kind {
        CallbackKind::RefundSucceeded => NameOf::RefundSuccess,
        CallbackKind::RefundFailed => NameOf::RefundFailure,
        CallbackKind::ActionRequired
        | CallbackKind::Authorized
        | CallbackKind::Captured
        | CallbackKind::Failed
        | CallbackKind::Voided
        | CallbackKind::Expired
        | CallbackKind::DisputeOpened
        | CallbackKind::DisputeClosed => return None,
    };
    let attempt = (provider, attempt_id);
    Some(items::result(order, what, refund_id.as_ref()?, attempt, *occurred_at))
}
