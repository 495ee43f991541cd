//! The bytes of stored records: those of every version that there was are read for ever, and what
//! is written is what was committed.
//!
//! `tests/golden/KIND.vN` holds records of version N, a name and the bytes in hexadecimal a line.
//! `ORDERLY_WRITE_GOLDEN=1 cargo test -p orderly-domain --test golden` writes the files that are not
//! there; none is ever written anew.

mod support;

use orderly_domain::parked::Parked;
use orderly_domain::stored::{FORMAT, FORMATS, KINDS, Stored};
use orderly_domain::verdict::{Detail, Reason};
use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::path::PathBuf;
use support::{at, id};

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

/// Values of the version that is written today: they have the bytes that were committed, and those
/// are read as the values.
fn current<S: Stored + PartialEq + Debug>(values: &[(&str, S)]) {
    let file = file(S::KIND, S::VERSION);
    if std::env::var_os("ORDERLY_WRITE_GOLDEN").is_some() && !file.exists() {
        let lines = values.iter().map(|(name, value)| format!("{name} {}\n", hex(&stored(value))));
        std::fs::write(&file, lines.collect::<String>()).expect("can be written");
    }
    let golden = golden(S::KIND, S::VERSION);
    assert_eq!(golden.len(), values.len(), "{}", S::KIND);
    for (name, value) in values {
        let bytes = &golden[*name];
        assert_eq!(hex(&stored(value)), hex(bytes), "{} {name}: what is written", S::KIND);
        assert_eq!(S::read(bytes).as_ref(), Ok(value), "{} {name}: what is read", S::KIND);
    }
    every_damage_is_an_error(values);
}

/// Values of an earlier version: what was committed is read as they are.
fn earlier<S: Stored + PartialEq + Debug>(version: u8, values: &[(&str, S)]) {
    let golden = golden(S::KIND, version);
    assert_eq!(golden.len(), values.len(), "{}", S::KIND);
    for (name, value) in values {
        let bytes = &golden[*name];
        assert_eq!(bytes[0], version);
        assert_eq!(S::read(bytes).as_ref(), Ok(value), "{} {name}", S::KIND);
        for end in 0..bytes.len() {
            assert!(S::read(&bytes[..end]).is_err(), "{} {name}: {end} bytes", S::KIND);
        }
    }
}

/// Records that are cut, have something behind their end, or a later version, are never read.
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

#[test]
fn orders() {
    current(&support::orders());
}

#[test]
fn tombstones() {
    current(&support::tombstones());
}

#[test]
fn reservations() {
    current(&support::reservations());
}

#[test]
fn payments() {
    current(&support::payments());
}

#[test]
fn notices() {
    current(&support::notices());
}

#[test]
fn stock() {
    current(&support::stock());
}

#[test]
fn carts() {
    current(&support::carts());
}

#[test]
fn unit_records() {
    current(&support::records());
}

#[test]
fn parked_messages() {
    earlier(1, &parked_v1());
    current(&parked_v2());
}

#[test]
fn quarantine_markers() {
    current(&support::markers());
}

/// Every version of every kind in every format that there was: each has a file.
#[test]
fn every_version_has_its_bytes() {
    for format in FORMATS {
        for (kind, version) in format.versions {
            assert!(!golden(kind, *version).is_empty(), "{kind} {version}");
        }
    }
}

/// The formats as they were when each was made. A row never changes: a kind with a new version is
/// a new format.
#[test]
fn no_version_is_raised_without_a_new_format() {
    let history: [(u32, &[u8]); 2] =
        [(1, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), (2, &[1, 1, 1, 1, 1, 1, 1, 1, 2, 1])];
    let formats: Vec<_> = FORMATS
        .iter()
        .map(|format| {
            let versions = format.versions.iter().map(|(_, version)| *version);
            (format.number, versions.collect::<Vec<_>>())
        })
        .collect();
    let history = history.map(|(number, versions)| (number, versions.to_vec()));
    assert_eq!(formats, history);
    assert_eq!(FORMATS.last().map(|format| format.versions), Some(KINDS));
    assert_eq!(usize::try_from(FORMAT), Ok(FORMATS.len()));
    for pair in FORMATS.windows(2) {
        assert_eq!(pair[1].number, pair[0].number + 1);
        assert_ne!(pair[1].versions, pair[0].versions, "a format changes something");
        for (kind, version) in pair[0].versions {
            let next = pair[1].versions.iter().find(|(name, _)| name == kind);
            assert!(next.is_some_and(|(_, next)| next >= version), "{kind} never goes back");
        }
    }
}
