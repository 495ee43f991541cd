//! The driver's loop: deliveries go from the state to the reader, acks and requests the other way.

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    super::{
        Confirm, Intake, Status,
        publisher::PublishChannel,
        tasks::{self, ChannelTasks, Panicked, report_end},
        transport::{AckReceiver, ControlReceiver, Request},
    },
    Memory, Processor,
};

/// The driver's end of a link.
pub(super) struct Driver {
    pub(super) broker: Memory,
    pub(super) intake: mpsc::Sender<Intake>,
    pub(super) acks: AckReceiver,
    pub(super) control: ControlReceiver,
    pub(super) status: watch::Sender<Status>,
    pub(super) channels: ChannelTasks,
}

/// Why the driver ends.
enum End {
    /// On request, or because nobody holds the link; the sender answers who asked.
    Closed(Option<oneshot::Sender<()>>),
    /// A publishing channel panicked.
    Panicked(Panicked),
}

impl Driver {
    pub(super) async fn run(mut self) {
        let end = loop {
            let (something, expiry) = {
                let now = self.broker.now();
                let mut inner = self.broker.lock();
                inner.state.expire(now);
                self.status.send_if_modified(|status| {
                    let current = inner.status();
                    let changed = *status != current;
                    *status = current;
                    changed
                });
                let something = !inner.notices.is_empty() || inner.delivers();
                (something, inner.state.next_expiry())
            };
            let expiry = expiry.map(|at| self.broker.0.started + at);
            tokio::select! {
                biased;
                Some(acks) = self.acks.recv() => {
                    let mut inner = self.broker.lock();
                    if let Some(wrong) = acks.into_iter().find_map(|ack| inner.state.ack(ack).err())
                    {
                        inner.reconnect(&wrong.to_string());
                    }
                }
                request = self.control.recv() => match request {
                    Some(Request::Pause) => self.broker.lock().set_paused(true),
                    Some(Request::Resume) => self.broker.lock().set_paused(false),
                    // it is the only consumer
                    Some(Request::PassOn) => self.broker.lock().reconnect("passed on"),
                    Some(Request::Close(done)) => break End::Closed(Some(done)),
                    None => break End::Closed(None),
                },
                panicked = self.channels.panicked() => break End::Panicked(panicked),
                Ok(permit) = self.intake.reserve(), if something => {
                    if let Some(intake) = self.broker.lock().next_intake() {
                        permit.send(intake);
                    }
                }
                () = sleep_until(expiry) => {}
                () = self.broker.0.changed.notified() => {}
            }
        };
        self.close();
        match end {
            End::Closed(Some(done)) => drop(done.send(())),
            End::Closed(None) => {}
            End::Panicked(panicked) => report_end(&self.status, panicked.into()),
        }
    }

    fn close(&mut self) {
        let mut inner = self.broker.lock();
        while let Ok(acks) = self.acks.try_recv() {
            for ack in acks {
                // The channel ends in any case.
                let _ = inner.state.ack(ack);
            }
        }
        inner.processor = Processor::Closed;
        inner.notices.clear();
        inner.go_down("closed");
        self.status.send_replace(inner.status());
        drop(inner);
        self.broker.0.restored.notify_waiters();
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Publishes a channel's batches in their order, while there is a connection.
pub(super) async fn run_channel(broker: Memory, mut channel: PublishChannel) {
    while let Some(submission) = channel.submissions.recv().await {
        broker.wait_online().await;
        let Some(submission) = channel.admit(submission) else {
            continue;
        };
        let now = broker.now();
        let mut inner = broker.lock();
        tasks::failpoint(channel.kind);
        if inner.processor != Processor::Linked || !inner.online {
            // The receipt's sender is dropped: the batch is lost.
            channel.mark_broken();
            continue;
        }
        let mut confirms = Vec::with_capacity(submission.messages.len());
        for message in submission.messages {
            let confirm = inner.state.publish(message, now);
            if inner.lose_confirms > 0 {
                // As when a connection breaks between a publish and its confirm: this message arrived,
                // those behind it were not sent.
                inner.lose_confirms -= 1;
                channel.mark_broken();
                break;
            }
            confirms.push(match confirm {
                Confirm::Returned(_) if !channel.kind.is_mandatory() => Confirm::Acked,
                confirm => confirm,
            });
        }
        drop(inner);
        let _ = submission.receipt.send(confirms);
        broker.0.changed.notify_one();
    }
}
