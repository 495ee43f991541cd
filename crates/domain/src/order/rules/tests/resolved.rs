//! What a person decides, a row each: an order of 500.

use super::*;
use crate::command::Decision;
use crate::verdict::{Reason, Refusal};

const PLAIN: Resolvable =
    Resolvable { summary: ENDED, can_be_accepted: false, has_returnable_currency: false };

fn decide(order: &Order, decision: Decision, payments: Resolvable) -> Result<Resolution, Refusal> {
    resolve((order, phase(order.status).unwrap_or(Phase::Sold)), decision, 0, payments)
}

const PAID: &str = "commit, void all, notify order_confirmed, accept money";

#[rstest]
#[case::covered([500, 0, 0], "paid", "")]
#[case::surplus([700, 0, 0], "paid, requested 200", ", refund 200")]
#[case::some_of_it_went_back([700, 100, 0], "paid, requested 100", ", refund 100")]
#[case::all_of_it_went_back([700, 200, 0], "paid", "")]
#[case::some_of_it_was_returned([700, 0, 150], "paid, requested 50", ", refund 50")]
fn accepted(#[case] money: [i64; 3], #[case] changes: &str, #[case] asked: &str) {
    for status in [Status::UnderReview, Status::PartiallyPaid, Status::Authorized] {
        let order = order(status, money);
        assert_eq!(decide(&order, Decision::Accept, PLAIN), Ok(Resolution::Pay));
        let expected = format!("applied: {changes} | {PAID}{asked}");
        assert_eq!(words(&accept(&order, 0, ENDED, Rehold::NotNeeded)), expected);
        let late = words(&accept(&order, 0, ENDED, Rehold::Held));
        assert_eq!(late, expected.replacen("paid", "paid late", 1));
    }
}

#[rstest]
#[case(Status::UnderReview, [499, 0, 0], 1, Some("written off 1, paid"))]
#[case(Status::UnderReview, [498, 0, 0], 1, None)]
#[case(Status::UnderReview, NOTHING, 500, Some("written off 500, paid"))]
#[case(Status::PartiallyPaid, [200, 0, 0], 300, Some("written off 300, paid"))]
#[case(Status::PartiallyPaid, [200, 0, 0], 299, None)]
#[case(Status::Authorized, [200, 0, 0], 300, Some("written off 300, paid"))]
// what is not missing is not let go
#[case(Status::UnderReview, [499, 0, 0], 2, Some("written off 1, paid"))]
#[case(Status::PartiallyPaid, [300, 100, 0], i64::MAX, Some("written off 300, paid"))]
#[case(Status::Authorized, [200, 0, 0], 500, Some("written off 300, paid"))]
#[case(Status::UnderReview, [500, 0, 0], 100, Some("paid"))]
// nothing came: the order is not given away
#[case(Status::Authorized, NOTHING, 500, None)]
#[case(Status::AwaitingPayment, NOTHING, 500, None)]
#[case(Status::Expired, [0, 0, 0], 500, None)]
fn a_shortfall_is_written_off(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] write_off: i64,
    #[case] expected: Option<&str>,
) {
    let order = order(status, money);
    let phase = phase(status).expect("follows from the status");
    let decided = resolve((&order, phase), Decision::Accept, write_off, PLAIN);
    assert_eq!(decided.is_ok(), expected.is_some());
    if let Some(expected) = expected {
        let step = accept(&order, write_off, ENDED, Rehold::NotNeeded);
        assert_eq!(words(&step), format!("applied: {expected} | {PAID}"));
    }
}

#[rstest]
#[case([499, 0, 0], "4.99 of 5.00 EUR came")]
#[case([600, 101, 0], "4.99 of 5.00 EUR came")]
#[case(NOTHING, "0.00 of 5.00 EUR came")]
fn what_is_not_covered_is_not_accepted_but_may_be_cancelled(
    #[case] money: [i64; 3],
    #[case] said: &str,
) {
    for status in [Status::UnderReview, Status::PartiallyPaid] {
        let order = order(status, money);
        let refusal = Refusal::with(Reason::NotAllowed, format!("{status}; {said}"));
        assert_eq!(decide(&order, Decision::Accept, PLAIN), Err(refusal));
        assert_eq!(decide(&order, Decision::Cancel, PLAIN), Ok(Resolution::Cancel));
    }
}

#[test]
fn money_that_does_not_fit_is_accepted_and_the_status_stays() {
    let payments = Resolvable { can_be_accepted: true, ..PLAIN };
    for status in Status::ALL {
        let order = order(*status, [500, 0, 0]);
        let expected = match status {
            Status::UnderReview | Status::PartiallyPaid | Status::Authorized => Resolution::Pay,
            _ => Resolution::AcceptMoney,
        };
        assert_eq!(decide(&order, Decision::Accept, payments), Ok(expected), "{status}");
    }
    assert_eq!(words(&accept_money()), "applied:  | accept money");
}

#[rstest]
// sold, or judged by a person: what is beyond the total
#[case(Status::UnderReview, [700, 0, 0], 0, "requested 200 | return 200, refund other currencies")]
#[case(Status::UnderReview, [700, 0, 50], 50, "requested 150 | return 150, refund other currencies")]
#[case(Status::Paid, [600, 0, 100], 0, " | return 100, refund other currencies")]
// never sold: all of it
#[case(Status::RefundDue, [200, 0, 200], 0, " | return 200, refund other currencies")]
#[case(Status::RefundDue, [200, 0, 200], 150, " | return 50, refund other currencies")]
fn what_is_not_owed_is_returned(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] pending: i64,
    #[case] expected: &str,
) {
    let order = order(status, money);
    let summary = PaymentSummary { pending, ..ENDED };
    let payments = Resolvable { summary, ..PLAIN };
    assert_eq!(decide(&order, Decision::Return, payments), Ok(Resolution::Return));
    let phase = phase(status).expect("follows from the status");
    assert_eq!(words(&return_money((&order, phase), summary)), format!("applied: {expected}"));
}

#[test]
fn nothing_is_returned_that_is_owed() {
    for status in Status::ALL {
        let order = order(*status, NOTHING);
        assert!(decide(&order, Decision::Return, PLAIN).is_err(), "{status}");
        let payments = Resolvable { has_returnable_currency: true, ..PLAIN };
        let expected = Ok(Resolution::Return);
        assert_eq!(decide(&order, Decision::Return, payments), expected, "{status}");
    }
}

#[rstest]
#[case(Status::AwaitingPayment, NOTHING, "order.amend, order.cancel")]
#[case(
    Status::PartiallyPaid,
    [200, 0, 0],
    "order.amend, order.cancel, order.resolve accept with a write_off of 300, order.resolve cancel"
)]
#[case(
    Status::UnderReview,
    [700, 0, 0],
    "order.cancel, order.resolve accept, order.resolve cancel, order.resolve return"
)]
#[case(Status::Paid, [500, 0, 0], "order.amend, order.complete, refund.request")]
#[case(Status::Completed, [500, 0, 0], "refund.request")]
#[case(Status::RefundDue, [500, 0, 0], "refund.request, order.resolve return")]
fn the_refusal_says_what_is_possible(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] expected: &str,
) {
    let order = order(status, money);
    let phase = phase(status).expect("follows from the status");
    let said = possible((&order, phase), PLAIN, order.net() > 0, Capturable::default());
    assert_eq!(said, format!("possible: {expected}"));
}

#[test]
fn nothing_is_possible_of_an_order_that_ended_without_money() {
    for status in [Status::Rejected, Status::Expired, Status::Cancelled] {
        let order = order(status, NOTHING);
        let said = possible((&order, Phase::Unsold), PLAIN, false, Capturable::default());
        assert_eq!(said, "nothing is possible");
    }
}

#[test]
fn what_was_asked_for_may_be_captured_again() {
    let order = order(Status::AwaitingPayment, NOTHING);
    let said = |open: i64, not_asked: i64| {
        let asked = open - not_asked;
        let capturable = Capturable { open, not_asked, asked };
        possible((&order, Phase::Awaiting), PLAIN, false, capturable)
    };
    let expected = "possible: order.amend, order.capture";
    assert_eq!(said(500, 100), format!("{expected}, order.cancel"));
    assert_eq!(said(500, 0), format!("{expected} with again, order.cancel"));
    assert_eq!(said(0, 0), "possible: order.amend, order.cancel");
}
