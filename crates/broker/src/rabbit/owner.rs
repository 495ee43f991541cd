//! The exclusive queue that makes the processor the only one of its namespace.
//!
//! It belongs to the connection that declared it and goes with that connection, so the broker
//! itself gives it back when a processor dies.

use lapin::{options::QueueDeclareOptions, types::FieldTable};

use super::{
    Error,
    connection::Connection,
    error::{Refusal, refusal},
    limits::with_timeout,
};

/// Claims `queue` for `connection`; [`Error::Held`] when another connection has it.
pub(super) async fn claim(connection: &Connection, queue: &str) -> Result<(), Error> {
    let channel = connection.open_channel().await?;
    let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    let declaring = channel.queue_declare(queue.into(), options, FieldTable::default());
    match with_timeout("claiming the namespace", declaring).await? {
        Ok(_) => Ok(()),
        Err(error) if refusal(&error) == Refusal::Locked => Err(Error::Held(queue.to_owned())),
        Err(source) => Err(Error::Declare { name: format!("queue {queue}"), source }),
    }
}
