//! `orderly dead list`, `orderly dead replay`: what the broker itself gave up on.

use super::exit::Exit;
use super::output;
use crate::config::Config;
use crate::process::{self, broker_settings};
use orderly_broker::client::Client;
use orderly_broker::rabbit;
use serde_json::json;
use std::fmt::Write as _;

/// What is done with the dead letters.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// Dead letters to look at, at most
    #[arg(long, value_name = "N", default_value_t = 100, global = true)]
    limit: usize,
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum What {
    /// Show them, a line of JSON each; they stay
    List,
    /// Publish them back as commands, with confirms
    Replay,
}

/// Why nothing is known of the dead letters.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The in-process broker is gone with its process.
    #[error("an in-process broker keeps no dead letters: broker.url must be amqp:// or amqps://")]
    Memory,
    /// No runtime.
    #[error("cannot start")]
    Process(#[from] process::Error),
    /// The broker.
    #[error("cannot reach the dead letters")]
    Broker(#[from] rabbit::Error),
    /// Standard output is gone or full.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

/// Does it.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    if config.broker.url.is_memory() {
        return Err(Error::Memory);
    }
    process::runtime()?.block_on(async {
        let client = Client::connect(&broker_settings(config)).await?;
        let exit = match args.what {
            What::List => list(&client, args.limit).await?,
            What::Replay => replay(&client, args.limit).await?,
        };
        client.close().await;
        Ok(exit)
    })
}

async fn list(client: &Client, limit: usize) -> Result<Exit, Error> {
    let mut text = String::new();
    for letter in client.dead_letters(limit).await? {
        let properties = &letter.message.properties;
        let line = json!({
            "reason": letter.reason, "queue": letter.queue,
            "routing_key": letter.message.routing_key, "type": properties.kind,
            "id": properties.message_id, "source": properties.app_id,
            "size": letter.message.body.len(),
            "text": std::str::from_utf8(&letter.message.body).ok(),
        });
        let _ = writeln!(text, "{line}"); // writing to a string cannot fail
    }
    output::print(&text).map_err(Error::Output)?;
    Ok(Exit::Success)
}

async fn replay(client: &Client, limit: usize) -> Result<Exit, Error> {
    let replay = client.replay_dead_letters(limit).await?;
    for refused in &replay.refused {
        eprintln!("orderly: the broker did not take one back: {refused:?}");
    }
    let text = format!("{} published back, {} left\n", replay.replayed, replay.refused.len());
    output::print(&text).map_err(Error::Output)?;
    Ok(if replay.refused.is_empty() { Exit::Success } else { Exit::Failure })
}
