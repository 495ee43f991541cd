//! The sources of answers: the store's reader for states, the core for everything else.

use super::Error;
use super::admission::{Admission, Permit};
use crate::admin::operation::{Operation, Shared};
use crate::admin::problem::Problem;
use crate::backup::Files;
use crate::cluster::{Cluster, OwnerView};
use crate::config::{self, ByteSize};
use crate::copy::source::Copies;
use crate::pipeline::{Dismissed, Gone, Handle, Replay, Replayed, Resend, Submitter, Tried};
use actix_web::http::StatusCode;
use actix_web::web;
use orderly_actors::audit::Audit;
use orderly_actors::sequencer::InboundMessage;
use orderly_domain::id::Operator;
use orderly_store::backup::Source;
use orderly_store::{Ordinal, Reader};
use serde_json::json;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// Asks a standby for what a copy of its store is read from.
type CopyAsks = mpsc::UnboundedSender<oneshot::Sender<Source>>;

/// The store's reader and the core, as far as the process has started them: first the reader, then the core.
#[derive(Clone)]
pub struct Backend(Arc<Inner>);

impl Shared for Backend {
    fn describe(operation: &mut Operation) {
        operation.problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "The process is starting or ends, or its store cannot be read; or another member owns the namespace (`reason` is \
             `not_owner`, and `owner` says which)",
        );
    }
}

struct Inner {
    /// A member of a cluster may replace its store.
    reader: RwLock<Option<Reader>>,
    standby: RwLock<Option<CopyAsks>>,
    copies: Copies,
    core: OnceLock<Handle>,
    submitter: OnceLock<Submitter>,
    admission: Admission,
    /// One backup is made at a time.
    backups: Arc<Semaphore>,
    /// The most bytes that a backup reads in a second.
    backup_rate: ByteSize,
    cluster: Cluster,
}

impl Default for Backend {
    fn default() -> Self {
        let backup_rate = config::Store::default().backup_rate;
        Self::new(&config::Intake::default(), backup_rate, Cluster::default())
    }
}

impl Backend {
    /// Nothing is started yet. `intake` has the limits of commands over HTTP. A backup will read at most `backup_rate` bytes in a
    /// second.
    pub fn new(intake: &config::Intake, backup_rate: ByteSize, cluster: Cluster) -> Self {
        Self(Arc::new(Inner {
            reader: RwLock::default(),
            standby: RwLock::default(),
            copies: Copies::default(),
            core: OnceLock::new(),
            submitter: OnceLock::new(),
            admission: Admission::new(intake),
            backups: Arc::new(Semaphore::new(1)),
            backup_rate,
            cluster,
        }))
    }

    /// Sets what publishes commands.
    pub fn submit_through(&self, submitter: Submitter) {
        let _ = self.0.submitter.set(submitter); // a process has one broker
    }

    /// Sets the reader: from now on states can be read.
    pub fn read_from(&self, reader: Reader) {
        set(&self.0.reader, Some(reader));
    }

    /// Lets go of the reader: until there is another one, no state can be read.
    pub fn read_nothing(&self) {
        set(&self.0.reader, None);
    }

    /// Sets the standby that copies are asked of, until the core can be.
    pub fn copy_from(&self, standby: CopyAsks) {
        set(&self.0.standby, Some(standby));
    }

    /// Sets the core: from now on it can be asked.
    pub fn ask(&self, core: Handle) {
        let _ = self.0.core.set(core); // a process has one core
    }

    /// The core, or 503 before it runs.
    pub(super) fn core(&self) -> Result<&Handle, Problem> {
        self.0.core.get().ok_or_else(|| self.not_processing())
    }

    /// The members of the namespace.
    pub(super) fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    /// Why no commands are processed here.
    fn not_processing(&self) -> Problem {
        if self.0.cluster.owns() {
            return Problem::unavailable("no commands are processed yet");
        }
        let owner = self.0.cluster.status().and_then(|status| status.owner);
        let Some(owner) = owner else {
            return Problem::unavailable(
                "this member does not own the namespace, and knows of no owner at the moment",
            )
            .with("reason", json!("not_owner"));
        };
        Problem::unavailable(format!("another member owns the namespace: {}", owner.node))
            .with("reason", json!("not_owner"))
            .with("owner", json!(OwnerView::new(&owner.node, &owner.url)))
    }

    /// Runs a query on a thread that may block. There are few such threads (`QUERIES`); further queries wait. A query that
    /// panics is answered with 500 and does no other harm.
    pub(super) async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let reader = get(&self.0.reader);
        let reader = reader.ok_or_else(|| Problem::unavailable("the process is starting"))?;
        match web::block(move || query(&reader)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Problem::internal(&"a query panicked")),
        }
    }

    pub(super) async fn audit(&self) -> Result<Audit, Problem> {
        let audit = self.core()?.audit().await.map_err(ending)?;
        audit.map_err(|error| {
            tracing::error!(%error, "audit failed: the store cannot be read");
            Problem::unavailable("the store cannot be read")
        })
    }

    /// Begins a backup. `None`: another one is under way. This one is, until the permit is dropped.
    pub(super) async fn back_up(&self) -> Result<Option<(Files, OwnedSemaphorePermit)>, Problem> {
        let core = self.core()?;
        let Ok(turn) = Arc::clone(&self.0.backups).try_acquire_owned() else {
            return Ok(None);
        };
        let source = core.backup().await;
        let source = source.map_err(ending)?;
        Ok(Some((Files::new(source, self.0.backup_rate), turn)))
    }

    /// The copies that this member gives.
    pub(super) fn copies(&self) -> &Copies {
        &self.0.copies
    }

    /// Begins a copy of the store, also of a standby.
    pub(super) async fn begin_copy(&self) -> Result<Files, Problem> {
        let source = if let Some(core) = self.0.core.get() {
            core.backup().await.map_err(ending)?
        } else {
            let standby = get(&self.0.standby).ok_or_else(|| self.not_processing())?;
            let (answer, answered) = oneshot::channel();
            let _ = standby.send(answer); // a standby that has just become the owner does not answer
            answered.await.map_err(|_| Problem::unavailable("the member is taking over"))?
        };
        Ok(Files::new(source, self.0.backup_rate))
    }

    /// Whether the core has ended, so the process is ending.
    pub(super) fn has_ended(&self) -> bool {
        self.0.core.get().is_some_and(Handle::has_ended)
    }

    pub(super) async fn resend(
        &self,
        notifications: Vec<String>,
        operator: Option<Operator>,
    ) -> Result<Vec<Resend>, Problem> {
        self.core()?.resend(notifications, operator).await.map_err(ending)
    }

    /// Stops taking messages from the broker, or takes them again.
    pub(super) async fn set_paused(
        &self,
        paused: bool,
        operator: Option<Operator>,
    ) -> Result<(), Problem> {
        let core = self.core()?;
        let set = if paused { core.pause(operator).await } else { core.resume(operator).await };
        set.map_err(ending)
    }

    /// Lets a command over HTTP in, or says when to come again.
    pub(super) fn admit(&self) -> Result<Permit, Problem> {
        self.0.admission.admit()
    }

    /// What publishes commands, or 503 before it runs.
    pub(super) fn submitter(&self) -> Result<&Submitter, Problem> {
        self.0.submitter.get().ok_or_else(|| self.not_processing())
    }

    pub(super) async fn replay(&self, replay: Replay) -> Result<Vec<Replayed>, Problem> {
        self.core()?.replay(replay).await.map_err(ending)
    }

    /// What would become of a command.
    pub(super) async fn try_command(&self, inbound: InboundMessage) -> Result<Tried, Problem> {
        self.core()?.try_command(inbound).await.map_err(ending)
    }

    pub(super) async fn dismiss(
        &self,
        messages: Vec<Ordinal>,
        operator: Option<Operator>,
    ) -> Result<Vec<Dismissed>, Problem> {
        self.core()?.dismiss(messages, operator).await.map_err(ending)
    }
}

/// A poisoned lock is no harm: every change is one assignment.
fn get<T: Clone>(shared: &RwLock<Option<T>>) -> Option<T> {
    shared.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn set<T>(shared: &RwLock<Option<T>>, value: Option<T>) {
    *shared.write().unwrap_or_else(PoisonError::into_inner) = value;
}

/// The process ends. What was asked for may be done, or not: asking again says which.
fn ending(gone: Gone) -> Problem {
    Problem::unavailable(gone.to_string())
}
