//! Opening a store: format, namespace, replay of the journal's tail.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::checkpoint::Manifest;
use crate::disk::Disk;
use crate::error::Error;
use crate::index::{self, TimeBuckets};
use crate::journal::{History, Journal};
use crate::log::Log;
use crate::meta::{StoreId, bucket_span, cursor};
use crate::schema::{PageSizes, Schema};
use crate::unit::Seq;
use crate::view::View;

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
    /// How many units were replayed.
    pub replayed: u64,
    /// How many records behind the journal's end were removed: they were never acknowledged.
    pub cut: u64,
    /// Every event below this was published.
    pub cursor: Seq,
}

/// Opens the store on `disk`, or makes one there.
pub fn open(disk: &Arc<dyn Disk>, options: &Options) -> Result<Opened, Error> {
    let (store_id, created) = store_id(&**disk, options)?;
    let manifest = Manifest::read(&**disk)?.unwrap_or_default();
    let cursor = cursor::read(&**disk)?.unwrap_or(Seq::FIRST);
    remove_unnamed(&**disk, &manifest)?;

    let retention = i64::try_from(options.identity_retention.as_micros()).unwrap_or(i64::MAX);
    let span = bucket_span::read_or_write(&**disk, TimeBuckets::span_for(retention))?;
    let buckets = TimeBuckets { span, retention };
    let totals = manifest.totals.clone();
    let journal = Journal::new(Arc::clone(disk), (totals.next, manifest.chunk));
    let history = History::new(journal.clone());
    let from = manifest.chunk;
    let catalog = Arc::new(manifest.catalog.clone());
    let sizes = PageSizes::of(&options.schema);
    let mut view =
        View::new(Arc::clone(disk), history.clone(), totals, catalog, sizes, options.cache);
    let mut log = Log::new(Arc::clone(disk), journal.clone(), manifest, cursor, buckets, sizes)?;

    let replayed = replay(&journal, from, &mut view, &mut log, options.replay_bytes)?;
    let cut = log.cut()?;
    // The relay came no further than what was durable; a cursor is written without a sync of its own.
    let cursor = cursor.min(view.next_seq());
    log.set_cursor(cursor);
    if cut > 0 {
        tracing::warn!(
            records = cut,
            next = view.next_seq().0,
            "journal cut: its last group was never acknowledged"
        );
    }
    let StoreId { namespace, incarnation } = store_id;
    let recovery = Recovery { namespace, incarnation, created, replayed, cut, cursor };
    Ok(Opened { view, log, history, recovery })
}

fn store_id(disk: &dyn Disk, options: &Options) -> Result<(StoreId, bool), Error> {
    match (StoreId::read(disk)?, &options.namespace) {
        (Some(found), Some(wanted)) if found.namespace != *wanted => {
            Err(Error::WrongNamespace { found: found.namespace, wanted: wanted.clone() })
        }
        (Some(found), _) => Ok((found, false)),
        (None, None) => Err(Error::NoStore),
        (None, Some(namespace)) => {
            let store_id = StoreId { namespace: namespace.clone(), incarnation: Uuid::now_v7() };
            store_id.write(disk)?;
            disk.sync()?;
            Ok((store_id, true))
        }
    }
}

/// Removes segments that the manifest does not name: a crash came between them and it.
fn remove_unnamed(disk: &dyn Disk, manifest: &Manifest) -> Result<(), Error> {
    for id in index::on_disk(disk)? {
        if !manifest.catalog.all().any(|segment| segment.id == id) {
            while !index::remove(disk, id, 256)? {}
        }
    }
    Ok(())
}

/// Replays the units behind the manifest; a long tail with checkpoints on the way, so that memory stays bounded.
fn replay(
    journal: &Journal,
    mut number: u64,
    view: &mut View,
    log: &mut Log,
    bound: usize,
) -> Result<u64, Error> {
    let mut replayed = 0;
    while let Some(mut chunk) = journal.chunk(number)? {
        if chunk.head.first != view.next_seq() {
            break;
        }
        let mut units = Vec::new();
        while let Some(unit) = chunk.next()? {
            units.push(Arc::new(unit));
        }
        log.replay(&chunk, &units);
        replayed += units.len() as u64;
        for unit in units {
            view.seal(unit);
        }
        number = chunk.end();
        if log.dirty_bytes() > bound {
            let report = log.checkpoint()?;
            view.checkpointed(&report);
            view.forget_covered();
        }
    }
    view.replayed();
    Ok(replayed)
}
