//! The task of a member: it carries records between the protocol and the stream.
//!
//! The protocol decides everything (`orderly_journal::Node`); nothing here carries safety. A record of an attachment that is
//! given up is never shown to the protocol, and what it says is told in its order.

use super::{Input, Settings, Told};
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_broker::rabbit::stream::{self, Read, Stream, Write};
use orderly_journal::node::{Role, Status};
use orderly_journal::seek::{self, Past};
use orderly_journal::{Epoch, Node, Now, Output, Position, Progress};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

/// How often the protocol is told the time.
const ELAPSE: Duration = Duration::from_millis(50);
/// Every so many times what the member shows of itself is made anew.
const SHOW_EVERY: u32 = 10;

/// What a store says of itself: how far it has come, its last place in the journal, and its other places.
pub(super) type Stored = (Option<Progress>, Option<Position>, Box<dyn Past + Send>);

/// The task's ends of its channels.
pub(super) struct Ends {
    pub(super) inputs: mpsc::UnboundedReceiver<Input>,
    pub(super) told: mpsc::Sender<Told>,
    pub(super) cursor: Arc<AtomicU64>,
    pub(super) broker: watch::Receiver<orderly_broker::Status>,
    pub(super) control: orderly_broker::Control,
}

/// A member of the cluster, with its connections.
pub(super) struct Member {
    settings: Settings,
    node: Node,
    clock: SystemClock,
    past: Box<dyn Past + Send>,
    stream: Stream,
    ends: Ends,
    /// Where the reader is attached now.
    attachment: u64,
    is_reader_up: bool,
    /// What is to be told, in its order.
    telling: VecDeque<Told>,
    /// Whether the last that there is to tell is among it, or was told.
    is_over: bool,
    status: watch::Sender<Status>,
    shown: Shown,
    ticks: u32,
    /// Who wants to know when the journal says that the intake is paused, or not.
    pausing: Option<(bool, oneshot::Sender<()>)>,
}

/// What is shown at once when it changes: the role, the epoch, and whether the owner's intake is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    role: Role,
    epoch: Option<Epoch>,
    is_paused: bool,
}

impl Shown {
    fn of(status: &Status) -> Self {
        Self { role: status.role, epoch: status.epoch, is_paused: status.is_paused }
    }
}

/// What happens next.
enum Step {
    Tick,
    Input(Option<Input>),
    Broker,
    Write(Write),
    Read(Read),
    Tell,
    Failed(String),
    /// Nobody wants to be told anything.
    Abandoned,
}

impl Member {
    pub(super) fn new(
        settings: Settings,
        clock: SystemClock,
        (stored, last, past): Stored,
        stream: Stream,
        ends: Ends,
    ) -> (Self, watch::Receiver<Status>) {
        let now = now(&clock);
        let node = Node::start(settings.protocol.clone(), stored, last, now);
        let status = node.status(settings.max_lag, now);
        let shown = Shown::of(&status);
        let (status, watched) = watch::channel(status);
        let member = Self {
            settings,
            node,
            clock,
            past,
            stream,
            ends,
            attachment: 0,
            is_reader_up: false,
            telling: VecDeque::new(),
            is_over: false,
            status,
            shown,
            ticks: 0,
            pausing: None,
        };
        (member, watched)
    }

    /// Takes part until that is over, or until nobody wants to be told anything.
    pub(super) async fn run(mut self) {
        let mut elapse = interval(ELAPSE);
        elapse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut has_inputs, mut has_broker) = (true, true);
        let is_active = self.ends.broker.borrow_and_update().delivering;
        self.node.set_active(is_active, now(&self.clock));
        self.act();
        while !(self.is_over && self.telling.is_empty()) {
            let Ends { inputs, told, broker, .. } = &mut self.ends;
            let has_told = self.telling.is_empty();
            let goes_on = !self.is_over;
            let step = tokio::select! {
                // The time first: who reads without a pause must hear of it, too.
                biased;
                () = told.closed() => Step::Abandoned,
                _ = elapse.tick() => Step::Tick,
                permit = told.reserve(), if !has_told => {
                    if let (Ok(permit), Some(next)) = (permit, self.telling.pop_front()) {
                        permit.send(next);
                    }
                    Step::Tell
                }
                failed = self.stream.tasks.failed(), if goes_on => Step::Failed(failed),
                changed = broker.changed(), if has_broker => {
                    has_broker = changed.is_ok();
                    Step::Broker
                }
                input = inputs.recv(), if has_inputs && goes_on => Step::Input(input),
                Some(write) = self.stream.writes.recv() => Step::Write(write),
                Some(read) = self.stream.reads.recv(), if has_told && goes_on => Step::Read(read),
            };
            match step {
                Step::Abandoned => break,
                Step::Tell => {}
                Step::Tick => self.tick(),
                Step::Input(None) => has_inputs = false,
                Step::Input(Some(input)) => self.take(input),
                Step::Broker => {
                    let is_active = has_broker && self.ends.broker.borrow_and_update().delivering;
                    self.node.set_active(is_active, now(&self.clock));
                }
                Step::Write(write) => self.write(write),
                Step::Read(read) => self.read(read),
                Step::Failed(problem) => {
                    tracing::error!(problem, "the stream of the journal cannot be used any more");
                    self.is_over = true;
                    self.telling.push_back(Told::Failed(problem));
                }
            }
            self.act();
        }
        if let Err(error) = self.stream.close().await {
            tracing::error!(%error, "the connections to the journal did not end");
        }
    }

    fn tick(&mut self) {
        let now = now(&self.clock);
        self.node.published(self.ends.cursor.load(Ordering::Acquire));
        self.node.set_deferring(self.settings.defers.load(Ordering::Relaxed));
        self.node.elapse(now);
        self.ticks += 1;
        self.show(now);
    }

    fn show(&mut self, now: Now) {
        let status = self.node.status(self.settings.max_lag, now);
        let shown = Shown::of(&status);
        if shown != self.shown {
            tracing::info!(
                role = ?status.role,
                epoch = status.epoch.map(|epoch| epoch.number),
                owner = ?status.owner,
                next = status.next,
                owner_is_paused = status.is_paused,
                "the member of the cluster has changed"
            );
        }
        if shown != self.shown || self.ticks >= SHOW_EVERY {
            (self.shown, self.ticks) = (shown, 0);
            self.status.send_replace(status);
        }
        if self.pausing.as_ref().is_some_and(|(paused, _)| *paused == shown.is_paused)
            && let Some((_, known)) = self.pausing.take()
        {
            let _ = known.send(()); // who asked may have gone
        }
    }

    fn take(&mut self, input: Input) {
        let now = now(&self.clock);
        match input {
            Input::Units(units) => {
                let units = units.iter().map(self.settings.encode).collect();
                self.node.give(units, now);
            }
            Input::Restore(units) => self.node.restore(units, now),
            Input::Pause { paused, known } => {
                self.pausing = Some((paused, known));
                self.node.set_paused(paused, now);
                self.show(now);
            }
            Input::Claim => self.node.claim(now),
            Input::Leave => self.node.leave(now),
        }
    }

    fn write(&mut self, write: Write) {
        let now = now(&self.clock);
        match write {
            // what was appended while there was no connection is gone
            Write::Up => {
                self.node.writer_lost(now);
                let role = self.node.status(self.settings.max_lag, now).role;
                if role == Role::Joining && self.is_reader_up {
                    self.node.reader_lost(now);
                }
            }
            Write::Down(problem) => {
                tracing::warn!(problem, "the connection that appends to the journal was lost");
                self.node.writer_lost(now);
            }
        }
    }

    fn read(&mut self, read: Read) {
        match read {
            // the place that was asked for before there was a connection is forgotten
            Read::Up => {
                self.is_reader_up = true;
                self.node.reader_lost(now(&self.clock));
            }
            Read::Down(problem) => {
                tracing::warn!(problem, "the connection that reads the journal was lost");
                self.is_reader_up = false;
                self.node.reader_lost(now(&self.clock));
            }
            Read::Records { attachment, records } => {
                for record in records {
                    // a record may make the reader attach elsewhere
                    if attachment != self.attachment || self.is_over {
                        return;
                    }
                    let now = now(&self.clock);
                    self.node.set_deferring(self.settings.defers.load(Ordering::Relaxed));
                    self.node.delivered(record.offset, &record.body, &*self.past, now);
                    self.act();
                    if self.node.owner_is_paused(now) != self.shown.is_paused {
                        self.show(now);
                    }
                }
            }
        }
    }

    /// Does what the protocol asks for.
    fn act(&mut self) {
        while let Some(output) = self.node.output() {
            if self.is_over {
                continue;
            }
            match output {
                Output::Attach(from) => {
                    self.attachment = self.stream.attach(match from {
                        seek::From::First => stream::From::First,
                        seek::From::Offset(offset) => stream::From::Offset(offset),
                    });
                }
                Output::Append { body, .. } => self.stream.append(body),
                Output::PassOn => self.ends.control.pass_on(),
                Output::Adopt(charter) => self.telling.push_back(Told::Adopt(charter)),
                Output::Apply { units, position } => {
                    self.telling.push_back(Told::Apply { units, position });
                }
                Output::Durable { next } => self.telling.push_back(Told::Durable(next)),
                Output::Own { epoch, next, cursor, lost } => {
                    self.telling.push_back(Told::Own { epoch, next, cursor, lost });
                }
                Output::Fenced { by, node } => self.end(Told::Fenced { by, node }),
                Output::Left => self.end(Told::Left),
                Output::Refused(refusal) => self.end(Told::Refused(refusal)),
            }
        }
    }

    fn end(&mut self, last: Told) {
        self.is_over = true;
        self.status.send_replace(self.node.status(self.settings.max_lag, now(&self.clock)));
        self.telling.push_back(last);
    }
}

fn now(clock: &SystemClock) -> Now {
    Now { monotonic: clock.monotonic(), wall: clock.now().micros() }
}
