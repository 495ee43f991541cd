//! `orderly serve`: the processor on RabbitMQ.

use crate::admin::Condition;
use crate::config::Config;
use crate::process::{self, Error, Observed, Processor, Signals, run_until_signalled};
use crate::telemetry;

/// Why the processor does not serve.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing can be logged.
    #[error("cannot log")]
    Telemetry(#[from] telemetry::Error),
    /// The process could not start, or had to end.
    #[error("cannot serve")]
    Process(#[from] Error),
}

/// Serves until a signal comes, or the processor cannot go on.
pub fn run(config: &Config) -> Result<(), Failure> {
    telemetry::init(config.log.format, telemetry::SERVE)?;
    for warning in config.warnings() {
        tracing::warn!(key = warning.key, doubt = %warning.doubt, "suspicious configuration");
    }
    let runtime = process::runtime()?;
    let result = runtime.block_on(serve(config));
    // threads that still wait for a disk or a broker are not waited for
    runtime.shutdown_background();
    Ok(result?)
}

async fn serve(config: &Config) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    let observed = Observed::start(config)?;
    let mut processor = tokio::select! {
        started = Processor::start_configured(config, &observed) => started?,
        () = signals.next() => return Ok(()), // nothing was begun
    };
    let result =
        run_until_signalled(&mut processor, &mut signals, config.shutdown.grace.get()).await;
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
