//! `orderly serve`: the processor on RabbitMQ.

use crate::config::Config;
use crate::process::{
    self, Error, Observed, Processor, Signals, broker_settings, memory_broker, open_store,
    run_until_signalled,
};
use crate::telemetry;
use orderly_broker::rabbit;

/// Why it does not serve.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing can be logged.
    #[error("cannot log")]
    Telemetry(#[from] telemetry::Error),
    /// The process could not start, or had to end.
    #[error("cannot serve")]
    Process(#[from] Error),
}

/// Serves until a signal comes, or it cannot go on.
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
    let owner = if config.broker.url.is_memory() {
        None
    } else {
        let patience = config.broker.owner_wait.get();
        tokio::select! {
            owner = rabbit::Claim::new(broker_settings(config))?.acquire(patience) => Some(owner?),
            () = signals.next() => return Ok(()), // nothing was begun
        }
    };
    let opened = tokio::task::block_in_place(|| open_store(config, &config.store.path))?;
    let recovery = &opened.recovery;
    tracing::info!(
        incarnation = %recovery.incarnation, created = recovery.created,
        replayed = recovery.replayed, cut = recovery.cut, "store opened"
    );
    let link = match owner {
        Some(owner) => owner.link(),
        None => memory_broker(config).link(config.broker.prefetch.get()),
    };
    let mut processor = Processor::start(opened, link, config, &observed)?;
    let result =
        run_until_signalled(&mut processor, &mut signals, config.shutdown.grace.get()).await;
    if let Err(error) = &result
        && matches!(error, Error::Pipeline(error) if error.is_storage())
    {
        observed.readiness.raise(crate::admin::Condition::Storage, error.to_string());
    }
    if !matches!(result, Err(Error::Impatient)) {
        observed.server.stop().await;
    }
    if result.is_ok() {
        tracing::info!("stopped");
    }
    result
}
