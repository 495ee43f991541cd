//! Parked messages: what could not be processed, with its bytes and its reason.

use crate::clock::Timestamp;
use crate::counters;
use crate::verdict::{Detail, Reason};
use bytes::Bytes;
use orderly_store::{NameHash, Ordinal, Table, UnitBuilder, View};
use serde::{Deserialize, Serialize};

/// Longest body that is kept whole.
pub const WHOLE: usize = 1 << 20;
/// What is kept of a longer one, or of one beyond the limit of all parked bytes.
pub const CUT: usize = 64 << 10;

/// The part of a parked message that describes it.
pub(crate) const ABOUT: u8 = 0;
/// The part that holds its bytes.
pub(crate) const BODY: u8 = 1;
/// The part that marks the message that runs alone; the one entity that has it is no parked
/// message.
pub(crate) const MARKER: u8 = 2;

/// What is known of a parked message, its bytes apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Why it was parked.
    pub reason: Reason,
    /// The command's id, as far as it could be read.
    pub command_id: Option<String>,
    /// The command's source, likewise.
    pub source: Option<String>,
    /// The command's type, likewise.
    pub r#type: Option<String>,
    /// The order that it is about, likewise.
    pub order_id: Option<String>,
    /// The content type it came with.
    pub content_type: Option<String>,
    /// When it was parked.
    pub received_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// More about the reason.
    pub detail: Option<Detail>,
    /// Bytes of the whole message.
    pub size: u64,
    /// Fewer bytes than that are kept.
    pub truncated: bool,
}

/// A message about to be parked.
#[derive(Debug, Clone)]
pub struct Item {
    /// Where it goes.
    pub ordinal: Ordinal,
    /// The same bytes under the same id are parked once.
    pub name: NameHash,
    /// What is known of it.
    pub about: Parked,
    /// What is kept of its bytes.
    pub body: Bytes,
}

impl Item {
    /// Writes it into a unit.
    pub(crate) fn put(&self, builder: &mut UnitBuilder) -> Result<(), postcard::Error> {
        builder.name(Table::Parked, self.name, self.ordinal);
        builder.put_with(Table::Parked, self.ordinal, ABOUT, |out| {
            *out = postcard::to_extend(&self.about, std::mem::take(out))?;
            Ok::<_, postcard::Error>(())
        })?;
        builder.put(Table::Parked, self.ordinal, BODY, &self.body);
        builder.count(counters::of_parked(self.about.reason), 1);
        builder.count(counters::PARKED_BYTES, i64::try_from(self.body.len()).unwrap_or(i64::MAX));
        Ok(())
    }
}

/// A parked message's id in the admin API.
pub fn id(ordinal: Ordinal) -> String {
    format!("p-{}", ordinal.0)
}

/// The ordinal behind an id of the admin API.
pub fn ordinal(id: &str) -> Option<Ordinal> {
    id.strip_prefix("p-")?.parse().ok().map(Ordinal)
}

/// Reads a parked message, without its bytes.
pub fn read(view: &View, ordinal: Ordinal) -> Result<Option<Parked>, crate::record::Error> {
    match view.read(Table::Parked, ordinal, ABOUT)? {
        Some(bytes) => decode(ordinal, &bytes).map(Some),
        None => Ok(None),
    }
}

/// Reads what describes a parked message.
pub fn decode(ordinal: Ordinal, bytes: &[u8]) -> Result<Parked, crate::record::Error> {
    postcard::from_bytes(bytes).map_err(|error| {
        crate::record::Error::State(crate::states::Error::Corrupt {
            what: "parked message",
            ordinal: ordinal.0,
            problem: error.to_string(),
        })
    })
}

/// Reads a parked message's bytes.
pub fn body(view: &View, ordinal: Ordinal) -> Result<Option<Bytes>, orderly_store::Error> {
    view.read(Table::Parked, ordinal, BODY)
}
