//! The names of everything in the broker, all under one namespace.

use std::time::Duration;

/// Names under one namespace (`broker.namespace`, written NS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Exchange and queue of commands, `NS.commands`.
    pub commands: String,
    /// Exchange and queue of dead letters, `NS.dead`.
    pub dead: String,
    /// Exchange of events, `NS.events`.
    pub events: String,
    /// Stream of the journal that several processes share, `NS.journal`.
    pub journal: String,
    /// Queue that keeps the last message published to it, `NS.mark`: how far the events of the namespace have come.
    pub mark: String,
    /// Exchange of notifications, `NS.notifications`.
    pub notifications: String,
    /// Exclusive queue of the one processor, `NS.owner`.
    pub owner: String,
    retry: String,
}

impl Names {
    /// The names under `namespace`.
    pub fn new(namespace: &str) -> Self {
        Self {
            commands: format!("{namespace}.commands"),
            dead: format!("{namespace}.dead"),
            events: format!("{namespace}.events"),
            journal: format!("{namespace}.journal"),
            mark: format!("{namespace}.mark"),
            notifications: format!("{namespace}.notifications"),
            owner: format!("{namespace}.owner"),
            retry: format!("{namespace}.retry"),
        }
    }

    /// The wait queue that holds a message for `delay`, such as `NS.retry.30s`.
    ///
    /// The delay is part of the name because a queue's TTL cannot be changed: another delay is
    /// another queue, and what waits in the old one still comes back.
    pub fn retry(&self, delay: Duration) -> String {
        format!("{}.{}", self.retry, label(delay))
    }
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
