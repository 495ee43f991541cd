//! What the processor would refuse is refused here, before anything is published: the same decoding judges.

use super::input::{CommandInput, Refusal};
use crate::config::Config;
use crate::decode::Decoder;
use orderly_broker::{Message, Names, partition_routing_key};
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
        Self { names: config.names(), decoder: Decoder::of(config), waits }
    }

    /// The message of a command, which names the partition that the command belongs to, where there are several.
    pub(super) fn message(&self, command: &CommandInput) -> Message {
        let mut message = command.message(&self.names);
        if self.decoder.partitions.are_several() {
            let number = self.decoder.partition_of(&self.decoder.decode(&message));
            message.routing_key = partition_routing_key(number, &message.routing_key);
        }
        message
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
