//! Hashes that stand for ids and for data. They are cryptographic, so that no producer can make two
//! different commands have the same hash, and long enough that two never have it by chance.
//!
//! The hashes are stored, or derived again later. So no hash may ever change (`tests/identities.rs`).

use crate::command::{Command, PaymentCallback};
use crate::id::{AttemptId, CaptureId, CommandId, Provider, Source};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The first 16 bytes of a SHA-256 over `domain` and the parts. Each part is hashed with its length, so
/// that two different lists of parts never give the same input.
fn hash16(domain: u8, parts: &[&[u8]]) -> [u8; 16] {
    let mut sha = Sha256::new();
    sha.update([domain]);
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    let digest = sha.finalize();
    let mut hash = [0; 16];
    hash.copy_from_slice(&digest[..16]);
    hash
}

/// The identity of a command by the message that carried it.
pub fn of_message(source: &Source, id: &CommandId) -> [u8; 16] {
    hash16(1, &[source.as_str().as_bytes(), id.as_str().as_bytes()])
}

/// The identity of a payment callback: provider and event id, whichever message carried the callback.
pub fn of_callback(callback: &PaymentCallback) -> [u8; 16] {
    hash16(2, &[callback.provider.as_str().as_bytes(), callback.event_id.as_str().as_bytes()])
}

/// The identity that `command` uses up. `source` and `id` are those of the message that carried it.
pub fn of(source: &Source, id: &CommandId, command: &Command) -> [u8; 16] {
    match command {
        Command::PaymentCallback(callback) => of_callback(callback),
        _ => of_message(source, id),
    }
}

/// The hash of a command's data: it tells a duplicate from a conflict. Only fields that this build
/// knows count, since the decoded data are hashed.
///
/// The top byte is the number of the [canonical form](crate::canonical) that was hashed. The other
/// seven bytes are the first of the hash. So data that were hashed in an earlier form are still
/// recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataHash(u64);

/// The number of the form in which new data are hashed.
const FORM: u8 = 1;

impl DataHash {
    /// Stored in place of a hash to free an identity: the command that used it up failed later, so it may come again. No
    /// data have this hash, since the number of its form is 0. An earlier build takes the command for a conflict and parks
    /// it.
    pub const FREED: Self = Self(0);

    /// The hash of the data of `command`.
    pub fn new(command: &Command) -> Self {
        Self::of(FORM, &command.form1())
    }

    /// The stored form of the hash.
    pub const fn word(self) -> u64 {
        self.0
    }

    /// Whether `word`, the stored hash of an identity, says that the identity was [freed](Self::FREED).
    pub const fn is_freed(word: u64) -> bool {
        word == Self::FREED.0
    }

    /// Whether `word` is the stored hash of the same data. A hash of a form that this build does not know
    /// counts as other data. A new form must be compared here by its own number.
    pub fn is_same(self, word: u64) -> bool {
        self.0 == word
    }

    fn of(form: u8, bytes: &[u8]) -> Self {
        let hash = hash16(3, &[bytes]);
        let mut word = [0; 8];
        word[0] = form;
        word[1..].copy_from_slice(&hash[..7]);
        Self(u64::from_be_bytes(word))
    }
}

/// The name of an order, a cart or a sku in the store.
pub fn of_name(id: &str) -> [u8; 16] {
    hash16(4, &[id.as_bytes()])
}

/// The name of an attempt in the store: an attempt with an authorization or money belongs to one order.
pub fn of_attempt(provider: &Provider, attempt: &AttemptId) -> [u8; 16] {
    hash16(10, &[provider.as_str(), attempt.as_str()].map(str::as_bytes))
}

/// The identity of a deliberate replay of a conflict: of a command whose identity `before` was used up with other data. The
/// same data always get the same identity, so they are applied once.
pub fn of_replayed_conflict(before: [u8; 16], data: DataHash) -> [u8; 16] {
    hash16(11, &[&before, &data.word().to_le_bytes()])
}

/// The id of a command in a message that has none, when the message is replayed from the parked ones: `parked-`, then 32
/// hexadecimal digits. The same bytes always get the same id.
pub fn of_nameless(source: &str, body: &[u8]) -> String {
    format!("parked-{}", hex::encode(of_parked(source, "", body)))
}

/// The name of a capture in the store: the money of the capture counts for one order.
pub fn of_capture(provider: &Provider, attempt: &AttemptId, capture: &CaptureId) -> [u8; 16] {
    let parts = [provider.as_str(), attempt.as_str(), capture.as_str()];
    hash16(8, &parts.map(str::as_bytes))
}

/// A name of something that belongs to one order: `order` is its number, `what` says what is named by `parts`.
pub fn of_order(order: u64, what: NameOf, parts: &[&str]) -> [u8; 16] {
    let (order, what) = (order.to_le_bytes(), [what as u8]);
    let mut all: Vec<&[u8]> = vec![&order, &what];
    all.extend(parts.iter().map(|part| part.as_bytes()));
    hash16(9, &all)
}

/// What is named. The numbers go into the hash: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum NameOf {
    /// A folded attempt, by provider and id.
    Attempt = 0,
    /// A folded refund at one attempt, by id, provider and attempt.
    Refund = 1,
    /// The first folded refund with an id.
    RefundId = 2,
    /// A folded dispute, by id and provider.
    Dispute = 3,
    /// A capture without an id, by provider and event.
    Event = 4,
    /// An authorization, by provider, attempt and time.
    Authorization = 5,
    /// A notification that is not kept, by kind and reference.
    Notification = 6,
    /// An attempt that ended without money and is not kept, by provider and id.
    EndedAttempt = 7,
    /// A success of a refund that is not kept, by id, provider, attempt and time.
    RefundSuccess = 8,
    /// A failure of a refund that is not kept, by id, provider, attempt and time.
    RefundFailure = 9,
}

/// A fraction of `span` that is derived from `id`: the same at every call, and evenly distributed over the ids. It
/// serves to let things that began at the same time end at different times.
pub fn spread(id: &str, span: Duration) -> Duration {
    let hash = hash16(7, &[id.as_bytes()]);
    let part = u64::from(u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]));
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    // the fraction has 32 bits: split the span, so that no product overflows
    Duration::from_micros((micros >> 32) * part + (((micros & 0xffff_ffff) * part) >> 32))
}

/// The name of a parked message: the same bytes under the same id are parked once.
pub fn of_parked(source: &str, id: &str, body: &[u8]) -> [u8; 16] {
    hash16(5, &[source.as_bytes(), id.as_bytes(), body])
}

/// An id derived from `parts`: `prefix`, then 32 hexadecimal digits. The same parts always give the same id.
pub fn derived(prefix: &str, parts: &[&str]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
    let mut digits = [0; 32];
    hex::encode_to_slice(hash16(6, &parts), &mut digits).expect("there is room for 32 digits");
    let mut name = String::with_capacity(prefix.len() + digits.len());
    name.push_str(prefix);
    name.extend(digits.map(char::from));
    name
}
