//! Parking messages: invalid, conflicting and failed ones.

use crate::message::{Identity, Message, hash_of};
use crate::model::Model;
use crate::state::waiting::Waiting;
use crate::unit::Unit;

impl Model {
    pub(crate) fn park(&mut self, message: &Message<'_>, unit: &mut Unit) {
        let id = message.id.unwrap_or_default();
        self.parked.insert(message.source, id, message.body, unit);
    }

    /// Parks a callback that waited. Its data are parked, not the bytes of its message, so a parked message with the
    /// same source and id may exist beside it. The callback failed, so its identity is free again.
    pub(crate) fn park_waiting(&mut self, callback: &Waiting, unit: &mut Unit) {
        self.seen.remove(&hash_of(&Identity::of_callback(&callback.data)));
        let (source, id) = &callback.message;
        let body = format!("waited: {}", callback.data);
        self.parked.insert(source, id, body.as_bytes(), unit);
    }
}
