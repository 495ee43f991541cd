//! Parked messages: messages that could not be processed, with their bytes and the reason.
//!
//! | module | has |
//! |---|---|
//! | `links` | the parked messages that name one order |

mod links;

pub(crate) use links::{ListChanges, Lists, ParkedLinked};

use crate::counters;
use crate::states;
use crate::tables;
use bytes::Bytes;
use orderly_domain::parked::Parked;
use orderly_domain::stored::{self, Stored};
use orderly_store::{NameHash, Ordinal, UnitBuilder, View};

/// The longest body that is kept whole, in bytes.
pub const MAX_WHOLE_BODY: usize = 1 << 20;
/// The number of bytes that are kept of a longer body, and of every body while all parked messages
/// together have more bytes than their limit.
pub const TRUNCATED_BODY: usize = 64 << 10;

/// The part of a parked message that describes it.
pub const ABOUT: u8 = 0;
/// The part that holds the bytes of a parked message.
pub const BODY: u8 = 1;
/// The part that holds the quarantine marker. The one entity with this part is not a parked
/// message.
pub(crate) const MARKER: u8 = 2;

/// A message about to be parked.
#[derive(Debug, Clone)]
pub struct ParkedItem {
    /// The message's place in the store.
    pub ordinal: Ordinal,
    /// The message's name: the same bytes under the same id are parked once.
    pub name: NameHash,
    /// What is known of the message.
    pub about: Parked,
    /// What is kept of the message's bytes.
    pub body: Bytes,
    /// The other changes of the list of the order that the message names.
    pub(crate) lists: ListChanges,
}

impl ParkedItem {
    /// Writes the message into a unit.
    pub(crate) fn put(&self, builder: &mut UnitBuilder) -> Result<(), stored::Error> {
        builder.name(tables::PARKED, self.name, self.ordinal);
        builder.put_with(tables::PARKED, self.ordinal, ABOUT, |out| self.about.write(out))?;
        builder.put(tables::PARKED, self.ordinal, BODY, &self.body);
        builder.count(counters::of_parked(self.about.reason.into()), 1);
        builder.count(counters::PARKED_BYTES, i64::try_from(self.body.len()).unwrap_or(i64::MAX));
        self.lists.put(builder)
    }
}

/// A message about to be taken from the parked ones. (Its name stays: the same bytes under the same id get its number again.)
#[derive(Debug, Clone)]
pub struct Unparked {
    /// The message's place in the store.
    pub ordinal: Ordinal,
    /// What is known of the message.
    pub about: Parked,
    /// How many of its bytes were kept.
    kept: usize,
    lists: ListChanges,
}

impl Unparked {
    /// The parked message of that number. `None`: there is none.
    pub fn find(view: &View, ordinal: Ordinal) -> Result<Option<Self>, states::Error> {
        let Some(about) = read(view, ordinal)? else {
            return Ok(None);
        };
        let kept = body(view, ordinal)?.map_or(0, |body| body.len());
        let mut lists = Lists::new(view);
        lists.remove(&about)?;
        Ok(Some(Self { ordinal, about, kept, lists: lists.finish() }))
    }

    /// Writes the removal into a unit.
    pub(crate) fn put(&self, builder: &mut UnitBuilder) -> Result<(), stored::Error> {
        for part in [ABOUT, BODY] {
            builder.remove(tables::PARKED, self.ordinal, part);
        }
        builder.count(counters::of_parked(self.about.reason.into()), -1);
        builder.count(counters::PARKED_BYTES, -i64::try_from(self.kept).unwrap_or(i64::MAX));
        self.lists.put(builder)
    }
}

/// A parked message's id in the admin API.
pub fn id(ordinal: Ordinal) -> String {
    format!("p-{}", ordinal.0)
}

/// The ordinal of the parked message with that id in the admin API. `None`: no parked message can
/// have the id.
pub fn ordinal(id: &str) -> Option<Ordinal> {
    id.strip_prefix("p-")?.parse().ok().map(Ordinal)
}

/// Reads a parked message, without its bytes.
pub fn read(view: &View, ordinal: Ordinal) -> Result<Option<Parked>, states::Error> {
    match view.read(tables::PARKED, ordinal, ABOUT)? {
        Some(bytes) => decode(ordinal, &bytes).map(Some),
        None => Ok(None),
    }
}

/// Reads what describes a parked message.
pub fn decode(ordinal: Ordinal, bytes: &[u8]) -> Result<Parked, states::Error> {
    Parked::read(bytes).map_err(|error| states::Error::corrupt(ordinal.0, error))
}

/// Reads a parked message's bytes.
pub fn body(view: &View, ordinal: Ordinal) -> Result<Option<Bytes>, orderly_store::Error> {
    view.read(tables::PARKED, ordinal, BODY)
}
