//! Reaching the broker: name, TCP, TLS. Each step has its own limit of time and its own error.

use std::{
    io,
    net::{Shutdown, SocketAddr},
    os::fd::AsFd,
};

use async_compat::{Compat, CompatExt};
use lapin::{AsyncTcpStream, uri::AMQPScheme};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::{connect_error::ConnectError, endpoint::Endpoint, limits};

/// A stream to the broker, in clear text or over TLS.
pub(super) type Stream = AsyncTcpStream<Compat<TcpStream>>;

/// Ends a stream's socket, whoever has the stream. Dropping it ends the socket too.
///
/// lapin closes a connection only when the last of its channels is dropped, and its own pending
/// requests hold channels: a connection that was merely dropped can go on to answer heartbeats.
#[derive(Debug)]
pub(super) struct SocketGuard(std::net::TcpStream);

impl SocketGuard {
    pub(super) fn new(stream: &TcpStream) -> io::Result<Self> {
        let descriptor = stream.as_fd().try_clone_to_owned()?;
        Ok(Self(descriptor.into()))
    }

    /// Ends the socket in both directions. What the kernel has accepted is still sent.
    pub(super) fn shut_down(&self) {
        // It fails only when the connection is gone already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Connects to the first of the host's addresses that answers, and makes the stream secure when
/// the URL says `amqps`.
pub(super) async fn dial(endpoint: &Endpoint) -> Result<(Stream, SocketGuard), ConnectError> {
    let host = endpoint.uri.authority.host.as_str();
    let resolving = lookup_host((host, endpoint.uri.authority.port));
    let addresses = timeout(limits::RESOLVE, resolving)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(ConnectError::Resolve)?;
    let stream = connect_to_first(addresses).await?;
    let guard = SocketGuard::new(&stream).map_err(ConnectError::Unreachable)?;
    let plain = AsyncTcpStream::Plain(stream.compat());
    let stream = match endpoint.uri.scheme {
        AMQPScheme::AMQP => plain,
        AMQPScheme::AMQPS => {
            let securing = plain.into_tls(host, endpoint.tls.as_ref());
            timeout(limits::HANDSHAKE, securing)
                .await
                .map_err(|_| ConnectError::TlsTimeout(limits::HANDSHAKE))?
                .map_err(ConnectError::of_tls)?
        }
    };
    Ok((stream, guard))
}

async fn connect_to_first(
    addresses: impl Iterator<Item = SocketAddr>,
) -> Result<TcpStream, ConnectError> {
    let no_address = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut failure = ConnectError::Resolve(no_address);
    for address in addresses {
        match timeout(limits::TCP, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(ConnectError::Unreachable)?;
                return Ok(stream);
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                failure = ConnectError::Refused;
            }
            Ok(Err(error)) => failure = ConnectError::Unreachable(error),
            Err(_) => failure = ConnectError::TcpTimeout(limits::TCP),
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[tokio::test]
    async fn dropping_the_guard_ends_the_socket_although_the_stream_lives() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let stream = connect_to_first([listener.local_addr().unwrap()].into_iter()).await.unwrap();
        let guard = SocketGuard::new(&stream).unwrap();
        let (mut accepted, _) = listener.accept().unwrap();

        drop(guard);

        assert_eq!(accepted.read(&mut [0]).unwrap(), 0, "the other end sees the end");
        assert_eq!(stream.try_read(&mut [0]).unwrap_or(0), 0);
    }

    #[tokio::test]
    async fn a_later_address_is_tried_when_an_earlier_one_refuses() {
        let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let refusing = closed.local_addr().unwrap();
        drop(closed);
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let listening = listener.local_addr().unwrap();

        let stream = connect_to_first([refusing, listening].into_iter()).await.unwrap();

        assert_eq!(stream.peer_addr().unwrap(), listening);
        let refused = connect_to_first([refusing].into_iter()).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Refused), "{refused:?}");
    }
}
