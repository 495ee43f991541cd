//! Delayed retries of a command that failed for an unexpected reason.
//!
//! Invariants: attempts are counted in a header of ours, as the broker's own counters start again
//! with every publish. A retry keeps everything that a command means. Only its place in the queue
//! and its routing key are lost in a wait queue; so when a plain command has its type in the
//! routing key alone, the retry has it as a property.

use std::time::Duration;

use super::{Durability, Message, Names, Properties, without_partition};

/// The wait queues, in the order of the attempts.
#[derive(Debug, Clone)]
pub struct Retries {
    queues: Vec<String>,
    routing: Routing,
}

/// What routing keys say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Routing {
    /// The type of the command.
    ByType,
    /// The partition and the type; or the type alone.
    ByPartition,
}

/// What to do with a command that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retry {
    /// Publish this, mandatory; ack the failed delivery once it is confirmed.
    Later(Box<Message>),
    /// The command has failed after every retry: park it.
    Exhausted {
        /// Attempts made, the first one included.
        attempts: u32,
    },
}

impl Retries {
    /// One retry for each delay.
    pub fn new(names: &Names, delays: &[Duration]) -> Self {
        let queues = delays.iter().map(|delay| names.retry(*delay)).collect();
        let routing =
            if names.queue == names.commands { Routing::ByType } else { Routing::ByPartition };
        Self { queues, routing }
    }

    /// What to do after the failure of `command`, whose header counts the earlier attempts.
    pub fn after(&self, command: &Message) -> Retry {
        let tried_before = command.properties.attempt;
        let attempts = tried_before.saturating_add(1);
        let queue = usize::try_from(tried_before).ok().and_then(|index| self.queues.get(index));
        match queue {
            Some(queue) => Retry::Later(Box::new(self.delayed(command, queue, attempts))),
            None => Retry::Exhausted { attempts },
        }
    }
}

impl Retries {
    fn delayed(&self, command: &Message, queue: &str, attempts: u32) -> Message {
        let mut delayed = to_queue(command, queue, self.routing);
        delayed.properties.attempt = attempts;
        delayed
    }
}

/// The same command for the queue of commands of the partition that it belongs to. It keeps its attempts and all that it means;
/// its type is a property of it, where the routing key alone said it.
pub fn forwarded(command: &Message, queue: &str) -> Message {
    to_queue(command, queue, Routing::ByPartition)
}

/// The same command for a queue. The default exchange routes by the name of the queue: no binding can be forgotten.
fn to_queue(command: &Message, queue: &str, routing: Routing) -> Message {
    let mut properties = Properties {
        durability: Durability::Persistent,
        delivery_count: 0,
        ..command.properties.clone()
    };
    if properties.kind.as_ref().is_none_or(String::is_empty) {
        properties.kind = command_type(command, routing);
    }
    Message {
        exchange: String::new(),
        routing_key: queue.to_owned(),
        properties,
        body: command.body.clone(),
    }
}

/// The type of a plain command: its property, else its routing key. The routing key of a message
/// that came through the default exchange is the name of a queue, which is no type.
fn command_type(command: &Message, routing: Routing) -> Option<String> {
    let routed_by_type = !command.exchange.is_empty() && !command.routing_key.is_empty();
    let named = command.properties.kind.clone().filter(|kind| !kind.is_empty());
    let of_key = || match routing {
        Routing::ByType => command.routing_key.clone(),
        Routing::ByPartition => without_partition(&command.routing_key).to_owned(),
    };
    named.or_else(|| routed_by_type.then(of_key))
}

#[cfg(test)]
mod tests {
    use super::super::{Attribute, HeaderValue};
    use super::*;

    fn retries() -> Retries {
        let delays = [1, 30].map(Duration::from_secs);
        Retries::new(&Names::new("shop"), &delays)
    }

    fn command() -> Message {
        Message {
            exchange: "shop.commands".to_owned(),
            routing_key: "order.place".to_owned(),
            properties: Properties {
                content_type: Some("application/json".to_owned()),
                message_id: Some("m-1".to_owned()),
                app_id: Some("web".to_owned()),
                reply_to: Some("replies".to_owned()),
                correlation_id: Some("c-1".to_owned()),
                timestamp: Some(1_700_000_000),
                durability: Durability::Transient,
                traceparent: Some("00-a-b-01".to_owned()),
                tracestate: Some("v=1".to_owned()),
                deadline: Some(HeaderValue::Integer(1_900_000_000)),
                content_encoding: Some("gzip".to_owned()),
                cloud_event: vec![(Attribute::Id, "m-1".into())],
                delivery_count: 4,
                ..Properties::default()
            },
            body: "{}".into(),
        }
    }

    #[test]
    fn a_retry_keeps_what_the_command_means_and_counts_one_more() {
        let command = command();

        let Retry::Later(retry) = retries().after(&command) else {
            panic!("a first failure is retried");
        };

        let expected = Properties {
            kind: Some("order.place".to_owned()),
            durability: Durability::Persistent,
            attempt: 1,
            delivery_count: 0,
            ..command.properties
        };
        assert_eq!(retry.properties, expected);
        assert_eq!(retry.body, command.body);
        assert_eq!(retry.exchange, "");
        assert_eq!(retry.routing_key, "shop.retry.1s");
    }

    #[test]
    fn each_attempt_waits_longer_until_they_are_exhausted() {
        let mut command = command();
        let mut queues = Vec::new();
        let attempts = loop {
            match retries().after(&command) {
                Retry::Later(retry) => {
                    queues.push(retry.routing_key.clone());
                    // As the wait queue gives it back.
                    command = Message { routing_key: "shop.commands".to_owned(), ..*retry };
                }
                Retry::Exhausted { attempts } => break attempts,
            }
        };
        assert_eq!(queues, ["shop.retry.1s", "shop.retry.30s"]);
        assert_eq!(attempts, 3);
        assert_eq!(command.properties.kind.as_deref(), Some("order.place"));
    }

    #[test]
    fn without_delays_the_first_failure_is_the_last() {
        let none = Retries::new(&Names::new("shop"), &[]);
        assert_eq!(none.after(&command()), Retry::Exhausted { attempts: 1 });
    }

    #[test]
    fn a_forged_attempt_count_is_exhausted_not_a_panic() {
        let mut command = command();
        command.properties.attempt = u32::MAX;
        let retry = retries().after(&command);
        assert_eq!(retry, Retry::Exhausted { attempts: u32::MAX });
    }

    #[test]
    fn a_command_that_is_forwarded_keeps_what_it_means_and_its_attempts() {
        for (key, queue) in
            [("order.place", "shop.p5.commands"), ("p3.order.place", "shop.p5.commands")]
        {
            let mut command = command();
            key.clone_into(&mut command.routing_key);
            command.properties.attempt = 2;
            let expected = Properties {
                kind: Some("order.place".to_owned()),
                durability: Durability::Persistent,
                delivery_count: 0,
                ..command.properties.clone()
            };
            let sent = forwarded(&command, queue);
            assert_eq!((sent.properties, sent.body), (expected, command.body));
            assert_eq!((sent.exchange.as_str(), sent.routing_key.as_str()), ("", queue));
        }
    }

    #[test]
    fn the_retry_of_a_partition_goes_to_its_own_queues_and_names_the_type() {
        let retries = Retries::new(&Names::of_partition("shop", 3), &[Duration::from_secs(1)]);
        let mut command = command();
        command.routing_key = "p3.order.place".to_owned();
        let Retry::Later(retry) = retries.after(&command) else {
            panic!("a first failure is retried");
        };
        assert_eq!(retry.routing_key, "shop.p3.retry.1s");
        assert_eq!(retry.properties.kind.as_deref(), Some("order.place"));
    }

    #[test]
    fn the_name_of_a_queue_is_never_taken_for_a_type() {
        let mut command = command();
        command.exchange.clear();
        command.routing_key = "shop.commands".to_owned();
        assert_eq!(command_type(&command, Routing::ByType), None);
    }
}
