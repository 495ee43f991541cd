//! What is put aside for a person: invalid, conflicting and failed messages.

use crate::message::Message;
use crate::model::{Model, Waiting, hash_of};
use crate::unit::Unit;
use std::collections::HashSet;

/// The messages that are parked, by source, id and bytes: what comes again with the same three is parked once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parked(HashSet<u64>);

impl Parked {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn insert(&mut self, source: &str, id: &str, body: &[u8], unit: &mut Unit) {
        if self.0.insert(hash_of(&(source, id, body))) {
            unit.event("command.parked");
        }
    }
}

impl Model {
    pub(crate) fn park(&mut self, message: &Message<'_>, unit: &mut Unit) {
        let id = message.id.unwrap_or_default();
        self.parked.insert(message.source, id, message.body, unit);
    }

    /// Of a callback that waited the data are kept, not the bytes of its message. Its message may be parked beside it.
    pub(crate) fn park_waiting(&mut self, callback: &Waiting, unit: &mut Unit) {
        let (source, id) = &callback.message;
        let body = format!("waited: {}", callback.data);
        self.parked.insert(source, id, body.as_bytes(), unit);
    }
}
