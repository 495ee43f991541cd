//! What the processor would refuse is refused here, before anything is published: the same decoding judges.

use super::input::{CommandInput, Refusal};
use crate::config::Config;
use crate::decode::Decoder;
use orderly_broker::Names;
use orderly_domain::trace::TraceParent;

/// Checks commands.
pub(super) struct Check {
    names: Names,
    decoder: Decoder,
    /// The verdicts are waited for, so their queue is ours.
    waits: bool,
}

impl Check {
    pub(super) fn new(config: &Config, waits: bool) -> Self {
        Self {
            names: Names::new(&config.broker.namespace),
            decoder: Decoder { max_command_size: config.intake.max_command_size.as_usize() },
            waits,
        }
    }

    /// Refuses a command that the processor would find invalid whatever its state.
    pub(super) fn refuse(&self, command: &CommandInput) -> Result<(), Refusal> {
        let invalid = |what: &str| Err(Refusal::Invalid(what.to_owned()));
        if self.waits && command.reply_to.is_some() {
            return invalid(
                "reply_to: cannot be given with --wait, which reads the verdicts itself",
            );
        }
        // the processor ignores such a trace
        if command.trace.as_deref().is_some_and(|trace| TraceParent::parse(trace).is_none()) {
            return invalid(
                "trace: must be a traceparent (W3C), such as \
                 \"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"",
            );
        }
        let decoded = self.decoder.decode(&command.message(&self.names));
        decoded.command.map(drop).map_err(|invalid| Refusal::Invalid(invalid.detail))
    }
}
