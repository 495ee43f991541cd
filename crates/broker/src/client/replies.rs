//! Replies to what a client publishes.

use futures_util::{FutureExt as _, StreamExt as _};
use lapin::Consumer;
use lapin::options::{BasicConsumeOptions, QueueDeclareOptions};
use lapin::types::FieldTable;

use super::Client;
use crate::Message;
use crate::rabbit::codec;
use crate::rabbit::error::Error;
use crate::rabbit::limits::with_timeout;

/// A queue for replies. It is exclusive, and ends with its client.
#[derive(Debug)]
pub struct Replies {
    queue: String,
    consumer: Consumer,
}

impl Client {
    /// Opens a queue for replies.
    pub async fn replies(&self) -> Result<Replies, Error> {
        let channel = self.connection.open_channel().await?;
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        // the broker chooses the name
        let declaring = channel.queue_declare("".into(), exclusive, FieldTable::default());
        let queue = with_timeout("declaring a queue for replies", declaring).await?;
        let queue = queue.map_err(Error::Channel)?.name().to_string();
        let taken = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consuming = channel.basic_consume(
            queue.as_str().into(),
            "replies".into(),
            taken,
            FieldTable::default(),
        );
        let consumer =
            with_timeout("consuming replies", consuming).await?.map_err(Error::Channel)?;
        Ok(Replies { queue, consumer })
    }
}

impl Replies {
    /// The name of the queue, for `reply_to`.
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// The next reply. `None`: the connection ended.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        let delivery = self.consumer.next().await?;
        Some(delivery.map(|delivery| codec::decode(0, delivery).message).map_err(Error::Channel))
    }

    /// The next reply, if there is one already.
    pub fn try_next(&mut self) -> Option<Result<Message, Error>> {
        self.next().now_or_never()?
    }
}
