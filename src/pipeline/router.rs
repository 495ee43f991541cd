//! The commands that name no partition: each goes on to the partition that it belongs to.

use super::Error;
use super::forward::Forward;
use super::outbound::Confirmed;
use super::outbound::lane::Shared;
use super::pending_acks::DeliveryRef;
use super::workers::{Workers, failpoint};
use crate::config::Config;
use crate::decode::Decoder;
use crate::degraded::Degraded;
use crate::metrics::Metrics;
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_broker::ledger::Ledger;
use orderly_broker::{Delivery, Intake, Link};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

/// How often a command that is confirmed is acknowledged although an earlier one is not.
const TICK: Duration = Duration::from_millis(250);

/// Sends the commands of a link on.
pub(crate) struct Router {
    link: Link,
    decoder: Decoder,
    forward: Forward,
    confirmed: mpsc::UnboundedReceiver<Confirmed>,
    ledger: Ledger,
    clock: SystemClock,
}

impl Router {
    /// A router for the commands of `link`. `config` is that of the whole process.
    pub(crate) fn new(
        link: Link,
        workers: &Workers,
        config: &Config,
        degraded: &Degraded,
        metrics: Metrics,
    ) -> Self {
        let (confirmed_in, confirmed) = mpsc::unbounded_channel();
        let shared = Shared {
            publisher: link.publisher.clone(),
            confirmed: confirmed_in,
            under_way: Arc::default(),
            metrics,
        };
        let forward = Forward::new(workers, shared, degraded, config.names());
        let (decoder, clock) = (Decoder::of(config), SystemClock::default());
        Self { link, decoder, forward, confirmed, ledger: Ledger::default(), clock }
    }

    /// Works until the driver of the broker ends.
    pub(crate) async fn run(mut self) -> Result<(), Error> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            failpoint("router");
            tokio::select! {
                Some(confirmed) = self.confirmed.recv() => {
                    self.settle(&confirmed);
                    while let Ok(confirmed) = self.confirmed.try_recv() {
                        self.settle(&confirmed);
                    }
                }
                intake = self.link.intake.recv() => match intake {
                    Some(Intake::Up { generation, .. }) => self.ledger.open(generation),
                    Some(Intake::Batch(batch)) => self.batch(batch),
                    Some(Intake::Down { .. } | Intake::Paused { .. } | Intake::Resumed { .. }) => {}
                    None => return Err(Error::of_driver(&self.link.status)),
                },
                _ = tick.tick() => {}
            }
            self.link.acks.send(self.ledger.next_acks(self.clock.monotonic()));
        }
    }

    fn batch(&mut self, batch: Vec<Delivery>) {
        let received = self.clock.monotonic();
        if let Some(last) = batch.last() {
            self.ledger.delivered(last.generation, last.tag);
        }
        for delivery in batch {
            let inbound = self.decoder.decode(&delivery.message);
            let number = self.decoder.partition_of(&inbound);
            let delivery_ref = DeliveryRef::new(&delivery, received, None);
            self.forward.send(number, Confirmed::Delivery(delivery_ref), &delivery.message);
        }
    }

    fn settle(&mut self, confirmed: &Confirmed) {
        if let Confirmed::Delivery(delivery) = confirmed {
            self.ledger.settled(delivery.generation, delivery.tag, self.clock.monotonic());
        }
    }
}
