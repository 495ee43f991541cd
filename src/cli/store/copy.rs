//! `orderly store copy`: a store like that of a member of a cluster.

use super::Error;
use crate::backup::Scratch;
use crate::cli::progress::Progress;
use crate::config::Config;
use crate::copy::client::Client;
use crate::copy::fetch::fetch;
use crate::process::{self, any_store_options};
use orderly_store::Seq;
use serde_json::{Value, json};
use std::path::Path;

/// Arguments of `orderly store copy`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The admin API of the member whose store is copied
    #[arg(long, value_name = "URL")]
    from: String,
}

/// Copies the store to a place where nothing is. It keeps its incarnation and its place in the journal.
pub(super) fn run(config: &Config, store: &Path, args: &Args) -> Result<Value, Error> {
    let client = Client::new(&args.from, &config.admin.token)?.of_partition(config.partition());
    let scratch = Scratch::beside(store, ".copy").map_err(|error| Error::Copy(error.into()))?;
    let progress = Progress::bytes("copied");
    let mut shown = 0;
    let show = |now: crate::copy::Progress| {
        progress.add(now.came - shown);
        shown = now.came;
    };
    let options = any_store_options(config);
    let copying = fetch(&client, scratch, &options, Seq::FIRST, show);
    let arrived = process::runtime()?.block_on(copying)?;
    drop(progress);
    arrived.scratch.finish().map_err(|error| Error::Copy(error.into()))?;
    super::warn_of_namespace(config, store, &arrived.manifest.namespace);
    Ok(json!({
        "store": store,
        "of": args.from,
        "namespace": arrived.manifest.namespace,
        "incarnation": arrived.incarnation.to_string(),
        "next_sequence": arrived.manifest.end_sequence,
        "bytes": arrived.manifest.bytes(),
    }))
}
