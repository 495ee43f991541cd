//! Asking the core, from any thread.

use orderly_actors::audit::Audit;
use orderly_actors::owner::Owner;
use orderly_actors::states;
use orderly_actors::supervisor::Health;
use orderly_store::{History, View};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait.
const QUESTIONS: usize = 64;

/// The core is gone: the process is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the core has ended")]
pub struct Gone;

/// A look at what the core knows, between two commands.
pub struct Overview<'a> {
    /// Every state, up to the newest sealed unit.
    pub view: &'a View,
    /// The journal of durable units.
    pub history: &'a History,
    /// How each actor is doing.
    pub actors: Vec<(Owner, Vitals)>,
    /// Messages in hand.
    pub in_flight: usize,
}

/// How an actor is doing.
#[derive(Debug, Clone)]
pub struct Vitals {
    /// Whether it works.
    pub health: Health,
    /// Restarts so far.
    pub restarts: u64,
    /// Messages taken from its queue so far.
    pub handled: u64,
    /// What its last panic said.
    pub last_failure: Option<String>,
}

/// What became of a wish to send a notification again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resend {
    /// It is on its way.
    Again,
    /// No channel has given up on it.
    NotExhausted,
    /// There is no such notification.
    Unknown,
    /// It came to no end.
    Failed,
}

type Look = Box<dyn FnOnce(&Overview<'_>) + Send>;

pub(super) enum Question {
    Look(Look),
    Audit(oneshot::Sender<Result<Audit, states::Error>>),
    Pause(bool),
    Resend { id: String, answer: oneshot::Sender<Resend> },
    Stop { grace: Duration },
}

/// Asks the core, from any thread. Questions are answered between two batches.
#[derive(Clone)]
pub struct Handle(mpsc::Sender<Question>);

impl Handle {
    /// Answers `look` with what the core knows. While it looks, no command runs.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Overview<'_>) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (answer, answered) = oneshot::channel();
        let look: Look = Box::new(move |overview| {
            let _ = answer.send(look(overview)); // nobody waits any more
        });
        self.0.send(Question::Look(look)).await.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }

    /// Audits everything, a few states at a time: commands run meanwhile. What it found is as of when it answers. Who
    /// asks while an audit is under way gets the answer of that one.
    pub async fn audit(&self) -> Result<Result<Audit, states::Error>, Gone> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Question::Audit(answer)).await.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }

    /// Stops taking messages from the broker until [`resume`](Self::resume).
    pub async fn pause(&self) -> Result<(), Gone> {
        self.0.send(Question::Pause(true)).await.map_err(|_| Gone)
    }

    /// Takes messages again.
    pub async fn resume(&self) -> Result<(), Gone> {
        self.0.send(Question::Pause(false)).await.map_err(|_| Gone)
    }

    /// Sends a notification again through every channel that has given up on it; answers when that
    /// is durable.
    pub async fn resend(&self, id: String) -> Result<Resend, Gone> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Question::Resend { id, answer }).await.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }

    /// Ends in good order: takes no more messages, finishes and acknowledges what is in hand,
    /// publishes what is owed for at most `grace`, and closes store and broker.
    pub async fn stop(&self, grace: Duration) {
        let _ = self.0.send(Question::Stop { grace }).await; // it ended already
    }
}

/// A way to ask, and where the core hears it.
pub(super) fn questions() -> (Handle, mpsc::Receiver<Question>) {
    let (sender, questions) = mpsc::channel(QUESTIONS);
    (Handle(sender), questions)
}
