//! The life-cycle table as data: an order of 500, what happens to it, and what is decided.
//! What is known of captures and attempts is the payments' business: see its own tests.

mod amend;
mod authorized;
mod bounced;
mod covered;
mod endings;
mod resolved;
mod table;

use super::super::state::{ConfirmOn, Status};
use super::step::status_after;
use super::*;
use crate::command::{Command, Kind, PaymentCallback};
use crate::order::NewOrder;
use crate::payment::rules::{
    CallbackEffect, PaymentSummary, Phase, Progress, Requested, VoidTarget,
};
use crate::time::Timestamp;
use rstest::rstest;
use std::time::Duration;

/// An order of 500 with these amounts paid, refunded, and requested as refunds by the shop itself. What was refunded before
/// the order was paid came unasked.
fn order(status: Status, [paid, refunded, auto_refunds_requested]: [i64; 3]) -> Order {
    let data = br#"{"order_id": "o-1", "customer": {"id": "c-1"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 1, "unit_price": 500}]}"#;
    let Ok(Command::OrderPlace(place)) = Command::parse(Kind::OrderPlace, data) else {
        panic!("is an order");
    };
    let placed = NewOrder::of_command(place, Duration::from_secs(900), ConfirmOn::Capture)
        .placed(Timestamp::EPOCH);
    let placed = placed.expect("has a total");
    let early_refunds = match phase(status) {
        Some(Phase::Awaiting) => refunded,
        Some(Phase::Sold | Phase::Unsold) | None => 0,
    };
    let version = 1;
    Order { status, version, paid, refunded, auto_refunds_requested, early_refunds, ..placed }
}

/// A callback about attempt `a` and refund `r`: its effect on the payments is given beside it.
fn callback() -> PaymentCallback {
    let data = br#"{"provider": "acme", "event_id": "e", "order_id": "o-1", "attempt_id": "a",
        "kind": "action_required", "refund_id": "r", "occurred_at": "2026-01-01T00:00:00Z"}"#;
    match Command::parse(Kind::PaymentCallback, data) {
        Ok(Command::PaymentCallback(callback)) => callback,
        other => panic!("is a callback: {other:?}"),
    }
}

/// No attempt is open.
const ENDED: PaymentSummary = PaymentSummary {
    is_open: false,
    is_voidable: false,
    has_other_currency: false,
    authorized: 0,
    pending: 0,
};
/// An attempt is open, without an authorization that could be given up.
const OPEN: PaymentSummary = PaymentSummary { is_open: true, ..ENDED };
/// An authorization is open.
const AUTHORIZED: PaymentSummary = PaymentSummary { is_open: true, is_voidable: true, ..ENDED };
/// Money in another currency is there.
const OTHER_CURRENCY: PaymentSummary = PaymentSummary { has_other_currency: true, ..ENDED };

/// What is decided when the order hears of it, in words.
fn hear(order: &Order, effect: CallbackEffect, summary: PaymentSummary) -> String {
    let phase = phase(order.status).unwrap_or(Phase::Sold);
    hear_in(phase, order, effect, summary)
}

/// The same, of an order whose status alone does not tell how far it is.
fn hear_in(phase: Phase, order: &Order, effect: CallbackEffect, summary: PaymentSummary) -> String {
    let step = on_callback((order, phase), &callback(), (effect, summary), Rehold::NotNeeded);
    step.as_ref().map_or_else(|| "stale".to_owned(), words)
}

fn money(amount: i64) -> CallbackEffect {
    CallbackEffect::Captured { amount }
}

fn refunded(amount: i64) -> CallbackEffect {
    CallbackEffect::Refunded { amount, early: false, part: Progress::First }
}

/// A step in words: its verdict, the order's changes, and behind a bar what others must do.
fn words(step: &Step) -> String {
    let changes: Vec<_> = step.changes.iter().map(change).collect();
    let effects: Vec<_> = step.effects.iter().map(effect).collect();
    let verdict = step.verdict;
    format!("{verdict}: {} | {}", changes.join(", "), effects.join(", "))
}

fn change(change: &Change) -> String {
    match change {
        Change::Captured(amount) => format!("+{amount}"),
        Change::Refunded(amount) => format!("-{amount}"),
        Change::RefundedEarly(amount) => format!("early {amount}"),
        Change::AutoRefundRequested(amount) => format!("requested {amount}"),
        Change::WrittenOff(amount) => format!("written off {amount}"),
        Change::HoldBegan => "hold began".to_owned(),
        Change::Completed => "handed over".to_owned(),
        Change::Disputed(disputed) => format!("disputed {disputed}"),
        Change::Become { change, status } => {
            let Some(usual) = status_after(change) else {
                return match change {
                    OrderChange::Disputed { dispute_id, .. } => format!("disputed {dispute_id}"),
                    OrderChange::DisputeClosed { dispute_id, outcome, .. } => {
                        format!("dispute {dispute_id} {outcome}")
                    }
                    _ => "amended".to_owned(),
                };
            };
            let event = match change {
                OrderChange::Paid { late: true } => "paid late".to_owned(),
                OrderChange::RefundDue { amount } => format!("refund_due {amount}"),
                OrderChange::UnderReview { reason } => format!("under_review {reason:?}"),
                OrderChange::AuthorizationLost => "authorization lost".to_owned(),
                _ => usual.to_string(),
            };
            match status {
                Some(status) if *status != usual => format!("{event} ({status})"),
                Some(_) | None => event,
            }
        }
    }
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::CommitHold => "commit".to_owned(),
        Effect::ReleaseHold(reason) => format!("release {reason:?}"),
        Effect::ExtendHold => "extend".to_owned(),
        Effect::FreezeHold => "freeze".to_owned(),
        Effect::UnfreezeHold => "thaw".to_owned(),
        Effect::LetHoldStand => "let stand".to_owned(),
        Effect::BeginHold => "hold anew".to_owned(),
        Effect::AcceptMoney => "accept money".to_owned(),
        Effect::ReturnMoney { amount } => format!("return {amount}"),
        Effect::Capture { amount, before: Requested::Counts } => format!("capture {amount}"),
        Effect::Capture { amount, before: Requested::Failed } => format!("capture {amount} again"),
        Effect::Refund { amount } => format!("refund {amount}"),
        Effect::RefundOtherCurrencies => "refund other currencies".to_owned(),
        Effect::Void(VoidTarget::Authorized) => "void all".to_owned(),
        Effect::Void(VoidTarget::One(provider, attempt)) => format!("void {provider} {attempt}"),
        Effect::ReopenCart => "reopen cart".to_owned(),
        Effect::Notify { kind, reference } => {
            format!("notify {kind} {reference}").trim().to_owned()
        }
    }
}

const NOTHING: [i64; 3] = [0, 0, 0];

#[rstest]
#[case(500, "applied: awaiting_payment | ")]
#[case(0, "applied: awaiting_payment, paid | commit, void all, notify order_confirmed")]
fn placed(#[case] total: i64, #[case] expected: &str) {
    let order = Order { total, ..order(Status::AwaitingPayment, NOTHING) };
    assert_eq!(words(&place(&order)), expected);
}

#[rstest]
#[case(Status::AwaitingPayment, Some(Phase::Awaiting))]
#[case(Status::PartiallyPaid, Some(Phase::Awaiting))]
#[case(Status::UnderReview, Some(Phase::Awaiting))]
#[case(Status::Authorized, Some(Phase::Awaiting))]
#[case(Status::Paid, Some(Phase::Sold))]
#[case(Status::Completed, Some(Phase::Sold))]
#[case(Status::PartiallyRefunded, Some(Phase::Sold))]
#[case(Status::Expired, Some(Phase::Unsold))]
#[case(Status::Cancelled, Some(Phase::Unsold))]
#[case(Status::Rejected, Some(Phase::Unsold))]
#[case(Status::RefundDue, Some(Phase::Unsold))]
#[case(Status::Refunded, None)]
fn how_far_it_is(#[case] status: Status, #[case] expected: Option<Phase>) {
    assert_eq!(phase(status), expected);
    assert_eq!(awaits_money(status), expected == Some(Phase::Awaiting));
}

#[test]
fn applying_a_step_moves_money_and_status() {
    let mut partial = order(Status::PartiallyPaid, [200, 0, 0]);
    for change in expire_hold(&partial, ENDED).expect("lapses").changes {
        apply(&mut partial, &change);
    }
    assert_eq!(partial.status, Status::RefundDue);
    assert_eq!((partial.paid, partial.auto_refunds_requested), (200, 200));

    let recorded = (refunded(200), ENDED);
    let step = on_callback((&partial, Phase::Unsold), &callback(), recorded, Rehold::NotNeeded)
        .expect("is news");
    assert_eq!(step.status(partial.status), Status::Refunded);
    for change in step.changes {
        apply(&mut partial, &change);
    }
    assert_eq!((partial.status, partial.net()), (Status::Refunded, 0));
    apply(&mut partial, &Change::Disputed(true));
    assert!(partial.disputed);
}

#[test]
fn the_cap_counts_from_the_placing_and_never_cuts_a_hold() {
    let mut order = order(Status::PartiallyPaid, NOTHING);
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    assert_eq!(cap(&order, minutes(120)), Timestamp::EPOCH.plus(minutes(120)));
    assert_eq!(cap(&order, minutes(5)), Timestamp::EPOCH.plus(minutes(15)));

    // a hold that begins anew has its own cap
    order.updated_at = Timestamp::EPOCH.plus(minutes(1_000));
    apply(&mut order, &Change::HoldBegan);
    assert_eq!(cap(&order, minutes(120)), Timestamp::EPOCH.plus(minutes(1_120)));
}

#[test]
fn what_went_back_before_it_was_heard_of_counts_as_soon_as_it_is() {
    let mut early = order(Status::AwaitingPayment, [0, 300, 0]);
    assert_eq!((early.refunded, early.net()), (300, 0));
    apply(&mut early, &Change::Captured(200));
    assert_eq!((early.refunded, early.net()), (300, 0));
    apply(&mut early, &Change::Captured(500));
    assert_eq!((early.refunded, early.net()), (300, 400));
}
