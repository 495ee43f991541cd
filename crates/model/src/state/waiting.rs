//! The data of a callback that came before its order.

use serde_json::Value;

/// A callback that waits for its order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) since: i64,
    pub(crate) data: Value,
    /// The source and the id of the message that brought the callback.
    pub(crate) message: (String, String),
}
