//! `orderly store restore`.

use super::{Error, Outcome};
use crate::backup::{self, Backup, Restored};
use crate::cli::progress::Progress;
use crate::config::Config;
use crate::process::any_store_options;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Arguments of `orderly store restore`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The folder of the backup
    #[arg(value_name = "FROM")]
    from: PathBuf,
}

/// Makes a store of the backup, which begins a new incarnation, and audits it.
pub(super) fn run(config: &Config, store: &Path, args: &Args) -> Result<(Value, Outcome), Error> {
    let backup = Backup::open(&args.from).map_err(Error::Restore)?;
    let manifest = backup.manifest();
    let progress = Progress::of(manifest.bytes(), "restored");
    let options = any_store_options(config);
    let restored = backup::restore(&backup, store, &options, |bytes| progress.add(bytes));
    let Restored { incarnation, audit } = restored.map_err(Error::Restore)?;
    drop(progress);
    super::warn_of_namespace(config, store, &manifest.namespace);
    let outcome = if audit.balanced { Outcome::Sound } else { Outcome::Unbalanced };
    let answer = json!({
        "store": store,
        "namespace": manifest.namespace,
        "incarnation": incarnation.to_string(),
        "next_sequence": manifest.end_sequence,
        "audit": audit,
    });
    Ok((answer, outcome))
}
