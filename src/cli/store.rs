//! `orderly store verify`, `orderly store stats`: offline work on the store.
//!
//! Both only read. A store of an older build stays as it is, so that the older build can still open it.

use super::output;
use crate::config::Config;
use crate::process::{self, read_any_store};
use orderly_actors::audit;
use orderly_actors::counters;
use orderly_actors::tables;
use orderly_domain::order::Status;
use orderly_store::ReadOnly;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `orderly store`. No processor may have the store open.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The store's directory, instead of the configured one
    #[arg(long, value_name = "PATH", global = true)]
    store: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum Action {
    /// Read every state and check every invariant
    Verify,
    /// Print sizes and counts
    Stats,
}

/// Why the store was not checked or measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no store at that place.
    #[error("there is no store at {}", .0.display())]
    Missing(PathBuf),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] process::Error),
    /// A state cannot be read.
    #[error("cannot read the store")]
    Audit(#[from] orderly_actors::states::Error),
    /// The sizes of the store cannot be read.
    #[error("cannot read the store")]
    Store(#[from] orderly_store::Error),
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
    /// The answer was printed and shows no violation.
    Sound,
    /// The audit was printed and shows violations.
    Unbalanced,
}

/// Prints the audit or the sizes of the store.
pub fn run(config: &Config, args: &Args) -> Result<Outcome, Error> {
    let path = args.store.as_ref().unwrap_or(&config.store.path);
    if !path.join("db").is_file() {
        // To open a store that is missing would make a new one.
        return Err(Error::Missing(path.clone()));
    }
    let store = read_any_store(config, path)?;
    let (answer, outcome) = match args.action {
        Action::Verify => {
            let audit = audit::verify(store.view())?;
            let outcome = if audit.balanced { Outcome::Sound } else { Outcome::Unbalanced };
            (serde_json::to_value(audit)?, outcome)
        }
        Action::Stats => (stats(&store)?, Outcome::Sound),
    };
    let text = serde_json::to_string_pretty(&answer)? + "\n";
    output::print(&text).map_err(Error::Output)?;
    Ok(outcome)
}

/// Sizes, and the numbers of entities that the API shows. Ordinals without such an entity are not counted.
fn stats(store: &ReadOnly) -> Result<Value, Error> {
    let (view, stats, recovery) = (store.view(), store.stats()?, store.recovery());
    let orders: u64 = Status::ALL.iter().map(|status| counters::orders(view, *status)).sum();
    Ok(json!({
        "namespace": recovery.namespace,
        "incarnation": recovery.incarnations.current().to_string(),
        "format": recovery.upgraded_from.unwrap_or(recovery.formats).to_string(),
        "bytes": stats.bytes,
        "first_sequence": stats.first.0,
        "next_sequence": stats.next.0,
        "checkpoint_sequence": stats.covered.0,
        "published_below": stats.cursor.0,
        "orders": orders,
        "carts": view.count(tables::CARTS)?,
        "skus": view.count(tables::SKUS)?,
        "parked": counters::parked_in_all(view),
        "parked_bytes": counters::parked_bytes(view),
        "waiting_callbacks": counters::waiting(view),
        "identities": stats.identities,
        "identity_segments": stats.identity_segments,
        "name_segments": stats.name_segments,
        "postings": stats.postings,
        "posting_segments": stats.posting_segments,
    }))
}
