//! The forms of stored records, and how a store of an older build becomes one of this build.
//!
//! | file | has |
//! |---|---|
//! | `kind` | every kind of record that the store writes, and the version of its form |
//! | `history` | the formats so far, and the upgrade from each version to the next |
//! | `record` | taking a record apart, whatever its version |
//! | `stamp` | the record that says which format a store has |
//!
//! The first byte of every record is its version: the number of the store format that brought this form. A store has
//! one stamp, with the number of the store's own format and the number of the form that the caller gives to its
//! contents. A build refuses a store whose stamp is newer, before it changes anything. It upgrades an older one in one
//! step, by writing the stamp of its own: the records stay as they are, are read by the rules of their own version, and
//! get the newest form when they are next written. Until that one write is durable the older build can open the store,
//! from then on only this one and later ones can.

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
