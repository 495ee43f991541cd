//! A store that is opened to be read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use orderly_store::{Log, Opened, Options, Ordinal, View, open_read_only};

use crate::busy_disk::BusyDisk;
use crate::{filled, model, name, options, shared};

#[test]
fn a_store_that_is_opened_to_be_read_stays_as_it_is_until_writing_is_allowed() {
    // Given a store that a crash left in the middle of a checkpoint, with units after the previous checkpoint
    let disk = BusyDisk::new();
    let (mut view, mut log) = filled(&disk, model::LINKED, 300, &[(0, &[7; 500])]);
    view.checkpointed(&log.checkpoint().expect("no fault is armed"));
    let unit = |view: &mut View, log: &mut Log, value: &[u8]| {
        let mut builder = view.begin(0);
        builder.put(model::LINKED, Ordinal(0), 0, value);
        let unit = builder.seal(0, b"");
        view.seal(Arc::clone(&unit));
        log.commit(&[unit]).expect("no fault is armed");
    };
    (0..100).for_each(|n| unit(&mut view, &mut log, &[n; 2_000]));
    for _ in 0..3 {
        assert!(log.checkpoint_step().expect("no fault is armed").is_none());
    }
    for replay_bytes in [10_000, 64 << 20] {
        // When it is read
        let disk = BusyDisk::of(disk.disk.copy());
        let store = open_read_only(&shared(&disk), &Options { replay_bytes, ..options() });
        let store = store.expect("it is read");
        // Then nothing is written, and the store answers if its newer units fit into memory
        assert_eq!(disk.changes.load(Ordering::Relaxed), 0);
        let early = store.reader();
        assert_eq!(early.is_some(), replay_bytes > 10_000);
        let newest = Some(Bytes::from_static(&[99; 2_000]));
        if let Some(reader) = &early {
            assert_eq!(reader.read(model::LINKED, Ordinal(0), 0).expect("a read"), newest);
            let found = reader.find(model::LINKED, &name(299)).expect("a read");
            assert_eq!(found, Some(Ordinal(299)));
        }
        // And the store takes new units once writing is allowed, and a reader that was made before reads them
        let Opened { mut view, mut log, recovery, .. } = store.begin_writing().expect("it opens");
        assert_eq!((recovery.replayed, recovery.created), (100, false));
        let reader = early.unwrap_or_else(|| view.reader());
        assert_eq!(reader.read(model::LINKED, Ordinal(0), 0).expect("a read"), newest);
        unit(&mut view, &mut log, b"new");
        let read = reader.read(model::LINKED, Ordinal(0), 0).expect("a read");
        assert_eq!(read, Some(Bytes::from_static(b"new")));
    }
}

#[test]
fn opening_to_read_makes_no_store() {
    let disk = BusyDisk::new();
    let found = open_read_only(&shared(&disk), &options());
    assert!(matches!(found, Err(orderly_store::Error::NoStore)), "{found:?}");
    assert_eq!(disk.changes.load(Ordering::Relaxed), 0);
}
