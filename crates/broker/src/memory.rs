//! The in-process broker (`broker.url = "memory:"`): the same [`Link`] as `RabbitMQ`'s, for the
//! demo and for tests. Nothing in it survives the process.
//!
//! Invariant: what happens depends only on the calls made, in their order. A simulation drives
//! [`State`] itself, step by step; [`Memory`] puts tokio's clock and a thin loop around it.

mod state;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};

use super::{
    Confirm, Intake, Link, MAX_BATCH, Message, Names, Phase, Status,
    publisher::{Breaker, Lane, LaneKind, publisher},
    transport::{AckReceiver, ControlReceiver, INTAKE_DEPTH, Request, acks, control},
};

pub use state::{State, UnknownTag};

/// Event lanes: as many as `RabbitMQ` gets, so that tests meet the same ordering.
const EVENT_LANES: usize = 2;

/// The broker; clones are the same one.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    /// Wakes the link's loop; one permit is enough, as it looks at everything then.
    changed: Notify,
    /// Wakes lanes that wait for the connection.
    restored: Notify,
    started: Instant,
}

#[derive(Debug)]
struct Inner {
    state: State,
    prefetch: u16,
    processor: Processor,
    online: bool,
    paused: bool,
    reconnects: u64,
    /// What the reader has yet to hear, before any delivery.
    news: VecDeque<Intake>,
    breakers: Vec<Breaker>,
    /// Batches to come whose confirms get lost although the first message arrives.
    lose_confirms: usize,
}

/// Whether somebody consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Processor {
    None,
    Linked,
    Closed,
}

/// Receives copies of what is published to an exchange, or to a reply queue.
#[derive(Debug)]
pub struct Subscription(mpsc::UnboundedReceiver<Message>);

impl Subscription {
    /// The next message; `None` after the broker is gone.
    pub async fn recv(&mut self) -> Option<Message> {
        self.0.recv().await
    }

    /// The next message if one has arrived.
    pub fn try_recv(&mut self) -> Option<Message> {
        self.0.try_recv().ok()
    }
}

impl Memory {
    /// An empty broker. Call it within a tokio runtime, whose clock its wait queues follow.
    pub fn new(names: Names, retry_delays: &[Duration], delivery_limit: u32) -> Self {
        let inner = Inner {
            state: State::new(names, retry_delays, delivery_limit),
            prefetch: 0,
            processor: Processor::None,
            online: true,
            paused: false,
            reconnects: 0,
            news: VecDeque::new(),
            breakers: Vec::new(),
            lose_confirms: 0,
        };
        Self(Arc::new(Shared {
            inner: Mutex::new(inner),
            changed: Notify::new(),
            restored: Notify::new(),
            started: Instant::now(),
        }))
    }

    /// Connects the processor and consumes the command queue. One processor a broker: a second
    /// link ends the first one's channel, as a second connection would take over.
    pub fn link(&self, prefetch: u16) -> Link {
        let (publisher, lanes) = publisher(EVENT_LANES);
        let (acks, ack_receiver) = acks();
        let (control, control_receiver) = control();
        let (intake_sender, intake) = mpsc::channel(INTAKE_DEPTH);
        let (status_sender, status) = watch::channel(Status::default());
        {
            let mut inner = self.lock();
            inner.prefetch = prefetch;
            inner.processor = Processor::Linked;
            inner.paused = false;
            inner.breakers = lanes.iter().map(Lane::breaker).collect();
            inner.news.clear();
            if inner.online {
                inner.come_up();
            }
        }
        for lane in lanes {
            tokio::spawn(run_lane(self.clone(), lane));
        }
        let loop_state = Loop {
            broker: self.clone(),
            intake: intake_sender,
            acks: ack_receiver,
            control: control_receiver,
            status: status_sender,
        };
        tokio::spawn(loop_state.run());
        Link { intake, acks, publisher, control, status }
    }

    /// Publishes like a producer, mandatory.
    pub fn publish(&self, message: Message) -> Confirm {
        let now = self.now();
        let confirm = self.lock().state.publish(message, now);
        self.0.changed.notify_one();
        confirm
    }

    /// Gets what is published to `exchange` from now on under keys matching `pattern`.
    pub fn subscribe(&self, exchange: &str, pattern: &str) -> Subscription {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.lock().state.bind(exchange, pattern, sender);
        Subscription(receiver)
    }

    /// Declares a queue that replies can be sent to by its name.
    pub fn reply_queue(&self, queue: &str) -> Subscription {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.lock().state.declare_replies(queue, sender);
        Subscription(receiver)
    }

    /// Looks at the state, for assertions and counts.
    pub fn inspect<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock().state)
    }

    /// Cuts the connection: what is unacknowledged goes back to its queue, lanes break.
    pub fn sever(&self) {
        let mut inner = self.lock();
        if inner.online {
            inner.online = false;
            inner.go_down("severed");
        }
        drop(inner);
        self.0.changed.notify_one();
    }

    /// Lets the connection come back.
    pub fn restore(&self) {
        let mut inner = self.lock();
        if !inner.online {
            inner.online = true;
            inner.reconnects += 1;
            if inner.processor == Processor::Linked {
                inner.come_up();
            }
        }
        drop(inner);
        self.0.changed.notify_one();
        self.0.restored.notify_waiters();
    }

    /// Loses the confirms of the next `count` batches published through the link, from their first
    /// message on, which arrives all the same.
    pub fn lose_confirms(&self, count: usize) {
        self.lock().lose_confirms = count;
    }

    async fn wait_online(&self) {
        loop {
            let restored = self.0.restored.notified();
            tokio::pin!(restored);
            // From here on no notification is missed.
            restored.as_mut().enable();
            let waits = {
                let inner = self.lock();
                inner.processor == Processor::Linked && !inner.online
            };
            if !waits {
                return;
            }
            restored.await;
        }
    }

    fn now(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// A panic cannot leave the state half changed in a way that matters: it is for tests.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn come_up(&mut self) {
        let generation = self.state.consume(self.prefetch);
        let queued = self.state.ready() as u64;
        self.news.push_back(Intake::Up { generation, queued });
        if self.paused {
            self.news.push_back(Intake::Paused { generation });
        }
    }

    fn go_down(&mut self, reason: &str) {
        self.state.disconnect();
        for breaker in &self.breakers {
            breaker.break_off();
        }
        if self.processor == Processor::Linked {
            self.news.push_back(Intake::Down {
                generation: self.state.generation(),
                reason: reason.to_owned(),
            });
        }
    }

    fn status(&self) -> Status {
        let phase = match (self.processor, self.online) {
            (Processor::Closed, _) => Phase::Closed,
            (_, true) => Phase::Up,
            (_, false) => Phase::Connecting,
        };
        Status {
            phase,
            reconnects: self.reconnects,
            generation: self.state.generation(),
            paused: self.paused,
            ..Status::default()
        }
    }

    fn delivers(&self) -> bool {
        self.online && !self.paused && self.state.deliverable()
    }

    /// What the reader gets next: news first, as a `Down` must come before what follows it.
    fn next_intake(&mut self) -> Option<Intake> {
        if let Some(news) = self.news.pop_front() {
            return Some(news);
        }
        if !self.delivers() {
            return None;
        }
        Some(Intake::Batch(self.state.deliver(MAX_BATCH)))
    }

    fn set_paused(&mut self, paused: bool) {
        if self.paused == paused {
            return;
        }
        self.paused = paused;
        if self.online {
            let generation = self.state.generation();
            self.news.push_back(if paused {
                Intake::Paused { generation }
            } else {
                Intake::Resumed { generation }
            });
        }
    }
}

/// The thin loop of a link.
struct Loop {
    broker: Memory,
    intake: mpsc::Sender<Intake>,
    acks: AckReceiver,
    control: ControlReceiver,
    status: watch::Sender<Status>,
}

impl Loop {
    async fn run(mut self) {
        let done = loop {
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
                let something = !inner.news.is_empty() || inner.delivers();
                (something, inner.state.next_expiry())
            };
            let expiry = expiry.map(|at| self.broker.0.started + at);
            tokio::select! {
                biased;
                Some(acks) = self.acks.recv() => {
                    let mut inner = self.broker.lock();
                    if let Some(wrong) = acks.into_iter().find_map(|ack| inner.state.ack(ack).err())
                    {
                        inner.go_down(&wrong.to_string());
                        inner.reconnects += 1;
                        inner.come_up();
                    }
                }
                request = self.control.recv() => match request {
                    Some(Request::Pause) => self.broker.lock().set_paused(true),
                    Some(Request::Resume) => self.broker.lock().set_paused(false),
                    Some(Request::Queued(answer)) => {
                        let _ = answer.send(self.broker.lock().state.ready() as u64);
                    }
                    Some(Request::Close(done)) => break Some(done),
                    None => break None,
                },
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
        if let Some(done) = done {
            let _ = done.send(());
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
        inner.news.clear();
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

/// Publishes a lane's batches in their order, while there is a connection.
async fn run_lane(broker: Memory, mut lane: Lane) {
    while let Some(submission) = lane.submissions.recv().await {
        broker.wait_online().await;
        let Some(submission) = lane.admit(submission) else {
            continue;
        };
        let now = broker.now();
        let mut inner = broker.lock();
        if inner.processor != Processor::Linked || !inner.online {
            // Dropped unanswered: lost.
            lane.break_off();
            continue;
        }
        let mut confirms = Vec::with_capacity(submission.messages.len());
        for message in submission.messages {
            let confirm = inner.state.publish(message, now);
            if inner.lose_confirms > 0 {
                // Like a connection that goes between a publish and its confirm: this one arrived,
                // those after it never left.
                inner.lose_confirms -= 1;
                lane.break_off();
                break;
            }
            confirms.push(match confirm {
                Confirm::Returned(_) if lane.kind != LaneKind::Mandatory => Confirm::Acked,
                confirm => confirm,
            });
        }
        drop(inner);
        let _ = submission.receipt.send(confirms);
        broker.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;
