//! Refunds that failed after they had succeeded, a row each: an order of 500.

use super::*;

fn bounced(amount: i64) -> CallbackEffect {
    CallbackEffect::Bounced { amount, early: false }
}

#[rstest]
// sold: the status that the money says
#[case(Status::Refunded, [500, 500, 0], 500, "refund_due 500 (paid)")]
#[case(Status::Refunded, [500, 500, 0], 200, "refund_due 200 (partially_refunded)")]
#[case(Status::PartiallyRefunded, [500, 300, 0], 200, "refund_due 200 (partially_refunded)")]
#[case(Status::PartiallyRefunded, [500, 300, 0], 300, "refund_due 300 (paid)")]
#[case(Status::Paid, [600, 100, 100], 100, "refund_due 100 (paid)")]
// it was paid once more after all had been sent back
#[case(Status::Refunded, [1_000, 500, 500], 500, "refund_due 500 (paid)")]
// more had been sent back than was there: nothing is owed again yet
#[case(Status::Refunded, [500, 700, 0], 200, "refund_due 200 (refunded)")]
fn of_a_sold_order(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    let order = order(status, money);
    let heard = hear_in(Phase::Sold, &order, bounced(amount), ENDED);
    assert_eq!(heard, format!("applied: --{amount}, {expected} | "));
}

#[test]
fn of_a_completed_order_that_was_refunded() {
    let heard = |status, money, amount| {
        let order = Order { completed_at: Some(Timestamp::EPOCH), ..order(status, money) };
        hear_in(Phase::Sold, &order, bounced(amount), ENDED)
    };
    assert_eq!(
        heard(Status::Refunded, [500, 500, 0], 500),
        "applied: --500, refund_due 500 (completed) | "
    );
    assert_eq!(
        heard(Status::Completed, [600, 100, 100], 100),
        "applied: --100, refund_due 100 (completed) | "
    );
    assert_eq!(
        heard(Status::Completed, [500, 300, 0], 100),
        "applied: --100, refund_due 100 (partially_refunded) | "
    );
}

#[rstest]
#[case(Status::Refunded, [200, 200, 200], 200, ", refund_due 200")]
#[case(Status::RefundDue, [200, 100, 200], 100, ", refund_due 100")]
#[case(Status::Cancelled, [200, 200, 0], 200, ", refund_due 200")]
#[case(Status::Expired, [0, 200, 0], 200, "")]
fn of_an_order_that_was_never_sold(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    let order = order(status, money);
    let heard = hear_in(Phase::Unsold, &order, bounced(amount), ENDED);
    assert_eq!(heard, format!("applied: --{amount}{expected} | "));
}

#[rstest]
#[case::pays(Status::PartiallyPaid, [500, 100, 0], 100, "applied: --100, early -100, paid | commit, notify order_confirmed")]
#[case::less(Status::PartiallyPaid, [400, 200, 0], 100, "applied: --100, early -100 | ")]
#[case::too_much(Status::PartiallyPaid, [600, 200, 0], 200, "applied: --200, early -200, paid, requested 100 | commit, notify order_confirmed, refund 100")]
#[case::judged_by_a_person(Status::UnderReview, [600, 600, 0], 600, "applied: --600, early -600 | ")]
#[case::its_authorization_was_lost(Status::AwaitingPayment, [100, 100, 0], 100, "applied: --100, early -100, partially_paid | extend")]
#[case::it_was_not_there(Status::AwaitingPayment, [0, 100, 0], 100, "applied: --100, early -100 | ")]
fn of_an_order_that_waits_for_its_money(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    let effect = CallbackEffect::Bounced { amount, early: true };
    assert_eq!(hear(&order(status, money), effect, ENDED), expected);
}

#[test]
fn in_another_currency() {
    let heard = |status, phase| {
        let effect = CallbackEffect::BouncedInOtherCurrency;
        hear_in(phase, &order(status, NOTHING), effect, OTHER_CURRENCY)
    };
    assert_eq!(heard(Status::Refunded, Phase::Unsold), "applied: refund_due 0 | ");
    assert_eq!(heard(Status::Paid, Phase::Sold), "applied:  | ");
    assert_eq!(heard(Status::UnderReview, Phase::Awaiting), "applied:  | ");
}
