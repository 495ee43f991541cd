//! A producer that publishes orders and captures until it is told to stop. It counts an order only when the broker has confirmed all
//! of its messages, and publishes what was not confirmed again, under the same ids.

use crate::producer::{Sent, captured, place};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation, Connection, ConnectionProperties};
use orderly_demo::Random;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Skus that the orders are spread over.
pub(crate) const SKUS: u64 = 20;
/// Units of an order, over its lines.
pub(crate) const UNITS: u64 = 3;
/// What an order costs, in cents.
pub(crate) const TOTAL: u64 = 1_000;
/// The orders of one batch, and the pause behind it: about 250 orders a second.
const BATCH: u64 = 5;
const PAUSE: Duration = Duration::from_millis(20);
/// The broker confirms within this time, or the connection is given up.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Load {
    runtime: Runtime,
    task: JoinHandle<()>,
    stopping: Arc<AtomicBool>,
    confirmed: Arc<AtomicU64>,
    namespace: String,
    urls: Vec<String>,
    seed: u64,
}

impl Load {
    /// Publishes to the first of these addresses that works, and goes on with the next one when that breaks.
    pub(crate) fn start(urls: &[String], namespace: &str, seed: u64) -> Self {
        let runtime = crate::rabbit::runtime();
        let (stopping, confirmed) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let task = runtime.spawn(publish_until(
            Publisher::new(urls, namespace),
            seed,
            Arc::clone(&stopping),
            Arc::clone(&confirmed),
        ));
        let (urls, namespace) = (urls.to_vec(), namespace.to_owned());
        Self { runtime, task, stopping, confirmed, namespace, urls, seed }
    }

    /// The orders that were published so far.
    pub(crate) fn orders(&self) -> u64 {
        self.confirmed.load(Ordering::SeqCst)
    }

    /// Ends the load. Returns the number of orders.
    pub(crate) fn stop(self, publish_again: bool) -> u64 {
        self.stopping.store(true, Ordering::SeqCst);
        self.runtime.block_on(async {
            self.task.await.expect("no panic");
            let orders = self.confirmed.load(Ordering::SeqCst);
            if publish_again {
                let mut publisher = Publisher::new(&self.urls, &self.namespace);
                for first in (0..orders).step_by(100) {
                    publisher.publish(&commands(first..(first + 100).min(orders), self.seed)).await;
                }
            }
            orders
        })
    }
}

pub(crate) fn order_id(number: u64) -> String {
    format!("o-{number:06}")
}

/// Orders and their captures. Some captures come first, and some messages twice.
fn commands(numbers: std::ops::Range<u64>, seed: u64) -> Vec<Sent> {
    let mut commands = Vec::new();
    for number in numbers {
        let mut random = Random::new(seed ^ number);
        let id = order_id(number);
        let sku = |number: u64| format!("sku-{:02}", number % SKUS);
        let placed = place(&id, &[(&sku(number), 1, 700), (&sku(number + 7), 2, 150)]);
        let paid = captured(&id, 1_000);
        let mut of_order = match random.below(5) {
            0 => vec![paid.clone(), placed.clone()],
            _ => vec![placed.clone(), paid.clone()],
        };
        if random.one_in(5) {
            of_order.push(paid);
        }
        if random.one_in(7) {
            of_order.push(placed);
        }
        commands.extend(of_order);
    }
    commands
}

async fn publish_until(
    mut publisher: Publisher,
    seed: u64,
    stopping: Arc<AtomicBool>,
    confirmed: Arc<AtomicU64>,
) {
    let mut next = 0;
    while !stopping.load(Ordering::SeqCst) {
        publisher.publish(&commands(next..next + BATCH, seed)).await;
        next += BATCH;
        confirmed.store(next, Ordering::SeqCst);
        tokio::time::sleep(PAUSE).await;
    }
}

struct Publisher {
    /// The first one is used.
    urls: Vec<String>,
    exchange: String,
    channel: Option<(Connection, Channel)>,
}

impl Publisher {
    fn new(urls: &[String], namespace: &str) -> Self {
        Self { urls: urls.to_vec(), exchange: format!("{namespace}.commands"), channel: None }
    }

    /// Publishes until the broker has confirmed all.
    async fn publish(&mut self, commands: &[Sent]) {
        while !matches!(timeout(PATIENCE, self.try_publish(commands)).await, Ok(Some(()))) {
            self.channel = None;
            self.urls.rotate_left(1);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn try_publish(&mut self, commands: &[Sent]) -> Option<()> {
        if self.channel.is_none() {
            let properties = ConnectionProperties::default();
            let connection = Connection::connect(&self.urls[0], properties).await.ok()?;
            let channel = connection.create_channel().await.ok()?;
            channel.confirm_select(ConfirmSelectOptions::default()).await.ok()?;
            self.channel = Some((connection, channel));
        }
        let (_, channel) = self.channel.as_ref()?;
        let mut confirms = Vec::with_capacity(commands.len());
        for command in commands {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let confirm = channel.basic_publish(
                self.exchange.as_str().into(),
                command.kind.as_str().into(),
                options,
                &command.body,
                command.properties.clone(),
            );
            confirms.push(confirm.await.ok()?);
        }
        for confirm in confirms {
            // a message that could not be routed comes back with its confirm
            if !matches!(confirm.await.ok()?, Confirmation::Ack(None)) {
                return None;
            }
        }
        Some(())
    }
}
