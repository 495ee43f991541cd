//! Pausing the intake of the member that owns: the commands wait in the queue, and no other member takes them.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::{Processor, free_port};
use producer::{Producer, stock};
use rabbit::{namespace, runtime, shared_url};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// After this silence a member takes over. An owner is not silent for so long, also on a busy machine.
const TAKEOVER_AFTER: Duration = Duration::from_secs(6);
/// Longer than that.
const LONG: Duration = Duration::from_secs(8);
const COMMANDS: u32 = 40;

/// Two members: the first one owns.
struct Cluster {
    runtime: Runtime,
    producer: Producer,
    queue: String,
    events: String,
    owner: Processor,
    standby: Processor,
    published: u32,
}

impl Cluster {
    fn start(name: &str) -> Self {
        let (runtime, namespace) = (runtime(), namespace(name));
        let producer = runtime.block_on(Producer::new(&shared_url(), &namespace));
        let member = |node: &str| {
            let port = free_port();
            let mut member = Processor::new(&shared_url(), &namespace)
                .with("ORDERLY_CLUSTER__MODE", "standby")
                .with("ORDERLY_CLUSTER__NODE", node)
                .with("ORDERLY_CLUSTER__ADVERTISE", &format!("http://127.0.0.1:{port}"))
                .with("ORDERLY_CLUSTER__TAKEOVER_AFTER", &format!("{}s", TAKEOVER_AFTER.as_secs()))
                .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]")
                .with("ORDERLY_EVENTS__PUBLISH", "[\"#\"]")
                .with("RUST_LOG", "warn,orderly=info");
            member.spawn_on(port);
            member
        };
        let mut owner = member("a");
        owner.wait(|owner| role(owner) == "owner");
        let mut standby = member("b");
        standby.wait(|standby| role(standby) == "standby" && standby.get("/readyz").is_some());
        let queue = format!("{namespace}.commands");
        let events = runtime.block_on(producer.bind("events", "stock.changed"));
        Self { runtime, producer, queue, events, owner, standby, published: 0 }
    }

    /// The owner's intake is paused, the other member knows, and commands wait.
    fn start_paused(name: &str) -> Self {
        let mut cluster = Self::start(name);
        set_paused(&cluster.owner, true);
        cluster.publish(COMMANDS);
        cluster.standby.wait(shows_pause);
        cluster
    }

    fn publish(&mut self, count: u32) {
        let numbers = self.published..self.published + count;
        let commands: Vec<_> = numbers.map(|at| stock(&format!("sku-{at}"), 5)).collect();
        self.runtime.block_on(self.producer.publish(&commands));
        self.published += count;
    }

    fn depth(&self) -> u32 {
        self.runtime.block_on(self.producer.depth(&self.queue))
    }

    /// Waits until a member has processed so many commands.
    fn processes(member: &mut Processor, count: u32) {
        member.wait(|member| processed(member) >= f64::from(count) - 0.5);
    }

    /// For longer than it takes to take over, nothing is processed and nobody takes over.
    fn nothing_happens(&mut self, time: Duration, processed_before: u32) {
        let began = Instant::now();
        while began.elapsed() < time {
            assert_eq!(self.owner.has_ended(), None, "the owner has ended");
            assert_eq!((&*role(&self.owner), &*role(&self.standby)), ("owner", "standby"));
            let seen = [&self.owner, &self.standby].map(processed);
            assert!(is_about(seen[0], processed_before) && is_about(seen[1], 0), "{seen:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// How often each event left.
    fn events(&self) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for event in self.runtime.block_on(self.producer.drain(&self.events)) {
            *counts
                .entry(event.body["data"]["sku"].as_str().expect("a sku").to_owned())
                .or_default() += 1;
        }
        counts
    }
}

fn role(member: &Processor) -> String {
    let cluster = member.get("/api/cluster").unwrap_or_default();
    cluster["role"].as_str().unwrap_or_default().to_owned()
}

fn shows_pause(member: &Processor) -> bool {
    member.get("/api/cluster").expect("it answers")["intake_paused"] == true
}

/// How many commands have a verdict of this process, also when it is that they came before.
fn processed(member: &Processor) -> f64 {
    member.metric("orderly_commands_total{", "stock.set")
}

fn is_about(found: f64, count: u32) -> bool {
    (found - f64::from(count)).abs() < 0.5
}

fn set_paused(member: &Processor, paused: bool) {
    let path = if paused { "/api/intake/pause" } else { "/api/intake/resume" };
    assert_eq!(member.post(path), (200, json!({"paused": paused})));
}

#[test]
fn while_the_intake_of_the_owner_is_paused_no_member_takes_its_commands() {
    let mut cluster = Cluster::start("pause");
    cluster.publish(COMMANDS);
    Cluster::processes(&mut cluster.owner, COMMANDS);
    let epoch = cluster.owner.get("/api/cluster").expect("it answers")["epoch"].clone();
    // Given an owner whose intake is paused
    set_paused(&cluster.owner, true);
    assert!(cluster.owner.is_degraded("intake_paused"));
    assert!(shows_pause(&cluster.owner));
    cluster.standby.wait(shows_pause);
    // When commands come, then they wait, for longer than any take-over takes
    cluster.publish(COMMANDS);
    cluster.nothing_happens(LONG, COMMANDS);
    // also when a member starts meanwhile
    cluster.standby.kill();
    cluster.standby.start_again();
    assert!(shows_pause(&cluster.standby));
    cluster.nothing_happens(LONG, COMMANDS);
    assert_eq!(cluster.depth(), COMMANDS);
    // When the intake goes on, then the same owner processes them
    set_paused(&cluster.owner, false);
    Cluster::processes(&mut cluster.owner, 2 * COMMANDS);
    cluster.standby.wait(|standby| !shows_pause(standby));
    // and does so after each further pause, however short
    for round in 3..10 {
        set_paused(&cluster.owner, true);
        cluster.publish(COMMANDS);
        cluster.nothing_happens(Duration::from_millis(300), (round - 1) * COMMANDS);
        set_paused(&cluster.owner, false);
        Cluster::processes(&mut cluster.owner, round * COMMANDS);
    }
    cluster.nothing_happens(Duration::from_secs(1), cluster.published);
    assert_eq!(cluster.owner.get("/api/cluster").expect("it answers")["epoch"], epoch);
    assert_eq!(cluster.depth(), 0);
    let events = cluster.events();
    assert_eq!(events.len(), usize::try_from(cluster.published).expect("small"));
    assert!(events.values().all(|count| *count == 1), "{events:?}");
    assert_eq!(cluster.standby.stop().code(), Some(0));
    assert_eq!(cluster.owner.stop().code(), Some(0));
}

#[test]
fn a_pause_ends_when_its_owner_dies_and_not_before_it_is_silent_for_long_enough() {
    let mut cluster = Cluster::start_paused("pause-kill");
    let killed = Instant::now();
    cluster.owner.kill();
    cluster.standby.wait(|standby| role(standby) == "owner");
    let took = killed.elapsed();
    // it ticks every 250 ms
    assert!(took + Duration::from_millis(500) > TAKEOVER_AFTER, "{took:?}");
    Cluster::processes(&mut cluster.standby, COMMANDS);
    assert!(!shows_pause(&cluster.standby) && !cluster.standby.is_degraded("intake_paused"));
    // Its process follows when it is started again, and nothing of the pause is left.
    cluster.owner.start_again();
    assert_eq!(role(&cluster.owner), "standby");
    cluster.publish(1);
    Cluster::processes(&mut cluster.standby, COMMANDS + 1);
    assert_eq!(cluster.owner.stop().code(), Some(0));
    assert_eq!(cluster.standby.stop().code(), Some(0));
}

#[test]
fn a_pause_ends_when_its_owner_steps_down() {
    let mut cluster = Cluster::start_paused("pause-step");
    assert_eq!(cluster.owner.post("/api/cluster/step-down").0, 200);
    assert_eq!(cluster.owner.ended().code(), Some(76));
    cluster.standby.wait(|standby| role(standby) == "owner");
    Cluster::processes(&mut cluster.standby, COMMANDS);
    assert_eq!(cluster.standby.stop().code(), Some(0));
}
