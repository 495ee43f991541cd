//! What answers on the broker's port when it is no AMQP broker.
//!
//! Asked only after a handshake has failed: it takes a connection of its own, which sends the header of AMQP and nothing else.

use std::{fmt, future::poll_fn, pin::Pin, time::Duration};

use futures_io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::{dial::dial, endpoint::Endpoint};

/// The header with which a client of AMQP 0-9-1 begins.
const HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// How long the first answer may take.
const ANSWER: Duration = Duration::from_secs(2);
/// The bytes of the answer that are looked at.
const LOOK: usize = 64;
/// The characters of an unknown answer that are shown.
const SHOWN: usize = 30;

/// What answers in place of an AMQP broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// An HTTP server, such as the management plugin of `RabbitMQ`.
    Http,
    /// A server that expects TLS.
    Tls,
    /// A broker that knows only other versions of AMQP.
    OtherVersion,
    /// Something else; the printable beginning of its answer.
    Other(String),
    /// The connection was closed without an answer.
    Closed,
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http => formatter.write_str(
                "an HTTP server answers there, no AMQP broker (the port of AMQP is mostly 5672, or 5671 with TLS)",
            ),
            Self::Tls => {
                formatter.write_str("what answers there expects TLS: the URL must begin with amqps://")
            }
            Self::OtherVersion => {
                formatter.write_str("the broker there does not speak AMQP 0-9-1, only another version")
            }
            Self::Other(beginning) if beginning.is_empty() => {
                formatter.write_str("what answers there is no AMQP broker")
            }
            Self::Other(beginning) => {
                write!(formatter, "what answers there is no AMQP broker: it says {beginning:?}")
            }
            Self::Closed => formatter.write_str(
                "what listens there closes the connection without an answer: it is no AMQP broker, it expects TLS \
                 (amqps://), or it is a proxy that has lost its broker",
            ),
        }
    }
}

impl Peer {
    /// What the beginning of an answer is of. `None`: of an AMQP broker.
    fn of_answer(answer: &[u8]) -> Option<Self> {
        const ALERT: u8 = 21;
        match answer {
            [] => Some(Self::Closed),
            [b'A', b'M', b'Q', b'P', ..] => Some(Self::OtherVersion),
            [b'H', b'T', b'T', b'P', b'/', ..] => Some(Self::Http),
            [ALERT, 3, ..] => Some(Self::Tls),
            // a method frame on channel 0: `connection.start`
            [1, 0, 0, ..] => None,
            _ => {
                let printable = answer.iter().take_while(|byte| (b' '..=b'~').contains(*byte));
                Some(Self::Other(printable.take(SHOWN).map(|byte| char::from(*byte)).collect()))
            }
        }
    }
}

/// Asks what answers at `endpoint`. `None`: an AMQP broker does, or nothing can be said.
pub(super) async fn identify(endpoint: &Endpoint) -> Option<Peer> {
    let (mut stream, _socket) = dial(endpoint).await.ok()?;
    let answer = timeout(ANSWER, async {
        send(&mut stream, HEADER).await?;
        first_answer(&mut stream).await
    });
    Peer::of_answer(&answer.await.ok()??)
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, mut bytes: &[u8]) -> Option<()> {
    while !bytes.is_empty() {
        let sent =
            poll_fn(|context| Pin::new(&mut *stream).poll_write(context, bytes)).await.ok()?;
        bytes = bytes.get(sent..).filter(|_| sent > 0)?;
    }
    poll_fn(|context| Pin::new(&mut *stream).poll_flush(context)).await.ok()
}

/// What the peer says first. Empty: it ended the connection.
async fn first_answer<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Vec<u8>> {
    let mut answer = vec![0; LOOK];
    let read = poll_fn(|context| Pin::new(&mut *stream).poll_read(context, &mut answer)).await;
    answer.truncate(read.unwrap_or(0)); // a reset is an end, too
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_what_is_there() {
        let other = |beginning: &str| Some(Peer::Other(beginning.to_owned()));
        for (answer, peer) in [
            (&b""[..], Some(Peer::Closed)),
            (b"HTTP/1.1 400 Bad Request\r\n", Some(Peer::Http)),
            (b"\x15\x03\x01\x00\x02\x02\x0a", Some(Peer::Tls)),
            (b"AMQP\x00\x01\x00\x00", Some(Peer::OtherVersion)),
            (b"SSH-2.0-OpenSSH_9.2p1\r\n", other("SSH-2.0-OpenSSH_9.2p1")),
            (b"-ERR unknown command `AMQP`, with args", other("-ERR unknown command `AMQP`, w")),
            (b"\xff\x00\x01", other("")),
            (b"\x01\x00\x00\x00\x00\x01\xf0\x00\x0a", None),
        ] {
            assert_eq!(Peer::of_answer(answer), peer, "{answer:?}");
        }
    }
}
