//! Orders at a constant rate, whatever becomes of them: each command has the time at which it is due, and latencies count
//! from there, so that a stall counts against every command that was due in it.

use std::{collections::VecDeque, ops::Range, thread};

use anyhow::Result;
use tokio::time::{Duration, Instant};

use super::{
    broker::{Broker, is_routed},
    check::Tally,
    content::{self, Basket, Command},
    histogram::Histogram,
    processor::Serving,
    results::whole,
    site::Site,
    thread::{Worker, once, take},
};

/// Confirms that may be outstanding before the producer waits for the oldest.
const UNCONFIRMED: usize = 20_000;

/// A callback is due so long after its order.
const LAG: f64 = 2.0;

/// The second delivery of a callback, and the handing over, come so long after the callback.
const LATER: f64 = 0.5;

/// Every so-manieth order is completed, so that its retention begins.
const COMPLETED: u64 = 10;

/// When each command of a run is due.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    orders: Range<u64>,
    /// Orders a second.
    rate: f64,
    lag: u64,
    later: u64,
}

impl Schedule {
    /// So many orders a second, for so many seconds, beginning with this order.
    pub(crate) fn new(first: u64, rate: f64, seconds: f64) -> Self {
        let steps = |seconds: f64| whole(rate * seconds).max(1);
        let orders = first..first + steps(seconds);
        Self { orders, rate, lag: steps(LAG), later: steps(LATER) }
    }

    pub(crate) fn orders(&self) -> Range<u64> {
        self.orders.clone()
    }

    /// When the command is due that causes an event of this type.
    pub(crate) fn due(&self, is_paid: bool, order: u64) -> Duration {
        let step = order - self.orders.start;
        if is_paid { self.at(step + self.lag, 0.5) } else { self.at(step, 0.0) }
    }

    /// A latency counts from this time on: before it there are orders and no callbacks.
    pub(crate) fn counted_from(&self) -> Duration {
        self.at(self.lag, 0.0)
    }

    fn at(&self, step: u64, part: f64) -> Duration {
        Duration::from_secs_f64((step as f64 + part) / self.rate)
    }

    /// All commands with the time at which each is due, in that order.
    pub(crate) fn commands(self) -> impl Iterator<Item = (Duration, Command)> {
        let first = self.orders.start;
        let steps = self.orders.end - first + self.lag + self.later;
        let spread = Basket::Spread;
        (0..steps).flat_map(move |step| {
            let back = |steps: u64| step.checked_sub(steps).map(|step| first + step);
            let is_ordered = |order: &u64| *order < self.orders.end;
            let placed = Some(first + step).filter(is_ordered);
            let paid = back(self.lag).filter(is_ordered);
            let later = back(self.lag + self.later).filter(is_ordered);
            let (whole, half) = (self.at(step, 0.0), self.at(step, 0.5));
            let again = later.filter(|order| content::is_doubled(*order));
            let done = later.filter(|order| order % COMPLETED == 1);
            [
                placed.map(|order| (whole, content::place(order, spread))),
                paid.map(|order| (half, content::callback(order, 0, spread))),
                again.map(|order| (half, content::callback(order, 1, spread))),
                done.map(|order| (half, content::complete(order))),
            ]
            .into_iter()
            .flatten()
        })
    }
}

/// Publishes each command when it is due. The result is how late it was itself.
pub(crate) fn produce(
    url: &str,
    namespace: &str,
    began: Instant,
    commands: impl Iterator<Item = (Duration, Command)> + Send + 'static,
) -> Worker<Histogram> {
    let (url, namespace) = (url.to_owned(), namespace.to_owned());
    once(move || {
        // The connection has a thread of its own: this one sleeps between two commands.
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(async {
            let broker = Broker::connect(&url, &namespace).await?;
            let mut unconfirmed = VecDeque::new();
            let mut late = Histogram::default();
            for (due, command) in commands {
                thread::sleep((began + due).saturating_duration_since(Instant::now()));
                late.record(micros(Instant::now().saturating_duration_since(began + due)));
                unconfirmed.push_back(broker.publish_one(command).await?);
                if unconfirmed.len() > UNCONFIRMED
                    && let Some(oldest) = unconfirmed.pop_front()
                {
                    is_routed(oldest).await?;
                }
            }
            for confirm in unconfirmed {
                is_routed(confirm).await?;
            }
            Ok(late)
        })
    })
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// When an event arrived, after the start of the run, and how long after its command was due. In microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) at: u64,
    pub(crate) latency: u64,
}

/// What a run at a constant rate gave.
pub(crate) struct Paced {
    pub(crate) orders: Range<u64>,
    /// Of the events that count, in the order of their arrival.
    pub(crate) arrivals: Vec<Arrival>,
    /// How late the producer was.
    pub(crate) late: Histogram,
}

impl Paced {
    pub(crate) fn latencies(&self) -> Histogram {
        let mut all = Histogram::default();
        self.arrivals.iter().for_each(|arrival| all.record(arrival.latency));
        all
    }
}

/// Gives a contestant that runs already so many orders a second for some time, and waits for all events. `beside` is
/// called with the moment at which the first command is due.
pub(crate) async fn run<T>(
    site: &Site,
    serving: &mut Serving,
    (first, rate, seconds): (u64, f64, f64),
    beside: impl FnOnce(Instant) -> T,
) -> Result<(Paced, T)> {
    let schedule = Schedule::new(first, rate, seconds);
    let orders = schedule.orders();
    // Both threads are connected by then.
    let began = Instant::now() + Duration::from_millis(500);
    let tally = Tally::new(orders.clone(), site.outputs.events());
    let times = schedule.clone();
    let (url, namespace) = (&site.url, site.namespace());
    let queue = site.broker.names().out();
    let taker = take(url, namespace, queue, (tally, Vec::new()), move |state, now, body| {
        let (tally, arrivals) = state;
        let (order, is_paid) = tally.timed(body)?;
        let due = times.due(is_paid, order);
        let at = now.saturating_duration_since(began);
        if due >= times.counted_from() {
            arrivals.push(Arrival { at: micros(at), latency: micros(at.saturating_sub(due)) });
        }
        Ok(tally.is_complete())
    });
    let producer = produce(url, namespace, began, schedule.commands());
    let result = beside(began);
    let patience = Instant::now() + Duration::from_secs_f64(seconds * 3.0 + 60.0);
    while !(taker.has_ended() || producer.has_ended() && Instant::now() > patience) {
        serving.running.is_alive()?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let late = producer.join()?;
    let (tally, arrivals) = taker.stop()?;
    tally.complete()?;
    site.is_idle(serving).await?;
    Ok((Paced { orders, arrivals, late }, result))
}
