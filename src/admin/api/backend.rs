//! The sources of answers: the store's reader for states, the core for everything else.

use super::Error;
use super::admission::{Admission, Permit};
use crate::admin::operation::{Operation, Shared};
use crate::admin::problem::Problem;
use crate::admin::values::PartitionNumber;
use crate::backup::Files;
use crate::cluster::{Cluster, OwnerView};
use crate::config::{self, ByteSize, Mode};
use crate::copy::source::Copies;
use crate::pipeline::{Dismissed, Gone, Handle, Replay, Replayed, Resend, Submitter, Tried};
use actix_web::http::StatusCode;
use actix_web::web;
use orderly_actors::audit::Audit;
use orderly_actors::sequencer::InboundMessage;
use orderly_broker::Names;
use orderly_domain::id::Operator;
use orderly_domain::partition::Partitions;
use orderly_store::backup::Source;
use orderly_store::{Ordinal, Reader};
use serde_json::json;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::sleep;
use uuid::Uuid;

/// How long a query waits for a store that is opened again, and how often it looks.
const REOPENING: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);

/// Asks a standby for what a copy of its store is read from.
type CopyAsks = mpsc::UnboundedSender<oneshot::Sender<Source>>;

/// The store's reader and the core of each partition, as far as the process has started them: first the reader, then the core. A
/// member of a cluster lets go of both when it owns a partition no more, and sets the reader again when it follows.
///
/// It asks one partition: the first, or the one that it was [made for](Self::of_partition).
#[derive(Clone)]
pub struct Backend {
    inner: Arc<Inner>,
    number: u16,
}

impl Shared for Backend {
    fn describe(operation: &mut Operation) {
        operation.problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "The process is starting or ends, or its store cannot be read; or another member owns the namespace (`reason` is \
             `not_owner`, and `owner` says which)",
        );
    }
}

/// The sources of one partition; of the namespace, where there are none.
#[derive(Default)]
struct Part {
    /// A member of a cluster may replace its store.
    reader: RwLock<Option<Reader>>,
    standby: RwLock<Option<CopyAsks>>,
    core: RwLock<Option<Handle>>,
    submitter: RwLock<Option<Submitter>>,
}

struct Inner {
    parts: Vec<Part>,
    partitions: Partitions,
    /// The names of exchanges and queues of the namespace.
    names: Names,
    copies: Copies,
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
        let (intake, names) = (config::Intake::default(), Names::new("orderly"));
        Self::new(&intake, backup_rate, Cluster::default(), Partitions::ONE, names)
    }
}

impl Backend {
    /// Nothing is started yet. `intake` has the limits of commands over HTTP. A backup will read at most `backup_rate` bytes in a
    /// second.
    pub fn new(
        intake: &config::Intake,
        backup_rate: ByteSize,
        cluster: Cluster,
        partitions: Partitions,
        names: Names,
    ) -> Self {
        let inner = Arc::new(Inner {
            parts: partitions.numbers().map(|_| Part::default()).collect(),
            partitions,
            names,
            copies: Copies::default(),
            admission: Admission::new(intake),
            backups: Arc::new(Semaphore::new(1)),
            backup_rate,
            cluster,
        });
        Self { inner, number: 0 }
    }

    /// The same for another partition.
    #[must_use]
    pub fn of_partition(&self, number: u16) -> Self {
        Self { inner: Arc::clone(&self.inner), number }
    }

    /// For the partition of an order, a cart or a sku.
    pub(super) fn of_id(&self, id: &str) -> Self {
        self.of_partition(self.inner.partitions.of_id(id))
    }

    /// For each partition, in the order of their numbers.
    pub(super) fn all(&self) -> impl Iterator<Item = Self> {
        self.inner.partitions.numbers().map(|number| self.of_partition(number))
    }

    /// The partitions of the namespace.
    pub(super) fn partitions(&self) -> Partitions {
        self.inner.partitions
    }

    /// The number of the partition that is asked. `None`: there are no partitions.
    pub(super) fn partition(&self) -> Option<u16> {
        self.inner.partitions.are_several().then_some(self.number)
    }

    /// For the partition that a caller has chosen. One must be chosen where there are several.
    pub(super) fn chosen(&self, number: Option<PartitionNumber>) -> Result<Self, Problem> {
        let partitions = self.inner.partitions;
        match number {
            _ if !partitions.are_several() => Ok(self.clone()),
            Some(PartitionNumber(number)) if partitions.numbers().contains(&number) => {
                Ok(self.of_partition(number))
            }
            Some(_) | None => {
                let last = partitions.0.get() - 1;
                let what = format!("partition: must be given, a number from 0 to {last}");
                Err(Problem::unprocessable(what).with("parameter", json!("partition")))
            }
        }
    }

    /// For the partition that an id names which is one only within its partition, and the id there: `3.p-12` is `p-12` of partition
    /// 3. Without partitions the id is one by itself. `None`: the id names no partition.
    pub(super) fn of_local_id<'a>(&self, id: &'a str) -> Option<(Self, &'a str)> {
        if self.partition().is_none() {
            return Some((self.clone(), id));
        }
        let mut all = self.all();
        all.find_map(|of| Some((of.clone(), local_id(of.partition(), id)?)))
    }

    fn part(&self) -> &Part {
        &self.inner.parts[usize::from(self.number)]
    }

    /// Sets what publishes commands.
    pub fn submit_through(&self, submitter: Submitter) {
        set(&self.part().submitter, Some(submitter));
    }

    /// Sets the reader: from now on states can be read.
    pub fn read_from(&self, reader: Reader) {
        set(&self.part().reader, Some(reader));
    }

    /// Lets go of the reader: until there is another one, no state can be read.
    pub fn read_nothing(&self) {
        set(&self.part().reader, None);
    }

    /// Lets go of the core and of the store, which this member owned: until it follows, it answers nothing. A copy of the store that
    /// another member makes begins anew.
    pub fn let_go(&self) {
        set(&self.part().core, None);
        set(&self.part().submitter, None);
        set(&self.part().standby, None);
        self.read_nothing();
        self.inner.copies.give_up(self.number);
    }

    /// Sets the standby that copies are asked of, until the core can be.
    pub fn copy_from(&self, standby: CopyAsks) {
        set(&self.part().standby, Some(standby));
    }

    /// Sets the core: from now on it can be asked.
    pub fn ask(&self, core: Handle) {
        set(&self.part().core, Some(core));
    }

    /// The core, or 503 while it does not run.
    pub(super) fn core(&self) -> Result<Handle, Problem> {
        get(&self.part().core).ok_or_else(|| self.not_processing())
    }

    /// For each partition whose core runs here; or 503, where there is none.
    pub(super) fn processing(&self) -> Result<Vec<Self>, Problem> {
        let processing: Vec<_> = match self.cluster_of_all().mode() {
            // the only process of a namespace is to answer for all
            Mode::Single => self.all().map(|of| of.core().map(|_| of)).collect::<Result<_, _>>()?,
            Mode::Standby => self.all().filter(|of| of.core().is_ok()).collect(),
        };
        if processing.is_empty() { Err(self.not_processing()) } else { Ok(processing) }
    }

    /// The members of the namespace, or of the partition.
    pub(super) fn cluster(&self) -> &Cluster {
        self.inner.cluster.of_partition(self.number)
    }

    /// The members of the namespace, whatever partition is asked.
    pub(super) fn cluster_of_all(&self) -> &Cluster {
        &self.inner.cluster
    }

    /// The names of exchanges and queues of the namespace.
    pub(super) fn names(&self) -> &Names {
        &self.inner.names
    }

    /// Why no commands are processed here.
    pub(super) fn not_processing(&self) -> Problem {
        let cluster = self.cluster();
        if cluster.owns() {
            return Problem::unavailable("no commands are processed yet");
        }
        let what = match self.partition() {
            None => "the namespace".to_owned(),
            Some(number) => format!("partition {number}"),
        };
        let of_partition = |problem: Problem| match self.partition() {
            None => problem,
            Some(number) => problem.with("partition", json!(number)),
        };
        let owner = cluster.status().and_then(|status| status.owner);
        let Some(owner) = owner else {
            let problem = Problem::unavailable(format!(
                "this member does not own {what}, and knows of no owner at the moment"
            ));
            return of_partition(problem.with("reason", json!("not_owner")));
        };
        let problem = Problem::unavailable(format!("another member owns {what}: {}", owner.node))
            .with("reason", json!("not_owner"))
            .with("owner", json!(OwnerView::new(&owner.node, &owner.url)));
        of_partition(problem)
    }

    /// Runs a query on a thread that may block. There are few such threads (`QUERIES`); further queries wait. A query that
    /// panics is answered with 500 and does no other harm.
    pub(super) async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let reader = self.reader().await;
        let reader = reader.ok_or_else(|| Problem::unavailable("the process is starting"))?;
        match web::block(move || query(&reader)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Problem::internal(&"a query panicked")),
        }
    }

    /// The reader. A member of a cluster opens the store of a partition that it has just left again: that is waited for.
    async fn reader(&self) -> Option<Reader> {
        let may_reopen = self.partition().is_some() && self.cluster().mode() == Mode::Standby;
        let looks = if may_reopen { REOPENING.as_millis() / LOOK.as_millis() } else { 0 };
        for _ in 0..looks {
            if let Some(reader) = get(&self.part().reader) {
                return Some(reader);
            }
            sleep(LOOK).await;
        }
        get(&self.part().reader)
    }

    pub(super) async fn audit(&self) -> Result<Audit, Problem> {
        let audit = self.core()?.audit().await.map_err(ending)?;
        audit.map_err(|error| {
            tracing::error!(%error, "audit failed: the store cannot be read");
            Problem::unavailable("the store cannot be read")
        })
    }

    /// Begins a backup, which ends when the core does. `None`: another one is under way. This one is, until the permit is dropped.
    pub(super) async fn back_up(
        &self,
    ) -> Result<Option<(Files, Handle, OwnedSemaphorePermit)>, Problem> {
        let core = self.core()?;
        let Ok(turn) = Arc::clone(&self.inner.backups).try_acquire_owned() else {
            return Ok(None);
        };
        let source = core.backup().await;
        let source = source.map_err(ending)?;
        Ok(Some((Files::new(source, self.inner.backup_rate), core, turn)))
    }

    /// The copies that this member gives.
    pub(super) fn copies(&self) -> &Copies {
        &self.inner.copies
    }

    /// Gives a copy of the store, in place of one that nobody went on with.
    pub(super) fn give_copy(&self, files: Files) -> io::Result<Uuid> {
        self.inner.copies.begin(self.number, files)
    }

    /// Begins a copy of the store, also of a standby.
    pub(super) async fn begin_copy(&self) -> Result<Files, Problem> {
        let source = if let Some(core) = get(&self.part().core) {
            core.backup().await.map_err(ending)?
        } else {
            let standby = get(&self.part().standby).ok_or_else(|| self.not_processing())?;
            let (answer, answered) = oneshot::channel();
            let _ = standby.send(answer); // a standby that has just become the owner does not answer
            answered.await.map_err(|_| Problem::unavailable("the member is taking over"))?
        };
        Ok(Files::new(source, self.inner.backup_rate))
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
        self.inner.admission.admit()
    }

    /// What publishes commands, or 503 before it runs.
    pub(super) fn submitter(&self) -> Result<Submitter, Problem> {
        get(&self.part().submitter).ok_or_else(|| self.not_processing())
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

/// An id that is one only within its partition, as the API shows it.
pub(super) fn shown_id(partition: Option<u16>, id: String) -> String {
    match partition {
        None => id,
        Some(number) => format!("{number}.{id}"),
    }
}

/// The id within the partition of one that the API shows. `None`: it is of another partition.
pub(super) fn local_id(partition: Option<u16>, id: &str) -> Option<&str> {
    match partition {
        None => Some(id),
        Some(number) => id.strip_prefix(&format!("{number}.")),
    }
}
