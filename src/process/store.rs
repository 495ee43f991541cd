//! Opening the configured store.

use super::Error;
use crate::config::Config;
use crate::mark::{self, Mark};
use crate::pipeline::workers;
use orderly_store::{self as store, Disk, Opened, ReadOnly, SledDisk};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

/// Bytes of pages that sled may cache. Small, since states that are read often are cached above sled, decoded.
const SLED_CACHE: u64 = 16 << 20;
/// The pause between two attempts to read a store that another process has open.
const LOCKED_PAUSE: Duration = Duration::from_secs(1);

/// Opens the configured store, or makes one.
pub fn open_store(config: &Config, path: &Path) -> Result<Opened, Error> {
    store::open(&disk(path)?, &store_options(config)).map(logged).map_err(failed(path))
}

/// Reads a store whatever namespace it belongs to, for offline work. No record of it changes: a store of an older build
/// is not upgraded.
pub fn read_any_store(config: &Config, path: &Path) -> Result<ReadOnly, Error> {
    // all of the journal's tail is replayed in memory, since no checkpoint may be written on the way
    let options = store::Options { replay_bytes: usize::MAX, ..any_store_options(config) };
    store::open_read_only(&disk(path)?, &options).map_err(failed(path))
}

/// Works on the store at `path`, on a thread for blocking work. A panic there is a failure of the store.
pub(super) fn on_store<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> impl Future<Output = Result<T, Error>> {
    let path = path.display().to_string();
    // here and not in the future, which would be as large as the work
    let working = spawn_blocking(work);
    async move {
        match working.await {
            Ok(done) => done,
            // a task that was cancelled did not panic: the process ends
            Err(ended) => Err(ended.try_into_panic().map_or_else(
                |cancelled| Error::Start(cancelled.into()),
                |panic| Error::Panicked { path, problem: workers::text(&*panic) },
            )),
        }
    }
}

/// Reads the configured store ahead of the broker, and changes nothing in it. `None` when there is no store yet, or
/// another process has it open until the caller drops `wanted`.
pub(super) async fn read_ahead(
    config: Config,
    mut wanted: oneshot::Receiver<()>,
) -> Result<Option<ReadOnly>, Error> {
    let path = config.store.path.clone();
    loop {
        let config = config.clone();
        match on_store(&path, move || read_store(&config)).await {
            Err(Error::Open { source: store::Error::InUse, .. }) => {
                tokio::select! {
                    () = tokio::time::sleep(LOCKED_PAUSE) => {}
                    _ = &mut wanted => return Ok(None),
                }
            }
            read => return read,
        }
    }
}

/// Reads the configured store, if there is one, and changes nothing in it.
pub fn read_store(config: &Config) -> Result<Option<ReadOnly>, Error> {
    let path = &config.store.path;
    if !path.join("db").is_file() {
        // opening would make a store
        return Ok(None);
    }
    match store::open_read_only(&disk(path)?, &store_options(config)) {
        Ok(store) => Ok(Some(store)),
        Err(store::Error::NoStore) => Ok(None),
        Err(error) => Err(failed(path)(error)),
    }
}

/// Goes on with a store that was read, or opens the configured one. Makes a new store if there is none, and if the mark on
/// the broker and the configuration allow it.
pub(super) fn open_after(
    read: Option<ReadOnly>,
    config: &Config,
    mark: Option<&Mark>,
) -> Result<Opened, Error> {
    let path = &config.store.path;
    let store = match read {
        Some(store) => Some(store),
        None => read_store(config)?,
    };
    match store {
        Some(store) => store.begin_writing().map(logged).map_err(failed(path)),
        None => {
            mark::may_create(config, mark)?;
            open_store(config, path)
        }
    }
}

/// How often to look whether a store that was let go of is closed: each time for 2 s.
const CLOSING: u32 = 15;

/// Waits until nobody in this process has the store open any more: a query may still read it.
pub(super) fn close_store(path: &Path) -> Result<(), Error> {
    let mut closed = SledDisk::wait_until_closed(path);
    for _ in 1..CLOSING {
        if closed.is_ok() {
            break;
        }
        closed = SledDisk::wait_until_closed(path);
    }
    closed.map_err(|error| failed(path)(error.into()))
}

/// Logs an upgrade of the store.
fn logged(opened: Opened) -> Opened {
    let recovery = &opened.recovery;
    if let Some(from) = recovery.upgraded_from {
        tracing::info!(%from, to = %recovery.formats, "store upgraded");
    }
    opened
}

fn disk(path: &Path) -> Result<Arc<dyn Disk>, Error> {
    let disk = SledDisk::open(path, SLED_CACHE).map_err(|error| failed(path)(error.into()))?;
    Ok(Arc::new(disk))
}

pub(super) fn failed(path: &Path) -> impl FnOnce(store::Error) -> Error {
    move |source| Error::Open { path: path.display().to_string(), source }
}

/// The options for opening a store whatever namespace it belongs to.
pub fn any_store_options(config: &Config) -> store::Options {
    store::Options { namespace: None, ..store_options(config) }
}

/// The options for opening the configured store.
pub(super) fn store_options(config: &Config) -> store::Options {
    store::Options {
        namespace: Some(config.broker.namespace.clone()),
        partition: config.part_of_namespace(),
        cache: config.store.cache.as_usize(),
        identity_retention: config.store.idempotency_retention.get(),
        ..store::Options::new(orderly_actors::tables::SCHEMA)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    /// As sled does, where a sync fails while it opens a store.
    #[tokio::test]
    async fn a_panic_of_the_storage_engine_is_a_failure_of_the_store() {
        let opening =
            || -> Result<(), Error> { std::panic::panic_any("a sync failed: EIO".to_owned()) };
        let failed = on_store(Path::new("/var/lib/orderly"), opening).await;
        let error = failed.expect_err("it panicked");
        let told = error.to_string();
        assert!(told.starts_with("the store at /var/lib/orderly failed: "), "{told}");
        assert!(told.ends_with("EIO"), "{told}");
        assert_eq!(Exit::of(&error), Exit::Storage);
    }
}
