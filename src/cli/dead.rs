//! `orderly dead list`, `replay`, `dismiss`: the messages that the broker dead-lettered.

use super::exit::Exit;
use super::message_filter::MessageFilter;
use super::progress::Progress;
use super::{output, values};
use crate::config::Config;
use crate::process::{self, broker_settings};
use orderly_broker::client::{Client, DeadLetter};
use orderly_broker::rabbit;
use orderly_domain::subject::Subject;
use serde_json::json;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Arguments of `orderly dead`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    /// The largest number of dead letters to list or replay
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = values::count::<usize>, global = true)]
    limit: usize,
}

/// The most characters of a body that a line shows.
const SHOWN: usize = 200;

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print the dead letters, a line of JSON each, and leave them where they are
    List {
        /// Print whole bodies, not only their first 200 characters
        #[arg(long)]
        whole: bool,
        #[command(flatten)]
        filter: MessageFilter,
    },
    /// Publish the dead letters back as commands, with confirms
    Replay {
        #[command(flatten)]
        filter: MessageFilter,
    },
    /// Take dead letters out of the queue for good
    Dismiss {
        /// How many dead letters that must be; without it nothing is done, and their number is printed
        #[arg(long, value_name = "N")]
        count: Option<usize>,
        #[command(flatten)]
        filter: MessageFilter,
    },
}

/// Why the dead letters were not listed or replayed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An in-process broker ends with its process.
    #[error("an in-process broker keeps no dead letters: broker.url must be amqp:// or amqps://")]
    Memory,
    /// The runtime could not start.
    #[error("cannot start")]
    Process(#[from] process::Error),
    /// The broker cannot be reached, or refused a request.
    #[error("cannot reach the dead letters")]
    Broker(#[from] rabbit::Error),
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

/// Lists, replays or dismisses dead letters. The exit is [`Exit::Failure`] when one was not.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    if config.broker.is_memory() {
        return Err(Error::Memory);
    }
    process::runtime()?.block_on(async {
        let client = Client::connect(&broker_settings(config)).await?;
        let exit = match &args.action {
            Action::List { whole, filter } => list(&client, filter, args.limit, *whole).await?,
            Action::Replay { filter } => replay(&client, filter, args.limit).await?,
            Action::Dismiss { count, filter } => dismiss(&client, filter, *count).await?,
        };
        client.close().await;
        Ok(exit)
    })
}

/// Whether a dead letter is meant.
fn means(filter: &MessageFilter, letter: &DeadLetter) -> bool {
    let properties = &letter.message.properties;
    // the body is parsed only where the order matters
    let order = filter.order_id.as_ref().and_then(|_| {
        let order = Subject::read(&letter.message.body).order_id?;
        Some(order.to_string())
    });
    let kind = properties.kind.as_deref().unwrap_or(&letter.message.routing_key);
    let source = properties.app_id.as_deref();
    filter.matches([order.as_deref(), source, Some(kind), letter.reason.as_deref()])
}

async fn list(
    client: &Client,
    filter: &MessageFilter,
    limit: usize,
    whole: bool,
) -> Result<Exit, Error> {
    let mut text = String::new();
    for letter in client.dead_letters(limit, |letter| means(filter, letter)).await? {
        let properties = &letter.message.properties;
        let line = json!({
            "reason": letter.reason, "queue": letter.queue,
            "routing_key": letter.message.routing_key, "type": properties.kind,
            "id": properties.message_id, "source": properties.app_id,
            "size": letter.message.body.len(),
            "text": std::str::from_utf8(&letter.message.body).ok().map(|text| shown(text, whole)),
        });
        let _ = writeln!(text, "{line}"); // writing to a string cannot fail
    }
    output::print(&text).map_err(Error::Output)?;
    Ok(Exit::Success)
}

/// The body in one line. Its beginning says what it is.
fn shown(text: &str, whole: bool) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) if !whole => format!("{}…", &text[..end]).into(),
        _ => text.into(),
    }
}

/// Dismisses the letters once their number is confirmed. `--limit` does not limit it.
async fn dismiss(
    client: &Client,
    filter: &MessageFilter,
    count: Option<usize>,
) -> Result<Exit, Error> {
    let progress = Progress::count("dead letters read");
    let mean = |letter: &DeadLetter| {
        progress.add(1);
        means(filter, letter)
    };
    let found = client.dead_letters(usize::MAX, mean).await?.len();
    if count != Some(found) {
        drop(progress);
        eprintln!(
            "orderly: there are {found} such dead letters: confirm that with --count {found}"
        );
        return Ok(Exit::Failure);
    }
    let dismissed = client.dismiss_dead_letters(found, mean).await?;
    drop(progress);
    output::print(&format!("{dismissed} dismissed\n")).map_err(Error::Output)?;
    Ok(if dismissed == found { Exit::Success } else { Exit::Failure })
}

async fn replay(client: &Client, filter: &MessageFilter, limit: usize) -> Result<Exit, Error> {
    let progress = Progress::count("dead letters published back");
    let mean = |letter: &DeadLetter| {
        let is_meant = means(filter, letter);
        progress.add(is_meant.into());
        is_meant
    };
    let replay = client.replay_dead_letters(limit, mean).await?;
    drop(progress);
    for refused in &replay.refused {
        eprintln!("orderly: the broker did not accept a dead letter: {refused:?}");
    }
    let text = format!("{} published back, {} left\n", replay.replayed, replay.refused.len());
    output::print(&text).map_err(Error::Output)?;
    Ok(if replay.refused.is_empty() { Exit::Success } else { Exit::Failure })
}
