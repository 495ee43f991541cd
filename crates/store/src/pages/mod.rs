//! Pages: the entities of a table, packed by ordinal.
//!
//! | file | has |
//! |---|---|
//! | `page` | a page's place and bytes, reading one, going through a table's pages |
//! | `spilled` | the parts that are too large for their page |
//! | `writer` | putting what recent units say into the page that is on disk |

mod page;
mod spilled;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use self::page::{Page, PageId, Stored, Value, Walk};
#[cfg(test)]
pub(crate) use self::spilled::piece_key;
pub(crate) use self::spilled::{pieces, value};
pub(crate) use self::writer::{Update, update};
