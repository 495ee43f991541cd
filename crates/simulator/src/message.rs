//! A command on its way: what a producer published, and what decoding makes of it.

use bytes::Bytes;
use orderly_actors::sequencer::InboundMessage;
use orderly_actors::simulation::commands;
use orderly_domain::identity;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Reason;
use orderly_store::{IdentityHash, NameHash};

/// A message in the command queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) source: &'static str,
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) body: Bytes,
    /// When its producer first published it, by the wall clock.
    pub(crate) time: Timestamp,
    /// The reason for which it is invalid, as its maker knows.
    pub(crate) defect: Option<Reason>,
    /// How often it was tried and put into a wait queue.
    pub(crate) attempts: u32,
}

/// What tells one message from another, however often it is delivered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    source: &'static str,
    id: String,
    body: Bytes,
}

/// How the core can know a message: by the identity it used up, or parked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) identity: Option<IdentityHash>,
    pub(crate) parked: NameHash,
}

impl Message {
    pub(crate) fn key(&self) -> Key {
        Key { source: self.source, id: self.id.clone(), body: self.body.clone() }
    }

    pub(crate) fn is_copy_of(&self, key: &Key) -> bool {
        (self.source, &self.id, &self.body) == (key.source, &key.id, &key.body)
    }

    pub(crate) fn for_model(&self) -> orderly_model::Message<'_> {
        let time = Some(self.time.micros());
        let message = orderly_model::Message::new(self.source, &self.id, self.kind, &self.body);
        orderly_model::Message { time, ..message }
    }

    pub(crate) fn inbound(&self) -> InboundMessage {
        let inbound = commands::inbound(self.source, &self.id, self.kind, self.body.clone());
        InboundMessage { time: Some(self.time), attempts: self.attempts, ..inbound }
    }

    pub(crate) fn known(&self) -> Known {
        let InboundMessage { source, id, command, .. } = self.inbound();
        let named = source.zip(id).zip(command.ok());
        Known {
            identity: named
                .map(|((source, id), command)| IdentityHash(identity::of(&source, &id, &command))),
            parked: NameHash(identity::of_parked(self.source, &self.id, &self.body)),
        }
    }
}
