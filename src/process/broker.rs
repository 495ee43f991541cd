//! The settings of the broker, from the configuration.

use crate::config::{Config, Topology};
use orderly_broker::rabbit::stream;
use orderly_broker::{Names, Settings, TopologyMode, memory};
use std::path::Path;

/// The settings of the `RabbitMQ` driver, from the configuration.
pub fn broker_settings(config: &Config) -> Settings {
    let broker = &config.broker;
    Settings {
        urls: broker.addresses().iter().map(|url| url.expose().to_owned()).collect(),
        heartbeat: if config.cluster.is_standby() {
            Settings::CLUSTER_HEARTBEAT
        } else {
            Settings::HEARTBEAT
        },
        ca_file: broker.ca_file().map(Path::to_path_buf),
        names: Names::new(&broker.namespace),
        prefetch: broker.prefetch.get(),
        retry_delays: broker.retry_delays.iter().map(|delay| delay.get()).collect(),
        delivery_limit: broker.delivery_limit.get(),
        topology: match broker.topology {
            Topology::Declare => TopologyMode::Declare,
            Topology::Verify => TopologyMode::Verify,
        },
    }
}

/// The stream that is the journal of a cluster, from the configuration.
pub fn journal_stream(config: &Config) -> stream::Options {
    let names = Names::new(&config.broker.namespace);
    stream::Options::new(names.journal, config.cluster.retention.bytes())
}

/// An in-process broker, as configured.
pub fn memory_broker(config: &Config) -> memory::Memory {
    let settings = broker_settings(config);
    memory::Memory::new(settings.names, &settings.retry_delays, settings.delivery_limit)
}
