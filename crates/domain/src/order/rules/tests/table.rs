//! The cells of the contract's table, a row each: what a callback does in each status.

use super::*;

#[rstest]
// awaiting its money
#[case::reaches(
    Status::AwaitingPayment,
    NOTHING,
    500,
    "applied: +500, paid | commit, notify order_confirmed"
)]
#[case::less(Status::AwaitingPayment, NOTHING, 499, "applied: +499, partially_paid | extend, thaw")]
#[case::passes(
    Status::AwaitingPayment,
    NOTHING,
    501,
    "review: +501, under_review OverCapture | extend, thaw"
)]
#[case(Status::PartiallyPaid, [200, 0, 0], 300, "applied: +300, paid | commit, notify order_confirmed")]
#[case(Status::PartiallyPaid, [200, 0, 0], 299, "applied: +299, partially_paid | extend, thaw")]
#[case(Status::PartiallyPaid, [200, 0, 0], 301, "review: +301, under_review OverCapture | extend, thaw")]
// what was refunded meanwhile is not there to pay with
#[case(Status::PartiallyPaid, [200, 100, 0], 400, "applied: +400, paid | commit, notify order_confirmed")]
#[case(Status::AwaitingPayment, [0, 100, 0], 500, "applied: +500, partially_paid | extend, thaw")]
#[case(Status::AwaitingPayment, [0, 100, 0], 600, "applied: +600, paid | commit, notify order_confirmed")]
// judged by a person: recorded
#[case(Status::UnderReview, NOTHING, 500, "applied: +500 | thaw")]
#[case(Status::UnderReview, [600, 200, 0], 100, "applied: +100 | thaw")]
// and above the total a person is needed for it, too
#[case(Status::UnderReview, NOTHING, 501, "review: +501 | thaw")]
#[case(Status::UnderReview, [600, 0, 0], 1, "review: +1 | thaw")]
#[case(Status::UnderReview, [600, 200, 0], 101, "review: +101 | thaw")]
#[case(Status::UnderReview, NOTHING, 100, "applied: +100 | thaw")]
// paid: exactly the surplus is asked back
#[case(Status::Paid, [500, 0, 0], 500, "applied: +500, requested 500 | refund 500")]
#[case(Status::Paid, [700, 0, 200], 10, "applied: +10, requested 10 | refund 10")]
#[case(Status::Completed, [500, 0, 0], 70, "applied: +70, requested 70 | refund 70")]
#[case(Status::PartiallyRefunded, [500, 100, 0], 50, "applied: +50, requested 50 | refund 50")]
#[case(Status::Refunded, [500, 500, 0], 50, "applied: +50, requested 50 | refund 50")]
// to be refunded: all of it is asked back, also when what was due before went back
#[case(Status::RefundDue, [200, 0, 200], 900, "applied: +900, requested 900 | refund 900")]
#[case(Status::RefundDue, [200, 0, 200], 500, "applied: +500, requested 500 | refund 500")]
// what went back before it was heard of is not asked back again
#[case(Status::Refunded, [500, 700, 0], 200, "applied: +200 | ")]
#[case(Status::Refunded, [500, 700, 0], 300, "applied: +300, requested 100 | refund 100")]
#[case(Status::RefundDue, [200, 700, 200], 500, "applied: +500, requested 500 | ")]
#[case(Status::Cancelled, [0, 200, 0], 200, "applied: +200, refunded | ")]
#[case(Status::Cancelled, [0, 200, 0], 300, "applied: +300, refund_due 100, requested 100 | refund 100")]
// too late
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
    assert_eq!(hear(&order(status, before), money(amount), ENDED), expected);
}

#[rstest]
#[case([200, 200, 200], 500, "applied: +500, requested 500 | refund 500")]
#[case([500, 500, 500], 500, "applied: +500, requested 500 | refund 500")]
#[case([200, 300, 0], 100, "applied: +100, requested 100 | ")]
fn money_of_an_order_that_was_never_sold_and_refunded(
    #[case] before: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    let order = order(Status::Refunded, before);
    assert_eq!(hear_in(Phase::Unsold, &order, money(amount), ENDED), expected);
}

/// A total of 100: +50, -50 unasked, +100, +10 asks back 10.
#[test]
fn what_was_sent_back_unasked_before_the_order_was_paid_is_not_asked_back_again() {
    let mut order = Order { total: 100, ..order(Status::AwaitingPayment, NOTHING) };
    let early = CallbackEffect::Refunded { amount: 50, early: true, part: Progress::First };
    for (effect, expected) in [
        (money(50), "applied: +50, partially_paid | extend, thaw"),
        (early, "applied: -50, early 50 | notify refund_succeeded r"),
        (money(100), "applied: +100, paid | commit, notify order_confirmed"),
        (money(10), "applied: +10, requested 10 | refund 10"),
        // what a provider sends back later does not count
        (refunded(10), "applied: -10 | notify refund_succeeded r"),
        (money(7), "applied: +7, requested 7 | refund 7"),
    ] {
        assert_eq!(hear(&order, effect, ENDED), expected);
        let phase = phase(order.status).expect("follows from the status");
        let step = on_callback((&order, phase), &callback(), (effect, ENDED), Rehold::NotNeeded);
        for change in step.expect("is news").changes {
            apply(&mut order, &change);
        }
    }
    assert_eq!((order.paid, order.refunded, order.net()), (167, 60, 107));
}

#[test]
fn no_surplus_is_asked_back_that_is_not_there() {
    let pending = PaymentSummary { pending: 480, ..ENDED };
    let order = order(Status::Paid, [500, 0, 0]);
    assert_eq!(hear(&order, money(50), pending), "applied: +50, requested 50 | refund 50");
    let pending = PaymentSummary { pending: 520, ..ENDED };
    assert_eq!(hear(&order, money(50), pending), "applied: +50, requested 30 | refund 30");
}

#[test]
fn late_money_with_its_stock_held_again_pays() {
    let expired = order(Status::Expired, NOTHING);
    let recorded = (money(500), AUTHORIZED);
    let step = on_callback((&expired, Phase::Unsold), &callback(), recorded, Rehold::Held)
        .expect("is news");
    assert_eq!(words(&step), "applied: +500, paid late | commit, void all, notify order_confirmed");
}

#[test]
fn only_exact_money_on_an_expired_order_is_worth_holding_its_stock_again() {
    for status in Status::ALL {
        let order = order(*status, NOTHING);
        let pays = [499, 500, 501].map(|amount| pays_late(&order, amount));
        assert_eq!(pays, [false, *status == Status::Expired, false], "{status}");
    }
}

#[rstest]
#[case(Status::AwaitingPayment, "review: under_review OtherCurrency | extend, thaw")]
#[case(Status::PartiallyPaid, "review: under_review OtherCurrency | extend, thaw")]
#[case(Status::UnderReview, "review:  | thaw")]
#[case(Status::Paid, "review:  | ")]
#[case(Status::Completed, "review:  | ")]
#[case(Status::PartiallyRefunded, "review:  | ")]
// the shop keeps nothing of these
#[case(Status::Refunded, "review:  | refund other currencies")]
#[case(Status::RefundDue, "review:  | refund other currencies")]
#[case(Status::Expired, "review: refund_due 0 | refund other currencies")]
#[case(Status::Cancelled, "review: refund_due 0 | refund other currencies")]
#[case(Status::Rejected, "review: refund_due 0 | refund other currencies")]
fn money_in_another_currency(#[case] status: Status, #[case] expected: &str) {
    assert_eq!(
        hear(&order(status, NOTHING), CallbackEffect::CapturedInOtherCurrency, OTHER_CURRENCY),
        expected
    );
}

#[test]
fn money_in_another_currency_that_went_back_before_it_was_heard_of() {
    for status in [Status::Expired, Status::Cancelled, Status::Rejected] {
        let heard = hear(&order(status, NOTHING), CallbackEffect::CapturedInOtherCurrency, ENDED);
        assert_eq!(heard, "review: refunded | ", "{status}");
    }
}

#[rstest]
// of the order's own money nothing is left: that of another currency is the last
#[case(NOTHING, ENDED, "applied: refunded")]
#[case([200, 200, 200], ENDED, "applied: refunded")]
#[case([200, 100, 200], ENDED, "applied: ")]
#[case(NOTHING, OTHER_CURRENCY, "applied: ")]
fn the_last_that_was_due_went_back(
    #[case] money: [i64; 3],
    #[case] summary: PaymentSummary,
    #[case] expected: &str,
) {
    let due = order(Status::RefundDue, money);
    let expected = format!("{expected} | notify refund_succeeded r");
    let effect =
        CallbackEffect::RefundedInOtherCurrency { is_too_much: false, part: Progress::First };
    assert_eq!(hear(&due, effect, summary), expected);
}

#[test]
fn what_is_due_in_another_currency_keeps_an_order_due() {
    let due = order(Status::RefundDue, [200, 0, 200]);
    assert_eq!(
        hear(&due, refunded(200), OTHER_CURRENCY),
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
    assert_eq!(hear(&order, CallbackEffect::ActionRequired, OPEN), action_required);
    assert_eq!(hear(&order, CallbackEffect::Authorized, AUTHORIZED), authorized);
}

#[rstest]
#[case::after_it_was_paid(Phase::Sold, "applied:  | ")]
#[case::it_never_was(Phase::Unsold, "applied:  | void acme a")]
fn a_customers_step_for_an_order_whose_money_went_back(
    #[case] phase: Phase,
    #[case] expected: &str,
) {
    let order = order(Status::Refunded, [200, 200, 200]);
    assert_eq!(hear_in(phase, &order, CallbackEffect::ActionRequired, OPEN), expected);
    let authorized = hear_in(phase, &order, CallbackEffect::Authorized, AUTHORIZED);
    assert_eq!(authorized, "applied:  | void acme a");
}

#[rstest]
#[case::it_was_the_last(ENDED, "applied:  | thaw")]
#[case::another_is_open(OPEN, "applied:  | freeze")]
fn an_attempt_ends(#[case] summary: PaymentSummary, #[case] expected: &str) {
    for status in [Status::AwaitingPayment, Status::PartiallyPaid, Status::UnderReview] {
        assert_eq!(hear(&order(status, NOTHING), CallbackEffect::Ended, summary), expected);
    }
}

#[test]
fn what_is_stale_is_stale_in_every_status() {
    for status in Status::ALL {
        assert_eq!(hear(&order(*status, NOTHING), CallbackEffect::Stale, AUTHORIZED), "stale");
    }
}

#[rstest]
#[case::paid(500, "applied: +500, paid | commit, void all, notify order_confirmed")]
#[case::too_much(501, "review: +501, under_review OverCapture | extend, void all, freeze")]
#[case::less(499, "applied: +499, partially_paid | extend, freeze")]
fn money_beside_an_open_authorization(#[case] amount: i64, #[case] expected: &str) {
    let order = order(Status::AwaitingPayment, NOTHING);
    assert_eq!(hear(&order, money(amount), AUTHORIZED), expected);
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
// more than was there: a person is needed
#[case(Status::Paid, [500, 0, 0], 501, "review: -501, refunded")]
#[case(Status::Refunded, [500, 500, 0], 100, "review: -100")]
// it overtook its capture, or the order is still judged by what comes
#[case(Status::AwaitingPayment, NOTHING, 100, "review: -100")]
#[case(Status::PartiallyPaid, [200, 0, 0], 100, "applied: -100")]
#[case(Status::PartiallyPaid, [200, 0, 0], 200, "applied: -200")]
#[case(Status::UnderReview, [600, 0, 0], 600, "applied: -600")]
#[case(Status::Expired, NOTHING, 100, "review: -100")]
#[case(Status::Cancelled, NOTHING, 100, "review: -100")]
#[case(Status::Rejected, NOTHING, 100, "review: -100")]
fn money_refunded(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    let expected = format!("{expected} | notify refund_succeeded r");
    assert_eq!(hear(&order(status, money), refunded(amount), ENDED), expected);
}

#[test]
fn refunds_of_the_same_id_at_other_attempts_have_notifications_of_their_own() {
    let second = CallbackEffect::Refunded { amount: 100, early: false, part: Progress::Further };
    let heard = hear(&order(Status::Paid, [500, 0, 0]), second, ENDED);
    assert_eq!(heard, "applied: -100, partially_refunded | notify refund_succeeded r@acme/a");
}

#[test]
fn the_customer_hears_of_a_refund_when_all_of_it_has_come() {
    let share = CallbackEffect::Refunded { amount: 100, early: false, part: Progress::Share };
    let heard = hear(&order(Status::Paid, [500, 0, 0]), share, ENDED);
    assert_eq!(heard, "applied: -100, partially_refunded | ");
}

#[test]
fn what_moves_no_money_of_the_order_changes_no_status() {
    for status in Status::ALL {
        let order = order(*status, NOTHING);
        let hear = |effect| hear(&order, effect, OTHER_CURRENCY);
        for (is_too_much, verdict) in [(false, "applied"), (true, "review")] {
            let part = Progress::First;
            assert_eq!(
                hear(CallbackEffect::RefundedInOtherCurrency { is_too_much, part }),
                format!("{verdict}:  | notify refund_succeeded r")
            );
        }
        assert_eq!(hear(CallbackEffect::RefundFailed), "applied:  | ");
        for any in [true, false] {
            let disputed = CallbackEffect::Disputed { any, outcome: None };
            assert_eq!(hear(disputed), format!("applied: disputed {any} | "));
        }
    }
}

/// A dispute in every status: the event tells of it, and the status stays.
#[rstest]
#[case::opened("dispute_opened", None, true, "applied: disputed true, disputed d | ")]
#[case::opened_with_an_outcome(
    "dispute_opened",
    Some("won"),
    true,
    "applied: disputed true, disputed d | "
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
    let outcome = callback.outcome.filter(|_| kind == "dispute_closed");
    for status in Status::ALL {
        let order = order(*status, NOTHING);
        let phase = phase(*status).unwrap_or(Phase::Sold);
        let effect = (CallbackEffect::Disputed { any, outcome }, ENDED);
        let step = on_callback((&order, phase), &callback, effect, Rehold::NotNeeded);
        let step = step.expect("is news");
        assert_eq!(words(&step), expected, "{status}");
        assert_eq!(step.status(*status), *status);
    }
}
