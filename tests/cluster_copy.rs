//! Members of a cluster whose store the journal has passed: new ones, and one that was away. Each copies the store of another
//! member, over HTTP, while that member works, and follows from there.
//!
//! The stream keeps very little, so that it passes a member within seconds.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;
#[path = "support/stores.rs"]
#[allow(unused_imports, reason = "this file uses a part of it")]
mod stores;

use lapin::types::{AMQPValue, FieldTable};
use processor::{Processor, free_port};
use producer::{Producer, stock};
use rabbit::{namespace, shared_url};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use stores::{contents, done, said, store, story, text};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};

const TOKEN: &str = "0123456789abcdef-0123456789abcdef";

/// A member of the cluster.
struct Member {
    name: &'static str,
    processor: Processor,
    /// Where others find it.
    advertised: SocketAddr,
    port: u16,
    log: PathBuf,
}

impl Member {
    fn new(url: &str, namespace: &str, name: &'static str, rate: &str) -> Self {
        let port = free_port();
        Self::behind(url, namespace, name, rate, port, SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// A member whose admin server listens on `port`, and that others find elsewhere.
    fn behind(
        url: &str,
        namespace: &str,
        name: &'static str,
        rate: &str,
        port: u16,
        advertised: SocketAddr,
    ) -> Self {
        let processor = Processor::new(url, namespace)
            .with("ORDERLY_CLUSTER__MODE", "standby")
            .with("ORDERLY_CLUSTER__NODE", name)
            .with("ORDERLY_CLUSTER__ADVERTISE", &format!("http://{advertised}"))
            .with("ORDERLY_CLUSTER__TAKEOVER_AFTER", "10s")
            .with("ORDERLY_STORE__BACKUP_RATE", rate)
            .with("ORDERLY_STORE__CHECKPOINT_BYTES", "1MiB")
            .with("ORDERLY_ADMIN__TOKEN", TOKEN)
            .with("RUST_LOG", "info");
        let log = processor.directory.path().join("log");
        Self { name, processor: processor.logging_to(log.clone()), advertised, port, log }
    }

    fn spawn(&mut self) {
        self.processor.spawn_on(self.port);
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// What a path of the admin API answers, with the token.
    fn get(&self, path: &str) -> Option<Value> {
        let url = self.processor.url(path);
        let request = ureq::get(&url).header("authorization", &format!("Bearer {TOKEN}"));
        let text = request.call().ok()?.body_mut().read_to_string().ok()?;
        serde_json::from_str(&text).ok()
    }

    fn role(&self) -> Option<String> {
        Some(self.get("/api/cluster")?["role"].as_str()?.to_owned())
    }

    fn seq(&self) -> Option<u64> {
        self.get("/api/cluster")?["seq"].as_u64()
    }

    /// Why it is not ready to follow.
    fn following(&self) -> Option<String> {
        let url = self.processor.url("/readyz");
        let request = ureq::get(&url).config().http_status_as_error(false).build();
        let text = request.call().ok()?.body_mut().read_to_string().ok()?;
        let ready: Value = serde_json::from_str(&text).ok()?;
        let reasons = ready["reasons"].as_array()?.iter();
        let mut following = reasons.filter(|reason| reason["reason"] == "following");
        Some(following.next()?["detail"].as_str()?.to_owned())
    }

    /// Waits until something holds for it.
    fn wait(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..3_000 {
            if holds(self) {
                return;
            }
            let ended = self.processor.has_ended();
            assert_eq!(ended, None, "{} has ended: {}", self.name, self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{} is not {what}: {:?}\n{}", self.name, self.following(), self.log());
    }

    fn wait_for_role(&mut self, role: &str) {
        self.wait(role, |member| member.role().as_deref() == Some(role));
    }

    fn is_ready(&self) -> bool {
        self.processor.get("/readyz").is_some()
    }

    /// Waits until it is a standby that is ready.
    fn wait_until_warm(&mut self) {
        self.wait_for_role("standby");
        self.wait("ready", Self::is_ready);
    }

    /// Waits for what it says while it gets a copy. Returns the address that it copies from.
    fn wait_for_copying(&mut self) -> SocketAddr {
        for _ in 0..3_000 {
            if let Some(detail) = self.following()
                && let Some(from) = detail.strip_prefix("copying the store from http://")
                && let Some((address, rest)) = from.split_once(": ")
                && rest.ends_with(" MiB")
            {
                return address.parse().expect("an address");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{} does not copy: {:?}\n{}", self.name, self.following(), self.log());
    }

    fn copies_made(&self) -> usize {
        self.log().matches("the store of a member was copied").count()
    }
}

/// Forwards connections to a member, unless it is told to refuse them.
struct Relay {
    address: SocketAddr,
    refuses: Arc<AtomicBool>,
    connections: Arc<Mutex<JoinSet<()>>>,
}

impl Relay {
    async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let refuses = Arc::<AtomicBool>::default();
        let connections = Arc::<Mutex<JoinSet<()>>>::default();
        let relay =
            Self { address, refuses: Arc::clone(&refuses), connections: Arc::clone(&connections) };
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if refuses.load(Ordering::SeqCst) {
                    continue; // the connection is closed at once
                }
                connections.lock().await.spawn(async move {
                    if let Ok(mut member) = TcpStream::connect(to).await {
                        let _ = copy_bidirectional(&mut client, &mut member).await;
                    }
                });
            }
        });
        relay
    }

    fn refuse(&self, refuse: bool) {
        self.refuses.store(refuse, Ordering::SeqCst);
    }

    /// Ends all connections that there are.
    async fn cut(&self) {
        self.connections.lock().await.shutdown().await;
    }
}

/// Orders that come without a pause, until it is stopped.
struct Load {
    placed: Arc<AtomicU32>,
    /// The pause after some orders, in milliseconds.
    pause: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Load {
    fn start(url: &str, namespace: &str) -> Self {
        let (placed, stop) = (Arc::<AtomicU32>::default(), Arc::<AtomicBool>::default());
        let pause = Arc::new(AtomicU64::new(10));
        let (url, namespace) = (url.to_owned(), namespace.to_owned());
        let (counted, stopped) = (Arc::clone(&placed), Arc::clone(&stop));
        let pausing = Arc::clone(&pause);
        let task = tokio::spawn(async move {
            let producer = Producer::new(&url, &namespace).await;
            producer.publish(&[stock("tea", 10_000_000), stock("milk", 10_000_000)]).await;
            while !stopped.load(Ordering::SeqCst) {
                let from = counted.load(Ordering::SeqCst);
                producer.publish(&story(from..from + 25)).await;
                counted.store(from + 25, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(pausing.load(Ordering::SeqCst))).await;
            }
        });
        Self { placed, pause, stop, task }
    }

    /// From now on orders come slowly: the journal must keep them for longer than a member needs to begin with its copy.
    fn slow_down(&self) {
        self.pause.store(250, Ordering::SeqCst);
    }

    /// Waits until so many more orders were placed.
    async fn more(&self, orders: u32) {
        let until = self.placed.load(Ordering::SeqCst) + orders;
        while self.placed.load(Ordering::SeqCst) < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) -> u32 {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.expect("the load ends");
        self.placed.load(Ordering::SeqCst)
    }
}

/// A namespace whose journal keeps about 1 MB.
async fn with_a_short_journal(test: &str) -> (String, String) {
    let (url, namespace) = (shared_url(), namespace(test));
    let producer = Producer::new(&url, &namespace).await;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("stream".into()));
    arguments.insert("x-max-length-bytes".into(), AMQPValue::LongLongInt(600_000));
    arguments.insert("x-stream-max-segment-size-bytes".into(), AMQPValue::LongLongInt(300_000));
    producer.declare(&format!("{namespace}.journal"), arguments).await;
    (url, namespace)
}

/// Waits until an owner has so many orders.
fn wait_until_placed(owner: &Member, orders: u32) {
    for _ in 0..3_000 {
        let audit = owner.get("/api/audit");
        if audit.is_some_and(|audit| audit["counts"]["orders"] == orders) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("not all orders were placed: {:?}", owner.get("/api/audit"));
}

/// Waits until all have come equally far, and returns how far.
fn wait_until_equal(members: &[&Member]) -> u64 {
    for _ in 0..3_000 {
        let seqs: Option<Vec<u64>> = members.iter().map(|member| member.seq()).collect();
        if let Some(seqs) = seqs
            && seqs.iter().all(|seq| *seq == seqs[0])
        {
            return seqs[0];
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let seqs: Vec<_> = members.iter().map(|member| (member.name, member.seq())).collect();
    panic!("they do not come equally far: {seqs:?}");
}

/// What an export has, without what depends on when a store made its checkpoints: how far it has noted what was published; since
/// when an identity is kept, which a checkpoint rounds; a timer that was set twice, of which a checkpoint keeps one.
fn comparable(mut lines: Vec<Value>) -> Vec<Value> {
    let members = lines[0]["stored"].as_object_mut().expect("an object");
    members.remove("published_below").expect("it is there");
    for line in lines.iter_mut().filter(|line| line["kind"] == "identity") {
        line["stored"].as_object_mut().expect("an object").remove("since");
    }
    lines[1..].sort_by_cached_key(Value::to_string);
    lines.dedup();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_the_journal_has_passed_copy_a_store_and_follow() {
    let (url, namespace) = with_a_short_journal("copy").await;
    let member = |name, rate| Member::new(&url, &namespace, name, rate);

    // Given an owner, and a standby that is stopped before many orders come
    let mut owner = member("owner", "1MiB");
    owner.spawn();
    owner.wait_for_role("owner");
    let mut away = member("away", "1MiB");
    away.spawn();
    away.wait_until_warm();
    assert_eq!(away.copies_made(), 0, "the journal is whole");
    let load = Load::start(&url, &namespace);
    load.more(200).await;
    assert_eq!(away.processor.stop().code(), Some(0), "{}", away.log());
    load.more(1_200).await;
    load.slow_down();

    // When a new member starts while orders come
    let mut new = member("new", "1MiB");
    new.spawn();
    let from = new.wait_for_copying();
    assert_eq!(from, owner.advertised, "the only other member");
    assert!(!new.is_ready());
    // Then it is a standby with all that the owner has
    new.wait_until_warm();
    assert!(new.copies_made() >= 1, "{}", new.log());
    assert_eq!(new.role().as_deref(), Some("standby"));

    // When the one that was away comes back
    away.spawn();
    away.wait_until_warm();
    // Then its store was replaced by a copy
    assert!(away.copies_made() >= 1, "{}", away.log());
    assert!(!away.processor.directory.path().join("store.copy").exists(), "nothing is left");

    // When the member that a further one copies from is killed in the middle, whoever it is
    let mut last = member("last", "1MiB");
    last.spawn();
    let source = last.wait_for_copying();
    let mut others = [owner, new, away];
    let killed = others.iter().position(|member| member.advertised == source).expect("a member");
    others[killed].processor.kill();
    // Then it gets one from another
    last.wait_until_warm();
    assert!(last.log().contains("this member gives no copy"), "{}", last.log());
    others[killed].spawn();

    // And all have the same store, with everything in it
    let orders = load.stop().await;
    for member in &mut others {
        member.wait("ready", Member::is_ready);
    }
    let is_owner = |member: &Member| member.role().as_deref() == Some("owner");
    let at = others.iter().position(is_owner).expect("one of them owns");
    let [first, second, third] = &others;
    let all = [first, second, third, &last];
    wait_until_placed(&others[at], orders);
    // an owner that is frozen makes no further unit, and nobody takes over so soon
    others[at].processor.signal("STOP");
    let standbys: Vec<&Member> = all.into_iter().filter(|it| it.name != others[at].name).collect();
    wait_until_equal(&standbys);
    for standby in &standbys {
        standby.processor.signal("TERM");
    }
    others[at].processor.signal("CONT");
    let mut owner = None;
    let mut standbys = Vec::new();
    for member in others.into_iter().chain([last]) {
        if owner.is_none() && standbys.len() == at {
            owner = Some(member);
        } else {
            standbys.push(member.processor);
        }
    }
    for standby in &mut standbys {
        assert_eq!(standby.ended().code(), Some(0));
    }
    let stores: Vec<_> = standbys
        .iter()
        .map(|standby| {
            let audit = done(&store(standby, &["verify"]));
            assert_eq!(audit["balanced"], true, "{audit}");
            assert_eq!(audit["counts"]["orders"], orders, "{audit}");
            comparable(contents(standby, &standby.store()))
        })
        .collect();
    for store in &stores[1..] {
        let mut pairs = store.iter().zip(&stores[0]);
        let different = pairs.find(|(line, first)| line != first);
        assert_eq!(different, None, "equal stores at equal sequences");
        assert_eq!(store.len(), stores[0].len());
    }
    let mut owner = owner.expect("the owner");
    assert_eq!(owner.processor.stop().code(), Some(0));
    let audit = done(&store(&owner.processor, &["verify"]));
    assert_eq!((&audit["balanced"], &audit["counts"]["orders"]), (&true.into(), &orders.into()));
}

/// A connection that breaks costs a part of the copy, and a member that nobody can copy from waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_on_after_its_connection_broke() {
    let (url, namespace) = with_a_short_journal("resume").await;
    let port = free_port();
    let relay = Relay::start(SocketAddr::from(([127, 0, 0, 1], port))).await;
    let advertised = relay.address;
    let mut owner = Member::behind(&url, &namespace, "owner", "256KiB", port, advertised);
    owner.spawn();
    owner.wait_for_role("owner");
    let load = Load::start(&url, &namespace);
    load.more(1_200).await;
    let orders = load.stop().await;
    wait_until_placed(&owner, orders);

    // Given that nobody answers at the address of the only other member
    relay.refuse(true);
    let mut new = Member::new(&url, &namespace, "new", "2MiB");
    new.spawn();
    let why = "there is no copy of another member's store";
    new.wait("without a copy", |new| new.following().is_some_and(|it| it.starts_with(why)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(new.processor.has_ended(), None, "{}", new.log());
    // When it answers again, and connections break while it copies
    relay.refuse(false);
    for _ in 0..3 {
        assert_eq!(new.wait_for_copying(), advertised);
        relay.cut().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    // Then it goes on with the same copy
    new.wait_until_warm();
    assert_eq!(new.copies_made(), 1, "{}", new.log());
    assert!(new.log().contains("asking again for a part"), "{}", new.log());
    assert_eq!(owner.log().matches("a member copies the store").count(), 1, "{}", owner.log());
    wait_until_equal(&[&owner, &new]);
    // And a person can copy a store, to where none is
    let place = owner.processor.directory.path().join("copied");
    let from = ["copy", "--from", &format!("http://{advertised}"), "--store", text(&place)];
    let copied = done(&store(&owner.processor, &from));
    assert_eq!(copied["namespace"], namespace.as_str(), "{copied}");
    assert!(copied["next_sequence"].as_u64() >= owner.seq(), "{copied}");
    let audit = done(&store(&owner.processor, &["verify", "--store", text(&place)]));
    assert_eq!((&audit["balanced"], &audit["counts"]["orders"]), (&true.into(), &orders.into()));
    let again = store(&owner.processor, &from);
    assert!(said(&again).contains("there is something at"), "{}", said(&again));
    // When all have stopped, then the stores and the journal go together
    assert_eq!(new.processor.stop().code(), Some(0));
    assert_eq!(owner.processor.stop().code(), Some(0));
    let verify = |processor: &Processor, place: &Path| {
        let answer = store(processor, &["verify", "--against-journal", "--store", text(place)]);
        let verdict: Value = serde_json::from_slice(&answer.stdout).expect("JSON");
        (verdict["verdict"].as_str().expect("a verdict").to_owned(), answer.status.code())
    };
    let own = owner.processor.store();
    assert_eq!(verify(&owner.processor, &own), ("equal".into(), Some(0)));
    let of_new = verify(&owner.processor, &new.processor.store());
    assert!(of_new.1 == Some(0) && ["equal", "behind"].contains(&&*of_new.0), "{of_new:?}");
    // but not with that of a backup, which goes on by itself
    let (backup, restored) = (own.with_file_name("backup"), own.with_file_name("restored"));
    done(&store(&owner.processor, &["backup", text(&backup)]));
    done(&store(&owner.processor, &["restore", text(&backup), "--store", text(&restored)]));
    assert_eq!(verify(&owner.processor, &restored), ("passed".into(), Some(1)));

    // When the owner is to go on alone, then not beside a journal that others may follow
    let mut alone = owner.processor.with("ORDERLY_CLUSTER__MODE", "single");
    alone = alone.with("ORDERLY_ADMIN__TOKEN", "");
    alone.spawn_on(port);
    assert_eq!(alone.ended().code(), Some(76));
    let why = fs::read_to_string(&owner.log).expect("a log");
    assert!(why.contains("has a journal of several members"), "{why}");
    // Without it, it does, and nobody else takes part
    let producer = Producer::new(&url, &namespace).await;
    producer.delete(&format!("{namespace}.journal")).await;
    alone.start_on(port);
    let mut other = Member::new(&url, &namespace, "other", "1MiB");
    other.processor = other.processor.with("ORDERLY_BROKER__OWNER_WAIT", "1s");
    other.spawn();
    assert_eq!(other.processor.ended().code(), Some(75), "{}", other.log());
    producer.publish(&story(orders..orders + 10)).await;
    alone.wait(|alone| alone.metric("orderly_orders{", "paid") > f64::from(orders) + 9.5);
    assert_eq!(alone.stop().code(), Some(0));
    assert_eq!(verify(&alone, &own), ("empty".into(), Some(1)));

    // When it becomes the first member again, then its journal begins where its store ends, and others copy that
    let processor = alone.with("ORDERLY_CLUSTER__MODE", "standby");
    let processor = processor.with("ORDERLY_ADMIN__TOKEN", TOKEN);
    let mut owner = Member { processor, ..owner };
    owner.spawn();
    owner.wait_for_role("owner");
    other.spawn();
    other.wait_until_warm();
    assert_eq!(other.copies_made(), 1, "{}", other.log());
    wait_until_equal(&[&owner, &other]);
    wait_until_placed(&owner, orders + 10);
}
