//! Giving a copy: a thread that reads the store, part by part.
//!
//! One copy is given at a time. While it is, the store keeps what the copy needs, so a copy that nobody goes on with is given
//! up.

use crate::backup::{Files, tar};
use crate::telemetry::causes;
use bytes::{Bytes, BytesMut};
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_store::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};
use tokio::sync::oneshot;
use uuid::Uuid;

/// A copy that nobody asks for so long is given up.
const IDLE: Duration = Duration::from_secs(120);
/// A copy that nobody asks for so long makes way for another one.
const FREE: Duration = Duration::from_secs(15);

/// The copies that this member gives. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Copies(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    clock: SystemClock,
    given: Mutex<Option<Given>>,
}

/// A copy that is given.
#[derive(Debug)]
struct Given {
    id: Uuid,
    /// The number of the partition whose store it is; 0 without partitions.
    partition: u16,
    /// When somebody asked for it last.
    asked: Duration,
    /// Whether all of it was given.
    is_over: Arc<AtomicBool>,
    asks: Sender<Ask>,
}

/// Somebody asks for a part.
#[derive(Debug)]
struct Ask {
    part: u64,
    answer: oneshot::Sender<Result<Bytes, Refused>>,
}

/// Why there is no such part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The copy is not known: it was given up, or is of another run of the process.
    Unknown,
    /// It is neither the newest part nor the next one.
    Elsewhere,
    /// The store could not be read: the copy is given up.
    Failed,
}

impl Copies {
    /// Whether another copy is under way.
    pub(crate) fn is_busy(&self) -> bool {
        let now = self.0.clock.monotonic();
        self.lock().as_ref().is_some_and(|given| {
            !given.is_over.load(Ordering::Acquire) && now.saturating_sub(given.asked) < FREE
        })
    }

    /// Begins a copy of these files, in place of one that nobody went on with.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn begin(&self, partition: u16, files: Files) -> io::Result<Uuid> {
        let id = Uuid::now_v7();
        let (asks, asked) = mpsc::channel();
        let is_over = Arc::<AtomicBool>::default();
        let over = Arc::clone(&is_over);
        let reading = Reading { files: Some(files), id, made: None, over };
        thread::Builder::new().name("copy".to_owned()).spawn(move || reading.run(&asked))?;
        let asked = self.0.clock.monotonic();
        // dropping the one before ends its thread
        *self.lock() = Some(Given { id, partition, asked, is_over, asks });
        Ok(id)
    }

    /// Gives up the copy of the store of a partition, if one is under way: nobody has that store open any more, soon.
    pub(crate) fn give_up(&self, partition: u16) {
        // dropping it ends its thread
        self.lock().take_if(|given| given.partition == partition);
    }

    /// A part of a copy: the newest one, or the next. May take as long as reading it does.
    pub(crate) async fn part(&self, id: Uuid, part: u64) -> Result<Bytes, Refused> {
        let (answer, answered) = oneshot::channel();
        {
            let now = self.0.clock.monotonic();
            let mut given = self.lock();
            let given = given.as_mut().filter(|given| given.id == id).ok_or(Refused::Unknown)?;
            given.asked = now;
            given.asks.send(Ask { part, answer }).map_err(|_| Refused::Unknown)?;
        }
        answered.await.unwrap_or(Err(Refused::Unknown))
    }

    /// A poisoned lock is no harm: every change is one assignment.
    fn lock(&self) -> MutexGuard<'_, Option<Given>> {
        self.0.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread of a copy.
struct Reading {
    /// `None`: all of it was read.
    files: Option<Files>,
    id: Uuid,
    /// The newest part and its number.
    made: Option<(u64, Bytes)>,
    over: Arc<AtomicBool>,
}

impl Reading {
    fn run(mut self, asks: &Receiver<Ask>) {
        tracing::info!(copy = %self.id, "a member copies the store");
        loop {
            let ask = match asks.recv_timeout(IDLE) {
                Ok(ask) => ask,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    tracing::warn!(copy = %self.id, "the copy is given up: nobody asks for it");
                    break;
                }
            };
            let answer = self.part(ask.part);
            let failed = answer == Err(Refused::Failed);
            let _ = ask.answer.send(answer); // who asked may have gone
            if failed {
                break;
            }
        }
    }

    fn part(&mut self, part: u64) -> Result<Bytes, Refused> {
        let next = match &self.made {
            Some((newest, content)) if *newest == part => return Ok(content.clone()),
            Some((newest, _)) => newest + 1,
            None => 0,
        };
        let Some(files) = self.files.as_mut().filter(|_| part == next) else {
            return Err(Refused::Elsewhere);
        };
        let content = next_part(files).map_err(|error| {
            tracing::error!(copy = %self.id, error = causes(&error), "the store cannot be copied");
            Refused::Failed
        })?;
        if files.is_over() {
            let manifest = files.manifest();
            tracing::info!(
                copy = %self.id, end_sequence = manifest.end_sequence, bytes = manifest.bytes(),
                "the store was copied"
            );
            // the store need not keep anything for it any more
            self.files = None;
            self.over.store(true, Ordering::Release);
        }
        self.made = Some((part, content.clone()));
        Ok(content)
    }
}

/// The next file as a piece of the archive, with the archive's end behind the last one.
fn next_part(files: &mut Files) -> Result<Bytes, Error> {
    let mut content = BytesMut::new();
    if let Some(file) = files.next_file()? {
        for piece in tar::pack(&file, SystemClock::default().now()) {
            content.extend_from_slice(&piece);
        }
    }
    if files.is_over() {
        content.extend_from_slice(&tar::end());
    }
    Ok(content.freeze())
}

#[cfg(test)]
mod tests;
