//! Reading, from an offset on.
//!
//! Every attachment has a channel of its own. Acks say only that the reader has room: they go out when a quarter of the
//! prefetch was handed over, and else every second, since a record that waits for half an hour ends its channel.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    super::{Error, connection::Connection, error::chain},
    End, From, Options, Read, Stored,
    site::Site,
    unless,
};

/// The bytes after which a batch is handed over.
pub(super) const BATCH_BYTES: usize = 1 << 20;

/// How long attaching may take. Short: while the stream changes its leader another node may be the one to ask.
const ATTACH: Duration = Duration::from_secs(5);

/// How often acks go out when little comes, and how often the connection's state is looked at.
const CHECK: Duration = Duration::from_secs(1);

/// The header that has the offset of a delivery, and the argument that says where a consumer begins.
const OFFSET: &str = "x-stream-offset";

type Attach = watch::Receiver<Option<(u64, From)>>;

/// Reads over one connection after the other, until nobody reads any more.
pub(super) async fn run(
    mut site: Site,
    mut attach: Attach,
    events: mpsc::Sender<Read>,
) -> Result<(), Error> {
    loop {
        // boxed: large, and needed once a connection
        let connecting = Box::pin(site.connect());
        let Some(connection) = unless(events.closed(), connecting).await else { return Ok(()) };
        let connection = connection?;
        attach.borrow_and_update();
        let end = match events.send(Read::Up).await {
            Ok(()) => read(&connection, &site.options, &mut attach, &events).await,
            Err(_) => End::Closed,
        };
        connection.close().await?;
        match end {
            End::Closed => return Ok(()),
            End::Broken(error) => {
                site.note(&error);
                if events.send(Read::Down(chain(&error))).await.is_err() {
                    return Ok(());
                }
            }
        }
        if unless(events.closed(), site.go_on()).await.is_none() {
            return Ok(());
        }
    }
}

/// A consumer of the stream.
struct Attachment {
    number: u64,
    channel: Channel,
    consumer: Consumer,
    /// The tag of the last record that was handed over, and how many of them are not acknowledged.
    last: u64,
    unacknowledged: u16,
    /// What ended the consumer, behind records that are handed over first.
    ended: Option<Error>,
}

/// Reads on one connection until it breaks.
async fn read(
    connection: &Connection,
    options: &Options,
    attach: &mut Attach,
    events: &mpsc::Sender<Read>,
) -> End {
    let mut attachment: Option<Attachment> = None;
    let mut check = interval(CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let result = tokio::select! {
            biased;
            () = events.closed() => return End::Closed,
            changed = attach.changed() => {
                if changed.is_err() {
                    return End::Closed;
                }
                let wanted = *attach.borrow_and_update();
                match wanted {
                    Some((number, from)) => {
                        attach_anew(connection, options, &mut attachment, number, from).await
                    }
                    None => Ok(()),
                }
            }
            _ = check.tick() => match &mut attachment {
                _ if !connection.status().connected() => Err(Error::Closed),
                Some(attachment) => {
                    attachment.acknowledge();
                    Ok(())
                }
                None => Ok(()),
            },
            records = next(&mut attachment) => match records {
                Ok((number, records)) => {
                    if events.send(Read::Records { attachment: number, records }).await.is_err() {
                        return End::Closed;
                    }
                    if let Some(attachment) = &mut attachment
                        && attachment.unacknowledged >= (options.prefetch / 4).max(1)
                    {
                        attachment.acknowledge();
                    }
                    Ok(())
                }
                Err(error) => Err(error),
            },
        };
        if let Err(error) = result {
            return End::Broken(error);
        }
    }
}

/// Ends the attachment that there is, and makes another one.
async fn attach_anew(
    connection: &Connection,
    options: &Options,
    attachment: &mut Option<Attachment>,
    number: u64,
    from: From,
) -> Result<(), Error> {
    let before = attachment.take();
    let attaching = async {
        if let Some(before) = before {
            let closing = before.channel.close(200, "attaching anew".into());
            closing.await.map_err(Error::Channel)?;
        }
        let channel = connection.open_channel().await?;
        let limiting = channel.basic_qos(options.prefetch, BasicQosOptions::default());
        limiting.await.map_err(Error::Channel)?;
        let mut arguments = FieldTable::default();
        let offset = match from {
            From::First => AMQPValue::LongString("first".into()),
            From::Last => AMQPValue::LongString("last".into()),
            From::Next => AMQPValue::LongString("next".into()),
            From::Offset(offset) => {
                AMQPValue::LongLongInt(i64::try_from(offset).unwrap_or(i64::MAX))
            }
        };
        arguments.insert(OFFSET.into(), offset);
        let consuming = channel.basic_consume(
            options.name.as_str().into(),
            format!("journal-{number}").into(),
            BasicConsumeOptions::default(),
            arguments,
        );
        let consumer = consuming.await.map_err(Error::Channel)?;
        Ok(Attachment { number, channel, consumer, last: 0, unacknowledged: 0, ended: None })
    };
    let attached = timeout(ATTACH, attaching).await;
    *attachment = Some(attached.unwrap_or(Err(Error::Timeout("attaching to the stream")))?);
    Ok(())
}

/// All records that have arrived, at least one. Dropping the future loses nothing.
async fn next(attachment: &mut Option<Attachment>) -> Result<(u64, Vec<Stored>), Error> {
    let Some(attachment) = attachment else { return std::future::pending().await };
    if let Some(ended) = attachment.ended.take() {
        return Err(ended);
    }
    let mut next = attachment.consumer.next().await;
    let mut records = Vec::new();
    let mut bytes = 0;
    loop {
        match next {
            Some(Ok(delivery)) => {
                attachment.last = delivery.delivery_tag;
                attachment.unacknowledged = attachment.unacknowledged.saturating_add(1);
                let stored = stored(delivery)?;
                bytes += stored.body.len();
                records.push(stored);
            }
            ended => {
                let error = ended.map_or(Error::Cancelled, |ended| match ended {
                    Ok(_) => Error::Cancelled,
                    Err(error) => Error::Channel(error),
                });
                if records.is_empty() {
                    return Err(error);
                }
                attachment.ended = Some(error);
                break;
            }
        }
        if bytes >= BATCH_BYTES {
            break;
        }
        match attachment.consumer.next().now_or_never() {
            Some(more) => next = more,
            None => break,
        }
    }
    Ok((attachment.number, records))
}

fn stored(delivery: Delivery) -> Result<Stored, Error> {
    let headers = delivery.properties.headers().as_ref();
    match headers.and_then(|headers| headers.inner().get(OFFSET)) {
        Some(AMQPValue::LongLongInt(offset)) => {
            let offset = u64::try_from(*offset).unwrap_or_default();
            Ok(Stored { offset, body: Bytes::from(delivery.data) })
        }
        _ => Err(Error::Missing(
            "the offset of a record: the queue of the journal is no stream".to_owned(),
        )),
    }
}

impl Attachment {
    /// Acknowledges what was handed over. A channel that is broken shows in its consumer.
    fn acknowledge(&mut self) {
        if self.unacknowledged > 0 {
            self.unacknowledged = 0;
            let options = BasicAckOptions { multiple: true };
            // The first poll queues the frame; later polls wait until it is written.
            let _ = self.channel.basic_ack(self.last, options).now_or_never();
        }
    }
}
