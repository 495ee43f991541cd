//! The table of all stored numbers: `enum number name format` a row, sorted.
//!
//! A row never changes. The number of a variant that is gone stays in the table under the name `-`, so that no other
//! variant gets it. The last column is the format of the shop's records that brought the number: an earlier build does
//! not know the number, and must refuse the store by its format.

use orderly_domain::stored::FORMAT;
use std::collections::BTreeSet;
use std::fmt::Debug;

const TABLE: &str = include_str!("../golden/numbers.txt");

/// One stored number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub of: &'static str,
    pub number: u8,
    pub name: &'static str,
    pub format: u32,
}

pub fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let words: Vec<_> = line.split(' ').collect();
        let [of, number, name, format] = words[..] else { panic!("{line}: a row has four words") };
        let number = number.parse().expect("is a number");
        Row { of, number, name, format: format.parse().expect("is a format") }
    };
    TABLE.lines().map(row).collect()
}

/// The format that brought a variant.
pub fn format_of(of: &str, name: &str) -> u32 {
    let rows = rows().into_iter();
    let row = rows.into_iter().find(|row| row.of == of && row.name == name);
    row.unwrap_or_else(|| panic!("{of} {name} is not in golden/numbers.txt: {HOW}")).format
}

/// What to do about a number that the table does not have.
pub const HOW: &str =
    "a new stored number needs a row there and a new format, see src/stored/mod.rs";

/// The numbers in use of an enum, or the like, are those of its rows.
pub fn check(of: &str, found: impl IntoIterator<Item = (u8, String)>) {
    let rows: Vec<_> = rows().into_iter().filter(|row| row.of == of).collect();
    let numbers: BTreeSet<_> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers.len(), rows.len(), "{of}: a number stands twice");
    assert!(rows.iter().all(|row| (1..=FORMAT).contains(&row.format)), "{of}: an unknown format");
    let live = rows.iter().filter(|row| row.name != "-");
    let expected: BTreeSet<_> = live.map(|row| (row.number, row.name.to_owned())).collect();
    let found: BTreeSet<_> = found.into_iter().collect();
    assert_eq!(found, expected, "{of} in use, and in golden/numbers.txt ({HOW})");
}

/// The name of a variant, as `Debug` shows it.
pub fn variant(value: &impl Debug) -> String {
    let shown = format!("{value:?}");
    shown.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
