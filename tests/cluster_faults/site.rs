//! Three members, their load, and what became of both.

use crate::ClusterRow;
use crate::load::{Load, SKUS};
use crate::member::Member;
use crate::nodes::BrokerNodes;
use crate::outcome::{ON_HAND, Row};
use crate::producer::{Got, Producer, stock};
use orderly_demo::Random;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::Instant;

const MEMBERS: usize = 3;
/// Longer than any recovery takes that succeeds. It is counted in looks, so that a machine that stands still costs nothing.
const PATIENCE: Duration = Duration::from_secs(120);
/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(10);
/// The exit code of a member that was superseded.
const SUPERSEDED: i32 = 76;

pub(crate) struct Site {
    pub(crate) members: Vec<Member>,
    /// The addresses of the broker, for everybody but the members.
    urls: Vec<String>,
    namespace: String,
    load: Option<Load>,
    runtime: Runtime,
    events: String,
    notifications: String,
    pub(crate) row: Row,
    owned: Vec<f64>,
    superseded: u32,
    random: Random,
    /// The highest epoch that was seen.
    epoch: u64,
}

impl Site {
    /// Starts three members with empty disks, and a load.
    pub(crate) fn start(kind: &str, seed: u64, nodes: Option<&BrokerNodes>) -> Self {
        let namespace = crate::rabbit::namespace(kind);
        let urls = nodes.map_or_else(|| vec![crate::rabbit::shared_url()], BrokerNodes::urls);
        let addresses: Vec<_> = urls.iter().map(|url| address(url)).collect();
        let mut members: Vec<_> =
            (0..MEMBERS).map(|number| Member::new(number, &addresses, &namespace)).collect();
        for member in &mut members {
            member.processor.spawn();
        }
        for member in &mut members {
            member.processor.wait_until_ready();
        }
        let runtime = crate::rabbit::runtime();
        let (events, notifications) = runtime.block_on(async {
            let producer = Producer::new(&urls[0], &namespace).await;
            let (events, notifications) = if urls.len() > 1 {
                (producer.bind("events", "#").await, producer.bind("notifications", "#").await)
            } else {
                let events = producer.bind_classic("events", "#").await;
                (events, producer.bind_classic("notifications", "#").await)
            };
            let stocks: Vec<_> =
                (0..SKUS).map(|number| stock(&format!("sku-{number:02}"), ON_HAND)).collect();
            producer.publish(&stocks).await;
            (events, notifications)
        });
        let load = Load::start(&urls, &namespace, seed);
        let mut site = Self {
            members,
            urls,
            namespace,
            load: Some(load),
            runtime,
            events,
            notifications,
            row: Row { kind: kind.to_owned(), ..Row::default() },
            owned: Vec::new(),
            superseded: 0,
            random: Random::new(seed),
            epoch: 0,
        };
        site.recover();
        (site.row.recovered, site.row.slowest_recovery) = (0, 0.0);
        site
    }

    /// The name of the stream.
    pub(crate) fn stream(&self) -> String {
        format!("{}.journal", self.namespace)
    }

    /// Sleeps for a random time.
    pub(crate) fn sleep(&mut self, least: u64, most: u64) {
        std::thread::sleep(Duration::from_millis(self.random.between(least, most)));
    }

    /// Looks again and again until `found` finds something; `None`, if that takes too long.
    fn until<T>(&mut self, mut found: impl FnMut(&mut Self) -> Option<T>) -> Option<T> {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            if let Some(found) = found(self) {
                return Some(found);
            }
            std::thread::sleep(LOOK);
        }
        None
    }

    /// The owner of the newest epoch, if one answers.
    fn seen_owner(&mut self) -> Option<usize> {
        let told = self.members.iter().enumerate().filter_map(|(at, member)| {
            member.told().filter(|told| told.owns).map(|told| (told.epoch, at))
        });
        let (epoch, at) = told.max().filter(|(epoch, _)| *epoch >= self.epoch)?;
        self.epoch = epoch;
        Some(at)
    }

    /// The owner.
    pub(crate) fn owner(&mut self) -> usize {
        self.until(Self::seen_owner).expect("a member owns")
    }

    /// A member that does not own.
    pub(crate) fn standby(&mut self) -> usize {
        let owner = self.owner();
        let step = usize::try_from(self.random.between(1, MEMBERS as u64 - 1)).expect("small");
        (owner + step) % MEMBERS
    }

    /// Waits until a member owns that is none of `not`, in an epoch that is new, and notes the time since the fault.
    pub(crate) fn owned_by_another(&mut self, not: &[usize], fault: Instant) {
        let before = self.epoch;
        let found = self.until(|site| {
            site.restart_superseded(not);
            site.seen_owner().filter(|at| !not.contains(at) && site.epoch > before)
        });
        match found {
            Some(_) => self.owned.push(fault.elapsed().as_secs_f64()),
            None => self.row.unexpected(format!("nobody else owns within {PATIENCE:?}")),
        }
    }

    /// A member must end because another one owns. It is started again.
    pub(crate) fn superseded(&mut self, at: usize) {
        self.ends_with(at, SUPERSEDED);
        self.superseded += 1;
        self.members[at].processor.spawn();
    }

    /// A member must end by itself, with this exit code.
    pub(crate) fn ends_with(&mut self, at: usize, code: i32) {
        let ended = self.until(|site| site.members[at].processor.has_ended());
        if ended.and_then(|status| status.code()) != Some(code) {
            let how = ended.map_or("goes on".to_owned(), |status| format!("ends with {status}"));
            self.row.unexpected(format!("member {at} {how}, and not with {code}"));
            if ended.is_none() {
                self.members[at].processor.kill();
            }
        }
    }

    /// Starts members that have ended because they were superseded, as a service manager does.
    fn restart_superseded(&mut self, but: &[usize]) {
        for at in (0..MEMBERS).filter(|at| !but.contains(at)) {
            let Some(status) = self.members[at].processor.has_ended() else { continue };
            if status.code() == Some(SUPERSEDED) {
                self.superseded += 1;
            } else {
                self.row.unexpected(format!("member {at} ended by itself: {status}"));
            }
            self.members[at].processor.spawn();
        }
    }

    /// Waits until one member owns and has processed what was published before, and all are ready.
    pub(crate) fn recover(&mut self) {
        let is_ready = |site: &Self| site.members.iter().all(Member::is_ready);
        if let Some(took) = self.recover_when(is_ready) {
            self.row.recovered += 1;
            self.row.slowest_recovery = self.row.slowest_recovery.max(took.as_secs_f64());
        }
    }

    /// Waits until one member owns and has processed what was published before.
    pub(crate) fn recover_work(&mut self) {
        let took = self.recover_when(|_| true);
        self.owned.extend(took.map(|took| took.as_secs_f64()));
    }

    fn recover_when(&mut self, is_ready: impl Fn(&Self) -> bool) -> Option<Duration> {
        let began = Instant::now();
        let published = self.load.as_ref().map_or(0, Load::orders);
        let recovered = self.until(|site| {
            site.restart_superseded(&[]);
            let owner = site.seen_owner()?;
            let paid = site.members[owner].metric("orderly_orders{", "status=\"paid\"");
            (paid > published as f64 && is_ready(site)).then_some(())
        });
        if recovered.is_none() {
            self.row.unexpected(format!("not recovered within {PATIENCE:?}"));
        }
        recovered.map(|()| began.elapsed())
    }

    /// Ends the load, waits until everything is processed and every member has it, and compares what became of it with what was
    /// published.
    pub(crate) fn finish(mut self) -> ClusterRow {
        let orders = self.load.take().expect("it is ended once").stop(false);
        self.row.orders = orders;
        let done = self.until(|site| {
            site.restart_superseded(&[]);
            site.is_done(orders).then_some(())
        });
        if done.is_none() {
            self.row.unexpected("not everything was processed in time");
        }
        let owner = self.owner();
        let parked = self.members[owner].metric("orderly_parked{", "");
        if parked > 0.5 {
            self.row.unexpected(format!("{parked} messages are parked"));
        }
        let (events, told) = self.taken(orders);
        // the owner last: nobody takes over
        let standbys: Vec<_> = (0..MEMBERS).filter(|at| *at != owner).collect();
        for at in standbys.into_iter().chain([owner]) {
            let stopped = self.members[at].processor.stop();
            if stopped.code() != Some(0) {
                self.row.unexpected(format!("member {at} stopped with {stopped}"));
            }
        }
        self.row.count_events(&events, orders, true);
        self.row.count_notifications(&told, orders, true);
        for member in &self.members {
            self.row.count_books(&member.processor.verify(), orders);
        }
        let Self { row, owned, superseded, .. } = self;
        ClusterRow { row, owned, superseded }
    }

    /// Whether the owner has done everything, and all members have what it has.
    fn is_done(&mut self, orders: u64) -> bool {
        let Some(owner) = self.seen_owner() else { return false };
        let member = &self.members[owner];
        let is_processed = member.metric("orderly_orders{", "status=\"paid\"")
            > orders as f64 - 0.5
            && member.metric("orderly_in_flight", "") < 0.5
            && member.metric("orderly_outbox_pending", "") < 0.5;
        let seqs: BTreeSet<_> =
            self.members.iter().map(|member| member.told().map(|told| told.seq)).collect();
        is_processed && seqs.len() == 1 && !seqs.contains(&None)
    }

    /// The events, and the notifications of all orders, as far as they come in time.
    fn taken(&mut self, orders: u64) -> (Vec<Got>, Vec<Got>) {
        let (events, told, left) = self.runtime.block_on(async {
            let producer = Producer::new(&self.urls[0], &self.namespace).await;
            let events = producer.drain(&self.events).await;
            let mut told = Vec::new();
            // what was under way at a fault is published again some seconds later
            for _ in 0..40 {
                told.extend(producer.drain(&self.notifications).await);
                let of: BTreeSet<_> =
                    told.iter().map(|got| got.body["order_id"].to_string()).collect();
                if of.len() as u64 >= orders {
                    break;
                }
            }
            (events, told, producer.depth(&format!("{}.commands", self.namespace)).await)
        });
        if left > 0 {
            self.row.unexpected(format!("{left} messages are left in the queue of commands"));
        }
        (events, told)
    }
}

/// The address in the URL of a node on this machine.
fn address(url: &str) -> SocketAddr {
    let port = url.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
    (Ipv4Addr::LOCALHOST, port.expect("the URL has a port")).into()
}
