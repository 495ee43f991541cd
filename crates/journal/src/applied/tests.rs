use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::id::Name;
use crate::id::{Charter, Epoch, Nonce};

const CHARTER: Charter = Charter { incarnation: [9; 16], partition: 0, partitions: 1 };
const EPOCH: Epoch = Epoch { number: 1, nonce: Nonce([1; 16]) };

fn units(text: &str) -> Vec<Unit> {
    text.bytes().map(|letter| Unit { span: 2, bytes: Bytes::from(vec![letter]) }).collect()
}

fn behind(text: &str) -> Progress {
    let start = Chain::start(&CHARTER.incarnation, FIRST, &[]);
    Progress { next: FIRST + 2 * text.len() as u64, chain: start.over(&units(text)) }
}

fn open(read: &str) -> Open {
    let node = Name::from("a");
    Open { epoch: EPOCH, node, charter: CHARTER, from: behind(read), cursor: 0, at: 0 }
}

/// What a store that ends behind `stored` takes of the units `text` behind `read`, as text.
fn taken(stored: &str, read: &str, text: &str) -> Result<String, Refusal> {
    let mut applied = Applied::through(behind(stored));
    let units = Units::new(EPOCH, behind(read), 0, 0, units(text));
    let taken = applied.accept(&units)?;
    let all = format!("{read}{text}");
    if all.len() >= stored.len() {
        assert_eq!(applied.progress(), Some(behind(&all)));
    } else {
        assert_eq!(applied.progress(), Some(behind(stored)));
    }
    Ok(taken.iter().map(|unit| char::from(unit.bytes[0])).collect())
}

#[rstest]
#[case::what_follows("ab", "ab", "cd", Ok("cd"))]
#[case::known_already("abcd", "a", "bc", Ok(""))]
#[case::known_up_to_the_end("abcd", "ab", "cd", Ok(""))]
#[case::beyond_the_end("abc", "a", "bcde", Ok("de"))]
#[case::other_units_up_to_the_end("abcd", "ab", "cx", Err(Refusal::Diverged { next: 9 }))]
#[case::other_units_beyond_the_end("abc", "a", "xcde", Err(Refusal::Diverged { next: 7 }))]
#[case::other_units_in_front("abc", "axc", "d", Err(Refusal::Diverged { next: 7 }))]
#[case::too_far("ab", "abc", "d", Err(Refusal::Passed { first: 7 }))]
fn a_store_takes(
    #[case] stored: &str,
    #[case] read: &str,
    #[case] text: &str,
    #[case] expected: Result<&str, Refusal>,
) {
    assert_eq!(taken(stored, read, text), expected.map(str::to_owned));
}

#[test]
fn a_unit_across_the_end_of_the_store_is_another_one() {
    let mut applied = Applied::through(behind("ab"));
    let wide = vec![Unit { span: 7, bytes: Bytes::from_static(b"w") }];
    let units = Units::new(EPOCH, behind(""), 0, 0, wide);
    assert_eq!(applied.accept(&units), Err(Refusal::Diverged { next: 5 }));
}

#[test]
fn a_new_store_takes_the_chain_of_the_journal() {
    let mut applied = Applied::nothing();
    assert_eq!(applied.progress(), None);
    assert_eq!(applied.opened(&open("")), Ok(()));
    assert_eq!(applied.progress(), Some(behind("")));
    // a journal that goes on from a store is no beginning for a new one
    let mut applied = Applied::nothing();
    assert_eq!(applied.opened(&open("ab")), Err(Refusal::Passed { first: 5 }));
}

#[test]
fn a_store_is_compared_with_where_a_journal_begins() {
    assert_eq!(Applied::through(behind("ab")).opened(&open("ab")), Ok(()));
    let other = Applied::through(behind("ax")).opened(&open("ab"));
    assert_eq!(other, Err(Refusal::Diverged { next: 5 }));
    // of an earlier sequence nothing can be said
    assert_eq!(Applied::through(behind("ax")).opened(&open("a")), Ok(()));
}
