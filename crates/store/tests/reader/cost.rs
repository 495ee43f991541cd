//! The cost of a read is bounded by the size of its answer.

use bytes::Bytes;
use orderly_store::{Ordinal, Parts};

use crate::busy_disk::BusyDisk;
use crate::{filled, model, name};

#[test]
fn one_entity_costs_one_look_up_whatever_the_number_of_recent_units() {
    // Given 100,000 orders that no checkpoint holds
    let disk = BusyDisk::new();
    let (view, _log) = filled(&disk, model::LINKED, 100_000, &[(0, &[7; 60])]);
    let reader = view.reader();
    // When one is read
    let (found, records, bytes) = disk.counted(|| {
        let ordinal = reader.find(model::LINKED, &name(70_000)).expect("a read").expect("a name");
        reader.entity(model::LINKED, ordinal, Parts::ALL).expect("a read")
    });
    // Then only the entity's page is looked up, which does not exist
    assert_eq!(found.ordinal, Ordinal(70_000));
    assert_eq!(found.parts, [(0, Bytes::from_static(&[7; 60]))]);
    assert_eq!((records, bytes), (1, 0));
}

#[test]
fn a_page_of_fifty_reads_about_fifty_entities() {
    // Given 10,000 orders of about 1 KB, all in a checkpoint
    let disk = BusyDisk::new();
    let (mut view, mut log) = filled(&disk, model::LINKED, 10_000, &[(0, &[7; 1_000])]);
    view.checkpointed(&log.checkpoint().expect("no fault is armed"));
    while view.trim() {}
    let reader = view.reader();
    // When fifty are read from the middle on
    let (found, records, bytes) = disk.counted(|| {
        let (mut found, mut next) = (Vec::new(), Some(Ordinal(5_000)));
        while let Some(from) = next.filter(|_| found.len() < 50) {
            let left = 50 - found.len();
            let page = reader.page(model::LINKED, from, left, Parts::ALL).expect("a read");
            found.extend(page.0);
            next = page.1;
        }
        assert_eq!(next, Some(Ordinal(5_050)));
        found
    });
    // Then fifty are answered, and only the pages that hold them are read
    assert_eq!(found.len(), 50);
    assert!(records <= 3 && bytes < 120_000, "{records} records, {bytes} bytes");
}

#[test]
fn only_the_parts_that_are_asked_for_are_read() {
    // Given parked messages with bodies of 1 MiB, some in a checkpoint and some not
    let disk = BusyDisk::new();
    let body = vec![b'x'; 1 << 20];
    let (mut view, mut log) =
        filled(&disk, model::TABLES[3], 20, &[(0, b"about it".as_slice()), (1, &body)]);
    let reader = view.reader();
    let list = || {
        let (mut found, mut next) = (Vec::new(), Some(Ordinal(0)));
        while let Some(from) = next {
            let page = reader.page(model::TABLES[3], from, 50, Parts::of(&[0])).expect("a read");
            found.extend(page.0);
            next = page.1;
        }
        found
    };
    // When they are listed without the bodies
    let (recent, _, recent_bytes) = disk.counted(list);
    view.checkpointed(&log.checkpoint().expect("no fault is armed"));
    while view.trim() {}
    let (stored, _, stored_bytes) = disk.counted(list);
    // Then little more than the answer is read, and a body can be read by itself
    assert_eq!(recent, stored);
    assert_eq!(stored.len(), 20);
    assert!(stored.iter().all(|one| one.parts == [(0, Bytes::from_static(b"about it"))]));
    assert!(recent_bytes == 0 && stored_bytes < 10_000, "{recent_bytes} {stored_bytes}");
    let read = reader.read(model::TABLES[3], Ordinal(7), 1).expect("a read");
    assert!(read.is_some_and(|read| read == body));
}
