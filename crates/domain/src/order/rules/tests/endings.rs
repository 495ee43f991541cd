//! How orders end, a row each.

use super::*;
use crate::command::Decision;
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
    &[Status::AwaitingPayment, Status::PartiallyPaid, Status::UnderReview]
)]
#[case::complete(|order: &Order| complete(order).map(drop), &[Status::Paid])]
#[case::resolve(|order: &Order| resolve(order, Decision::Cancel), &[Status::UnderReview])]
#[case::resolve(|order: &Order| resolve(order, Decision::Accept), &[Status::UnderReview])]
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

#[rstest]
#[case::covered([500, 0, 0], "applied: paid | commit, void all, notify order_confirmed")]
#[case::surplus(
    [700, 0, 0],
    "applied: paid, requested 200 | commit, void all, notify order_confirmed, refund 200"
)]
#[case::part_of_the_surplus_was_refunded(
    [700, 100, 0],
    "applied: paid, requested 200 | commit, void all, notify order_confirmed, refund 100"
)]
#[case::the_surplus_was_refunded(
    [700, 200, 0],
    "applied: paid, requested 200 | commit, void all, notify order_confirmed"
)]
fn accepted(#[case] money: [i64; 3], #[case] expected: &str) {
    let order = order(Status::UnderReview, money);
    assert_eq!(resolve(&order, Decision::Accept), Ok(()));
    assert_eq!(words(&accept(&order, Rehold::NotNeeded)), expected);
    assert_eq!(words(&accept(&order, Rehold::Held)), expected.replacen("paid", "paid late", 1));
}

#[rstest]
#[case([499, 0, 0])]
#[case([600, 101, 0])]
#[case(NOTHING)]
fn a_review_without_enough_money_is_not_accepted_but_may_be_cancelled(#[case] money: [i64; 3]) {
    let order = order(Status::UnderReview, money);
    let refusal = Refusal::with(Reason::NotAllowed, "under_review");
    assert_eq!(resolve(&order, Decision::Accept), Err(refusal));
    assert_eq!(resolve(&order, Decision::Cancel), Ok(()));
}

#[test]
fn completed_once_paid() {
    let step = complete(&order(Status::Paid, [500, 0, 0])).expect("is allowed");
    assert_eq!(words(&step), "applied: completed | ");
}

#[test]
fn an_expired_hold_in_each_status() {
    for status in Status::ALL {
        let lapsed = expire_hold(&order(*status, [200, 0, 0]));
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
fn an_expired_hold_of_an_order_without_money_to_refund() {
    let expired = "applied: expired | release Expired, void all, reopen cart, notify order_expired";
    for (status, money) in
        [(Status::AwaitingPayment, NOTHING), (Status::PartiallyPaid, [200, 200, 0])]
    {
        assert_eq!(
            expire_hold(&order(status, money)).as_ref().map(words).as_deref(),
            Some(expired)
        );
    }
}
