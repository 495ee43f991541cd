//! The in-process broker (`broker.url = "memory:"`): the same [`Link`] as `RabbitMQ`'s, for the
//! demo and for tests. Nothing in it survives the process.
//!
//! Invariant: what happens depends only on the calls made, in their order.
//!
//! | module | holds |
//! |---|---|
//! | `faults` | losing connection and confirms, for this crate's tests |
//! | `link` | the driver's loop: tokio's clock and channels around the state |
//! | `state` | queues and bindings, as pure state without clock or tasks |

#[cfg(test)]
mod faults;
mod link;
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

use self::state::{State, Subscriber};
use super::{
    Confirm, Intake, Link, MAX_BATCH, Message, Names, Phase, Status,
    publisher::{BreakMarker, PublishChannel, publisher},
    tasks::{ChannelTasks, spawn_driver},
    transport::{INTAKE_DEPTH, acks, control},
};

/// Channels for events: as many as `RabbitMQ` gets, so that tests meet the same ordering.
const EVENT_CHANNELS: usize = 2;

/// The broker; clones are the same one.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    /// Wakes the driver's loop. One permit is enough, as the loop then reads the whole state.
    changed: Notify,
    /// Wakes channels that wait for the connection.
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
    /// Notices that the reader has not received yet; they come before any delivery.
    notices: VecDeque<Intake>,
    break_markers: Vec<BreakMarker>,
    /// The number of coming batches whose confirms get lost; the first message of each arrives.
    lose_confirms: usize,
}

/// Whether a processor consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Processor {
    None,
    Linked,
    Closed,
}

/// Receives copies of what is published to an exchange, or to a reply queue.
#[derive(Debug)]
pub struct Subscription(Receiver);

#[derive(Debug)]
enum Receiver {
    Unlimited(mpsc::UnboundedReceiver<Message>),
    Limited(mpsc::Receiver<Message>),
}

impl Subscription {
    /// The next message; `None` after the broker is gone.
    pub async fn recv(&mut self) -> Option<Message> {
        match &mut self.0 {
            Receiver::Unlimited(receiver) => receiver.recv().await,
            Receiver::Limited(receiver) => receiver.recv().await,
        }
    }

    /// The next message if one has arrived.
    pub fn try_recv(&mut self) -> Option<Message> {
        match &mut self.0 {
            Receiver::Unlimited(receiver) => receiver.try_recv().ok(),
            Receiver::Limited(receiver) => receiver.try_recv().ok(),
        }
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
            notices: VecDeque::new(),
            break_markers: Vec::new(),
            lose_confirms: 0,
        };
        Self(Arc::new(Shared {
            inner: Mutex::new(inner),
            changed: Notify::new(),
            restored: Notify::new(),
            started: Instant::now(),
        }))
    }

    /// Connects the processor and consumes the command queue. A broker has one processor: a second
    /// link ends the first one's channel.
    pub fn link(&self, prefetch: u16) -> Link {
        let (publisher, channels) = publisher(EVENT_CHANNELS);
        let (acks, ack_receiver) = acks();
        let (control, control_receiver) = control();
        let (intake_sender, intake) = mpsc::channel(INTAKE_DEPTH);
        let (status_sender, status) = watch::channel(Status::default());
        {
            let mut inner = self.lock();
            inner.prefetch = prefetch;
            inner.processor = Processor::Linked;
            inner.paused = false;
            inner.break_markers = channels.iter().map(PublishChannel::break_marker).collect();
            inner.notices.clear();
            if inner.online {
                inner.come_up();
            }
        }
        let mut tasks = ChannelTasks::default();
        for channel in channels {
            tasks.spawn(channel.kind, link::run_channel(self.clone(), channel));
        }
        let driver = link::Driver {
            broker: self.clone(),
            intake: intake_sender.clone(),
            acks: ack_receiver,
            control: control_receiver,
            status: status_sender.clone(),
            channels: tasks,
        };
        spawn_driver(status_sender, intake_sender, driver.run());
        Link { intake, acks, publisher, control, status }
    }

    /// Publishes as a producer does, with the mandatory flag.
    pub fn publish(&self, message: Message) -> Confirm {
        let now = self.now();
        let confirm = self.lock().state.publish(message, now);
        self.0.changed.notify_one();
        confirm
    }

    /// Receives what is published to `exchange` from now on under keys that match `pattern`.
    pub fn subscribe(&self, exchange: &str, pattern: &str) -> Subscription {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.lock().state.bind(exchange, pattern, Subscriber::Unlimited(sender));
        Subscription(Receiver::Unlimited(receiver))
    }

    /// The same, but while `limit` messages wait to be received, a further one is rejected: its publish is nacked, and
    /// the other subscriptions have it all the same. So does a queue with `x-max-length` and `x-overflow: reject-publish`.
    pub fn subscribe_limited(&self, exchange: &str, pattern: &str, limit: usize) -> Subscription {
        let (sender, receiver) = mpsc::channel(limit);
        self.lock().state.bind(exchange, pattern, Subscriber::Limited(sender));
        Subscription(Receiver::Limited(receiver))
    }

    /// Declares a queue that replies can be sent to by its name.
    pub fn reply_queue(&self, queue: &str) -> Subscription {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.lock().state.declare_replies(queue, sender);
        Subscription(Receiver::Unlimited(receiver))
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

    /// After a panic in another thread the state is used as that thread left it.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn come_up(&mut self) {
        let generation = self.state.consume(self.prefetch);
        let queued = self.state.ready() as u64;
        self.notices.push_back(Intake::Up { generation, queued });
        if self.paused {
            self.notices.push_back(Intake::Paused { generation });
        }
    }

    fn reconnect(&mut self, reason: &str) {
        self.go_down(reason);
        self.reconnects += 1;
        self.come_up();
    }

    fn go_down(&mut self, reason: &str) {
        self.state.disconnect();
        for marker in &self.break_markers {
            marker.mark_broken();
        }
        if self.processor == Processor::Linked {
            self.notices.push_back(Intake::Down {
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

    /// What the reader gets next: notices first, as a `Down` must come before what follows it.
    fn next_intake(&mut self) -> Option<Intake> {
        if let Some(notice) = self.notices.pop_front() {
            return Some(notice);
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
            self.notices.push_back(if paused {
                Intake::Paused { generation }
            } else {
                Intake::Resumed { generation }
            });
        }
    }
}

#[cfg(test)]
mod tests;
