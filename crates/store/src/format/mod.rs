//! The forms of stored records, and how a store of an older build becomes one of this build.
//!
//! | file | has |
//! |---|---|
//! | `kind` | every kind of record that the store writes, and the version of its form |
//! | `history` | the formats so far, and the upgrade from each version to the next |
//! | `record` | reading a record of any version |
//! | `stamp` | the record that says which format a store has |
//!
//! The first byte of every record is its version: the number of the store format that introduced this form. A store has
//! one stamp with two numbers: the store's own format, and the format of the contents that the caller stores.
//!
//! A build refuses a store with a newer stamp before it changes anything. A store with an older stamp is upgraded by
//! one write: the stamp of this build. The records stay as they are. Each is read by the rules of its own version, and
//! gets the newest version when it is written the next time. Until the stamp is durable, the older build can open the
//! store; afterwards only this build and later ones can.

mod history;
mod kind;
mod record;
mod stamp;

pub(crate) use self::history::{FORMAT, OLDEST_FORMAT};
#[cfg(any(test, feature = "simulation"))]
pub(crate) use self::history::{UNRELEASED, complement};
pub(crate) use self::kind::Kind;
pub use self::stamp::Formats;
#[cfg(any(test, feature = "simulation"))]
pub(crate) use self::stamp::STAMP;
