//! `orderly store verify`.

use super::{Error, Outcome, is_store, read};
use crate::backup::Backup;
use crate::cli::progress::Progress;
use crate::config::Config;
use orderly_actors::audit;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Arguments of `orderly store verify`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The folder of a backup: checks its files against their checksums, and that their records can be read. Without it the
    /// store is checked
    #[arg(value_name = "BACKUP")]
    backup: Option<PathBuf>,
}

/// Checks the store, or a backup.
pub(super) fn run(config: &Config, store: &Path, args: &Args) -> Result<(Value, Outcome), Error> {
    match &args.backup {
        // a store that was named in the place of a backup
        Some(folder) if is_store(folder) => audit(config, folder),
        Some(folder) => Ok((verify(folder)?, Outcome::Sound)),
        None => audit(config, store),
    }
}

fn audit(config: &Config, store: &Path) -> Result<(Value, Outcome), Error> {
    let _progress = Progress::spinner("checking the store");
    let audit = audit::verify(read(config, store)?.view())?;
    let outcome = if audit.balanced { Outcome::Sound } else { Outcome::Unbalanced };
    Ok((serde_json::to_value(audit)?, outcome))
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
