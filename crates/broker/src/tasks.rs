//! The tasks of a driver, and what becomes of one that panics.
//!
//! Invariant: no task of a driver ends unseen. A publishing channel that panics ends its driver. A
//! driver that panics says so in its [`Status`] before the intake ends, which ends the process.

use std::{any::Any, future::Future, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tracing::error;

use super::{Failure, FailureKind, Intake, Phase, Status, publisher::ChannelKind};

/// A task of the driver panicked, which is a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{task} panicked: {problem}")]
pub struct Panicked {
    task: String,
    problem: String,
}

impl Panicked {
    fn new(task: impl Into<String>, panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let problem = text
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        Self { task: task.into(), problem }
    }
}

impl From<Panicked> for Failure {
    fn from(panicked: Panicked) -> Self {
        Self { kind: FailureKind::DriverPanicked, detail: panicked.to_string() }
    }
}

/// The tasks of the publishing channels. Dropping the set ends them: what is not confirmed by then
/// is [`Lost`](super::Confirm::Lost).
#[derive(Debug, Default)]
pub(crate) struct ChannelTasks(JoinSet<Result<(), Panicked>>);

impl ChannelTasks {
    /// Starts the task of one channel on the current tokio runtime.
    pub(crate) fn spawn(
        &mut self,
        kind: ChannelKind,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.0.spawn(async move {
            let ended = AssertUnwindSafe(work).catch_unwind().await;
            ended.map_err(|panic| {
                Panicked::new(format!("the publishing channel for {}", kind.as_str()), &*panic)
            })
        });
    }

    /// Returns when a channel has panicked; pends while none has. A channel that ends without a
    /// panic has no publisher any more. Dropping the future loses nothing.
    pub(crate) async fn panicked(&mut self) -> Panicked {
        loop {
            match self.0.join_next().await {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(panicked))) => return panicked,
                // Not reached, as the task catches its own panics and nobody aborts it.
                Some(Err(error)) => {
                    let (task, problem) = ("a publishing channel".to_owned(), error.to_string());
                    return Panicked { task, problem };
                }
                None => std::future::pending().await,
            }
        }
    }
}

/// Starts the task of a driver. Whoever holds the link sees its end as the end of the intake.
pub(crate) fn spawn_driver(
    status: watch::Sender<Status>,
    intake: mpsc::Sender<Intake>,
    driver: impl Future<Output = ()> + Send + 'static,
) {
    tokio::spawn(async move {
        if let Err(panic) = AssertUnwindSafe(driver).catch_unwind().await {
            let failure = Failure::from(Panicked::new("the driver", &*panic));
            report_end(&status, failure);
        }
        // The intake ends after the report, so that whoever sees the end can read the reason.
        drop(intake);
    });
}

/// Shows and logs that a driver ends by itself.
pub(crate) fn report_end(status: &watch::Sender<Status>, failure: Failure) {
    let reason = failure.kind.as_str();
    error!(reason, error = failure.detail, "the driver of the broker ends");
    status.send_modify(|status| {
        status.phase = Phase::Closed;
        status.last_error = Some(failure);
    });
}

/// The place where a test may make a publishing channel panic.
#[cfg(feature = "failpoints")]
pub(crate) fn failpoint(kind: ChannelKind) {
    let name = match kind {
        ChannelKind::Events => "worker:publish_events",
        ChannelKind::Mandatory => "worker:publish_mandatory",
        ChannelKind::Commands => "worker:publish_commands",
        ChannelKind::Marks => "worker:publish_marks",
        ChannelKind::Replies => "worker:publish_replies",
    };
    fail::fail_point!(name);
}

/// The place where a test may make a publishing channel panic: not in this build.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn failpoint(_: ChannelKind) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_channel_that_ends_is_no_panic_and_one_that_panics_is_named() {
        let mut tasks = ChannelTasks::default();
        tasks.spawn(ChannelKind::Events, async {});
        let silence = tokio::time::timeout(std::time::Duration::from_millis(50), tasks.panicked());
        assert!(silence.await.is_err());

        tasks.spawn(ChannelKind::Mandatory, async { panic!("no {}", "more") });

        let panicked = tasks.panicked().await.to_string();
        assert_eq!(panicked, "the publishing channel for mandatory messages panicked: no more");
    }

    #[tokio::test]
    async fn a_driver_that_panics_says_so_before_the_intake_ends() {
        let (status_sender, status) = watch::channel(Status::default());
        let (intake_sender, mut intake) = mpsc::channel(1);
        let driver_intake = intake_sender.clone();
        spawn_driver(status_sender, intake_sender, async move {
            let _intake = driver_intake;
            panic!("a bug");
        });

        assert_eq!(intake.recv().await, None);

        let status = status.borrow().clone();
        assert_eq!(status.phase, Phase::Closed);
        let failure = status.last_error.expect("the reason");
        assert_eq!(failure.kind, FailureKind::DriverPanicked);
        assert_eq!(failure.detail, "the driver panicked: a bug");
    }
}
