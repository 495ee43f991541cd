//! The unit: everything that one command did.
//!
//! | file | has |
//! |---|---|
//! | `content` | what a unit consists of |
//! | `builder` | building a unit |
//! | `encoding` | the bytes of a unit |
//! | `encoded` | a unit together with its bytes |
//! | `postings` | the changes of postings that a unit makes |

mod builder;
mod content;
mod encoded;
mod encoding;
mod postings;

pub use self::builder::{TooLong, UnitBuilder};
pub use self::content::{
    COUNTERS, HistoryLink, Identity, IdentityHash, List, MAX_VALUE, Name, NameHash, Ordinal, PARTS,
    Posting, PostingChange, Put, Seq, Timer, Unit,
};
pub use self::encoded::EncodedUnit;
pub(crate) use self::encoding::HAS_POSTINGS;
pub use self::postings::PostingChanges;
