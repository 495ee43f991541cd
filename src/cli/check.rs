//! `orderly check`: prints the configuration in force, and warnings about suspicious values.
//!
//! The output is TOML and, apart from the masked secrets, a valid configuration file. Warnings go to standard error. An
//! invalid configuration ends the program before it gets here. `RUST_LOG` is checked too, since `serve` refuses a wrong one.
//! With `--connect`, `connect` tries what the configuration names.

mod connect;

use std::io;

use super::exit::Exit;
use super::output;
use crate::config::Config;
use crate::telemetry;

/// Arguments of `orderly check`.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the configuration is right; 78 it is wrong. With --connect, where something went wrong: what \
    `orderly serve` would end with (74 the store, 78 the configuration or a store that this build cannot open), and 1 for \
    everything else."
)]
pub struct Args {
    /// Try the broker, its exchanges and queues, the store and the webhook; nothing is changed
    #[arg(long)]
    connect: bool,
}

/// Why the configuration was not printed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value cannot be written as TOML, such as a path that is not UTF-8.
    #[error("cannot show the configuration as TOML")]
    Toml(#[source] toml::ser::Error),
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// `RUST_LOG` is wrong.
    #[error("cannot log as configured")]
    Telemetry(#[from] telemetry::Error),
}

/// Prints the configuration and the warnings, and tries the connections where that is asked for.
pub fn run(config: &Config, args: Args) -> Result<Exit, Error> {
    let in_force = config.to_toml().map_err(Error::Toml)?;
    output::print(&in_force).map_err(Error::Output)?;
    for warning in config.warnings() {
        eprintln!("warning: {}: {}", warning.key, warning.doubt);
    }
    telemetry::check()?;
    Ok(if args.connect { connect::run(config) } else { Exit::Success })
}
