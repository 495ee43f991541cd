//! Waiting for the disk.

use super::super::Error;
use super::super::storage::Report;
use super::Core;

impl Core {
    /// Waits until all sealed units are durable.
    pub(super) async fn until_durable(&mut self) -> Result<(), Error> {
        self.hand_over();
        while !self.pending_acks.is_durable() {
            let report = self.next_report().await?;
            self.report(report).await?;
        }
        Ok(())
    }

    /// Waits for the next report of the store thread, for `stall_after` at most: a disk that does not answer ends the
    /// process.
    pub(super) async fn next_report(&mut self) -> Result<Report, Error> {
        self.heartbeat.pause();
        let report = tokio::time::timeout(self.limits.stall_after, self.reports.recv()).await;
        self.heartbeat.beat();
        match report {
            Ok(Some(report)) => Ok(report),
            Ok(None) => Err(Error::Thread("the store thread".to_owned())),
            Err(_) => Err(self.disk_stands_still()),
        }
    }

    pub(super) fn disk_stands_still(&self) -> Error {
        tracing::error!(after = ?self.limits.stall_after, "the disk does not answer: the process ends");
        Error::DiskStalled
    }
}
