//! Supervision that is real: an actor that panics is restarted, with its queue and its address.
//!
//! actix's own `Supervisor` does not survive a panic: it unwinds the task that polls the
//! actor, and queue and addresses are gone. Here the actor's [`ContextFut`] is polled inside
//! `catch_unwind`; after a panic its public `restart()` drops what the actor had spawned, calls
//! [`Supervised::restarting`] on it, and the queue goes on in order. The message in hand is
//! lost to the actor, not to its sender, who hears `MailboxError::Closed` and still owns it.
//!
//! Two kinds of failure are told apart:
//! - A panic while it works (a handler, a spawned future) costs nothing but the message. There
//!   is no pause, since the sequencer waits for this actor and with it the shop.
//! - A panic while it reloads and starts again (`restarting`, then `started`) spends the restart
//!   budget, with a growing pause; when the budget is spent the process must end, which the
//!   supervisor reports through [`Failures`].
//!
//! Needs `panic = "unwind"` in every profile.

use crate::owner::Owner;
use actix::dev::ContextFut;
use actix::prelude::*;
use orderly_domain::time::growing_pause;
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;
use tokio::sync::mpsc;

/// How often an actor may fail to start or reload in a row, and how long to wait in between.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Failures in a row that are forgiven.
    pub restarts: u32,
    /// The pause after the first; it doubles with each further one.
    pub pause: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { restarts: 5, pause: Duration::from_millis(50), longest: Duration::from_secs(5) }
    }
}

impl Budget {
    fn pause_after(&self, failures: u32) -> Duration {
        growing_pause(self.pause, self.longest, failures)
    }
}

/// How an actor is doing, readable from any thread.
#[derive(Debug, Clone, Default)]
pub struct ActorStats(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: AtomicU8,
    restarts: AtomicU64,
    handled: AtomicU64,
    last_failure: Mutex<Option<String>>,
}

/// Whether an actor works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Health {
    /// It handles messages.
    Running = 0,
    /// It starts or reloads, or waits to try that again.
    Restarting = 1,
    /// Its budget is spent, or it ended.
    Stopped = 2,
}

impl Health {
    /// The name in the admin API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
        }
    }
}

impl ActorStats {
    /// Counts a message that was taken from the queue.
    pub fn handled(&self) {
        self.0.handled.fetch_add(1, Ordering::Relaxed);
    }

    /// Messages taken from the queue so far.
    pub fn handled_so_far(&self) -> u64 {
        self.0.handled.load(Ordering::Relaxed)
    }

    /// Restarts so far, whatever the cause; a try that fails counts too.
    pub fn restarts(&self) -> u64 {
        self.0.restarts.load(Ordering::Relaxed)
    }

    /// Whether the actor works.
    pub fn health(&self) -> Health {
        match self.0.state.load(Ordering::Relaxed) {
            0 => Health::Running,
            1 => Health::Restarting,
            _ => Health::Stopped,
        }
    }

    /// What the last panic said.
    pub fn last_failure(&self) -> Option<String> {
        self.0.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, health: Health) {
        self.0.state.store(health as u8, Ordering::Relaxed);
    }

    fn restarted(&self) {
        self.set(Health::Restarting);
        self.0.restarts.fetch_add(1, Ordering::Relaxed);
    }

    fn failed(&self, problem: String) {
        *self.0.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }
}

/// An actor that can be supervised: it has a name and stats.
pub trait Monitored: Supervised {
    /// Its name in logs, metrics and the admin API.
    const OWNER: Owner;

    /// How it is doing.
    fn stats(&self) -> &ActorStats;
}

/// An actor spent its restart budget: the process must end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {owner} actor failed to restart {failures} times: {last}")]
pub struct RestartBudgetExceeded {
    /// Which.
    pub owner: Owner,
    /// How many times in a row.
    pub failures: u32,
    /// What it said last.
    pub last: String,
}

/// Where supervisors report that a budget is spent.
pub type Failures = mpsc::UnboundedSender<RestartBudgetExceeded>;

/// Starts an actor on the current thread's runtime, under supervision.
pub fn supervise<A>(actor: A, budget: Budget, failures: Failures) -> Addr<A>
where
    A: Monitored + Actor<Context = Context<A>> + Unpin,
{
    let stats = actor.stats().clone();
    stats.set(Health::Restarting);
    let mut context = Context::new();
    let address = context.address();
    note_started(&mut context);
    let mut supervisor = Supervisor {
        fut: Some(context.into_future(actor)),
        budget,
        failures,
        stats,
        in_a_row: 0,
        pause: None,
    };
    // polled once before anybody can send: an actor that starts well works from the first message
    let mut nobody = TaskContext::from_waker(Waker::noop());
    if let Polled::Panicked(problem) = supervisor.poll_actor(&mut nobody) {
        supervisor.panicked(problem);
    }
    actix::spawn(supervisor);
    address
}

/// Has the actor noted as running once `started`, and what that waits for, has returned.
///
/// `ContextFut` calls `started` at the first poll after every restart, in the same poll as the
/// first messages: nothing but a future of its own tells a panic in there from one behind it.
fn note_started<A: Monitored + Actor<Context = Context<A>>>(context: &mut Context<A>) {
    let note = actix::fut::wrap_future::<_, A>(std::future::ready(()));
    context.wait(note.map(|(), actor, _| actor.stats().set(Health::Running)));
}

struct Supervisor<A: Monitored + Actor<Context = Context<A>>> {
    /// `None` once the budget is spent, or nobody has its address any more.
    fut: Option<ContextFut<A, Context<A>>>,
    budget: Budget,
    failures: Failures,
    stats: ActorStats,
    /// Failures to start or reload since it last worked.
    in_a_row: u32,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

enum Polled {
    Pending,
    Ended,
    Panicked(String),
}

impl<A: Monitored + Actor<Context = Context<A>> + Unpin> Supervisor<A> {
    fn poll_actor(&mut self, task: &mut TaskContext<'_>) -> Polled {
        let Some(fut) = &mut self.fut else {
            return Polled::Ended;
        };
        match catch_unwind(AssertUnwindSafe(|| Pin::new(fut).poll(task))) {
            Ok(Poll::Pending) => Polled::Pending,
            Ok(Poll::Ready(())) => Polled::Ended,
            Err(panic) => Polled::Panicked(text(&*panic)),
        }
    }

    /// A panic of one that worked is forgiven at once; one of `started` spends budget.
    fn panicked(&mut self, problem: String) {
        if self.stats.health() != Health::Running {
            return self.failed_to_start(problem);
        }
        let owner = A::OWNER;
        tracing::error!(actor = %owner, problem, "actor panicked and is restarted");
        self.stats.failed(problem);
        self.in_a_row = 0;
        self.restart();
    }

    /// Drops what the actor had spawned, and lets it reload; `restarting` may panic in turn.
    fn restart(&mut self) {
        let Some(fut) = &mut self.fut else { return };
        self.stats.restarted();
        let reload = || {
            crate::failpoints::hit("reload", A::OWNER.as_str());
            fut.restart()
        };
        match catch_unwind(AssertUnwindSafe(reload)) {
            Ok(true) => note_started(fut.ctx()),
            Ok(false) => self.give_up(), // nobody has its address any more
            Err(panic) => self.failed_to_start(text(&*panic)),
        }
    }

    /// Spends budget: pauses before the next try, or gives up.
    fn failed_to_start(&mut self, problem: String) {
        self.in_a_row += 1;
        let owner = A::OWNER;
        tracing::error!(actor = %owner, problem, in_a_row = self.in_a_row, "actor failed to start");
        self.stats.failed(problem.clone());
        if self.in_a_row <= self.budget.restarts {
            let pause = self.budget.pause_after(self.in_a_row);
            self.pause = Some(Box::pin(tokio::time::sleep(pause)));
            return;
        }
        let spent = RestartBudgetExceeded { owner, failures: self.in_a_row, last: problem };
        let _ = self.failures.send(spent); // nobody hears it when the process ends already
        self.give_up();
    }

    /// Drops the actor with its queue: senders hear that it is closed.
    fn give_up(&mut self) {
        self.stats.set(Health::Stopped);
        let Some(mut fut) = self.fut.take() else {
            return;
        };
        fut.ctx().terminate(); // or it would be started once more, to be stopped
        drop(catch_unwind(AssertUnwindSafe(|| drop(fut))));
    }
}

impl<A: Monitored + Actor<Context = Context<A>> + Unpin> Future for Supervisor<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            if let Some(pause) = &mut this.pause {
                std::task::ready!(pause.as_mut().poll(task));
                this.pause = None;
                this.restart();
                continue; // `restarting` may have asked for the next pause
            }
            match this.poll_actor(task) {
                Polled::Pending => return Poll::Pending,
                Polled::Ended => break,
                Polled::Panicked(problem) => this.panicked(problem),
            }
        }
        this.stats.set(Health::Stopped);
        Poll::Ready(())
    }
}

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked without words".to_owned())
}

#[cfg(test)]
mod tests;
