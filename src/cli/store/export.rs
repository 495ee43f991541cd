//! `orderly store export`.

use super::{Error, read};
use crate::cli::progress::Progress;
use crate::config::Config;
use crate::export::{self, Error as ExportError};
use orderly_store::ReadOnly;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

/// Arguments of `orderly store export`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The file to write; - is standard output. Where the namespace has partitions and none is named: a folder, for a file of each
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Writes the export. Returns what was done, unless standard output has the export itself.
pub(super) fn run(config: &Config, store: &Path, args: &Args) -> Result<Option<Value>, Error> {
    let store = read(config, store)?;
    if args.file == Path::new("-") {
        let out = BufWriter::new(io::stdout().lock());
        let written = export(&store, out);
        return match written {
            // a reader that closes the pipe early, as `head` does, is no error
            Err(ExportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(None),
            written => written.map(|_| None).map_err(Error::Export),
        };
    }
    let lines = to_file(&store, &args.file).map_err(Error::Export)?;
    Ok(Some(json!({ "export": args.file, "lines": lines })))
}

/// Writes the exports of the stores of all partitions to a folder: p0.jsonl and so on.
pub(super) fn all(config: &Config, args: &Args) -> Result<Value, Error> {
    let folder = &args.file;
    if folder == Path::new("-") {
        return Err(Error::NoFolder);
    }
    fs::create_dir_all(folder).map_err(ExportError::Write).map_err(Error::Export)?;
    let mut exports = Vec::new();
    for config in config.of_partitions() {
        let partition = config.partition();
        let store = read(&config, &config.store.path)?;
        let file = file_of_partition(folder, partition.unwrap_or_default());
        let lines = to_file(&store, &file).map_err(Error::Export)?;
        exports.push(json!({ "partition": partition, "export": file, "lines": lines }));
    }
    Ok(json!({ "exports": exports }))
}

/// The file of a partition in a folder of exports.
pub(super) fn file_of_partition(folder: &Path, number: u16) -> PathBuf {
    folder.join(format!("p{number}.jsonl"))
}

fn export(store: &ReadOnly, out: impl io::Write) -> Result<u64, ExportError> {
    let progress = Progress::bytes("exported");
    export::export(store, out, |bytes| progress.add(bytes))
}

/// Writes the export beside its place, so that the file is there only when it is whole.
fn to_file(store: &ReadOnly, place: &Path) -> Result<u64, ExportError> {
    let mut beside = place.to_owned().into_os_string();
    beside.push(".partial");
    let file = File::create(&beside).map_err(ExportError::Write)?;
    let lines = export(store, BufWriter::new(&file));
    let lines = lines.and_then(|lines| {
        file.sync_all().and_then(|()| fs::rename(&beside, place)).map_err(ExportError::Write)?;
        Ok(lines)
    });
    if lines.is_err() {
        let _ = fs::remove_file(&beside); // best effort: the next export replaces it
    }
    lines
}
