//! The lines of an export: these of version 1 are read by every later build.

use super::line::{Meaning, Stored};
use bytes::Bytes;
use orderly_store::transfer::Item;
use orderly_store::{IdentityHash, List, Name, NameHash, Ordinal, Posting, Seq, Table, Timer};

/// What `stored` has in lines of version 1, and what it means. They never change.
fn version_1() -> Vec<(&'static str, Item)> {
    let table = Table::new(3);
    vec![
        (
            r#"{"of":"entity","table":3,"ordinal":6,"history":200,"parts":[[0,"b25l"],[15,""]]}"#,
            Item::Entity {
                table,
                ordinal: Ordinal(6),
                history: Some(Seq(200)),
                parts: vec![(0, Bytes::from_static(b"one")), (15, Bytes::new())],
            },
        ),
        (
            r#"{"of":"entity","table":3,"ordinal":7,"parts":[]}"#,
            Item::Entity { table, ordinal: Ordinal(7), history: None, parts: vec![] },
        ),
        (
            r#"{"of":"name","table":3,"hash":"abababababababababababababababab","ordinal":6}"#,
            Item::Name(Name { table, hash: NameHash([0xab; 16]), ordinal: Ordinal(6) }),
        ),
        (
            r#"{"of":"identity","hash":"abababababababababababababababab","data":"fffffffffffffffe","sequence":300,"since":-5}"#,
            Item::Identity {
                hash: IdentityHash([0xab; 16]),
                data: u64::MAX - 1,
                seq: Seq(300),
                since: -5,
            },
        ),
        (
            r#"{"of":"posting","list":"8000000000000001","rank":-5,"ordinal":6}"#,
            Item::Posting(Posting { list: List((1 << 63) | 1), rank: -5, ordinal: Ordinal(6) }),
        ),
        (
            r#"{"of":"timer","due":1700000000000000,"table":3,"ordinal":6,"purpose":4}"#,
            Item::Timer(Timer { due: 1_700_000_000_000_000, table, ordinal: Ordinal(6), kind: 4 }),
        ),
    ]
}

#[test]
fn lines_are_written_and_read_as_in_version_1() {
    for (line, item) in version_1() {
        let written = serde_json::to_string(&Stored::item(&item)).expect("JSON");
        assert_eq!(written, line);
        let stored: Stored = serde_json::from_str(line).expect("a line");
        match Meaning::try_from(stored) {
            Ok(Meaning::Item(read)) => assert_eq!(read, item),
            _ => panic!("{line}"),
        }
    }
}

#[test]
fn a_line_that_makes_no_sense_is_an_error() {
    for line in [
        r#"{"of":"entity","table":16,"ordinal":6,"parts":[]}"#,
        r#"{"of":"entity","table":3,"ordinal":6,"parts":[[0,"not base64"]]}"#,
        r#"{"of":"unit","bytes":"AAAA"}"#,
        r#"{"of":"unit","bytes":""}"#,
    ] {
        let stored: Stored = serde_json::from_str(line).expect("a line");
        assert!(Meaning::try_from(stored).is_err(), "{line}");
    }
    for line in [
        r#"{"of":"name","table":3,"hash":"ab","ordinal":6}"#,
        r#"{"of":"name","table":3,"ordinal":6}"#,
        r#"{"of":"timer","due":1,"table":3,"ordinal":6,"purpose":4,"more":1}"#,
        r#"{"of":"nothing"}"#,
    ] {
        assert!(serde_json::from_str::<Stored>(line).is_err(), "{line}");
    }
}
