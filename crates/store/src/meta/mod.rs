//! The small records of the store, one of each. The stamp of the store's format is another one: see `format`.
//!
//! | file | has |
//! |---|---|
//! | `store_id` | whose store it is, and its own id |
//! | `tables` | the tables that the store has |
//! | `bucket_span` | the time that a bucket of identities spans |
//! | `descriptor` | what they say together: here a store is made, checked and upgraded |
//! | `cursor` | how far the relay came |

pub(crate) mod bucket_span;
pub(crate) mod cursor;
mod descriptor;
mod store_id;
mod tables;

pub(crate) use self::descriptor::{Descriptor, create};
#[cfg(test)]
pub(crate) use self::store_id::StoreId;
#[cfg(test)]
pub(crate) use self::tables::Tables;
