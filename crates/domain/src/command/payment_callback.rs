use super::data::{Data, Invalid};
use super::strict_object;
use crate::canonical::canonical;
use crate::id::{AttemptId, CaptureId, DisputeId, EventId, OrderId, Provider, RefundId};
use crate::money::{Currency, NonNegativeAmount};
use crate::names::names;
use crate::subject::Subject;
use crate::time::Timestamp;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

names! {
    /// The kind of event that the provider reports.
    CallbackKind {
        /// The customer must do something (3-D Secure and the like).
        ActionRequired = 0,
        /// Money was authorized, and not captured.
        Authorized = 1,
        /// Money was captured.
        Captured = 2,
        /// The attempt failed.
        Failed = 3,
        /// The authorization was voided.
        Voided = 4,
        /// The attempt or its authorization expired.
        Expired = 5,
        /// A refund succeeded.
        RefundSucceeded = 6,
        /// A refund failed.
        RefundFailed = 7,
        /// The customer disputes the payment.
        DisputeOpened = 8,
        /// The dispute was closed with an outcome.
        DisputeClosed = 9,
    }
}

names! {
    /// How a dispute ended, from the shop's side.
    DisputeOutcome {
        /// The shop keeps the money.
        Won = 0,
        /// The shop lost the money.
        Lost = 1,
    }
}

/// `payment.callback`: one event of a payment provider. Its identity is (provider, event id), whichever
/// message carried the callback.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Encode, Decode,
)]
pub struct PaymentCallback {
    /// The provider.
    #[n(0)]
    pub provider: Provider,
    /// The provider's id of this event.
    #[n(1)]
    pub event_id: EventId,
    /// The order. It may not be placed yet.
    #[n(2)]
    pub order_id: OrderId,
    /// The payment attempt.
    #[n(3)]
    pub attempt_id: AttemptId,
    /// The kind of the event.
    #[n(4)]
    pub kind: CallbackKind,
    /// The id of the capture, for an attempt that captures in parts.
    #[n(5)]
    pub capture_id: Option<CaptureId>,
    /// The amount of this event alone in minor units, not a running total.
    #[n(6)]
    pub amount: Option<NonNegativeAmount>,
    /// The currency of the amount.
    #[n(7)]
    pub currency: Option<Currency>,
    /// The refund; for `refund_*`.
    #[n(8)]
    pub refund_id: Option<RefundId>,
    /// The dispute; for `dispute_*`.
    #[n(9)]
    pub dispute_id: Option<DisputeId>,
    /// The outcome of the dispute; for `dispute_closed`.
    #[n(10)]
    pub outcome: Option<DisputeOutcome>,
    /// Whether this is the last capture of the attempt.
    #[serde(default, deserialize_with = "strict_object::or_default")]
    #[schemars(with = "Option<bool>")]
    #[n(11)]
    pub r#final: bool,
    /// The time of the event, by the provider's clock.
    #[n(12)]
    pub occurred_at: Timestamp,
}

canonical!(PaymentCallback {
    amount = "amount",
    attempt_id = "attempt_id",
    capture_id = "capture_id",
    currency = "currency",
    dispute_id = "dispute_id",
    event_id = "event_id",
    r#final = "final",
    kind = "kind",
    occurred_at = "occurred_at",
    order_id = "order_id",
    outcome = "outcome",
    provider = "provider",
    refund_id = "refund_id",
});

impl Data for PaymentCallback {
    fn subject(&self) -> Subject {
        Subject {
            order_id: Some(self.order_id.clone()),
            provider: Some(self.provider.clone()),
            event_id: Some(self.event_id.clone()),
            ..Subject::default()
        }
    }

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
                    let problem = format_args!(
                        "must be a whole number of minor units, {}, not 0",
                        least_amount(kind)
                    );
                    return Err(Invalid::field("amount", problem));
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

    fn explain(field: &str, problem: String, data: &[u8]) -> String {
        #[derive(Deserialize)]
        struct Only {
            kind: CallbackKind,
        }
        match serde_json::from_slice::<Only>(data) {
            Ok(Only { kind: kind @ (CallbackKind::Captured | CallbackKind::RefundSucceeded) })
                if field == "amount" =>
            {
                problem.replace("0 or more", &least_amount(kind))
            }
            Ok(_) | Err(_) => problem,
        }
    }
}

/// The least amount of an event of this kind that moves money.
fn least_amount(kind: CallbackKind) -> String {
    format!("1 or more for {}", kind.as_str())
}
