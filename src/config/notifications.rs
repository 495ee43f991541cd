//! How customers are told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Section `notifications`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notifications {
    /// Every notification leaves through each of these; none = nobody is told.
    pub channels: BTreeSet<Channel>,
}

/// A way out for notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// The exchange for notifications on the broker, for whoever sends the e-mail.
    Amqp,
}

impl Default for Notifications {
    fn default() -> Self {
        Self { channels: BTreeSet::from([Channel::Amqp]) }
    }
}
