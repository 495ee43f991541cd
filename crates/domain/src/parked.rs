//! What is kept of a message that could not be processed, its bytes apart.

use crate::stored::Stored;
use crate::time::Timestamp;
use crate::verdict::{Detail, Reason};
use serde::{Deserialize, Serialize};

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

impl Stored for Parked {
    const WHAT: &'static str = "parked message";
    const VERSION: u8 = 1;
}
