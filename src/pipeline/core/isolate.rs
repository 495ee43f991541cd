//! Running messages alone that may have killed the process, and finding out at the start how the previous process
//! ended.

use super::super::Error;
use super::super::pending_acks::DeliveryRef;
use super::Core;
use orderly_broker::Delivery;
use std::time::Duration;

impl Core {
    /// Runs a message alone that was delivered suspiciously often, since it may be the message that kills the process.
    /// First a marker that names the message is made durable.
    ///
    /// A message that is not a valid command is parked without a marker: it is not run, and it may be larger than a
    /// marker can hold.
    pub(super) async fn isolate(
        &mut self,
        delivery: Delivery,
        received: Duration,
    ) -> Result<(), Error> {
        let inbound = self.decoder.decode(&delivery.message);
        if self.belongs_elsewhere(&inbound).is_some() {
            return self.deliver(delivery, received).await;
        }
        if let Some(sealed) = self.sequencer.park_again(&inbound).await? {
            let delivery_ref = DeliveryRef::new(&delivery, received, None);
            return self.sealed(sealed, Some((delivery_ref, delivery.message))).await;
        }
        if inbound.command.is_err() {
            return self.deliver(delivery, received).await;
        }
        tracing::debug!(
            deliveries = delivery.message.properties.delivery_count,
            "a message was delivered several times: it runs alone"
        );
        let marked = self.sequencer.quarantine(&inbound).await?;
        self.sealed(marked, None).await?;
        self.until_durable().await?;
        self.alone.create()?;
        self.deliver(delivery, received).await?;
        let cleared = self.sequencer.clear_quarantine().await?;
        self.sealed(cleared, None).await?;
        self.until_durable().await?;
        self.alone.remove()
    }

    /// Finds out how the previous process ended, before the first message is taken.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        let (previous_run, sealed) = self.sequencer.begin(self.alone.last()?).await?;
        self.previous_run = previous_run;
        for sealed in sealed {
            self.sealed(sealed, None).await?;
        }
        self.until_durable().await?;
        self.upgrade().await?;
        // only now: without the file, a marker that is still in the store would count no death
        self.alone.remove()
    }
}
