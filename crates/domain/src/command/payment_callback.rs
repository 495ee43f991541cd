use super::data::{Data, Invalid};
use super::strict_object;
use crate::canonical::canonical;
use crate::id::{AttemptId, CaptureId, DisputeId, EventId, OrderId, Provider, RefundId};
use crate::money::{Currency, NonNegativeAmount};
use crate::names::names;
use crate::partition::Ids;
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
#[schemars(transform = requires_by_kind)]
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

/// The fields that [`Data::check`] requires of a kind, beyond those that every callback has.
fn required_of(kind: CallbackKind) -> &'static [&'static str] {
    match kind {
        CallbackKind::Authorized | CallbackKind::Captured => &["amount", "currency"],
        CallbackKind::RefundSucceeded => &["amount", "currency", "refund_id"],
        CallbackKind::RefundFailed => &["refund_id"],
        CallbackKind::DisputeOpened => &["dispute_id"],
        CallbackKind::DisputeClosed => &["dispute_id", "outcome"],
        CallbackKind::ActionRequired
        | CallbackKind::Failed
        | CallbackKind::Voided
        | CallbackKind::Expired => &[],
    }
}

/// Says in the schema what each kind requires. A chain of conditions, since generators make a type of each part of `allOf`.
fn requires_by_kind(schema: &mut schemars::Schema) {
    let mut rest = None;
    for kind in CallbackKind::ALL.iter().rev().filter(|kind| !required_of(**kind).is_empty()) {
        let mut link = serde_json::json!({
            "if": { "properties": { "kind": { "const": kind.as_str() } } },
            "then": { "required": required_of(*kind) },
        });
        if let Some(rest) = rest.take() {
            link["else"] = rest;
        }
        rest = Some(link);
    }
    for (keyword, says) in rest.iter().filter_map(|rest| rest.as_object()).flatten() {
        schema.insert(keyword.clone(), says.clone());
    }
}

impl Data for PaymentCallback {
    fn subject(&self) -> Subject {
        Subject {
            order_id: Some(self.order_id.clone()),
            provider: Some(self.provider.clone()),
            event_id: Some(self.event_id.clone()),
            ..Subject::default()
        }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("order_id", self.order_id.as_str());
    }

    fn check(&self) -> Result<(), Invalid> {
        let kind = self.kind;
        let is_there = |field: &str| match field {
            "amount" => self.amount.is_some(),
            "currency" => self.currency.is_some(),
            "refund_id" => self.refund_id.is_some(),
            "dispute_id" => self.dispute_id.is_some(),
            "outcome" => self.outcome.is_some(),
            _ => true, // every callback has it
        };
        if let Some(missing) = required_of(kind).iter().find(|field| !is_there(field)) {
            let problem = format_args!("is required for {}", kind.as_str());
            return Err(Invalid::field(missing, problem));
        }
        let moves = matches!(kind, CallbackKind::Captured | CallbackKind::RefundSucceeded);
        if moves && self.amount.is_some_and(|amount| amount.get() == 0) {
            let problem = format_args!(
                "must be a whole number of minor units, {}, not 0",
                least_amount(kind)
            );
            return Err(Invalid::field("amount", problem));
        }
        Ok(())
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
