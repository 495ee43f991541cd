//! The changes of a cart and every refusal, as tables.

use super::*;
use crate::id::CartId;
use proptest::prelude::*;
use rstest::rstest;
use std::collections::BTreeSet;

fn sku(name: &str) -> Sku {
    Sku::new(name).expect("is an id")
}

fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("is a currency")
}

fn line(name: &str, quantity: u32) -> CartLine {
    CartLine {
        sku: sku(name),
        quantity: Quantity::new(quantity).expect("is a quantity"),
        unit_price: UnitPrice::new(500).expect("is a price"),
        name: None,
    }
}

fn request(name: &str) -> LineRequest {
    LineRequest {
        sku: sku(name),
        unit_price: UnitPrice::new(500).expect("is a price"),
        currency: currency("EUR"),
        name: None,
    }
}

/// An open cart of version 7 with two lines.
fn cart() -> Cart {
    Cart {
        id: CartId::new("k-1").expect("is an id"),
        status: CartStatus::Open,
        version: 7,
        currency: currency("EUR"),
        lines: vec![line("tea", 2), line("cup", 1)],
        order: None,
        updated_at: Timestamp::EPOCH,
    }
}

fn closed(status: CartStatus) -> Cart {
    Cart { status, ..cart() }
}

fn not_allowed(detail: &str) -> Result<Change, Refusal> {
    Err(Refusal::with(Reason::NotAllowed, detail))
}

#[rstest]
#[case("tea", 5, Ok(Change::Line(line("tea", 5))))]
#[case("pot", 1, Ok(Change::Line(line("pot", 1))))]
#[case("tea", 0, Ok(Change::Removed(sku("tea"))))]
#[case("pot", 0, Ok(Change::Removed(sku("pot"))))]
#[case("tea", 1_000_000, Ok(Change::Line(line("tea", 1_000_000))))]
#[case("tea", 1_000_001, not_allowed("a line has at most 1000000 units"))]
fn a_line_is_set(
    #[case] name: &str,
    #[case] quantity: u32,
    #[case] expected: Result<Change, Refusal>,
) {
    assert_eq!(put(&cart(), request(name), quantity), expected);
}

#[rstest]
#[case("tea", 3, Ok(Change::Line(line("tea", 5))))]
#[case("tea", -1, Ok(Change::Line(line("tea", 1))))]
#[case("tea", -2, Ok(Change::Removed(sku("tea"))))]
#[case("tea", -9, Ok(Change::Removed(sku("tea"))))]
#[case("pot", 3, Ok(Change::Line(line("pot", 3))))]
#[case("pot", -3, Ok(Change::Removed(sku("pot"))))]
#[case("tea", 999_999, not_allowed("a line has at most 1000000 units"))]
fn a_line_is_changed_by_a_difference(
    #[case] name: &str,
    #[case] difference: i32,
    #[case] expected: Result<Change, Refusal>,
) {
    assert_eq!(add(&cart(), request(name), difference), expected);
}

#[test]
fn all_lines_have_one_currency() {
    let dollars = LineRequest { currency: currency("USD"), ..request("tea") };
    let refusal = Refusal::with(Reason::CurrencyMismatch, "EUR");
    assert_eq!(put(&cart(), dollars.clone(), 1), Err(refusal.clone()));
    assert_eq!(add(&cart(), dollars, 1), Err(refusal));
}

#[test]
fn a_full_cart_takes_no_other_sku() {
    let lines = (0..MOST_LINES).map(|nth| line(&format!("s{nth}"), 1));
    let full = Cart { lines: lines.collect(), ..cart() };
    assert!(put(&full, request("s7"), 9).is_ok());
    assert_eq!(put(&full, request("tea"), 1), not_allowed("a cart has at most 500 lines"));
}

#[rstest]
#[case(cart(), None, Ok(()))]
#[case(cart(), Some(7), Ok(()))]
#[case(cart(), Some(6), Err((Reason::VersionMismatch, "the version is 7")))]
#[case(closed(CartStatus::CheckedOut), Some(7), Err((Reason::CartClosed, "checked_out")))]
#[case(closed(CartStatus::Expired), None, Err((Reason::CartClosed, "expired")))]
fn only_an_open_cart_of_the_expected_version_changes(
    #[case] cart: Cart,
    #[case] expected_version: Option<u64>,
    #[case] expected: Result<(), (Reason, &str)>,
) {
    let expected = expected.map_err(|(reason, detail)| Refusal::with(reason, detail));
    assert_eq!(open(&cart, expected_version), expected);
    assert_eq!(checkout(&cart, expected_version), expected);
}

#[test]
fn an_empty_cart_is_not_checked_out() {
    let empty = Cart { lines: Vec::new(), ..cart() };
    assert_eq!(open(&empty, None), Ok(()));
    assert_eq!(checkout(&empty, None), Err(Refusal::new(Reason::CartEmpty)));
}

#[test]
fn a_cart_opens_again_only_for_its_own_order() {
    let [own, other] = ["o-1", "o-2"].map(|id| OrderId::new(id).expect("is an id"));
    let mut cart = cart();
    assert_eq!(reopen(&cart, &own), None);
    apply(&mut cart, Change::CheckedOut(own.clone()), Timestamp::EPOCH);
    assert_eq!(reopen(&cart, &other), None);
    assert_eq!(reopen(&cart, &own), Some(Change::Reopened));
}

#[test]
fn every_change_makes_a_new_version() {
    let mut cart = cart();
    let order = OrderId::new("o-1").expect("is an id");
    let at = Timestamp::from_micros(5);
    let names = |cart: &Cart| cart.lines.iter().map(|l| l.sku.to_string()).collect::<Vec<_>>();
    for (change, lines, status) in [
        (Change::Line(line("tea", 9)), vec!["tea", "cup"], CartStatus::Open),
        (Change::Line(line("pot", 1)), vec!["tea", "cup", "pot"], CartStatus::Open),
        (Change::Removed(sku("cup")), vec!["tea", "pot"], CartStatus::Open),
        (Change::CheckedOut(order.clone()), vec!["tea", "pot"], CartStatus::CheckedOut),
        (Change::Reopened, vec!["tea", "pot"], CartStatus::Open),
        (Change::Cleared, vec![], CartStatus::Open),
    ] {
        let version = cart.version;
        apply(&mut cart, change, at);
        assert_eq!(names(&cart), lines);
        assert_eq!((cart.version, cart.status), (version + 1, status));
        assert_eq!(cart.order.is_some(), status == CartStatus::CheckedOut);
    }
    assert_eq!(cart.updated_at, at);
}

fn priced(name: &str, quantity: u32, unit_price: i64) -> CartLine {
    let unit_price = UnitPrice::new(unit_price).expect("is a price");
    CartLine { unit_price, ..line(name, quantity) }
}

/// An open cart in `code` with these lines.
fn filled(code: &str, lines: Vec<CartLine>) -> Cart {
    Cart { currency: currency(code), lines, ..cart() }
}

fn merged(code: &str, lines: Vec<CartLine>) -> Change {
    Change::Merged { lines, currency: currency(code) }
}

fn many(count: usize, from: usize) -> Vec<CartLine> {
    (from..from + count).map(|nth| line(&format!("s{nth}"), 1)).collect()
}

#[rstest]
#[case::another_sku(filled("EUR", vec![line("pot", 3)]), cart(),
    Ok(merged("EUR", vec![line("tea", 2), line("cup", 1), line("pot", 3)])))]
#[case::a_known_line_keeps_its_price(filled("EUR", vec![priced("tea", 3, 999)]), cart(),
    Ok(merged("EUR", vec![line("tea", 5), line("cup", 1)])))]
#[case::a_new_line_brings_its_price(filled("EUR", vec![priced("pot", 3, 999)]), cart(),
    Ok(merged("EUR", vec![line("tea", 2), line("cup", 1), priced("pot", 3, 999)])))]
#[case::from_an_empty_one(filled("EUR", vec![]), cart(), Ok(merged("EUR", cart().lines)))]
#[case::into_an_empty_one(cart(), filled("EUR", vec![]), Ok(merged("EUR", cart().lines)))]
#[case::an_empty_one_takes_the_currency(filled("USD", vec![line("pot", 3)]), filled("EUR", vec![]),
    Ok(merged("USD", vec![line("pot", 3)])))]
#[case::an_empty_one_brings_no_currency(filled("USD", vec![]), cart(), Ok(merged("EUR", cart().lines)))]
#[case::both_empty(filled("USD", vec![]), filled("EUR", vec![]), Ok(merged("USD", vec![])))]
#[case::another_currency(filled("USD", vec![line("pot", 3)]), cart(),
    Err(Refusal::with(Reason::CurrencyMismatch, "EUR")))]
#[case::as_many_as_a_line_has(filled("EUR", vec![line("tea", 999_998)]), cart(),
    Ok(merged("EUR", vec![line("tea", 1_000_000), line("cup", 1)])))]
#[case::more_than_a_line_has(filled("EUR", vec![line("tea", 999_999)]), cart(),
    not_allowed("a line has at most 1000000 units"))]
#[case::as_many_as_a_cart_has(
    filled("EUR", many(250, 250)),
    filled("EUR", many(250, 0)),
    Ok(merged("EUR", many(500, 0)))
)]
#[case::more_than_a_cart_has(
    filled("EUR", many(251, 250)),
    filled("EUR", many(250, 0)),
    not_allowed("a cart has at most 500 lines")
)]
#[case::from_a_closed_one(
    closed(CartStatus::CheckedOut),
    cart(),
    Err(Refusal::with(Reason::CartClosed, "from_cart_id: checked_out"))
)]
#[case::into_a_closed_one(
    cart(),
    closed(CartStatus::Expired),
    Err(Refusal::with(Reason::CartClosed, "into_cart_id: expired"))
)]
fn lines_move_from_one_cart_into_another(
    #[case] from: Cart,
    #[case] into: Cart,
    #[case] expected: Result<Change, Refusal>,
) {
    assert_eq!(merge(&from, &into), expected);
    if let Ok(change) = expected {
        let mut after = into.clone();
        apply(&mut after, change.clone(), Timestamp::EPOCH);
        let Change::Merged { lines, currency } = change else { unreachable!("it is a merge") };
        assert_eq!((after.lines, after.currency), (lines, currency));
        assert_eq!((after.version, after.status), (into.version + 1, CartStatus::Open));
    }
}

const HOUR: Duration = Duration::from_secs(3600);

fn terms() -> Terms {
    Terms { expire_after: 10 * HOUR, keep_for: 50 * HOUR }
}

#[rstest]
#[case(CartStatus::Open, IdleAction::Expire, 10 * HOUR, 11 * HOUR)]
#[case(CartStatus::CheckedOut, IdleAction::Delete, 50 * HOUR, 50 * HOUR)]
#[case(CartStatus::Expired, IdleAction::Delete, 50 * HOUR, 50 * HOUR)]
fn an_idle_cart_expires_or_is_deleted_counted_from_its_last_change(
    #[case] status: CartStatus,
    #[case] expected: IdleAction,
    #[case] earliest: Duration,
    #[case] latest: Duration,
) {
    let touched = Timestamp::from_seconds(1_000_000);
    let cart = Cart { updated_at: touched, ..closed(status) };
    let (at, action) = idle_action(&cart, terms());
    assert_eq!(action, expected);
    assert!(at >= touched.plus(earliest) && at <= touched.plus(latest), "{at}");
}

#[test]
fn carts_that_changed_together_expire_spread_evenly_over_a_tenth_of_the_time() {
    let (mut by_tenth, mut times) = ([0; 10], BTreeSet::new());
    for nth in 0..1000 {
        let id = CartId::new(format!("k-{nth}")).expect("is an id");
        let cart = Cart { id, ..cart() };
        let (at, _) = idle_action(&cart, terms());
        assert_eq!(idle_action(&cart.clone(), terms()).0, at);
        times.insert(at);
        let later = at.since(cart.updated_at.plus(10 * HOUR));
        by_tenth[usize::try_from(later.as_micros() * 10 / HOUR.as_micros()).expect("is small")] +=
            1;
    }
    assert!(by_tenth.iter().all(|count| (70..=130).contains(count)), "{by_tenth:?}");
    assert!((200..=257).contains(&times.len()), "at {} times", times.len());
}

#[test]
fn an_expired_cart_keeps_its_lines_until_it_is_opened_again() {
    let order = OrderId::new("o-1").expect("is an id");
    let mut cart = cart();
    apply(&mut cart, Change::Expired, Timestamp::EPOCH);
    assert_eq!((cart.status, cart.version, cart.lines.len()), (CartStatus::Expired, 8, 2));
    assert_eq!(reopen(&cart, &order), None, "it became no order");
    let opened = open_again(&cart).expect("has expired");
    assert_eq!((opened.status, opened.version, opened.lines.len()), (CartStatus::Open, 8, 0));
    assert_eq!(open_again(&opened), None);
}

/// Few skus, so that carts share some.
fn any_lines() -> impl Strategy<Value = Vec<CartLine>> {
    let line = (1..2_000_u32, 0..50_i64).prop_map(|(quantity, price)| (quantity, price));
    prop::collection::btree_map(0..8_u8, line, 0..8).prop_map(|lines| {
        let lines = lines.into_iter();
        lines.map(|(sku, (quantity, price))| priced(&format!("s{sku}"), quantity, price)).collect()
    })
}

proptest! {
    #[test]
    fn a_merge_loses_no_unit_repeats_no_sku_and_keeps_the_prices(from in any_lines(), into in any_lines()) {
        let (from, into) = (filled("EUR", from), filled("EUR", into));
        let mut after = into.clone();
        apply(&mut after, merge(&from, &into).expect("is allowed"), Timestamp::EPOCH);
        let of = |cart: &Cart, sku: &Sku| {
            cart.lines.iter().find(|line| line.sku == *sku).map(|line| (line.quantity.get(), line.unit_price))
        };
        let skus: BTreeSet<_> = from.lines.iter().chain(&into.lines).map(|line| line.sku.clone()).collect();
        prop_assert_eq!(after.lines.len(), skus.len());
        for sku in &skus {
            let (before, came) = (of(&into, sku), of(&from, sku));
            let units = before.map_or(0, |line| line.0) + came.map_or(0, |line| line.0);
            prop_assert_eq!(of(&after, sku), before.or(came).map(|line| (units, line.1)));
        }
        prop_assert_eq!(&after.lines[..into.lines.len()].iter().map(|line| &line.sku).collect::<Vec<_>>(),
            &into.lines.iter().map(|line| &line.sku).collect::<Vec<_>>());
    }
}
