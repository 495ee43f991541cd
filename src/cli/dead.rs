//! `orderly dead list`, `orderly dead replay`: the messages that the broker dead-lettered.

use super::exit::Exit;
use super::{output, values};
use crate::config::Config;
use crate::process::{self, broker_settings};
use orderly_broker::client::Client;
use orderly_broker::rabbit;
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

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum Action {
    /// Print the dead letters, a line of JSON each, and leave them where they are
    List {
        /// Print whole bodies, not only their first 200 characters
        #[arg(long)]
        whole: bool,
    },
    /// Publish the dead letters back as commands, with confirms
    Replay,
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

/// Lists or replays the dead letters. The exit is [`Exit::Failure`] when the broker refused one.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    if config.broker.url.is_memory() {
        return Err(Error::Memory);
    }
    process::runtime()?.block_on(async {
        let client = Client::connect(&broker_settings(config)).await?;
        let exit = match args.action {
            Action::List { whole } => list(&client, args.limit, whole).await?,
            Action::Replay => replay(&client, args.limit).await?,
        };
        client.close().await;
        Ok(exit)
    })
}

async fn list(client: &Client, limit: usize, whole: bool) -> Result<Exit, Error> {
    let mut text = String::new();
    for letter in client.dead_letters(limit).await? {
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

async fn replay(client: &Client, limit: usize) -> Result<Exit, Error> {
    let replay = client.replay_dead_letters(limit).await?;
    for refused in &replay.refused {
        eprintln!("orderly: the broker did not accept a dead letter: {refused:?}");
    }
    let text = format!("{} published back, {} left\n", replay.replayed, replay.refused.len());
    output::print(&text).map_err(Error::Output)?;
    Ok(if replay.refused.is_empty() { Exit::Success } else { Exit::Failure })
}
