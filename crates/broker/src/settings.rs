//! The settings of the `RabbitMQ` driver.

use std::{fmt, path::PathBuf, time::Duration};

use super::Names;

/// Settings of the `RabbitMQ` driver; validated by the configuration before they get here.
#[derive(Clone)]
pub struct Settings {
    /// The broker's URLs, `amqp://` or `amqps://`, at least one: the nodes of a cluster, which are tried in turn. They
    /// hold the password, so they are never printed.
    pub urls: Vec<String>,
    /// The heartbeat in seconds, where a URL names none. A dead peer is noticed after two to three of these.
    pub heartbeat: u16,
    /// A PEM file with the certificate authorities to trust for `amqps`. `None` trusts those of the
    /// system.
    pub ca_file: Option<PathBuf>,
    /// Names of exchanges and queues.
    pub names: Names,
    /// Which commands come to the queue of commands.
    pub serves: Serves,
    /// How many deliveries may be unacknowledged at a time.
    pub prefetch: u16,
    /// How long a failed command waits before each further attempt.
    pub retry_delays: Vec<Duration>,
    /// Deliveries without an ack after which the broker dead-letters a command to `NS.dead`.
    pub delivery_limit: u32,
    /// Whether queues and exchanges may be declared.
    pub topology: TopologyMode,
}

impl Settings {
    /// The heartbeat of a process that is alone: short, since commands wait while a dead peer is not noticed.
    pub const HEARTBEAT: u16 = 10;
    /// The heartbeat of a process that others stand by for: the broker gives them the commands when it has noticed that the
    /// process is gone.
    pub const CLUSTER_HEARTBEAT: u16 = 3;
}

#[cfg(test)]
impl Settings {
    /// Settings for a test that connects to nothing.
    pub(crate) fn for_test(url: &str) -> Self {
        Self {
            urls: vec![url.to_owned()],
            heartbeat: Self::HEARTBEAT,
            ca_file: None,
            names: Names::new("t"),
            serves: Serves::Namespace,
            prefetch: 1,
            retry_delays: Vec::new(),
            delivery_limit: 1,
            topology: TopologyMode::Declare,
        }
    }
}

/// Which commands come to the queue of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serves {
    /// All of the namespace, which has no partitions.
    Namespace,
    /// Those that name this partition in their routing key.
    Partition(u16),
    /// Those that name no partition, where there are several: those with one of these routing keys.
    Unrouted(Vec<String>),
}

/// What to do about queues and exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopologyMode {
    /// Declare what is missing; use what exists as it is.
    Declare,
    /// Declare nothing but `NS.owner`; wait for what is missing.
    Verify,
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("names", &self.names)
            .field("serves", &self.serves)
            .field("prefetch", &self.prefetch)
            .field("retry_delays", &self.retry_delays)
            .field("delivery_limit", &self.delivery_limit)
            .field("topology", &self.topology)
            .finish_non_exhaustive()
    }
}
