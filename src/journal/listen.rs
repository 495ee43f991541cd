//! Reading the journal without taking part in it.

use orderly_broker::rabbit::stream::{From, Read, Stored, Stream};
use orderly_broker::rabbit::{self, stream};
use orderly_journal::Nonce;
use orderly_journal::members::{Member, Members};
use orderly_journal::record::Record;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A reader of the stream that appends nothing.
#[derive(Debug)]
pub struct Listener {
    stream: Stream,
    from: From,
    attachment: u64,
}

/// What a listener hears.
#[derive(Debug)]
pub enum Heard {
    /// It has attached, for the first time or again: what follows begins where it was told to.
    Attached,
    /// The connection was lost, for this reason. Another one will follow.
    Lost(String),
    /// Records, in their order; never empty.
    Records(Vec<Stored>),
}

impl Listener {
    /// Begins to read there.
    ///
    /// Settings that cannot work are errors at once: [`rabbit::Error::Url`], [`rabbit::Error::CaFile`].
    pub fn start(
        broker: &orderly_broker::Settings,
        options: &stream::Options,
        from: From,
    ) -> Result<Self, rabbit::Error> {
        Ok(Self { stream: Stream::start_reading(broker, options)?, from, attachment: 0 })
    }

    /// Reads from there on: what was under way is dropped.
    pub fn attach(&mut self, from: From) {
        self.from = from;
        self.attachment = self.stream.attach(from);
    }

    /// What comes next. Waits for a broker, and for a record, for as long as it takes. The error says why nothing can come any
    /// more: the process should end then. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Heard, String> {
        loop {
            let read = tokio::select! {
                failed = self.stream.tasks.failed() => return Err(failed),
                read = self.stream.reads.recv() => read,
            };
            match read {
                None => return Err("the reader of the stream has ended".to_owned()),
                Some(Read::Up) => {
                    self.attachment = self.stream.attach(self.from);
                    return Ok(Heard::Attached);
                }
                Some(Read::Down(problem)) => return Ok(Heard::Lost(problem)),
                Some(Read::Records { attachment, records }) if attachment == self.attachment => {
                    return Ok(Heard::Records(records));
                }
                Some(Read::Records { .. }) => {}
            }
        }
    }

    /// Ends its connections.
    ///
    /// # Errors
    /// A connection did not end: the process should.
    pub async fn close(self) -> Result<(), rabbit::Error> {
        self.stream.close().await
    }
}

/// The members that are heard within a time. Waits for a broker for as long as it takes. The error says why nothing can be
/// heard.
pub async fn members(
    broker: &orderly_broker::Settings,
    options: &stream::Options,
    within: Duration,
) -> Result<Vec<(Nonce, Member)>, String> {
    let mut listener = Listener::start(broker, options, From::Next).map_err(|e| e.to_string())?;
    let mut members = Members::default();
    let mut deadline = None;
    loop {
        let heard = match deadline {
            None => listener.next().await?,
            Some(deadline) => match timeout_at(deadline, listener.next()).await {
                Ok(heard) => heard?,
                Err(_) => break,
            },
        };
        match heard {
            Heard::Attached => deadline = Some(Instant::now() + within),
            Heard::Lost(_) => deadline = None,
            Heard::Records(records) => {
                for record in records.iter().filter_map(|stored| Record::decode(&stored.body).ok())
                {
                    members.note(&record, Duration::ZERO);
                }
            }
        }
    }
    listener.close().await.map_err(|error| error.to_string())?;
    Ok(members.iter().map(|(nonce, member)| (*nonce, member.clone())).collect())
}
