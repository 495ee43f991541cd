//! Units are letters here: `"ab>c"` stands for the unit c of an owner that has read a and b before.

use bytes::Bytes;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::id::Nonce;
use crate::record::{Probe, Unit};

const CHARTER: Charter = Charter { incarnation: [9; 16], partition: 0, partitions: 1 };

fn epoch(number: u64, owner: char) -> Epoch {
    Epoch { number, nonce: Nonce([u8::try_from(owner).expect("a letter"); 16]) }
}

fn units(text: &str) -> Vec<Unit> {
    text.bytes().map(|letter| Unit { span: 1, bytes: Bytes::from(vec![letter]) }).collect()
}

/// What comes behind the units of `text`.
fn behind(text: &str) -> Progress {
    let start = Chain::start(&CHARTER.incarnation, 1, &[]);
    Progress { next: text.len() as u64 + 1, chain: start.over(&units(text)) }
}

fn open(number: u64, owner: char, read: &str) -> Record {
    Record::Open(Open {
        epoch: epoch(number, owner),
        node: Name::from(&*owner.to_string()),
        charter: CHARTER,
        from: behind(read),
        cursor: 0,
        at: 0,
    })
}

fn append(number: u64, owner: char, read: &str, text: &str) -> Record {
    Record::Units(Units::new(epoch(number, owner), behind(read), 0, 0, units(text)))
}

/// Makes a record of its notation: `open 2b ab` (b opens epoch 2 and has read a and b), `2b ab>c`, `tick 2b`, `close 2b`,
/// `probe`.
fn record(notation: &str) -> Record {
    let words: Vec<&str> = notation.split(' ').collect();
    let named = |word: &str| {
        let owner = word.chars().last().expect("an owner");
        (word.trim_end_matches(owner).parse().expect("a number"), owner)
    };
    match words[..] {
        ["open", whose] => open(named(whose).0, named(whose).1, ""),
        ["open", whose, read] => open(named(whose).0, named(whose).1, read),
        ["tick", whose] => {
            let epoch = epoch(named(whose).0, named(whose).1);
            Record::Tick(Tick {
                epoch,
                node: Name::from("n"),
                next: 1,
                chain: None,
                cursor: 0,
                at: 0,
                active: true,
                paused: false,
            })
        }
        ["close", whose] => {
            let epoch = epoch(named(whose).0, named(whose).1);
            Record::Close(Close { epoch, cursor: 0, at: 0 })
        }
        ["probe"] => {
            let nonce = Nonce([0; 16]);
            Record::Probe(Probe { nonce, node: Name::from("p"), serial: 1, stored: None })
        }
        [whose, text] => {
            let (read, text) = text.split_once('>').expect("what is read, and units");
            append(named(whose).0, named(whose).1, read, text)
        }
        _ => panic!("{notation:?} is no record"),
    }
}

/// Reads a record, and returns a word for what it did.
fn read(reader: &mut Reader, record: &Record) -> String {
    match reader.read(record) {
        Ok(Outcome::Ignored(why)) => format!("{why:?}").to_lowercase(),
        Ok(outcome) => format!("{outcome:?}").to_lowercase(),
        Err(Refusal::Diverged { .. }) => "diverged".to_owned(),
        Err(refusal) => panic!("{refusal}"),
    }
}

#[rstest]
#[case::one_owner("abc", &[("open 1a", "opened"), ("1a >ab", "accepted"), ("1a ab>c", "accepted")])]
#[case::before_any_opening("", &[("1a >a", "stale"), ("tick 1a", "stale"), ("close 1a", "stale")])]
#[case::appended_twice("ab", &[
    ("open 1a", "opened"), ("1a >a", "accepted"), ("1a >a", "duplicate"), ("1a a>b", "accepted"),
    ("1a >a", "duplicate"), ("1a a>b", "duplicate"),
])]
#[case::a_hole_and_what_was_lost_again("abcd", &[
    ("open 1a", "opened"), ("1a ab>c", "hole"), ("1a abc>d", "hole"), ("1a >ab", "accepted"),
    ("1a ab>c", "accepted"), ("1a abc>d", "accepted"),
])]
#[case::a_record_is_taken_wholly_or_not("ab", &[
    ("open 1a", "opened"), ("1a >ab", "accepted"), ("1a a>bc", "duplicate"),
])]
#[case::a_take_over("abcx", &[
    ("open 1a", "opened"), ("1a >ab", "accepted"), ("probe", "probed"), ("1a ab>c", "accepted"),
    ("open 2b ab", "opened"), ("1a abc>d", "stale"), ("2b abc>x", "accepted"), ("1a abc>d", "stale"),
    ("tick 1a", "stale"), ("close 1a", "stale"), ("tick 2b", "ticked"),
])]
#[case::two_rivals("x", &[
    ("open 1a", "opened"), ("open 2b", "opened"), ("open 2c", "rival"), ("2c >y", "stale"),
    ("2b >x", "accepted"), ("tick 2c", "stale"),
])]
#[case::a_late_opening("", &[("open 3a", "opened"), ("open 2b", "rival"), ("2b >x", "stale")])]
#[case::the_same_opening_twice("a", &[
    ("open 1a", "opened"), ("1a >a", "accepted"), ("open 1a", "rival"),
])]
#[case::numbers_may_be_left_out("a", &[("open 1a", "opened"), ("open 7b", "opened"), ("7b >a", "accepted")])]
#[case::an_opening_after_an_end_that_is_lost("ay", &[
    ("open 1a", "opened"), ("1a >a", "accepted"), ("open 2b ab", "unfounded"), ("2b a>b", "stale"),
    ("open 2c x", "unfounded"), ("open 3c a", "opened"), ("3c a>y", "accepted"),
])]
#[case::an_owner_opens_again_and_appends_again("ab", &[
    ("open 1a", "opened"), ("1a >a", "accepted"), ("open 2a a", "opened"), ("1a a>b", "stale"),
    ("2a a>b", "accepted"), ("1a a>b", "stale"),
])]
#[case::an_owner_leaves("ab", &[
    ("open 1a", "opened"), ("1a >a", "accepted"), ("close 1a", "closed"), ("open 2b a", "opened"),
    ("2b a>b", "accepted"),
])]
#[case::other_units_in_front("a", &[
    ("open 1a", "opened"), ("1a >a", "accepted"), ("1a x>b", "diverged"),
])]
#[case::other_units_at_the_same_place("a", &[
    ("open 1a", "opened"), ("1a >a", "accepted"), ("1a >x", "diverged"),
])]
fn a_record_does(#[case] accepted: &str, #[case] rows: &[(&str, &str)]) {
    let mut reader = Reader::at_beginning(Some(CHARTER));
    let did: Vec<String> =
        rows.iter().map(|(notation, _)| read(&mut reader, &record(notation))).collect();
    let expected: Vec<&str> = rows.iter().map(|(_, expected)| *expected).collect();
    assert_eq!(did, expected);
    assert_eq!(reader.progress().unwrap_or(behind("")), behind(accepted));
}

#[test]
fn a_journal_that_begins_with_a_store_goes_on_from_there() {
    let mut reader = Reader::at_beginning(None);
    assert_eq!(reader.progress(), None);
    assert_eq!(reader.read(&record("open 1a abc")), Ok(Outcome::Opened));
    assert_eq!(reader.progress(), Some(behind("abc")));
    assert_eq!(reader.charter(), Some(CHARTER));
    assert_eq!(reader.read(&record("1a abc>d")), Ok(Outcome::Accepted));
}

#[test]
fn the_journal_of_another_store_is_refused() {
    let other = Charter { incarnation: [8; 16], ..CHARTER };
    let mut reader = Reader::at_beginning(Some(other));
    assert_eq!(reader.read(&record("open 1a")), Err(Refusal::AnotherJournal));
    assert_eq!(reader.progress(), None);
    // a member that opens with another charter has not read this journal, and ends nobody else
    let mut reader = Reader::at_beginning(None);
    assert_eq!(reader.read(&record("open 1a")), Ok(Outcome::Opened));
    let Record::Open(mut opening) = record("open 2b") else { panic!("an opening") };
    opening.charter = other;
    let did = reader.read(&Record::Open(opening));
    assert_eq!(did, Ok(Outcome::Ignored(Ignored::Unfounded)));
    assert_eq!(reader.read(&record("1a >a")), Ok(Outcome::Accepted));
}

#[test]
fn the_cursor_and_the_name_of_the_owner_travel_in_the_records() {
    let mut reader = Reader::at_beginning(None);
    let Record::Open(mut opening) = record("open 1a") else { panic!("an opening") };
    opening.cursor = 3;
    assert_eq!(reader.read(&Record::Open(opening)), Ok(Outcome::Opened));
    assert_eq!(reader.cursor(), 3);
    let of_units = Units::new(epoch(1, 'a'), behind(""), 5, 0, units("a"));
    assert_eq!(reader.read(&Record::Units(of_units)), Ok(Outcome::Accepted));
    assert_eq!(reader.cursor(), 5);
    let mut tick = Tick {
        epoch: epoch(1, 'a'),
        node: Name::from("a"),
        next: 2,
        chain: None,
        cursor: 8,
        at: 0,
        active: true,
        paused: false,
    };
    assert_eq!(reader.read(&Record::Tick(tick.clone())), Ok(Outcome::Ticked));
    assert_eq!(reader.cursor(), 8);
    // it never goes back, and no stale owner moves it
    tick.cursor = 4;
    assert_eq!(reader.read(&Record::Tick(tick.clone())), Ok(Outcome::Ticked));
    (tick.cursor, tick.epoch) = (100, epoch(1, 'b'));
    assert_eq!(reader.read(&Record::Tick(tick)), Ok(Outcome::Ignored(Ignored::Stale)));
    assert_eq!(reader.cursor(), 8);
    // who begins in the middle learns the name from the next tick
    let place = Position { epoch: epoch(1, 'a'), next: 2, chain: behind("a").chain, offset: 1 };
    let mut reader = Reader::behind(&place, None);
    assert_eq!(reader.in_force().and_then(|in_force| in_force.node.clone()), None);
    assert_eq!(reader.read(&record("tick 1a")), Ok(Outcome::Ticked));
    assert_eq!(reader.in_force().and_then(|in_force| in_force.node.clone()), Some(Name::from("n")));
}

/// Cuts a text into pieces, and makes records of them.
fn records(number: u64, owner: char, read: &str, text: &str, cuts: &[usize]) -> Vec<Record> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    let pieces = cuts.windows(2);
    pieces
        .map(|cut| {
            let read = format!("{read}{}", &text[..cut[0]]);
            append(number, owner, &read, &text[cut[0]..cut[1]])
        })
        .collect()
}

fn read_all(reader: &mut Reader, records: &[Record]) -> Vec<String> {
    records.iter().map(|record| read(reader, record)).collect()
}

const TEXT: &str = "[a-z]{1,12}";

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..12_usize, 0..6)
}

proptest! {
    /// Whatever was read before, records do not take back what was accepted; and a reader that begins behind any
    /// accepted record agrees from there on.
    #[test]
    fn every_reader_agrees_wherever_it_begins(
        steps in prop::collection::vec((1..5_u64, 0..3_usize, 0..6_u8, "[xy]{1,2}"), 1..60),
    ) {
        let mut reader = Reader::at_beginning(None);
        let mut others: Vec<Reader> = Vec::new();
        let mut accepted = String::new();
        for (at, (number, owner, what, text)) in steps.iter().enumerate() {
            let owner = ['a', 'b', 'c'][*owner];
            let record = match what {
                0 => open(*number, owner, &accepted),
                1 => open(*number, owner, text),
                2 => record(&format!("tick {number}{owner}")),
                // too early, in its place, too late
                3 => append(*number, owner, &format!("{accepted}z"), text),
                4 => append(*number, owner, &accepted, text),
                _ => append(*number, owner, &accepted[..accepted.len().saturating_sub(3)], text),
            };
            let did = reader.read(&record);
            for other in &mut others {
                prop_assert_eq!(other.read(&record), did);
                prop_assert_eq!(other.progress(), reader.progress());
            }
            match (&record, did) {
                (Record::Units(units), Ok(Outcome::Accepted)) => {
                    accepted.extend(units.units.iter().map(|unit| char::from(unit.bytes[0])));
                    let place = Position {
                        epoch: units.epoch,
                        next: units.end.next,
                        chain: units.end.chain,
                        offset: at as u64,
                    };
                    others.push(Reader::behind(&place, None));
                }
                (Record::Open(open), Ok(Outcome::Opened)) if accepted.is_empty() => {
                    // the journal begins with what its first opener has read
                    let letters = usize::try_from(open.from.next - 1).expect("it is short");
                    accepted = if letters == 0 { String::new() } else { text.clone() };
                    prop_assert_eq!(open.from, behind(&accepted));
                }
                (_, Err(_)) => break,
                _ => {}
            }
            if let Some(progress) = reader.progress() {
                prop_assert_eq!(progress, behind(&accepted));
            }
        }
    }

    /// Any record may come any number of times again: nothing changes.
    #[test]
    fn records_that_come_again_change_nothing(
        text in TEXT, cuts in cuts(), again in prop::collection::vec((0..20_usize, 0..20_usize), 0..20),
    ) {
        let mut journal = vec![open(1, 'a', "")];
        journal.extend(records(1, 'a', "", &text, &cuts));
        for (which, behind) in again {
            let which = which % journal.len();
            let at = which + 1 + behind % (journal.len() - which);
            journal.insert(at, journal[which].clone());
        }
        let mut reader = Reader::at_beginning(None);
        read_all(&mut reader, &journal);
        prop_assert_eq!(reader.progress(), Some(behind(&text)));
    }

    /// However the records of an owner and of the one after it come mixed: what came before the second opening counts,
    /// and of what comes after it, only the second owner's.
    #[test]
    fn two_epochs_mixed(
        first in TEXT, second in TEXT, cuts in (cuts(), cuts()), opened in 0..20_usize,
        order in prop::collection::vec(any::<bool>(), 40),
    ) {
        let before = records(1, 'a', "", &first, &cuts.0);
        let (counts, late) = before.split_at(opened % (before.len() + 1));
        let mut reader = Reader::at_beginning(None);
        read_all(&mut reader, &[open(1, 'a', "")]);
        let did = read_all(&mut reader, counts);
        prop_assert!(did.iter().all(|did| did == "accepted"));
        let ended = usize::try_from(reader.progress().expect("it is open").next - 1)?;
        let read = &first[..ended];
        prop_assert_eq!(read_all(&mut reader, &[open(2, 'b', "")]), ["opened"]);
        let mut late = late.iter();
        let after = records(2, 'b', read, &second, &cuts.1);
        let mut after = after.iter();
        for is_late in order {
            let (of, expected) =
                if is_late { (&mut late, "stale") } else { (&mut after, "accepted") };
            if let Some(record) = of.next() {
                prop_assert_eq!(super::tests::read(&mut reader, record), expected);
            }
        }
        for record in after {
            prop_assert_eq!(super::tests::read(&mut reader, record), "accepted");
        }
        prop_assert_eq!(reader.progress(), Some(behind(&format!("{read}{second}"))));
    }
}
