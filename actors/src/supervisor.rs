//! Supervision that is real: an actor that panics is restarted, with its queue and its address.
//!
//! actix's own `Supervisor` does not survive a panic: it unwinds the task that polls the
//! actor, and queue and addresses are gone. Here the actor's [`ContextFut`] is polled inside
//! `catch_unwind`; after a panic its public `restart()` drops what the actor had spawned, calls
//! [`Supervised::restarting`] on it, and the queue goes on in order. The actor loses the message in
//! hand; the sender gets `MailboxError::Closed` and still has the message.
//!
//! Two kinds of failure are told apart:
//! - A panic while the actor works (a handler, a spawned future) costs nothing but the message.
//!   There is no pause: the sequencer waits for the actor, and the shop for the sequencer.
//! - A panic while the actor reloads and starts again (`restarting`, then `started`) spends the restart
//!   budget, with a growing pause; when the budget is spent the process must end, which the
//!   supervisor reports through [`Failures`].
//!
//! # Messages are handled at once
//! All owners live on one thread, and an owner is idle when a message comes: so [`OwnerAddr::send`] does not wake
//! the task of the actor and wait for its turn, but polls the actor's context in place. The context takes the message out of its
//! queue, behind those that were there before, and runs the handler, under the same `catch_unwind`. It is polled with the waker
//! of the task, so whatever the actor waits for afterwards, it is the task that goes on.
//!
//! Needs `panic = "unwind"` in every profile.

use crate::owner::Owner;
use actix::dev::ContextFut;
use actix::prelude::*;
use orderly_domain::time::growing_pause;
use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;
use tokio::sync::mpsc;

/// How often an actor may fail to start or reload in a row, and how long to wait in between.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Failures in a row after which the actor is still restarted.
    pub restarts: u32,
    /// The pause after the first failure. It doubles with each further failure.
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
    /// The actor handles messages.
    Running = 0,
    /// The actor starts or reloads, or waits until it is started again.
    Restarting = 1,
    /// The restart budget is exceeded, or the actor ended.
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

    /// Restarts so far, whatever the cause. A restart that fails counts too.
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

    /// The message of the last panic.
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

/// An actor that can be supervised: the actor has a name and keeps statistics.
pub trait Monitored: Supervised {
    /// The actor's name in logs, metrics and the admin API.
    const OWNER: Owner;

    /// How the actor is doing.
    fn stats(&self) -> &ActorStats;
}

/// An actor failed to restart too often: the process must end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {owner} actor failed to restart {failures} times: {last}")]
pub struct RestartBudgetExceeded {
    /// The actor's owner.
    pub owner: Owner,
    /// Failures in a row.
    pub failures: u32,
    /// The message of the last panic.
    pub last: String,
}

/// Where supervisors report an actor whose restart budget is exceeded.
pub type Failures = mpsc::UnboundedSender<RestartBudgetExceeded>;

/// Starts an actor on the current thread's runtime, under supervision.
pub fn supervise<A>(actor: A, budget: Budget, failures: Failures) -> OwnerAddr<A>
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
    // polled once before anybody has the address: the actor has started when the first message comes
    let mut nobody = TaskContext::from_waker(Waker::noop());
    if let Polled::Panicked(problem) = supervisor.poll_actor(&mut nobody) {
        supervisor.panicked(problem);
    }
    let shared = Rc::new(Shared { supervisor: RefCell::new(supervisor), task: RefCell::new(None) });
    actix::spawn(Task(Rc::clone(&shared)));
    OwnerAddr { address, shared }
}

/// The address of a supervised actor, on the actor's thread.
pub struct OwnerAddr<A: Monitored + Actor<Context = Context<A>>> {
    address: Addr<A>,
    shared: Rc<Shared<A>>,
}

/// A supervised actor, as its task and its addresses share it.
struct Shared<A: Monitored + Actor<Context = Context<A>>> {
    supervisor: RefCell<Supervisor<A>>,
    /// Wakes the task of the actor; `None` before its first turn.
    task: RefCell<Option<Waker>>,
}

impl<A: Monitored + Actor<Context = Context<A>>> Clone for OwnerAddr<A> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), shared: Rc::clone(&self.shared) }
    }
}

impl<A: Monitored + Actor<Context = Context<A>> + Unpin> OwnerAddr<A> {
    /// Sends a message, and waits for the reply. An idle actor handles the message before this returns for the first time.
    pub fn send<M>(&self, message: M) -> impl Future<Output = Result<M::Result, MailboxError>>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let request = self.address.send(message);
        self.shared.handle();
        request
    }

    /// Sends a message whose reply nobody waits for. An error: the queue is full, or the actor has ended.
    pub fn try_send<M>(&self, message: M) -> Result<(), SendError<M>>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        self.address.try_send(message)?;
        self.shared.handle();
        Ok(())
    }
}

impl<A: Monitored + Actor<Context = Context<A>> + Unpin> Shared<A> {
    /// Has the actor handle what is in its queue, here and now. Whatever the actor waits for then wakes its task.
    fn handle(&self) {
        // when the actor is at work further up the stack, the message has woken its task
        let Ok(mut supervisor) = self.supervisor.try_borrow_mut() else { return };
        let task = self.task.borrow();
        // a task without a waker has yet to take its first turn
        let waker = task.as_ref().unwrap_or(Waker::noop());
        let _ = supervisor.poll_once(&mut TaskContext::from_waker(waker));
    }
}

/// The task of a supervised actor.
struct Task<A: Monitored + Actor<Context = Context<A>>>(Rc<Shared<A>>);

impl<A: Monitored + Actor<Context = Context<A>> + Unpin> Future for Task<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let mut waker = self.0.task.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(task.waker())) {
            *waker = Some(task.waker().clone());
        }
        drop(waker);
        self.0.supervisor.borrow_mut().poll_once(task)
    }
}

/// Has the actor counted as running once `started`, and whatever `started` waits for, has returned.
///
/// `ContextFut` calls `started` at the first poll after every restart, in the same poll as the
/// first messages: only a future of its own tells a panic in `started` from a later one.
fn note_started<A: Monitored + Actor<Context = Context<A>>>(context: &mut Context<A>) {
    let note = actix::fut::wrap_future::<_, A>(std::future::ready(()));
    context.wait(note.map(|(), actor, _| actor.stats().set(Health::Running)));
}

struct Supervisor<A: Monitored + Actor<Context = Context<A>>> {
    /// `None` once the budget is exceeded, or nobody has the actor's address any more.
    fut: Option<ContextFut<A, Context<A>>>,
    budget: Budget,
    failures: Failures,
    stats: ActorStats,
    /// Failures to start or reload since the actor last worked.
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

    /// An actor that panicked while it worked is restarted at once; a panic in `started` spends budget.
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

    /// Drops what the actor had spawned, and lets the actor reload. `restarting` may panic in turn.
    fn restart(&mut self) {
        let Some(fut) = &mut self.fut else { return };
        self.stats.restarted();
        let reload = || {
            crate::failpoints::hit("reload", A::OWNER.as_str());
            fut.restart()
        };
        match catch_unwind(AssertUnwindSafe(reload)) {
            Ok(true) => note_started(fut.ctx()),
            Ok(false) => self.give_up(), // nobody has the address any more
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
        let exceeded = RestartBudgetExceeded { owner, failures: self.in_a_row, last: problem };
        let _ = self.failures.send(exceeded); // nobody listens when the process already ends
        self.give_up();
    }

    /// Drops the actor with its queue: senders get an error.
    fn give_up(&mut self) {
        self.stats.set(Health::Stopped);
        let Some(mut fut) = self.fut.take() else {
            return;
        };
        fut.ctx().terminate(); // without this, dropping would start the actor once more to stop it
        drop(catch_unwind(AssertUnwindSafe(|| drop(fut))));
    }
}

impl<A: Monitored + Actor<Context = Context<A>> + Unpin> Supervisor<A> {
    /// Polls the actor until it waits, and restarts it when it panics. Ready: the actor has ended.
    fn poll_once(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        loop {
            if let Some(pause) = &mut self.pause {
                std::task::ready!(pause.as_mut().poll(task));
                self.pause = None;
                self.restart();
                continue; // `restarting` may have asked for the next pause
            }
            match self.poll_actor(task) {
                Polled::Pending => return Poll::Pending,
                Polled::Ended => break,
                Polled::Panicked(problem) => self.panicked(problem),
            }
        }
        self.fut = None;
        self.stats.set(Health::Stopped);
        Poll::Ready(())
    }
}

/// The message of a panic.
fn text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "the panic has no message".to_owned())
}

#[cfg(test)]
mod tests;
