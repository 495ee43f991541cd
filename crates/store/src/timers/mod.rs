//! Timers: reminders to look at an entity at some time, in buckets by that time.
//!
//! | file | has |
//! |---|---|
//! | `bucket` | a bucket's records and their bytes, removing what has fired |
//! | `pending` | the timers that memory has to hold, handing out what is due |

mod bucket;
mod pending;

#[cfg(test)]
pub(crate) use self::bucket::decode;
pub(crate) use self::bucket::{remove_fired, write};
pub(crate) use self::pending::Pending;
