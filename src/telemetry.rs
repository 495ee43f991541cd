//! Logging: one event for one fact, to standard error, as text or as JSON.
//!
//! `RUST_LOG` chooses the targets and levels. A panic is logged as an event, so a collector of JSON lines sees it too.

use std::env;
use std::io::{self, IsTerminal as _};
use std::panic;

use tracing::error;
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{fmt, registry};

use crate::config::LogFormat;

/// The variable with the levels by target, such as `info,orderly=debug`.
const VARIABLE: &str = "RUST_LOG";

/// The levels of `serve` where `RUST_LOG` is not set.
pub const SERVE: &str = "info,actix_server=warn";
/// The levels of `demo` where `RUST_LOG` is not set: only errors, so that the summary stands out.
pub const DEMO: &str = "error";
/// lapin logs whole messages, with the data of customers, and logs an error for every queue that is missing when we look for
/// it. `orderly-broker` logs the failures of the connection itself.
const QUIET: &str = "lapin=off";

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `RUST_LOG` has the wrong form.
    #[error("cannot read RUST_LOG")]
    Filter(#[source] ParseError),
    /// The process has a logger already.
    #[error("cannot start logging")]
    Started(#[source] TryInitError),
}

/// Starts logging for the whole process. `default` holds the levels where `RUST_LOG` is not set.
pub fn init(format: LogFormat, default: &str) -> Result<(), Error> {
    let directives = env::var(VARIABLE).unwrap_or_default();
    let directives = if directives.trim().is_empty() { default } else { &directives };
    let directives = if directives.contains("lapin") {
        directives.to_owned() // asked for by name
    } else {
        format!("{directives},{QUIET}")
    };
    let targets: Targets = directives.parse().map_err(Error::Filter)?;
    let lines = fmt::layer().with_writer(io::stderr);
    match format {
        LogFormat::Text => {
            let lines = lines.with_ansi(io::stderr().is_terminal());
            registry().with(lines).with(targets).try_init()
        }
        LogFormat::Json => {
            registry().with(lines.json().flatten_event(true)).with(targets).try_init()
        }
    }
    .map_err(Error::Started)?;
    log_panics();
    Ok(())
}

/// An error and its causes in one line.
pub fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let thread = std::thread::current();
        let at = info.location().map(ToString::to_string);
        let text = info.payload().downcast_ref::<&str>().copied();
        let message = text.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str));
        error!(thread = thread.name(), at, panic = message, "panicked");
    }));
}
