//! The driver's side of the link: what the supervisor and its sessions share.
//!
//! Invariant: the reader receives the notices in their order.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::{Notify, mpsc, watch};

use super::{
    super::{
        Intake, Status,
        tasks::ChannelTasks,
        transport::{AckReceiver, ControlReceiver},
    },
    connection::Connection,
};

/// The driver's ends of the link.
pub(super) struct LinkEnds {
    pub(super) intake: mpsc::Sender<Intake>,
    pub(super) acks: AckReceiver,
    pub(super) control: ControlReceiver,
    pub(super) status: watch::Sender<Status>,
    /// The publishing connection, for the publishing channels.
    pub(super) connections: watch::Sender<Option<Arc<Connection>>>,
    /// The tasks of the publishing channels.
    pub(super) channels: ChannelTasks,
    /// Notified by a publishing channel whose exchange does not exist.
    pub(super) missing: Arc<Notify>,
}

/// The link, and what is kept of it from one session to the next.
pub(super) struct LinkState {
    pub(super) ends: LinkEnds,
    /// Notices that the reader has not received yet; they come before any delivery.
    pub(super) notices: VecDeque<Intake>,
    /// True while the link's user wants no deliveries.
    pub(super) paused: bool,
}

impl LinkState {
    pub(super) fn new(ends: LinkEnds) -> Self {
        Self { ends, notices: VecDeque::new(), paused: false }
    }

    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.report(|status| status.paused = paused);
    }

    /// Notes that a generation ended. A reader that was not told of its beginning need not hear of its end: without a
    /// reader the notices would grow with every reconnect.
    pub(super) fn note_down(&mut self, generation: u64, reason: String) {
        let is_new = |notice: &Intake| matches!(notice, Intake::Up { generation: up, .. } if *up == generation);
        match self.notices.iter().position(is_new) {
            Some(up) => self.notices.truncate(up),
            None => self.notices.push_back(Intake::Down { generation, reason }),
        }
    }

    pub(super) fn report(&self, change: impl FnOnce(&mut Status)) {
        self.ends.status.send_modify(change);
    }
}

/// Sends the first notice as soon as there is room for it; without a reader, never.
pub(super) async fn send_notice(notices: &mut VecDeque<Intake>, intake: &mpsc::Sender<Intake>) {
    let Ok(permit) = intake.reserve().await else {
        return std::future::pending().await;
    };
    if let Some(first) = notices.pop_front() {
        permit.send(first);
    }
}
