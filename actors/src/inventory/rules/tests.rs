//! What may happen to stock, and every refusal, as data.

use super::*;
use crate::id::Sku;
use rstest::rstest;

fn stock(sku: &str, on_hand: u64, held: u64) -> Stock {
    Stock { sku: Sku::new(sku).expect("is an id"), on_hand, held, low_at: None }
}

fn below_held() -> Refusal {
    Refusal::with(Reason::BelowHeld, "4 are held")
}

#[rstest]
#[case(0, Err(below_held()))]
#[case(3, Err(below_held()))]
#[case(4, Ok(Change::Counted(4)))]
#[case(99, Ok(Change::Counted(99)))]
fn counted(#[case] on_hand: u64, #[case] expected: Result<Change, Refusal>) {
    assert_eq!(set(&stock("tea", 10, 4), on_hand), expected);
}

#[rstest]
#[case(5, Ok(Change::Counted(15)))]
#[case(-6, Ok(Change::Counted(4)))]
#[case(-7, Err(below_held()))]
#[case(-11, Err(below_held()))] // below nothing at all
#[case(i64::MIN, Err(below_held()))]
#[case(90, Ok(Change::Counted(100)))]
#[case(91, Err(Refusal::with(Reason::NotAllowed, "on hand would be 101, at most 100 are kept")))]
fn adjusted(#[case] delta: i64, #[case] expected: Result<Change, Refusal>) {
    assert_eq!(adjust(&stock("tea", 10, 4), delta, 100), expected);
}

#[test]
fn a_hold_takes_all_or_tells_all_that_is_short() {
    let (tea, cup, pot) = (stock("tea", 10, 4), stock("cup", 5, 0), stock("pot", 1, 1));
    assert_eq!(hold([(&tea, 6), (&cup, 5)]), Ok(()));

    let short = hold([(&tea, 7), (&cup, 5), (&pot, 1)]).expect_err("is short");

    let short: Vec<_> =
        short.iter().map(|one| (one.sku.as_str(), one.wanted, one.available)).collect();
    assert_eq!(short, [("tea", 7, 6), ("pot", 1, 0)]);
}

#[rstest]
#[case(Change::Counted(7), (7, 4))]
#[case(Change::Held(6), (10, 10))]
#[case(Change::Committed(4), (6, 0))]
#[case(Change::Released(3), (10, 1))]
#[case(Change::Marked(3), (10, 4))]
fn applied(#[case] change: Change, #[case] (on_hand, held): (u64, u64)) {
    let mut stock = stock("tea", 10, 4);
    apply(&mut stock, change);
    assert_eq!((stock.on_hand, stock.held), (on_hand, held));
    assert_eq!(stock.low_at, (change == Change::Marked(3)).then_some(3));
}

#[rstest]
#[case::falls_to_the_mark((10, Some(5)), (5, Some(5)), true)]
#[case::falls_below((10, Some(5)), (0, Some(5)), true)]
#[case::stays_above((10, Some(5)), (6, Some(5)), false)]
#[case::was_low_before((5, Some(5)), (4, Some(5)), false)]
#[case::rises((4, Some(5)), (6, Some(5)), false)]
#[case::marked_above_what_is_there((4, None), (4, Some(5)), true)]
#[case::marked_higher((6, Some(5)), (6, Some(7)), true)]
#[case::no_mark((4, None), (0, None), false)]
fn low(
    #[case] before: (u64, Option<u64>),
    #[case] after: (u64, Option<u64>),
    #[case] expected: bool,
) {
    let [before, after] = [before, after]
        .map(|(available, low_at)| Stock { low_at, ..stock("tea", available + 3, 3) });
    assert_eq!(fell_low(&before, &after), expected);
}
