//! How orders end, a row each.

use super::*;
use crate::verdict::{Reason, Refusal};

#[rstest]
#[case(Status::AwaitingPayment, NOTHING, ENDED, "", "")]
#[case(Status::PartiallyPaid, [200, 0, 0], ENDED, ", refund_due 200, requested 200", ", refund 200")]
#[case(Status::PartiallyPaid, [200, 50, 0], ENDED, ", refund_due 150, requested 150", ", refund 150")]
#[case(Status::PartiallyPaid, [200, 200, 0], ENDED, "", "")]
#[case(Status::UnderReview, [600, 0, 0], ENDED, ", refund_due 600, requested 600", ", refund 600")]
#[case(Status::UnderReview, [600, 0, 0], OTHER_CURRENCY, ", refund_due 600, requested 600", ", refund 600, refund other currencies")]
#[case(Status::UnderReview, NOTHING, OTHER_CURRENCY, ", refund_due 0", ", refund other currencies")]
#[case(Status::UnderReview, NOTHING, ENDED, "", "")]
fn cancelled(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] summary: PaymentSummary,
    #[case] due: &str,
    #[case] asked: &str,
) {
    let step = cancel(&order(status, money), None, summary).expect("is allowed");
    let expected = format!(
        "applied: cancelled{due} | release Cancelled, void all, notify order_cancelled{asked}"
    );
    assert_eq!(words(&step), expected);
}

#[rstest]
#[case::cancel(
    |order: &Order| cancel(order, None, ENDED).map(drop),
    &[Status::AwaitingPayment, Status::Authorized, Status::PartiallyPaid, Status::UnderReview]
)]
#[case::complete(
    |order: &Order| complete(order).map(drop),
    &[Status::Paid, Status::PartiallyRefunded]
)]
#[case::capture(
    |order: &Order| {
        let capturable = Capturable { open: 1, not_asked: 1, asked: 0 };
        capture(order, Some(1), capturable, Requested::Counts).map(drop)
    },
    &[Status::AwaitingPayment, Status::Authorized, Status::PartiallyPaid]
)]
#[case::refund(may_refund, &[
    Status::Rejected, Status::Paid, Status::Completed, Status::Expired, Status::Cancelled,
    Status::RefundDue, Status::PartiallyRefunded, Status::Refunded,
])]
fn refused_in_every_other_status(
    #[case] decide: fn(&Order) -> Result<(), Refusal>,
    #[case] allowed: &[Status],
) {
    for status in Status::ALL {
        let decided = decide(&order(*status, [600, 0, 0]));
        if allowed.contains(status) {
            assert_eq!(decided, Ok(()), "{status}");
        } else {
            let refusal = Refusal::with(Reason::NotAllowed, status.as_str());
            assert_eq!(decided, Err(refusal));
        }
    }
}

#[test]
fn a_refund_of_it_that_is_pending_is_not_asked_for_again() {
    let summary = PaymentSummary { pending: 100, ..ENDED };
    let heard = |order| words(&cancel(&order, None, summary).expect("is allowed"));
    let [before, behind] =
        ["applied: cancelled, refund_due", "| release Cancelled, void all, notify order_cancelled"];
    assert_eq!(
        heard(order(Status::UnderReview, [600, 0, 100])),
        format!("{before} 500, requested 500 {behind}, refund 500")
    );
    assert_eq!(heard(order(Status::UnderReview, [100, 0, 0])), format!("{before} 0 {behind}"));
}

#[test]
fn the_first_time_that_it_was_completed_is_kept() {
    let mut order = order(Status::Paid, [500, 0, 0]);
    let times = [10, 20].map(Timestamp::from_micros);
    for now in times {
        order.updated_at = now;
        let step = complete(&order).expect("is allowed");
        assert_eq!(words(&step), "applied: handed over, completed | ");
        for change in step.changes {
            apply(&mut order, &change);
        }
        assert_eq!((order.status, order.completed_at), (Status::Completed, Some(times[0])));
        order.status = Status::PartiallyRefunded;
    }
}

#[test]
fn an_order_that_was_completed_is_at_rest_whatever_was_refunded() {
    for status in [Status::Completed, Status::PartiallyRefunded, Status::Refunded] {
        let open = order(status, [500, 100, 0]);
        let done = Order { completed_at: Some(Timestamp::EPOCH), ..open.clone() };
        assert!(is_at_rest(&done) && is_settled(&done), "{status}");
        assert!(status == Status::Completed || !is_settled(&open), "{status}");
    }
}

#[rstest]
#[case::all_of_a_free_order(0, true, "applied: refunded | ")]
#[case::a_part_of_a_free_order(0, false, "applied:  | ")]
#[case::all_but_not_the_money(500, true, "applied:  | ")]
fn goods_came_back_without_money(
    #[case] paid: i64,
    #[case] all_returned: bool,
    #[case] expected: &str,
) {
    let order = Order { total: paid, ..order(Status::Paid, [paid, 0, 0]) };
    assert_eq!(words(&returned(&order, all_returned)), expected);
}

#[test]
fn a_hold_that_ran_out() {
    for status in Status::ALL {
        let lapsed = expire_hold(&order(*status, [200, 0, 0]), ENDED);
        let expired = "release Expired, void all, reopen cart, notify order_expired";
        let expected = match status {
            Status::AwaitingPayment | Status::PartiallyPaid => Some(format!(
                "applied: expired, refund_due 200, requested 200 | {expired}, refund 200"
            )),
            Status::UnderReview => Some("applied:  | release Expired".to_owned()),
            _ => None,
        };
        assert_eq!(lapsed.as_ref().map(words), expected, "{status}");
    }
}

#[test]
fn a_hold_that_ran_out_and_nothing_is_there_to_go_back() {
    let expired = "applied: expired | release Expired, void all, reopen cart, notify order_expired";
    for (status, money) in
        [(Status::AwaitingPayment, NOTHING), (Status::PartiallyPaid, [200, 200, 0])]
    {
        assert_eq!(
            expire_hold(&order(status, money), ENDED).as_ref().map(words).as_deref(),
            Some(expired)
        );
    }
}
