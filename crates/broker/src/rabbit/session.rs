//! Consuming on one channel: deliveries in, acks out.
//!
//! Invariants: an ack goes out only on the channel of its delivery. Deliveries reach the reader in
//! the order of their tags, and only after the notice that their channel is up.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use lapin::{
    Channel, Consumer, Event,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};
use tracing::{debug, info, warn};

use super::{
    super::{
        Ack, Delivery, Intake, MAX_BATCH, Reach, Settings, tasks::Panicked, transport::Request,
    },
    Error, codec,
    connection::{Connection, Events},
    limits::with_timeout,
    link_state::{LinkState, send_notice},
    topology::{depth, depth_behind_exchange},
};

/// How often the connections' state is checked, as lapin does not report every end.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How often the messages in the command queue are counted, and the exchange of commands is looked for: in so many checks.
const CHECKS_PER_COUNT: u32 = 5;

/// Why a session ended.
pub(super) enum End {
    /// On request; the sender reports to whoever asked that the connections are closed.
    Closed(Option<oneshot::Sender<()>>),
    Broken(Error),
    /// A publishing channel panicked.
    Panicked(Panicked),
}

/// One channel of the command queue.
pub(super) struct Session {
    generation: u64,
    queue: String,
    /// The exchange of commands.
    exchange: String,
    channel: Channel,
    consuming: Consuming,
    /// Consumers started so far; makes their tags differ.
    consumers: u32,
    queued: u64,
    /// Checks since the last count.
    checks: u32,
    /// The first delivery of the next batch, while that waits for the reader.
    held: Option<Delivery>,
    /// Whether something was delivered in this session.
    is_delivering: bool,
}

enum Consuming {
    On(Consumer),
    /// Cancelled, but what had arrived is still to be delivered.
    Draining(Consumer),
    Off,
}

/// What a session does next.
enum Step {
    Ack(Vec<Ack>),
    Request(Option<Request>),
    Event(Event),
    Check,
    Counted(Result<u64, Error>),
    Missing,
    Panicked(Panicked),
    NoticeSent,
    Arrived(Arrived),
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The first delivery of the session, whether or not the reader has room: that the broker delivers is news by itself.
    First,
    Batch,
}

/// What came of waiting for deliveries.
enum Arrived {
    /// The first delivery of the session. It is held.
    First,
    Batch,
    /// The consumer ended, and all its deliveries were taken.
    Ended,
    Failed(lapin::Error),
}

impl Session {
    /// Opens a channel and starts to consume on it, unless `paused`.
    pub(super) async fn open(
        connection: &Connection,
        settings: &Settings,
        generation: u64,
        paused: bool,
    ) -> Result<Self, Error> {
        let queue = settings.names.queue.clone();
        let channel = connection.open_channel().await?;
        // Before the consumer, or the broker would send the whole queue at once.
        let limiting = channel.basic_qos(settings.prefetch, BasicQosOptions::default());
        with_timeout("limiting the prefetch", limiting).await?.map_err(Error::Channel)?;
        let queued = depth(connection, &queue).await?;
        let mut session = Self {
            generation,
            queue,
            exchange: settings.names.commands.clone(),
            channel,
            consuming: Consuming::Off,
            consumers: 0,
            queued,
            checks: 0,
            held: None,
            is_delivering: false,
        };
        if !paused {
            session.consume().await?;
        }
        Ok(session)
    }

    /// Messages that were ready just before consuming began.
    pub(super) fn queued(&self) -> u64 {
        self.queued
    }

    /// True while there is no consumer.
    pub(super) fn is_off(&self) -> bool {
        matches!(self.consuming, Consuming::Off)
    }

    /// Consumes until closed or broken.
    pub(super) async fn run(
        mut self,
        link: &mut LinkState,
        consuming: &Connection,
        publishing: &Connection,
        mut blocking: Events,
    ) -> End {
        let mut check = interval(CHECK_INTERVAL);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (queue, exchange) = (self.queue.clone(), self.exchange.clone());
        let mut counting: Option<BoxFuture<'_, Result<u64, Error>>> = None;
        loop {
            if let Err(error) = self.follow(link).await {
                return End::Broken(error);
            }
            let LinkState { ends, notices, .. } = link;
            let none_waits = notices.is_empty();
            let wanted = if self.is_delivering { Wanted::Batch } else { Wanted::First };
            let step = tokio::select! {
                // Acks first: when a request to close is read, all earlier acks are sent.
                biased;
                Some(acks) = ends.acks.recv() => Step::Ack(acks),
                request = ends.control.recv() => Step::Request(request),
                Some(event) = blocking.next() => Step::Event(event),
                _ = check.tick() => Step::Check,
                counted = next_count(&mut counting), if counting.is_some() => Step::Counted(counted),
                () = ends.missing.notified() => Step::Missing,
                panicked = ends.channels.panicked() => Step::Panicked(panicked),
                () = send_notice(notices, &ends.intake), if !none_waits => Step::NoticeSent,
                arrived = self.consuming.arrive(wanted, &mut self.held, &ends.intake, self.generation), if none_waits || wanted == Wanted::First => {
                    Step::Arrived(arrived)
                }
            };
            let end = match step {
                Step::NoticeSent | Step::Arrived(Arrived::Batch) => None,
                Step::Arrived(Arrived::First) => {
                    self.is_delivering = true;
                    link.report(|status| status.delivering = true);
                    None
                }
                Step::Ack(acks) => {
                    self.ack(&acks);
                    None
                }
                Step::Request(request) => self.answer(request, link).await,
                Step::Event(event) => {
                    report_blocked(event, link);
                    // Any event may be the end of the connection.
                    check.reset_immediately();
                    None
                }
                Step::Check => {
                    // With a consumer, the end of the connection is an error of the consumer.
                    self.checks += 1;
                    if self.checks >= CHECKS_PER_COUNT && counting.is_none() {
                        self.checks = 0;
                        counting =
                            Some(depth_behind_exchange(consuming, (&queue, &exchange)).boxed());
                    }
                    let silent = self.is_off();
                    let gone = !publishing.status().connected()
                        || (silent && !consuming.status().connected());
                    gone.then_some(End::Broken(Error::Closed))
                }
                // without queue or exchange the session ends; what else is wrong ends it in another way
                Step::Counted(counted) => {
                    counting = None;
                    match counted {
                        Ok(queued) => {
                            link.report(|status| status.queued = queued);
                            None
                        }
                        Err(error @ Error::Missing(_)) => Some(End::Broken(error)),
                        Err(_) => None,
                    }
                }
                Step::Missing => Some(End::Broken(Error::Missing(
                    "an exchange or the queue of marks".to_owned(),
                ))),
                Step::Panicked(panicked) => Some(End::Panicked(panicked)),
                Step::Arrived(Arrived::Failed(error)) => Some(End::Broken(Error::Channel(error))),
                Step::Arrived(Arrived::Ended) => self.ended(link),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    async fn answer(&mut self, request: Option<Request>, link: &mut LinkState) -> Option<End> {
        match request {
            Some(Request::Pause) => link.set_paused(true),
            Some(Request::Resume) => link.set_paused(false),
            Some(Request::PassOn) => {
                self.close_channel().await;
                return Some(End::Broken(Error::PassedOn));
            }
            Some(Request::Close(done)) => {
                self.close_channel().await;
                return Some(End::Closed(Some(done)));
            }
            None => {
                self.close_channel().await;
                return Some(End::Closed(None));
            }
        }
        None
    }

    /// The consumer ended: after our own cancel, or because the broker cancelled it.
    fn ended(&mut self, link: &mut LinkState) -> Option<End> {
        if let Consuming::On(_) = self.consuming {
            return Some(End::Broken(Error::Cancelled));
        }
        self.consuming = Consuming::Off;
        let generation = self.generation;
        link.notices.push_back(Intake::Paused { generation });
        None
    }

    /// Starts or stops consuming, as the supervisor was asked.
    async fn follow(&mut self, link: &mut LinkState) -> Result<(), Error> {
        match (&self.consuming, link.paused) {
            (Consuming::On(_), true) => self.cancel().await,
            (Consuming::Off, false) => {
                self.consume().await?;
                let generation = self.generation;
                link.notices.push_back(Intake::Resumed { generation });
                Ok(())
            }
            // A pause that has begun is finished first, even when consuming is wanted again.
            (Consuming::On(_), false) | (Consuming::Off, true) | (Consuming::Draining(_), _) => {
                Ok(())
            }
        }
    }

    async fn consume(&mut self) -> Result<(), Error> {
        self.consumers += 1;
        let tag = format!("orderly-{}-{}", self.generation, self.consumers);
        let starting = self.channel.basic_consume(
            self.queue.as_str().into(),
            tag.into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer =
            with_timeout("starting to consume", starting).await?.map_err(Error::Channel)?;
        self.consuming = Consuming::On(consumer);
        Ok(())
    }

    async fn cancel(&mut self) -> Result<(), Error> {
        let Consuming::On(consumer) = std::mem::replace(&mut self.consuming, Consuming::Off) else {
            return Ok(());
        };
        let tag = consumer.tag();
        self.consuming = Consuming::Draining(consumer);
        let cancelling = self.channel.basic_cancel(tag, BasicCancelOptions::default());
        with_timeout("stopping to consume", cancelling).await?.map_err(Error::Channel)
    }

    /// Sends acks without waiting until they are written. A broken channel ends the session by its
    /// consumer.
    fn ack(&self, acks: &[Ack]) {
        for ack in acks {
            if ack.generation != self.generation {
                debug!(?ack, "stale ack dropped");
                continue;
            }
            let options = BasicAckOptions { multiple: ack.reach == Reach::UpTo };
            // The first poll queues the frame; later polls wait until it is written.
            let _ = self.channel.basic_ack(ack.tag, options).now_or_never();
        }
    }

    /// Closes the channel. The acks handed over so far were sent before the request that led here
    /// was read, and the broker takes both in their order.
    async fn close_channel(&self) {
        let _ = with_timeout("closing", self.channel.close(200, "bye".into())).await;
    }
}

/// The result of the count that is under way.
async fn next_count(
    counting: &mut Option<BoxFuture<'_, Result<u64, Error>>>,
) -> Result<u64, Error> {
    match counting {
        Some(counting) => counting.await,
        None => std::future::pending().await,
    }
}

/// Reports whether the broker takes publishes.
fn report_blocked(event: Event, link: &LinkState) {
    match event {
        Event::ConnectionBlocked(reason) => {
            warn!(reason, "the broker blocks publishes");
            link.report(|status| status.blocked = Some(reason));
        }
        Event::ConnectionUnblocked => {
            info!("the broker accepts publishes again");
            link.report(|status| status.blocked = None);
        }
        _ => {}
    }
}

impl Consuming {
    /// Waits for what is wanted. Dropping the future loses nothing.
    async fn arrive(
        &mut self,
        wanted: Wanted,
        held: &mut Option<Delivery>,
        intake: &mpsc::Sender<Intake>,
        generation: u64,
    ) -> Arrived {
        match wanted {
            Wanted::First => self.hold(held, generation).await,
            Wanted::Batch => self.deliver(held, intake, generation).await,
        }
    }

    /// Waits for the first delivery, and keeps it in `held`.
    async fn hold(&mut self, held: &mut Option<Delivery>, generation: u64) -> Arrived {
        let (Self::On(consumer) | Self::Draining(consumer)) = self else {
            return std::future::pending().await;
        };
        match consumer.next().await {
            Some(Ok(first)) => {
                *held = Some(codec::decode(generation, first));
                Arrived::First
            }
            Some(Err(error)) => Arrived::Failed(error),
            None => Arrived::Ended,
        }
    }

    /// Waits until the reader has room, then for a delivery, and hands over all that has arrived.
    /// Dropping the future loses nothing.
    async fn deliver(
        &mut self,
        held: &mut Option<Delivery>,
        intake: &mpsc::Sender<Intake>,
        generation: u64,
    ) -> Arrived {
        let (Self::On(consumer) | Self::Draining(consumer)) = self else {
            return std::future::pending().await;
        };
        // Without a reader nothing can be delivered; the session waits to be closed.
        let Ok(permit) = intake.reserve().await else {
            return std::future::pending().await;
        };
        let first = match held.take() {
            Some(first) => first,
            None => match consumer.next().await {
                Some(Ok(first)) => codec::decode(generation, first),
                Some(Err(error)) => return Arrived::Failed(error),
                None => return Arrived::Ended,
            },
        };
        let mut batch = vec![first];
        let mut arrived = Arrived::Batch;
        while batch.len() < MAX_BATCH {
            match consumer.next().now_or_never() {
                Some(Some(Ok(next))) => batch.push(codec::decode(generation, next)),
                Some(Some(Err(error))) => arrived = Arrived::Failed(error),
                Some(None) => arrived = Arrived::Ended,
                None => break,
            }
            if !matches!(arrived, Arrived::Batch) {
                break;
            }
        }
        permit.send(Intake::Batch(batch));
        arrived
    }
}
