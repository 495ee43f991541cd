use super::*;

const POSITION: Position =
    Position { epoch: 2, nonce: [2; 16], next: Seq(90), chain: [9; 32], offset: 70 };

fn incarnation(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A store that ends before 100, and was in the journal up to 90.
fn passed() -> Passed {
    Passed { next: Seq(100), position: Some(POSITION), incarnation: incarnation(1) }
}

#[test]
fn a_copy_that_goes_on_from_the_store_takes_its_place() {
    for known in [None, Some(POSITION)] {
        for end in [100, 5_000] {
            assert_eq!(passed().check(incarnation(1), Seq(end), known), Ok(()));
        }
    }
    // an empty store has nothing that the copy could lack
    let empty = Passed { next: Seq::FIRST, position: None, ..passed() };
    assert_eq!(empty.check(incarnation(2), Seq(5), None), Ok(()));
    assert!(!empty.is_unique());
}

#[test]
fn a_store_with_other_units_than_the_copy_is_kept() {
    let check = |incarnation, end, known| passed().check(incarnation, Seq(end), known);
    assert_eq!(check(incarnation(2), 5_000, None), Err(Refusal::AnotherJournal));
    assert_eq!(check(incarnation(1), 99, None), Err(Refusal::Diverged { next: 100 }));
    let other = Position { chain: [8; 32], ..POSITION };
    assert_eq!(check(incarnation(1), 5_000, Some(other)), Err(Refusal::Diverged { next: 100 }));
}

#[test]
fn a_store_that_was_never_in_the_journal_is_not_replaced() {
    assert!(!passed().is_unique());
    assert!(Passed { position: None, ..passed() }.is_unique());
}
