//! Pages: the entities of a table, packed by ordinal.
//!
//! | file | has |
//! |---|---|
//! | `page` | the key and the bytes of a page, reading one, iterating over the pages of a table |
//! | `spilled` | the parts that are too large for their page (overflow records) |
//! | `writer` | writing the changes of recent units into the page on disk |

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
