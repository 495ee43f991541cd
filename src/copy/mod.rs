//! Copying the store of another member of the cluster, over HTTP.
//!
//! A member whose store the journal has passed cannot follow: units between its last one and the first one that the journal
//! still has are missing. So it asks another member for a copy, which ends at a sequence that the journal has.
//!
//! The copy is a backup, in parts: each part is a piece of the archive that `POST /api/store/backup` would answer with. Who
//! asks for the copy makes a store of the parts as they come. A part that broke off is asked for again. The member that gives
//! the copy keeps nothing but the newest part, so a copy that it no longer knows begins anew, there or at another member.
//!
//! | file | has |
//! |---|---|
//! | [`source`] | giving a copy: a thread that reads the store, part by part |
//! | [`client`] | asking for a copy |
//! | [`fetch`] | making a store of it |

pub(crate) mod client;
pub(crate) mod fetch;
pub(crate) mod source;

pub use self::client::Error;
pub use self::fetch::Progress;
