//! The command line.
//!
//! | module | has |
//! |---|---|
//! | `check`, `cluster`, `dead`, `demo`, `explain`, `parked`, `publish`, `schema`, `serve`, `simulate`, `store`, `watch` | one command each |
//! | `api` | requests to the admin API of a running process |
//! | `message_filter` | which of the messages that were not processed are meant |
//! | `exit` | the exit codes |
//! | `output`, `progress` | standard output; progress on standard error |
//! | `values` | the values of arguments |
//! | `source` | where a store is: with a processor at work, or stopped |

mod api;
pub mod check;
pub mod cluster;
pub mod dead;
pub mod demo;
pub mod exit;
pub mod explain;
mod message_filter;
mod output;
pub mod parked;
mod progress;
pub mod publish;
pub mod schema;
pub mod serve;
pub mod simulate;
mod source;
pub mod store;
mod values;
pub mod watch;

use std::path::PathBuf;

/// An event-driven order processor.
#[derive(Debug, clap::Parser)]
#[command(name = "orderly", version, about, propagate_version = true)]
pub struct Cli {
    /// Configuration file (TOML); environment variables override it
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of the program.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Validate the configuration, print the one in force, and warn of suspicious values
    Check(check::Args),
    /// Run a generated shop day through the whole processor, without RabbitMQ, and check the books
    Demo(demo::Args),
    /// Process commands from RabbitMQ until SIGTERM or SIGINT
    Serve(serve::Args),
    /// Publish commands to RabbitMQ with publisher confirms
    Publish(publish::Args),
    /// Check, measure, back up or restore the store
    Store(store::Args),
    /// Tell the story of an order: what it is, what happened, what is open
    Explain(explain::Args),
    /// Show the state of the shop in the terminal, live; q quits
    Watch(watch::Args),
    /// List, replay or dismiss the messages that a running process has parked
    Parked(parked::Args),
    /// List, replay or dismiss the messages that the broker dead-lettered
    Dead(dead::Args),
    /// Show the members of a namespace, or let another one own it
    Cluster(cluster::Args),
    /// Run the core against random crashes and faults from a seed, and check every step
    Simulate(simulate::Args),
    /// Print the JSON Schemas of all messages and HTTP answers, or the AsyncAPI document of the messages
    Schema(schema::Args),
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_configuration_is_named_before_or_after_the_command() {
        for line in
            [["orderly", "--config", "o.toml", "check"], ["orderly", "check", "--config", "o.toml"]]
        {
            let cli = Cli::try_parse_from(line).expect("a command line");
            assert_eq!(cli.config, Some(PathBuf::from("o.toml")), "{line:?}");
        }
    }
}
