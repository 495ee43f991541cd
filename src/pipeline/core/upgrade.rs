//! Bringing a store of an earlier build up to date, before the first message is taken. Until then the process is not ready.
//!
//! Each step is a unit, made durable before the next. A process that dies meanwhile begins anew at its next start.

use super::super::Error;
use super::Core;
use orderly_actors::clock::Clock as _;
use orderly_actors::counters;
use orderly_store::{Seq, View};
use std::time::Duration;

/// The pause between two lines of the log about the progress.
const TOLD: Duration = Duration::from_secs(5);

/// Whether a store needs work before messages are taken.
pub(in crate::pipeline) fn is_needed(view: &View) -> bool {
    let is_done = counters::to_upgrade(view) == 0
        && counters::parked_are_linked(view)
        && counters::lists_are_built(view);
    view.next_seq() > Seq::FIRST && !is_done
}

impl Core {
    /// Brings the store up to date, if an earlier build wrote it.
    pub(super) async fn upgrade(&mut self) -> Result<(), Error> {
        self.upgrade_orders().await?;
        self.link_parked().await?;
        self.build_lists().await?;
        self.condition.send_if_modified(|condition| std::mem::take(&mut condition.is_upgrading));
        Ok(())
    }

    /// Gives what earlier builds did not write: names of captures and attempts, and what was sent back early.
    async fn upgrade_orders(&mut self) -> Result<(), Error> {
        let mut next = self.sequencer.to_upgrade();
        while let Some(from) = next {
            let (sealed, rest) = self.sequencer.upgrade(from).await?;
            self.sealed(sealed, None).await?;
            self.until_written().await?;
            next = rest;
        }
        Ok(())
    }

    /// Puts parked messages that name an order into the list of that order.
    async fn link_parked(&mut self) -> Result<(), Error> {
        let mut next = self.sequencer.parked_to_link();
        while let Some(from) = next {
            let (sealed, rest) = self.sequencer.link_parked(from).await?;
            self.sealed(sealed, None).await?;
            self.until_written().await?;
            next = rest;
        }
        Ok(())
    }

    /// Puts the entities of a store of an earlier build into their lists.
    async fn build_lists(&mut self) -> Result<(), Error> {
        let Some(mut next) = self.sequencer.lists_to_build() else {
            return Ok(());
        };
        tracing::info!("an earlier build wrote the store: the lists of orders are built");
        let begun = self.clock.monotonic();
        let mut told = begun;
        loop {
            let (sealed, built) = self.sequencer.build_lists(next).await?;
            self.sealed(sealed, None).await?;
            self.until_written().await?;
            let now = self.clock.monotonic();
            match built.next {
                Some(rest) => next = rest,
                None => {
                    let (entities, took) = (built.of, now.saturating_sub(begun));
                    tracing::info!(entities, ?took, "the lists of orders are built");
                    return Ok(());
                }
            }
            if now.saturating_sub(told) >= TOLD {
                told = now;
                tracing::info!(done = built.done, of = built.of, "building the lists of orders");
            }
        }
    }

    /// Waits until all sealed units are durable, and until the checkpoints are not too far behind.
    async fn until_written(&mut self) -> Result<(), Error> {
        self.until_durable().await?;
        while !self.takes_messages() {
            let report = self.next_report().await?;
            self.report(report).await?;
        }
        Ok(())
    }
}
