//! The verdicts on commands that were published: they are printed as they come.

use super::Error;
use crate::cli::exit::Exit;
use crate::cli::output;
use orderly_broker::client::Replies;
use orderly_broker::{Message, rabbit};
use orderly_domain::verdict::Verdict;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Waits for verdicts.
pub(super) struct Verdicts {
    replies: Replies,
    /// The longest time without a verdict.
    timeout: Duration,
    /// The commands without a verdict: the number of each, and its id.
    waiting: BTreeMap<u64, String>,
    published: u64,
    counts: BTreeMap<Verdict, usize>,
}

/// What matters here of a verdict.
#[derive(Deserialize)]
struct Reply {
    verdict: Verdict,
}

impl Verdicts {
    pub(super) fn new(replies: Replies, timeout: Duration) -> Self {
        let (waiting, counts) = (BTreeMap::new(), BTreeMap::new());
        Self { replies, timeout, waiting, published: 0, counts }
    }

    /// Asks for the verdict on a command that will be published.
    pub(super) fn ask(&mut self, command: &mut Message, id: &str) {
        command.properties.reply_to = Some(self.replies.queue().to_owned());
        // not the id: several commands may have the same one
        command.properties.correlation_id = Some(self.published.to_string());
        self.waiting.insert(self.published, id.to_owned());
        self.published += 1;
    }

    /// Prints the verdicts that have come so far.
    pub(super) fn print_ready(&mut self) -> Result<(), Error> {
        while let Some(reply) = self.replies.try_next() {
            self.print(reply)?;
        }
        Ok(())
    }

    /// Prints the verdicts on all commands. The exit is [`Exit::Success`] when all were applied, now or before.
    pub(super) async fn print_all(mut self) -> Result<Exit, Error> {
        while !self.waiting.is_empty() {
            match tokio::time::timeout(self.timeout, self.replies.next()).await {
                Ok(Some(reply)) => self.print(reply)?,
                Ok(None) | Err(_) => break,
            }
        }
        let counts: Vec<_> =
            self.counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        eprintln!(
            "verdicts: {}",
            if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
        );
        if let Some(id) = self.waiting.values().next() {
            let (waiting, timeout) = (self.waiting.len(), self.timeout);
            eprintln!(
                "orderly: no verdict on {waiting} of {} commands, such as {id:?}, for {timeout:?}: is `orderly serve` \
                 running? Publish the same ids again to hear their verdicts",
                self.published
            );
            return Ok(Exit::Failure);
        }
        let good = |verdict: &Verdict| matches!(verdict, Verdict::Applied | Verdict::Duplicate);
        Ok(if self.counts.keys().all(good) { Exit::Success } else { Exit::Failure })
    }

    fn print(&mut self, reply: Result<Message, rabbit::Error>) -> Result<(), Error> {
        let reply = reply?;
        let number = reply.properties.correlation_id.as_deref().and_then(|id| id.parse().ok());
        // what else is in the queue answers none of our commands
        let Some(number) = number.filter(|number| self.waiting.contains_key(number)) else {
            return Ok(());
        };
        let Ok(Reply { verdict }) = serde_json::from_slice(&reply.body) else { return Ok(()) };
        self.waiting.remove(&number);
        *self.counts.entry(verdict).or_default() += 1;
        let text = format!("{}\n", String::from_utf8_lossy(&reply.body).trim_end());
        output::print(&text).map_err(Error::Output)
    }
}
