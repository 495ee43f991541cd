//! Opening a store: checks format and namespace, replays the tail of the journal.
//!
//! Opening has two steps. The first only reads ([`open_read_only`]): a process can answer reads before it knows that it
//! may write. The second removes what a crash left, and from then on units can be committed
//! ([`ReadOnly::begin_writing`]). [`open`] does both.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::backup::Source;
use crate::checkpoint::Manifest;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::Formats;
use crate::index::{self, Catalog, TimeBuckets};
use crate::journal::{History, Journal};
use crate::log::{Log, Stats};
use crate::meta::{self, Descriptor, Incarnations, Partition, cursor};
use crate::position::Position;
use crate::schema::Schema;
use crate::transfer::Export;
use crate::unit::Seq;
use crate::view::{Reader, View};

/// The options for opening a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tables that the caller stores, and the format of their contents.
    pub schema: Schema,
    /// The namespace that the store must belong to. If there is no store, one is created for it. `None`: any existing
    /// store is opened, and none is created. That is for offline work.
    pub namespace: Option<String>,
    /// The part of the namespace that the store must have. Without a namespace it is not looked at.
    pub partition: Partition,
    /// The size of the cache of view records, in bytes.
    pub cache: usize,
    /// The least time for which identities are kept.
    pub identity_retention: Duration,
    /// The number of bytes of units that the replay holds in memory before it makes a checkpoint.
    pub replay_bytes: usize,
}

impl Options {
    /// The usual options, for any existing store.
    pub const fn new(schema: Schema) -> Self {
        Self {
            schema,
            namespace: None,
            partition: Partition::WHOLE,
            cache: 32 << 20,
            identity_retention: Duration::from_secs(30 * 24 * 60 * 60),
            replay_bytes: 64 << 20,
        }
    }
}

/// An open store.
#[derive(Debug)]
pub struct Opened {
    /// Reads and seals units; for the core thread.
    pub view: View,
    /// Commits units and writes checkpoints; for the store thread.
    pub log: Log,
    /// Reads durable units; for any thread.
    pub history: History,
    /// What opening found and did.
    pub recovery: Recovery,
}

impl Opened {
    /// Begins a new incarnation of the store with the next unit. It is durable when this returns.
    pub fn begin_incarnation(&mut self) -> Result<Uuid, Error> {
        let incarnation = Uuid::now_v7();
        let incarnations = &mut self.recovery.incarnations;
        incarnations.begin(self.view.next_seq(), incarnation);
        let mut batch = Batch::new(Tree::Meta);
        incarnations.put(&mut batch);
        self.log.write_records(batch)?;
        Ok(incarnation)
    }
}

impl Opened {
    /// Takes over the incarnation of a journal that the empty store joins. It is durable when this returns.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] when the store has a unit.
    pub(crate) fn adopt(&mut self, incarnation: Uuid) -> Result<(), Error> {
        let (_, later) = self.recovery.incarnations.parts();
        if self.view.next_seq() > Seq::FIRST || !later.is_empty() {
            return Err(Error::NotEmpty);
        }
        let (namespace, partition) = (self.recovery.namespace.clone(), self.recovery.partition);
        let mut batch = Batch::new(Tree::Meta);
        meta::StoreId { namespace, partition, incarnation }.put(&mut batch);
        self.log.write_records(batch)?;
        self.recovery.incarnations = Incarnations::new(incarnation);
        Ok(())
    }
}

impl Opened {
    /// Forgets the position in the journal that this store shared with others: it goes on alone, and prunes its units again.
    /// Durable when this returns. Returns whether there was one.
    pub fn leave_journal(&mut self) -> Result<bool, Error> {
        if self.log.position().is_none() {
            return Ok(false);
        }
        self.log.forget_position();
        // until its manifest is there, the chunks of the journal say where the store was
        let report = self.log.checkpoint()?;
        self.view.checkpointed(&report);
        self.recovery.position = None;
        Ok(true)
    }
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The namespace that the store belongs to.
    pub namespace: String,
    /// The part of the namespace that the store has.
    pub partition: Partition,
    /// The incarnations of the store. Every store that is created gets a new one.
    pub incarnations: Incarnations,
    /// Whether the store was created by this opening.
    pub created: bool,
    /// The formats that this build writes.
    pub formats: Formats,
    /// The formats that the store had, if this build upgrades it.
    pub upgraded_from: Option<Formats>,
    /// The number of units that were replayed.
    pub replayed: u64,
    /// The number of records after the journal's end that were removed. Their units were never acknowledged.
    pub cut: u64,
    /// Every event below this was published.
    pub cursor: Seq,
    /// The last position in a journal of several stores, if the store was in one. Units behind it were committed without
    /// one.
    pub position: Option<Position>,
}

/// Opens the store on `disk`, or creates one there. A store with an older format is upgraded.
pub fn open(disk: &Arc<dyn Disk>, options: &Options) -> Result<Opened, Error> {
    let to_create = match &options.namespace {
        Some(namespace) if Formats::read(&**disk)?.is_none() => Some(namespace),
        Some(_) | None => None,
    };
    if let Some(namespace) = to_create {
        let span = TimeBuckets::span_for(retention(options));
        meta::create(&**disk, namespace, options.partition, &options.schema, span)?;
    }
    let mut opened = open_read_only(disk, options)?.begin_writing()?;
    opened.recovery.created = to_create.is_some();
    Ok(opened)
}

/// The retention of identities, in microseconds.
fn retention(options: &Options) -> i64 {
    i64::try_from(options.identity_retention.as_micros()).unwrap_or(i64::MAX)
}

/// Opens the store on `disk` for reading. Writes nothing: creates no store, upgrades none, and removes nothing that a
/// crash left.
pub fn open_read_only(disk: &Arc<dyn Disk>, options: &Options) -> Result<ReadOnly, Error> {
    let wanted = options.namespace.as_deref().map(|namespace| (namespace, options.partition));
    let found = Descriptor::read(&**disk, wanted, &options.schema)?;
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
        partition: found.store_id.partition,
        incarnations: found.incarnations,
        created: false,
        formats: found.formats,
        upgraded_from: found.upgraded_from,
        replayed: 0,
        cut: 0,
        cursor,
        position: None,
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
    store.recovery.position = store.log.position();
    Ok(store)
}

/// A store that is open for reading. Nothing was written to it.
#[derive(Debug)]
pub struct ReadOnly {
    disk: Arc<dyn Disk>,
    view: View,
    log: Log,
    history: History,
    recovery: Recovery,
    journal: Journal,
    /// The number of the next chunk to replay. `None`: the journal is replayed to its end.
    next_chunk: Option<u64>,
    replay_bytes: usize,
    /// The batch that upgrades an older store to this build.
    upgrade: Option<Batch>,
    /// The segments that the manifest names.
    catalog: Arc<Catalog>,
}

impl ReadOnly {
    /// What opening found. Nothing is upgraded yet: the store has the format [`Recovery::upgraded_from`], if there is
    /// one.
    pub const fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The store, for reading. When the tail of the journal is longer than [`Options::replay_bytes`], it is not replayed
    /// to its end, and the view misses the newest units.
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// Reads the units of the journal, those too that are not replayed.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// The sizes and counts of the store. They do not count units that are not replayed, see [`view`](Self::view).
    pub fn stats(&self) -> Result<Stats, Error> {
        self.log.stats()
    }

    /// A reader for any thread. It also sees units that are sealed later. `None` when the tail of the journal is longer
    /// than [`Options::replay_bytes`] and so is not replayed to its end: a reader would miss the newest units.
    pub fn reader(&self) -> Option<Reader> {
        self.next_chunk.is_none().then(|| self.view.reader())
    }

    /// A source for a backup. `None` when the tail of the journal is longer than [`Options::replay_bytes`]: then it is not
    /// known where the journal ends.
    pub fn backup(&self) -> Result<Option<Source>, Error> {
        if self.next_chunk.is_some() {
            return Ok(None);
        }
        self.log.source().map(Some)
    }

    /// Everything in the store, item by item. `None` when the tail of the journal is longer than
    /// [`Options::replay_bytes`], so that the newest units are not known.
    pub fn export(&self) -> Result<Option<Export<'_>>, Error> {
        if self.next_chunk.is_some() {
            return Ok(None);
        }
        Export::new(&self.disk, &self.view, &self.log, &self.recovery).map(Some)
    }

    /// Upgrades an older store, removes what a crash left, and replays the rest of the journal, with checkpoints on the
    /// way. Returns the parts of the store. From then on units can be committed.
    pub fn begin_writing(mut self) -> Result<Opened, Error> {
        if let Some(upgrade) = self.upgrade.take() {
            // durable before anything else is written: until then the older build can still open the store
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
        // the cursor is written without a sync of its own, so it may have survived a crash that the last units did not
        recovery.cursor = recovery.cursor.min(view.next_seq());
        recovery.position = log.position();
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

    /// Replays the units that the views do not hold, until [`Options::replay_bytes`] of them are in memory or none are
    /// left.
    fn replay(&mut self) -> Result<(), Error> {
        let Self { view, log, journal, recovery, .. } = self;
        while let Some(number) = self.next_chunk {
            let Some(chunks) = journal.append_at(number, view.next_seq())? else {
                self.next_chunk = None;
                break;
            };
            for mut chunk in chunks {
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
            }
            if log.dirty_bytes() > self.replay_bytes {
                break;
            }
        }
        Ok(())
    }
}

/// Removes segments that the manifest does not name: the process crashed before the manifest that names them was
/// written.
fn remove_unnamed(disk: &dyn Disk, catalog: &Catalog) -> Result<(), Error> {
    for id in index::on_disk(disk)? {
        if !catalog.all().any(|segment| segment.id == id) {
            while !index::remove(disk, id, 256)? {}
        }
    }
    Ok(())
}
