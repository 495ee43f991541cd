//! Pages and spilled parts, on a simulated disk.

#![expect(clippy::large_stack_arrays, reason = "values as long as a record may be")]

use bytes::Bytes;

use super::page::{Page, PageId, Value};
use super::spilled::{piece_key, value};
use super::writer::{self, Update};
use crate::disk::simulated::SimDisk;
use crate::disk::{Batch, Disk, Tree};
use crate::schema::{PageSizes, Table};
use crate::unit::{Ordinal, Seq};

const TABLE: Table = Table::new(0);
const ORDINAL: Ordinal = Ordinal(33);

fn sizes() -> PageSizes {
    PageSizes::new([(TABLE, 32)])
}

/// Makes the first part of an entity this value.
fn put(disk: &SimDisk, seq: u64, value: &[u8]) {
    let parts = vec![(0, Some(Bytes::copy_from_slice(value)))];
    let update = Update { ordinal: ORDINAL, seq: Seq(seq), history: None, parts };
    let mut batch = Batch::new(Tree::Pages);
    let id = PageId::of(&sizes(), TABLE, ORDINAL);
    writer::update(disk, id, &[update], &mut batch).expect("no fault is armed");
    disk.write(batch).expect("no fault is armed");
}

fn look(disk: &SimDisk) -> Option<Value> {
    let id = PageId::of(&sizes(), TABLE, ORDINAL);
    let record = disk.get(Tree::Pages, &id.key()).expect("no fault is armed");
    let stored = Page::open(id, record).expect("a page").entity(ORDINAL).expect("an entity");
    stored.and_then(|stored| stored.parts.into_iter().next()).map(|(_, value)| value)
}

#[test]
fn a_long_value_is_stored_in_pieces_that_are_deleted_with_it() {
    let disk = SimDisk::new(1);
    put(&disk, 1, &[7; 200_000]);
    assert!(matches!(look(&disk), Some(Value::Spilled { stamp: Seq(1), len: 200_000 })));
    assert_eq!(disk.records(Tree::Pages), 1 + 4);
    let read = value(&disk, (TABLE, ORDINAL, 0), look(&disk), || Ok(look(&disk)));
    assert_eq!(read.expect("a value").as_deref(), Some(&[7; 200_000][..]));
    put(&disk, 2, &[8; 100]);
    assert_eq!(look(&disk), Some(Value::Inline(Bytes::from(vec![8; 100]))));
    assert_eq!(disk.records(Tree::Pages), 1);
}

#[test]
fn pieces_of_two_units_are_never_put_together() {
    // Given a reader that has looked at the page, and a writer that has replaced one of the pieces
    let disk = SimDisk::new(1);
    put(&disk, 1, &[7; 200_000]);
    let old = look(&disk);
    let newer = SimDisk::new(2);
    put(&newer, 2, &[8; 200_000]);
    let key = piece_key(TABLE, ORDINAL, 0, 1);
    let piece = newer.get(Tree::Pages, &key).expect("no fault is armed").expect("a piece");
    let mut batch = Batch::new(Tree::Pages);
    batch.put(key, piece.to_vec());
    disk.write(batch).expect("no fault is armed");
    // When the writer is done by the time that the reader looks again
    let read = value(&disk, (TABLE, ORDINAL, 0), old, || {
        put(&disk, 2, &[8; 200_000]);
        Ok(look(&disk))
    });
    // Then the reader has the newer value, whole
    assert_eq!(read.expect("a value").as_deref(), Some(&[8; 200_000][..]));
}
