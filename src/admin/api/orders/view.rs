//! What the API shows of an order. Each view names every field of the state that it shows: a new field does not compile
//! until it is shown or left out.

use super::Found;
use crate::admin::operation::views;
use orderly_domain::address::Address;
use orderly_domain::event::payload::{CustomerData, LineData, Units};
use orderly_domain::id::{AttemptId, Provider};
use orderly_domain::inventory::{HoldState, Item, Reservation};
use orderly_domain::metadata::Metadata;
use orderly_domain::money::{Adjustment, Currency};
use orderly_domain::order::{ConfirmOn, Order, OrderDetails, Status};
use orderly_domain::payment::rules::summary;
use orderly_domain::payment::{
    Accepted, Attempt, AttemptState, Capture, CaptureIdentity, Dispute, DisputeState,
    EndedAttempts, FoldedCaptures, FoldedMoney, FoldedSums, Payments, Refund, RefundPart,
    RefundState,
};
use orderly_domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// An order, with its stock and its payments. Amounts are minor units of its currency where no other one is named.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Order")]
pub(in crate::admin::api) struct OrderView<'a> {
    order_id: &'a str,
    status: Status,
    disputed: bool,
    customer: CustomerData<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<&'a Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<&'a Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    currency: Currency,
    lines: Vec<LineData<'a>>,
    adjustments: &'a [Adjustment],
    total: i64,
    paid: i64,
    refunded: i64,
    /// What is open of authorizations in the order's currency.
    authorized: i64,
    /// What a person let go of the total.
    #[serde(skip_serializing_if = "is_zero")]
    written_off: i64,
    confirm_on: ConfirmOn,
    reservation: Option<ReservationView<'a>>,
    attempts: Vec<AttemptView<'a>>,
    /// Attempts that ended without money and are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_attempts: Option<EndedAttempts>,
    refunds: Vec<RefundView<'a>>,
    disputes: Vec<DisputeView<'a>>,
    /// Money that does not fit the order, as a person accepted it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<AcceptedView>,
    /// The sums of older attempts, refunds and disputes, which are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    folded: Option<FoldedView>,
    /// How many parked messages name the order: `/api/parked?order_id=` has them.
    parked: u64,
    version: u64,
    placed_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
}

views!(OrderView);

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

impl Found {
    pub(in crate::admin::api) fn view(&self) -> OrderView<'_> {
        let Self { order, details, reservation, payments, parked } = self;
        let Order {
            id,
            customer,
            currency,
            lines,
            adjustments,
            total,
            cart: _, // the cart names the order
            status,
            version,
            paid,
            refunded,
            auto_refunds_requested: _, // each refund that was requested is shown
            disputed,
            hold_for: _, // the reservation shows when it expires
            placed_at,
            updated_at,
            confirm_on,
            hold_since: _,    // the reservation shows when it expires
            early_refunds: _, // each refund is shown
            has_details: _,   // the details are shown
            completed_at,
            written_off,
        } = order;
        let OrderDetails { shipping_address, billing_address, metadata } = details;
        let Payments {
            attempts,
            refunds,
            disputes,
            waiting: _, // none waits for an order that is there
            ended,
            accepted,
            folded,
            made_good: _, // only tells what a person must look at
            derived_refunds: _,
        } = payments;
        OrderView {
            order_id: id.as_str(),
            status: *status,
            disputed: *disputed,
            customer: customer.into(),
            shipping_address: shipping_address.as_deref(),
            billing_address: billing_address.as_deref(),
            metadata: metadata.as_ref(),
            currency: *currency,
            lines: lines.iter().map(LineData::from).collect(),
            adjustments,
            total: *total,
            paid: *paid,
            refunded: *refunded,
            authorized: summary(payments, *currency).authorized,
            written_off: *written_off,
            confirm_on: *confirm_on,
            reservation: reservation.as_ref().map(ReservationView::from),
            attempts: attempts.iter().map(AttemptView::from).collect(),
            ended_attempts: (!ended.is_none()).then_some(*ended),
            refunds: refunds.iter().map(RefundView::from).collect(),
            disputes: disputes.iter().map(DisputeView::from).collect(),
            accepted: accepted.iter().map(AcceptedView::from).collect(),
            folded: folded.as_ref().and_then(|folded| FoldedView::of(&folded.sums)),
            parked: *parked,
            version: *version,
            placed_at: *placed_at,
            updated_at: *updated_at,
            completed_at: *completed_at,
        }
    }
}

/// The stock of an order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reservation")]
struct ReservationView<'a> {
    state: ReservationState,
    /// The end of a hold. A frozen hold ends at the cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// Whether the hold does not expire before the cap, since a payment attempt is open.
    frozen: bool,
    lines: Vec<Reserved<'a>>,
}

/// What became of the stock of an order.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ReservationState {
    Held,
    Committed,
    Released,
    Expired,
}

/// Units of a sku that are held for an order, or were sold to it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReservedUnits")]
struct Reserved<'a> {
    #[serde(flatten)]
    units: Units<'a>,
    /// Units that came back after they were sold.
    returned: u64,
}

impl<'a> From<&'a Reservation> for ReservationView<'a> {
    fn from(reservation: &'a Reservation) -> Self {
        let Reservation { items, state } = reservation;
        let (state, expires_at, frozen) = match state {
            HoldState::Held { until, frozen, extended: _ } => {
                (ReservationState::Held, *until, frozen.is_some())
            }
            HoldState::Committed => (ReservationState::Committed, None, false),
            HoldState::Released => (ReservationState::Released, None, false),
            HoldState::Expired => (ReservationState::Expired, None, false),
        };
        let reserved = |Item { sku, number: _, quantity, returned }: &'a Item| Reserved {
            units: Units { sku: sku.as_str(), quantity: *quantity },
            returned: *returned,
        };
        Self { state, expires_at, frozen, lines: items.iter().map(reserved).collect() }
    }
}

/// An attempt to pay.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Attempt")]
struct AttemptView<'a> {
    provider: &'a str,
    attempt_id: &'a str,
    state: AttemptState,
    authorized: i64,
    currency: Option<Currency>,
    /// The attempt captures no more.
    r#final: bool,
    void_requested: bool,
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
struct RefundView<'a> {
    refund_id: &'a str,
    provider: Option<&'a str>,
    attempt_id: Option<&'a str>,
    /// What was asked for, or what came if nobody asked or more came.
    amount: i64,
    /// What was sent back.
    sent_back: i64,
    currency: Currency,
    state: RefundState,
    restocked: bool,
    /// Which part of the refund this is, from 1. Absent when the provider was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<u32>,
    /// How many parts the refund has.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
    /// How often the part was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#try: Option<u32>,
}

impl<'a> From<&'a Refund> for RefundView<'a> {
    fn from(refund: &'a Refund) -> Self {
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
        let (part, parts, r#try) = match request {
            Some(RefundPart { part, parts, tries }) => (Some(*part), Some(*parts), Some(*tries)),
            None => (None, None, None),
        };
        Self {
            refund_id: id.as_str(),
            provider: provider.as_ref().map(Provider::as_str),
            attempt_id: attempt.as_ref().map(AttemptId::as_str),
            amount: *amount,
            sent_back: refund.sent_back(),
            currency: *currency,
            state: *state,
            restocked: *restocked,
            part,
            parts,
            r#try,
        }
    }
}

/// A dispute (chargeback).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Dispute")]
struct DisputeView<'a> {
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
struct AcceptedView {
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
struct FoldedView {
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
    fn of(sums: &FoldedSums) -> Option<Self> {
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
