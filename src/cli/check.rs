//! `orderly check`: the configuration in force, and what looks wrong about it.
//!
//! What it prints is TOML and could be used as the file, were it not for the masked secrets.
//! Doubts go to standard error. An invalid configuration never gets here.

use std::io;

use super::output;
use crate::config::Config;

/// Why it cannot be printed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Some value has no form in TOML, such as a path that is not UTF-8.
    #[error("cannot show the configuration as TOML")]
    Toml(#[source] toml::ser::Error),
    /// Standard output is gone or full.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// Prints the configuration and the doubts.
pub fn run(config: &Config) -> Result<(), Error> {
    let in_force = config.to_toml().map_err(Error::Toml)?;
    output::print(&in_force).map_err(Error::Output)?;
    for warning in config.warnings() {
        eprintln!("warning: {}: {}", warning.key, warning.doubt);
    }
    Ok(())
}
