//! A standby whose journal the test plays.

use super::*;
use orderly_actors::simulation::options;
use orderly_journal::{Chain, Charter, Epoch, Nonce, Progress, Refusal};
use orderly_member::Place;
use orderly_member::place::to_place;
use orderly_store::sim::SimDisk;
use orderly_store::{Disk, EncodedUnit, FollowerLimits, open};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const LONG: Duration = Duration::from_secs(20);
const OTHER: Epoch = Epoch { number: 3, nonce: Nonce([3; 16]) };
const OWN: Epoch = Epoch { number: 4, nonce: Nonce([4; 16]) };
const CHARTER: Charter = Charter { incarnation: [7; 16], partition: 0, partitions: 1 };

fn opened(disk: &Arc<SimDisk>) -> Opened {
    let disk: Arc<dyn Disk> = Arc::<SimDisk>::clone(disk);
    open(&disk, &options()).expect("opens")
}

/// The units of the owner, as the journal carries them.
fn units(count: u64) -> Vec<Unit> {
    let mut store = opened(&Arc::new(SimDisk::new(9)));
    let seal = |number: u64| {
        let unit = store.view.begin(1_000).seal(number % 3, &[7; 3_000]);
        store.view.seal(Arc::clone(&unit));
        let span = u32::try_from(unit.next.0 - unit.seq.0).expect("few events");
        Unit { span, bytes: EncodedUnit::new(unit).bytes }
    };
    (0..count).map(seal).collect()
}

fn end_of(units: &[Unit]) -> u64 {
    1 + units.iter().map(|unit| u64::from(unit.span)).sum::<u64>()
}

/// The position behind the units before `next`.
fn position(next: u64) -> Position {
    Position { epoch: OTHER, next, chain: Chain([5; 32]), offset: next }
}

struct Journal {
    disk: Arc<SimDisk>,
    told: mpsc::Sender<Told>,
    inputs: mpsc::UnboundedReceiver<Input>,
    standby: JoinHandle<Result<Option<Owner>, pipeline::Error>>,
}

impl Journal {
    fn start() -> Self {
        Self::start_with(|standby| standby)
    }

    /// Starts with a changed standby.
    fn start_with(change: impl FnOnce(Standby) -> Standby) -> Self {
        let disk = Arc::new(SimDisk::new(1));
        let limits = FollowerLimits { checkpoint_bytes: 200_000, history_retention: i64::MAX };
        let follower = Follower::new(opened(&disk), limits);
        let place = Place::of(&follower).expect("reads");
        assert_eq!((place.stored, place.last, place.past.at(1)), (None, None, None));
        let (inputs_in, inputs) = mpsc::unbounded_channel();
        let (told, told_out) = mpsc::channel(1_000);
        let settings = Settings {
            sync: true,
            checkpoint_every: Duration::from_millis(200),
            published: Arc::default(),
        };
        let standby = change(Standby::new(follower, inputs_in, told_out, settings));
        Self { disk, told, inputs, standby: tokio::spawn(standby.follow()) }
    }

    fn tell(&self, told: Told) {
        self.told.try_send(told).expect("somebody listens");
    }

    /// Tells all units, a few at a time.
    fn apply(&self, units: &[Unit]) {
        let mut next = 1;
        for units in units.chunks(7) {
            next += units.iter().map(|unit| u64::from(unit.span)).sum::<u64>();
            self.tell(Told::Apply { units: units.to_vec(), position: position(next) });
        }
    }

    async fn ended(self) -> Result<Option<Owner>, pipeline::Error> {
        timeout(LONG, self.standby).await.expect("in time").expect("no panic")
    }

    /// The store as a start would find it when the power goes now.
    fn after_crash(&self) -> Opened {
        opened(&Arc::new(self.disk.crash()))
    }
}

fn bytes_of(store: &Opened) -> Vec<bytes::Bytes> {
    let units = store.history.encoded_units(Seq::FIRST);
    units.map(|unit| unit.expect("a read").bytes).collect()
}

#[tokio::test]
async fn a_standby_applies_what_is_accepted_and_takes_over_with_all_of_it_on_its_disk() {
    // Given a new member, which joins a journal
    let journal = Journal::start();
    let units = units(200);
    journal.tell(Told::Adopt(CHARTER));
    journal.apply(&units);
    // When the owner is gone and this member owns
    let next = end_of(&units);
    journal.tell(Told::Own { epoch: OWN, next, cursor: next + 5, lost: None });
    let disk = Arc::clone(&journal.disk);
    let owner = journal.ended().await.expect("follows").expect("owns");
    // Then its cursor is not ahead of its units
    assert_eq!((owner.epoch(), owner.cursor()), (4, Seq(next)));
    let cursor = Arc::<AtomicU64>::default();
    let (store, durability) = owner.into_parts(Arc::clone(&cursor));
    assert!(matches!(durability, Durability::Journal(owned) if owned.sync));
    // And its store has the journal's units, incarnation and place, also when the power goes
    let check = |store: &Opened| {
        assert_eq!(store.view.next_seq(), Seq(next));
        assert_eq!(store.recovery.incarnations.current().as_bytes(), &CHARTER.incarnation);
        assert_eq!(store.recovery.position, Some(to_place(position(next))));
        assert_eq!(store.recovery.cursor, Seq(next));
        assert_eq!(
            bytes_of(store),
            units.iter().map(|unit| unit.bytes.clone()).collect::<Vec<_>>()
        );
    };
    check(&store);
    check(&opened(&Arc::new(disk.crash())));
}

#[tokio::test]
async fn what_the_journal_lost_is_given_back_before_this_member_owns() {
    let mut journal = Journal::start();
    let units = units(30);
    journal.apply(&units);
    // When it owns a journal that lost the last ten units
    let (from, next) = (end_of(&units[..20]), end_of(&units));
    journal.tell(Told::Own { epoch: OWN, next, cursor: 3, lost: Some((from, next)) });
    let given = timeout(LONG, journal.inputs.recv()).await.expect("in time");
    let Some(Input::Restore(given)) = given else { panic!("{given:?}") };
    assert_eq!(given, units[20..]);
    // Then it owns when the last of them is in the journal again, and not before
    journal.tell(Told::Apply { units: Vec::new(), position: position(next) });
    journal.tell(Told::Durable(next - 1));
    sleep(Duration::from_millis(100)).await;
    assert!(!journal.standby.is_finished(), "it owns too early");
    journal.tell(Told::Durable(next));
    let owner = journal.ended().await.expect("follows").expect("owns");
    assert_eq!(owner.cursor(), Seq(3));
}

#[tokio::test]
async fn what_was_applied_is_synced_within_a_second_and_in_checkpoints() {
    let journal = Journal::start();
    let units = units(50);
    journal.apply(&units);
    let covered = async {
        loop {
            let store = opened(&Arc::new(journal.disk.copy()));
            if store.log.stats().expect("reads").covered.0 == end_of(&units) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, covered).await.expect("a checkpoint");
    // Then a power cut takes nothing, and the member knows where it was
    let store = journal.after_crash();
    assert_eq!(store.view.next_seq(), Seq(end_of(&units)));
    let limits = FollowerLimits { checkpoint_bytes: 1 << 20, history_retention: i64::MAX };
    let place = Place::of(&Follower::new(store, limits)).expect("reads");
    let wanted = position(end_of(&units));
    assert_eq!(place.last, Some(wanted));
    assert_eq!(place.stored, Some(Progress { next: wanted.next, chain: wanted.chain }));
    assert_eq!(place.past.at(end_of(&units[..7])), Some(position(end_of(&units[..7]))));
}

#[tokio::test]
async fn a_member_that_cannot_go_on_ends_and_says_why() {
    type Check = fn(&Result<Option<Owner>, pipeline::Error>) -> bool;
    use pipeline::Error;
    let of_newer = |units: &[Unit]| {
        let bytes = [&[99], &units[0].bytes[1..]].concat().into();
        let units = vec![Unit { bytes, ..units[0].clone() }];
        Told::Apply { units, position: position(9) }
    };
    let all = units(3);
    let endings: [(Told, Check); 6] = [
        (Told::Left, |ended| matches!(ended, Ok(None))),
        (Told::Fenced { by: OWN, node: "b".to_owned() }, |ended| {
            matches!(ended, Err(Error::Fenced { epoch: 4, .. }))
        }),
        (Told::Refused(Refusal::Gone), |ended| matches!(ended, Err(Error::Refused(Refusal::Gone)))),
        (Told::Failed("no disk".to_owned()), |ended| matches!(ended, Err(Error::Journal(_)))),
        (of_newer(&all), |ended| matches!(ended, Err(Error::Refused(Refusal::Unreadable(_))))),
        // units that do not follow
        (Told::Apply { units: all[2..].to_vec(), position: position(end_of(&all)) }, |ended| {
            matches!(ended, Err(Error::Store(store::Error::Gap { .. })))
        }),
    ];
    for (told, is_wanted) in endings {
        let journal = Journal::start();
        let what = format!("{told:?}");
        journal.apply(&all[..1]);
        journal.tell(told);
        let disk = Arc::clone(&journal.disk);
        let ended = journal.ended().await;
        assert!(is_wanted(&ended), "{what}: {ended:?}");
        // and its store has what was accepted before, and nothing else
        assert_eq!(opened(&Arc::new(disk.copy())).view.next_seq(), Seq(end_of(&all[..1])));
    }
    // a task that ends without a word has failed
    let Journal { told, standby, .. } = Journal::start();
    drop(told);
    let ended = timeout(LONG, standby).await.expect("in time").expect("no panic");
    assert!(matches!(ended, Err(Error::Journal(_))), "{ended:?}");
}

#[tokio::test]
async fn a_standby_gives_what_a_copy_of_its_store_is_read_from_and_goes_on() {
    let units = units(40);
    let (asks, asked) = mpsc::unbounded_channel();
    let journal = Journal::start_with(|standby| standby.copied_by(asked));
    journal.apply(&units[..21]);
    let middle = end_of(&units[..21]);
    let source = loop {
        let (answer, answered) = oneshot::channel();
        asks.send(answer).expect("it listens");
        let source = timeout(LONG, answered).await.expect("in time").expect("an answer");
        if source.end() == Seq(middle) {
            break source;
        }
    };
    // it follows on while the copy is read
    journal.tell(Told::Apply { units: units[21..].to_vec(), position: position(end_of(&units)) });
    journal.tell(Told::Left);
    let disk = Arc::clone(&journal.disk);
    assert!(matches!(journal.ended().await, Ok(None)));
    assert_eq!(opened(&Arc::new(disk.copy())).view.next_seq(), Seq(end_of(&units)));
    assert_eq!(source.end(), Seq(middle));
}
