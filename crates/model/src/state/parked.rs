//! The data of parked messages.

use crate::message::hash_of;
use crate::unit::Unit;
use std::collections::HashSet;

/// The parked messages, by source, id and bytes. A message that comes again with the same three is parked once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parked(HashSet<u64>);

impl Parked {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn insert(&mut self, source: &str, id: &str, body: &[u8], unit: &mut Unit) {
        if self.0.insert(hash_of(&(source, id, body))) {
            unit.event("command.parked");
        }
    }
}
