//! The data of `payment.*` events.

use super::super::Event;
use super::EventContext;
use crate::command::{CallbackKind, DisputeOutcome};
use crate::id::{AttemptId, CaptureId, DisputeId, OrderId, RefundId};
use crate::money::Currency;
use crate::verdict::Verdict;
use serde::Serialize;

/// The data of a `payment.*` event.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs, reason = "the fields are the contract's own words")]
pub struct PaymentData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<&'a OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#try: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispute_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture_request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CallbackKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DisputeOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

impl<'a> PaymentData<'a> {
    /// The data of a `payment.*` event. `None` for events of other names.
    pub(super) fn of(event: &'a Event, context: EventContext<'a>) -> Option<Self> {
        let empty = Self { order_id: context.order_id, ..Self::default() };
        match event {
            Event::PaymentRecorded {
                provider,
                attempt_id,
                kind,
                verdict,
                amount,
                currency,
                refund_id,
                dispute_id,
                outcome,
            } => Some(Self {
                provider: Some(provider.as_str()),
                attempt_id: Some(attempt_id.as_str()),
                kind: Some(*kind),
                verdict: Some(*verdict),
                amount: *amount,
                currency: *currency,
                refund_id: refund_id.as_ref().map(RefundId::as_str),
                dispute_id: dispute_id.as_ref().map(DisputeId::as_str),
                outcome: *outcome,
                ..empty
            }),
            Event::RefundRequested {
                refund_id,
                attempt_id,
                amount,
                currency,
                provider,
                capture_id,
                part,
            } => Some(Self {
                refund_id: Some(refund_id.as_str()),
                part: part.map(|one| one.part),
                parts: part.map(|one| one.parts),
                r#try: part.map(|one| one.tries),
                provider: provider.as_ref().map(crate::id::Provider::as_str),
                attempt_id: attempt_id.as_ref().map(AttemptId::as_str),
                capture_id: capture_id.as_ref().map(CaptureId::as_str),
                amount: Some(*amount),
                currency: Some(*currency),
                ..empty
            }),
            Event::CaptureRequested {
                provider,
                attempt_id,
                amount,
                currency,
                capture_request_id,
            } => Some(Self {
                provider: Some(provider.as_str()),
                attempt_id: Some(attempt_id.as_str()),
                amount: Some(*amount),
                currency: Some(*currency),
                capture_request_id: Some(capture_request_id),
                ..empty
            }),
            Event::VoidRequested { attempt_id, provider } => Some(Self {
                provider: provider.as_ref().map(crate::id::Provider::as_str),
                attempt_id: Some(attempt_id.as_str()),
                ..empty
            }),
            _ => None,
        }
    }
}
