//! The bytes of stored records. Records of every version are read for ever, and each record is written
//! with exactly the committed bytes.
//!
//! `tests/golden/KIND.vN` holds records of version N, a name and the bytes in hexadecimal a line.
//! `ORDERLY_TEST_WRITE_GOLDEN=1 cargo test -p orderly-domain --test golden` adds the files and the lines
//! that are missing. It never replaces a line.

mod support;

use orderly_domain::cart::Cart;
use orderly_domain::inventory::{Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, OrderDetails, Tombstone};
use orderly_domain::parked::{Link, Parked, ParkedOfOrder, Resolution, ResolutionKind};
use orderly_domain::payment::{FoldedItem, Payments};
use orderly_domain::quarantine::Marker;
use orderly_domain::record::UnitRecord;
use orderly_domain::stored::{FORMAT, FORMATS, Format, KINDS, Stored};
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Detail, Reason};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write as _};
use std::path::PathBuf;
use support::{at, former, id};

fn file(kind: &str, version: u8) -> PathBuf {
    let name = format!("{}.v{version}", kind.replace(' ', "_"));
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = |pair| std::str::from_utf8(pair).expect("is ASCII");
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(digits(pair), 16).expect("is hexadecimal"))
        .collect()
}

/// The records in the file of that version, by name.
fn golden(kind: &str, version: u8) -> BTreeMap<String, Vec<u8>> {
    let file = file(kind, version);
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{} (see the head of this file): {error}", file.display()));
    let lines = text.lines().map(|line| line.split_once(' ').expect("is a name and bytes"));
    lines.map(|(name, bytes)| (name.to_owned(), from_hex(bytes))).collect()
}

fn stored<S: Stored>(value: &S) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.write(&mut bytes).expect("can be written");
    bytes
}

/// Checks values of the current version: they are written as the committed bytes, and the committed
/// bytes are read as the values.
fn current<S: Stored + PartialEq + Debug>(values: &[(&str, S)]) {
    if std::env::var_os("ORDERLY_TEST_WRITE_GOLDEN").is_some() {
        add_missing(values);
    }
    let golden = golden(S::KIND, S::VERSION);
    assert_same_names(S::KIND, &golden, values);
    for (name, value) in values {
        let bytes = &golden[*name];
        assert_eq!(hex(&stored(value)), hex(bytes), "{} {name}: written", S::KIND);
        assert_eq!(S::read(bytes).as_ref(), Ok(value), "{} {name}: read", S::KIND);
    }
    every_damage_is_an_error(values);
}

fn add_missing<S: Stored>(values: &[(&str, S)]) {
    let file = file(S::KIND, S::VERSION);
    let mut text = std::fs::read_to_string(&file).unwrap_or_default();
    let has = |name: &str| text.lines().any(|line| line.split(' ').next() == Some(name));
    let new: Vec<_> = values.iter().filter(|(name, _)| !has(name)).collect();
    for (name, value) in new {
        let _ = writeln!(text, "{name} {}", hex(&stored(value)));
    }
    std::fs::write(&file, text).expect("can be written");
}

fn assert_same_names<S>(kind: &str, golden: &BTreeMap<String, Vec<u8>>, values: &[(&str, S)]) {
    let committed: BTreeSet<_> = golden.keys().map(String::as_str).collect();
    let known: BTreeSet<_> = values.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, committed, "{kind}: the records here, and those committed (see the head)");
}

/// Every version that there was of a kind, the first one first: each has committed bytes, and the values that these
/// bytes are read as.
fn versions<S: Stored + PartialEq + Debug>(versions: &[Vec<(&str, S)>]) {
    assert_eq!(versions.len(), usize::from(S::VERSION), "{}: every version has values", S::KIND);
    let (current_values, before) = versions.split_last().expect("versions count from 1");
    for (version, values) in (1..).zip(before) {
        earlier(version, values);
    }
    current(current_values);
}

/// Checks values of an earlier version: the committed bytes are read as the values.
fn earlier<S: Stored + PartialEq + Debug>(version: u8, values: &[(&str, S)]) {
    let golden = golden(S::KIND, version);
    assert_same_names(S::KIND, &golden, values);
    for (name, value) in values {
        let bytes = &golden[*name];
        assert_eq!(bytes[0], version);
        assert_eq!(S::read(bytes).as_ref(), Ok(value), "{} {name}", S::KIND);
        for end in 0..bytes.len() {
            assert!(S::read(&bytes[..end]).is_err(), "{} {name}: {end} bytes", S::KIND);
        }
    }
}

/// A record that is cut, is too long or has a later version is an error.
fn every_damage_is_an_error<S: Stored + PartialEq + Debug>(values: &[(&str, S)]) {
    for (name, value) in values {
        let bytes = stored(value);
        for end in 0..bytes.len() {
            assert!(S::read(&bytes[..end]).is_err(), "{} {name}: {end} bytes", S::KIND);
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(S::read(&longer).is_err(), "{} {name}: longer", S::KIND);
        let mut later = bytes;
        later[0] = S::VERSION + 1;
        assert!(S::read(&later).is_err(), "{} {name}: later", S::KIND);
    }
}

fn parked_v1() -> Vec<(&'static str, Parked)> {
    let full = Parked {
        reason: Reason::Conflict,
        command_id: Some("m-1".to_owned()),
        source: Some("shop".to_owned()),
        r#type: Some("order.place".to_owned()),
        order_id: Some("o-1".to_owned()),
        content_type: Some("application/json".to_owned()),
        received_at: at(20),
        attempts: 3,
        detail: Some(Detail::from("the same identity came before with other data")),
        size: 70_000,
        truncated: true,
        provider: None,
        event_id: None,
        cart_id: None,
        sku: None,
        content_encoding: None,
        link: None,
        trace: None,
    };
    let small = Parked {
        reason: Reason::Malformed,
        command_id: None,
        source: None,
        r#type: None,
        order_id: None,
        content_type: None,
        detail: None,
        size: 0,
        truncated: false,
        ..full.clone()
    };
    vec![("full", full), ("small", small)]
}

fn parked_v2() -> Vec<(&'static str, Parked)> {
    let [(_, full), (_, small)] = <[_; 2]>::try_from(parked_v1()).expect("are two");
    let full = Parked {
        provider: Some(id("acme")),
        event_id: Some(id("e-1")),
        cart_id: Some(id("k-1")),
        sku: Some(id("tea")),
        ..full
    };
    vec![("full", full), ("small", small)]
}

fn parked_v3() -> Vec<(&'static str, Parked)> {
    let [(_, full), (_, small)] = <[_; 2]>::try_from(parked_v2()).expect("are two");
    let full = Parked { content_encoding: Some("gzip".to_owned()), ..full };
    vec![("full", full), ("small", small)]
}

fn parked_v4() -> Vec<(&'static str, Parked)> {
    let [(_, full), (_, small)] = <[_; 2]>::try_from(parked_v3()).expect("are two");
    let link = |previous, next| Some(Link { order: 70_000, previous, next });
    let first = Parked { link: link(None, Some(300)), ..small.clone() };
    let full = Parked { link: link(Some(5), Some(300)), ..full };
    vec![("full", full), ("first", first), ("small", small)]
}

fn parked_v5() -> Vec<(&'static str, Parked)> {
    let [(_, full), (_, first), (_, small)] = <[_; 3]>::try_from(parked_v4()).expect("are three");
    let trace = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    vec![("full", Parked { trace, ..full }), ("first", first), ("small", small)]
}

fn parked_of_order() -> Vec<(&'static str, ParkedOfOrder)> {
    vec![("full", ParkedOfOrder { count: 300, first: 5, last: 70_000 })]
}

fn resolutions() -> Vec<(&'static str, Resolution)> {
    let dismissed = Resolution { kind: ResolutionKind::Dismissed, unit: 70_000, at: at(30) };
    let replayed = Resolution { kind: ResolutionKind::Replayed, ..dismissed };
    vec![("dismissed", dismissed), ("replayed", replayed)]
}

/// Stock had no version of its own then: it has the first one.
fn stock_v1() -> Vec<(&'static str, Stock)> {
    let values = support::stock().into_iter();
    values.map(|(name, stock)| (name, Stock { version: 1, ..stock })).collect()
}

/// Every kind, and the check of all its versions.
const CHECKS: &[(&str, fn())] = &[
    (Order::KIND, || versions(&[former::orders_1(), support::orders()])),
    (Tombstone::KIND, || versions(&[former::tombstones_1(), support::tombstones()])),
    (Reservation::KIND, || versions(&[former::reservations_1(), support::reservations()])),
    (Payments::KIND, || {
        versions(&[
            former::payments_1(),
            former::payments_2(),
            former::payments_3(),
            support::payments(),
        ]);
    }),
    (Notices::KIND, || versions(&[former::notices_1(), support::notices()])),
    (Stock::KIND, || versions(&[stock_v1(), support::stock()])),
    (Cart::KIND, || versions(&[support::carts()])),
    (UnitRecord::KIND, || {
        versions(&[
            former::records_1(),
            former::records_2(),
            former::records_3(),
            support::records(),
        ]);
    }),
    (Parked::KIND, || {
        versions(&[parked_v1(), parked_v2(), parked_v3(), parked_v4(), parked_v5()]);
    }),
    (Marker::KIND, || versions(&[former::markers_1(), support::markers()])),
    (OrderDetails::KIND, || versions(&[support::details()])),
    (FoldedItem::KIND, || versions(&[former::folded_items_1(), support::folded_items()])),
    (ParkedOfOrder::KIND, || versions(&[parked_of_order()])),
    (Resolution::KIND, || versions(&[resolutions()])),
];

#[test]
fn every_version_of_every_kind_is_read_and_the_newest_is_written() {
    let kinds: Vec<_> = KINDS.iter().map(|(kind, _)| *kind).collect();
    let checked: Vec<_> = CHECKS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(checked, kinds);
    for (_, check) in CHECKS {
        check();
    }
}

/// No committed file is of a kind or of a version that no format had.
#[test]
fn every_committed_file_is_of_a_version_that_a_format_had() {
    let versions = FORMATS.iter().flat_map(|format| format.versions);
    let known: BTreeSet<_> = versions.map(|(kind, version)| file(kind, *version)).collect();
    let folder = file("order", 1);
    let files = std::fs::read_dir(folder.parent().expect("a folder")).expect("can be read");
    let files = files.map(|file| file.expect("can be read").path());
    let committed: BTreeSet<_> =
        files.filter(|file| file.extension().is_some_and(|end| end != "txt")).collect();
    assert_eq!(committed, known);
}

/// A store of an earlier build has no number that came with a later format: the table has as many numbers up to a
/// format as were counted when the format was made.
#[test]
fn no_stored_number_is_added_without_a_new_format() {
    for format in FORMATS {
        let rows = support::numbers::rows().into_iter();
        let numbers = rows.filter(|row| row.format <= format.number).count();
        assert_eq!(
            numbers,
            format.numbers,
            "the numbers up to format {}: {}",
            format.number,
            support::numbers::HOW
        );
    }
}

/// The formats as they were when each was made. A row never changes: a kind with a new version, or a
/// new stored number, is a new format.
#[test]
fn no_version_is_raised_without_a_new_format() {
    let history: [(u32, &[u8], usize); 12] = [
        (1, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 195),
        (2, &[1, 1, 1, 1, 1, 1, 1, 1, 2, 1], 195),
        (3, &[2, 2, 2, 2, 1, 2, 1, 2, 2, 1, 1], 211),
        (4, &[2, 2, 2, 2, 1, 2, 1, 2, 2, 1, 1], 212),
        (5, &[2, 2, 2, 2, 1, 2, 1, 3, 3, 2, 1], 212),
        (6, &[2, 2, 2, 2, 1, 2, 1, 3, 3, 2, 1], 216),
        (7, &[2, 2, 2, 3, 2, 2, 1, 3, 3, 2, 1, 1], 223),
        (8, &[2, 2, 2, 4, 2, 2, 1, 3, 3, 2, 1, 2], 223),
        (9, &[2, 2, 2, 4, 2, 2, 1, 3, 4, 2, 1, 2, 1], 225),
        (10, &[2, 2, 2, 4, 2, 2, 1, 4, 4, 2, 1, 2, 1, 1], 230),
        (11, &[2, 2, 2, 4, 2, 2, 1, 4, 4, 2, 1, 2, 1, 1], 246),
        (12, &[2, 2, 2, 4, 2, 2, 1, 4, 5, 2, 1, 2, 1, 1], 246),
    ];
    let formats: Vec<_> = FORMATS
        .iter()
        .map(|format| {
            let versions = format.versions.iter().map(|(_, version)| *version);
            (format.number, versions.collect::<Vec<_>>(), format.numbers)
        })
        .collect();
    let history = history.map(|(number, versions, numbers)| (number, versions.to_vec(), numbers));
    assert_eq!(formats, history);
    assert_eq!(FORMATS.last().map(|format| format.versions), Some(KINDS));
    assert_eq!(usize::try_from(FORMAT), Ok(FORMATS.len()));
    for pair in FORMATS.windows(2) {
        assert_eq!(pair[1].number, pair[0].number + 1);
        let changes = |format: &Format| (format.versions, format.numbers);
        assert_ne!(changes(&pair[1]), changes(&pair[0]), "a format changes something");
        for (kind, version) in pair[0].versions {
            let next = pair[1].versions.iter().find(|(name, _)| name == kind);
            assert!(next.is_some_and(|(_, next)| next >= version), "{kind} never goes back");
        }
    }
}
