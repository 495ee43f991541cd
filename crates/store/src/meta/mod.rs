//! The small records of the store, one of each. The format stamp is another one: see `format`.
//!
//! | file | has |
//! |---|---|
//! | `store_id` | the namespace that the store belongs to, which part of it, and the store's own id |
//! | `tables` | the tables that the store has |
//! | `bucket_span` | the time span of a bucket of identities |
//! | `descriptor` | all of these together: here a store is created, checked and upgraded |
//! | `incarnations` | the first parts of the ids of events, where the store has had more than one |
//! | `cursor` | the position up to which the relay has published |

pub(crate) mod bucket_span;
pub(crate) mod cursor;
mod descriptor;
mod incarnations;
mod store_id;
mod tables;

pub(crate) use self::descriptor::{Descriptor, create};
pub use self::incarnations::Incarnations;
pub use self::store_id::Partition;
pub(crate) use self::store_id::StoreId;
pub(crate) use self::tables::Tables;
