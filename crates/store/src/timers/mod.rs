//! Timers: requests to check an entity at a given time, in buckets by that time.
//!
//! | file | has |
//! |---|---|
//! | `bucket` | the records of a bucket and their bytes, removing buckets that have fired |
//! | `pending` | the timers in memory, and handing out those that are due |

mod bucket;
mod pending;

pub(crate) use self::bucket::{decode, remove_fired, write};
pub(crate) use self::pending::Pending;
