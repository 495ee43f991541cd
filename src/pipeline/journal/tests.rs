//! A pipeline whose units go to a shared journal, which the test plays: what leaves, and when.

mod pausing;

use super::*;
use crate::config::Config;
use crate::degraded::Degraded;
use crate::journal::{Input, Told};
use crate::metrics::Metrics;
use crate::pipeline::{Condition, Durability, Error, OwnedJournal, Pipeline};
use crate::process::memory_broker;
use bytes::Bytes;
use orderly_actors::simulation::options;
use orderly_broker::memory::{Memory, Subscription};
use orderly_broker::{Confirm, Names, client};
use orderly_journal::seek::Past as _;
use orderly_journal::{Chain, Epoch, Nonce, Position, Progress, Refusal};
use orderly_member::place::{Places, last_place, progress, to_place, to_unit};
use orderly_store::sim::SimDisk;
use orderly_store::{self as store, Disk, EncodedUnit, Opened};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// What must not happen has this long to happen.
const SHORT: Duration = Duration::from_millis(300);
/// What must happen has this long.
const LONG: Duration = Duration::from_secs(20);
const OWN: Epoch = Epoch { number: 3, nonce: Nonce([3; 16]) };

/// An owner, and its journal.
struct Member {
    pipeline: Pipeline,
    broker: Memory,
    names: Names,
    events: Subscription,
    inputs: mpsc::UnboundedReceiver<Input>,
    told: mpsc::Sender<Told>,
    cursor: Arc<AtomicU64>,
    disk: Arc<SimDisk>,
    _directory: TempDir,
}

fn open(disk: &Arc<SimDisk>) -> Opened {
    let disk: Arc<dyn Disk> = Arc::<SimDisk>::clone(disk);
    store::open(&disk, &options()).expect("opens")
}

impl Member {
    fn start() -> Self {
        Self::start_with("1s")
    }

    /// Starts with a limit for what does not answer.
    fn start_with(stall_after: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut config = Config::default();
        config.broker.url = "memory:".parse().expect("a URL");
        config.store.path = directory.path().join("store");
        config.intake.stall_after = stall_after.parse().expect("a duration");
        config.events.publish = vec!["#".parse().expect("a pattern")];
        let names = Names::new(&config.broker.namespace);
        let broker = memory_broker(&config);
        let events = broker.subscribe(&names.events, "#");
        let disk = Arc::new(SimDisk::new(1));
        let (inputs_in, inputs) = mpsc::unbounded_channel();
        let (told, told_out) = mpsc::channel(1_000);
        let cursor = Arc::<AtomicU64>::default();
        let owned = OwnedJournal {
            inputs: inputs_in,
            told: told_out,
            cursor: Arc::clone(&cursor),
            sync: true,
        };
        let (metrics, _) = Metrics::new();
        let degraded = Degraded::new(metrics.clone());
        let link = broker.link(100);
        let durability = Durability::Journal(owned);
        let pipeline =
            Pipeline::start(open(&disk), durability, link, None, &config, &degraded, &metrics)
                .expect("starts");
        Self { pipeline, broker, names, events, inputs, told, cursor, disk, _directory: directory }
    }

    /// Publishes a command that makes one unit with an event.
    fn command(&self, id: &str) {
        let body = Bytes::from(json!({"sku": id, "on_hand": 4}).to_string());
        let message = client::command(&self.names, "stock.set", id, Some("test"), body);
        assert_eq!(self.broker.publish(message), Confirm::Acked);
    }

    /// The next units that the journal gets.
    async fn given(&mut self) -> Vec<Arc<Unit>> {
        match timeout(LONG, self.inputs.recv()).await.expect("in time").expect("it runs") {
            Input::Units(units) => units,
            other => panic!("{other:?}"),
        }
    }

    /// The next units with events: those of a command. What the core notes for itself is accepted on the way.
    async fn given_for_command(&mut self) -> Vec<Arc<Unit>> {
        loop {
            let units = self.given().await;
            if units.iter().any(|unit| unit.events() > 0) {
                return units;
            }
            let position = self.accept(&units);
            self.tell(Told::Durable(position.next));
            let kept = async {
                while self.store().view.next_seq().0 < position.next {
                    sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(LONG, kept).await.expect("the store takes it in time");
        }
    }

    fn tell(&self, told: Told) {
        self.told.try_send(told).expect("somebody listens");
    }

    /// The journal accepts the units.
    fn accept(&self, units: &[Arc<Unit>]) -> Position {
        let units: Vec<_> =
            units.iter().map(|unit| to_unit(EncodedUnit::new(Arc::clone(unit)))).collect();
        let next = self.store().history.durable().0;
        let next = next + units.iter().map(|unit| u64::from(unit.span)).sum::<u64>();
        let position = Position { epoch: OWN, next, chain: Chain([5; 32]), offset: next };
        self.tell(Told::Apply { units, position });
        position
    }

    /// The store as a start would find it now.
    fn store(&self) -> Opened {
        open(&Arc::new(self.disk.copy()))
    }

    async fn event(&mut self) -> String {
        let event = tokio::select! {
            event = timeout(LONG, self.events.recv()) => event,
            ended = self.pipeline.ended() => panic!("it ended: {ended:?}"),
        };
        let event = event.expect("in time").expect("a broker");
        event.properties.message_id.expect("an id")
    }

    async fn assert_silent(&mut self, why: &str) {
        sleep(SHORT).await;
        assert!(self.events.try_recv().is_none(), "an event left although {why}");
        let condition = *self.pipeline.condition.borrow();
        assert!(!condition.draining, "{condition:?}");
    }

    async fn until(&mut self, what: &str, holds: impl Fn(&Condition) -> bool) {
        let waiting = self.pipeline.condition.wait_for(holds);
        timeout(LONG, waiting).await.unwrap_or_else(|_| panic!("{what}: not in time")).expect(what);
    }

    async fn ended(&mut self) -> Result<(), Error> {
        timeout(LONG, self.pipeline.ended()).await.expect("it ends in time")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_before_the_journal_has_accepted_it() {
    // Given a command whose unit was given to the journal
    let mut member = Member::start();
    member.command("a");
    let units = member.given_for_command().await;
    assert_eq!(units.len(), 1);
    member.assert_silent("the journal has not accepted it").await;
    assert_eq!(member.store().view.next_seq(), units[0].seq, "nor has the store");
    // When the journal accepts nothing for long, then the member says so, and goes on
    member.until("standing still", |condition| condition.journal_stands_still).await;
    // When it is accepted, then the store has it, and still nothing leaves
    let position = member.accept(&units);
    member.assert_silent("the journal has not said that it is durable").await;
    let kept = member.store();
    assert_eq!(kept.recovery.position, Some(to_place(position)));
    assert_eq!(kept.history.last_unit().expect("a read").expect("a unit").unit, units[0]);
    // When it is durable, then its event leaves, and the cursor follows
    member.tell(Told::Durable(position.next));
    member.event().await;
    member.until("going on", |condition| !condition.journal_stands_still).await;
    let confirmed = async {
        while member.cursor.load(Ordering::Acquire) < position.next {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, confirmed).await.expect("the journal learns what was published");
    // When it stops, then it leaves the journal when its last unit is accepted, and ends in good order
    let handle = member.pipeline.handle.clone();
    let stopping = tokio::spawn(async move { handle.stop(LONG).await });
    let units = member.given().await;
    let position = member.accept(&units);
    assert!(timeout(SHORT, member.inputs.recv()).await.is_err(), "it leaves too early");
    member.tell(Told::Durable(position.next));
    let left = timeout(LONG, member.inputs.recv()).await.expect("in time");
    assert!(matches!(left, Some(Input::Leave)), "{left:?}");
    member.tell(Told::Left);
    member.ended().await.expect("in good order");
    stopping.await.expect("it was stopped");
    let kept = member.store();
    assert_eq!((kept.view.next_seq().0, kept.recovery.replayed), (position.next, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_fenced_lets_nothing_out_and_keeps_nothing() {
    for refused in [false, true] {
        // Given an owner with a unit that is durable, and one that is not
        let mut member = Member::start();
        member.command("a");
        let units = member.given_for_command().await;
        let position = member.accept(&units);
        member.tell(Told::Durable(position.next));
        member.event().await;
        member.command("b");
        let lost = member.given_for_command().await;
        // When another member owns
        let by = Epoch { number: 4, nonce: Nonce([4; 16]) };
        if refused {
            member.tell(Told::Refused(Refusal::Diverged { next: position.next }));
        } else {
            member.tell(Told::Fenced { by, node: "other".to_owned() });
        }
        // Then it ends, whatever is told later, and without an event of the unit that is not durable
        let ended = member.ended().await;
        match ended {
            Err(Error::Fenced { epoch: 4, by }) => assert!(by == "other" && !refused),
            Err(Error::Refused(Refusal::Diverged { .. })) => assert!(refused),
            ended => panic!("{ended:?}"),
        }
        let _ = member.told.try_send(Told::Durable(lost[0].next.0));
        sleep(SHORT).await;
        assert!(member.events.try_recv().is_none(), "an event left");
        assert_eq!(member.store().view.next_seq().0, position.next, "the store");
        // And its command comes again to the next one
        let mut link = member.broker.link(10);
        let again = async {
            loop {
                let taken = link.intake.recv().await.expect("a broker");
                if let orderly_broker::Intake::Batch(batch) = taken {
                    return batch;
                }
            }
        };
        let batch = timeout(LONG, again).await.expect("in time");
        let ids: Vec<_> = batch
            .iter()
            .map(|delivery| delivery.message.properties.message_id.as_deref())
            .collect();
        assert_eq!(ids, [Some("b")], "what was durable was acknowledged, and nothing else");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_journal_lost_is_given_again_and_its_end_ends_the_process() {
    // Given an owner with two units in the journal and the store
    let mut member = Member::start();
    let mut units = Vec::new();
    for id in ["a", "b"] {
        member.command(id);
        let given = member.given_for_command().await;
        let position = member.accept(&given);
        member.tell(Told::Durable(position.next));
        member.event().await;
        units.extend(given);
    }
    // When the journal lost the second one, and this member owns anew
    let (from, to) = (units[1].seq.0, units[1].next.0);
    let epoch = Epoch { number: 5, nonce: OWN.nonce };
    member.tell(Told::Own { epoch, next: to, cursor: 1, lost: Some((from, to)) });
    // Then it gets the same bytes
    let restored = timeout(LONG, member.inputs.recv()).await.expect("in time");
    let Some(Input::Restore(restored)) = restored else { panic!("{restored:?}") };
    assert_eq!(restored, [to_unit(EncodedUnit::new(Arc::clone(&units[1])))]);
    // And the place where it stands now is kept, while it goes on
    let position = Position { epoch, next: to, chain: Chain([6; 32]), offset: 2 };
    member.tell(Told::Apply { units: Vec::new(), position });
    member.tell(Told::Durable(to));
    member.command("c");
    let given = member.given_for_command().await;
    let position = member.accept(&given);
    member.tell(Told::Durable(position.next));
    member.event().await;
    // When the task of the journal ends without a word, then so does the process
    let (told, _) = mpsc::channel(1);
    drop(std::mem::replace(&mut member.told, told));
    let ended = member.ended().await;
    assert!(matches!(ended, Err(Error::Journal(_))), "{ended:?}");
}

/// An owner whose broker is gone must still stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_does_not_answer_delays_a_stop_by_some_seconds_only() {
    let mut member = Member::start_with("10s");
    member.command("a");
    let units = member.given_for_command().await;
    let position = member.accept(&units);
    member.tell(Told::Durable(position.next));
    member.event().await;
    let handle = member.pipeline.handle.clone();
    let stopping = tokio::spawn(async move { handle.stop(LONG).await });
    let units = member.given().await;
    let position = member.accept(&units);
    member.tell(Told::Durable(position.next));
    // nobody tells that it has left
    member.ended().await.expect("in good order all the same");
    stopping.await.expect("it was stopped");
    assert_eq!(member.store().view.next_seq().0, position.next);
}

#[test]
fn the_chain_of_a_store_goes_on_from_its_last_place() {
    let disk = Arc::new(SimDisk::new(1));
    let mut opened = open(&disk);
    let incarnation = [8; 16];
    let of = |opened: &Opened| {
        progress(&incarnation, &opened.history, opened.log.position()).expect("reads")
    };
    assert_eq!(of(&opened), None, "an empty store has none");
    let seal = |opened: &mut Opened| {
        let unit = opened.view.begin(1).seal(2, b"a body");
        opened.view.seal(Arc::clone(&unit));
        EncodedUnit::new(unit)
    };
    // Without a place the chain begins with the last unit
    let (first, second) = (seal(&mut opened), seal(&mut opened));
    opened.log.commit(&[first.unit, Arc::clone(&second.unit)]).expect("commits");
    let start = Chain::start(&incarnation, 7, &second.bytes);
    assert_eq!(of(&opened), Some(Progress { next: 7, chain: start }));
    // With one it goes on from there, over all units behind it
    let third = seal(&mut opened);
    let chain = Chain([1; 32]);
    let position = Position { epoch: OWN, next: 10, chain, offset: 70 };
    opened.log.append(std::slice::from_ref(&third), Some(to_place(position))).expect("appends");
    opened.log.sync().expect("syncs");
    assert_eq!(of(&opened), Some(Progress { next: 10, chain }));
    assert_eq!(last_place(opened.log.position()), Some(position));
    let (fourth, fifth) = (seal(&mut opened), seal(&mut opened));
    opened.log.commit(&[Arc::clone(&fourth.unit), Arc::clone(&fifth.unit)]).expect("commits");
    let chain = chain.then(&to_unit(fourth)).then(&to_unit(fifth));
    assert_eq!(of(&opened), Some(Progress { next: 16, chain }));
    // And places are found again by where they end
    let places = Places::of(&opened.history, opened.log.position());
    assert_eq!((places.at(10), places.at(7), places.at(99)), (Some(position), None, None));
    // but in a store that has left the journal
    assert!(opened.leave_journal().expect("writes"));
    let places = Places::of(&opened.history, opened.log.position());
    assert_eq!(places.at(10), None);
}
