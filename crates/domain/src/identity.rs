//! Hashes that stand for names: unique by size, cryptographic so that no producer can make two
//! commands look like one.
//!
//! All of them are stored, or derived again later: none may ever change (`tests/identities.rs`).

use crate::command::{Command, PaymentCallback};
use crate::id::{CommandId, Source};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The first 16 bytes of a SHA-256 over length-prefixed parts, so that no two lists of parts
/// give the same bytes.
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

/// The identity of a payment callback: the provider's, whatever message carried it.
pub fn of_callback(callback: &PaymentCallback) -> [u8; 16] {
    hash16(2, &[callback.provider.as_str().as_bytes(), callback.event_id.as_str().as_bytes()])
}

/// The identity that `command`, carried by (source, id), uses up.
pub fn of(source: &Source, id: &CommandId, command: &Command) -> [u8; 16] {
    match command {
        Command::PaymentCallback(callback) => of_callback(callback),
        _ => of_message(source, id),
    }
}

/// What tells a command's data from other data: equal after decoding, so known fields only.
///
/// The top byte is the number of the [canonical form](crate::canonical) that was hashed, the other
/// seven are the first of the hash. So data that was hashed by an earlier form is still recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataHash(u64);

/// The form that new data is hashed by.
const FORM: u8 = 1;

impl DataHash {
    /// The hash of the data of `command`.
    pub fn new(command: &Command) -> Self {
        Self::of(FORM, &command.form1())
    }

    /// The word that is stored.
    pub const fn word(self) -> u64 {
        self.0
    }

    /// Whether the data whose hash this is was stored as `word`. Data that was hashed by a form that
    /// this build does not know counts as other data: a further form compares by its own number here.
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

/// A part of `span` that is the same at every call, and spread evenly over the ids: so that what began together does
/// not end together.
pub fn spread(id: &str, span: Duration) -> Duration {
    let hash = hash16(7, &[id.as_bytes()]);
    let part = u64::from(u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]));
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    // 32 bits of a part, whatever the span: no product overflows
    Duration::from_micros((micros >> 32) * part + (((micros & 0xffff_ffff) * part) >> 32))
}

/// The name of a parked message: the same bytes under the same id are parked once.
pub fn of_parked(source: &str, id: &str, body: &[u8]) -> [u8; 16] {
    hash16(5, &[source.as_bytes(), id.as_bytes(), body])
}

/// A short name derived from `parts`: the same at every derivation.
pub fn derived(prefix: &str, parts: &[&str]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
    let mut digits = [0; 32];
    hex::encode_to_slice(hash16(6, &parts), &mut digits).expect("there is room for 32 digits");
    let mut name = String::with_capacity(prefix.len() + digits.len());
    name.push_str(prefix);
    name.extend(digits.map(char::from));
    name
}
