//! The configuration of one partition of several.

use super::Config;
use super::size::ByteSize;
use orderly_broker::Names;
use orderly_store::Partition;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};

impl Config {
    /// The configuration of one of several partitions: its store is a folder in that of the namespace, and it has its share of the
    /// memory for caches and checkpoints, and of the webhook's rate. Of a namespace without partitions, the same configuration.
    #[must_use]
    pub fn of_partition(&self, number: u16) -> Self {
        let partitions = self.cluster.partitions();
        if !partitions.are_several() {
            return self.clone();
        }
        let of = self.cluster.partitions;
        let bytes = |size: ByteSize, least: u64| {
            ByteSize::from_bytes((size.bytes() / u64::from(of.get())).max(least)).min(size)
        };
        let share = |count: NonZeroU32, least: u32| {
            NonZeroU32::new((count.get() / u32::from(of.get())).max(least))
                .map_or(count, |share| share.min(count))
        };
        let mut config = self.clone();
        config.cluster.partition = Some(number);
        config.store.path = store_of_partition(&self.store.path, number);
        config.store.cache = bytes(self.store.cache, LEAST_CACHE);
        config.store.checkpoint_bytes = bytes(self.store.checkpoint_bytes, LEAST_CHECKPOINT);
        config.actors.cached_orders = share(self.actors.cached_orders, LEAST_STATES);
        config.actors.cached_carts = share(self.actors.cached_carts, LEAST_STATES);
        config.actors.cached_skus = share(self.actors.cached_skus, LEAST_STATES);
        let (webhook, of_process) =
            (&mut config.notifications.webhook, &self.notifications.webhook);
        webhook.rate = share(of_process.rate, 1);
        webhook.burst = share(of_process.burst, 1);
        let in_flight = NonZeroU16::new(of_process.max_in_flight.get() / of.get());
        webhook.max_in_flight = in_flight.unwrap_or(NonZeroU16::MIN);
        config
    }

    /// The configurations of all partitions, in the order of their numbers.
    pub fn of_partitions(&self) -> Vec<Self> {
        self.cluster.partitions().numbers().map(|number| self.of_partition(number)).collect()
    }

    /// The number of the partition that this is the configuration of, where there are several.
    pub const fn partition(&self) -> Option<u16> {
        self.cluster.partition
    }

    /// The names at the broker: of the namespace, or of the partition.
    pub fn names(&self) -> Names {
        match self.cluster.partition {
            None => Names::new(&self.broker.namespace),
            Some(number) => Names::of_partition(&self.broker.namespace, number),
        }
    }

    /// The part of the namespace that the store has.
    pub fn part_of_namespace(&self) -> Partition {
        match self.cluster.partition {
            None => Partition::WHOLE,
            Some(number) => Partition { number, of: self.cluster.partitions.get() },
        }
    }
}

/// Bytes and states that a partition has at least, unless the configuration gives fewer to all of them together.
const LEAST_CACHE: u64 = 1 << 20;
const LEAST_CHECKPOINT: u64 = 4 << 20;
const LEAST_STATES: u32 = 64;

/// The folder of the store of a partition in the configured one.
pub fn store_of_partition(path: &Path, number: u16) -> PathBuf {
    path.join(format!("p{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_share_the_memory_and_have_stores_and_queues_of_their_own() {
        let mut config = Config::default();
        config.cluster.partitions = NonZeroU16::new(4).expect("not zero");
        config.store.path = "data".into();
        let all = config.of_partitions();
        assert_eq!(all.len(), 4);
        let third = &all[3];
        assert_eq!(third.store.path, PathBuf::from("data/p3"));
        assert_eq!(third.store.cache.bytes(), config.store.cache.bytes() / 4);
        assert_eq!(third.actors.cached_skus.get(), config.actors.cached_skus.get() / 4);
        let (webhook, of_process) = (&third.notifications.webhook, &config.notifications.webhook);
        assert_eq!(webhook.rate.get(), of_process.rate.get() / 4);
        assert_eq!(webhook.max_in_flight.get(), of_process.max_in_flight.get() / 4);
        assert_eq!(third.names().queue, "orderly.p3.commands");
        assert_eq!(third.part_of_namespace(), Partition { number: 3, of: 4 });
        assert_eq!(config.part_of_namespace(), Partition::WHOLE);
    }

    #[test]
    fn without_partitions_the_configuration_is_the_same() {
        let config = Config::default();
        assert_eq!(config.of_partitions(), std::slice::from_ref(&config));
        assert_eq!(config.names(), Names::new("orderly"));
    }
}
