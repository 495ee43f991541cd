//! The faults.

use crate::outcome::Row;
use crate::preload::Fault;
use crate::rabbit::{Node, exclusive_node, shared_url};
use crate::site::Site;
use crate::tcp::Proxy;
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::{Connection, ConnectionProperties};
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// A broker that finds a dead peer within seconds.
const QUICK: &str = "?heartbeat=2";
/// More than twice that heartbeat.
const LONG: Duration = Duration::from_secs(7);

/// A kind of fault.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Rounds of the short form; 0: none.
    pub(crate) short: u32,
    /// Rounds of the long form.
    pub(crate) long: u32,
    faults: Faults,
}

enum Faults {
    /// Of the processor, on the shared broker.
    Process(fn(&mut Site, u32)),
    /// The same with a library under the processor.
    Clock(fn(&mut Site, u32)),
    /// Of a broker of its own.
    Broker(fn(&mut Site, &mut Node)),
    /// Of the network between the two.
    Network(fn(&mut Site, &Proxy)),
}

pub(crate) const KINDS: [Kind; 14] = [
    Kind { name: "kill", short: 4, long: 200, faults: Faults::Process(kill) },
    Kind { name: "point", short: 3, long: 65, faults: Faults::Process(point) },
    Kind { name: "stop", short: 0, long: 8, faults: Faults::Process(stop) },
    Kind { name: "clock", short: 2, long: 20, faults: Faults::Clock(clock) },
    Kind { name: "queue", short: 1, long: 20, faults: Faults::Process(delete_queue) },
    Kind { name: "exchange", short: 1, long: 20, faults: Faults::Process(delete_exchange) },
    Kind { name: "delay", short: 0, long: 8, faults: Faults::Network(delay) },
    Kind { name: "cut", short: 3, long: 50, faults: Faults::Network(cut) },
    Kind { name: "reorder", short: 0, long: 20, faults: Faults::Network(reorder) },
    Kind { name: "half-open", short: 0, long: 8, faults: Faults::Network(swallow) },
    Kind { name: "broker", short: 0, long: 50, faults: Faults::Broker(kill_broker) },
    Kind { name: "memory-alarm", short: 0, long: 5, faults: Faults::Broker(memory_alarm) },
    Kind { name: "disk-alarm", short: 0, long: 5, faults: Faults::Broker(disk_alarm) },
    Kind { name: "close", short: 0, long: 10, faults: Faults::Broker(close) },
];

/// Every point of a command's way, in its order (`actors/src/failpoints.rs`), and the most hits before the process ends there.
const POINTS: [(&str, u64); 13] = [
    ("decoded", 300),
    ("sealed", 300),
    ("commit", 100),
    ("committed", 100),
    ("durable", 100),
    ("acknowledged", 100),
    ("mark", 50),
    ("publish", 50),
    ("published", 50),
    ("confirmed", 50),
    ("checkpoint", 20),
    ("checkpointed", 2),
    ("merge", 2),
];

/// The first of them: what comes with every command.
const SOON: usize = 10;

impl Kind {
    /// Runs the rounds, and says what became of them.
    pub(crate) fn run(&self, rounds: u32, seed: u64) -> Row {
        let whole = catch_unwind(AssertUnwindSafe(|| self.rounds(rounds, seed)));
        let mut row = whole.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let unexpected = vec![format!("the rounds ended early: {}", text.unwrap_or("a panic"))];
            Row { kind: self.name.to_owned(), unexpected, ..Row::default() }
        });
        row.rounds = rounds;
        row
    }

    fn rounds(&self, rounds: u32, seed: u64) -> Row {
        let quick = |url: &str| format!("{url}{QUICK}");
        match &self.faults {
            Faults::Process(run) => {
                let url = shared_url();
                let mut site = Site::start(self.name, &url, &quick(&url), seed, &[]);
                run(&mut site, rounds);
                site.finish()
            }
            Faults::Clock(run) => {
                let url = shared_url();
                let folder = tempfile::tempdir().expect("a folder");
                let ahead = folder.path().join("ahead");
                std::fs::write(&ahead, "0").expect("a file");
                let mut variables = Fault::variables(None, "nothing");
                variables.push(("FAULT_CLOCK", ahead.display().to_string()));
                let mut site = Site::start(self.name, &url, &quick(&url), seed, &variables);
                site.clock = Some(ahead);
                run(&mut site, rounds);
                site.finish()
            }
            Faults::Broker(run) => {
                let mut node = exclusive_node();
                let url = node.url();
                let mut site = Site::start(self.name, &url, &quick(&url), seed, &[]);
                for _ in 0..rounds {
                    run(&mut site, &mut node);
                    site.recover();
                }
                site.finish()
            }
            Faults::Network(run) => {
                let url = shared_url();
                let proxy = Proxy::start(address(&url));
                let mut site = Site::start(self.name, &url, &proxy.url(QUICK), seed, &[]);
                for _ in 0..rounds {
                    run(&mut site, &proxy);
                    site.recover();
                }
                site.finish()
            }
        }
    }
}

/// The address in the URL of a broker on this machine.
fn address(url: &str) -> SocketAddr {
    let port = url.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
    (Ipv4Addr::LOCALHOST, port.expect("the URL has a port")).into()
}

/// SIGKILL at a random moment: at work, or while the processor starts.
fn kill(site: &mut Site, rounds: u32) {
    for _ in 0..rounds {
        site.sleep(0, 600);
        site.processor().kill();
        site.processor().spawn();
        if site.random.one_in(3) {
            continue; // the next one comes while it starts
        }
        site.recover();
    }
}

/// The process ends at a named point, without any cleaning up, after some hits.
fn point(site: &mut Site, rounds: u32) {
    for round in 0..rounds as usize {
        // the short form has a few points that come soon
        let is_short = (rounds as usize) < POINTS.len();
        let number = if is_short { site.random.index(SOON) } else { round % POINTS.len() };
        let (name, most) = POINTS[number];
        let hits = site.random.below(if is_short { 10 } else { most + 1 });
        let action = if hits == 0 {
            "return(abort)".to_owned()
        } else {
            format!("{hits}*off->return(abort)")
        };
        site.processor().kill();
        site.set("FAILPOINTS", &format!("point:{name}={action}"));
        site.processor().spawn();
        if !site.ends_within(Duration::from_secs(60)) {
            site.unexpected(format!("the point {name} was not reached {hits} times in a minute"));
            site.processor().kill();
        }
        site.set("FAILPOINTS", "");
        site.processor().spawn();
        site.recover();
    }
}

/// SIGSTOP for longer than the broker waits for a heartbeat.
fn stop(site: &mut Site, rounds: u32) {
    for _ in 0..rounds {
        site.sleep(0, 500);
        site.processor().signal("STOP");
        std::thread::sleep(LONG);
        site.processor().signal("CONT");
        site.recover();
    }
}

/// The wall clock steps by up to a day, forward and back, at work and between two starts. The processor says that it is not ready
/// while its timers wait for a clock that they can trust, and processes commands all the same.
fn clock(site: &mut Site, rounds: u32) {
    const DAY: u64 = 86_400;
    let file = site.clock.clone().expect("the kind has a clock");
    let set = |seconds: u64| {
        let ahead = i64::try_from(seconds).unwrap_or(0) - i64::try_from(DAY).unwrap_or(0);
        // as one, since the processor reads it at any time
        let beside = file.with_extension("next");
        std::fs::write(&beside, ahead.to_string()).expect("a file");
        std::fs::rename(&beside, &file).expect("it is replaced");
    };
    for _ in 0..rounds {
        site.sleep(100, 500);
        set(site.random.below(2 * DAY));
        if site.random.one_in(2) {
            site.processor().kill();
            site.processor().spawn();
        }
        site.sleep(200, 800);
        site.recover_work();
    }
    // the clock is right again when it has come to the time of the last command
    set(2 * DAY);
    site.processor().kill();
    site.processor().spawn();
    site.recover();
}

/// The queue of commands is deleted, with what is in it: the broker cancels the consumer.
fn delete_queue(site: &mut Site, rounds: u32) {
    site.ending.publish_again = true;
    for _ in 0..rounds {
        site.sleep(100, 500);
        let queue = format!("{}.commands", site.namespace());
        site.runtime().block_on(async {
            let channel = channel(site.url()).await;
            let deleted = channel.queue_delete(queue.into(), QueueDeleteOptions::default());
            deleted.await.expect("it is deleted");
        });
        site.recover();
    }
}

/// An exchange is deleted: of commands, of events or of notifications, in turn. The bindings of subscribers go with it.
fn delete_exchange(site: &mut Site, rounds: u32) {
    site.ending.events_are_missing = true;
    for round in 0..rounds as usize {
        site.sleep(100, 500);
        let exchanges = ["commands", "events", "notifications"];
        let exchange = format!("{}.{}", site.namespace(), exchanges[round % exchanges.len()]);
        site.runtime().block_on(async {
            let channel = channel(site.url()).await;
            let deleted =
                channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default());
            deleted.await.expect("it is deleted");
        });
        site.recover();
    }
}

async fn channel(url: &str) -> lapin::Channel {
    let connection = Connection::connect(url, ConnectionProperties::default()).await;
    let channel = connection.expect("the broker is there").create_channel().await;
    channel.expect("a channel")
}

/// Every piece of a connection waits up to a tenth of a second, for a while.
fn delay(site: &mut Site, proxy: &Proxy) {
    proxy.delay(Duration::from_millis(100));
    site.sleep(2_000, 4_000);
    proxy.delay(Duration::ZERO);
}

/// All connections are cut, in the middle of what they carry.
fn cut(site: &mut Site, proxy: &Proxy) {
    site.sleep(0, 800);
    proxy.cut();
}

/// Connections are cut, and the new ones come to the broker in another order, with delays.
fn reorder(site: &mut Site, proxy: &Proxy) {
    proxy.reorder(true);
    proxy.delay(Duration::from_millis(30));
    proxy.cut();
    site.sleep(500, 1_500);
    proxy.cut();
    site.sleep(500, 1_500);
    proxy.delay(Duration::ZERO);
    proxy.reorder(false);
}

/// The connections carry nothing any more, and nobody closes them.
fn swallow(site: &mut Site, proxy: &Proxy) {
    site.sleep(0, 800);
    proxy.swallow();
    std::thread::sleep(LONG);
}

/// The broker is killed and comes back.
fn kill_broker(site: &mut Site, node: &mut Node) {
    site.sleep(0, 1_000);
    node.kill();
    site.sleep(0, 1_000);
    node.restart();
}

/// The broker blocks publishers for its memory.
fn memory_alarm(site: &mut Site, node: &mut Node) {
    node.ctl(&["set_vm_memory_high_watermark", "0.000001"]);
    site.sleep(2_000, 5_000);
    node.ctl(&["set_vm_memory_high_watermark", "0.4"]);
}

/// The broker blocks publishers for its disk.
fn disk_alarm(site: &mut Site, node: &mut Node) {
    node.ctl(&["set_disk_free_limit", "1000000GB"]);
    site.sleep(2_000, 5_000);
    node.ctl(&["set_disk_free_limit", "1MB"]);
}

/// An operator closes all connections.
fn close(site: &mut Site, node: &mut Node) {
    site.sleep(0, 500);
    node.ctl(&["close_all_connections", "a fault on purpose"]);
}
