//! The store thread's work beside group commits, a turn at a time, on a simulated disk and clock.

use super::*;
use crate::metrics::Exporter;
use orderly_actors::simulation::{SimulatedClock, options};
use orderly_domain::time::Timestamp;
use orderly_store::disk::Tree;
use orderly_store::sim::SimDisk;
use orderly_store::{Disk, IdentityHash, Opened, Options, View};

const HOUR: Duration = Duration::from_secs(3600);

/// A store thread that never runs out of units.
struct Busy {
    disk: Arc<SimDisk>,
    view: View,
    storage: Storage<SimulatedClock>,
    work: Sender<Work>,
    reports: mpsc::UnboundedReceiver<Report>,
    exporter: Exporter,
    made: u64,
}

impl Busy {
    fn start() -> Self {
        let disk = Arc::new(SimDisk::new(1));
        let options = Options { identity_retention: 8 * HOUR, ..options() };
        let opened = store::open(&(Arc::clone(&disk) as Arc<dyn Disk>), &options);
        let Opened { view, log, .. } = opened.expect("opens");
        let (work_in, work) = channel();
        let (report, reports) = mpsc::unbounded_channel();
        let clock = SimulatedClock::at(Timestamp::from_seconds(1_000_000));
        let (metrics, exporter) = Metrics::new();
        let storage = Storage {
            log,
            work,
            report,
            cursor: Arc::default(),
            clock_is_trusted: Arc::new(AtomicBool::new(true)),
            policy: Policy {
                checkpoint_bytes: 2 << 20,
                checkpoint_every: Duration::from_secs(1),
                history_retention: 10 * HOUR,
                appends: SyncPolicy::AtOnce,
            },
            metrics,
            steps: StepDetector::new(&clock),
            clock,
            checkpointed: Duration::ZERO,
            next_group: Duration::ZERO,
            unsynced: None,
            house: Housekeeping::default(),
        };
        Self { disk, view, storage, work: work_in, reports, exporter, made: 0 }
    }

    /// The next unit, of some kilobytes.
    fn unit(&mut self) -> Arc<Unit> {
        self.made += 1;
        let mut builder = self.view.begin(self.storage.clock.now().micros());
        let mut hash = [0; 16];
        hash[..8].copy_from_slice(&self.made.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        builder.identity(IdentityHash(hash), 1);
        let unit = builder.seal(0, &[7; 4000]);
        self.view.seal(Arc::clone(&unit));
        unit
    }

    /// A turn of the thread, with `count` units that wait, of some kilobytes each.
    fn turn(&mut self, count: usize) {
        let units = (0..count).map(|_| self.unit()).collect();
        self.work.send(Work::Commit { units, more: More::Nothing }).expect("the thread listens");
        self.storage.cursor.store(self.view.next_seq().0, Ordering::Release);
        assert_eq!(self.storage.serve_next().expect("the disk works"), Next::Continue);
        while let Ok(report) = self.reports.try_recv() {
            if let Report::Checkpoint(report) = report {
                self.view.checkpointed(&report);
            }
        }
        self.storage.clock.advance(Duration::from_millis(2));
    }

    fn records(&self) -> usize {
        self.disk.records(Tree::Journal)
    }

    /// How many steps of this work were recorded.
    fn steps_of(&self, work: Upkeep) -> u64 {
        let series = format!("orderly_store_work_seconds_count{{work=\"{}\"}} ", work.as_str());
        let shown = self.exporter.render();
        let value = shown.lines().find_map(|line| line.strip_prefix(series.as_str()));
        value.expect("the series is there").parse().expect("a number")
    }

    fn identities(&self) -> u64 {
        self.storage.log.stats().expect("the disk works").identities
    }
}

#[test]
fn old_data_is_deleted_in_small_steps_under_constant_load() {
    // Given a journal of many records, some of them checkpointed and all of them published
    let mut busy = Busy::start();
    for _ in 0..400 {
        busy.turn(16);
    }
    let first = busy.storage.log.stats().expect("the disk works").first;
    assert!(busy.records() > 6 * PRUNE_STEP, "{} records", busy.records());
    assert!(busy.identities() > 5000, "{} identities", busy.identities());

    // When all of it is past its retention, and commands come without a pause
    busy.storage.clock.advance(24 * HOUR);
    let (mut most, mut steps) = (0, 0);
    for _ in 0..2500 {
        let before = busy.records();
        busy.turn(1);
        let gone = (before + 1).saturating_sub(busy.records());
        most = most.max(gone);
        steps += u32::from(gone > 1);
    }

    // Then all of it is deleted in small steps
    let stats = busy.storage.log.stats().expect("the disk works");
    assert!(stats.first > first && stats.first.0 > 6000, "the oldest unit is {}", stats.first);
    assert!(stats.identities <= 2500, "{} identities", stats.identities);
    assert!(most <= PRUNE_STEP + 1, "{most} records in one turn");
    assert!(steps > 5, "in {steps} steps");
    // and each step was recorded as what it was
    for work in Upkeep::ALL {
        assert!(busy.steps_of(*work) > 5, "{work:?}: {}", busy.steps_of(*work));
    }
}

#[test]
fn a_backup_is_begun_between_two_commits_and_keeps_the_journal() {
    // Given a journal that is past its retention
    let mut busy = Busy::start();
    for _ in 0..400 {
        busy.turn(16);
    }
    let first = |busy: &Busy| busy.storage.log.stats().expect("the disk works").first;
    let oldest = first(&busy);
    busy.storage.clock.advance(24 * HOUR);

    // When a backup is asked for, behind units that wait
    let (asker, mut answer) = oneshot::channel();
    busy.work.send(Work::Backup(asker)).expect("the thread listens");
    busy.turn(1);
    let source = answer.try_recv().expect("it was begun");
    assert!(source.end() <= busy.view.next_seq());

    // Then nothing of the journal is deleted until the backup ends
    for _ in 0..500 {
        busy.turn(1);
    }
    assert_eq!(first(&busy), oldest);
    drop(source);
    for _ in 0..2500 {
        busy.turn(1);
    }
    assert!(first(&busy).0 > 6000, "the oldest unit is {}", first(&busy));
}

#[test]
fn segments_are_merged_under_constant_load() {
    let mut busy = Busy::start();
    for _ in 0..4000 {
        busy.turn(4);
    }
    let stats = busy.storage.log.stats().expect("the disk works");
    assert!(stats.identity_segments < 12, "{} segments", stats.identity_segments);
}

#[test]
fn housekeeping_is_paced_under_load_and_rests_when_it_is_done() {
    let at = Duration::from_millis;
    let mut house = Housekeeping { stepped: at(1000), ..Housekeeping::default() };
    assert!(house.is_due(at(1000), true), "an idle thread goes on at once");
    assert!(!house.is_due(at(1024), false));
    assert!(house.is_due(at(1025), false));
    house.rest(at(2000));
    assert!(!house.is_due(at(11_999), true));
    assert!(house.is_due(at(12_000), false));
}

#[test]
fn nothing_is_dropped_by_a_clock_that_stepped() {
    // Given identities, and a wall clock that steps far ahead
    let mut busy = Busy::start();
    for _ in 0..40 {
        busy.turn(8);
    }
    busy.storage.clock_is_trusted.store(false, Ordering::Relaxed);
    busy.storage.clock.advance(400 * HOUR);
    for _ in 0..200 {
        busy.turn(1);
        busy.storage.clock.advance(Duration::from_millis(100));
    }
    // Then no identity is deleted
    assert_eq!(busy.storage.house.identities, 0);
    assert_eq!(busy.storage.house.records, 0);
    let first = busy.storage.log.stats().expect("reads").first;
    assert_eq!(first, Seq::FIRST);
    // And once the clock is right again, old identities are deleted
    busy.storage.clock_is_trusted.store(true, Ordering::Relaxed);
    for _ in 0..200 {
        busy.turn(1);
        busy.storage.clock.advance(Duration::from_millis(100));
    }
    assert!(busy.storage.log.stats().expect("reads").first > Seq::FIRST);
}

/// The core looks at the clocks four times a second: the store thread does not rely on it.
#[test]
fn nothing_is_dropped_by_a_step_that_the_core_has_not_seen_yet() {
    let mut busy = Busy::start();
    for _ in 0..40 {
        busy.turn(8);
    }
    let stepped = busy.storage.clock.now().plus(400 * HOUR);
    busy.storage.clock.step_to(stepped);
    for _ in 0..200 {
        busy.turn(1);
        busy.storage.clock.advance(Duration::from_millis(100));
    }
    assert_eq!((busy.storage.house.identities, busy.storage.house.records), (0, 0));
    assert_eq!(busy.storage.log.stats().expect("reads").first, Seq::FIRST);
}

#[rstest::rstest]
#[case::nothing_follows(More::Nothing, 1)]
#[case::deliveries_are_in_hand(More::InHand, 3)]
fn a_group_waits_while_the_core_has_deliveries_in_hand(#[case] more: More, #[case] in_group: u64) {
    // Given a group that may wait for a minute, by a clock that stands still
    let mut busy = Busy::start();
    busy.storage.next_group = busy.storage.clock.monotonic() + Duration::from_secs(60);
    let first = busy.view.next_seq();
    let units: Vec<_> = (0..4).map(|_| busy.unit()).collect();
    let work = busy.work.clone();
    let commit = |unit: &Arc<Unit>, more| Work::Commit { units: vec![Arc::clone(unit)], more };
    work.send(commit(&units[0], more)).expect("the thread listens");

    // When further units come once it waits for them, of which the third is the last in hand
    let (go, wait) = channel::<()>();
    let sending = std::thread::spawn(move || {
        // when nothing follows it waits for nothing: the others come when its turn is over, or after a while
        if more == More::Nothing {
            let _ = wait.recv_timeout(Duration::from_secs(2));
        }
        for (unit, more) in units[1..].iter().zip([More::InHand, More::Nothing, More::Nothing]) {
            std::thread::sleep(Duration::from_millis(20));
            work.send(commit(unit, more)).expect("the thread listens");
        }
    });
    assert_eq!(busy.storage.serve_next().expect("the disk works"), Next::Continue);
    drop(go);
    sending.join().expect("does not panic");

    let Ok(Report::Durable(through)) = busy.reports.try_recv() else { panic!("no group") };
    assert_eq!(through.0 - first.0, in_group);
}

#[test]
fn a_backup_waits_for_no_units() {
    let mut busy = Busy::start();
    busy.storage.next_group = busy.storage.clock.monotonic() + Duration::from_secs(60);
    let units = vec![busy.unit()];
    let (asker, source) = oneshot::channel();
    busy.work.send(Work::Commit { units, more: More::InHand }).expect("the thread listens");
    busy.work.send(Work::Backup(asker)).expect("the thread listens");
    assert_eq!(busy.storage.serve_next().expect("the disk works"), Next::Continue);
    assert!(source.blocking_recv().is_ok());
}

#[test]
fn only_what_has_deliveries_behind_it_delays_the_next_group() {
    let mut busy = Busy::start();
    for (more, delay) in [(More::InHand, GATHER), (More::Nothing, Duration::ZERO)] {
        busy.storage.next_group = Duration::ZERO;
        let (units, began) = (vec![busy.unit()], busy.storage.clock.monotonic());
        busy.work.send(Work::Commit { units, more }).expect("the thread listens");
        busy.storage.serve_next().expect("the disk works");
        let next = busy.storage.next_group;
        assert_eq!(next, if delay.is_zero() { delay } else { began + delay }, "{more:?}");
    }
}

#[test]
fn the_end_waits_for_no_units() {
    let mut busy = Busy::start();
    busy.storage.next_group = busy.storage.clock.monotonic() + Duration::from_secs(60);
    let units = vec![busy.unit()];
    busy.work.send(Work::Commit { units, more: More::InHand }).expect("the thread listens");
    busy.work.send(Work::Close).expect("the thread listens");
    assert_eq!(busy.storage.serve_next().expect("the disk works"), Next::Stop);
}

/// Units that a shared journal has accepted, as the next record of it.
fn record(busy: &mut Busy, count: usize) -> (Work, Seq) {
    let units: Vec<_> = (0..count).map(|_| EncodedUnit::new(busy.unit())).collect();
    let next = busy.view.next_seq();
    let position = Position { epoch: 1, nonce: [1; 16], next, chain: [2; 32], offset: next.0 };
    (Work::Append { units, position }, next)
}

/// What a start would find after a crash now.
fn after_crash(busy: &Busy) -> (Seq, Option<Position>) {
    // a copy has everything, so the crash is made of the disk itself
    let disk: Arc<dyn Disk> = Arc::new(busy.disk.crash());
    let options = Options { identity_retention: 8 * HOUR, ..options() };
    let opened = store::open(&disk, &options).expect("opens");
    (opened.view.next_seq(), opened.recovery.position)
}

#[test]
fn accepted_units_are_durable_when_the_journal_says_so_and_then_on_the_disk_too() {
    let mut busy = Busy::start();
    let (append, _) = record(&mut busy, 3);
    busy.work.send(append).expect("the thread listens");
    let (append, next) = record(&mut busy, 2);
    busy.work.send(append).expect("the thread listens");
    assert_eq!(busy.storage.serve_next().expect("the disk works"), Next::Continue);
    assert!(busy.reports.try_recv().is_err(), "the journal has not said that they are durable");
    busy.work.send(Work::Durable(next)).expect("the thread listens");
    assert_eq!(busy.storage.serve_next().expect("the disk works"), Next::Continue);
    assert!(matches!(busy.reports.try_recv(), Ok(Report::Durable(through)) if through == next));
    let (found, position) = after_crash(&busy);
    assert_eq!((found, position.map(|position| position.next)), (next, Some(next)));
}

#[test]
fn accepted_units_that_need_no_disk_are_synced_within_a_second() {
    // Given a member whose acks promise no disk of its own
    let mut busy = Busy::start();
    busy.storage.policy.appends = SyncPolicy::Later;
    busy.storage.policy.checkpoint_every = HOUR;
    let mut operations = 0;
    let mut turn = |busy: &mut Busy, wanted: Option<Seq>| {
        assert_eq!(busy.storage.serve_next().expect("the disk works"), Next::Continue);
        match (busy.reports.try_recv(), wanted) {
            (Ok(Report::Durable(through)), Some(next)) => assert_eq!(through, next),
            (Err(_), None) => {}
            (report, _) => panic!("{report:?}"),
        }
        let before = std::mem::replace(&mut operations, busy.disk.operations());
        operations - before
    };
    let (append, next) = record(&mut busy, 2);
    for work in [append, Work::Durable(next)] {
        busy.work.send(work).expect("the thread listens");
    }
    // When they are durable elsewhere, then that is told, and they can be read
    turn(&mut busy, Some(next));
    assert!(busy.storage.unsynced.is_some(), "nothing was synced");
    let history = store::open(
        &(Arc::new(busy.disk.copy()) as Arc<dyn Disk>),
        &Options { identity_retention: 8 * HOUR, ..options() },
    );
    assert_eq!(history.expect("opens").view.next_seq(), next);
    // And a second later they are synced, once
    busy.storage.clock.advance(LAZY_SYNC);
    turn(&mut busy, None);
    assert_eq!(busy.storage.unsynced, None);
    assert_eq!(turn(&mut busy, None), 0, "nothing is written when nothing comes");
    assert_eq!(after_crash(&busy).0, next);
}
