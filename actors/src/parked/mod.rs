//! Parked messages: messages that could not be processed, with their bytes and the reason.
//!
//! A message that a person has replayed or dismissed is not parked any more. What became of it is kept at its place, for as
//! long as history is. A message with the same id and bytes that is parked later gets the same place.
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
use orderly_domain::lists::{self, Listed};
use orderly_domain::parked::{Parked, Resolution, ResolutionKind};
use orderly_domain::stored::{self, Stored};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Reason;
use orderly_store::{List, NameHash, Ordinal, Posting, PostingChange, UnitBuilder, View};

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
/// The part that says what became of a message that is not parked any more.
pub const RESOLUTION: u8 = 3;

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
    /// Whether the message was parked before, and was replayed or dismissed.
    pub was_resolved: bool,
}

impl ParkedItem {
    /// Writes the message into a unit.
    pub(crate) fn put(&self, builder: &mut UnitBuilder) -> Result<(), stored::Error> {
        builder.name(tables::PARKED, self.name, self.ordinal);
        builder.put_with(tables::PARKED, self.ordinal, ABOUT, |out| self.about.write(out))?;
        builder.put(tables::PARKED, self.ordinal, BODY, &self.body);
        if self.was_resolved {
            builder.remove(tables::PARKED, self.ordinal, RESOLUTION);
        }
        // not `New`: a message may be parked again under its number
        post(builder, self.ordinal, &self.about, PostingChange::Added);
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
    kind: ResolutionKind,
    lists: ListChanges,
}

impl Unparked {
    /// The parked message of that number. `None`: there is none.
    pub fn find(
        view: &View,
        ordinal: Ordinal,
        kind: ResolutionKind,
    ) -> Result<Option<Self>, states::Error> {
        let Some(about) = read(view, ordinal)? else {
            return Ok(None);
        };
        let kept = body(view, ordinal)?.map_or(0, |body| body.len());
        let mut lists = Lists::new(view);
        lists.remove(&about)?;
        Ok(Some(Self { ordinal, about, kept, kind, lists: lists.finish() }))
    }

    /// Writes the removal into a unit, and what became of the message.
    pub(crate) fn put(&self, builder: &mut UnitBuilder) -> Result<(), stored::Error> {
        for part in [ABOUT, BODY] {
            builder.remove(tables::PARKED, self.ordinal, part);
        }
        let resolution = Resolution {
            kind: self.kind,
            unit: builder.seq().0,
            at: Timestamp::from_micros(builder.at()),
        };
        builder.put_with(tables::PARKED, self.ordinal, RESOLUTION, |out| resolution.write(out))?;
        post(builder, self.ordinal, &self.about, PostingChange::Removed);
        builder.count(counters::of_parked(self.about.reason.into()), -1);
        builder.count(counters::PARKED_BYTES, -i64::try_from(self.kept).unwrap_or(i64::MAX));
        self.lists.put(builder)
    }
}

/// A message that stays parked after a replay, with what is known of it now.
#[derive(Debug, Clone)]
pub struct Reparked {
    /// The message's place in the store.
    pub ordinal: Ordinal,
    /// What is known of the message.
    pub about: Parked,
    /// The reason for which it was parked before.
    pub before: Reason,
}

impl Reparked {
    /// Writes what is known of the message into a unit.
    pub(crate) fn put(&self, builder: &mut UnitBuilder) -> Result<(), stored::Error> {
        builder.put_with(tables::PARKED, self.ordinal, ABOUT, |out| self.about.write(out))?;
        let (before, now) = (self.before.into(), self.about.reason.into());
        builder.count(counters::of_parked(before), -1);
        builder.count(counters::of_parked(now), 1);
        Ok(())
    }
}

/// Changes the places of a parked message in lists.
fn post(builder: &mut UnitBuilder, ordinal: Ordinal, about: &Parked, change: PostingChange) {
    for Listed { list, rank } in lists::of_parked(about) {
        builder.post(Posting { list: List(list), rank, ordinal }, change);
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

/// What became of the message that was parked at that place. `None`: it is parked, or there was none, or it was so long ago that
/// this is forgotten.
pub fn resolution(view: &View, ordinal: Ordinal) -> Result<Option<Resolution>, states::Error> {
    match view.read(tables::PARKED, ordinal, RESOLUTION)? {
        Some(bytes) => decode_resolution(ordinal, &bytes).map(Some),
        None => Ok(None),
    }
}

/// Reads what became of a message that was parked.
pub fn decode_resolution(ordinal: Ordinal, bytes: &[u8]) -> Result<Resolution, states::Error> {
    Resolution::read(bytes).map_err(|error| states::Error::corrupt(ordinal.0, error))
}
