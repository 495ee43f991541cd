//! The life-cycle table as data: an order of 500, what happens to it, and what is decided.

use super::*;
use crate::command::{Command, Kind};
use rstest::rstest;
use std::time::Duration;

/// An order of 500 with this much paid, refunded and asked back.
fn order(status: Status, [paid, refunded, asked_back]: [i64; 3]) -> Order {
    let data = br#"{"order_id": "o-1", "customer": {"id": "c-1"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 1, "unit_price": 500}]}"#;
    let Ok(Command::OrderPlace(place)) = Command::parse(Kind::OrderPlace, data) else {
        panic!("is an order");
    };
    Order {
        id: place.order_id,
        customer: place.customer,
        currency: place.currency,
        lines: place.lines.into(),
        adjustments: place.adjustments.into(),
        total: 500,
        cart: None,
        status,
        version: 1,
        paid,
        refunded,
        asked_back,
        disputed: false,
        hold_for: Duration::from_secs(900),
        placed_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
    }
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
        Change::AskedBack(amount) => format!("asked {amount}"),
        Change::Disputed(disputed) => format!("disputed {disputed}"),
        Change::Become(OrderChange::Paid { late: true }) => "paid late".to_owned(),
        Change::Become(OrderChange::RefundDue { amount }) => format!("refund_due {amount}"),
        Change::Become(OrderChange::UnderReview { reason }) => format!("under_review {reason:?}"),
        Change::Become(change) => status_after(change).to_string(),
    }
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::CommitHold => "commit".to_owned(),
        Effect::ReleaseHold(reason) => format!("release {reason:?}"),
        Effect::ExtendHold => "extend".to_owned(),
        Effect::AskBack { amount } => format!("ask {amount} back"),
        Effect::VoidOpen => "void".to_owned(),
        Effect::ReopenCart => "reopen cart".to_owned(),
        Effect::Notify { kind, .. } => format!("notify {kind}"),
    }
}

const NOTHING: [i64; 3] = [0, 0, 0];

#[rstest]
#[case(500, "applied: awaiting_payment | ")]
#[case(0, "applied: awaiting_payment, paid | commit, void, notify order_confirmed")]
fn placed(#[case] total: i64, #[case] expected: &str) {
    let order = Order { total, ..order(Status::AwaitingPayment, NOTHING) };
    assert_eq!(words(&place(&order)), expected);
}

#[rstest]
// awaiting its money
#[case(
    Status::AwaitingPayment,
    NOTHING,
    500,
    "applied: +500, paid | commit, void, notify order_confirmed"
)]
#[case(Status::AwaitingPayment, NOTHING, 499, "applied: +499, partially_paid | extend")]
#[case(
    Status::AwaitingPayment,
    NOTHING,
    501,
    "review: +501, under_review OverCapture | extend, void"
)]
#[case(Status::PartiallyPaid, [200, 0, 0], 300, "applied: +300, paid | commit, void, notify order_confirmed")]
#[case(Status::PartiallyPaid, [200, 0, 0], 299, "applied: +299, partially_paid | extend")]
#[case(Status::PartiallyPaid, [200, 0, 0], 301, "review: +301, under_review OverCapture | extend, void")]
// what was refunded meanwhile is not there to pay with
#[case(Status::PartiallyPaid, [200, 100, 0], 400, "applied: +400, paid | commit, void, notify order_confirmed")]
// judged by a person
#[case(Status::UnderReview, [600, 0, 0], 500, "applied: +500 | ")]
// paid: exactly the surplus is asked back
#[case(Status::Paid, [500, 0, 0], 500, "applied: +500, asked 500 | ask 500 back")]
#[case(Status::Paid, [700, 0, 200], 10, "applied: +10, asked 10 | ask 10 back")]
#[case(Status::Completed, [500, 0, 0], 70, "applied: +70, asked 70 | ask 70 back")]
#[case(Status::PartiallyRefunded, [500, 100, 0], 50, "applied: +50, asked 50 | ask 50 back")]
#[case(Status::Refunded, [500, 500, 0], 50, "applied: +50, asked 50 | ask 50 back")]
// to be refunded: all of it is asked back, also when what was due before went back
#[case(Status::RefundDue, [200, 0, 200], 500, "applied: +500, asked 500 | ask 500 back")]
#[case(Status::Refunded, [200, 200, 200], 500, "applied: +500, asked 500 | ask 500 back")]
#[case(Status::Refunded, [500, 500, 500], 500, "applied: +500, asked 500 | ask 500 back")]
// too late
#[case(Status::Expired, NOTHING, 500, "applied: +500, refund_due 500, asked 500 | ask 500 back")]
#[case(Status::Expired, NOTHING, 200, "applied: +200, refund_due 200, asked 200 | ask 200 back")]
#[case(Status::Expired, NOTHING, 501, "review: +501, refund_due 501, asked 501 | ask 501 back")]
#[case(Status::Cancelled, NOTHING, 500, "applied: +500, refund_due 500, asked 500 | ask 500 back")]
#[case(Status::Cancelled, NOTHING, 501, "review: +501, refund_due 501, asked 501 | ask 501 back")]
#[case(Status::Rejected, NOTHING, 500, "applied: +500, refund_due 500, asked 500 | ask 500 back")]
#[case(Status::Rejected, NOTHING, 501, "review: +501, refund_due 501, asked 501 | ask 501 back")]
fn money_captured(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    let step = captured(&order(status, money), amount, Late::No);
    assert_eq!(words(&step), expected);
}

#[test]
fn late_money_with_its_stock_held_again_pays() {
    let expired = order(Status::Expired, NOTHING);
    assert_eq!(
        words(&captured(&expired, 500, Late::Yes)),
        "applied: +500, paid late | commit, void, notify order_confirmed"
    );
}

#[test]
fn only_exact_money_on_an_expired_order_is_worth_holding_its_stock_again() {
    for status in Status::ALL {
        let order = order(*status, NOTHING);
        let pays = [499, 500, 501].map(|amount| pays_late(&order, amount));
        assert_eq!(pays, [false, *status == Status::Expired, false], "{status}");
    }
}

#[test]
fn money_in_another_currency_is_for_a_person_and_moves_nothing() {
    for status in Status::ALL {
        let expected = match status {
            Status::AwaitingPayment | Status::PartiallyPaid => {
                "review: under_review OtherCurrency | extend, void"
            }
            _ => "review:  | ",
        };
        let step = captured_elsewhere(&order(*status, NOTHING));
        assert_eq!(words(&step), expected, "{status}");
    }
}

#[rstest]
#[case(Status::Paid, [500, 0, 0], 500, "applied: -500, refunded")]
#[case(Status::Paid, [500, 0, 0], 100, "applied: -100, partially_refunded")]
#[case(Status::Paid, [600, 0, 100], 100, "applied: -100")]
#[case(Status::Completed, [500, 0, 0], 500, "applied: -500, refunded")]
#[case(Status::Completed, [500, 0, 0], 1, "applied: -1, partially_refunded")]
#[case(Status::PartiallyRefunded, [500, 100, 0], 400, "applied: -400, refunded")]
#[case(Status::PartiallyRefunded, [500, 100, 0], 1, "applied: -1, partially_refunded")]
#[case(Status::RefundDue, [200, 0, 200], 200, "applied: -200, refunded")]
#[case(Status::RefundDue, [200, 0, 200], 50, "applied: -50")]
#[case(Status::UnderReview, [600, 0, 0], 100, "applied: -100")]
#[case(Status::PartiallyPaid, [200, 0, 0], 100, "applied: -100")]
fn money_refunded(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    let step = refunded(&order(status, money), amount);
    assert_eq!(words(&step), format!("{expected} | notify refund_succeeded"));
}

#[test]
fn attempts_and_disputes_move_neither_money_nor_stock() {
    assert_eq!(words(&noted()), "applied:  | ");
    assert_eq!(words(&disputed(true)), "applied: disputed true | ");
    assert_eq!(words(&disputed(false)), "applied: disputed false | ");
}

#[rstest]
#[case(Status::AwaitingPayment, NOTHING, "", "")]
#[case(Status::PartiallyPaid, [200, 0, 0], ", refund_due 200, asked 200", ", ask 200 back")]
#[case(Status::PartiallyPaid, [200, 50, 0], ", refund_due 150, asked 150", ", ask 150 back")]
#[case(Status::UnderReview, [600, 0, 0], ", refund_due 600, asked 600", ", ask 600 back")]
#[case(Status::UnderReview, NOTHING, "", "")]
fn cancelled(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] due: &str,
    #[case] asked: &str,
) {
    let step = cancel(&order(status, money), None).expect("is allowed");
    let expected =
        format!("applied: cancelled{due} | release Cancelled, void, notify order_cancelled{asked}");
    assert_eq!(words(&step), expected);
}

#[rstest]
#[case::cancel(
    |order: &Order| cancel(order, None),
    &[Status::AwaitingPayment, Status::PartiallyPaid, Status::UnderReview]
)]
#[case::complete(complete, &[Status::Paid])]
fn refused_in_every_other_status(
    #[case] decide: fn(&Order) -> Result<Step, Refusal>,
    #[case] allowed: &[Status],
) {
    for status in Status::ALL {
        let decided = decide(&order(*status, NOTHING));
        if allowed.contains(status) {
            assert!(decided.is_ok(), "{status}");
        } else {
            let refusal = Refusal::with(Reason::NotAllowed, status.as_str());
            assert_eq!(decided, Err(refusal));
        }
    }
}

#[test]
fn completed_once_paid() {
    let step = complete(&order(Status::Paid, [500, 0, 0])).expect("is allowed");
    assert_eq!(words(&step), "applied: completed | ");
}

#[test]
fn a_hold_that_ran_out() {
    for status in Status::ALL {
        let lapsed = lapse(&order(*status, [200, 0, 0]));
        let expired = "release Expired, void, reopen cart, notify order_expired";
        let expected = match status {
            Status::AwaitingPayment => Some(format!("applied: expired | {expired}")),
            Status::PartiallyPaid => Some(format!(
                "applied: expired, refund_due 200, asked 200 | {expired}, ask 200 back"
            )),
            Status::UnderReview => Some("applied:  | release Expired".to_owned()),
            _ => None,
        };
        assert_eq!(lapsed.as_ref().map(words), expected, "{status}");
    }
}

#[test]
fn attempts_without_money_matter_while_money_is_awaited() {
    let waiting = Status::ALL.iter().copied().filter(|s| awaits_money(*s));
    assert!(waiting.eq([Status::AwaitingPayment, Status::PartiallyPaid, Status::UnderReview]));
}

#[test]
fn applying_a_step_moves_money_and_status() {
    let mut partial = order(Status::PartiallyPaid, [200, 0, 0]);
    for change in lapse(&partial).expect("lapses").changes {
        apply(&mut partial, &change);
    }
    assert_eq!(partial.status, Status::RefundDue);
    assert_eq!((partial.paid, partial.asked_back), (200, 200));

    let step = refunded(&partial, 200);
    for change in step.changes {
        apply(&mut partial, &change);
    }
    assert_eq!((partial.status, partial.net()), (Status::Refunded, 0));
    apply(&mut partial, &Change::Disputed(true));
    assert!(partial.disputed);
}

#[test]
fn the_cap_counts_from_the_placing_and_never_cuts_a_hold() {
    let order = order(Status::PartiallyPaid, NOTHING);
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    assert_eq!(cap(&order, minutes(120)), Timestamp::EPOCH.plus(minutes(120)));
    assert_eq!(cap(&order, minutes(5)), Timestamp::EPOCH.plus(minutes(15)));
}
