//! `orderly explain`: the story of an order, of a processor at work or of a stopped store.
//!
//! `story` makes the sentences; both sources give it what the API shows.

mod story;
#[cfg(test)]
mod tests;

use super::api::{self, Api, path};
use super::output;
use super::progress::Progress;
use super::source::Source;
use super::store;
use crate::admin::shown;
use crate::config::Config;
use crate::process;
use serde::Deserialize as _;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The number of items that are asked for at once: the most that the API gives.
const PAGE: usize = 500;

/// Arguments of `orderly explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The id of the order
    #[arg(value_name = "ORDER")]
    order: String,
    /// The store's directory, instead of the configured one
    #[arg(long, value_name = "PATH", conflicts_with = "url")]
    store: Option<PathBuf>,
    /// The admin API of the processor to ask. Without it the configured store is read, through admin.bind when a processor has it
    /// open
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Why the story is not told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such order, or it was deleted.
    #[error(transparent)]
    NotShown(#[from] shown::NotShown),
    /// The store cannot be opened.
    #[error("cannot read the store")]
    Store(#[from] store::Error),
    /// The processor that has the store open does not tell it.
    #[error("cannot ask the processor")]
    Admin(#[from] api::Error),
    /// The runtime could not start.
    #[error("cannot start")]
    Process(#[from] process::Error),
    /// The answer has another form than this build expects.
    #[error("the processor tells the order in a form that this build does not know")]
    Form(#[source] serde_json::Error),
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

/// Prints the story.
pub fn run(config: &Config, args: &Args) -> Result<(), Error> {
    let number = config.cluster.partitions().of_id(&args.order);
    let of_order = config.of_partition(number);
    let store = args.store.as_ref().unwrap_or(&of_order.store.path);
    let progress = Progress::spinner("reading");
    let (order, timeline) = match Source::find(store, args.url.as_deref())? {
        Source::Running => process::runtime()?.block_on(ask(config, args))?,
        Source::Stopped => read(config, store, &args.order)?,
    };
    drop(progress);
    output::print(&tell(&order, &timeline)?).map_err(Error::Output)
}

/// The whole story.
fn tell(order: &Value, timeline: &[Value]) -> Result<String, Error> {
    let order = story::Order::deserialize(order).map_err(Error::Form)?;
    let mut text = story::order(&order);
    text += "\nWhat happened (times in UTC):\n";
    for item in timeline {
        text += &story::item(&story::Item::deserialize(item).map_err(Error::Form)?);
    }
    text += "\nWhat is open:\n";
    text += &story::next(&order);
    Ok(text)
}

/// Asks a processor for the order and its timeline.
async fn ask(config: &Config, args: &Args) -> Result<(Value, Vec<Value>), Error> {
    let api = Api::at(config, args.url.as_deref())?;
    let order = path(&["api", "orders", &args.order]);
    let of_timeline = path(&["api", "orders", &args.order, "timeline"]);
    let order = api.get(&order).await?;
    let mut timeline = Vec::new();
    let mut after = String::new();
    loop {
        let page = api.get(&format!("{of_timeline}?limit={PAGE}{after}")).await?;
        timeline.extend(page["items"].as_array().into_iter().flatten().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok((order, timeline)),
        }
    }
}

/// Reads the order and its timeline in the store of a stopped processor.
fn read(config: &Config, store: &Path, id: &str) -> Result<(Value, Vec<Value>), Error> {
    let store = store::read(config, store)?;
    let reader = store.reader().ok_or(orderly_store::Error::InUse).map_err(store::Error::from)?;
    Ok((shown::order(&reader, id)?, shown::timeline(&reader, id)?))
}
