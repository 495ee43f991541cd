//! The names of everything in the broker, all under one namespace.

use std::time::Duration;

/// Names under one namespace (`broker.namespace`, written NS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Exchange of commands, `NS.commands`.
    pub commands: String,
    /// Queue of commands: `NS.commands`, or `NS.p3.commands` of partition 3.
    pub queue: String,
    /// Exchange and queue of dead letters, `NS.dead`.
    pub dead: String,
    /// Exchange of events, `NS.events`.
    pub events: String,
    /// Stream of the journal that several processes share, `NS.journal` or `NS.p3.journal`.
    pub journal: String,
    /// Queue that keeps the last message published to it, `NS.mark` or `NS.p3.mark`: how far the events of the namespace have
    /// come, or those of the partition.
    pub mark: String,
    /// Exchange of notifications, `NS.notifications`.
    pub notifications: String,
    /// Exclusive queue of the one processor, `NS.owner` or `NS.p3.owner`.
    pub owner: String,
    retry: String,
}

impl Names {
    /// The names under `namespace`.
    pub fn new(namespace: &str) -> Self {
        Self {
            commands: format!("{namespace}.commands"),
            queue: format!("{namespace}.commands"),
            dead: format!("{namespace}.dead"),
            events: format!("{namespace}.events"),
            journal: format!("{namespace}.journal"),
            mark: format!("{namespace}.mark"),
            notifications: format!("{namespace}.notifications"),
            owner: format!("{namespace}.owner"),
            retry: format!("{namespace}.retry"),
        }
    }

    /// The names of partition `number` of several under `namespace`. Exchanges and the dead letters are shared by all.
    pub fn of_partition(namespace: &str, number: u16) -> Self {
        let of_its_own = Self::new(&format!("{namespace}.p{number}"));
        let Self { queue, journal, mark, owner, retry, .. } = of_its_own;
        Self { queue, journal, mark, owner, retry, ..Self::new(namespace) }
    }

    /// The queue of commands of partition `number` of the same namespace.
    pub fn queue_of_partition(&self, number: u16) -> String {
        let namespace = self.commands.strip_suffix("commands").unwrap_or_default();
        format!("{namespace}p{number}.commands")
    }

    /// The journal of partition `number` of the same namespace.
    pub fn journal_of_partition(&self, number: u16) -> String {
        let namespace = self.commands.strip_suffix("commands").unwrap_or_default();
        format!("{namespace}p{number}.journal")
    }

    /// Whether a routing key is the name of a queue of commands, of the namespace or of any partition of it: where the default
    /// exchange routed a message, the key is no type.
    pub fn is_queue_of_commands(&self, routing_key: &str) -> bool {
        let of_partition = || {
            let namespace = self.commands.strip_suffix("commands")?;
            Some(without_partition(routing_key.strip_prefix(namespace)?) == "commands")
        };
        routing_key == self.commands || of_partition().unwrap_or(false)
    }

    /// The wait queue that holds a message for `delay`, such as `NS.retry.30s`.
    ///
    /// The delay is part of the name because a queue's TTL cannot be changed: another delay is
    /// another queue, and what waits in the old one still comes back.
    pub fn retry(&self, delay: Duration) -> String {
        format!("{}.{}", self.retry, label(delay))
    }
}

/// The routing key of a command of type `kind` for a partition, such as `p7.order.place`.
pub fn partition_routing_key(number: u16, kind: &str) -> String {
    format!("p{number}.{kind}")
}

/// A routing key without the partition that it names: `order.place` of `p7.order.place`, and of `order.place`.
pub fn without_partition(routing_key: &str) -> &str {
    let kind = || {
        let (number, kind) = routing_key.strip_prefix('p')?.split_once('.')?;
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && number.parse::<u16>().is_ok()).then_some(kind)
    };
    kind().unwrap_or(routing_key)
}

/// `delay` in the largest unit that divides it, so that equal delays get equal names.
fn label(delay: Duration) -> String {
    let millis = delay.as_millis();
    [(3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        .into_iter()
        .find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit))
        .map_or_else(
            || format!("{millis}ms"),
            |(unit, suffix)| format!("{}{suffix}", millis / unit),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_has_queues_of_its_own_and_shares_the_exchanges() {
        let (names, of_third) = (Names::new("shop"), Names::of_partition("shop", 3));
        assert_eq!(
            [&of_third.queue, &of_third.owner, &of_third.journal, &of_third.mark],
            ["shop.p3.commands", "shop.p3.owner", "shop.p3.journal", "shop.p3.mark"]
        );
        assert_eq!(of_third.retry(Duration::from_secs(30)), "shop.p3.retry.30s");
        assert_eq!(
            [&of_third.commands, &of_third.events, &of_third.notifications, &of_third.dead],
            [&names.commands, &names.events, &names.notifications, &names.dead]
        );
        assert_eq!(names.queue, names.commands);
        assert_eq!(names.queue_of_partition(3), of_third.queue);
        assert_eq!(of_third.queue_of_partition(3), of_third.queue);
        assert_eq!(names.journal_of_partition(3), of_third.journal);
        for queue in ["shop.commands", "shop.p3.commands", "shop.p65535.commands"] {
            assert!(of_third.is_queue_of_commands(queue) && names.is_queue_of_commands(queue));
        }
        for other in
            ["order.place", "p3.order.place", "shop.p3.mark", "shop.px.commands", "commands"]
        {
            assert!(!names.is_queue_of_commands(other), "{other}");
        }
    }

    #[test]
    fn a_routing_key_names_a_partition_and_a_type() {
        assert_eq!(partition_routing_key(7, "order.place"), "p7.order.place");
        for (key, kind) in [
            ("p7.order.place", "order.place"),
            ("order.place", "order.place"),
            ("p65535.a", "a"),
            ("p65536.a", "p65536.a"),
            ("payment.callback", "payment.callback"),
            ("p.a", "p.a"),
            ("p7", "p7"),
            ("p+7.a", "p+7.a"),
            ("", ""),
        ] {
            assert_eq!(without_partition(key), kind, "{key}");
        }
    }

    #[test]
    fn a_delay_has_one_name() {
        let names = Names::new("shop");
        for (millis, name) in [
            (1_000, "shop.retry.1s"),
            (30_000, "shop.retry.30s"),
            (60_000, "shop.retry.1m"),
            (90_000, "shop.retry.90s"),
            (300_000, "shop.retry.5m"),
            (7_200_000, "shop.retry.2h"),
            (250, "shop.retry.250ms"),
            (0, "shop.retry.0ms"),
        ] {
            assert_eq!(names.retry(Duration::from_millis(millis)), name);
        }
    }
}
