use super::{Data, Invalid};
use crate::id::{AttemptId, CaptureId, DisputeId, EventId, OrderId, Provider, RefundId};
use crate::money::{Currency, NonNegativeAmount};
use crate::time::Timestamp;
use crate::verdict::names;
use serde::{Deserialize, Serialize};

names! {
    /// What the provider tells. Stored by its number: new ones go to the end.
    #[derive(schemars::JsonSchema)]
    CallbackKind {
        /// The customer must do something (3-D Secure and the like).
        ActionRequired = "action_required",
        /// Money is set aside, not taken.
        Authorized = "authorized",
        /// Money was taken.
        Captured = "captured",
        /// The attempt failed.
        Failed = "failed",
        /// The authorization was given up.
        Voided = "voided",
        /// The attempt or authorization ran out.
        Expired = "expired",
        /// A refund arrived.
        RefundSucceeded = "refund_succeeded",
        /// A refund did not.
        RefundFailed = "refund_failed",
        /// The customer disputes the payment.
        DisputeOpened = "dispute_opened",
        /// The dispute has an outcome.
        DisputeClosed = "dispute_closed",
    }
}

/// How a dispute ended, from the shop's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeOutcome {
    /// The shop keeps the money.
    Won,
    /// The money is gone.
    Lost,
}

/// `payment.callback`: one event of a payment provider. Its identity is (provider, event id),
/// whatever message carried it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PaymentCallback {
    /// Who tells.
    pub provider: Provider,
    /// The provider's id of this event.
    pub event_id: EventId,
    /// The order it is about; it may not be known yet.
    pub order_id: OrderId,
    /// The attempt it is about.
    pub attempt_id: AttemptId,
    /// What happened.
    pub kind: CallbackKind,
    /// The identity of the money, where an attempt captures in parts.
    pub capture_id: Option<CaptureId>,
    /// This event's own share in minor units, no running total.
    pub amount: Option<NonNegativeAmount>,
    /// Currency of the amount.
    pub currency: Option<Currency>,
    /// The refund, for `refund_*`.
    pub refund_id: Option<RefundId>,
    /// The dispute, for `dispute_*`.
    pub dispute_id: Option<DisputeId>,
    /// The dispute's end, for `dispute_closed`.
    pub outcome: Option<DisputeOutcome>,
    /// The attempt captures no more after this.
    #[serde(default)]
    pub r#final: bool,
    /// When it happened, by the provider's clock.
    pub occurred_at: Timestamp,
}

impl Data for PaymentCallback {
    fn check(&self) -> Result<(), Invalid> {
        let kind = self.kind;
        let required = |field: &str, present: bool| {
            if present {
                return Ok(());
            }
            Err(Invalid::field(field, format_args!("is required for {}", kind.as_str())))
        };
        match kind {
            CallbackKind::Authorized => {
                required("amount", self.amount.is_some())?;
                required("currency", self.currency.is_some())
            }
            CallbackKind::Captured | CallbackKind::RefundSucceeded => {
                required("amount", self.amount.is_some())?;
                required("currency", self.currency.is_some())?;
                if self.amount.is_some_and(|amount| amount.get() == 0) {
                    return Err(Invalid::field("amount", "must be 1 or more, not 0"));
                }
                required("refund_id", kind == CallbackKind::Captured || self.refund_id.is_some())
            }
            CallbackKind::RefundFailed => required("refund_id", self.refund_id.is_some()),
            CallbackKind::DisputeOpened => required("dispute_id", self.dispute_id.is_some()),
            CallbackKind::DisputeClosed => {
                required("dispute_id", self.dispute_id.is_some())?;
                required("outcome", self.outcome.is_some())
            }
            CallbackKind::ActionRequired
            | CallbackKind::Failed
            | CallbackKind::Voided
            | CallbackKind::Expired => Ok(()),
        }
    }
}
