//! Which events are published.

use serde::{Deserialize, Serialize};

use super::report::Report;
use super::topic::TopicPattern;

/// What subscribers are known to need. The other events are recorded, and published when configured.
const PUBLISHED: [&str; 9] = [
    "order.*",
    "payment.refund_requested",
    "payment.void_requested",
    "stock.low",
    "cart.checked_out",
    "cart.reopened",
    "cart.expired",
    "notification.failed",
    "command.parked",
];

/// Section `events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// An event is published when its type matches one of these.
    pub publish: Vec<TopicPattern>,
}

impl Default for Events {
    fn default() -> Self {
        let pattern = |text: &&str| text.parse().expect("a test parses it");
        Self { publish: PUBLISHED.iter().map(pattern).collect() }
    }
}

impl Events {
    /// Whether events of this type are published.
    pub fn publishes(&self, kind: &str) -> bool {
        self.publish.iter().any(|pattern| pattern.matches(kind))
    }

    pub(super) fn check(&self, report: &mut Report) {
        report.doubt_unless(
            !self.publish.is_empty(),
            "events.publish",
            "empty: no event is published at all",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_publishes_what_others_act_on() {
        let events = Events::default();
        let published = [
            "order.placed",
            "order.rejected",
            "order.partially_refunded",
            "payment.refund_requested",
            "payment.void_requested",
            "stock.low",
            "cart.checked_out",
            "cart.reopened",
            "cart.expired",
            "notification.failed",
            "command.parked",
        ];
        let recorded = [
            "payment.recorded",
            "stock.changed",
            "stock.held",
            "stock.committed",
            "stock.released",
            "stock.returned",
            "cart.changed",
            "notification.requested",
            "notification.delivered",
        ];
        assert!(published.iter().all(|kind| events.publishes(kind)));
        assert!(!recorded.iter().any(|kind| events.publishes(kind)));
    }
}
