//! `orderly store backup`: of a stopped store by reading it, of a running processor through its admin API.

use super::{Error, read};
use crate::backup::{Files, Folder, Manifest, tar};
use crate::cli::api::Api;
use crate::cli::progress::Progress;
use crate::cli::source::Source;
use crate::config::Config;
use crate::process;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The path of the admin API.
const ROUTE: &str = "/api/store/backup";

/// Arguments of `orderly store backup`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The folder of the backup: it must not exist, or be empty
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// The admin API of the processor whose store is copied. Without it the configured store is copied, through admin.bind when a
    /// processor has it open
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Makes the backup.
pub(super) fn run(
    config: &Config,
    store: &Path,
    partition: Option<u16>,
    args: &Args,
) -> Result<Value, Error> {
    let manifest = match Source::find(store, args.url.as_deref())? {
        Source::Running => of_running(config, partition, args)?,
        Source::Stopped => of_stopped(config, store, &args.to)?,
    };
    let of = args.url.clone().unwrap_or_else(|| store.display().to_string());
    Ok(json!({
        "backup": args.to,
        "of": of,
        "namespace": manifest.namespace,
        "incarnation": manifest.incarnation,
        "end_sequence": manifest.end_sequence,
        "files": manifest.files.len(),
        "bytes": manifest.bytes(),
    }))
}

fn of_stopped(config: &Config, store: &Path, to: &Path) -> Result<Manifest, Error> {
    let store = read(config, store)?;
    let mut folder = Folder::create(to).map_err(Error::Backup)?;
    let progress = Progress::bytes("copied");
    let source = store.backup()?.ok_or(orderly_store::Error::InUse)?;
    let mut files = Files::new(source, config.store.backup_rate);
    while let Some(file) = files.next_file()? {
        folder.write(&file).map_err(Error::Backup)?;
        progress.add(file.content.len() as u64);
    }
    folder.finish().map_err(Error::Backup)
}

fn of_running(config: &Config, partition: Option<u16>, args: &Args) -> Result<Manifest, Error> {
    let api = Api::at(config, args.url.as_deref())?;
    let query = partition.map(|number| format!("?partition={number}"));
    let route = format!("{ROUTE}{}", query.unwrap_or_default());
    let mut folder = Folder::create(&args.to).map_err(Error::Backup)?;
    let progress = Progress::bytes("copied");
    let runtime = process::runtime()?;
    runtime.block_on(async {
        let mut answer = api.download(&route).await?;
        let mut unpacker = tar::Unpacker::default();
        while let Some(piece) = answer.piece().await? {
            progress.add(piece.len() as u64);
            unpacker.push(&piece);
            while let Some(file) = unpacker.next_file()? {
                folder.write(&file).map_err(Error::Backup)?;
            }
        }
        Ok::<_, Error>(unpacker.end()?)
    })?;
    let wanted = &config.broker.namespace;
    match folder.namespace() {
        Some(found) if found != wanted => Err(Error::AnotherNamespace {
            url: api.origin().to_owned(),
            found: found.to_owned(),
            wanted: wanted.clone(),
        }),
        _ => folder.finish().map_err(Error::Backup),
    }
}
