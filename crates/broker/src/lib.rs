//! The broker: how commands come in and events go out.
//!
//! The pipeline sees [`Link`] only; `RabbitMQ` and the in-process broker are two drivers of it.
//!
//! | module | holds |
//! |---|---|
//! | `client` | publishing commands, replaying dead letters |
//! | `ledger` | which deliveries may be acknowledged, with how few acks |
//! | `memory` | the in-process driver |
//! | `message` | a message, with the properties that orderly reads or writes |
//! | `names` | the names of exchanges and queues |
//! | `transport` | the seam: [`Link`] and what flows through it |
//! | `publisher` | publishing with confirms, in order per key |
//! | `rabbit` | the `RabbitMQ` driver |
//! | `retry` | delayed retries of what failed |
//! | `settings` | the settings of the `RabbitMQ` driver |
//! | `tasks` | the tasks of a driver, and what becomes of one that panics |
//! | `topic` | matching routing keys against patterns |

pub mod client;
pub mod ledger;
pub mod memory;
mod message;
mod names;
mod publisher;
pub mod rabbit;
mod retry;
mod settings;
mod tasks;
pub mod topic;
mod transport;

pub use message::{
    ATTEMPT_HEADER, Attribute, DEADLINE_HEADER, DELIVERY_COUNT_HEADER, Durability, HeaderValue,
    Message, OPERATOR_HEADER, Properties, REASON_HEADER, TRACEPARENT_HEADER, TRACESTATE_HEADER,
};
pub use names::{Names, partition_routing_key, without_partition};
pub use publisher::{Confirm, EventStream, Keyed, Publisher, Receipt};
pub use retry::{Retries, Retry, forwarded};
pub use settings::{Serves, Settings, TopologyMode};
pub use tasks::Panicked;
pub use transport::{
    Ack, AckSender, Control, Delivery, Failure, FailureKind, Intake, Link, MAX_BATCH, Phase, Reach,
    Status,
};
