//! Sets aside commands that lapin cannot read.
//!
//! AMQP's short strings may hold any bytes, and `RabbitMQ` passes them on as they came. lapin
//! wants UTF-8 and gives up the whole connection otherwise. One command with a Latin-1
//! `message_id` would stop the shop that way: each new connection would meet that command again,
//! unable even to reject it. Here a connection of our own, frame by frame, takes what a consumer
//! would get, publishes the body of each such command to `NS.dead` without its properties, and
//! acknowledges it. What is readable goes back to its queue untouched.
//!
//! Invariant: a command is acknowledged only when its copy is confirmed.
//!
//! | module | holds |
//! |---|---|
//! | `filter` | what to do about each frame; no I/O |
//! | `frame` | frames as they come, taken apart without reading strings |
//! | `raw_connection` | the connection |

mod filter;
mod frame;
mod raw_connection;

use std::time::Duration;

use amq_protocol::types::FieldTable;

use self::{filter::UnreadableFilter, raw_connection::RawConnection};
use super::{super::Settings, Error, dial::dial, endpoint::Endpoint, limits::with_timeout};

/// Deliveries come at once. When none came for this long, all that the prefetch allows have come.
const QUIET: Duration = Duration::from_secs(1);

/// Sets aside every unreadable command among the first `prefetch` ones; returns how many.
///
/// The broker must see no other consumer of the queue while this runs.
pub(super) async fn set_aside(endpoint: &Endpoint, settings: &Settings) -> Result<usize, Error> {
    let (stream, _socket) = dial(endpoint)
        .await
        .map_err(|cause| Error::Connect { address: endpoint.address(), cause })?;
    let mut connection = RawConnection::new(stream);
    with_timeout("setting aside unreadable commands", async {
        connection.open(endpoint).await.map_err(Error::Raw)?;
        let mut filter = UnreadableFilter::new(&settings.names.dead);
        connection.consume(&mut filter, settings, QUIET).await.map_err(Error::Raw)?;
        Ok(filter.set_aside())
    })
    .await?
}

/// What a node of the broker says of itself. Nobody logs in.
pub(super) async fn server_properties(endpoint: &Endpoint) -> Result<FieldTable, Error> {
    let (stream, _socket) = dial(endpoint)
        .await
        .map_err(|cause| Error::Connect { address: endpoint.address(), cause })?;
    let mut connection = RawConnection::new(stream);
    with_timeout("saying who it is", connection.begin()).await?.map_err(Error::Raw)
}

/// Reads frames as they come from a broker, and says how many there were: for tests with damaged bytes. `input` is what a
/// connection receives.
#[cfg(feature = "failpoints")]
pub fn read_frames(mut input: &[u8]) -> std::io::Result<usize> {
    const BODY_MAX: usize = 4096;
    let mut filter = UnreadableFilter::new("dead");
    let mut frames = 0;
    while let Some((frame, length)) = frame::split_frame(input)? {
        filter.take(&frame, BODY_MAX)?;
        input = &input[length..];
        frames += 1;
    }
    Ok(frames)
}
