//! Questions to the core, from any thread.

use super::parked::{Dismissed, Replay, Replayed};
use super::submit::Tried;
use orderly_actors::audit::Audit;
use orderly_actors::owner::Owner;
use orderly_actors::sequencer::InboundMessage;
use orderly_actors::states;
use orderly_actors::supervisor::ActorStats;
use orderly_domain::id::Operator;
use orderly_store::{Ordinal, backup};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The most questions that wait.
const QUESTIONS: usize = 64;

/// The core has ended, so the process is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the core has ended")]
pub struct Gone;

/// The result of a request to send a notification again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resend {
    /// Every channel that had given up sends the notification again.
    Again,
    /// No channel has given up on the notification.
    NotExhausted,
    /// There is no such notification.
    Unknown,
    /// The request could not be recorded.
    Failed,
}

/// A question to the core.
pub(super) enum Question {
    Audit(oneshot::Sender<Result<Audit, states::Error>>),
    Backup(oneshot::Sender<backup::Source>),
    Pause {
        paused: bool,
        operator: Option<Operator>,
        answer: oneshot::Sender<()>,
    },
    Resend {
        ids: Vec<String>,
        operator: Option<Operator>,
        answer: oneshot::Sender<Vec<Resend>>,
    },
    Replay {
        replay: Replay,
        answer: oneshot::Sender<Vec<Replayed>>,
    },
    Try {
        inbound: Box<InboundMessage>,
        answer: oneshot::Sender<Tried>,
    },
    Dismiss {
        messages: Vec<Ordinal>,
        operator: Option<Operator>,
        answer: oneshot::Sender<Vec<Dismissed>>,
    },
    Stop {
        grace: Duration,
    },
}

/// The statistics of each actor. Empty before the actors are started.
pub(super) type Actors = Arc<OnceLock<Vec<(Owner, ActorStats)>>>;

/// Asks the core, from any thread. The core answers between two batches of messages.
///
/// There is no question about states: the store's [`Reader`](orderly_store::Reader) reads them without the core.
#[derive(Clone)]
pub struct Handle {
    questions: mpsc::Sender<Question>,
    actors: Actors,
}

impl Handle {
    /// The statistics of each actor, read without asking the core. Empty until the actors are started.
    pub fn actors(&self) -> &[(Owner, ActorStats)] {
        self.actors.get().map_or(&[], Vec::as_slice)
    }

    /// Audits all states, a few at a time; commands run meanwhile. The result describes the states at the time of the
    /// answer. A caller that asks while an audit is under way gets the result of that audit.
    pub async fn audit(&self) -> Result<Result<Audit, states::Error>, Gone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Audit(answer)).await?;
        answered.await.map_err(|_| Gone)
    }

    /// Begins a backup of the store. Commands run meanwhile.
    pub async fn backup(&self) -> Result<backup::Source, Gone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Backup(answer)).await?;
        answered.await.map_err(|_| Gone)
    }

    /// Whether the core has ended, so the process is ending.
    pub fn has_ended(&self) -> bool {
        self.questions.is_closed()
    }

    /// Stops taking messages from the broker until [`resume`](Self::resume), or until the process ends. What has arrived is
    /// still processed.
    pub async fn pause(&self, operator: Option<Operator>) -> Result<(), Gone> {
        self.set_paused(true, operator).await
    }

    /// Takes messages again.
    pub async fn resume(&self, operator: Option<Operator>) -> Result<(), Gone> {
        self.set_paused(false, operator).await
    }

    async fn set_paused(&self, paused: bool, operator: Option<Operator>) -> Result<(), Gone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Pause { paused, operator, answer }).await?;
        answered.await.map_err(|_| Gone)
    }

    /// Sends notifications again, each through every channel that has given up on it. Answers what came of each when all of
    /// it is durable. Commands wait meanwhile, so ask for a few at a time.
    pub async fn resend(
        &self,
        ids: Vec<String>,
        operator: Option<Operator>,
    ) -> Result<Vec<Resend>, Gone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Resend { ids, operator, answer }).await?;
        answered.await.map_err(|_| Gone)
    }

    /// Processes parked messages again, one after the other. Answers what came of each when all of it is durable. Commands
    /// wait meanwhile, so ask for a few at a time.
    pub async fn replay(&self, replay: Replay) -> Result<Vec<Replayed>, Gone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Replay { replay, answer }).await?;
        answered.await.map_err(|_| Gone)
    }

    /// What the unit of a message would be now. Nothing of it is kept.
    pub async fn try_command(&self, inbound: InboundMessage) -> Result<Tried, Gone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Try { inbound: Box::new(inbound), answer }).await?;
        answered.await.map_err(|_| Gone)
    }

    /// Dismisses parked messages. Answers what came of each when all of it is durable. Commands wait meanwhile, so ask for
    /// a few at a time.
    pub async fn dismiss(
        &self,
        messages: Vec<Ordinal>,
        operator: Option<Operator>,
    ) -> Result<Vec<Dismissed>, Gone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Dismiss { messages, operator, answer }).await?;
        answered.await.map_err(|_| Gone)
    }

    /// Stops in good order: takes no more messages, finishes and acknowledges the messages in hand,
    /// publishes durable events for at most `grace`, and closes the store and the connections to the broker.
    pub async fn stop(&self, grace: Duration) {
        let _ = self.ask(Question::Stop { grace }).await; // the core ended already
    }

    async fn ask(&self, question: Question) -> Result<(), Gone> {
        self.questions.send(question).await.map_err(|_| Gone)
    }
}

/// A handle, the core's receiver of its questions, and where the core puts the statistics of its actors.
pub(super) fn questions() -> (Handle, mpsc::Receiver<Question>, Actors) {
    let (sender, questions) = mpsc::channel(QUESTIONS);
    let actors = Actors::default();
    (Handle { questions: sender, actors: Arc::clone(&actors) }, questions, actors)
}
