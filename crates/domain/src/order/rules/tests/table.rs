//! The cells of the contract's table, a row each: what a callback does in each status.

use super::*;

#[rstest]
// awaiting payment
#[case::reaches(
    Status::AwaitingPayment,
    NOTHING,
    500,
    "applied: +500, paid | commit, notify order_confirmed"
)]
#[case::less(
    Status::AwaitingPayment,
    NOTHING,
    499,
    "applied: +499, partially_paid | extend, unfreeze"
)]
#[case::passes(
    Status::AwaitingPayment,
    NOTHING,
    501,
    "review: +501, under_review OverCapture | extend, unfreeze"
)]
#[case(Status::PartiallyPaid, [200, 0, 0], 300, "applied: +300, paid | commit, notify order_confirmed")]
#[case(Status::PartiallyPaid, [200, 0, 0], 299, "applied: +299, partially_paid | extend, unfreeze")]
#[case(Status::PartiallyPaid, [200, 0, 0], 301, "review: +301, under_review OverCapture | extend, unfreeze")]
// money that was refunded does not pay
#[case(Status::PartiallyPaid, [200, 100, 0], 400, "applied: +400, paid | commit, notify order_confirmed")]
#[case(Status::AwaitingPayment, [0, 100, 0], 500, "applied: +500, partially_paid | extend, unfreeze")]
#[case(Status::AwaitingPayment, [0, 100, 0], 600, "applied: +600, paid | commit, notify order_confirmed")]
// under review: the money is recorded
#[case(Status::UnderReview, NOTHING, 500, "applied: +500 | unfreeze")]
#[case(Status::UnderReview, [600, 200, 0], 100, "applied: +100 | unfreeze")]
// under review with a net above the total: the verdict is `review`
#[case(Status::UnderReview, NOTHING, 501, "review: +501 | unfreeze")]
#[case(Status::UnderReview, [600, 0, 0], 1, "review: +1 | unfreeze")]
#[case(Status::UnderReview, [600, 200, 0], 101, "review: +101 | unfreeze")]
#[case(Status::UnderReview, NOTHING, 100, "applied: +100 | unfreeze")]
// paid: exactly the surplus is refunded
#[case(Status::Paid, [500, 0, 0], 500, "applied: +500, requested 500 | refund 500")]
#[case(Status::Paid, [700, 0, 200], 10, "applied: +10, requested 10 | refund 10")]
#[case(Status::Completed, [500, 0, 0], 70, "applied: +70, requested 70 | refund 70")]
#[case(Status::PartiallyRefunded, [500, 100, 0], 50, "applied: +50, requested 50 | refund 50")]
#[case(Status::Refunded, [500, 500, 0], 50, "applied: +50, requested 50 | refund 50")]
// to be refunded: all new money is refunded, also when the earlier refunds have succeeded
#[case(Status::RefundDue, [200, 0, 200], 900, "applied: +900, requested 900 | refund 900")]
#[case(Status::RefundDue, [200, 0, 200], 500, "applied: +500, requested 500 | refund 500")]
#[case(Status::Refunded, [200, 200, 200], 500, "applied: +500, requested 500 | refund 500")]
#[case(Status::Refunded, [500, 500, 500], 500, "applied: +500, requested 500 | refund 500")]
// money whose refund overtook its capture is not refunded again
#[case(Status::Refunded, [500, 700, 0], 200, "applied: +200, requested 200 | ")]
#[case(Status::Refunded, [500, 700, 0], 300, "applied: +300, requested 300 | refund 100")]
#[case(Status::RefundDue, [200, 700, 200], 500, "applied: +500, requested 500 | ")]
#[case(Status::Cancelled, [0, 200, 0], 200, "applied: +200, refunded | ")]
#[case(Status::Cancelled, [0, 200, 0], 300, "applied: +300, refund_due 100, requested 100 | refund 100")]
// the order ended without being paid
#[case(Status::Expired, NOTHING, 500, "applied: +500, refund_due 500, requested 500 | refund 500")]
#[case(Status::Expired, NOTHING, 200, "applied: +200, refund_due 200, requested 200 | refund 200")]
#[case(Status::Expired, NOTHING, 501, "review: +501, refund_due 501, requested 501 | refund 501")]
#[case(
    Status::Cancelled,
    NOTHING,
    500,
    "applied: +500, refund_due 500, requested 500 | refund 500"
)]
#[case(
    Status::Cancelled,
    NOTHING,
    200,
    "applied: +200, refund_due 200, requested 200 | refund 200"
)]
#[case(Status::Cancelled, NOTHING, 501, "review: +501, refund_due 501, requested 501 | refund 501")]
#[case(Status::Rejected, NOTHING, 500, "applied: +500, refund_due 500, requested 500 | refund 500")]
#[case(Status::Rejected, NOTHING, 501, "review: +501, refund_due 501, requested 501 | refund 501")]
fn money_captured(
    #[case] status: Status,
    #[case] before: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    assert_eq!(decided(&order(status, before), money(amount), ENDED), expected);
}

#[test]
fn late_money_pays_an_order_whose_stock_is_held_again() {
    let expired = order(Status::Expired, NOTHING);
    let recorded = (money(500), AUTHORIZED);
    let step = on_callback((&expired, Phase::Unsold), &callback(), recorded, Rehold::Held)
        .expect("is news");
    assert_eq!(words(&step), "applied: +500, paid late | commit, void all, notify order_confirmed");
}

#[test]
fn only_exact_money_for_an_expired_order_holds_its_stock_again() {
    for status in Status::ALL {
        let order = order(*status, NOTHING);
        let pays = [499, 500, 501].map(|amount| pays_late(&order, amount));
        assert_eq!(pays, [false, *status == Status::Expired, false], "{status}");
    }
}

#[rstest]
#[case(Status::AwaitingPayment, "review: under_review OtherCurrency | extend, unfreeze")]
#[case(Status::PartiallyPaid, "review: under_review OtherCurrency | extend, unfreeze")]
#[case(Status::UnderReview, "review:  | unfreeze")]
#[case(Status::Paid, "review:  | ")]
#[case(Status::Completed, "review:  | ")]
#[case(Status::PartiallyRefunded, "review:  | ")]
// orders of which the shop keeps no money
#[case(Status::Refunded, "review:  | refund other currencies")]
#[case(Status::RefundDue, "review:  | refund other currencies")]
#[case(Status::Expired, "review: refund_due 0 | refund other currencies")]
#[case(Status::Cancelled, "review: refund_due 0 | refund other currencies")]
#[case(Status::Rejected, "review: refund_due 0 | refund other currencies")]
fn money_in_another_currency(#[case] status: Status, #[case] expected: &str) {
    assert_eq!(
        decided(&order(status, NOTHING), CallbackEffect::CapturedInOtherCurrency, OTHER_CURRENCY),
        expected
    );
}

#[test]
fn money_in_another_currency_whose_refund_overtook_its_capture() {
    for status in [Status::Expired, Status::Cancelled, Status::Rejected] {
        let decided =
            decided(&order(status, NOTHING), CallbackEffect::CapturedInOtherCurrency, ENDED);
        assert_eq!(decided, "review: refunded | ", "{status}");
    }
}

#[rstest]
// the order is refunded when no money is left, neither in its currency nor in another one
#[case(NOTHING, ENDED, "applied: refunded")]
#[case([200, 200, 200], ENDED, "applied: refunded")]
#[case([200, 100, 200], ENDED, "applied: ")]
#[case(NOTHING, OTHER_CURRENCY, "applied: ")]
fn a_refund_in_another_currency_ends_an_order_with_its_last_money(
    #[case] money: [i64; 3],
    #[case] summary: PaymentSummary,
    #[case] expected: &str,
) {
    let due = order(Status::RefundDue, money);
    let expected = format!("{expected} | notify refund_succeeded r");
    assert_eq!(decided(&due, CallbackEffect::RefundedInOtherCurrency, summary), expected);
}

#[test]
fn money_in_another_currency_keeps_an_order_refund_due() {
    let due = order(Status::RefundDue, [200, 0, 200]);
    assert_eq!(
        decided(&due, refunded(200), OTHER_CURRENCY),
        "applied: -200 | notify refund_succeeded r"
    );
}

#[rstest]
#[case(Status::AwaitingPayment, "applied:  | freeze", "applied:  | freeze")]
#[case(Status::PartiallyPaid, "applied:  | freeze", "applied:  | freeze")]
#[case(Status::UnderReview, "applied:  | freeze", "applied:  | freeze")]
#[case(Status::Paid, "applied:  | ", "applied:  | void acme a")]
#[case(Status::Completed, "applied:  | ", "applied:  | void acme a")]
#[case(Status::PartiallyRefunded, "applied:  | ", "applied:  | void acme a")]
#[case(Status::Refunded, "applied:  | ", "applied:  | void acme a")]
#[case(Status::RefundDue, "applied:  | void acme a", "applied:  | void acme a")]
#[case(Status::Expired, "applied:  | void acme a", "applied:  | void acme a")]
#[case(Status::Cancelled, "applied:  | void acme a", "applied:  | void acme a")]
#[case(Status::Rejected, "applied:  | void acme a", "applied:  | void acme a")]
fn an_attempt_goes_on(
    #[case] status: Status,
    #[case] action_required: &str,
    #[case] authorized: &str,
) {
    let order = order(status, NOTHING);
    assert_eq!(decided(&order, CallbackEffect::ActionRequired, OPEN), action_required);
    assert_eq!(decided(&order, CallbackEffect::Authorized, AUTHORIZED), authorized);
}

#[rstest]
#[case::was_paid(Phase::Sold, "applied:  | ")]
#[case::was_never_paid(Phase::Unsold, "applied:  | void acme a")]
fn an_action_of_the_customer_for_a_refunded_order(#[case] phase: Phase, #[case] expected: &str) {
    let order = order(Status::Refunded, [200, 200, 200]);
    assert_eq!(decided_in(phase, &order, CallbackEffect::ActionRequired, OPEN), expected);
    let authorized = decided_in(phase, &order, CallbackEffect::Authorized, AUTHORIZED);
    assert_eq!(authorized, "applied:  | void acme a");
}

#[rstest]
#[case::no_other_is_open(ENDED, "applied:  | unfreeze")]
#[case::another_is_open(OPEN, "applied:  | freeze")]
fn an_attempt_ends(#[case] summary: PaymentSummary, #[case] expected: &str) {
    for status in [Status::AwaitingPayment, Status::PartiallyPaid, Status::UnderReview] {
        assert_eq!(decided(&order(status, NOTHING), CallbackEffect::Ended, summary), expected);
    }
}

#[test]
fn what_is_stale_is_stale_in_every_status() {
    for status in Status::ALL {
        assert_eq!(decided(&order(*status, NOTHING), CallbackEffect::Stale, AUTHORIZED), "stale");
    }
}

#[rstest]
#[case::paid(500, "applied: +500, paid | commit, void all, notify order_confirmed")]
#[case::too_much(501, "review: +501, under_review OverCapture | extend, void all, freeze")]
#[case::less(499, "applied: +499, partially_paid | extend, freeze")]
fn money_beside_an_open_authorization(#[case] amount: i64, #[case] expected: &str) {
    let order = order(Status::AwaitingPayment, NOTHING);
    assert_eq!(decided(&order, money(amount), AUTHORIZED), expected);
}

#[rstest]
#[case(Status::Paid, [500, 0, 0], 500, "applied: -500, refunded")]
#[case(Status::Paid, [500, 0, 0], 100, "applied: -100, partially_refunded")]
#[case(Status::Paid, [600, 0, 100], 100, "applied: -100")]
#[case(Status::Completed, [500, 0, 0], 500, "applied: -500, refunded")]
#[case(Status::Completed, [500, 0, 0], 1, "applied: -1, partially_refunded")]
#[case(Status::PartiallyRefunded, [500, 100, 0], 400, "applied: -400, refunded")]
#[case(Status::PartiallyRefunded, [500, 100, 0], 1, "applied: -1, partially_refunded")]
#[case(Status::Refunded, [900, 500, 400], 400, "applied: -400, refunded")]
#[case(Status::Refunded, [900, 500, 400], 100, "applied: -100")]
#[case(Status::RefundDue, [200, 0, 200], 200, "applied: -200, refunded")]
#[case(Status::RefundDue, [200, 0, 200], 50, "applied: -50")]
// more than was captured
#[case(Status::Paid, [500, 0, 0], 501, "applied: -501, refunded")]
#[case(Status::Refunded, [500, 500, 0], 100, "applied: -100")]
// the refund overtook its capture, or later callbacks decide the status
#[case(Status::AwaitingPayment, NOTHING, 100, "applied: -100")]
#[case(Status::PartiallyPaid, [200, 0, 0], 100, "applied: -100")]
#[case(Status::PartiallyPaid, [200, 0, 0], 200, "applied: -200")]
#[case(Status::UnderReview, [600, 0, 0], 600, "applied: -600")]
#[case(Status::Expired, NOTHING, 100, "applied: -100")]
#[case(Status::Cancelled, NOTHING, 100, "applied: -100")]
#[case(Status::Rejected, NOTHING, 100, "applied: -100")]
fn money_refunded(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    let expected = format!("{expected} | notify refund_succeeded r");
    assert_eq!(decided(&order(status, money), refunded(amount), ENDED), expected);
}

#[test]
fn callbacks_that_move_no_money_in_the_orders_currency_change_no_status() {
    for status in Status::ALL {
        let order = order(*status, NOTHING);
        let decided = |effect| decided(&order, effect, OTHER_CURRENCY);
        assert_eq!(
            decided(CallbackEffect::RefundedInOtherCurrency),
            "applied:  | notify refund_succeeded r"
        );
        assert_eq!(decided(CallbackEffect::RefundFailed), "applied:  | ");
        assert_eq!(decided(CallbackEffect::Disputed(true)), "applied: disputed true | ");
        assert_eq!(decided(CallbackEffect::Disputed(false)), "applied: disputed false | ");
    }
}

/// A dispute in every status: the event tells of it, and the status stays.
#[rstest]
#[case::opened("dispute_opened", None, true, "applied: disputed true, dispute d | ")]
#[case::opened_with_an_outcome(
    "dispute_opened",
    Some("won"),
    true,
    "applied: disputed true, dispute d | "
)]
#[case::lost("dispute_closed", Some("lost"), true, "applied: disputed true, dispute d lost | ")]
#[case::won("dispute_closed", Some("won"), false, "applied: disputed false, dispute d won | ")]
fn disputes(
    #[case] kind: &str,
    #[case] outcome: Option<&str>,
    #[case] any: bool,
    #[case] expected: &str,
) {
    let data = serde_json::json!({
        "provider": "acme", "event_id": "e", "order_id": "o-1", "attempt_id": "a", "kind": kind,
        "dispute_id": "d", "outcome": outcome, "occurred_at": "2026-01-01T00:00:00Z",
    });
    let parsed = Command::parse(Kind::PaymentCallback, data.to_string().as_bytes());
    let Ok(Command::PaymentCallback(callback)) = parsed else {
        panic!("is a callback: {parsed:?}");
    };
    for status in Status::ALL {
        let order = order(*status, NOTHING);
        let phase = phase(*status).unwrap_or(Phase::Sold);
        let effect = (CallbackEffect::Disputed(any), ENDED);
        let step = on_callback((&order, phase), &callback, effect, Rehold::NotNeeded);
        let step = step.expect("is news");
        assert_eq!(words(&step), expected, "{status}");
        assert_eq!(step.status(*status), *status);
    }
}
