//! Opening a store: format, namespace, replay of the journal's tail.
//!
//! Opening has two steps. The first only reads ([`open_read_only`]), so that a store can answer before it is known that
//! this process may change it. The second removes what a crash left and lets units be committed
//! ([`ReadOnly::begin_writing`]). [`open`] takes both.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::checkpoint::Manifest;
use crate::disk::{Batch, Disk};
use crate::error::Error;
use crate::format::Formats;
use crate::index::{self, Catalog, TimeBuckets};
use crate::journal::{History, Journal};
use crate::log::Log;
use crate::meta::{self, Descriptor, cursor};
use crate::schema::Schema;
use crate::unit::Seq;
use crate::view::{Reader, View};

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the caller keeps in it.
    pub schema: Schema,
    /// Whose store it must be; a new one is made for it. `None` takes any store that is there, for offline work.
    pub namespace: Option<String>,
    /// The bytes of views that are kept in memory.
    pub cache: usize,
    /// How long identities are kept at least.
    pub identity_retention: Duration,
    /// The bytes of units that the replay holds in memory before it makes a checkpoint.
    pub replay_bytes: usize,
}

impl Options {
    /// The usual options, for any store that is there.
    pub const fn new(schema: Schema) -> Self {
        Self {
            schema,
            namespace: None,
            cache: 32 << 20,
            identity_retention: Duration::from_secs(30 * 24 * 60 * 60),
            replay_bytes: 64 << 20,
        }
    }
}

/// An open store.
#[derive(Debug)]
pub struct Opened {
    /// For the core thread.
    pub view: View,
    /// For the store thread.
    pub log: Log,
    /// For everyone.
    pub history: History,
    /// What was found.
    pub recovery: Recovery,
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Whose store it is.
    pub namespace: String,
    /// The store's own id, new whenever one is made.
    pub incarnation: Uuid,
    /// Whether it was made now.
    pub created: bool,
    /// The formats that this build writes.
    pub formats: Formats,
    /// The formats that it had, if this build upgrades it.
    pub upgraded_from: Option<Formats>,
    /// How many units were replayed.
    pub replayed: u64,
    /// How many records behind the journal's end were removed: they were never acknowledged.
    pub cut: u64,
    /// Every event below this was published.
    pub cursor: Seq,
}

/// Opens the store on `disk`, or makes one there. A store of an older format is upgraded.
pub fn open(disk: &Arc<dyn Disk>, options: &Options) -> Result<Opened, Error> {
    let to_create = match &options.namespace {
        Some(namespace) if Formats::read(&**disk)?.is_none() => Some(namespace),
        Some(_) | None => None,
    };
    if let Some(namespace) = to_create {
        let span = TimeBuckets::span_for(retention(options));
        meta::create(&**disk, namespace, &options.schema, span)?;
    }
    let mut opened = open_read_only(disk, options)?.begin_writing()?;
    opened.recovery.created = to_create.is_some();
    Ok(opened)
}

/// How long identities are kept, in microseconds.
fn retention(options: &Options) -> i64 {
    i64::try_from(options.identity_retention.as_micros()).unwrap_or(i64::MAX)
}

/// Reads the store on `disk` and writes nothing: no store is made, an older one is not upgraded, and what a crash left
/// is not removed.
pub fn open_read_only(disk: &Arc<dyn Disk>, options: &Options) -> Result<ReadOnly, Error> {
    let found = Descriptor::read(&**disk, options.namespace.as_deref(), &options.schema)?;
    let manifest = Manifest::read(&**disk)?.unwrap_or_default();
    let cursor = cursor::read(&**disk)?.unwrap_or(Seq::FIRST);
    let buckets = TimeBuckets { span: found.span, retention: retention(options) };
    let totals = manifest.totals.clone();
    let journal = Journal::new(Arc::clone(disk), (totals.next, manifest.chunk));
    let history = History::new(journal.clone());
    let catalog = Arc::new(manifest.catalog.clone());
    let next_chunk = manifest.chunk;
    let sizes = found.tables.page_sizes();
    let view = View::new(
        Arc::clone(disk),
        history.clone(),
        totals,
        Arc::clone(&catalog),
        sizes,
        options.cache,
    );
    let log = Log::new(Arc::clone(disk), journal.clone(), manifest, cursor, buckets, sizes)?;
    let recovery = Recovery {
        namespace: found.store_id.namespace,
        incarnation: found.store_id.incarnation,
        created: false,
        formats: found.formats,
        upgraded_from: found.upgraded_from,
        replayed: 0,
        cut: 0,
        cursor,
    };
    let mut store = ReadOnly {
        disk: Arc::clone(disk),
        view,
        log,
        history,
        recovery,
        journal,
        next_chunk: Some(next_chunk),
        replay_bytes: options.replay_bytes,
        upgrade: found.upgrade,
        catalog,
    };
    store.replay()?;
    Ok(store)
}

/// A store that was read, and in which nothing was written.
#[derive(Debug)]
pub struct ReadOnly {
    disk: Arc<dyn Disk>,
    view: View,
    log: Log,
    history: History,
    recovery: Recovery,
    journal: Journal,
    /// Where the journal's tail goes on that was not replayed yet.
    next_chunk: Option<u64>,
    replay_bytes: usize,
    /// What makes it a store of this build, if it is an older one.
    upgrade: Option<Batch>,
    /// The segments that the manifest names.
    catalog: Arc<Catalog>,
}

impl ReadOnly {
    /// Reads the store from any thread, also when units are committed later. `None` while the journal's tail is not
    /// replayed to its end, since it is longer than [`Options::replay_bytes`]: what is missing is newer than the rest.
    pub fn reader(&self) -> Option<Reader> {
        self.next_chunk.is_none().then(|| self.view.reader())
    }

    /// Upgrades an older store, removes what a crash left, replays what is left of the journal's tail, with checkpoints on the way, and gives the
    /// store's parts. From here on units can be committed.
    pub fn begin_writing(mut self) -> Result<Opened, Error> {
        if let Some(upgrade) = self.upgrade.take() {
            // Durable before anything else is written: until then the build before can open the store.
            self.disk.write(upgrade)?;
            self.disk.sync()?;
        }
        remove_unnamed(&*self.disk, &self.catalog)?;
        while self.next_chunk.is_some() {
            let report = self.log.checkpoint()?;
            self.view.checkpointed(&report);
            self.view.forget_covered();
            self.replay()?;
        }
        let Self { mut view, mut log, history, mut recovery, .. } = self;
        view.replayed();
        recovery.cut = log.cut()?;
        // The relay came no further than what was durable; a cursor is written without a sync of its own.
        recovery.cursor = recovery.cursor.min(view.next_seq());
        log.set_cursor(recovery.cursor);
        if recovery.cut > 0 {
            tracing::warn!(
                records = recovery.cut,
                next = view.next_seq().0,
                "journal cut: its last group was never acknowledged"
            );
        }
        Ok(Opened { view, log, history, recovery })
    }

    /// Replays units behind the manifest, until memory holds [`Options::replay_bytes`] of them or none are left.
    fn replay(&mut self) -> Result<(), Error> {
        let Self { view, log, journal, recovery, .. } = self;
        while let Some(number) = self.next_chunk {
            let chunk = journal.chunk(number)?;
            let Some(mut chunk) = chunk.filter(|chunk| chunk.head.first == view.next_seq()) else {
                self.next_chunk = None;
                break;
            };
            let mut units = Vec::new();
            while let Some(unit) = chunk.next()? {
                log.check_tables(&unit)?;
                units.push(Arc::new(unit));
            }
            log.replay(&chunk, &units);
            recovery.replayed += units.len() as u64;
            for unit in units {
                view.seal(unit);
            }
            self.next_chunk = Some(chunk.end());
            if log.dirty_bytes() > self.replay_bytes {
                break;
            }
        }
        Ok(())
    }
}

/// Removes segments that the manifest does not name: a crash came between them and it.
fn remove_unnamed(disk: &dyn Disk, catalog: &Catalog) -> Result<(), Error> {
    for id in index::on_disk(disk)? {
        if !catalog.all().any(|segment| segment.id == id) {
            while !index::remove(disk, id, 256)? {}
        }
    }
    Ok(())
}
