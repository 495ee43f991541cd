//! Reading the newest message of `NS.mark`, the queue that keeps one message: its last.

use bytes::Bytes;
use lapin::options::BasicGetOptions;

use super::{
    Error,
    connection::Connection,
    error::{Refusal, refusal},
    limits::with_timeout,
};

/// The body of the newest message in `queue`, which stays there. `None` without a message, or without the queue.
pub(super) async fn read(connection: &Connection, queue: &str) -> Result<Option<Bytes>, Error> {
    let channel = connection.open_channel().await?;
    let mut newest = None;
    loop {
        // a queue that somebody else declared may keep more than one
        let getting = channel.basic_get(queue.into(), BasicGetOptions::default());
        match with_timeout("reading the mark", getting).await? {
            Ok(Some(got)) => newest = Some(Bytes::from(got.delivery.data)),
            Ok(None) => break,
            Err(error) if refusal(&error) == Refusal::NotFound => return Ok(None),
            Err(error) => return Err(Error::Channel(error)),
        }
    }
    // the messages are not acknowledged: with their channel they go back to the queue
    let closing = channel.close(200, "read".into());
    with_timeout("closing", closing).await?.map_err(Error::Channel)?;
    Ok(newest)
}
