//! What is put aside for a person: invalid, conflicting and failed messages.

use crate::message::Message;
use crate::model::Model;
use crate::state::waiting::Waiting;
use crate::unit::Unit;

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
