//! `orderly store verify`: of a store, of a store beside the journal of its cluster, of the files of a backup.

use super::{Error, Outcome, is_store, read};
use crate::backup::Backup;
use crate::cli::progress::Progress;
use crate::config::Config;
use crate::journal::compare::{Comparison, Verdict, compare};
use crate::process::{broker_settings, charter, journal_stream, runtime};
use orderly_actors::audit;
use orderly_broker::TopologyMode;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Arguments of `orderly store verify`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The folder of a backup: checks its files against their checksums, and that their records can be read. Without it the
    /// store is checked
    #[arg(value_name = "BACKUP")]
    backup: Option<PathBuf>,
    /// Compare the store with the journal of its cluster, which is read from the broker, instead of checking its states
    #[arg(long, conflicts_with = "backup")]
    against_journal: bool,
}

/// Checks the store, or a backup.
pub(super) fn run(config: &Config, store: &Path, args: &Args) -> Result<(Value, Outcome), Error> {
    match &args.backup {
        // a store that was named in the place of a backup
        Some(folder) if is_store(folder) => audit(config, folder),
        Some(folder) => Ok((verify(folder)?, Outcome::Sound)),
        None if args.against_journal => against_journal(config, store),
        None => audit(config, store),
    }
}

fn audit(config: &Config, store: &Path) -> Result<(Value, Outcome), Error> {
    let _progress = Progress::spinner("checking the store");
    let audit = audit::verify(read(config, store)?.view())?;
    let outcome = if audit.balanced { Outcome::Sound } else { Outcome::Unbalanced };
    Ok((serde_json::to_value(audit)?, outcome))
}

fn against_journal(config: &Config, path: &Path) -> Result<(Value, Outcome), Error> {
    let store = read(config, path)?;
    let recovery = store.recovery();
    let incarnation = *recovery.incarnations.current().as_bytes();
    let charter = charter(config, incarnation);
    let comparison = Comparison::new(charter, store.history().clone(), recovery.position)?;
    let next = comparison.next();
    // the stream is not made if it is not there
    let settings =
        orderly_broker::Settings { topology: TopologyMode::Verify, ..broker_settings(config) };
    let stream = journal_stream(config);
    let progress = Progress::bytes("compared");
    let comparing = compare(&settings, &stream, comparison, |bytes| progress.add(bytes));
    let verdict = runtime()?.block_on(comparing)?;
    drop(progress);
    let mut answer = json!({
        "store": path,
        "journal": stream.name,
        "next_sequence": next,
        "verdict": "equal",
    });
    let mut tell = |verdict: &str, key: &str, value: Value| {
        answer["verdict"] = json!(verdict);
        answer[key] = value;
    };
    let outcome = match verdict {
        Verdict::Equal => Outcome::Sound,
        Verdict::Behind(end) => {
            tell("behind", "journal_next_sequence", json!(end));
            Outcome::Sound
        }
        Verdict::Ahead(end) => {
            tell("ahead", "journal_next_sequence", json!(end));
            Outcome::Sound
        }
        Verdict::Passed(first) => {
            tell("passed", "journal_first_sequence", json!(first));
            Outcome::Unbalanced
        }
        Verdict::Diverged(at) => {
            tell("diverged", "sequence", json!(at));
            Outcome::Unbalanced
        }
        Verdict::AnotherJournal => {
            answer["verdict"] = json!("another_journal");
            Outcome::Unbalanced
        }
        Verdict::Empty => {
            answer["verdict"] = json!("empty");
            Outcome::Unbalanced
        }
        Verdict::Unreadable(problem) => {
            tell("unreadable", "problem", json!(problem.to_string()));
            Outcome::Unbalanced
        }
    };
    Ok((answer, outcome))
}

fn verify(folder: &Path) -> Result<Value, Error> {
    let backup = Backup::open(folder).map_err(Error::Verify)?;
    let manifest = backup.manifest();
    let progress = Progress::of(manifest.bytes(), "checked");
    let records = backup.verify(|bytes| progress.add(bytes)).map_err(Error::Verify)?;
    Ok(json!({
        "backup": folder,
        "namespace": manifest.namespace,
        "incarnation": manifest.incarnation,
        "format": manifest.store_format,
        "end_sequence": manifest.end_sequence,
        "began_at": manifest.began_at,
        "ended_at": manifest.ended_at,
        "files": manifest.files.len(),
        "records": records,
        "bytes": manifest.bytes(),
    }))
}
