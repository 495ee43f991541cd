//! What is durable: waiting for it, and letting out what it causes.

use super::super::Error;
use super::super::journal::{More, WaitsFor};
use super::super::storage::Report;
use super::super::workers::point;
use super::Core;
use crate::notify::queue::Trigger;
use orderly_actors::clock::Clock as _;
use std::time::Duration;

impl Core {
    /// Takes a report. What is durable is acknowledged, and what it causes leaves; no other report lets anything leave.
    pub(super) async fn report(&mut self, report: Report) -> Result<(), Error> {
        match report {
            Report::Durable(through) => {
                point("durable");
                let now = self.clock.monotonic();
                let durable = self.pending_acks.durable(through, now);
                self.outbound.reply(durable.replies);
                for (delivery_ref, message, reason) in durable.dead_letters {
                    self.outbound.dead_letter(&delivery_ref, &message, reason);
                }
                self.durable = through;
                for order in durable.notify {
                    self.notify(order, Trigger::Requested).await?;
                }
                self.notifier.pump(self.moment());
            }
            Report::Checkpoint(report) => {
                self.sequencer.view().borrow_mut().checkpointed(&report);
            }
            Report::Fenced { epoch, by } => {
                tracing::error!(epoch, by, "another member owns the journal: processing ends");
                return Err(Error::Fenced { epoch, by });
            }
            Report::Refused(refusal) => return Err(Error::Refused(refusal)),
            Report::Failed(error) => return Err(error.into()),
            Report::Closed => return Err(Error::Thread("the store thread".to_owned())),
        }
        Ok(())
    }

    /// Waits until all sealed units are durable.
    pub(super) async fn until_durable(&mut self) -> Result<(), Error> {
        self.hand_over(More::Nothing);
        while !self.pending_acks.is_durable() {
            let report = self.next_report().await?;
            self.report(report).await?;
        }
        Ok(())
    }

    /// Waits for the next report of the store thread, for `stall_after` at most: a disk that does not answer ends the
    /// process, and so does a journal that accepts nothing while the core waits for it.
    pub(super) async fn next_report(&mut self) -> Result<Report, Error> {
        let limit = self.limits.stall_after;
        self.heartbeat.pause();
        let report = loop {
            if let Ok(report) = tokio::time::timeout(limit, self.reports.recv()).await {
                break Ok(report);
            }
            // when the journal has just accepted, the disk has its time, too
            if let Some(cause) = self.journal.stands_still(limit) {
                break Err(self.stalled(cause));
            }
        };
        self.heartbeat.beat();
        report?.ok_or_else(|| Error::Thread("the store thread".to_owned()))
    }

    /// What does not answer, when a sealed unit has waited for `stall_after`.
    pub(super) fn stands_still(&self, now: Duration) -> Option<WaitsFor> {
        let limit = self.limits.stall_after;
        if self.pending_acks.waits(now, limit) { self.journal.stands_still(limit) } else { None }
    }

    /// The error for what does not answer.
    pub(super) fn stalled(&self, cause: WaitsFor) -> Error {
        let after = self.limits.stall_after;
        match cause {
            WaitsFor::Disk => {
                tracing::error!(?after, "the disk does not answer: the process ends");
                Error::DiskStalled
            }
            WaitsFor::Journal => {
                tracing::error!(?after, "the journal accepts nothing: the process ends");
                Error::JournalStalled
            }
        }
    }
}
