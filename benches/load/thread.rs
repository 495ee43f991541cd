//! Work of the bench beside its main thread: looking at something again and again, and taking messages.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use anyhow::{Result, anyhow};
use tokio::time::{Duration, Instant};

use super::broker::Broker;

/// A thread that goes on until it is stopped, and then has a result.
pub(crate) struct Worker<T> {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<T>>,
}

impl<T: Send + 'static> Worker<T> {
    fn start(work: impl FnOnce(&AtomicBool) -> Result<T> + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        Self { stop, thread: thread::spawn(move || work(&told)) }
    }

    /// Whether it has ended on its own, with its result or because it failed.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it. Fails with what it failed with.
    pub(crate) fn stop(self) -> Result<T> {
        self.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    /// Waits until it ends on its own.
    pub(crate) fn join(self) -> Result<T> {
        self.thread.join().map_err(|_| anyhow!("a thread of the bench panicked"))?
    }
}

/// Does something once.
pub(crate) fn once<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Worker<T> {
    Worker::start(|_| work())
}

/// Looks at something at regular times. The result is what it saw.
pub(crate) fn sample<T: Send + 'static>(
    every: Duration,
    mut look: impl FnMut() -> Result<T> + Send + 'static,
) -> Worker<Vec<T>> {
    Worker::start(move |stop| {
        let began = Instant::now();
        let mut seen = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            seen.push(look()?);
            let next = every * u32::try_from(seen.len())?;
            thread::sleep(next.saturating_sub(began.elapsed()));
        }
        seen.push(look()?);
        Ok(seen)
    })
}

/// Takes the messages of a queue as they come, and shows each to `look` with the time of its arrival. It ends when `look`
/// returns true, too.
pub(crate) fn take<T: Send + 'static>(
    url: &str,
    namespace: &str,
    queue: String,
    mut state: T,
    mut look: impl FnMut(&mut T, Instant, &[u8]) -> Result<bool> + Send + 'static,
) -> Worker<T> {
    let (url, namespace) = (url.to_owned(), namespace.to_owned());
    Worker::start(move |stop| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(async {
            let broker = Broker::connect(&url, &namespace).await?;
            let mut messages = broker.consume(&queue).await?;
            while !stop.load(Ordering::Relaxed) {
                let next = messages.next(Duration::from_millis(100)).await?;
                let now = Instant::now();
                if let Some(delivery) = next
                    && look(&mut state, now, &delivery.data)?
                {
                    break;
                }
            }
            messages.end().await?;
            Ok(state)
        })
    })
}
