//! Everything in a store, item by item, and a new store made of the items.
//!
//! A backup copies records as they are. An export reads what they mean, so the new store has pages, segments and a journal of
//! its own, without what has gathered on the disk of the old one.
//!
//! | file | has |
//! |---|---|
//! | `item` | what a store consists of |
//! | `export` | reading the items of a store |
//! | `import` | writing them to an empty disk |

mod export;
mod import;
mod item;

pub use self::export::Export;
pub use self::import::Import;
pub use self::item::{About, Item};
