//! The changes of stock and of holds, and every refusal, as tables.

use super::*;
use crate::id::Sku;
use crate::inventory::SkuNumber;
use rstest::rstest;
use std::time::Duration;

fn stock(sku: &str, on_hand: u64, held: u64) -> Stock {
    Stock { sku: Sku::new(sku).expect("is an id"), on_hand, held, low_at: None, version: 7 }
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
#[case(-11, Err(below_held()))] // below 0
#[case(i64::MIN, Err(below_held()))]
#[case(90, Ok(Change::Counted(100)))]
#[case(91, Err(Refusal::with(Reason::NotAllowed, "on hand would be 101, at most 100 are kept")))]
fn adjusted(#[case] delta: i64, #[case] expected: Result<Change, Refusal>) {
    assert_eq!(adjust(&stock("tea", 10, 4), delta, 100), expected);
}

#[test]
fn a_hold_takes_all_lines_or_lists_every_shortage() {
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
#[case(Change::Returned(3), (13, 4))]
#[case(Change::Marked(3), (10, 4))]
fn applied(#[case] change: Change, #[case] (on_hand, held): (u64, u64)) {
    let mut stock = stock("tea", 10, 4);
    apply(&mut stock, change);
    assert_eq!((stock.on_hand, stock.held), (on_hand, held));
    assert_eq!(stock.low_at, (change == Change::Marked(3)).then_some(3));
}

/// The stock has 10 on hand, 4 held, no mark, and version 7.
#[rstest]
#[case::counted(&[Change::Counted(9)], 8)]
#[case::counted_and_marked(&[Change::Counted(9), Change::Marked(3)], 8)]
#[case::marked(&[Change::Counted(10), Change::Marked(3)], 8)]
#[case::held(&[Change::Held(1)], 8)]
#[case::sold(&[Change::Committed(1)], 8)]
#[case::released(&[Change::Released(1)], 8)]
#[case::returned(&[Change::Returned(1)], 8)]
#[case::counted_as_before(&[Change::Counted(10)], 7)]
fn versions(#[case] changes: &[Change], #[case] expected: u64) {
    let before = stock("tea", 10, 4);
    assert_eq!(changed(&before, &before, changes.iter().copied()).version, expected);
}

#[rstest]
#[case::sold_at_once(Change::Committed(2), 8)]
#[case::released_again(Change::Released(2), 7)]
fn a_command_that_changes_a_sku_twice_makes_one_version(
    #[case] second: Change,
    #[case] expected: u64,
) {
    let first = stock("tea", 10, 4);
    let held = changed(&first, &first, [Change::Held(2)]);
    assert_eq!(changed(&first, &held, [second]).version, expected);
}

#[test]
fn the_first_count_of_a_sku_makes_version_1() {
    let new = Stock { version: 0, ..stock("tea", 0, 0) };
    assert_eq!(changed(&new, &new, [Change::Counted(0)]).version, 1);
}

#[rstest]
#[case::falls_to_the_threshold((10, Some(5)), (5, Some(5)), true)]
#[case::falls_below((10, Some(5)), (0, Some(5)), true)]
#[case::stays_above((10, Some(5)), (6, Some(5)), false)]
#[case::was_low_before((5, Some(5)), (4, Some(5)), false)]
#[case::rises((4, Some(5)), (6, Some(5)), false)]
#[case::threshold_set_above_the_stock((4, None), (4, Some(5)), true)]
#[case::threshold_raised((6, Some(5)), (6, Some(7)), true)]
#[case::no_threshold((4, None), (0, None), false)]
fn low(
    #[case] before: (u64, Option<u64>),
    #[case] after: (u64, Option<u64>),
    #[case] expected: bool,
) {
    let [before, after] = [before, after]
        .map(|(available, low_at)| Stock { low_at, ..stock("tea", available + 3, 3) });
    assert_eq!(fell_low(&before, &after), expected);
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_micros(minute * 60_000_000)
}

/// A hold that lasts until that minute.
fn held(until: i64) -> HoldState {
    HoldState::held(at(until))
}

/// A frozen hold: its cap is at that minute, and these minutes are left.
fn frozen(cap: i64, left: u64) -> HoldState {
    let frozen = Some(Duration::from_secs(60 * left));
    HoldState::Held { until: Some(at(cap)), extended: false, frozen }
}

fn extended(hold: HoldState) -> HoldState {
    match hold {
        HoldState::Held { until, frozen, .. } => HoldState::Held { until, extended: true, frozen },
        other => other,
    }
}

/// A hold of 15 minutes with a cap of 120, at minute 5.
#[rstest]
#[case::running(held(15), Some(extended(held(120))), Some(frozen(120, 10)), None)]
#[case::is_frozen(frozen(120, 10), Some(extended(frozen(120, 115))), None, Some(held(15)))]
#[case::was_extended(extended(held(120)), None, Some(extended(frozen(120, 115))), None)]
#[case::extended_and_frozen(extended(frozen(120, 115)), None, None, Some(extended(held(120))))]
#[case::reaches_the_cap(held(120), None, Some(frozen(120, 115)), None)]
#[case::ran_out(held(4), Some(extended(held(120))), Some(frozen(120, 0)), None)]
#[case::had_run_out(frozen(120, 0), Some(extended(frozen(120, 115))), None, Some(held(5)))]
#[case::is_over(HoldState::Committed, None, None, None)]
#[case::is_over(HoldState::Released, None, None, None)]
#[case::is_over(HoldState::Expired, None, None, None)]
fn time_of_a_hold(
    #[case] hold: HoldState,
    #[case] extends: Option<HoldState>,
    #[case] freezes: Option<HoldState>,
    #[case] thaws: Option<HoldState>,
) {
    assert_eq!(extend(hold, at(120), at(5)), extends);
    assert_eq!(freeze(hold, at(120), at(5)), freezes);
    assert_eq!(unfreeze(hold, at(5)), thaws);
}

#[rstest]
#[case::in_time(60, held(70))]
#[case::up_to_the_cap(115, held(120))]
#[case::at_the_cap(120, held(120))]
fn an_unfrozen_hold_lasts_for_the_time_left_up_to_the_cap(
    #[case] minute: i64,
    #[case] expected: HoldState,
) {
    assert_eq!(unfreeze(frozen(120, 10), at(minute)), Some(expected));
}

#[test]
fn no_more_is_returned_than_was_sold() {
    let [tea, cup, pot] = ["tea", "cup", "pot"].map(|sku| Sku::new(sku).expect("is an id"));
    let item = |sku: &Sku, returned| Item {
        sku: sku.clone(),
        number: SkuNumber(1),
        quantity: 3,
        returned,
    };
    let items = [item(&cup, 0), item(&tea, 1)];
    let sold = Reservation { items: items.clone().into(), state: HoldState::Committed };
    let back = |sold: Option<&Reservation>, wanted: &[(&Sku, u64)]| {
        let short = take_back(sold, &wanted.iter().copied().collect()).map_err(|too_many| {
            let short = too_many.iter();
            short.map(|one| (one.sku.to_string(), one.wanted, one.available)).collect::<Vec<_>>()
        });
        short.map(|items| items.len())
    };
    assert_eq!(back(Some(&sold), &[(&tea, 2), (&cup, 3)]), Ok(2));
    let too_many = vec![("pot".to_owned(), 1, 0), ("tea".to_owned(), 3, 2)];
    assert_eq!(back(Some(&sold), &[(&tea, 3), (&cup, 1), (&pot, 1)]), Err(too_many));
    for state in [held(15), HoldState::Released, HoldState::Expired] {
        let unsold = Reservation { items: items.clone().into(), state };
        assert_eq!(back(Some(&unsold), &[(&cup, 1)]), Err(vec![("cup".to_owned(), 1, 0)]));
    }
    assert_eq!(back(None, &[(&cup, 1)]), Err(vec![("cup".to_owned(), 1, 0)]));
}

/// Of an order with 3 cups, of which 1 was returned, and 2 of tea: the units wanted, then the items, what grows and what
/// goes.
#[rstest]
#[case::same(&[("cup", 3), ("tea", 2)], Ok("cup 3, tea 2; +; -"))]
#[case::grows(&[("cup", 3), ("tea", 5)], Ok("cup 3, tea 5; + tea 3; -"))]
#[case::shrinks(&[("cup", 1), ("tea", 2)], Ok("cup 1, tea 2; +; - cup 2"))]
#[case::goes(&[("cup", 3)], Ok("cup 3; +; - tea 2"))]
#[case::both(&[("cup", 2), ("tea", 3)], Ok("cup 2, tea 3; + tea 1; - cup 1"))]
#[case::fewer_than_were_returned(&[("tea", 2)], Err("cup 3 of 2"))]
fn a_sold_reservation_follows_its_lines(
    #[case] wanted: &[(&str, u64)],
    #[case] expected: Result<&str, &str>,
) {
    let sku = |name: &str| Sku::new(name).expect("is an id");
    let item = |name, quantity, returned| Item {
        sku: sku(name),
        number: SkuNumber(1),
        quantity,
        returned,
    };
    let items = [item("cup", 3, 1), item("tea", 2, 0)];
    let sold = Reservation { items: items.into(), state: HoldState::Committed };
    let skus: Vec<_> = wanted.iter().map(|(name, quantity)| (sku(name), *quantity)).collect();
    let wanted = skus.iter().map(|(sku, quantity)| (sku, *quantity)).collect();

    let told = match amend(&sold, &wanted) {
        Ok(Amendment { items, more, less }) => {
            let shown = |units: Vec<(Sku, u64)>| {
                let units = units.iter().map(|(sku, units)| format!("{sku} {units}"));
                units.collect::<Vec<_>>().join(", ")
            };
            let of = |changes: Vec<(Item, u64)>| {
                shown(changes.into_iter().map(|(item, units)| (item.sku, units)).collect())
            };
            let items = items.into_iter().map(|item| (item.sku, item.quantity)).collect();
            let told = format!("{}; + {}; - {}", shown(items), of(more), of(less));
            Ok(told.replace("+ ;", "+;").trim_end().to_owned())
        }
        Err(too_many) => {
            let shown = too_many.iter();
            let shown = shown.map(|one| format!("{} {} of {}", one.sku, one.wanted, one.available));
            Err(shown.collect::<Vec<_>>().join(", "))
        }
    };
    assert_eq!(told, expected.map(str::to_owned).map_err(str::to_owned));
}

/// What was returned of an order that is not sold does not count: nothing was.
#[test]
fn a_held_reservation_may_lose_everything_of_a_sku() {
    let tea = Sku::new("tea").expect("is an id");
    let item = Item { sku: tea.clone(), number: SkuNumber(1), quantity: 3, returned: 0 };
    let held = Reservation { items: [item.clone()].into(), state: held(15) };
    let amendment = amend(&held, &BTreeMap::new()).expect("is allowed");
    assert_eq!(amendment.items, []);
    assert_eq!(amendment.less, [(item, 3)]);
}
