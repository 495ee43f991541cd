//! `orderly serve`: the processor on RabbitMQ.

use crate::admin::Condition;
use crate::config::Config;
use crate::process::{self, Error, Observed, Processor, Signals, run_until_signalled};
use crate::telemetry;

/// Why the processor does not run.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The logger could not start.
    #[error("cannot start logging")]
    Telemetry(#[from] telemetry::Error),
    /// The processor could not start, or failed.
    #[error("cannot serve")]
    Process(#[from] Error),
}

/// Processes commands until a signal comes or the processor fails.
pub fn run(config: &Config) -> Result<(), Failure> {
    telemetry::init(config.log.format, telemetry::SERVE)?;
    for warning in config.warnings() {
        tracing::warn!(key = warning.key, doubt = %warning.doubt, "suspicious configuration");
    }
    let runtime = process::runtime()?;
    let result = runtime.block_on(serve(config));
    // Without waiting for threads that wait for a disk or a broker.
    runtime.shutdown_background();
    Ok(result?)
}

async fn serve(config: &Config) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    let observed = Observed::start(config)?;
    let mut processor = tokio::select! {
        started = Processor::start_configured(config, &observed) => started?,
        () = signals.next() => return Ok(()), // no command was taken yet
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
