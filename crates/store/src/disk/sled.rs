//! The real disk: a sled database in a directory.
//!
//! sled 0.34.7 gives atomic batches in a log. This module makes up for what sled lacks. Each point names the file of
//! sled's source that shows it:
//!
//! - **Durability.** sled's `flush` ends in `sync_file_range` (`pagecache/iobuf.rs`), which neither writes the file's
//!   length nor flushes the drive. So `sync` also calls `fdatasync` on a second handle to the file. sled's own flusher
//!   thread is off, because nobody would notice its death.
//! - **Blobs.** sled writes a log message of more than a quarter of the segment size to a file of its own under
//!   `blobs/`, and never syncs that file (`logger.rs`, `blob_io.rs`). A message may be a whole leaf: sled rewrites a
//!   leaf when it is split, merged or has had ten changes. A leaf has up to 17 entries of any size, and up to 20 after
//!   a merge (`node.rs`, `should_split`, `should_merge`). No blob is written as long as 20 x ([`MAX_RECORD`] + key) <
//!   segment size / 4. With records of 60 KiB and segments of 8 MiB that is 1.2 MiB < 2 MiB.
//! - **Batches.** sled ends the current log buffer before and after the head of a batch (`pagecache/mod.rs`,
//!   `pin_log`): that is two writes, each followed by `sync_file_range`. A single key is atomic without a batch, so it
//!   is inserted without one. The journal is therefore written once a commit (measured: 860 writes instead of 16,500
//!   for 50,000 orders, and half of the store's CPU time).
//! - **Torn snapshots.** sled takes a `snap.*.generating` that a crash left for the newest snapshot, and every later
//!   open fails as corrupt (`snapshot.rs`). So opening first renames such files, while it holds the lock.
//! - **The lock.** sled releases the lock of a closed store late. So opening retries for a while.
//! - **Memory.** sled's cache hardly ever evicts leaves as large as ours: see `eviction`.
//! - **Errors.** After the first failed write or sync every later one fails, because the state on disk is unknown.

mod eviction;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use sled::{IVec, Mode};

use self::eviction::Eviction;
use super::interface::{Batch, Disk, Error, MAX_RECORD, Pair, Tree};

/// The size of the segments of sled's log, in bytes. It is a part of the format on disk.
const SEGMENT: usize = 8 << 20;
/// The most entries of a leaf that sled writes as one message.
const LEAF: usize = 20;
/// How often opening tries to take the lock. [`PAUSE`] is between two tries.
const ATTEMPTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

const _: () = assert!(
    LEAF * (MAX_RECORD + 64) < SEGMENT / 4,
    "a leaf may become a blob, which is not synced"
);

/// A sled database in a directory.
#[derive(Debug)]
pub struct SledDisk {
    db: sled::Db,
    trees: [sled::Tree; Tree::ALL.len()],
    /// A second handle to sled's file, for `fdatasync`.
    file: File,
    failed: OnceLock<Error>,
    eviction: Eviction,
}

impl SledDisk {
    /// Opens the database in the directory, or creates both. sled caches about `cache` bytes of pages. It does not
    /// count all of its memory, so measure the process.
    pub fn open(path: &Path, cache: u64) -> Result<Self, Error> {
        let is_new = !path.join("db").exists();
        fs::create_dir_all(path)
            .map_err(|error| Error::failed("make the store's directory", error))?;
        repair(path)?;
        let db = open_locked(path, cache)?;
        let open_tree = |tree: Tree| {
            db.open_tree(tree.name()).map_err(|error| Error::failed("open a tree", error))
        };
        let [meta, journal, pages, index, timers] = Tree::ALL.map(open_tree);
        let trees = [meta?, journal?, pages?, index?, timers?];
        let file = OpenOptions::new().read(true).write(true).open(path.join("db"));
        let file =
            file.map_err(|error| Error::failed("open the store's file a second time", error))?;
        let eviction = Eviction::open(&db)?;
        let disk = Self { db, trees, file, failed: OnceLock::new(), eviction };
        disk.sync()?;
        if is_new {
            sync_names(path).map_err(|error| Error::failed("sync the store's directory", error))?;
        }
        Ok(disk)
    }

    /// Whether somebody has the database in the directory open. There must be one.
    pub fn is_open(path: &Path) -> Result<bool, Error> {
        let file = OpenOptions::new().read(true).write(true).open(path.join("db"));
        let file = file.map_err(|error| Error::failed("open the store's file", error))?;
        match file.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(Error::failed("lock the store", error)),
        }
    }

    /// Waits until a database that was closed writes no more: sled ends its work on threads of its own.
    pub fn wait_until_closed(path: &Path) -> Result<(), Error> {
        lock(path).map(drop)
    }

    fn tree(&self, tree: Tree) -> &sled::Tree {
        &self.trees[tree as usize]
    }

    /// Runs a change. If an earlier change failed, returns that error instead.
    fn guarded(&self, act: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        if let Some(failed) = self.failed.get() {
            return Err(failed.clone());
        }
        act().inspect_err(|error| {
            // another thread may have set an error first: that error serves as well
            let _ = self.failed.set(error.clone());
        })
    }
}

impl Disk for SledDisk {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let found =
            self.tree(tree).get(key).map_err(|error| Error::failed("read a record", error))?;
        self.eviction.read(found.as_ref().map_or(0, |value| value.len()));
        Ok(found.map(share))
    }

    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, Error> {
        let found = self.tree(tree).range(from..).take(limit);
        found
            .map(|pair| {
                pair.map(|(key, value)| {
                    self.eviction.written(value.len());
                    (share(key), share(value))
                })
            })
            .collect::<Result<_, _>>()
            .map_err(|error| Error::failed("read records", error))
    }

    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, Error> {
        let found = match below {
            Some(below) => self.tree(tree).range(..below).next_back().transpose(),
            None => self.tree(tree).last(),
        };
        let found = found.map_err(|error| Error::failed("read the last record", error))?;
        Ok(found.map(|(key, value)| (share(key), share(value))))
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        self.guarded(|| {
            self.eviction.written(batch.size());
            let tree = self.tree(batch.tree);
            let written = match <[_; 1]>::try_from(batch.changes) {
                Ok([(key, Some(value))]) => tree.insert(key, value).map(drop),
                Ok([(key, None)]) => tree.remove(key).map(drop),
                Err(changes) => {
                    let mut together = sled::Batch::default();
                    for (key, value) in changes {
                        match value {
                            Some(value) => together.insert(key, value),
                            None => together.remove(key),
                        }
                    }
                    tree.apply_batch(together)
                }
            };
            written.map_err(|error| Error::failed("write records", error))
        })
    }

    fn sync(&self) -> Result<(), Error> {
        self.guarded(|| {
            self.db.flush().map_err(|error| Error::failed("flush the store", error))?;
            self.file.sync_data().map_err(|error| Error::failed("sync the store", error))?;
            self.eviction.evict_if_due()
        })
    }

    fn bytes(&self) -> Result<u64, Error> {
        self.db.size_on_disk().map_err(|error| Error::failed("measure the store", error))
    }
}

/// Shares sled's own memory instead of copying it.
fn share(value: IVec) -> Bytes {
    Bytes::from_owner(value)
}

fn open_locked(path: &Path, cache: u64) -> Result<sled::Db, Error> {
    let config = || {
        sled::Config::default()
            .path(path)
            .cache_capacity(cache)
            .segment_size(SEGMENT)
            .mode(Mode::HighThroughput)
            .flush_every_ms(None)
    };
    for _ in 1..ATTEMPTS {
        match config().open() {
            Ok(db) => return Ok(db),
            // sled reports a lock only in the text of the error (`config.rs`, `try_lock`)
            Err(sled::Error::Io(error))
                if error.to_string().starts_with("could not acquire lock") =>
            {
                thread::sleep(PAUSE);
            }
            Err(error) => return Err(Error::failed("open the store", error)),
        }
    }
    Err(Error::Locked { path: path.to_owned() })
}

/// Renames torn snapshots while this process holds the lock, so that no other process is writing one.
fn repair(path: &Path) -> Result<(), Error> {
    let torn =
        torn_snapshots(path).map_err(|error| Error::failed("list the store's files", error))?;
    if torn.is_empty() {
        return Ok(());
    }
    let _lock = lock(path)?;
    // list again: the process that held the lock until now may have completed a snapshot
    for snapshot in
        torn_snapshots(path).map_err(|error| Error::failed("list the store's files", error))?
    {
        let mut aside = path.join("torn");
        if let Some(name) = snapshot.file_name() {
            aside.as_mut_os_string().push("-");
            aside.as_mut_os_string().push(name);
        }
        fs::rename(&snapshot, &aside)
            .map_err(|error| Error::failed("move a torn snapshot aside", error))?;
        tracing::warn!(from = %snapshot.display(), to = %aside.display(), "torn snapshot moved aside");
    }
    Ok(())
}

fn torn_snapshots(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut torn = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("snap.")
            && Path::new(&name).extension().is_some_and(|ext| ext == "generating")
        {
            torn.push(entry.path());
        }
    }
    Ok(torn)
}

/// Takes the same lock as sled. Dropping the file releases the lock.
fn lock(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path.join("db"));
    let file = file.map_err(|error| Error::failed("open the store's file", error))?;
    for _ in 1..ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(Error::failed("lock the store", error)),
        }
    }
    Err(Error::Locked { path: path.to_owned() })
}

/// Makes the file names of a new store durable: `fdatasync` on a file covers only its content.
fn sync_names(path: &Path) -> io::Result<()> {
    File::open(path.join("conf"))?.sync_all()?;
    File::open(path)?.sync_all()?;
    match path.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
