//! Commands over HTTP. They enter by the queue of commands, like all others.
//!
//! Invariant: a command counts as accepted only when the broker has confirmed that it is in the queue, or when its verdict is
//! durable. Whatever else the answer is, the same command may be sent again under the same id.

use super::local_replies::LocalReplies;
use bytes::Bytes;
use orderly_actors::journal_entry::JournalEntry;
use orderly_broker::{Confirm, Message, Names, Publisher, Status};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long the broker has to confirm a command.
const CONFIRM: Duration = Duration::from_secs(10);
/// How long a caller waits for a verdict, on the in-process broker. A command that is retried takes longer.
const VERDICT: Duration = Duration::from_secs(30);

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// Its verdict is durable: the JSON of the reply.
    Verdict(Bytes),
    /// The broker has it.
    Queued,
    /// The broker does not take it: the broker's reason.
    Refused(String),
    /// There was no confirm: the broker may have it, or not.
    Unconfirmed,
    /// There is no broker to take it: what is wrong.
    Away(String),
}

/// What would become of a command.
#[derive(Debug)]
pub struct Tried {
    /// What its unit would be.
    pub entry: JournalEntry,
    /// Of a duplicate or a conflict: the unit that came first, where it is still kept.
    pub original: Option<JournalEntry>,
}

/// Publishes commands.
#[derive(Clone)]
pub struct Submitter {
    publisher: Publisher,
    status: watch::Receiver<Status>,
    names: Names,
    /// Of the in-process broker: the verdicts come back here.
    replies: Option<LocalReplies>,
}

impl Submitter {
    pub(super) fn new(
        publisher: Publisher,
        status: watch::Receiver<Status>,
        names: Names,
        replies: Option<LocalReplies>,
    ) -> Self {
        Self { publisher, status, names, replies }
    }

    /// The names of exchanges and queues.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Publishes a command, and waits for the confirm; on the in-process broker for the verdict.
    pub async fn submit(&self, mut command: Message) -> Submitted {
        if let Some(problem) = self.away() {
            return Submitted::Away(problem);
        }
        let verdict = self.replies.as_ref().map(|replies| replies.expect(&mut command.properties));
        let publishing = async { self.publisher.commands(vec![command]).await.await };
        let confirms = timeout(CONFIRM, publishing).await.unwrap_or_default();
        match confirms.first() {
            Some(Confirm::Acked) => {}
            None | Some(Confirm::Lost) => return Submitted::Unconfirmed,
            Some(confirm) => {
                return Submitted::Refused(confirm.refusal().unwrap_or_default().to_owned());
            }
        }
        let Some(verdict) = verdict else {
            return Submitted::Queued;
        };
        match timeout(VERDICT, verdict.come()).await {
            Ok(Some(verdict)) => Submitted::Verdict(verdict),
            // it is retried, or the intake is paused
            Ok(None) | Err(_) => Submitted::Queued,
        }
    }

    /// Why there is no point in publishing now.
    fn away(&self) -> Option<String> {
        let status = self.status.borrow();
        if !status.connected() {
            let failure = status.last_error.as_ref().map(|failure| failure.detail.clone());
            return Some(failure.unwrap_or_else(|| "the broker is not connected".to_owned()));
        }
        let blocked = status.blocked.as_ref()?;
        Some(format!("the broker blocks publishers: {blocked}"))
    }
}
