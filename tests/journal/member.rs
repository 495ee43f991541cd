//! A member with a store in memory, and what the members promised.

use crate::proxy::Proxy;
use orderly::journal::{self, Input, Journal, Told};
use orderly_broker::rabbit::{Claim, stream};
use orderly_broker::{Link, Names, Serves, TopologyMode};
use orderly_journal::node::Role;
use orderly_journal::seek::Past;
use orderly_journal::{Chain, Charter, Epoch, Name, Nonce, Position, Progress, Unit};
use orderly_store::{PostingChanges, Seq};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Units that the owner has under way.
const UNDER_WAY: u64 = 16;
/// The bytes of a unit.
const UNIT: usize = 1_500;
/// The pause between two units, so that a test's broker has little to keep.
const PAUSE: Duration = Duration::from_millis(3);

/// Where the members find the broker.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The addresses of its nodes. A member prefers one, and reaches that one through a proxy.
    pub(crate) urls: Vec<String>,
    pub(crate) namespace: String,
    pub(crate) takeover_after: Duration,
}

/// How a member ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Fenced,
    Left,
    Otherwise(String),
}

/// A store in memory.
#[derive(Debug, Default)]
pub(crate) struct Store {
    charter: Option<Charter>,
    units: BTreeMap<u64, Unit>,
    end: Option<Progress>,
    places: BTreeMap<u64, Position>,
    owns: Option<Epoch>,
    ended: Option<Ended>,
}

type Shared = Arc<Mutex<Store>>;

pub(crate) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Places(Shared);

impl Past for Places {
    fn at(&self, next: u64) -> Option<Position> {
        locked(&self.0).places.get(&next).copied()
    }
}

/// What any owner said was durable, and by whom.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    durable: Mutex<BTreeMap<u64, (Unit, Epoch)>>,
    next: AtomicU64,
    ends: AtomicU64,
    epochs: Mutex<BTreeMap<u64, Nonce>>,
    rests: AtomicBool,
}

impl Promises {
    /// The sequence behind everything that is durable.
    pub(crate) fn durable(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }

    /// How many members have ended by themselves.
    pub(crate) fn ends(&self) -> u64 {
        self.ends.load(Ordering::SeqCst)
    }

    /// From now on nobody seals units.
    pub(crate) fn rest(&self) {
        self.rests.store(true, Ordering::SeqCst);
    }

    fn owns(&self, epoch: Epoch) {
        let owner = *locked(&self.epochs).entry(epoch.number).or_insert(epoch.nonce);
        assert_eq!(owner, epoch.nonce, "epoch {} has two owners", epoch.number);
    }

    fn made_durable(&self, units: impl Iterator<Item = (u64, Unit)>, epoch: Epoch, next: u64) {
        let mut durable = locked(&self.durable);
        for (seq, unit) in units {
            let (known, by) = durable.entry(seq).or_insert_with(|| (unit.clone(), epoch));
            assert_eq!(*known, unit, "two units at {seq}: of {by:?} and of {epoch:?}");
        }
        self.next.fetch_max(next, Ordering::SeqCst);
    }

    /// Every store has what was durable at its sequences, without a gap, and no unit twice.
    pub(crate) fn check<'a>(&self, stores: impl Iterator<Item = &'a Shared>) {
        // a copy: who holds a store's lock waits for this one
        let durable = locked(&self.durable).clone();
        for (number, store) in stores.enumerate() {
            let store = locked(store);
            let mut next = 1;
            let mut bodies = std::collections::BTreeSet::new();
            for (&seq, unit) in &store.units {
                assert_eq!(seq, next, "store {number} has a gap");
                next += u64::from(unit.span);
                assert!(bodies.insert(unit.bytes.clone()), "store {number} has a unit twice");
                if let Some((known, by)) = durable.get(&seq) {
                    assert_eq!(known, unit, "store {number} has another unit at {seq} than {by:?}");
                }
            }
            let last = durable.range(..next).next_back().map(|(&seq, _)| seq);
            let missing = durable.range(..next).find(|(seq, _)| !store.units.contains_key(seq));
            assert!(missing.is_none(), "store {number} lacks a unit before {last:?}");
        }
    }
}

/// A member. It has ended when it does not run.
pub(crate) struct Member {
    number: usize,
    pub(crate) site: Site,
    pub(crate) store: Shared,
    promises: Arc<Promises>,
    proxy: Proxy,
    running: Option<Running>,
}

struct Running {
    inputs: mpsc::UnboundedSender<Input>,
    status: watch::Receiver<orderly_journal::node::Status>,
    task: JoinHandle<()>,
    _link: Link,
}

impl Site {
    /// The settings of a driver on these addresses.
    pub(crate) fn broker(&self) -> orderly_broker::Settings {
        orderly_broker::Settings {
            urls: self.urls.clone(),
            heartbeat: 2,
            ca_file: None,
            names: Names::new(&self.namespace),
            serves: Serves::Namespace,
            prefetch: 10,
            retry_delays: Vec::new(),
            delivery_limit: 1_000,
            topology: TopologyMode::Declare,
        }
    }
}

/// Names a run.
fn new_nonce() -> Nonce {
    Nonce(*uuid::Uuid::now_v7().as_bytes())
}

impl Member {
    pub(crate) async fn new(number: usize, site: Site, promises: Arc<Promises>) -> Self {
        let preferred = &site.urls[number % site.urls.len()];
        let port = url::Url::parse(preferred).ok().and_then(|url| url.port()).expect("a port");
        let proxy = Proxy::start(([127, 0, 0, 1], port).into()).await;
        Self { number, site, store: Shared::default(), promises, proxy, running: None }
    }

    /// The way to the node that the member prefers.
    pub(crate) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Starts it, on what its store has.
    pub(crate) async fn start(&mut self) {
        if let Some(running) = self.running.take() {
            running.task.await.expect("the member of the test does not panic");
        }
        let settings = self.settings();
        // the commands come another way than the journal
        let link = Claim::new(self.site.broker()).expect("settings").link_without_owner();
        let (stored, last) = {
            let mut store = locked(&self.store);
            (store.owns, store.ended) = (None, None);
            (store.end, store.places.last_key_value().map(|(_, place)| *place))
        };
        let past = Box::new(Places(Arc::clone(&self.store)));
        let cursor = Arc::new(AtomicU64::new(1));
        let journal = journal::start(settings, stored, last, past, cursor, &link);
        let Journal { inputs, told, status } = journal.expect("the journal starts");
        let member = Follower {
            inputs: inputs.clone(),
            store: Arc::clone(&self.store),
            promises: Arc::clone(&self.promises),
            sealed: 1,
            name: new_nonce(),
            durable: 1,
        };
        let task = tokio::spawn(member.follow(told));
        self.running = Some(Running { inputs, status, task, _link: link });
    }

    fn settings(&self) -> journal::Settings {
        let names = Names::new(&self.site.namespace);
        let at = self.number % self.site.urls.len();
        let mut urls = vec![format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.proxy.port())];
        // the others are reached directly
        urls.extend(
            self.site.urls.iter().cycle().skip(at + 1).take(self.site.urls.len() - 1).cloned(),
        );
        let mut stream = stream::Options::new(names.journal.clone(), 1 << 30);
        stream.prefetch = 50;
        let charter = locked(&self.store).charter.unwrap_or(Charter {
            incarnation: *uuid::Uuid::now_v7().as_bytes(),
            partition: 0,
            partitions: 1,
        });
        journal::Settings {
            broker: orderly_broker::Settings { urls, ..self.site.broker() },
            stream,
            protocol: orderly_journal::Settings {
                node: Name::from(&*format!("m{}", self.number)),
                nonce: new_nonce(),
                charter,
                takeover_after: self.site.takeover_after,
                tick_every: journal::TICK_EVERY,
                announce_every: journal::ANNOUNCE_EVERY,
                renew_every: journal::RENEW_EVERY,
                found_within: journal::FOUND_WITHIN,
                patience: journal::patience(),
                limits: journal::limits(16 << 10, 4),
            },
            defers: Arc::default(),
            max_lag: Duration::from_secs(10),
            encode: |unit| Unit {
                span: u32::try_from(unit.next.0 - unit.seq.0).expect("a short unit"),
                bytes: unit.body.clone(),
            },
        }
    }

    /// Ends it without a word.
    pub(crate) async fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.task.abort();
            let _ = running.task.await;
        }
    }

    pub(crate) fn claim(&self) {
        self.input(Input::Claim);
    }

    pub(crate) fn leave(&self) {
        self.input(Input::Leave);
    }

    fn input(&self, input: Input) {
        let running = self.running.as_ref().expect("the member runs");
        let _ = running.inputs.send(input);
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        locked(&self.store).ended.clone()
    }

    pub(crate) fn runs(&self) -> bool {
        self.running.is_some() && self.ended().is_none()
    }

    /// Whether it owns, as far as it knows.
    pub(crate) fn owns(&self) -> bool {
        self.runs() && self.role() == Role::Owner
    }

    pub(crate) fn role(&self) -> Role {
        self.running.as_ref().map_or(Role::Joining, |running| running.status.borrow().role)
    }

    /// The sequence behind its units.
    pub(crate) fn next(&self) -> u64 {
        locked(&self.store).end.map_or(1, |end| end.next)
    }

    pub(crate) fn shown(&self) -> String {
        let store = locked(&self.store);
        let status = self.running.as_ref().map(|running| running.status.borrow().clone());
        format!("m{}: next {:?}, ended {:?}, {status:?}", self.number, store.end, store.ended)
    }
}

/// Takes what a member is told.
struct Follower {
    inputs: mpsc::UnboundedSender<Input>,
    store: Shared,
    promises: Arc<Promises>,
    /// The sequence behind the units that it sealed as owner.
    sealed: u64,
    /// The sequence behind those that are durable.
    durable: u64,
    name: Nonce,
}

impl Follower {
    async fn follow(mut self, mut told: mpsc::Receiver<Told>) {
        let mut pause = tokio::time::interval(PAUSE);
        loop {
            let owns = locked(&self.store).owns;
            let next = tokio::select! {
                next = told.recv() => next,
                _ = pause.tick(), if owns.is_some() => {
                    self.seal();
                    continue;
                }
            };
            let ended = match next {
                None => Some(Ended::Otherwise("the task ended".to_owned())),
                Some(told) => self.take(told),
            };
            if let Some(ended) = ended {
                println!("a member ended: {ended:?}");
                self.promises.ends.fetch_add(1, Ordering::SeqCst);
                let mut store = locked(&self.store);
                (store.owns, store.ended) = (None, Some(ended));
                return;
            }
        }
    }

    fn seal(&mut self) {
        if self.sealed >= self.durable + 2 * UNDER_WAY || self.promises.rests.load(Ordering::SeqCst)
        {
            return;
        }
        // units of one and of two sequences
        let (seq, next) = (self.sealed, self.sealed + 1 + self.sealed % 2);
        let mut body = format!("{:?} {seq} ", self.name).into_bytes();
        body.resize(UNIT, b'.');
        let unit = orderly_store::Unit {
            seq: Seq(seq),
            next: Seq(next),
            at: 0,
            fired: 0,
            identity: None,
            names: Box::default(),
            puts: Box::default(),
            history: None,
            timers: Box::default(),
            counters: Box::default(),
            postings: PostingChanges::default(),
            body: body.into(),
        };
        self.sealed = next;
        let _ = self.inputs.send(Input::Units(vec![Arc::new(unit)]));
    }

    fn take(&mut self, told: Told) -> Option<Ended> {
        let mut store = locked(&self.store);
        match told {
            Told::Adopt(charter) => {
                assert!(store.units.is_empty(), "only a store without units adopts");
                let chain = Chain::start(&charter.incarnation, 1, &[]);
                (store.charter, store.end) = (Some(charter), Some(Progress { next: 1, chain }));
            }
            Told::Apply { units, position } => {
                let mut end = store.end.expect("it has adopted the journal's charter");
                for unit in units {
                    let next = end.next + u64::from(unit.span);
                    let chain = end.chain.then(&unit);
                    store.units.insert(end.next, unit);
                    end = Progress { next, chain };
                }
                assert_eq!((end.next, end.chain), (position.next, position.chain));
                store.end = Some(end);
                store.places.insert(end.next, position);
            }
            Told::Durable(next) => {
                let epoch = store.owns.expect("only the owner's units become durable");
                assert!(
                    store.end.is_some_and(|end| end.next >= next),
                    "what is durable was applied"
                );
                let units = store.units.range(self.durable..next);
                let units = units.map(|(&seq, unit)| (seq, unit.clone()));
                self.promises.made_durable(units, epoch, next);
                self.durable = self.durable.max(next);
            }
            Told::Own { epoch, next, lost, .. } => {
                self.promises.owns(epoch);
                assert_eq!(lost, None, "nothing is lost here");
                if store.owns.is_none() {
                    assert_eq!(store.end.map(|end| end.next), Some(next), "all before is applied");
                    (self.sealed, self.durable) = (next, next);
                }
                assert_eq!(self.sealed, next, "the owner goes on behind what it has sealed");
                println!("epoch {} is of {:?} at {next}", epoch.number, epoch.nonce);
                store.owns = Some(epoch);
            }
            Told::Fenced { .. } => return Some(Ended::Fenced),
            Told::Left => return Some(Ended::Left),
            Told::Refused(refusal) => return Some(Ended::Otherwise(refusal.to_string())),
            Told::Failed(problem) => return Some(Ended::Otherwise(problem)),
        }
        None
    }
}
