//! Starts the threads and tasks of the pipeline, and ends the process when one of them fails.
//!
//! Every worker is started here, by name. One that panics, or ends with an error, ends the process: [`Watch::failed`]
//! says which worker it was, readiness shows it, and the platform starts the process again. Nothing that was not
//! acknowledged is lost by that. A worker that returns without an error has seen that the others are gone.
//!
//! | worker | is | started by |
//! |---|---|---|
//! | `core` | thread | `core::start` |
//! | `store` | thread | `storage::start` |
//! | `relay` | task | `relay::start` |
//! | `replies`, `outbound` | tasks | `outbound` |
//! | `amqp`, `webhook` | tasks | `notifier::start` |
//! | `journal` | task | `Pipeline::start`, where several members share a journal |
//! | `watchdog` | task | `Pipeline::start` |
//! | `spans` | task | `Pipeline::start`, where there is an endpoint for traces |
//! | `readiness`, `census` | tasks | `process` |
//! | `router` | task | `process`, where there are partitions |
//! | `sharing` | task | `process`, on a member of a cluster with partitions |
//!
//! Three parts of the process start their own, and are watched in their own way. The admin server's thread: `cli::serve`
//! ends with it. The driver of the broker and its publishing channels (`orderly_broker`): the intake ends with them, and the
//! core with the intake. The supervisors of the actors: they report to the core.
//!
//! With the feature `failpoints` of `orderly-actors` a test makes a worker panic where it takes up work: the fault
//! `worker:NAME`.

use super::Error;
use futures_util::FutureExt as _;
use orderly_actors::failpoints;
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Starts workers. Clones report to the same [`Watch`].
#[derive(Debug, Clone)]
pub struct Workers {
    runtime: tokio::runtime::Handle,
    failures: mpsc::UnboundedSender<Error>,
    /// All tasks that were started.
    tasks: Arc<Mutex<Vec<tokio::task::AbortHandle>>>,
}

/// Tells which worker failed.
#[derive(Debug)]
pub struct Watch(mpsc::UnboundedReceiver<Error>);

impl Watch {
    /// Returns when a worker has failed; pends while all work.
    pub async fn failed(&mut self) -> Error {
        match self.0.recv().await {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }
}

impl Workers {
    /// Must be called on the runtime that runs the tasks.
    pub fn new() -> (Self, Watch) {
        let (failures, failed) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Handle::current();
        (Self { runtime, failures, tasks: Arc::default() }, Watch(failed))
    }

    /// Starts a task. Its error ends the process.
    pub fn spawn<F>(&self, name: &'static str, work: F) -> tokio::task::AbortHandle
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let failures = self.failures.clone();
        let task = self.runtime.spawn(async move {
            let ended = AssertUnwindSafe(work).catch_unwind().await;
            report(&failures, name, ended);
        });
        let task = task.abort_handle();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task.clone());
        task
    }

    /// Ends all tasks where they are: what they have in hand must not leave the process any more.
    pub fn abort(&self) {
        for task in &*self.tasks.lock().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }

    /// Starts a thread. Its error ends the process.
    pub fn thread(
        &self,
        name: &'static str,
        work: impl FnOnce() -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let failures = self.failures.clone();
        std::thread::Builder::new()
            .name(format!("orderly-{name}"))
            .spawn(move || report(&failures, name, catch_unwind(AssertUnwindSafe(work))))
            .map_err(|error| Error::Thread(error.to_string()))?;
        Ok(())
    }
}

fn report(
    failures: &mpsc::UnboundedSender<Error>,
    worker: &'static str,
    ended: Result<Result<(), Error>, Box<dyn Any + Send>>,
) {
    let error = match ended {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error,
        Err(panic) => Error::Worker { worker, problem: text(&*panic) },
    };
    tracing::error!(worker, %error, "a worker failed: the process ends");
    let _ = failures.send(error); // the process is ending already
}

/// The message of a panic.
pub fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// A point of a command's way, where a test may end the process.
pub fn point(name: &str) {
    failpoints::hit("point", name);
}

/// The place where a test may make a worker panic.
pub fn failpoint(name: &str) {
    failpoints::hit("worker", name);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn failure(watch: &mut Watch) -> Error {
        tokio::time::timeout(Duration::from_secs(5), watch.failed()).await.expect("it is reported")
    }

    #[tokio::test]
    async fn a_task_and_a_thread_that_panic_are_reported_by_name() {
        let (workers, mut watch) = Workers::new();
        workers.spawn("relay", async { panic!("the relay's {}", "problem") });
        let Error::Worker { worker, problem } = failure(&mut watch).await else { panic!("which?") };
        assert_eq!((worker, problem.as_str()), ("relay", "the relay's problem"));
        workers.thread("store", || panic!("no more")).expect("a thread");
        let Error::Worker { worker, problem } = failure(&mut watch).await else { panic!("which?") };
        assert_eq!((worker, problem.as_str()), ("store", "no more"));
    }

    #[tokio::test]
    async fn an_error_is_reported_as_it_is_and_an_orderly_end_is_not() {
        let (workers, mut watch) = Workers::new();
        workers.spawn("relay", async { Ok(()) });
        workers.spawn("relay", async { Err(Error::Relay) });
        assert!(matches!(failure(&mut watch).await, Error::Relay));
        let silence = tokio::time::timeout(Duration::from_millis(100), watch.failed()).await;
        assert!(silence.is_err(), "{silence:?}");
    }
}
