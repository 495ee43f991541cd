//! Timers that are looked at before they are due.

mod model;

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{LINKED, SCHEMA};
use orderly_store::sim::SimDisk;
use orderly_store::{Disk, Opened, Options, Ordinal, open};

const MINUTE: i64 = 60_000_000;

fn options() -> Options {
    Options { namespace: Some("test".to_owned()), ..Options::new(SCHEMA) }
}

/// Upcoming timers are those of one kind, up to a time, and at most the requested number. The timers are in memory only, or
/// on disk only after a start.
#[test]
fn upcoming_timers_are_of_one_kind_and_bounded() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    let Opened { mut view, mut log, .. } = open(&disk, &options()).expect("opens");
    for n in 0..300 {
        let mut builder = view.begin(0);
        builder.timer(n * MINUTE, LINKED, Ordinal(n.unsigned_abs()), 3);
        builder.timer(n * MINUTE, LINKED, Ordinal(n.unsigned_abs()), 4);
        let unit = builder.seal(0, b"");
        view.seal(Arc::clone(&unit));
        log.commit(&[unit]).expect("no fault is armed");
    }
    let of = |view: &orderly_store::View, until: i64, limit: usize| {
        let timers = view.upcoming(4, until * MINUTE, limit).expect("a read");
        assert!(timers.iter().all(|timer| timer.kind == 4 && timer.due <= until * MINUTE));
        timers.into_iter().map(|timer| timer.ordinal.0).collect::<BTreeSet<_>>()
    };
    for is_on_disk in [false, true] {
        if is_on_disk {
            view.checkpointed(&log.checkpoint().expect("no fault is armed"));
            Opened { view, log, .. } = open(&disk, &options()).expect("opens");
        }
        assert_eq!(of(&view, 199, 1_000), (0..200).collect());
        assert_eq!(of(&view, 299, 1_000).len(), 300);
        assert_eq!(of(&view, 299, 7).len(), 7);
        assert_eq!(of(&view, -1, 7).len(), 0);
    }
}
