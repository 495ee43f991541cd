//! `orderly check`: prints the configuration in force, and warnings about suspicious values.
//!
//! The output is TOML and, apart from the masked secrets, a valid configuration file. Warnings go to standard error. An
//! invalid configuration ends the program before it gets here. `RUST_LOG` is checked too, since `serve` refuses a wrong one.

use std::io;

use super::output;
use crate::config::Config;
use crate::telemetry;

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

/// Prints the configuration and the warnings.
pub fn run(config: &Config) -> Result<(), Error> {
    let in_force = config.to_toml().map_err(Error::Toml)?;
    output::print(&in_force).map_err(Error::Output)?;
    for warning in config.warnings() {
        eprintln!("warning: {}: {}", warning.key, warning.doubt);
    }
    telemetry::check()?;
    Ok(())
}
