//! A processor and its load.

use crate::load::{Load, SKUS};
use crate::outcome::{ON_HAND, Row};
use crate::processor::Processor;
use crate::producer::{Got, Producer, stock};
use orderly_demo::Random;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// Longer than any recovery takes that succeeds. It is counted in looks, so that a machine that stands still costs nothing.
const PATIENCE: Duration = Duration::from_secs(120);
/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Looks that a time has.
fn looks(time: Duration) -> u128 {
    time.as_millis() / LOOK.as_millis()
}

/// What the end of a kind may assume.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ending {
    /// The fault removed commands that were confirmed: the producer publishes all of them again.
    pub(crate) publish_again: bool,
    /// The fault removed the queues of subscribers, or their bindings: events are missing there.
    pub(crate) events_are_missing: bool,
}

pub(crate) struct Site {
    /// The URL for everybody but the processor.
    url: String,
    namespace: String,
    processor: Option<Processor>,
    load: Option<Load>,
    runtime: Runtime,
    events: String,
    notifications: String,
    pub(crate) row: Row,
    pub(crate) ending: Ending,
    pub(crate) random: Random,
    /// The file that says how far the wall clock of the processor is ahead.
    pub(crate) clock: Option<PathBuf>,
}

impl Site {
    /// Starts a processor on `processor_url`, and a load on `url`, which is the same broker.
    pub(crate) fn start(
        kind: &str,
        url: &str,
        processor_url: &str,
        seed: u64,
        variables: &[(&str, String)],
    ) -> Self {
        let namespace = crate::rabbit::namespace(kind);
        let mut processor = Processor::new(processor_url, &namespace)
            .with("RUST_LOG", "off")
            .with("ORDERLY_STORE__CHECKPOINT_EVERY", "1s")
            .with("ORDERLY_ORDERS__HOLD_FOR", "20d")
            .with("ORDERLY_ORDERS__HOLD_CAP", "20d");
        for (key, value) in variables {
            processor = processor.with(key, value);
        }
        processor.start();
        let runtime = crate::rabbit::runtime();
        let (events, notifications) = runtime.block_on(async {
            let producer = Producer::new(url, &namespace).await;
            let events = producer.bind_classic("events", "#").await;
            let notifications = producer.bind_classic("notifications", "#").await;
            let stocks: Vec<_> =
                (0..SKUS).map(|number| stock(&format!("sku-{number:02}"), ON_HAND)).collect();
            producer.publish(&stocks).await;
            (events, notifications)
        });
        let load = Load::start(&[url.to_owned()], &namespace, seed);
        Self {
            url: url.to_owned(),
            namespace,
            processor: Some(processor),
            load: Some(load),
            runtime,
            events,
            notifications,
            row: Row { kind: kind.to_owned(), ..Row::default() },
            ending: Ending::default(),
            random: Random::new(seed),
            clock: None,
        }
    }

    pub(crate) fn processor(&mut self) -> &mut Processor {
        self.processor.as_mut().expect("it is put back after each change")
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Sets a variable for the starts that follow.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.processor = self.processor.take().map(|processor| processor.with(key, value));
    }

    /// Sleeps for a random time.
    pub(crate) fn sleep(&mut self, least: u64, most: u64) {
        std::thread::sleep(Duration::from_millis(self.random.between(least, most)));
    }

    pub(crate) fn unexpected(&mut self, what: impl Into<String>) {
        self.row.unexpected(what);
    }

    /// Waits until the processor is ready and has processed orders since; starts it when it has ended.
    pub(crate) fn recover(&mut self) {
        self.recover_when(|processor| processor.get("/readyz").is_some());
    }

    /// Waits until the processor has processed orders since, whether it is ready or not.
    pub(crate) fn recover_work(&mut self) {
        self.recover_when(|_| true);
    }

    fn recover_when(&mut self, is_ready: impl Fn(&Processor) -> bool) {
        let began = Instant::now();
        let published = self.load.as_ref().map_or(0, Load::orders);
        let mut work = None;
        for _ in 0..looks(PATIENCE) {
            if let Some(status) = self.ended() {
                self.unexpected(format!("the processor ended by itself: {status}"));
                self.processor().spawn();
            }
            let processor = self.processor();
            let paid = processor.metric("orderly_orders{", "status=\"paid\"");
            let is_ready = is_ready(processor);
            let first = *work.get_or_insert(paid);
            // what was confirmed and then lost on purpose is never paid before the end
            let is_working = self.ending.publish_again && paid > first;
            if first.is_nan() {
                work = None;
            } else if is_ready && (is_working || paid > published as f64) {
                self.row.recovered += 1;
                self.row.slowest_recovery =
                    self.row.slowest_recovery.max(began.elapsed().as_secs_f64());
                return;
            }
            std::thread::sleep(LOOK);
        }
        self.unexpected(format!("not recovered within {PATIENCE:?}"));
    }

    /// How the processor ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.processor().has_ended()
    }

    /// Waits until the processor has ended by itself: whether it did.
    pub(crate) fn ends_within(&mut self, limit: Duration) -> bool {
        for _ in 0..looks(limit) {
            if self.ended().is_some() {
                return true;
            }
            std::thread::sleep(LOOK);
        }
        false
    }

    /// Ends the load, waits until everything is processed, and compares what became of it with what was published.
    pub(crate) fn finish(mut self) -> Row {
        let orders = self.load.take().expect("it is ended once").stop(self.ending.publish_again);
        self.row.orders = orders;
        let mut looks = looks(PATIENCE);
        while !self.is_done(orders) {
            if let Some(status) = self.ended() {
                self.unexpected(format!("the processor ended by itself: {status}"));
                self.processor().spawn();
            }
            looks -= 1;
            if looks == 0 {
                self.unexpected("not everything was processed in time");
                break;
            }
            std::thread::sleep(LOOK);
        }
        let parked = self.processor().metric("orderly_parked{", "");
        if parked > 0.5 {
            self.unexpected(format!("{parked} messages are parked"));
        }
        let (events, told) = self.taken(orders);
        let stopped = self.processor().stop();
        if stopped.code() != Some(0) {
            self.unexpected(format!("the processor stopped with {stopped}"));
        }
        let are_complete = !self.ending.events_are_missing;
        self.row.count_events(&events, orders, are_complete);
        self.row.count_notifications(&told, orders, are_complete);
        let audit = self.processor().verify();
        self.row.count_books(&audit, orders);
        self.row
    }

    fn is_done(&mut self, orders: u64) -> bool {
        let processor = self.processor();
        processor.metric("orderly_orders{", "status=\"paid\"") > orders as f64 - 0.5
            && processor.metric("orderly_in_flight", "") < 0.5
            && processor.metric("orderly_outbox_pending", "") < 0.5
    }

    /// The events, and the notifications of all orders, as far as they come in time.
    fn taken(&mut self, orders: u64) -> (Vec<Got>, Vec<Got>) {
        let (url, namespace) = (self.url.clone(), self.namespace.clone());
        let (events, notifications) = (self.events.clone(), self.notifications.clone());
        let (events, told, left) = self.runtime.block_on(async {
            let producer = Producer::new(&url, &namespace).await;
            let events = producer.drain(&events).await;
            let mut told = Vec::new();
            // what was under way at a fault is published again some seconds later
            for _ in 0..40 {
                told.extend(producer.drain(&notifications).await);
                let of: BTreeSet<_> =
                    told.iter().map(|got| got.body["order_id"].to_string()).collect();
                if of.len() as u64 >= orders {
                    break;
                }
            }
            (events, told, producer.depth(&format!("{namespace}.commands")).await)
        });
        if left > 0 {
            self.unexpected(format!("{left} messages are left in the queue of commands"));
        }
        (events, told)
    }
}
