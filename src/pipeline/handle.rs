//! Questions to the core, from any thread.

use orderly_actors::audit::Audit;
use orderly_actors::owner::Owner;
use orderly_actors::states;
use orderly_actors::supervisor::ActorStats;
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
    Pause(bool),
    Resend { id: String, answer: oneshot::Sender<Resend> },
    Stop { grace: Duration },
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

    /// Stops taking messages from the broker until [`resume`](Self::resume).
    pub async fn pause(&self) -> Result<(), Gone> {
        self.ask(Question::Pause(true)).await
    }

    /// Takes messages again.
    pub async fn resume(&self) -> Result<(), Gone> {
        self.ask(Question::Pause(false)).await
    }

    /// Sends a notification again through every channel that has given up on it. Answers when the request
    /// is durable.
    pub async fn resend(&self, id: String) -> Result<Resend, Gone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Resend { id, answer }).await?;
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
