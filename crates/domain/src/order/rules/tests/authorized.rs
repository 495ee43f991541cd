//! Orders that are confirmed when their money is authorized, a row each: an order of 500.

use super::*;

/// So much is authorized and not captured.
fn open(authorized: i64) -> PaymentSummary {
    PaymentSummary { authorized, ..AUTHORIZED }
}

fn on_authorization(status: Status, money: [i64; 3]) -> Order {
    Order { confirm_on: ConfirmOn::Authorization, ..order(status, money) }
}

const CONFIRMED: &str = "authorized | let stand, notify order_confirmed";

#[rstest]
#[case::all(Status::AwaitingPayment, NOTHING, 500, &format!("applied: {CONFIRMED}, freeze"))]
#[case::more(Status::AwaitingPayment, NOTHING, 900, &format!("applied: {CONFIRMED}, freeze"))]
#[case::less(Status::AwaitingPayment, NOTHING, 499, "applied:  | freeze")]
#[case::the_rest(Status::PartiallyPaid, [200, 0, 0], 300, &format!("applied: {CONFIRMED}, freeze"))]
#[case::not_all_of_the_rest(Status::PartiallyPaid, [200, 0, 0], 299, "applied:  | freeze")]
#[case::once(Status::Authorized, NOTHING, 900, "applied:  | freeze")]
#[case::a_person_decides(Status::UnderReview, [600, 0, 0], 500, "applied:  | freeze")]
fn authorizations(
    #[case] status: Status,
    #[case] money: [i64; 3],
    #[case] authorized: i64,
    #[case] expected: &str,
) {
    let order = on_authorization(status, money);
    assert_eq!(hear(&order, CallbackEffect::Authorized, open(authorized)), expected);
    // confirmed on capture: an authorization confirms nothing
    if order.status != Status::Authorized {
        let order = Order { confirm_on: ConfirmOn::Capture, ..order };
        let heard = hear(&order, CallbackEffect::Authorized, open(authorized));
        assert_eq!(heard, "applied:  | freeze");
    }
}

#[rstest]
// `authorized`: what is open after the capture
#[case::a_shipment(NOTHING, 200, 300, "applied: +200 | freeze")]
#[case::the_last_shipment(
    [200, 0, 0], 300, 0, "applied: +300, paid | commit, void all, notify order_confirmed"
)]
#[case::some_of_it_is_missing(
    NOTHING,
    200,
    299,
    "applied: +200, authorization lost (partially_paid), hold began | hold anew, freeze"
)]
#[case::too_much(
    NOTHING,
    501,
    0,
    "review: +501, under_review OverCapture, hold began | hold anew, extend, void all, freeze"
)]
fn captures_of_an_authorized_order(
    #[case] before: [i64; 3],
    #[case] amount: i64,
    #[case] authorized: i64,
    #[case] expected: &str,
) {
    let order = on_authorization(Status::Authorized, before);
    assert_eq!(hear(&order, money(amount), open(authorized)), expected);
}

#[test]
fn the_last_capture_of_an_attempt_leaves_the_order_paid_in_part() {
    let order = on_authorization(Status::Authorized, NOTHING);
    let last = PaymentCallback { r#final: true, ..callback() };
    let recorded = (money(200), open(0));
    let step = on_callback((&order, Phase::Awaiting), &last, recorded, Rehold::NotNeeded);
    assert_eq!(
        words(&step.expect("is news")),
        "applied: +200, partially_paid, hold began | hold anew, extend, freeze"
    );
}

#[test]
fn a_part_of_the_money_and_the_authorized_rest_confirm_an_order() {
    let order = on_authorization(Status::AwaitingPayment, NOTHING);
    let heard = hear(&order, money(200), open(300));
    assert_eq!(heard, "applied: +200, authorized | let stand, notify order_confirmed, freeze");
}

#[rstest]
#[case::all_is_lost(NOTHING, 0, "applied: authorization lost, hold began | hold anew, thaw")]
#[case::a_part_is_lost(NOTHING, 499, "applied: authorization lost, hold began | hold anew, thaw")]
#[case::the_rest_is_lost(
    [200, 0, 0],
    299,
    "applied: authorization lost (partially_paid), hold began | hold anew, thaw"
)]
#[case::another_covers_it([200, 0, 0], 300, "applied:  | thaw")]
fn an_authorization_ends(#[case] money: [i64; 3], #[case] authorized: i64, #[case] expected: &str) {
    let order = on_authorization(Status::Authorized, money);
    let left = PaymentSummary { authorized, ..ENDED };
    assert_eq!(hear(&order, CallbackEffect::Ended, left), expected);
}

#[test]
fn money_that_is_sent_back_may_be_missing_then() {
    let order = on_authorization(Status::Authorized, [200, 0, 0]);
    let refund = CallbackEffect::Refunded { amount: 50, early: true, part: Progress::First };
    let left = PaymentSummary { authorized: 300, ..ENDED };
    assert_eq!(
        hear(&order, refund, left),
        "applied: -50, early 50, authorization lost (partially_paid), hold began | hold anew, notify refund_succeeded r, thaw"
    );
    let left = PaymentSummary { authorized: 350, ..ENDED };
    let heard = hear(&order, refund, left);
    assert_eq!(heard, "applied: -50, early 50 | notify refund_succeeded r");
}

#[test]
fn money_in_another_currency_needs_a_person() {
    let order = on_authorization(Status::Authorized, NOTHING);
    assert_eq!(
        hear(&order, CallbackEffect::CapturedInOtherCurrency, open(500)),
        "review: under_review OtherCurrency, hold began | hold anew, extend, void all, freeze"
    );
}

#[rstest]
// what the total lacks, or what is open: the smaller
#[case(NOTHING, None, 500, 0, Ok(500))]
#[case(NOTHING, None, 300, 0, Ok(300))]
#[case([200, 0, 0], None, 500, 0, Ok(300))]
#[case([200, 0, 0], Some(500), 500, 0, Ok(500))]
#[case(NOTHING, Some(1), 500, 0, Ok(1))]
// what was asked for before is not asked for again
#[case(NOTHING, None, 300, 200, Ok(300))]
#[case(NOTHING, None, 300, 400, Ok(100))]
#[case(NOTHING, None, 300, 500, Err("authorized; 300 (3.00 EUR) is authorized and not asked for"))]
#[case(
    NOTHING,
    Some(501),
    500,
    0,
    Err("authorized; 500 (5.00 EUR) is authorized and not asked for")
)]
#[case(NOTHING, None, 0, 0, Err("authorized; 0 (0.00 EUR) is authorized and not asked for"))]
fn asking_for_the_money(
    #[case] money: [i64; 3],
    #[case] amount: Option<i64>,
    #[case] capturable: i64,
    #[case] asked: i64,
    #[case] expected: Result<i64, &str>,
) {
    let order = on_authorization(Status::Authorized, money);
    let capturable = Capturable { open: capturable + asked, not_asked: capturable, asked };
    let asked = capture(&order, amount, capturable, Requested::Counts);
    let asked = asked.map(|step| words(&step)).map_err(|refusal| refusal.detail);
    let expected = expected.map(|amount| format!("applied:  | capture {amount}"));
    assert_eq!(asked, expected.map_err(|detail| Some(detail.into())));
}

/// What was asked for failed at the provider: it may be asked for again, up to what is open.
#[rstest]
#[case(None, Ok(500))]
#[case(Some(500), Ok(500))]
#[case(Some(200), Ok(200))]
#[case(Some(501), Err("authorized; 500 (5.00 EUR) is authorized"))]
fn asking_for_the_money_again(#[case] amount: Option<i64>, #[case] expected: Result<i64, &str>) {
    let order = on_authorization(Status::Authorized, NOTHING);
    let capturable = Capturable { open: 500, not_asked: 0, asked: 500 };
    let asked = capture(&order, amount, capturable, Requested::Failed);
    let asked = asked.map(|step| words(&step)).map_err(|refusal| refusal.detail);
    let expected = expected.map(|amount| format!("applied:  | capture {amount} again"));
    assert_eq!(asked, expected.map_err(|detail| Some(detail.into())));
}
