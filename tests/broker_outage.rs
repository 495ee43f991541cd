//! The `RabbitMQ` driver while its broker is killed, restarted, blocked or silent. On a node of its
//! own; one test after the other, as each affects the whole node.

#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/rabbit.rs"]
mod rabbit;
#[path = "support/raw_client.rs"]
mod raw_client;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, TcpStream},
    thread,
    time::Duration,
};

use orderly_broker::{
    Ack, Confirm, EventStream, Intake, Keyed, Link, Names, Phase, Reach, Receipt, Settings,
    TopologyMode, ledger::Ledger,
};
use proxy::Proxy;
use rabbit::{Node, exclusive_node, namespace, runtime};
use raw_client::{
    RawClient, TIMEOUT, deliveries, id, link, message, next_intake, phase, settings, up,
};
use tokio::time::Instant;

/// A pipeline: it publishes one event for each command, in the order of the key, and acknowledges the command when its event is
/// confirmed. It publishes again from the first event that was lost.
struct Relay {
    link: Link,
    names: Names,
    events: EventStream,
    ledger: Ledger,
    generation: u64,
    /// What was published, in order, with the delivery to acknowledge once it is confirmed.
    outbox: Vec<(Keyed, u64, u64)>,
    confirmed: usize,
    in_flight: Vec<(usize, Receipt)>,
    started: Instant,
    settled: BTreeSet<String>,
}

const KEYS: u64 = 7;

impl Relay {
    async fn new(settings: &Settings) -> Self {
        let link = link(settings).await;
        Self {
            events: link.publisher.events(),
            link,
            names: settings.names.clone(),
            ledger: Ledger::default(),
            generation: 0,
            outbox: Vec::new(),
            confirmed: 0,
            in_flight: Vec::new(),
            started: Instant::now(),
            settled: BTreeSet::new(),
        }
    }

    /// Processes deliveries until `count` different commands are settled.
    async fn run(&mut self, count: usize) {
        while self.settled.len() < count {
            let intake = tokio::time::timeout(Duration::from_millis(20), self.link.intake.recv());
            match intake.await {
                Ok(Some(Intake::Up { generation, .. })) => {
                    self.generation = generation;
                    self.ledger.open(generation);
                }
                Ok(Some(Intake::Batch(batch))) => {
                    let first = self.outbox.len();
                    for delivery in batch {
                        self.ledger.delivered(delivery.generation, delivery.tag);
                        let id = id(&delivery.message).to_owned();
                        let number: u64 = id.parse().expect("a number");
                        let key = (number % KEYS) * (u64::MAX / KEYS);
                        let routing_key = (number % KEYS).to_string();
                        let event =
                            Keyed { key, message: message(&self.names.events, &routing_key, &id) };
                        self.outbox.push((event, delivery.generation, delivery.tag));
                    }
                    self.publish(first).await;
                }
                Ok(Some(_)) | Err(_) => {}
                Ok(None) => panic!("the driver ended"),
            }
            self.collect().await;
        }
    }

    async fn publish(&mut self, first: usize) {
        let batch: Vec<Keyed> =
            self.outbox[first..].iter().map(|(event, ..)| event.clone()).collect();
        let receipt = self.events.publish(batch).await;
        self.in_flight.push((first, receipt));
    }

    /// Awaits all confirms, acknowledges what was confirmed, and publishes again what was lost.
    async fn collect(&mut self) {
        let mut lost = None;
        for (first, receipt) in std::mem::take(&mut self.in_flight) {
            for (offset, confirm) in receipt.await.into_iter().enumerate() {
                let at = first + offset;
                if confirm == Confirm::Acked && lost.is_none() {
                    let (event, generation, tag) = &self.outbox[at];
                    self.ledger.settled(*generation, *tag, self.started.elapsed());
                    self.settled.insert(id(&event.message).to_owned());
                    self.confirmed = at + 1;
                } else {
                    lost = lost.or(Some(at));
                }
            }
        }
        self.link.acks.send(self.ledger.next_acks(self.started.elapsed()));
        if let Some(first) = lost {
            self.events.resume();
            self.publish(first).await;
        }
    }
}

#[test]
fn a_killed_broker_loses_nothing_and_keeps_the_order() {
    const COMMANDS: usize = 3_000;
    let mut node = exclusive_node();
    let runtime = runtime();
    let url = node.url();
    let settings = settings(&url, &namespace("killed"));
    let names = settings.names.clone();
    let queue = format!("{}.seen", names.events);
    let mut relay = runtime.block_on(async {
        let mut relay = Relay::new(&settings).await;
        phase(&mut relay.link, |phase| *phase == Phase::Up).await;
        let raw = RawClient::new(&url).await;
        raw.queue(&queue, &names.events, "#").await;
        raw.commands(&names, (0..COMMANDS).map(|id| id.to_string())).await;
        relay.run(COMMANDS / 3).await;
        relay
    });
    let started = Instant::now();

    let relaying = runtime.spawn(async move {
        relay.run(COMMANDS).await;
        relay
    });
    node.kill();
    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(500)).await });
    node.restart();

    runtime.block_on(async {
        let relay = tokio::time::timeout(TIMEOUT, relaying)
            .await
            .expect("everything was relayed in time")
            .expect("no panic");
        assert!(relay.link.status.borrow().reconnects >= 1, "{:?}", started.elapsed());
        relay.link.control.close().await;
        let raw = RawClient::new(&url).await;
        raw.wait_for_depth(&names.commands, 0).await;
        let depth = raw.depth(&queue).await as usize;
        assert!(depth >= COMMANDS);
        let taken = raw.take(&queue, |taken| taken.len() == depth).await;
        let mut last: BTreeMap<String, usize> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for event in taken {
            let id: usize = event.id.parse().expect("a number");
            if seen.insert(id) {
                let before = last.insert(event.key, id);
                assert!(before < Some(id), "first delivery of {id} after {before:?}");
            }
        }
        assert_eq!(seen.len(), COMMANDS);
    });
}

#[test]
fn a_blocked_broker_holds_publishes_but_not_deliveries() {
    let node = exclusive_node();
    let runtime = runtime();
    let url = node.url();
    let settings = settings(&url, &namespace("blocked"));
    let names = settings.names.clone();
    let mut link = runtime.block_on(async {
        let mut link = link(&settings).await;
        up(&mut link).await;
        link.control.pause().await;
        next_intake(&mut link).await;
        RawClient::new(&url).await.commands(&names, ["1".to_owned(), "2".to_owned()]).await;
        link
    });
    node.ctl(&["set_vm_memory_high_watermark", "0.000001"]);

    let held = runtime.block_on(async {
        // The broker reports that it blocks a connection only when that connection publishes.
        let held = link.publisher.mandatory(vec![message("", &names.dead, "held")]).await;
        let blocked = link.status.wait_for(|status| status.blocked.is_some());
        tokio::time::timeout(TIMEOUT, blocked).await.expect("told").expect("alive");
        link.control.resume().await;
        assert_eq!(next_intake(&mut link).await, Intake::Resumed { generation: 1 });
        deliveries(&mut link, 2).await;
        let ack = Ack { generation: 1, tag: 2, reach: Reach::UpTo };
        link.acks.send(vec![ack]);
        let mut held = Box::pin(held);
        let early = tokio::time::timeout(Duration::from_millis(500), &mut held).await;
        assert!(early.is_err(), "no confirm while blocked");
        Some(held)
    });
    node.ctl(&["set_vm_memory_high_watermark", "0.4"]);

    runtime.block_on(async {
        let confirms =
            tokio::time::timeout(TIMEOUT, held.expect("set above")).await.expect("unblocked");
        assert_eq!(confirms, [Confirm::Acked]);
        let free = link.status.wait_for(|status| status.blocked.is_none());
        tokio::time::timeout(TIMEOUT, free).await.expect("told").expect("alive");
        assert_eq!(link.status.borrow().reconnects, 0);
        link.control.close().await;
        assert_eq!(RawClient::new(&url).await.depth(&names.commands).await, 0);
    });
}

#[test]
fn a_consumer_that_timed_out_consumes_again() {
    let node = exclusive_node();
    let runtime = runtime();
    let url = node.url();
    let settings = settings(&url, &namespace("timeout"));
    let names = settings.names.clone();
    let set = |millis: u32, tick: u32| {
        let timeout = format!(
            "application:set_env(rabbit, consumer_timeout, {millis}), \
             application:set_env(rabbit, channel_tick_interval, {tick})."
        );
        node.ctl(&["eval", &timeout]);
    };
    set(1_000, 500);
    let outcome = runtime.block_on(async {
        let mut link = link(&settings).await;
        up(&mut link).await;
        let raw = RawClient::new(&url).await;
        raw.commands(&names, ["1".to_owned()]).await;
        let first = deliveries(&mut link, 1).await;
        let down = next_intake(&mut link).await;
        let (generation, _) = up(&mut link).await;
        let second = deliveries(&mut link, 1).await;
        link.control.close().await;
        (first, down, generation, second)
    });
    set(1_800_000, 60_000);

    let (first, down, generation, second) = outcome;
    let Intake::Down { reason, .. } = down else {
        panic!("the broker closes the channel, got {down:?}");
    };
    assert!(reason.contains("timeout"), "{reason}");
    assert_eq!(generation, 2);
    assert_eq!(first[0].message.body, second[0].message.body);
    assert!(second[0].redelivered);
}

#[test]
fn without_a_broker_requests_are_answered_and_publishes_wait() {
    let mut node = exclusive_node();
    let runtime = runtime();
    let url = node.url();
    let settings = settings(&url, &namespace("away"));
    let names = settings.names.clone();
    let mut link = runtime.block_on(async {
        let mut link = link(&settings).await;
        up(&mut link).await;
        link
    });
    node.kill();
    let receipt = runtime.block_on(async {
        phase(&mut link, |phase| *phase == Phase::Connecting).await;
        assert!(matches!(next_intake(&mut link).await, Intake::Down { .. }));
        assert!(link.status.borrow().last_error.is_some());
        link.control.pause().await;
        // The publishing channels have broken: what is handed over from now on waits for the next connection.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let waiting = message("", &names.dead, "waiting");
        let mut receipt = Box::pin(link.publisher.mandatory(vec![waiting]).await);
        let early = tokio::time::timeout(Duration::from_millis(500), &mut receipt).await;
        assert!(early.is_err());
        Some(receipt)
    });
    node.restart();
    runtime.block_on(async {
        let confirms =
            tokio::time::timeout(TIMEOUT, receipt.expect("set above")).await.expect("back");
        assert_eq!(confirms, [Confirm::Acked]);
        let (generation, _) = up(&mut link).await;
        assert_eq!(next_intake(&mut link).await, Intake::Paused { generation });
        assert!(link.status.borrow().connected());
    });
    node.kill();
    runtime.block_on(async {
        phase(&mut link, |phase| *phase == Phase::Connecting).await;
        let closing = tokio::time::timeout(Duration::from_secs(5), link.control.close());
        closing.await.expect("closing does not wait for a broker");
        assert_eq!(link.status.borrow().phase, Phase::Closed);
    });
    node.restart();
}

/// Waits until the broker has as many connections of this namespace as `wanted`, by their names.
fn wait_for_connections(node: &Node, names: &Names, wanted: &[&str]) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let list = node.ctl(&["-q", "list_connections", "client_properties"]);
        let mut found: Vec<&str> = ["consume", "publish", "client"]
            .into_iter()
            .flat_map(|role| {
                let name = format!("\"{} {role}\"", names.commands);
                std::iter::repeat_n(role, list.matches(&name).count())
            })
            .collect();
        found.sort_unstable();
        if found == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?} instead of {wanted:?}:\n{list}");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_set_up_that_is_given_up_leaves_no_connection() {
    let node = exclusive_node();
    let runtime = runtime();
    let names = Names::new(&namespace("given-up"));
    let (proxy, link) = runtime.block_on(async {
        let proxy = Proxy::start((Ipv4Addr::LOCALHOST, node.port()).into()).await;
        let url = format!("amqp://guest:guest@127.0.0.1:{}/%2f", proxy.port());
        let mut settings = settings(&url, "unused");
        settings.names = names.clone();
        // Queues are missing and may not be declared: the set-up holds the namespace and waits.
        settings.topology = TopologyMode::Verify;
        let mut link = link(&settings).await;
        phase(&mut link, |phase| matches!(phase, Phase::Missing(_))).await;
        // The node answers no requests, but it sends heartbeats: the connections stay open until they are closed.
        proxy.silence_channels();
        phase(&mut link, |phase| *phase == Phase::Connecting).await;
        // The namespace can be claimed again, since no connection of this process owns it.
        let claimed = link.status.wait_for(|status| matches!(status.phase, Phase::Missing(_)));
        let claimed = tokio::time::timeout(Duration::from_secs(10), claimed).await.is_ok();
        assert!(claimed, "the namespace is held: {:?}", *link.status.borrow());
        (proxy, link)
    });

    wait_for_connections(&node, &names, &["consume", "publish"]);
    runtime.block_on(link.control.close());
    wait_for_connections(&node, &names, &[]);
    drop((proxy, link));
}

#[test]
fn the_processor_is_ready_within_3_seconds_of_the_brokers_return() {
    const AWAY: Duration = Duration::from_secs(30);
    const LIMIT: Duration = Duration::from_secs(3);
    let mut node = exclusive_node();
    let runtime = runtime();
    let settings = settings(&node.url(), &namespace("return"));
    let mut link = runtime.block_on(async {
        let mut link = link(&settings).await;
        up(&mut link).await;
        link
    });
    let port = node.port();
    node.kill();
    // Long enough for the longest pause between two attempts to connect.
    thread::sleep(AWAY);
    let listening = thread::spawn(move || {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
        Instant::now()
    });
    let ready = runtime.spawn(async move {
        phase(&mut link, |phase| *phase == Phase::Connecting).await;
        phase(&mut link, |phase| *phase == Phase::Up).await;
        (Instant::now(), link)
    });

    node.restart();

    let (ready, link) = runtime.block_on(ready).expect("no panic");
    let took = ready.saturating_duration_since(listening.join().expect("no panic"));
    println!("ready {took:?} after the broker listened");
    runtime.block_on(link.control.close());
    assert!(took < LIMIT, "{took:?}");
}
