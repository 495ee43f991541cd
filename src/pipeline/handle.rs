//! Asking the core, from any thread.

use orderly_actors::audit::Audit;
use orderly_actors::owner::Owner;
use orderly_actors::states;
use orderly_actors::supervisor::ActorStats;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait.
const QUESTIONS: usize = 64;

/// The core is gone: the process is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the core has ended")]
pub struct Gone;

/// What became of a request to send a notification again.
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

/// What only the core can answer or do.
pub(super) enum Question {
    Audit(oneshot::Sender<Result<Audit, states::Error>>),
    Pause(bool),
    Resend { id: String, answer: oneshot::Sender<Resend> },
    Stop { grace: Duration },
}

/// How each actor is doing; nothing before they are started.
pub(super) type Actors = Arc<OnceLock<Vec<(Owner, ActorStats)>>>;

/// Asks the core, from any thread. Questions are answered between two batches.
///
/// There is no question for states: they are read beside the core, with the store's [`Reader`](orderly_store::Reader).
#[derive(Clone)]
pub struct Handle {
    questions: mpsc::Sender<Question>,
    actors: Actors,
}

impl Handle {
    /// How each actor is doing, read without asking the core; empty until the actors are started.
    pub fn actors(&self) -> &[(Owner, ActorStats)] {
        self.actors.get().map_or(&[], Vec::as_slice)
    }

    /// Audits everything, a few states at a time: commands run meanwhile. What the audit found is as of when it
    /// answers. Who asks while an audit is under way gets the answer of that one.
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

    /// Sends a notification again through every channel that has given up on it; answers when that
    /// is durable.
    pub async fn resend(&self, id: String) -> Result<Resend, Gone> {
        let (answer, answered) = oneshot::channel();
        self.ask(Question::Resend { id, answer }).await?;
        answered.await.map_err(|_| Gone)
    }

    /// Ends in good order: takes no more messages, finishes and acknowledges what is in hand,
    /// publishes what is owed for at most `grace`, and closes store and broker.
    pub async fn stop(&self, grace: Duration) {
        let _ = self.ask(Question::Stop { grace }).await; // the core ended already
    }

    async fn ask(&self, question: Question) -> Result<(), Gone> {
        self.questions.send(question).await.map_err(|_| Gone)
    }
}

/// A way to ask, where the core hears it, and where the core tells how its actors are doing.
pub(super) fn questions() -> (Handle, mpsc::Receiver<Question>, Actors) {
    let (sender, questions) = mpsc::channel(QUESTIONS);
    let actors = Actors::default();
    (Handle { questions: sender, actors: Arc::clone(&actors) }, questions, actors)
}
