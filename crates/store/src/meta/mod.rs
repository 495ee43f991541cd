//! The small records of the store, one of each.
//!
//! | file | has |
//! |---|---|
//! | `store_id` | whose store it is, and its own id |
//! | `bucket_span` | the time that a bucket of identities spans |
//! | `version` | the version of them all |
//! | `cursor` | how far the relay came |

pub(crate) mod bucket_span;
pub(crate) mod cursor;
mod store_id;
mod version;

pub(crate) use self::store_id::StoreId;
pub(crate) use self::version::VERSION;
