//! Verdicts that somebody in this process waits for, on the in-process broker.

use bytes::Bytes;
use orderly_broker::{Message, Properties};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use uuid::Uuid;

/// The queue of these replies. No broker has it.
const QUEUE: &str = "orderly:this-process";

type Waiting = HashMap<String, oneshot::Sender<Bytes>>;

/// Who waits for which reply. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct LocalReplies(Arc<Mutex<Waiting>>);

/// A reply that somebody waits for, until this is dropped.
pub(super) struct Expected {
    replies: LocalReplies,
    id: String,
    comes: oneshot::Receiver<Bytes>,
}

impl LocalReplies {
    /// Asks for the reply to a command with these properties.
    pub(super) fn expect(&self, properties: &mut Properties) -> Expected {
        let id = Uuid::now_v7().to_string();
        let (sender, comes) = oneshot::channel();
        self.lock().insert(id.clone(), sender);
        properties.reply_to = Some(QUEUE.to_owned());
        properties.correlation_id = Some(id.clone());
        Expected { replies: self.clone(), id, comes }
    }

    /// Hands over the replies that somebody waits for, and returns the others.
    pub(super) fn hand_over(&self, replies: Vec<Message>) -> Vec<Message> {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            return replies;
        }
        let is_other = |reply: Message| {
            let id = reply.properties.correlation_id.as_deref();
            let waits = id.filter(|_| reply.routing_key == QUEUE).and_then(|id| waiting.remove(id));
            match waits {
                Some(waits) => {
                    let _ = waits.send(reply.body); // the caller may have gone
                    None
                }
                None => Some(reply),
            }
        };
        replies.into_iter().filter_map(is_other).collect()
    }

    /// A poisoned lock is no harm: every change is one call on the map.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    /// The reply. `None`: nobody will send it any more.
    pub(super) async fn come(mut self) -> Option<Bytes> {
        (&mut self.comes).await.ok()
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.replies.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(to: &str, properties: &Properties) -> Message {
        Message {
            routing_key: to.to_owned(),
            properties: Properties {
                correlation_id: properties.correlation_id.clone(),
                ..Properties::default()
            },
            body: "{}".into(),
            ..Message::default()
        }
    }

    #[tokio::test]
    async fn each_caller_gets_the_reply_to_its_own_command_and_strangers_get_theirs() {
        let replies = LocalReplies::default();
        let mut properties = [Properties::default(), Properties::default()];
        let [first, second] = properties.each_mut().map(|of| replies.expect(of));
        let own = reply(QUEUE, &properties[1]);
        let others = vec![reply("answers", &properties[0]), reply(QUEUE, &Properties::default())];
        let left = replies.hand_over([others.clone(), vec![own.clone()]].concat());
        assert_eq!(left, others);
        assert_eq!(second.come().await, Some("{}".into()));
        // a caller that went away is forgotten
        drop(first);
        let late = vec![reply(QUEUE, &properties[0])];
        assert_eq!(replies.hand_over(late.clone()), late);
        assert!(replies.lock().is_empty());
    }
}
