//! `orderly store import`.

use super::export::file_of_partition;
use super::{Error, Outcome};
use crate::cli::progress::Progress;
use crate::config::Config;
use crate::export::{self, Error as ExportError, Imported, Share};
use crate::process::any_store_options;
use orderly_store::Partition;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

/// Arguments of `orderly store import`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The export; - is standard input. Where the namespace has partitions and none is named: a folder of the exports of all
    /// partitions, or the export of a namespace without partitions. The number may have grown to a multiple
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Makes a store of the export, which begins a new incarnation, and audits it.
pub(super) fn run(config: &Config, store: &Path, args: &Args) -> Result<(Value, Outcome), Error> {
    if args.file == Path::new("-") {
        let options = any_store_options(config);
        let progress = Progress::bytes("imported");
        let lines = io::stdin().lock();
        let imported = export::import(lines, store, None, &options, |bytes| progress.add(bytes));
        return Ok(told(config, store, imported.map_err(Error::Import)?));
    }
    one(config, store, &args.file)
}

/// Makes the stores of all partitions of the exports in a folder, or of the one export of a namespace without partitions.
pub(super) fn all(config: &Config, args: &Args) -> Result<(Value, Outcome), Error> {
    let folder = args.file.is_dir().then_some(&args.file);
    // as many as there are: what is missing in between is missed when it is read
    let files = |folder: &PathBuf| {
        let exists = |number: &u16| file_of_partition(folder, *number).is_file();
        (0..=u16::MAX).take_while(exists).count().max(1)
    };
    let count = u16::try_from(folder.map_or(1, files)).unwrap_or(u16::MAX);
    let made = fs::create_dir_all(&config.store.path);
    made.map_err(ExportError::Write).map_err(Error::Import)?;
    let mut outcome = Outcome::Sound;
    let mut stores = Vec::new();
    for config in config.of_partitions() {
        let number = config.partition().unwrap_or_default() % count;
        let file =
            folder.map_or_else(|| args.file.clone(), |folder| file_of_partition(folder, number));
        let (made, of_store) = one(&config, &config.store.path, &file)?;
        stores.push(made);
        if of_store == Outcome::Unbalanced {
            outcome = of_store;
        }
    }
    Ok((json!({ "stores": stores }), outcome))
}

/// Makes a store of a file: of all of it, or of the share that the configured partition has of it.
fn one(config: &Config, store: &Path, file: &Path) -> Result<(Value, Outcome), Error> {
    let open = || {
        let opened = File::open(file).and_then(|file| Ok((file.metadata()?.len(), file)));
        opened.map_err(ExportError::Read).map_err(Error::Import)
    };
    let share = match config.partition() {
        None => None,
        Some(_) => Share::of(BufReader::new(open()?.1), config.part_of_namespace())
            .map_err(Error::Import)?,
    };
    let (length, lines) = open()?;
    let (options, progress) = (any_store_options(config), Progress::of(length, "imported"));
    let told_progress = |bytes| progress.add(bytes);
    let lines = BufReader::new(lines);
    let imported = export::import(lines, store, share.as_ref(), &options, told_progress);
    drop(progress);
    Ok(told(config, store, imported.map_err(Error::Import)?))
}

/// What is said of a store that was made.
fn told(config: &Config, store: &Path, imported: Imported) -> (Value, Outcome) {
    let Imported { namespace, partition, incarnation, next_sequence, audit } = imported;
    super::warn_of_namespace(config, store, &namespace);
    let outcome = if audit.balanced { Outcome::Sound } else { Outcome::Unbalanced };
    let mut answer = json!({
        "store": store,
        "namespace": namespace,
        "incarnation": incarnation.to_string(),
        "next_sequence": next_sequence,
        "audit": audit,
    });
    if partition != Partition::WHOLE {
        answer["partition"] = json!(partition.number);
        answer["partitions"] = json!(partition.of);
    }
    (answer, outcome)
}
