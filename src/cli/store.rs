//! `orderly store`: work on a store of a stopped processor, and backups, also of a running one.
//!
//! | file | has |
//! |---|---|
//! | `backup`, `restore` | copies of the store, and putting them back |
//! | `copy` | a store like that of a member of a cluster |
//! | `export`, `import` | everything in a store as JSON Lines, and a store made of them |
//! | `verify` | the check of all invariants, or of the files of a backup |
//! | `stats` | sizes and counts |
//!
//! `verify`, `stats`, `backup` and `export` only read what is in the store (sled itself writes to its files when it opens). A
//! store of an older build stays as it is, so that the older build can still open it.

mod backup;
mod copy;
mod export;
mod import;
mod restore;
mod stats;
mod verify;

use super::api;
use super::output;
use super::progress::Progress;
use crate::config::{Config, store_of_partition};
use crate::process::{self, read_any_store};
use orderly_store::ReadOnly;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Arguments of `orderly store`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The store's directory, instead of the configured one
    #[arg(long, value_name = "PATH", global = true)]
    store: Option<PathBuf>,
    /// The partition whose store it is, where the namespace has several: the store is the folder pN of the directory
    #[arg(long, value_name = "N", global = true)]
    partition: Option<u16>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Action {
    /// Read every state and check every invariant; no processor may have the store open. Or check the files of a backup
    Verify(verify::Args),
    /// Print sizes and counts; no processor may have the store open
    Stats,
    /// Copy the store to a new folder, also while a processor works on it
    Backup(backup::Args),
    /// Make a store like that of a running member of a cluster, where there is none: another member can start with it
    Copy(copy::Args),
    /// Make a store of a backup, where there is none
    Restore(restore::Args),
    /// Write everything in the store as JSON Lines; no processor may have the store open
    Export(export::Args),
    /// Make a store of an export, where there is none
    Import(import::Args),
}

/// Why the command did not do what it was asked to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The exports of several stores are no one file.
    #[error(
        "the exports of all partitions need a folder: name one, or a partition with --partition"
    )]
    NoFolder,
    /// It is not said which of several stores is meant.
    #[error(
        "the namespace has {0} partitions, each with a store of its own: name one with --partition, from 0 on"
    )]
    WhichPartition(u16),
    /// There is no store at that place.
    #[error("there is no store at {}", .0.display())]
    Missing(PathBuf),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] process::Error),
    /// A state cannot be read.
    #[error("cannot read the store")]
    Audit(#[from] orderly_actors::states::Error),
    /// The store cannot be read.
    #[error("cannot read the store")]
    Store(#[from] orderly_store::Error),
    /// The backup was not written.
    #[error("cannot make a backup")]
    Backup(#[source] crate::backup::Error),
    /// The backup is not sound.
    #[error("the backup cannot be restored")]
    Verify(#[source] crate::backup::Error),
    /// The backup was not restored.
    #[error("cannot restore the backup")]
    Restore(#[source] crate::backup::Error),
    /// The store cannot be compared with the journal.
    #[error("cannot compare the store with the journal")]
    Compare(#[from] crate::journal::compare::Error),
    /// The store of the member was not copied.
    #[error("cannot copy the store")]
    Copy(#[from] crate::copy::Error),
    /// The store was not exported.
    #[error("cannot export the store")]
    Export(#[source] crate::export::Error),
    /// The export was not imported.
    #[error("cannot import the export")]
    Import(#[source] crate::export::Error),
    /// The processor that has the store open did not give a backup.
    #[error("cannot get a backup from the processor that has the store open")]
    Admin(#[from] api::Error),
    /// The admin API that answered belongs to a processor of another namespace.
    #[error("the processor at {url} has namespace {found:?}, not {wanted:?}")]
    AnotherNamespace {
        /// The address of the admin API.
        url: String,
        /// The namespace of its store.
        found: String,
        /// The configured namespace.
        wanted: String,
    },
    /// The archive of a processor cannot be read.
    #[error("cannot read the backup that the processor sent")]
    Archive(#[from] crate::backup::tar::Error),
    /// The answer cannot be written as JSON.
    #[error("cannot write the answer as JSON")]
    Json(#[from] serde_json::Error),
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

/// The result of the command. `exit` gives each its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The command did what it was asked to do, and no violation was found.
    Sound,
    /// What was printed shows violations, or a store that does not go together with the journal.
    Unbalanced,
}

/// Runs the command, and prints what it found or did as JSON.
pub fn run(config: &Config, args: &Args) -> Result<Outcome, Error> {
    if args.store.is_none() && args.partition.is_none() && config.cluster.partitions().are_several()
    {
        match &args.action {
            Action::Export(export) => {
                print(&export::all(config, export)?)?;
                return Ok(Outcome::Sound);
            }
            Action::Import(import) => {
                let (answer, outcome) = import::all(config, import)?;
                print(&answer)?;
                return Ok(outcome);
            }
            _ => {}
        }
    }
    let place = place(config, args)?;
    let config =
        &args.partition.map_or_else(|| config.clone(), |number| config.of_partition(number));
    let path = &place;
    let (answer, outcome) = match &args.action {
        Action::Verify(args) => verify::run(config, path, args)?,
        Action::Stats => {
            let _progress = Progress::spinner("counting");
            (stats::of(&read(config, path)?)?, Outcome::Sound)
        }
        Action::Backup(backup) => {
            (backup::run(config, path, args.partition, backup)?, Outcome::Sound)
        }
        Action::Copy(args) => (copy::run(config, path, args)?, Outcome::Sound),
        Action::Restore(args) => restore::run(config, path, args)?,
        Action::Export(args) => match export::run(config, path, args)? {
            Some(answer) => (answer, Outcome::Sound),
            None => return Ok(Outcome::Sound),
        },
        Action::Import(args) => import::run(config, path, args)?,
    };
    print(&answer)?;
    Ok(outcome)
}

/// The directory of the store: that of a partition, where the namespace has several.
fn place(config: &Config, args: &Args) -> Result<PathBuf, Error> {
    let partitions = config.cluster.partitions();
    match (&args.store, args.partition) {
        (Some(path), None) => Ok(path.clone()),
        (None, None) if partitions.are_several() => Err(Error::WhichPartition(partitions.0.get())),
        (None, None) => Ok(config.store.path.clone()),
        (_, Some(number))
            if partitions.are_several() && !partitions.numbers().contains(&number) =>
        {
            Err(Error::WhichPartition(partitions.0.get()))
        }
        (path, Some(number)) => {
            Ok(store_of_partition(path.as_ref().unwrap_or(&config.store.path), number))
        }
    }
}

fn print(answer: &Value) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(answer)? + "\n";
    output::print(&text).map_err(Error::Output)
}

/// Whether there is a store in the directory.
pub(super) fn is_store(path: &Path) -> bool {
    path.join("db").is_file()
}

/// Says on standard error that a store that was made belongs to another namespace than the configured one: `serve` will refuse
/// it.
fn warn_of_namespace(config: &Config, store: &Path, found: &str) {
    let wanted = &config.broker.namespace;
    if found != wanted.as_str() {
        eprintln!(
            "warning: the store at {} belongs to the namespace {found:?}, and broker.namespace is {:?}: `orderly serve` refuses \
             it (exit code 78) unless broker.namespace is {found:?}",
            store.display(),
            wanted.as_str(),
        );
    }
}

/// Opens a store for reading.
pub(super) fn read(config: &Config, path: &Path) -> Result<ReadOnly, Error> {
    if !is_store(path) {
        // To open a store that is missing would make a new one.
        return Err(Error::Missing(path.to_owned()));
    }
    Ok(read_any_store(config, path)?)
}
