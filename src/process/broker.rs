//! The settings of the broker, from the configuration.

use crate::config::{Config, Topology};
use orderly_broker::rabbit::stream;
use orderly_broker::{Serves, Settings, TopologyMode, memory};
use orderly_domain::command::Kind;
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
        names: config.names(),
        serves: serves(config),
        prefetch: broker.prefetch.get(),
        retry_delays: broker.retry_delays.iter().map(|delay| delay.get()).collect(),
        delivery_limit: broker.delivery_limit.get(),
        topology: match broker.topology {
            Topology::Declare => TopologyMode::Declare,
            Topology::Verify => TopologyMode::Verify,
        },
    }
}

/// Which commands come to the queue of commands: those of a partition; or where there are several and this is the configuration of
/// none of them, those that name no partition.
fn serves(config: &Config) -> Serves {
    match config.partition() {
        Some(number) => Serves::Partition(number),
        None if config.cluster.partitions().are_several() => {
            Serves::Unrouted(Kind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect())
        }
        None => Serves::Namespace,
    }
}

/// The stream that is the journal of a cluster, from the configuration.
pub fn journal_stream(config: &Config) -> stream::Options {
    let names = config.names();
    stream::Options::new(names.journal, config.cluster.retention.bytes())
}

/// An in-process broker, as configured.
pub fn memory_broker(config: &Config) -> memory::Memory {
    let settings = broker_settings(config);
    memory::Memory::new(settings.names, &settings.retry_delays, settings.delivery_limit)
}
