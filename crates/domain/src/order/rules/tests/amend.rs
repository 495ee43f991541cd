//! `order.amend`: what it makes of the lines and the total, by status, and what follows from the new total.

use super::*;
use crate::command::OrderAmend;
use crate::verdict::{Detail, Refusal};
use rstest::rstest;
use serde_json::{Value, json};

/// An order of two lines of tea and one of cups: 2 × 200, 3 × 100 and 1 × 300, with shipping of 50. Its total is 1050.
fn goods(status: Status, [paid, refunded, auto_refunds_requested]: [i64; 3]) -> Order {
    let data = br#"{"order_id": "o-1", "customer": {"id": "c-1"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 2, "unit_price": 200}, {"sku": "cup", "quantity": 3, "unit_price": 100},
            {"sku": "tea", "quantity": 1, "unit_price": 300}],
        "adjustments": [{"kind": "shipping", "amount": 50}]}"#;
    let Ok(Command::OrderPlace(place)) = Command::parse(Kind::OrderPlace, data) else {
        panic!("is an order");
    };
    let placed = NewOrder::of_command(place, Duration::from_secs(900), ConfirmOn::Capture)
        .placed(Timestamp::EPOCH);
    let placed = placed.expect("has a total");
    Order { status, version: 4, paid, refunded, auto_refunds_requested, ..placed }
}

fn command(mut data: Value) -> OrderAmend {
    data["order_id"] = json!("o-1");
    match Command::parse(Kind::OrderAmend, data.to_string().as_bytes()) {
        Ok(Command::OrderAmend(amend)) => amend,
        other => panic!("is an amendment: {other:?}"),
    }
}

/// Quantities, written `tea 2, cup 0`.
fn lines(text: &str) -> Value {
    let line = |line: &str| {
        let (sku, quantity) = line.split_once(' ').expect("is a sku and a quantity");
        json!({"sku": sku, "quantity": quantity.parse::<u32>().expect("is a number")})
    };
    json!({"lines": text.split(", ").map(line).collect::<Vec<_>>()})
}

/// The goods after the command in words: the lines and the total, or why it is refused.
fn told(order: &Order, data: Value) -> String {
    match amend(order, &command(data)) {
        Ok(None) => "no goods".to_owned(),
        Ok(Some(Goods { lines, adjustments: _, total })) => {
            let lines = lines.iter().map(|line| format!("{} {}", line.quantity, line.sku));
            format!("{} = {total}", lines.collect::<Vec<_>>().join(", "))
        }
        Err(AmendError::Refused(Refusal { reason, detail: Some(Detail::Text(detail)) })) => {
            format!("rejected: {}: {detail}", reason.as_str())
        }
        Err(AmendError::Refused(refusal)) => panic!("has no text: {refusal:?}"),
        Err(AmendError::Invalid(invalid)) => format!("invalid: {}", invalid.detail),
    }
}

#[rstest]
#[case::grows("cup 5", "2 tea, 5 cup, 1 tea = 1250")]
#[case::shrinks("cup 1", "2 tea, 1 cup, 1 tea = 850")]
#[case::stays("tea 3", "2 tea, 3 cup, 1 tea = 1050")]
#[case::goes("cup 0", "2 tea, 1 tea = 750")]
#[case::the_last_line_grows("tea 5", "2 tea, 3 cup, 3 tea = 1650")]
#[case::the_last_line_gives_way_first("tea 2", "2 tea, 3 cup = 750")]
#[case::then_the_one_before("tea 1", "1 tea, 3 cup = 550")]
#[case::both_lines_go("tea 0", "3 cup = 350")]
#[case::several("cup 1, tea 1", "1 tea, 1 cup = 350")]
#[case::none_is_left("cup 0, tea 0", "rejected: not_allowed: awaiting_payment; one line must stay")]
#[case::unknown("pot 1", "rejected: unknown_sku: pot")]
#[case::unknown_to_remove("pot 0", "rejected: unknown_sku: pot")]
#[case::the_most("tea 1000000", "2 tea, 3 cup, 999998 tea = 300000150")]
fn quantities(#[case] command: &str, #[case] expected: &str) {
    let order = goods(Status::AwaitingPayment, NOTHING);
    assert_eq!(told(&order, lines(command)), expected);
}

#[rstest]
#[case::removed(json!([]), "2 tea, 3 cup, 1 tea = 1000")]
#[case::replaced(json!([{"kind": "coupon", "amount": -100}, {"kind": "fee", "amount": 5}]), "2 tea, 3 cup, 1 tea = 905")]
#[case::to_nothing(json!([{"kind": "coupon", "amount": -1000}]), "2 tea, 3 cup, 1 tea = 0")]
#[case::below_0(json!([{"kind": "coupon", "amount": -1001}]), "invalid: adjustments: the total is below 0")]
#[case::too_large(json!([{"kind": "fee", "amount": i64::MAX}]), "invalid: adjustments: the total is too large")]
fn other_adjustments(#[case] all: Value, #[case] expected: &str) {
    let order = goods(Status::AwaitingPayment, NOTHING);
    assert_eq!(told(&order, json!({ "adjustments": all })), expected);
}

/// A discount that the goods that are left do not cover.
#[test]
fn a_total_below_0_names_the_lines() {
    let mut order = goods(Status::AwaitingPayment, NOTHING);
    order.adjustments = command(json!({"adjustments": [{"kind": "coupon", "amount": -800}]}))
        .adjustments
        .expect("are given")
        .into();
    assert_eq!(told(&order, lines("cup 0")), "invalid: lines: the total is below 0");
}

const UP: &str = "2 tea, 4 cup, 1 tea = 1150";
const DOWN: &str = "2 tea, 2 cup, 1 tea = 950";
const DEARER: &str = "2 tea, 3 cup, 1 tea = 1051";

/// By status: one cup more, one cup less, an adjustment of 51 in place of 50, and a command without goods.
#[rstest]
#[case(Status::AwaitingPayment, UP, DOWN, DEARER)]
#[case(Status::PartiallyPaid, UP, DOWN, DEARER)]
#[case(Status::Authorized, "", DOWN, "")]
#[case(Status::Paid, "", DOWN, "")]
#[case(Status::PartiallyRefunded, "", DOWN, "")]
#[case(Status::UnderReview, "no", "no", "no")]
#[case(Status::Completed, "no", "no", "no")]
#[case(Status::Expired, "no", "no", "no")]
#[case(Status::Cancelled, "no", "no", "no")]
#[case(Status::RefundDue, "no", "no", "no")]
#[case(Status::Refunded, "no", "no", "no")]
fn by_status(#[case] status: Status, #[case] up: &str, #[case] down: &str, #[case] dearer: &str) {
    let order = goods(status, NOTHING);
    let dearer_now = json!({"adjustments": [{"kind": "shipping", "amount": 51}]});
    for (data, expected) in [(lines("cup 4"), up), (lines("cup 2"), down), (dearer_now, dearer)] {
        let expected = match expected {
            "" => {
                format!("rejected: not_allowed: {status}; quantities and the total can only fall")
            }
            "no" => format!("rejected: not_allowed: {status}"),
            goods => goods.to_owned(),
        };
        assert_eq!(told(&order, data), expected);
    }
    assert_eq!(told(&order, json!({"metadata": {}})), "no goods");
}

#[test]
fn of_an_order_that_was_completed_only_the_contact_changes() {
    let mut order = goods(Status::PartiallyRefunded, NOTHING);
    order.completed_at = Some(Timestamp::EPOCH);
    assert_eq!(told(&order, lines("cup 2")), "rejected: not_allowed: partially_refunded");
    assert_eq!(told(&order, json!({"customer": {"id": "c-2"}})), "no goods");
}

#[test]
fn a_rejected_order_changes_in_nothing() {
    let order = goods(Status::Rejected, NOTHING);
    assert_eq!(told(&order, json!({"metadata": {}})), "rejected: not_allowed: rejected");
    assert_eq!(told(&order, lines("cup 2")), "rejected: not_allowed: rejected");
}

/// A quantity that falls does not pay for another one that grows.
#[test]
fn once_paid_no_quantity_grows_though_the_total_falls() {
    let order = goods(Status::Paid, [1050, 0, 0]);
    let expected = "rejected: not_allowed: paid; quantities and the total can only fall";
    assert_eq!(told(&order, lines("tea 1, cup 4")), expected);
}

#[test]
fn another_version_than_expected_is_refused() {
    let order = goods(Status::AwaitingPayment, NOTHING);
    let refused = "rejected: version_mismatch: the version is 4";
    assert_eq!(told(&order, json!({"expected_version": 3, "metadata": {}})), refused);
    assert_eq!(told(&order, json!({"expected_version": 4, "metadata": {}})), "no goods");
}

/// The order has its new total already: it was 1050.
#[rstest]
#[case::not_paid(Status::AwaitingPayment, [0, 0, 0], 850, "applied:  | ")]
#[case::not_enough(Status::PartiallyPaid, [849, 0, 0], 850, "applied:  | ")]
#[case::exactly(Status::PartiallyPaid, [850, 0, 0], 850, "applied: paid | commit, void all, notify order_confirmed")]
#[case::more_than_enough(
    Status::PartiallyPaid,
    [900, 0, 0],
    850,
    "applied: paid, requested 50 | commit, void all, notify order_confirmed, refund 50"
)]
#[case::for_nothing(Status::AwaitingPayment, [0, 0, 0], 0, "applied: paid | commit, void all, notify order_confirmed")]
#[case::authorized_and_paid(
    Status::Authorized,
    [850, 0, 0],
    850,
    "applied: paid | commit, void all, notify order_confirmed"
)]
#[case::still_authorized(Status::Authorized, [100, 0, 0], 850, "applied:  | ")]
#[case::paid(Status::Paid, [1050, 0, 0], 850, "applied: requested 200 | refund 200")]
#[case::nothing_changes(Status::Paid, [1050, 0, 0], 1050, "applied:  | ")]
#[case::surplus_was_asked_back(Status::Paid, [1250, 0, 200], 850, "applied: requested 200 | refund 200")]
#[case::refunds_that_were_requested_do_not_count(
    Status::PartiallyRefunded,
    [1050, 300, 0],
    850,
    "applied: requested 200 | refund 200"
)]
#[case::never_more_than_there_is(Status::PartiallyRefunded, [1050, 1000, 0], 850, "applied: requested 50 | refund 50")]
fn a_new_total(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] total: i64,
    #[case] expected: &str,
) {
    let order = Order { total, ..goods(status, money) };
    assert_eq!(words(&judge_total(&order, ENDED)), expected);
}

#[test]
fn a_pending_refund_is_not_asked_for_again() {
    let order = Order { total: 850, ..goods(Status::Paid, [1050, 0, 0]) };
    let summary = PaymentSummary { pending: 1000, ..ENDED };
    assert_eq!(words(&judge_total(&order, summary)), "applied: requested 50 | refund 50");
}

#[test]
fn authorizations_that_reach_the_new_total_confirm_the_order() {
    let mut order = Order { total: 850, ..goods(Status::AwaitingPayment, NOTHING) };
    let summary = PaymentSummary { authorized: 850, ..AUTHORIZED };
    assert_eq!(words(&judge_total(&order, summary)), "applied:  | ");
    order.confirm_on = ConfirmOn::Authorization;
    let expected = "applied: authorized | let stand, notify order_confirmed";
    assert_eq!(words(&judge_total(&order, summary)), expected);
}

#[test]
fn the_event_keeps_the_status() {
    for status in [Status::Paid, Status::UnderReview, Status::Expired] {
        let step = amended();
        assert_eq!(words(&step), "applied: amended | ");
        assert_eq!(step.status(status), status);
    }
}
