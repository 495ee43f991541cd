//! The caches of the actors.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// Section `actors`: how many states stay in memory. The others are read from the store again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Actors {
    /// Orders, with their payments and notifications.
    pub cached_orders: NonZeroU32,
    /// Carts.
    pub cached_carts: NonZeroU32,
    /// Skus with their stock.
    pub cached_skus: NonZeroU32,
}

impl Default for Actors {
    fn default() -> Self {
        let entries = |count| NonZeroU32::new(count).expect("not zero");
        Self {
            cached_orders: entries(256),
            cached_carts: entries(256),
            cached_skus: entries(20_000),
        }
    }
}
