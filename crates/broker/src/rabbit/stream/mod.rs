//! A stream of the broker: appending to it and reading it, on connections of its own.
//!
//! The two connections are independent: `RabbitMQ` 3.10 ends the whole connection of a reader that meets a record which is
//! half written. A connection that breaks, or whose set-up fails, is closed and made again at the next address after 200 ms,
//! without end: a stream that changes its leader refuses readers for a while. Nothing is given up here for a failure of the
//! broker; what is told is only that something may have been lost.
//!
//! | module | has |
//! |---|---|
//! | `append` | the connection that appends, with confirms |
//! | `read` | the connection that reads, from an offset on |
//! | `site` | connecting, and declaring the stream |

mod append;
mod read;
mod site;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use self::site::Site;
use super::{Error, Settings, error::chain};

/// Batches of records that wait for who reads them. Each has at most [`read::BATCH_BYTES`] and one record more.
const BATCHES: usize = 8;

/// How long closing may take. A connection that does not end in this time makes an error of it.
const CLOSE: Duration = Duration::from_secs(10);

/// What the stream is declared with, if it does not exist. A stream that exists is used as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Its name.
    pub name: String,
    /// How many bytes it keeps, in whole segments; the newest two always.
    pub retention: u64,
    /// The bytes of a segment.
    pub segment: u64,
    /// On how many nodes of the broker it is, if there are so many.
    pub replicas: u32,
    /// How many records may be on their way to the reader.
    pub prefetch: u16,
}

impl Options {
    /// A segment, unless the stream keeps less than ten of these.
    const SEGMENT: u64 = 100 << 20;

    /// A stream on three nodes that keeps so many bytes.
    pub fn new(name: String, retention: u64) -> Self {
        let segment = (retention / 10).clamp(1 << 20, Self::SEGMENT);
        Self { name, retention, segment, replicas: 3, prefetch: 200 }
    }
}

/// Where a reader attaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At the record with this offset, or at the first one behind it. Behind the end nothing comes, without an error.
    Offset(u64),
    /// At the first record that there is.
    First,
    /// At some record near the end, with those behind it.
    Last,
    /// Behind the end: only what is appended from now on comes.
    Next,
}

/// A record as the stream has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its offset. Offsets grow, and have holes.
    pub offset: u64,
    /// Its bytes.
    pub body: Bytes,
}

/// What happens to the reader.
#[derive(Debug)]
pub enum Read {
    /// There is a connection: [`Stream::attach`] decides where it reads. What was asked for before is forgotten.
    Up,
    /// Records, in their order; never empty.
    Records {
        /// The attachment that they belong to.
        attachment: u64,
        /// The records.
        records: Vec<Stored>,
    },
    /// The connection is gone. Another one will follow.
    Down(String),
}

/// What happens to the appender.
#[derive(Debug)]
pub enum Write {
    /// What is appended from now on goes to a new connection.
    Up,
    /// The connection is gone: what was appended may arrive, or not. Until [`Write::Up`] all is dropped.
    Down(String),
}

/// A stream of the broker. Dropping it closes its connections, too, but nobody sees whether they end.
#[derive(Debug)]
pub struct Stream {
    /// The reader's events. Bounded: while nobody takes them the broker sends no more than the prefetch.
    pub reads: mpsc::Receiver<Read>,
    /// The appender's events.
    pub writes: mpsc::UnboundedReceiver<Write>,
    appends: mpsc::UnboundedSender<Bytes>,
    attach: watch::Sender<Option<(u64, From)>>,
    attachments: u64,
    /// The tasks of the two connections.
    pub tasks: Tasks,
}

/// The tasks of a stream's connections.
#[derive(Debug)]
pub struct Tasks(JoinSet<Result<(), Error>>);

impl Stream {
    /// Starts on the current runtime. Settings that cannot work are errors at once: [`Error::Url`], [`Error::CaFile`].
    pub fn start(settings: &Settings, options: &Options) -> Result<Self, Error> {
        let site = |role| Site::new(settings, options, role);
        let (reader, appender) = (site("journal read")?, site("journal append")?);
        let (read_sender, reads) = mpsc::channel(BATCHES);
        let (write_sender, writes) = mpsc::unbounded_channel();
        let (appends, appended) = mpsc::unbounded_channel();
        let (attach, attached) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(read::run(reader, attached, read_sender));
        tasks.spawn(append::run(appender, appended, write_sender));
        Ok(Self { reads, writes, appends, attach, attachments: 0, tasks: Tasks(tasks) })
    }

    /// The same without a connection that appends: what is appended is dropped.
    pub fn start_reading(settings: &Settings, options: &Options) -> Result<Self, Error> {
        let reader = Site::new(settings, options, "journal look")?;
        let (read_sender, reads) = mpsc::channel(BATCHES);
        let (_, writes) = mpsc::unbounded_channel();
        let (appends, _) = mpsc::unbounded_channel();
        let (attach, attached) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(read::run(reader, attached, read_sender));
        Ok(Self { reads, writes, appends, attach, attachments: 0, tasks: Tasks(tasks) })
    }

    /// Attaches the reader there, in place of where it was. Returns the number of the attachment, which its records have.
    pub fn attach(&mut self, from: From) -> u64 {
        self.attachments += 1;
        self.attach.send_replace(Some((self.attachments, from)));
        self.attachments
    }

    /// Appends a record. Nobody tells whether it arrived: who must know reads it back.
    pub fn append(&self, body: Bytes) {
        // without its task the stream has failed, which `failed` tells
        let _ = self.appends.send(body);
    }

    /// Closes both connections. What was appended before is sent first.
    pub async fn close(self) -> Result<(), Error> {
        let Self { reads, writes, appends, attach, tasks: Tasks(mut tasks), .. } = self;
        drop((reads, appends, attach));
        let closing = async {
            let mut ended = Ok(());
            while let Some(task) = tasks.join_next().await {
                ended = ended.and(task.unwrap_or(Ok(())));
            }
            ended
        };
        let closed = tokio::time::timeout(CLOSE, closing).await;
        drop(writes);
        closed.unwrap_or(Err(Error::Timeout("closing the stream")))
    }
}

impl Tasks {
    /// Returns when the stream cannot go on: a connection did not end ([`Error::Unclosed`]), or a task panicked. The process
    /// should end then. Dropping the future loses nothing.
    pub async fn failed(&mut self) -> String {
        loop {
            match self.0.join_next().await {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => return chain(&error),
                Some(Err(panicked)) => return panicked.to_string(),
                None => return std::future::pending().await,
            }
        }
    }
}

/// How the stream of this name was made. Nothing is declared that is not there.
pub(super) async fn made(
    settings: &Settings,
    connection: &super::connection::Connection,
    options: &Options,
) -> Result<super::inspect::Made, Error> {
    Site::new(settings, options, "check")?.made(connection).await
}

/// How a connection's use ended.
enum End {
    /// Nobody uses the stream any more.
    Closed,
    Broken(Error),
}

/// Waits for the end of `work`, for as long as `wanted` pends.
async fn unless<T>(wanted: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = wanted => None,
        done = work => Some(done),
    }
}

/// Shares the settings of the stream with its tasks.
type Shared = Arc<Options>;
