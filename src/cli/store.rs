//! `orderly store verify`, `orderly store stats`: offline work on the store.

use super::exit::Exit;
use super::output;
use crate::config::Config;
use crate::process::{self, open_any_store};
use orderly_actors::audit;
use orderly_actors::store::Table;
use std::path::PathBuf;

/// What is done with the store. No processor may have it open.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The store's directory, instead of the configured one
    #[arg(long, value_name = "PATH", global = true)]
    store: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum What {
    /// Read every state and check all that must hold
    Verify,
    /// Show sizes and counts
    Stats,
}

/// Why the store tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no store at that place.
    #[error("there is no store at {}", .0.display())]
    Missing(PathBuf),
    /// It cannot be opened.
    #[error("cannot look into the store")]
    Open(#[from] process::Error),
    /// It cannot be read.
    #[error("cannot read the store")]
    Audit(#[from] audit::Error),
    /// Its sizes cannot be read.
    #[error("cannot read the store")]
    Store(#[from] orderly_actors::store::Error),
    /// The answer has no form in JSON.
    #[error("cannot show the answer")]
    Json(#[from] serde_json::Error),
    /// Standard output is gone or full.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

/// Does it.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    let path = args.store.as_ref().unwrap_or(&config.store.path);
    if !path.is_dir() {
        // opening would make one
        return Err(Error::Missing(path.clone()));
    }
    let opened = open_any_store(config, path)?;
    let (answer, exit) = match args.what {
        What::Verify => {
            let audit = audit::audit(&opened.view)?;
            let exit = if audit.balanced { Exit::Success } else { Exit::Failure };
            (serde_json::to_value(audit)?, exit)
        }
        What::Stats => {
            let stats = opened.log.stats()?;
            let entities = |wanted: Table| {
                let found = stats.entities.iter().find(|(table, _)| *table == wanted);
                found.map_or(0, |(_, count)| *count)
            };
            let answer = serde_json::json!({
                "namespace": opened.recovery.namespace,
                "incarnation": opened.recovery.incarnation.to_string(),
                "bytes": stats.bytes,
                "first_sequence": stats.first.0,
                "next_sequence": stats.next.0,
                "checkpoint_sequence": stats.covered.0,
                "published_below": stats.cursor.0,
                "orders": entities(Table::Orders),
                "carts": entities(Table::Carts),
                "skus": entities(Table::Skus),
                "parked": entities(Table::Parked),
                "identities": stats.identities,
                "identity_segments": stats.identity_segments,
                "name_segments": stats.name_segments,
            });
            (answer, Exit::Success)
        }
    };
    let text = serde_json::to_string_pretty(&answer)? + "\n";
    output::print(&text).map_err(Error::Output)?;
    Ok(exit)
}
