//! `orderly store import`.

use super::{Error, Outcome};
use crate::cli::progress::Progress;
use crate::config::Config;
use crate::export::{self, Error as ExportError, Imported};
use crate::process::any_store_options;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

/// Arguments of `orderly store import`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The export; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Makes a store of the export, which begins a new incarnation, and audits it.
pub(super) fn run(config: &Config, store: &Path, args: &Args) -> Result<(Value, Outcome), Error> {
    let options = any_store_options(config);
    let imported = if args.file == Path::new("-") {
        let progress = Progress::bytes("imported");
        export::import(io::stdin().lock(), store, &options, |bytes| progress.add(bytes))
    } else {
        let opened = File::open(&args.file).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.map_err(ExportError::Read).map_err(Error::Import)?;
        let progress = Progress::of(length, "imported");
        export::import(BufReader::new(file), store, &options, |bytes| progress.add(bytes))
    };
    let Imported { namespace, incarnation, next_sequence, audit } =
        imported.map_err(Error::Import)?;
    super::warn_of_namespace(config, store, &namespace);
    let outcome = if audit.balanced { Outcome::Sound } else { Outcome::Unbalanced };
    let answer = json!({
        "store": store,
        "namespace": namespace,
        "incarnation": incarnation.to_string(),
        "next_sequence": next_sequence,
        "audit": audit,
    });
    Ok((answer, outcome))
}
