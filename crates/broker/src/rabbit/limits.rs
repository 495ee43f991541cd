//! How long each step of a connection's life may take, and the pauses between attempts that do not
//! grow.

use std::{future::Future, time::Duration};

use super::Error;

/// Resolving the broker's host name.
pub(super) const RESOLVE: Duration = Duration::from_secs(5);

/// Connecting to one address over TCP. Short: while the host drops packets, the kernel sends its
/// second packet after 1 s and the third after 3 s, so a new attempt finds a host that came back
/// sooner than a long wait would.
pub(super) const TCP: Duration = Duration::from_secs(2);

/// TLS and AMQP handshake together.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(15);

/// Any one answer of the broker on a connection that is set up. Declaring a quorum queue on a busy
/// cluster takes seconds.
pub(super) const ANSWER: Duration = Duration::from_secs(15);

/// The broker's answer to `connection.close`. Nothing depends on that answer, and while it is
/// waited for nothing is consumed. A broker that blocks publishers gives none.
pub(super) const CLOSE: Duration = Duration::from_secs(2);

/// The end of lapin's thread after its socket was shut down.
pub(super) const THREAD_END: Duration = Duration::from_secs(5);

/// Pause between two attempts to claim a namespace that another processor holds.
pub(super) const OWNER_PAUSE: Duration = Duration::from_millis(500);

/// Pause between two looks for missing queues and exchanges.
pub(super) const TOPOLOGY_PAUSE: Duration = Duration::from_secs(2);

/// Pause before a broken publishing channel is opened again, so that a lasting cause does not make
/// a busy loop.
pub(super) const CHANNEL_PAUSE: Duration = Duration::from_millis(500);

/// Waits for the broker's `answer`, for [`ANSWER`] at most. `what` names in the error what was
/// being done.
pub(crate) async fn with_timeout<T>(
    what: &'static str,
    answer: impl Future<Output = T>,
) -> Result<T, Error> {
    tokio::time::timeout(ANSWER, answer).await.map_err(|_| Error::Timeout(what))
}
