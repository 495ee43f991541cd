//! `orderly serve`: the processor on RabbitMQ.

use super::exit::Exit;
use crate::admin::Condition;
use crate::config::{Config, Create};
use crate::process::{self, Error, Observed, Processors, Signals, run_until_signalled};
use crate::telemetry;
use std::path::Path;

/// Arguments of `orderly serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Make a new store if there is none, also for a namespace that another store was used with
    #[arg(long)]
    new_store: bool,
}

/// Why the processor does not run.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The logger could not start.
    #[error("cannot start logging")]
    Telemetry(#[from] telemetry::Error),
    /// The owner left to another member, as it was asked to.
    #[error("asked to leave")]
    SteppedDown(#[source] Error),
    /// The processor could not start, or failed.
    #[error("cannot serve")]
    Process(#[source] Error),
}

/// Processes commands until a signal comes or the processor fails.
pub fn run(mut config: Config, args: &Args) -> Result<(), Failure> {
    if args.new_store {
        config.store.create = Create::Always;
    }
    let config = &config;
    telemetry::init(config.log.format, telemetry::SERVE)?;
    for warning in config.warnings() {
        tracing::warn!(key = warning.key, doubt = %warning.doubt, "suspicious configuration");
    }
    let runtime = process::runtime().map_err(Failure::Process)?;
    let result = runtime.block_on(serve(config)).map_err(|error| match error {
        Error::SteppedDown => Failure::SteppedDown(error),
        error => Failure::Process(error),
    });
    // Without waiting for threads that wait for a disk or a broker.
    runtime.shutdown_background();
    result.inspect_err(|failure| log_storage_failure(failure, &config.store.path))
}

async fn serve(config: &Config) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    let observed = Observed::start(config)?;
    let result = tokio::select! {
        result = process_commands(config, &observed, &mut signals) => result,
        error = observed.server.failed() => Err(error.into()),
    };
    if let Err(Error::Pipeline(error)) = &result {
        let condition = if error.is_storage() { Condition::Storage } else { Condition::Failed };
        observed.readiness.raise(condition, error.to_string());
    }
    if !matches!(result, Err(Error::Impatient)) {
        observed.server.stop().await;
    }
    if result.is_ok() {
        tracing::info!("stopped");
    }
    result
}

/// Starts the processor, and lets it work to its end.
async fn process_commands(
    config: &Config,
    observed: &Observed,
    signals: &mut Signals,
) -> Result<(), Error> {
    let mut processors = tokio::select! {
        started = Processors::start_configured(config, observed) => started?,
        () = signals.next() => return Ok(()), // nothing was begun
    };
    let step_down = observed.cluster.step_down_asked();
    run_until_signalled(&mut processors, signals, step_down, config.shutdown.grace.get()).await
}

/// Logs one event when the store is why the process ends: collectors of logs may not see the line on standard error.
fn log_storage_failure(failure: &Failure, store: &Path) {
    let exit = Exit::of(failure);
    if exit == Exit::Storage {
        tracing::error!(
            error = telemetry::causes(failure),
            path = %store.display(),
            exit_code = exit as u8,
            "the store failed: the process ends"
        );
    }
}
