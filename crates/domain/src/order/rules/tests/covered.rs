//! Money of a sold order that goes back, or comes back, and what is left of it beside the total: a row each.

use super::*;

fn sold(status: Status, [total, written_off]: [i64; 2], money: [i64; 3]) -> Order {
    Order { total, written_off, ..order(status, money) }
}

#[rstest]
#[case::free(Status::Paid, [0, 0], [100, 0, 100], 100, "")]
#[case::free_and_handed_over(Status::Completed, [0, 0], [100, 0, 100], 100, "")]
#[case::free_and_all_goods_came_back(Status::Refunded, [0, 0], [100, 0, 100], 100, "")]
#[case::given_away(Status::Paid, [500, 500], [100, 0, 0], 100, ", refunded")]
#[case::let_go(Status::Paid, [500, 200], [500, 0, 0], 200, ", partially_refunded")]
#[case::more_than_the_total(Status::Paid, [500, 200], [600, 0, 0], 100, "")]
#[case::all_that_came(Status::Paid, [500, 200], [300, 0, 0], 300, ", refunded")]
#[case::once_more(Status::PartiallyRefunded, [500, 0], [700, 100, 100], 100, "")]
fn goes_back(
    #[case] status: Status,
    #[case] total: [i64; 2],
    #[case] money: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    let heard = hear(&sold(status, total, money), refunded(amount), ENDED);
    assert_eq!(heard, format!("applied: -{amount}{expected} | notify refund_succeeded r"));
}

#[test]
fn of_an_order_that_was_never_sold() {
    let order = sold(Status::Refunded, [0, 0], [100, 0, 100]);
    let heard = hear_in(Phase::Unsold, &order, refunded(100), ENDED);
    assert_eq!(heard, "applied: -100, refunded | notify refund_succeeded r");
}

#[rstest]
#[case::free(Status::Paid, [0, 0], [100, 100, 100], 100, "paid")]
#[case::free_and_nothing_is_there(Status::Paid, [0, 0], [100, 200, 100], 100, "paid")]
#[case::free_and_all_goods_came_back(Status::Refunded, [0, 0], [100, 100, 100], 100, "refunded")]
#[case::given_away(Status::Refunded, [500, 500], [100, 100, 0], 100, "paid")]
#[case::let_go(Status::Refunded, [500, 200], [300, 300, 0], 300, "paid")]
#[case::less(Status::Refunded, [500, 200], [300, 300, 0], 299, "partially_refunded")]
fn comes_back(
    #[case] status: Status,
    #[case] total: [i64; 2],
    #[case] money: [i64; 3],
    #[case] amount: i64,
    #[case] expected: &str,
) {
    let effect = CallbackEffect::Bounced { amount, early: false };
    let heard = hear_in(Phase::Sold, &sold(status, total, money), effect, ENDED);
    assert_eq!(heard, format!("applied: --{amount}, refund_due {amount} ({expected}) | "));
}
