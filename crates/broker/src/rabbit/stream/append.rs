//! Appending, with confirms.
//!
//! A confirm says that most nodes have the record, and nothing about what is in front of it, so nobody is told of it. It is
//! asked for since the broker then sends a record again itself when the leader of the stream changes. A record that is
//! refused, returned or not confirmed for long makes the connection useless: the next one goes to another node.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt as _;
use lapin::{
    BasicProperties, Channel, Confirmation, PublisherConfirm, options::BasicPublishOptions,
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    super::{Error, connection::Connection, error::chain, publish::open_confirming},
    End, Write,
    site::Site,
};

/// How long the confirm of a record may take, and its way to the socket.
const PATIENCE: Duration = Duration::from_secs(6);

/// How often the connection's state is looked at.
const CHECK: Duration = Duration::from_millis(500);

const PERSISTENT: u8 = 2;

type Appends = mpsc::UnboundedReceiver<Bytes>;

/// Appends over one connection after the other, until nobody appends any more.
pub(super) async fn run(
    mut site: Site,
    mut appends: Appends,
    events: mpsc::UnboundedSender<Write>,
) -> Result<(), Error> {
    loop {
        // boxed: large, and needed once a connection
        let Some(connection) = without_appends(&mut appends, Box::pin(site.connect())).await else {
            return Ok(());
        };
        let connection = connection?;
        let end = match open_confirming(&connection).await {
            Ok(channel) => {
                let _ = events.send(Write::Up);
                append(&mut appends, &connection, &channel, &site.options.name).await
            }
            Err(error) => End::Broken(error),
        };
        if let End::Broken(error) = &end {
            site.note(error);
            let _ = events.send(Write::Down(chain(error)));
        }
        connection.close().await?;
        if matches!(end, End::Closed)
            || without_appends(&mut appends, Box::pin(site.go_on())).await.is_none()
        {
            return Ok(());
        }
    }
}

/// Waits for `work`. What is appended meanwhile is dropped. `None`: nobody appends any more.
async fn without_appends<T>(
    appends: &mut Appends,
    mut work: impl Future<Output = T> + Unpin,
) -> Option<T> {
    loop {
        tokio::select! {
            done = &mut work => return Some(done),
            append = appends.recv() => { append?; }
        }
    }
}

/// Appends until the connection breaks.
async fn append(
    appends: &mut Appends,
    connection: &Connection,
    channel: &Channel,
    stream: &str,
) -> End {
    let mut under_way: VecDeque<(PublisherConfirm, Instant)> = VecDeque::new();
    let mut check = interval(CHECK);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            confirmed = first(&mut under_way), if !under_way.is_empty() => match confirmed {
                Ok(()) => {}
                Err(error) => return End::Broken(error),
            },
            body = appends.recv() => {
                let Some(body) = body else {
                    settle(under_way).await;
                    return End::Closed;
                };
                match publish(channel, stream, &body).await {
                    Ok(confirm) => under_way.push_back((confirm, Instant::now())),
                    Err(error) => return End::Broken(error),
                }
            }
            _ = check.tick() => {
                if !connection.status().connected() {
                    return End::Broken(Error::Closed);
                }
                let oldest = under_way.front().map(|(_, since)| since.elapsed());
                if oldest.is_some_and(|age| age > PATIENCE) && !connection.status().blocked() {
                    return End::Broken(Error::Timeout("confirming a record"));
                }
            }
        }
    }
}

async fn publish(channel: &Channel, stream: &str, body: &Bytes) -> Result<PublisherConfirm, Error> {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    // the default exchange routes by the name
    let publishing = channel.basic_publish("".into(), stream.into(), options, body, properties);
    let published = timeout(PATIENCE, publishing).await;
    published.map_err(|_| Error::Timeout("sending a record"))?.map_err(Error::Channel)
}

/// Waits for the first confirm. Dropping the future loses nothing.
async fn first(under_way: &mut VecDeque<(PublisherConfirm, Instant)>) -> Result<(), Error> {
    let Some((confirm, _)) = under_way.front_mut() else {
        return std::future::pending().await;
    };
    let confirmed = confirm.await;
    under_way.pop_front();
    match confirmed.map_err(Error::Channel)? {
        Confirmation::Ack(None) | Confirmation::NotRequested => Ok(()),
        Confirmation::Ack(Some(_)) => Err(Error::Missing("the stream".to_owned())),
        Confirmation::Nack(_) => Err(Error::Timeout("appending: a record was refused")),
    }
}

/// Waits for the confirms of what is under way, so that it is sent before the connection is closed.
async fn settle(under_way: VecDeque<(PublisherConfirm, Instant)>) {
    let all = futures_util::future::join_all(under_way.into_iter().map(|(confirm, _)| confirm));
    let _ = timeout(PATIENCE, all.map(drop)).await;
}
