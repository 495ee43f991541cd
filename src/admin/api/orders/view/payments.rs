//! What the API shows of the payments of an order.

use crate::admin::api::refunds::PartView;
use orderly_domain::id::{AttemptId, Provider};
use orderly_domain::money::Currency;
use orderly_domain::payment::{
    Accepted, Attempt, AttemptState, Capture, CaptureIdentity, Dispute, DisputeState,
    FoldedCaptures, FoldedMoney, FoldedSums, Refund, RefundState,
};
use orderly_domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// An attempt to pay.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Attempt")]
pub(super) struct AttemptView<'a> {
    provider: &'a str,
    attempt_id: &'a str,
    state: AttemptState,
    authorized: i64,
    currency: Option<Currency>,
    /// The attempt captures no more.
    r#final: bool,
    void_requested: bool,
    /// The provider was asked to void the attempt, and that may still happen: it has not ended, and not all that is authorized
    /// was captured.
    void_pending: bool,
    /// What the provider was asked to capture and has not captured.
    capture_requested: i64,
    captures: Vec<CaptureView<'a>>,
    /// The sums of older captures, which are not shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    folded_captures: Vec<FoldedCapturesView>,
}

impl<'a> From<&'a Attempt> for AttemptView<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        let Attempt {
            provider,
            id,
            state,
            authorized,
            captures,
            currency,
            closed,
            void_requested,
            authorized_at: _, // only tells which authorizations are known
            capture_requested,
            capture_requests: _,
            number: _, // the attempts stand in the order of their numbers
            folded,
            ended_at: _, // the timeline shows it
            lapsed: _,
            untimed: _,
        } = attempt;
        let older = folded.iter().flat_map(|folded| &folded.captures);
        Self {
            provider: provider.as_str(),
            attempt_id: id.as_str(),
            state: *state,
            authorized: *authorized,
            currency: *currency,
            r#final: *closed,
            void_requested: *void_requested,
            void_pending: attempt.awaits_void(),
            capture_requested: *capture_requested,
            captures: captures.iter().map(CaptureView::from).collect(),
            folded_captures: older.map(FoldedCapturesView::from).collect(),
        }
    }
}

/// Money that was captured.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Capture")]
struct CaptureView<'a> {
    capture_id: Option<&'a str>,
    /// The event that reported a capture without an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    amount: i64,
    currency: Currency,
    at: Timestamp,
}

impl<'a> From<&'a Capture> for CaptureView<'a> {
    fn from(capture: &'a Capture) -> Self {
        let Capture { identity, amount, currency, at } = capture;
        let (capture_id, event_id) = match identity {
            CaptureIdentity::Capture(id) => (Some(id.as_str()), None),
            CaptureIdentity::Event(id) => (None, Some(id.as_str())),
        };
        Self { capture_id, event_id, amount: *amount, currency: *currency, at: *at }
    }
}

/// Older captures of an attempt in one currency.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FoldedCaptures")]
struct FoldedCapturesView {
    currency: Currency,
    /// How many captures.
    count: u64,
    /// Their sum.
    amount: i64,
}

impl From<&FoldedCaptures> for FoldedCapturesView {
    fn from(captures: &FoldedCaptures) -> Self {
        let FoldedCaptures { currency, count, sum } = captures;
        Self { currency: *currency, count: *count, amount: sum.amount() }
    }
}

/// Money that is sent back, or goods that came back without money.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Refund")]
pub(super) struct RefundView<'a> {
    refund_id: &'a str,
    provider: Option<&'a str>,
    attempt_id: Option<&'a str>,
    /// What was asked for, or what came if nobody asked or more came.
    amount: i64,
    /// What was sent back.
    sent_back: i64,
    currency: Currency,
    state: RefundState,
    /// Of a refund that failed: nothing is left to do about it. Its money was sent back or asked for in another way, or a person
    /// accepted that it failed. To request it again would send the money twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled: Option<bool>,
    /// Of a refund that failed: what of it is not settled, in minor units of its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_settled: Option<i64>,
    restocked: bool,
    #[serde(flatten)]
    part: PartView,
}

/// A refund, and what of it failed and is not settled, in minor units.
impl<'a> From<(&'a Refund, i64)> for RefundView<'a> {
    fn from((refund, not_settled): (&'a Refund, i64)) -> Self {
        let Refund {
            id,
            provider,
            attempt,
            amount,
            currency,
            state,
            restocked,
            request,
            successes: _, // the timeline shows them
            early: _,
            failed_at: _, // the timeline shows it
            bounced_at: _,
        } = refund;
        let not_settled = (*state == RefundState::Failed).then_some(not_settled);
        Self {
            refund_id: id.as_str(),
            provider: provider.as_ref().map(Provider::as_str),
            attempt_id: attempt.as_ref().map(AttemptId::as_str),
            amount: *amount,
            sent_back: refund.sent_back(),
            currency: *currency,
            state: *state,
            settled: not_settled.map(|left| left == 0),
            not_settled,
            restocked: *restocked,
            part: (*request).into(),
        }
    }
}

/// A dispute (chargeback).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Dispute")]
pub(super) struct DisputeView<'a> {
    dispute_id: &'a str,
    provider: Option<&'a str>,
    state: DisputeState,
}

impl<'a> From<&'a Dispute> for DisputeView<'a> {
    fn from(dispute: &'a Dispute) -> Self {
        let Dispute { id, state, provider } = dispute;
        Self {
            dispute_id: id.as_str(),
            provider: provider.as_ref().map(Provider::as_str),
            state: *state,
        }
    }
}

/// What a person accepted in one currency.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Accepted")]
pub(super) struct AcceptedView {
    currency: Currency,
    captured: i64,
    excess: i64,
}

impl From<&Accepted> for AcceptedView {
    fn from(accepted: &Accepted) -> Self {
        let Accepted { currency, captured, excess } = accepted;
        Self { currency: *currency, captured: *captured, excess: *excess }
    }
}

/// Older attempts, refunds and disputes of an order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Folded")]
pub(super) struct FoldedView {
    attempts: i64,
    /// Attempts that have brought no money and may still bring some.
    open_attempts: i64,
    refunds: i64,
    disputes: FoldedDisputes,
    /// The money, by currency.
    money: Vec<FoldedMoneyView>,
}

/// Older disputes of an order, by state.
#[derive(Serialize, JsonSchema)]
struct FoldedDisputes {
    open: i64,
    won: i64,
    lost: i64,
}

/// The money of older attempts and refunds in one currency.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FoldedMoney")]
struct FoldedMoneyView {
    currency: Currency,
    captured: i64,
    /// What is open of authorizations.
    authorized: i64,
    capture_requested: i64,
    refunds_requested: i64,
    refunded: i64,
    refunds_failed: i64,
}

impl FoldedView {
    /// `None`: nothing is folded.
    pub(super) fn of(sums: &FoldedSums) -> Option<Self> {
        let FoldedSums {
            attempts,
            open,
            voidable: _, // the money shows what is authorized
            refunds,
            unnamed: _,
            open_disputes,
            won_disputes,
            lost_disputes,
            money,
        } = sums;
        let shown = Self {
            attempts: *attempts,
            open_attempts: *open,
            refunds: *refunds,
            disputes: FoldedDisputes {
                open: *open_disputes,
                won: *won_disputes,
                lost: *lost_disputes,
            },
            money: money.iter().map(FoldedMoneyView::from).collect(),
        };
        (*sums != FoldedSums::default()).then_some(shown)
    }
}

impl From<&FoldedMoney> for FoldedMoneyView {
    fn from(money: &FoldedMoney) -> Self {
        let FoldedMoney {
            currency,
            captured,
            authorized,
            capturable: _, // what is authorized, less what is asked for
            capture_requested,
            requested,
            refunded,
            failed,
        } = money;
        Self {
            currency: *currency,
            captured: captured.amount(),
            authorized: authorized.amount(),
            capture_requested: capture_requested.amount(),
            refunds_requested: requested.amount(),
            refunded: refunded.amount(),
            refunds_failed: failed.amount(),
        }
    }
}
