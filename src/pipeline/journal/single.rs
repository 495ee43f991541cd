//! The store alone: units are durable when the store thread has committed them.

use super::super::storage::Work;
use super::{Journal, More, WaitsFor};
use orderly_store::{Unit, backup};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::sync::oneshot;

/// The store thread. When it has ended, it has reported why, and takes no more work.
#[derive(Debug)]
pub(in crate::pipeline) struct Single(pub(in crate::pipeline) Sender<Work>);

impl Journal for Single {
    fn commit(&mut self, units: Vec<Arc<Unit>>, more: More) {
        let _ = self.0.send(Work::Commit { units, more });
    }

    fn back_up(&mut self, answer: oneshot::Sender<backup::Source>) {
        let _ = self.0.send(Work::Backup(answer));
    }

    fn set_paused(&mut self, _paused: bool) -> oneshot::Receiver<()> {
        let (tell, known) = oneshot::channel();
        let _ = tell.send(()); // there are no others
        known
    }

    fn close(&mut self) {
        let _ = self.0.send(Work::Close);
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn stands_still(&self, _limit: Duration) -> Option<WaitsFor> {
        Some(WaitsFor::Disk)
    }
}
