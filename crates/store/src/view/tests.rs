//! The ends of the range of ordinals; what is read again after units and checkpoints.

use std::sync::Arc;

use bytes::Bytes;

use crate::disk::Disk;
use crate::disk::simulated::SimDisk;
use crate::unit::Ordinal;
use crate::{Entity, Opened, Options, Parts, Schema, Table, TableSpec, open};

/// The last page of each table ends in another way: it is full, has slots without an ordinal, has one slot.
const TABLES: [Table; 3] = [Table::new(0), Table::new(1), Table::new(2)];
const SCHEMA: Schema = Schema {
    tables: &[
        TableSpec { table: TABLES[0], name: "full", per_page: 32 },
        TableSpec { table: TABLES[1], name: "partial", per_page: 33 },
        TableSpec { table: TABLES[2], name: "single", per_page: 1 },
    ],
    contents: 1,
};
/// The largest ordinal that an entity can have.
const LAST: Ordinal = Ordinal(u64::MAX - 1);

fn opened() -> Opened {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    let namespace = Some("shop".to_owned());
    open(&disk, &Options { namespace, ..Options::new(SCHEMA) }).expect("a new store")
}

#[test]
fn the_entity_with_the_largest_ordinal_is_read_like_any_other() {
    let mut opened = opened();
    let mut builder = opened.view.begin(0);
    for table in TABLES {
        builder.put(table, LAST, 0, b"last");
    }
    let unit = builder.seal(0, b"");
    opened.view.seal(Arc::clone(&unit));
    opened.log.commit(&[unit]).expect("no fault is armed");
    let mut read_all = |in_checkpoint: bool| {
        if in_checkpoint {
            let report = opened.log.checkpoint().expect("no fault is armed");
            opened.view.checkpointed(&report);
            while opened.view.trim() {}
        }
        let (view, reader) = (&opened.view, opened.view.reader());
        for table in TABLES {
            let place = format!("{table:?}, in a checkpoint: {in_checkpoint}");
            let found = [
                view.scan(table, LAST, 9).expect("a read"),
                view.scan(table, Ordinal(0), 9).expect("a read"),
                view.page(table, LAST).expect("a read").0,
                reader.page(table, LAST, 9, Parts::ALL).expect("a read").0,
            ];
            let parts = vec![(0, Bytes::from_static(b"last"))];
            let expected = [Entity { ordinal: LAST, parts }];
            assert!(found.iter().all(|found| *found == expected), "{place}: {found:?}");
            assert_eq!(view.count(table).expect("a read"), 1, "{place}");
        }
    };
    read_all(false);
    read_all(true);
}

#[test]
fn nothing_is_behind_the_largest_ordinal() {
    let opened = opened();
    let (view, reader) = (&opened.view, opened.view.reader());
    for table in TABLES {
        for from in [u64::MAX / 2, u64::MAX - 33, LAST.0, u64::MAX].map(Ordinal) {
            assert_eq!(view.scan(table, from, 9).expect("a read"), [], "{from:?}");
            assert_eq!(view.page(table, from).expect("a read"), (vec![], None), "{from:?}");
            let page = reader.page(table, from, 9, Parts::ALL).expect("a read");
            assert_eq!(page.0, [], "{from:?}");
            assert_eq!(page.1, None, "{from:?}");
        }
    }
}

/// The first two parts of an entity.
fn both_parts(opened: &Opened, ordinal: Ordinal) -> [Option<Bytes>; 2] {
    [0, 1].map(|part| opened.view.read(TABLES[0], ordinal, part).expect("a read"))
}

#[test]
fn what_was_read_once_is_read_anew_after_a_unit_and_after_a_checkpoint() {
    const LONG: &[u8] = &[5; 100_000]; // spilled from its page
    let mut opened = opened();
    let (one, other) = (Ordinal(0), Ordinal(1));
    let text = Bytes::from_static;
    let change = |opened: &mut Opened, parts: &[(Ordinal, u8, Option<&'static [u8]>)]| {
        let mut builder = opened.view.begin(0);
        for &(ordinal, part, value) in parts {
            match value {
                Some(value) => builder.put(TABLES[0], ordinal, part, value),
                None => builder.remove(TABLES[0], ordinal, part),
            }
        }
        let previous = opened.view.last_in_history(TABLES[0], one).expect("a read");
        builder.link_history(TABLES[0], one, previous);
        let unit = builder.seal(0, b"");
        opened.view.seal(Arc::clone(&unit));
        opened.log.commit(&[unit]).expect("no fault is armed");
    };
    let checkpoint = |opened: &mut Opened| {
        let report = opened.log.checkpoint().expect("no fault is armed");
        opened.view.checkpointed(&report);
        while opened.view.trim() {}
    };

    assert_eq!(both_parts(&opened, one), [None, None]);
    change(&mut opened, &[(one, 0, Some(b"first")), (other, 0, Some(b"other"))]);
    assert_eq!(both_parts(&opened, one), [Some(text(b"first")), None]);
    checkpoint(&mut opened);
    assert_eq!(both_parts(&opened, one), [Some(text(b"first")), None]);
    assert_eq!(both_parts(&opened, other), [Some(text(b"other")), None]);
    // a part is new in memory, the other one is on the page
    change(&mut opened, &[(one, 1, Some(LONG))]);
    assert_eq!(both_parts(&opened, one), [Some(text(b"first")), Some(text(LONG))]);
    checkpoint(&mut opened);
    assert_eq!(both_parts(&opened, one), [Some(text(b"first")), Some(text(LONG))]);
    change(&mut opened, &[(one, 0, None), (one, 1, Some(b"short"))]);
    assert_eq!(both_parts(&opened, one), [None, Some(text(b"short"))]);
    checkpoint(&mut opened);
    assert_eq!(both_parts(&opened, one), [None, Some(text(b"short"))]);
    let last = opened.view.last_in_history(TABLES[0], one).expect("a read");
    assert_eq!(last, Some(crate::Seq(3)));
    assert_eq!(opened.view.last_in_history(TABLES[0], other).expect("a read"), None);
}
