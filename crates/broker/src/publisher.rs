//! Publishing with confirms, through publishing channels.
//!
//! Messages reach the broker in the order in which they enter a [`PublishChannel`]. Events take the channel of
//! their subject, so that one order's events stay in order while several channels share the load.
//! Mandatory messages have channels of their own, where a return can be matched to its message
//! without doubt: one for commands, one for marks, which nothing else may delay, and one for the others. So have replies, where
//! a stranger's `reply_to` can break nothing else.
//!
//! Invariants: every message gets exactly one [`Confirm`], in the order handed over. After a
//! channel broke, an [`EventStream`] publishes nothing more until its owner has seen that and
//! called [`EventStream::resume`]; so nothing overtakes what was lost.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::sync::{mpsc, oneshot};

use super::Message;

/// Batches that may wait in a channel before `publish` waits.
const CHANNEL_DEPTH: usize = 8;

/// The outcome of a published message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirm {
    /// The broker took charge of it.
    Acked,
    /// The broker could not take charge of it.
    Nacked,
    /// The message cannot be delivered as it is: no queue takes it, or a property is one that AMQP
    /// cannot carry. Sending it again is of no use until somebody changes something. Holds the reason.
    Returned(String),
    /// The broker closed the channel because of this message, or of one that was in flight with it: the
    /// user may not publish there, for instance. Holds the broker's reason.
    Refused(String),
    /// The channel broke before the confirm: the message may have arrived, or not.
    Lost,
}

impl Confirm {
    /// True for [`Confirm::Acked`].
    pub fn is_acked(&self) -> bool {
        matches!(self, Self::Acked)
    }

    /// What the broker answered in place of taking charge of the message; `None` where it did, or
    /// where there was no answer.
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::Acked | Self::Lost => None,
            Self::Nacked => {
                Some("basic.nack, as for a queue that is full (x-overflow: reject-publish)")
            }
            Self::Returned(reason) | Self::Refused(reason) => Some(reason),
        }
    }
}

/// A message with the key that it is kept in order by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// Hash of the subject: messages of one key are kept in order.
    pub key: u64,
    /// What to publish.
    pub message: Message,
}

/// One batch for one channel, as drivers see it.
#[derive(Debug)]
pub(crate) struct Submission {
    /// The epoch at which the stream last resumed. When the channel has broken since, the whole batch
    /// is `Lost` unsent. `None` for messages outside a stream.
    pub(crate) epoch: Option<u64>,
    pub(crate) messages: Vec<Message>,
    /// Takes one confirm for each message, in order; those not given count as `Lost`.
    pub(crate) receipt: oneshot::Sender<Vec<Confirm>>,
}

/// What a channel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelKind {
    /// Pipelined, in order.
    Events,
    /// Published with the mandatory flag; returns are matched.
    Mandatory,
    /// The same, for commands.
    Commands,
    /// As mandatory ones. One that is returned shows that its queue is missing.
    Marks,
    /// Best effort.
    Replies,
}

impl ChannelKind {
    /// The channel's name in errors and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Mandatory => "mandatory messages",
            Self::Commands => "commands",
            Self::Marks => "marks",
            Self::Replies => "replies",
        }
    }

    /// Whether a message that no queue takes comes back.
    pub(crate) fn is_mandatory(self) -> bool {
        match self {
            Self::Mandatory | Self::Commands | Self::Marks => true,
            Self::Events | Self::Replies => false,
        }
    }
}

/// The driver's end of a channel.
#[derive(Debug)]
pub(crate) struct PublishChannel {
    pub(crate) kind: ChannelKind,
    pub(crate) submissions: mpsc::Receiver<Submission>,
    epoch: Arc<AtomicU64>,
}

impl PublishChannel {
    /// Counts the breaks of this channel.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Notes that the channel broke: event streams are cut off until they resume.
    pub(crate) fn mark_broken(&self) {
        self.break_marker().mark_broken();
    }

    /// A handle that marks this channel as broken from outside its task.
    pub(crate) fn break_marker(&self) -> BreakMarker {
        BreakMarker(Arc::clone(&self.epoch))
    }

    /// Returns the submission if it may be published. One that a break cut off is `Lost`.
    pub(crate) fn admit(&self, submission: Submission) -> Option<Submission> {
        if submission.epoch.is_some_and(|epoch| epoch != self.epoch()) {
            // Dropping the receipt's sender makes the batch `Lost`.
            return None;
        }
        Some(submission)
    }
}

/// Marks a channel as broken from outside its task.
#[derive(Debug, Clone)]
pub(crate) struct BreakMarker(Arc<AtomicU64>);

impl BreakMarker {
    pub(crate) fn mark_broken(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[derive(Debug, Clone)]
struct ChannelSender {
    submissions: mpsc::Sender<Submission>,
    epoch: Arc<AtomicU64>,
}

fn channel(kind: ChannelKind) -> (ChannelSender, PublishChannel) {
    let (sender, submissions) = mpsc::channel(CHANNEL_DEPTH);
    let epoch = Arc::new(AtomicU64::new(0));
    let sender = ChannelSender { submissions: sender, epoch: Arc::clone(&epoch) };
    (sender, PublishChannel { kind, submissions, epoch })
}

/// Makes a publisher with `events` channels for events (at least one), and the driver's ends of
/// all its channels.
pub(crate) fn publisher(events: usize) -> (Publisher, Vec<PublishChannel>) {
    let (mandatory, mandatory_channel) = channel(ChannelKind::Mandatory);
    let (commands, commands_channel) = channel(ChannelKind::Commands);
    let (marks, marks_channel) = channel(ChannelKind::Marks);
    let (replies, replies_channel) = channel(ChannelKind::Replies);
    let mut channels = vec![mandatory_channel, commands_channel, marks_channel, replies_channel];
    let events = (0..events.max(1))
        .map(|_| {
            let (sender, end) = channel(ChannelKind::Events);
            channels.push(end);
            sender
        })
        .collect();
    (Publisher { events, mandatory, commands, marks, replies }, channels)
}

/// Publishes messages with confirms; cheap to clone.
///
/// Every `publish` waits while its channel is full, so while the broker is away or blocks: that
/// bounds what can pile up. A call returns when the batch has its place in the channel; the
/// [`Receipt`] resolves when the broker has confirmed.
#[derive(Debug, Clone)]
pub struct Publisher {
    events: Arc<[ChannelSender]>,
    mandatory: ChannelSender,
    commands: ChannelSender,
    marks: ChannelSender,
    replies: ChannelSender,
}

impl Publisher {
    /// Opens a stream of events, in order per key. Two streams keep no order between them, so all
    /// messages of a key go through one stream.
    pub fn events(&self) -> EventStream {
        let mut stream = EventStream { channels: Arc::clone(&self.events), epochs: Vec::new() };
        stream.resume();
        stream
    }

    /// Publishes messages that must reach a queue, such as notifications: one that no queue takes
    /// comes back as [`Confirm::Returned`].
    pub async fn mandatory(&self, messages: Vec<Message>) -> Receipt {
        self.mandatory.submit(None, messages).await
    }

    /// The same for commands that are to be retried or dead-lettered, on a channel of their own: a
    /// subscriber's queue that never confirms a notification does not hold them up.
    pub async fn commands(&self, messages: Vec<Message>) -> Receipt {
        self.commands.submit(None, messages).await
    }

    /// Publishes a mark to [`Names::mark`](super::Names::mark). When the queue is missing, the driver connects anew, and declares
    /// it or waits for it, as the settings say.
    pub async fn mark(&self, message: Message) -> Receipt {
        self.marks.submit(None, vec![message]).await
    }

    /// Publishes messages that may be lost without harm (verdict replies).
    pub async fn best_effort(&self, messages: Vec<Message>) -> Receipt {
        self.replies.submit(None, messages).await
    }
}

impl ChannelSender {
    async fn submit(&self, epoch: Option<u64>, messages: Vec<Message>) -> Receipt {
        let total = messages.len();
        let mut receipt = Receipt { confirms: vec![Confirm::Lost; total], parts: Vec::new() };
        if total > 0 {
            let part = self.send(epoch, messages, Positions::All).await;
            receipt.parts.push(part);
        }
        receipt
    }

    /// When the driver is gone, the batch is `Lost`: the receipt's sender is dropped with it.
    async fn send(&self, epoch: Option<u64>, messages: Vec<Message>, at: Positions) -> Part {
        let (receipt, confirms) = oneshot::channel();
        let _ = self.submissions.send(Submission { epoch, messages, receipt }).await;
        Part { at, confirms }
    }
}

/// Publishes events, keeping the order of each key over breaks of the connection.
#[derive(Debug)]
pub struct EventStream {
    channels: Arc<[ChannelSender]>,
    epochs: Vec<u64>,
}

impl EventStream {
    /// Publishes `batch`; messages of one key go out in the order given here and in the order of
    /// the calls. Several receipts may be outstanding.
    ///
    /// Once a receipt holds [`Confirm::Refused`] or [`Confirm::Lost`], so do all of that channel's later ones. The owner
    /// awaits those outstanding, calls [`resume`](Self::resume), and starts again at the first
    /// message that was not acked.
    pub async fn publish(&mut self, batch: Vec<Keyed>) -> Receipt {
        let total = batch.len();
        let mut receipt = Receipt { confirms: vec![Confirm::Lost; total], parts: Vec::new() };
        let channels = self.channels.len();
        if channels == 1 {
            let messages = batch.into_iter().map(|keyed| keyed.message).collect();
            return self.channels[0].submit(Some(self.epochs[0]), messages).await;
        }
        let mut split: Vec<(Vec<Message>, Vec<usize>)> = vec![(Vec::new(), Vec::new()); channels];
        for (position, Keyed { key, message }) in batch.into_iter().enumerate() {
            let (messages, positions) = &mut split[channel_of(key, channels)];
            messages.push(message);
            positions.push(position);
        }
        for (index, (messages, positions)) in split.into_iter().enumerate() {
            if !messages.is_empty() {
                let epoch = Some(self.epochs[index]);
                let at = Positions::Some(positions);
                receipt.parts.push(self.channels[index].send(epoch, messages, at).await);
            }
        }
        receipt
    }

    /// Goes on after a break. Call it only when every outstanding receipt has resolved: what is
    /// published after it may overtake what is still in flight.
    pub fn resume(&mut self) {
        self.epochs =
            self.channels.iter().map(|channel| channel.epoch.load(Ordering::Acquire)).collect();
    }
}

/// The key's high bits choose: callers may use its low ones for tables of their own.
fn channel_of(key: u64, channels: usize) -> usize {
    let channels = channels as u128;
    usize::try_from((u128::from(key) * channels) >> 64).unwrap_or(0)
}

/// Resolves to one [`Confirm`] a message, in the order in which they were handed over.
#[derive(Debug)]
#[must_use = "a message is delivered only when its confirm says so"]
pub struct Receipt {
    confirms: Vec<Confirm>,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    at: Positions,
    confirms: oneshot::Receiver<Vec<Confirm>>,
}

/// Where a part's confirms belong in the whole.
#[derive(Debug)]
enum Positions {
    All,
    Some(Vec<usize>),
}

impl Future for Receipt {
    type Output = Vec<Confirm>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        while let Some(part) = this.parts.last_mut() {
            // When the sender was dropped, the confirms stay `Lost`.
            let confirms = ready!(Pin::new(&mut part.confirms).poll(context));
            let at = std::mem::replace(&mut part.at, Positions::All);
            this.parts.pop();
            if let Ok(confirms) = confirms {
                at.place(confirms, &mut this.confirms);
            }
        }
        Poll::Ready(std::mem::take(&mut this.confirms))
    }
}

impl Positions {
    fn place(self, confirms: Vec<Confirm>, whole: &mut [Confirm]) {
        match self {
            Self::All => {
                for (place, confirm) in whole.iter_mut().zip(confirms) {
                    *place = confirm;
                }
            }
            Self::Some(positions) => {
                for (position, confirm) in positions.into_iter().zip(confirms) {
                    whole[position] = confirm;
                }
            }
        }
    }
}
