//! The ends of the range of ordinals.

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
