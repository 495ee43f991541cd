//! Members of a cluster with partitions, under load: they share the partitions out, one takes over from another, and nothing is lost
//! or doubled.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use orderly_domain::partition::Partitions;
use processor::{Processor, free_port};
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const PARTITIONS: u16 = 4;
/// Shops, each with a stock and orders of its own: at least one in each partition.
const SHOPS: u32 = 12;
/// How long members may take to share, or to take over, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

fn number(id: &str) -> u16 {
    Partitions(NonZeroU16::new(PARTITIONS).expect("not zero")).of_id(id)
}

/// A member of the cluster.
struct Member {
    name: &'static str,
    processor: Processor,
    port: u16,
    log: PathBuf,
}

impl Member {
    fn start(url: &str, namespace: &str, name: &'static str) -> Self {
        let port = free_port();
        let processor = Processor::new(url, namespace)
            .with("ORDERLY_CLUSTER__MODE", "standby")
            .with("ORDERLY_CLUSTER__PARTITIONS", &PARTITIONS.to_string())
            .with("ORDERLY_CLUSTER__NODE", name)
            .with("ORDERLY_CLUSTER__ADVERTISE", &format!("http://127.0.0.1:{port}"))
            // a machine with much else to do may hold a member up for some seconds
            .with("ORDERLY_CLUSTER__TAKEOVER_AFTER", "10s")
            .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]")
            .with("RUST_LOG", "info");
        let log = processor.directory.path().join("log");
        let processor = processor.logging_to(log.clone());
        let mut member = Self { name, processor, port, log };
        member.spawn();
        member
    }

    fn spawn(&mut self) {
        self.processor.spawn_on(self.port);
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// The partitions that it owns and works on.
    fn owned(&self) -> BTreeSet<u16> {
        let cluster = self.processor.get("/api/cluster");
        let partitions = cluster.as_ref().and_then(|cluster| cluster["partitions"].as_array());
        let owned = partitions.into_iter().flatten().filter(|one| one["role"] == "owner");
        owned
            .map(|one| u16::try_from(one["partition"].as_u64().expect("a number")).expect("small"))
            .collect()
    }

    fn seqs(&self) -> Option<Vec<u64>> {
        let cluster = self.processor.get("/api/cluster")?;
        cluster["partitions"].as_array()?.iter().map(|one| one["seq"].as_u64()).collect()
    }

    /// How often it left a partition in good order.
    fn left(&self) -> usize {
        self.log().matches("leaves the partition to another member").count()
    }

    /// How often it lost a partition.
    fn lost(&self) -> usize {
        self.log().matches("follows the partition again").count()
    }
}

/// Waits until all partitions are owned, each by one of these members, and each member owns so many. Returns the numbers.
fn wait_for_shares(members: &mut [&mut Member], shares: &[usize]) -> Vec<BTreeSet<u16>> {
    let began = Instant::now();
    let mut shares = shares.to_vec();
    shares.sort_unstable();
    loop {
        let owned: Vec<_> = members.iter().map(|member| member.owned()).collect();
        let mut counts: Vec<_> = owned.iter().map(BTreeSet::len).collect();
        counts.sort_unstable();
        let all: BTreeSet<_> = owned.iter().flatten().collect();
        if counts == shares && all.len() == usize::from(PARTITIONS) {
            return owned;
        }
        for member in members.iter_mut() {
            let ended = member.processor.has_ended();
            assert_eq!(ended, None, "{} has ended: {}", member.name, member.log());
        }
        if began.elapsed() > PATIENCE {
            let logs: Vec<_> = members.iter().map(|member| member.log()).collect();
            panic!("they own {owned:?}, and not {shares:?}\n{}", logs.join("\n-----\n"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Orders that come without a pause, until it is stopped: each is placed and paid. Half of the commands name their partition.
struct Load {
    placed: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

fn order(at: u32) -> String {
    format!("shop-{}:o-{at}", at % SHOPS)
}

/// The same command with its partition in the routing key.
fn routed(command: Sent, id: &str) -> Sent {
    Sent { kind: format!("p{}.{}", number(id), command.kind), ..command }
}

fn commands(at: u32) -> Vec<Sent> {
    let (order, sku) = (order(at), format!("shop-{}:tea", at % SHOPS));
    let commands = [place(&order, &[(&sku, 2, 500)]), captured(&order, 1000)];
    let is_routed = at % 24 < 12;
    commands
        .into_iter()
        .map(|command| if is_routed { routed(command, &order) } else { command })
        .collect()
}

impl Load {
    async fn start(url: &str, namespace: &str) -> Self {
        let (placed, stop) = (Arc::<AtomicU32>::default(), Arc::<AtomicBool>::default());
        let producer = Producer::new(url, namespace).await;
        // routed: on the longer way it would come behind orders that are
        let stocks = (0..SHOPS).map(|shop| {
            routed(stock(&format!("shop-{shop}:tea"), 1_000_000), &format!("shop-{shop}:"))
        });
        producer.publish(&stocks.collect::<Vec<_>>()).await;
        let (counted, stopped) = (Arc::clone(&placed), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::SeqCst) {
                let from = counted.load(Ordering::SeqCst);
                let orders = (from..from + SHOPS).flat_map(commands);
                producer.publish(&orders.collect::<Vec<_>>()).await;
                counted.store(from + SHOPS, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Self { placed, stop, task }
    }

    /// Waits until so many more orders were published.
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

/// Every order that a member shows as paid, page by page.
fn paid(member: &Member) -> BTreeSet<String> {
    let mut orders = BTreeSet::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/orders?status=paid&limit=500{after}");
        let Some(page) = member.processor.get(&path) else { return orders };
        let items = page["items"].as_array().expect("a list").iter();
        orders.extend(items.map(|item| item["order_id"].as_str().expect("an id").to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return orders,
        }
    }
}

/// Waits until a member shows that so many orders are paid.
fn wait_until_paid(member: &Member, orders: u32) {
    let began = Instant::now();
    let expected: BTreeSet<_> = (0..orders).map(order).collect();
    loop {
        let found = paid(member);
        if found == expected {
            return;
        }
        let lacking: Vec<_> = expected.difference(&found).take(5).collect();
        assert!(
            began.elapsed() < PATIENCE,
            "{} shows {} of {orders} orders, not {lacking:?}: {}",
            member.name,
            found.len(),
            member.log()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The events `order.paid` by order, each with the ids that it came under.
async fn paid_events(producer: &Producer, queue: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut events = BTreeMap::<String, BTreeSet<String>>::new();
    for event in producer.drain(queue).await {
        let order = event.body["data"]["order_id"].as_str().expect("an order").to_owned();
        assert_eq!(event.body["partition"], number(&order), "{}", event.body);
        events.entry(order).or_default().insert(event.id);
    }
    events
}

/// A write is done by the owner of its partition alone, and all others say who that is, once they have heard of it.
fn assert_names_the_owner(members: &[&Member], owned: &[BTreeSet<u16>]) {
    let began = Instant::now();
    for partition in 0..PARTITIONS {
        let owner = owned.iter().position(|owned| owned.contains(&partition)).expect("an owner");
        let owner = members[owner];
        let url = format!("http://127.0.0.1:{}", owner.port);
        for member in members.iter().filter(|member| member.name != owner.name) {
            let path = format!("/api/cluster/step-down?partition={partition}");
            loop {
                let (status, problem) = member.processor.post(&path);
                assert_eq!(
                    (status, &problem["reason"]),
                    (503, &json!("not_owner")),
                    "{problem} of {}: {}\n-----\n{}",
                    member.name,
                    member.log(),
                    owner.log()
                );
                assert_eq!(problem["partition"], partition, "{problem}");
                if problem["owner"] == json!({"node": owner.name, "url": url}) {
                    break;
                }
                assert!(began.elapsed() < PATIENCE, "{}: {problem}", member.name);
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// Checks the stores of a member that was stopped, against each other and against the journals. Returns the sum of their counts.
fn assert_sound(member: &Member) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let partition = partition.to_string();
        let run = |arguments: &[&str]| {
            let arguments = [&["store", "--partition", &partition], arguments].concat();
            let output = member.processor.command(&arguments).output().expect("orderly runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{arguments:?} of {}: {said}", member.name);
            serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
        };
        let audit = run(&["verify"]);
        assert_eq!(audit["balanced"], true, "{audit}");
        for what in ["orders", "sold"] {
            *counts.entry(what).or_default() += audit["counts"][what].as_u64().expect("a number");
        }
        let compared = run(&["verify", "--against-journal"]);
        assert_eq!(compared["verdict"], "equal", "{compared}");
        assert!(
            compared["journal"]
                .as_str()
                .is_some_and(|name| name.ends_with(&format!(".p{partition}.journal"))),
            "{compared}"
        );
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_partitions_and_take_over_from_each_other_and_nothing_is_lost_or_doubled() {
    let (url, namespace) = (shared_url(), namespace("shares"));
    // Given one member, which owns all partitions
    let mut first = Member::start(&url, &namespace, "first");
    wait_for_shares(&mut [&mut first], &[4]);
    first.processor.wait_until_ready();
    let producer = Producer::new(&url, &namespace).await;
    let events = producer.bind("events", "order.paid").await;
    let load = Load::start(&url, &namespace).await;

    // When a second one and a third one start, then each gets its share, by hand-overs in good order
    let mut second = Member::start(&url, &namespace, "second");
    wait_for_shares(&mut [&mut first, &mut second], &[2, 2]);
    assert_eq!((first.left(), first.lost()), (2, 0), "{}", first.log());
    let mut third = Member::start(&url, &namespace, "third");
    let owned = wait_for_shares(&mut [&mut first, &mut second, &mut third], &[1, 1, 2]);
    assert_eq!(first.left() + second.left(), 3);
    let names = [&first, &second, &third].map(Member::lost);
    assert_eq!(names, [0; 3], "nobody lost a partition");
    assert_names_the_owner(&[&first, &second, &third], &owned);
    load.more(60).await;

    // When the member dies that owns two, then the others take over
    let mut members = vec![first, second, third];
    let most = owned.iter().position(|owned| owned.len() == 2).expect("one owns two");
    let mut killed = members.remove(most);
    killed.processor.kill();
    let [one, other] = &mut members[..] else { panic!("two are left") };
    let began = Instant::now();
    let all = |one: &Member, other: &Member| one.owned().union(&other.owned()).count();
    while all(one, other) < usize::from(PARTITIONS) {
        assert!(began.elapsed() < PATIENCE, "{}\n-----\n{}", one.log(), other.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    load.more(60).await;
    // and it gets a share again when it comes back
    killed.spawn();
    let owned = wait_for_shares(&mut [one, other, &mut killed], &[1, 1, 2]);
    assert_eq!(killed.lost(), 0, "{}", killed.log());

    // When a person has a member leave a partition, then another one owns it, and the process goes on
    let number = *owned[0].first().expect("it owns one");
    let (status, answer) =
        one.processor.post(&format!("/api/cluster/step-down?partition={number}"));
    assert_eq!((status, &answer["stepping_down"]), (200, &json!(true)), "{answer}");
    let began = Instant::now();
    while !(other.owned().contains(&number) || killed.owned().contains(&number)) {
        assert!(began.elapsed() < PATIENCE, "{}", one.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    load.more(60).await;
    wait_for_shares(&mut [one, other, &mut killed], &[1, 1, 2]);

    // When a member freezes for so long that the others take over, then it loses what it owned, and the same process follows on
    let before = one.lost();
    one.processor.signal("STOP");
    let began = Instant::now();
    while all(other, &killed) < usize::from(PARTITIONS) {
        assert!(began.elapsed() < PATIENCE, "{}\n-----\n{}", other.log(), killed.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    load.more(60).await;
    one.processor.signal("CONT");
    wait_for_shares(&mut [one, other, &mut killed], &[1, 1, 2]);
    assert!(one.lost() > before, "{}", one.log());
    load.more(60).await;

    // Then every order is paid, once, and each member shows all of them
    let orders = load.stop().await;
    assert!(orders > 200, "{orders}");
    for member in [&*one, &*other, &killed] {
        wait_until_paid(member, orders);
    }
    let told = paid_events(&producer, &events).await;
    let expected: BTreeSet<_> = (0..orders).map(order).collect();
    assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), expected);
    let doubled: Vec<_> = told.iter().filter(|(_, ids)| ids.len() != 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    for queue in ["commands", "p0.commands", "p1.commands", "p2.commands", "p3.commands"] {
        assert_eq!(producer.depth(&format!("{namespace}.{queue}")).await, 0, "{queue}");
    }

    // and when all have stopped, then the stores are those of the journals
    let mut last = killed;
    for member in [one, other] {
        assert_eq!(member.processor.stop().code(), Some(0), "{}", member.log());
    }
    wait_for_shares(&mut [&mut last], &[4]);
    let began = Instant::now();
    let mut before = None;
    while before.is_none() || before != last.seqs() {
        assert!(began.elapsed() < PATIENCE, "it goes on and on: {}", last.log());
        before = last.seqs();
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(last.processor.stop().code(), Some(0), "{}", last.log());
    let counts = assert_sound(&last);
    assert_eq!(counts, BTreeMap::from([("orders", orders.into()), ("sold", (2 * orders).into())]));
    for member in &members {
        let verified = member.processor.command(&["store", "verify"]).output().expect("it runs");
        assert_eq!(verified.status.code(), Some(2), "which partition?");
    }
}
