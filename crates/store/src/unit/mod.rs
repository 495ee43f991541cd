//! The unit: everything that one command did, as the store sees it.
//!
//! | file | has |
//! |---|---|
//! | `content` | what a unit is made of |
//! | `builder` | building one |
//! | `encoding` | its bytes |

mod builder;
mod content;
mod encoding;

pub use self::builder::UnitBuilder;
pub use self::content::{
    COUNTERS, HistoryLink, Identity, IdentityHash, MAX_VALUE, Name, NameHash, Ordinal, PARTS, Put,
    Seq, Timer, Unit,
};
